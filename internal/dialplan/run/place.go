package run

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// ErrTarget is what Target, Gosub and Sub give when the place is not there.
var ErrTarget = errors.New("no such place in the dialplan")

// outside marks in a context that what runs is no step of a dialplan: an application by
// itself, a function or a subroutine that a door was asked for.
type outside struct{}

func fromOutside(ctx context.Context) context.Context { return context.WithValue(ctx, outside{}, true) }

// Settled takes the mark back: the places that follow are named by the dialplan or by a
// configuration file, whose owner may enter every context.
func Settled(ctx context.Context) context.Context {
	if ctx.Value(outside{}) != true {
		return ctx
	}
	return context.WithValue(ctx, outside{}, false)
}

// Enter asks Options.Enter whether the channel's account may enter a context, if it is
// not the dialplan that names it.
func (x *Exec) Enter(ctx context.Context, in string) error {
	if ctx.Value(outside{}) != true || x.m.o.Enter == nil {
		return nil
	}
	if err := x.m.o.Enter(ctx, x.c, in); err != nil {
		return fmt.Errorf("%w: %w", ErrTarget, err)
	}
	return nil
}

// Goto sends the channel to a position when the present application has
// returned nil. The position is taken as it is; see Target. A position that has
// no step is found out by the loop: extension i, or the end.
func (x *Exec) Goto(p Position) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.jump = &p
}

// Target reads "[[context,]exten,]priority": priority is a number, +n or -n
// relative to the present one, or a label (spec: dialplan 5.1 Goto). A label that
// does not exist gives ErrTarget, and so does a context that Enter refuses; numbers are
// not checked.
func (x *Exec) Target(ctx context.Context, text string) (Position, error) {
	here := x.Position()
	parts := dialplan.SplitArgs(strings.TrimSpace(text))
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	to := here
	var prio string
	switch len(parts) {
	case 0:
		return here, fmt.Errorf("%w: none was named", ErrTarget)
	case 1:
		prio = parts[0]
	case 2:
		to.Exten, prio = parts[0], parts[1]
	default: // an empty context or extension is the present one
		if parts[0] != "" {
			to.Context = parts[0]
		}
		if parts[1] != "" {
			to.Exten = parts[1]
		}
		prio = parts[2]
	}
	if err := x.Enter(ctx, to.Context); err != nil {
		return here, err
	}
	var err error
	to.Priority, err = x.priority(to, prio)
	if err != nil {
		return here, err
	}
	return to, nil
}

// priority reads a priority of an extension: "3", "+1", "-2", "label".
func (x *Exec) priority(to Position, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		if n = x.Plan().Label(to.Context, to.Exten, text, x.Caller()); text == "" || n == 0 {
			return 0, fmt.Errorf("%w: label %q in %s,%s", ErrTarget, text, to.Context, to.Exten)
		}
		return n, nil
	}
	if text[0] == '+' || text[0] == '-' {
		n += x.Position().Priority
	}
	if n < 1 {
		return 0, fmt.Errorf("%w: priority %s", ErrTarget, text)
	}
	return n, nil
}

// Step finds the step at a position, nil if there is none.
func (x *Exec) Step(p Position) *dialplan.Step {
	return x.Plan().Find(p.Context, p.Exten, p.Priority, x.Caller())
}

// CutArgs separates "ctx,exten,prio(a,b)" into place and arguments. Without
// parentheses there are no arguments; a missing ")" is forgiven.
func CutArgs(target string) (place, args string) {
	place, args, ok := strings.Cut(target, "(")
	if ok {
		if i := strings.LastIndexByte(args, ')'); i >= 0 {
			args = args[:i]
		}
	}
	return strings.TrimSpace(place), args
}
