package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoApp says that there is no application of the name that follows.
var ErrNoApp = errors.New("there is no application")

// waits is how long an application that is not Instant must have taken to
// count as one that has waited for something (circles).
const waits = 10 * time.Millisecond

// RunApp runs an application by name with expanded arguments: Exec, ExecIf,
// AGI's EXEC. ErrNoApp if there is none of that name.
func (x *Exec) RunApp(ctx context.Context, name, args string) error {
	a, ok := x.m.App(name)
	if !ok || (a.Old != "" && a.removed(x.m)) {
		return fmt.Errorf("%w %s", ErrNoApp, strings.TrimSpace(name))
	}
	if a.Old != "" {
		x.m.WarnOnce(fmt.Sprintf("application %s is a name of the past; use %s", a.Name, a.Old))
	}
	x.noteApp(a.Name, args)
	if a.Danger != 0 && !x.Allowed(a.Danger, "application "+a.Name) {
		if a.Refused == nil {
			return nil
		}
		return a.Refused(ctx, x, args)
	}
	ctx, done := x.limited(ctx)
	defer done()
	if errors.Is(context.Cause(ctx), errAbsolute) {
		return errAbsolute
	}
	begun := time.Now()
	err := a.Run(ctx, x, args)
	if !a.Instant && time.Since(begun) >= waits {
		x.waited()
	}
	if errors.Is(context.Cause(ctx), errAbsolute) {
		return errAbsolute
	}
	return err
}

// removed says that Asterisk 22 does not have the application any more, and
// that the machine is to behave like it (spec: dialplan D5).
func (a *App) removed(m *Machine) bool { return m.Compat() && !a.Kept }

// noteApp tells the channel which application runs. What runs after the
// hangup is not part of the call's record (Asterisk: cdr.c, endbeforehexten).
func (x *Exec) noteApp(app, args string) {
	x.mu.Lock()
	if !x.inH {
		x.lastApp, x.lastArgs = app, args
	}
	at := x.at
	x.mu.Unlock()
	if at.Priority == 0 { // an application without a dialplan is no step of one (observed: Asterisk 22.10, AMI trace d1)
		_ = x.c.EnterApplication(app, args) // nor has a dead channel a position
		return
	}
	_ = x.c.SetPosition(at.Context, at.Exten, at.Priority, app, args)
}

// runApp is RunApp for the interpreter: an application that is not there ends
// the call, any error is logged.
func (x *Exec) runApp(ctx context.Context, name, args string) error {
	err := x.RunApp(ctx, name, args)
	switch {
	case err == nil, errors.Is(err, ErrEnd), errors.Is(err, errReturned), errors.Is(err, errAbsolute):
		return err
	case errors.Is(err, ErrNoApp):
		if x.m.o.SkipUnsupported && Unsupported(name) {
			x.Warn("application %s is not supported and was skipped", name)
			return nil
		}
		x.Warn("%v; the call is ended", err) // which may be one inside this one
		return ErrEnd
	}
	if _, ok := errors.AsType[*Digits](err); ok {
		return err
	}
	if isEnd(err) && (ctx.Err() != nil || x.c.Context().Err() != nil) {
		return err
	}
	x.Warn("application %s: %v; the call is ended", strings.TrimSpace(name), err)
	return ErrEnd
}
