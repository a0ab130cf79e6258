package apps

import (
	"context"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/wire/agi"
)

// AsyncAGI is a channel whose dialplan stands in AGI(agi:async): somebody
// else gives it commands, one after the other. Whoever can do so (AMI's action
// AGI) hears of it by run.Options.AsyncAGI. All methods are safe concurrently.
type AsyncAGI struct {
	env      string
	commands chan agiCommand
	over     chan struct{} // closed when the application returns
}

// ErrNotWaiting says that a channel takes no AGI commands (any more).
var ErrNotWaiting = errors.New("the channel does not wait for AGI commands")

// asyncKey is where the Exec keeps its AsyncAGI.
const asyncKey = "async agi"

// AsyncAGIOf gives the queue of a channel, false if it stands in no AGI(agi:async).
func AsyncAGIOf(x *run.Exec) (*AsyncAGI, bool) {
	a, ok := x.Value(asyncKey, nil).(*AsyncAGI)
	return a, ok
}

// Environment gives the block of lines "agi_name: value" with the empty one at
// its end, which AMI's AsyncAGIStart carries as Env.
func (a *AsyncAGI) Environment() string { return a.env }

// Do has the channel carry out a command line and gives the answer, lines
// separated and ended by line feeds. It waits for its turn and for the command's
// end. Errors: ErrNotWaiting if the channel has left AGI(agi:async); the cause of
// ctx, in which case the command may be carried out still.
func (a *AsyncAGI) Do(ctx context.Context, line string) (answer string, err error) {
	var b strings.Builder
	done := make(chan string, 1)
	cmd := agiCommand{
		line: line,
		say:  func(text string) error { b.WriteString(text + "\n"); return nil },
		done: func() { done <- b.String() },
	}
	select {
	case a.commands <- cmd:
	case <-a.over:
		return "", ErrNotWaiting
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	select {
	case answer := <-done:
		return answer, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// runAsync serves commands from outside until ASYNCAGI BREAK or the hangup. A
// server on which nobody can give commands fails at once, so that no caller waits
// for nothing.
func (s *agiSession) runAsync(ctx context.Context, env agi.Environment) (status string, err error) {
	tell := s.x.Machine().Options().AsyncAGI
	if tell == nil {
		return agiFailure, errors.New("nothing on this server gives commands to agi:async")
	}
	a := &AsyncAGI{env: env.String(), commands: make(chan agiCommand), over: make(chan struct{})}
	s.x.SetValue(asyncKey, a)
	defer func() {
		s.x.SetValue(asyncKey, nil)
		close(a.over)
		tell(s.x, false)
	}()
	tell(s.x, true)
	err = s.serveAsync(ctx, a)
	if errors.Is(err, errAGIBreak) {
		return agiSuccess, nil
	}
	return agiFailure, err
}

// serveAsync is serve without the time after the hangup: AMI tells of that by
// itself.
func (s *agiSession) serveAsync(ctx context.Context, a *AsyncAGI) error {
	for {
		select {
		case cmd := <-a.commands:
			if _, err := s.answer(ctx, cmd); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
