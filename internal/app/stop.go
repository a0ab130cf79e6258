package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// afterDrain is how long the rest of an orderly stop may take once calls have
// ended or were hung up.
const afterDrain = 15 * time.Second

// Stop ends the server in order and returns when all is quiet: it takes no new
// work, lets calls end for server.drain, hangs up those that are left, and undoes
// the start. When ctx ends sooner, or somebody says core stop now, calls are hung up
// then. Until calls have ended the doors answer, so that they can be followed and hung up. Further calls wait
// for the first and give its result.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		a.stopping.Store(true)
		a.ends.abort()
		patience := a.Config().Server.Drain.Duration
		ctx, hasten := context.WithCancel(ctx)
		defer hasten()
		defer context.AfterFunc(a.ends.hurried(), hasten)()
		// What comes after the calls gets its own time: a stop that was told to
		// hurry must still close the database.
		all, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience+afterDrain)
		defer cancel()
		err := a.drain(ctx, all, patience)
		a.tellShutdown()
		a.stopErr = errors.Join(err, a.stack.unwind(all, a.log))
		a.log.InfoContext(all, "stopped", "err", a.stopErr)
	})
	return a.stopErr
}

// drain ends all calls: those of the queue first, because they may hold
// channels, then those that phones made. hurry and patience bound how long they
// may go on by themselves.
func (a *App) drain(hurry, all context.Context, patience time.Duration) error {
	if !a.running.Load() {
		return nil
	}
	let, cancel := context.WithTimeout(hurry, patience)
	defer cancel()
	defer a.hurryAfter(let)()
	a.log.InfoContext(all, "stopping; calls may go on", "for", patience)
	var errs []error
	if err := a.originator.Stop(let); err != nil {
		errs = append(errs, fmt.Errorf("stop calls: %w", err))
	}
	a.sip.Drain() // not sooner: a call in progress may still dial its second party
	if err := a.pbx.Drain(let); err != nil && let.Err() == nil {
		errs = append(errs, fmt.Errorf("drain the switch: %w", err))
	}
	if err := a.pbx.Stop(all); err != nil {
		errs = append(errs, fmt.Errorf("hang up: %w", err))
	}
	return errors.Join(errs...)
}

// afterHangup is how long the dialplan may go on, in h and by AGI programs, when
// calls were hung up. It is shorter than what the originator waits for them.
const afterHangup = 5 * time.Second

// hurryAfter ends what runs after hangups, afterHangup after let has. The
// function that it gives ends the waiting for that.
func (a *App) hurryAfter(let context.Context) (done func()) {
	over := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-let.Done():
		case <-over:
			return
		}
		t := time.NewTimer(afterHangup)
		defer t.Stop()
		select {
		case <-t.C:
			a.machine.Hurry()
		case <-over:
		}
	})
	return func() {
		close(over)
		waiting.Wait()
	}
}

// Ready is rest.Control: nil when calls are accepted.
func (a *App) Ready() error {
	if a.stopping.Load() {
		return errors.New("stopping: no new calls are accepted")
	}
	return a.originator.Ready()
}

// DefaultAccount is rest.Control.
func (a *App) DefaultAccount() call.AccountID { return call.AccountID(a.Config().Originate.Account) }

// Failed gives the error of a door whose server broke.
func (a *App) Failed() <-chan error { return a.failed }

var _ rest.Control = (*App)(nil)

// Run starts the server and serves until ctx ends or a door breaks, then stops
// it. started is called once, when everything is open. hup asks for a reload.
// When stopNow ends during the stop, calls are hung up at once. ErrRestart says that it
// ended in order and is to start again.
func (a *App) Run(ctx, stopNow context.Context, hup <-chan struct{}, started func(Ready)) error {
	r, err := a.Start(ctx)
	if err != nil {
		return err
	}
	if started != nil {
		started(r)
	}
	for {
		select {
		case <-hup:
			if _, err := a.Reload(ctx); err != nil {
				a.log.ErrorContext(ctx, "configuration was not loaded; the old one stays in force", "err", err)
			}
		case err := <-a.failed:
			return errors.Join(fmt.Errorf("a door broke: %w", err), a.Stop(stopNow))
		case <-a.ends.wishes():
			return a.end(stopNow)
		case <-ctx.Done():
			return a.Stop(stopNow)
		}
	}
}
