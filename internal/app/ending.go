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
//
// An end that has begun cannot be taken back, but hastened: now ends its patience, and
// decides anew whether the server starts again.
type ending struct {
	once   sync.Once
	asked  chan struct{}
	hurry  context.Context // ends when calls are to be hung up
	hasten context.CancelFunc

	mu      sync.Mutex // guards the fields below
	told    bool       // Run knows
	waiting context.CancelFunc
	work    sync.WaitGroup
}

func (e *ending) init() {
	e.once.Do(func() {
		e.asked = make(chan struct{}, 1)
		e.hurry, e.hasten = context.WithCancel(context.Background()) // of the server's end, whatever becomes of the commands
	})
}

// wishes gives the channel on which an end is asked for, once.
func (e *ending) wishes() <-chan struct{} {
	e.init()
	return e.asked
}

// hurried ends when the calls that are left are to be hung up.
func (e *ending) hurried() context.Context {
	e.init()
	return e.hurry
}

var errEnding = errors.New("the server is stopping already")

// ask begins an end, or hastens one that has begun.
func (e *ending) ask(a *App, how string, restart bool) error {
	if how == "when convenient" {
		return e.wait(a, restart)
	}
	e.abort()
	return e.wish(a, how == "now", restart)
}

func (e *ending) wish(a *App, now, restart bool) error {
	e.init()
	e.mu.Lock()
	defer e.mu.Unlock()
	begun := e.told || a.stopping.Load()
	if begun && !now {
		return errEnding
	}
	if now {
		e.hasten()
	}
	if e.told || !begun { // else a signal ends the server, which does not start again
		a.restarting.Store(restart)
	}
	if !begun {
		e.told = true
		e.asked <- struct{}{} // there is room: it is the first
	}
	return nil
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
			_ = e.wish(a, false, restart) // or it ends already
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
func (a *App) end(stopNow context.Context) error {
	if err := a.Stop(stopNow); err != nil || !a.restarting.Load() {
		return err
	}
	return ErrRestart
}
