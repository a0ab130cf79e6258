package run

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxDepth is how many Gosubs and Macros may be open: a subroutine that calls
// itself without end is stopped before it eats the server.
const maxDepth = 2000

// frame is one Gosub or Macro that has not returned.
type frame struct {
	back   Position           // of the Gosub itself; Return goes on behind it
	locals map[string]*string // values that the frame's LOCAL() and ARGn hide; nil = was unset
	floor  bool               // Sub: Return ends the run
	macro  string             // Macro: its context, whose end returns; "" = Gosub
}

// errReturned ends the run of Sub.
var errReturned = errors.New("returned")

// Gosub pushes the present position with arguments and goes to a place
// (spec: dialplan 5.1 Gosub). ErrTarget if there is no step there; ErrEnd if
// too many are open.
func (x *Exec) Gosub(ctx context.Context, to Position, args []string) error {
	if x.Step(to) == nil {
		return fmt.Errorf("%w: %s", ErrTarget, to)
	}
	if err := x.push(ctx, frame{back: x.Position()}, args); err != nil {
		return err
	}
	x.Goto(to)
	return nil
}

// Macro runs macro-NAME,s,1 with arguments; its end, like MacroExit, goes on
// behind the Macro (spec: dialplan 5.4; Asterisk: app_macro.c of 20). ErrTarget
// if there is no such macro.
func (x *Exec) Macro(ctx context.Context, name string, args []string) error {
	at := x.Position()
	to := Position{"macro-" + name, "s", 1}
	if x.Step(to) == nil {
		return fmt.Errorf("%w: %s", ErrTarget, to)
	}
	if err := x.push(ctx, frame{back: at, macro: to.Context}, args); err != nil {
		return err
	}
	x.SetLocal(ctx, "MACRO_EXTEN", at.Exten)
	x.SetLocal(ctx, "MACRO_CONTEXT", at.Context)
	x.SetLocal(ctx, "MACRO_PRIORITY", strconv.Itoa(at.Priority))
	x.SetLocal(ctx, "MACRO_OFFSET", "")
	x.Goto(to)
	return nil
}

// MacroExit leaves the Macro that runs and goes on behind it, false if none
// runs. MACRO_OFFSET=n skips n priorities, if there is a step then.
func (x *Exec) MacroExit() bool {
	next, ok := x.macroEnd()
	if ok {
		x.Goto(next)
	}
	return ok
}

// macroEnd drops the newest frame if it is a Macro's and gives where to go on.
func (x *Exec) macroEnd() (Position, bool) {
	x.mu.Lock()
	n := len(x.stack)
	macro := n > 0 && x.stack[n-1].macro != ""
	x.mu.Unlock()
	if !macro {
		return Position{}, false
	}
	offset, _ := strconv.Atoi(x.Get("MACRO_OFFSET"))
	next, _, _ := x.pop()
	next.Priority++
	if far := (Position{next.Context, next.Exten, next.Priority + offset}); offset != 0 && x.Step(far) != nil {
		next = far
	}
	return next, true
}

// leaveMacros drops the Macros that a jump to another context has left.
func (x *Exec) leaveMacros(to Position) {
	for {
		x.mu.Lock()
		n := len(x.stack)
		left := n > 0 && x.stack[n-1].macro != "" && x.stack[n-1].macro != to.Context
		x.mu.Unlock()
		if !left {
			return
		}
		x.pop()
	}
}

// hContext is the context whose h runs at the end: the present one, or that
// from which a Macro was called.
func (x *Exec) hContext() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := len(x.stack) - 1; i >= 0 && x.stack[i].macro != ""; i-- {
		if i == 0 || x.stack[i-1].macro == "" {
			return x.stack[i].back.Context
		}
	}
	return x.at.Context
}

// push opens a frame with its arguments.
func (x *Exec) push(ctx context.Context, f frame, args []string) error {
	f.locals = make(map[string]*string)
	old, _ := strconv.Atoi(x.Get("ARGC"))
	x.mu.Lock()
	if len(x.stack) >= maxDepth {
		x.mu.Unlock()
		x.Warn("%d subroutines are open and none returns; the call is ended", maxDepth)
		return ErrEnd
	}
	x.stack = append(x.stack, f)
	x.mu.Unlock()
	for i, a := range args {
		x.SetLocal(ctx, "ARG"+strconv.Itoa(i+1), a)
	}
	for i := len(args) + 1; i <= old; i++ { // arguments of the caller are not ours
		x.SetLocal(ctx, "ARG"+strconv.Itoa(i), "")
	}
	x.SetLocal(ctx, "ARGC", strconv.Itoa(len(args)))
	return nil
}

