package app

import (
	"context"
	"errors"
	"sync"

	"github.com/dialwright/dialwright/internal/pbx"
)

// ErrRestart is what Run gives when the server has ended in order and somebody wants it
// to start again.
var ErrRestart = errors.New("restart")

// ending is how a server ends that is told to from inside (core stop, core restart).
//
//	now              no new calls, those that there are are hung up
//	gracefully       no new calls; those that there are may go on for server.drain
//	when convenient  goes on as ever until there is no call, then ends; can be taken back
type ending struct {
	once  sync.Once
	asked chan end

	mu      sync.Mutex // guards the fields below
	waiting context.CancelFunc
	work    sync.WaitGroup
}

// end is a wish.
type end struct{ now, restart bool }

// wishes gives the channel of what was asked for.
func (e *ending) wishes() chan end {
	e.once.Do(func() { e.asked = make(chan end, 1) })
	return e.asked
}

var errEnding = errors.New("the server is stopping already")

// ask begins an end.
func (e *ending) ask(a *App, how string, restart bool) error {
	if how == "when convenient" {
		return e.wait(a, restart)
	}
	e.abort()
	return e.wish(end{now: how == "now", restart: restart})
}

func (e *ending) wish(w end) error {
	select {
	case e.wishes() <- w:
		return nil
	default:
		return errEnding
	}
}

// wait ends the server when there is no call.
func (e *ending) wait(a *App, restart bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting != nil {
		return errors.New("a stop or restart waits for calls to end already; core abort shutdown takes it back")
	}
	if a.stopping.Load() {
		return errEnding
	}
	ctx, cancel := context.WithCancel(context.Background()) // it outlives the command; abort ends it
	e.waiting = cancel
	gone, done := a.pbx.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelDestroyed, pbx.EventsLost}}, 64)
	e.work.Go(func() {
		defer done()
		for a.pbx.Stats().Channels > 0 {
			select {
			case <-ctx.Done():
				return
			case _, open := <-gone:
				if !open {
					return
				}
			}
		}
		if ctx.Err() == nil {
			_ = e.wish(end{restart: restart}) // or it ends already
		}
	})
	return nil
}

// abort takes back an end that waits, and returns when it does so no more. False: none
// did.
func (e *ending) abort() bool {
	e.mu.Lock()
	cancel := e.waiting
	e.waiting = nil
	e.mu.Unlock()
	if cancel == nil {
		return false
	}
	cancel()
	e.work.Wait()
	return true
}

// end ends the server as it was told to from inside.
func (a *App) end(ctx, stopNow context.Context, w end) error {
	if w.now {
		hurry, cancel := context.WithCancel(ctx)
		cancel() // no patience with calls
		stopNow = hurry
	}
	a.restarting.Store(w.restart)
	if err := a.Stop(stopNow); err != nil || !w.restart {
		return err
	}
	return ErrRestart
}
