package run

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// Goto sends the channel to a position when the present application has
// returned nil. Exten "" and priority 0 are not replaced; see Target.
func (x *Exec) Goto(p Position) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.jump = &p
}

// ErrTarget is what Target gives when the place is not there.
var ErrTarget = errors.New("no such place in the dialplan")

// Target reads "[[context,]exten,]priority": priority is a number, +n or -n
// relative to the present one, or a label (spec: dialplan 5.1 Goto). A label that
// does not exist gives ErrTarget; numbers are not checked.
func (x *Exec) Target(text string) (Position, error) {
	here := x.Position()
	parts := dialplan.SplitArgs(strings.TrimSpace(text))
	to := here
	var prio string
	switch len(parts) {
	case 0:
		return here, fmt.Errorf("%w: nothing was named", ErrTarget)
	case 1:
		prio = parts[0]
	case 2:
		to.Exten, prio = parts[0], parts[1]
	default:
		to.Context, to.Exten, prio = parts[0], parts[1], parts[2]
		if to.Context == "" {
			to.Context = here.Context
		}
		if to.Exten == "" {
			to.Exten = here.Exten
		}
	}
	prio = strings.TrimSpace(prio)
	if n, err := strconv.Atoi(prio); err == nil {
		if prio[0] == '+' || prio[0] == '-' {
			n += here.Priority
		}
		if n < 1 {
			return here, fmt.Errorf("%w: priority %s", ErrTarget, prio)
		}
		to.Priority = n
		return to, nil
	}
	to.Priority = x.Plan().Label(to.Context, to.Exten, prio, x.Caller())
	if to.Priority == 0 {
		return here, fmt.Errorf("%w: label %q in %s,%s", ErrTarget, prio, to.Context, to.Exten)
	}
	return to, nil
}

// Step finds the step at a position, nil if there is none.
func (x *Exec) Step(p Position) *dialplan.Step {
	return x.Plan().Find(p.Context, p.Exten, p.Priority, x.Caller())
}

// Gosub pushes the present position with arguments and goes to a place
// (spec: dialplan 5.1 Gosub). ErrTarget if there is no step there.
func (x *Exec) Gosub(ctx context.Context, to Position, args []string) error {
	if x.Step(to) == nil {
		return fmt.Errorf("%w: %s", ErrTarget, to)
	}
	x.push(ctx, frame{back: x.Position()}, args)
	x.Goto(to)
	return nil
}

// push opens a frame with its arguments.
func (x *Exec) push(ctx context.Context, f frame, args []string) {
	f.locals = make(map[string]*string)
	x.mu.Lock()
	x.stack = append(x.stack, f)
	x.mu.Unlock()
	old, _ := strconv.Atoi(x.Get("ARGC"))
	for i, a := range args {
		x.SetLocal(ctx, "ARG"+strconv.Itoa(i+1), a)
	}
	for i := len(args) + 1; i <= old; i++ { // arguments of the caller are not ours
		x.SetLocal(ctx, "ARG"+strconv.Itoa(i), "")
	}
	x.SetLocal(ctx, "ARGC", strconv.Itoa(len(args)))
}

// SetLocal writes a variable that lives until the present Gosub returns and
// hides one of the same name (LOCAL()). Outside of any Gosub it is false.
func (x *Exec) SetLocal(_ context.Context, name, value string) bool {
	x.mu.Lock()
	n := len(x.stack)
	if n == 0 {
		x.mu.Unlock()
		return false
	}
	locals := x.stack[n-1].locals
	if _, kept := locals[name]; !kept {
		if v, ok := x.c.PlainVariable(name); ok {
			locals[name] = &v
		} else {
			locals[name] = nil
		}
	}
	x.mu.Unlock()
	x.put(name, value)
	return true
}

// Depth is how many Gosubs are open.
func (x *Exec) Depth() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.stack)
}

// Local reads the value that a LOCAL has, false if the present frame has none
// of that name.
func (x *Exec) Local(name string) (string, bool) {
	x.mu.Lock()
	n := len(x.stack)
	if n == 0 {
		x.mu.Unlock()
		return "", false
	}
	_, ok := x.stack[n-1].locals[name]
	x.mu.Unlock()
	if !ok {
		return "", false
	}
	return x.c.PlainVariable(name)
}

// put sets a plain variable, also on a channel that has hung up.
func (x *Exec) put(name, value string) {
	if err := x.c.SetVariable(name, value); err != nil {
		x.c.SetDeadVariable(name, value)
	}
}

// Pop drops the newest Gosub and gives where it was; ok is false if there is
// none. With its locals gone, what they hid is back.
func (x *Exec) Pop() (back Position, floor, ok bool) {
	x.mu.Lock()
	n := len(x.stack)
	if n == 0 {
		x.mu.Unlock()
		return Position{}, false, false
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
	return f.back, f.floor, true
}

// errReturned ends the run of Sub.
var errReturned = errors.New("returned")

// Return ends the newest Gosub: the call goes on behind it. ErrEnd if there is
// none (spec: dialplan 5.1 Return).
func (x *Exec) Return(ctx context.Context, value string) error {
	back, floor, ok := x.Pop()
	if !ok {
		x.Warn("Return without Gosub")
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
// any goroutine that has the channel to itself. ErrTarget if it is not there;
// ErrEnd if it ended the call instead of returning; otherwise as an application.
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
	x.push(ctx, frame{back: at, floor: true}, args)
	err := x.steps(ctx, to)
	for x.Depth() > depth { // it ended without returning
		x.Pop()
	}
	x.mu.Lock()
	x.at, x.step, x.jump = at, step, jump
	x.mu.Unlock()
	if errors.Is(err, errReturned) {
		return nil
	}
	if err == nil {
		return ErrEnd
	}
	return err
}