// SetLocal writes a variable that lives until the present Gosub returns and
// hides one of the same name (LOCAL()). Outside of any Gosub it is false.
func (x *Exec) SetLocal(_ context.Context, name, value string) bool {
	plain := strings.TrimPrefix(strings.TrimPrefix(name, "_"), "_")
	old, set := x.c.PlainVariable(plain)
	x.mu.Lock()
	n := len(x.stack)
	if n == 0 {
		x.mu.Unlock()
		return false
	}
	locals := x.stack[n-1].locals
	if _, kept := locals[plain]; !kept {
		locals[plain] = nil
		if set {
			locals[plain] = &old
		}
	}
	x.mu.Unlock()
	x.put(name, value)
	return true
}

// Local reads the value that a LOCAL has, false if the present frame has none
// of that name.
func (x *Exec) Local(name string) (string, bool) {
	x.mu.Lock()
	n := len(x.stack)
	ok := false
	if n > 0 {
		_, ok = x.stack[n-1].locals[name]
	}
	x.mu.Unlock()
	if !ok {
		return "", false
	}
	return x.c.PlainVariable(name)
}

// Depth is how many Gosubs and Macros are open.
func (x *Exec) Depth() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.stack)
}

// Pop drops the newest Gosub, and Macros that were begun inside it, and gives
// where it was. floor says that it was begun by Sub; ok is false if there is
// none. With its locals gone, what they hid is back.
func (x *Exec) Pop() (back Position, floor, ok bool) {
	for x.hasGosub() {
		f, _ := x.drop()
		if f.macro == "" {
			return f.back, f.floor, true
		}
	}
	return Position{}, false, false
}

// hasGosub says whether a Gosub is open, beside Macros.
func (x *Exec) hasGosub() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range x.stack {
		if f.macro == "" {
			return true
		}
	}
	return false
}

// pop drops the newest frame of either kind.
func (x *Exec) pop() (back Position, floor, ok bool) {
	f, ok := x.drop()
	return f.back, f.floor, ok
}

// drop takes the newest frame away and uncovers what its locals hid.
func (x *Exec) drop() (frame, bool) {
	x.mu.Lock()
	n := len(x.stack)
	if n == 0 {
		x.mu.Unlock()
		return frame{}, false
	}
	f := x.stack[n-1]
	x.stack = x.stack[:n-1]
	x.mu.Unlock()
	for name, v := range f.locals {
		if v != nil {
			x.put(name, *v)
			continue
		}
		if err := x.c.UnsetVariable(name); err != nil {
			x.c.UnsetDeadVariable(name)
		}
	}
	return f, true
}

// Return ends the newest Gosub: the call goes on behind it. ErrEnd if there is
// none (spec: dialplan 5.1 Return). A value "" empties GOSUB_RETVAL.
func (x *Exec) Return(_ context.Context, value string) error {
	back, floor, ok := x.Pop()
	if !ok {
		x.Warn("Return without Gosub; the call is ended")
		return ErrEnd
	}
	x.put("GOSUB_RETVAL", value)
	if floor {
		return errReturned
	}
	back.Priority++
	x.Goto(back)
	return nil
}

// Sub runs a subroutine to its Return, now and here: Dial's U, b and B, hangup
// handlers, AGI's GOSUB. It may be called on a channel that no dialplan runs, from
// any goroutine that has the channel to itself. An extension "" is s, a priority 0
// is 1. ErrTarget if it is not there; ErrEnd if it ended the call instead of
// returning; otherwise as an application.
func (x *Exec) Sub(ctx context.Context, to Position, args []string) error {
	if to.Exten == "" {
		to.Exten = "s"
	}
	if to.Priority == 0 {
		to.Priority = 1
	}
	if x.Step(to) == nil {
		return fmt.Errorf("%w: %s", ErrTarget, to)
	}
	x.mu.Lock()
	at, step, jump := x.at, x.step, x.jump
	x.jump = nil
	depth := len(x.stack)
	x.mu.Unlock()
	ctx, cancel := x.untilHangup(ctx)
	defer cancel()
	err := x.push(ctx, frame{back: at, floor: true}, args)
	if err == nil {
		err = x.steps(ctx, to, true)
	}
	for x.Depth() > depth { // it ended without returning
		x.pop()
	}
	x.mu.Lock()
	x.moveTo(at)
	x.step, x.jump = step, jump
	x.mu.Unlock()
	switch {
	case errors.Is(err, errReturned):
		return nil
	case err == nil:
		return ErrEnd
	}
	return err
}

// untilHangup gives a context that also ends with the channel, which need not
// be the caller's: Dial runs subroutines on the other side. After the hangup
// there is nothing to watch.
func (x *Exec) untilHangup(ctx context.Context) (context.Context, func()) {
	if x.dead() {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	own := x.c.Context()
	stop := context.AfterFunc(own, func() { cancel(context.Cause(own)) })
	return ctx, func() { stop(); cancel(nil) }
}

// put sets a plain variable, also on a channel that has hung up.
func (x *Exec) put(name, value string) {
	if err := x.c.SetVariable(name, value); err != nil {
		x.c.SetDeadVariable(name, value)
	}
}
