package run

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// endGrace is how long h and the hangup handlers may take together: a channel
// that never ends would keep the server from stopping.
const endGrace = 10 * time.Minute

// ErrStopping ends what outlives its channel when the server has to stop.
var ErrStopping = errors.New("the server stops and waits no longer")

// Hurry ends what calls still do after their hangup: h, hangup handlers, programs
// that note how the call ended. A server that stops calls it when its channels
// have been hung up for long enough. There is no way back.
func (m *Machine) Hurry() { m.hurryNow(ErrStopping) }

// Outlive gives a context for what a call does when its channel has hung up. It
// has the values of ctx, not its end, and ends with Hurry. done releases it.
func (m *Machine) Outlive(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	if m.hurry.Err() != nil {
		cancel(ErrStopping)
	}
	stop := context.AfterFunc(m.hurry, func() { cancel(ErrStopping) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// end hangs up and runs h and the hangup handlers (spec: dialplan 2.5 step 6).
// A channel that another handler has taken stays up and runs neither.
func (x *Exec) end(ctx context.Context, err error) {
	x.SetAbsolute(0)
	if (errors.Is(context.Cause(ctx), pbx.ErrReplaced) || x.c.Succeeded()) && x.c.Context().Err() == nil {
		return
	}
	if code := x.hangupCause(); code == cause.Unknown {
		x.c.HangupBare(errors.Is(err, errNoDialplan))
	} else {
		x.c.Hangup(code)
	}
	<-x.c.Context().Done()
	if r, ok := x.c.Result(); ok && r.ByPeer && !errors.Is(err, errNoDialplan) {
		_ = x.c.Tell(pbx.Event{Type: pbx.ChannelProgramEnded}) // ErrGone: nobody cares
	}
	// h belongs to the call, which is over: it has its own time.
	ctx, done := x.m.Outlive(ctx)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, endGrace)
	defer cancel()
	x.mu.Lock()
	x.inH = true
	x.mu.Unlock()
	if h := (Position{x.hContext(), "h", 1}); !errors.Is(err, errNoContext) && x.Step(h) != nil {
		x.logEnd(x.steps(ctx, h, false))
	}
	for {
		target, ok := x.takeHangupHandler()
		if !ok || ctx.Err() != nil {
			return
		}
		x.logEnd(x.hangupHandler(ctx, target))
	}
}

// hangupHandler runs "ctx,exten,prio(args)".
func (x *Exec) hangupHandler(ctx context.Context, target string) error {
	place, args := CutArgs(target)
	to, err := x.Target(ctx, place)
	if err != nil {
		return err
	}
	return x.Sub(ctx, to, dialplan.SplitArgs(args))
}

func (x *Exec) logEnd(err error) {
	if err != nil && !errors.Is(err, ErrEnd) && !isEnd(err) {
		x.Warn("after the hangup: %v", err)
	}
}

// isEnd says that err only tells of the channel's end.
func isEnd(err error) bool {
	return errors.Is(err, pbx.ErrGone) || errors.Is(err, pbx.ErrHungUp) || errors.Is(err, pbx.ErrReplaced) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// SetHangupCause says with which cause the channel is hung up when the
// dialplan ends: Hangup(17). 0 is 16, of which Asterisk's clients hear nothing
// (pbx.Channel.HangupBare).
func (x *Exec) SetHangupCause(c cause.Code) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hangup = c
}

func (x *Exec) hangupCause() cause.Code {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.hangup
}

// PushHangupHandler adds a Gosub target "ctx,exten,prio(args)" that runs after h;
// the last one pushed runs first.
func (x *Exec) PushHangupHandler(target string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.handlers = append(x.handlers, target)
}

// PopHangupHandler removes the newest, if there is one.
func (x *Exec) PopHangupHandler() { x.takeHangupHandler() }

// WipeHangupHandlers removes all.
func (x *Exec) WipeHangupHandlers() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.handlers = nil
}

func (x *Exec) takeHangupHandler() (string, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := len(x.handlers)
	if n == 0 {
		return "", false
	}
	target := x.handlers[n-1]
	x.handlers = x.handlers[:n-1]
	return target, true
}
