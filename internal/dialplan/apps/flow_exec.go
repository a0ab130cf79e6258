package apps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// runText runs "App(args)" or "App".
func runText(ctx context.Context, x *run.Exec, text string) error {
	app, args := cutApp(text)
	return x.RunApp(ctx, app, args)
}

// cutApp separates "App(args)": up to the first "(" and to the last ")".
func cutApp(text string) (app, args string) {
	app, args, ok := strings.Cut(text, "(")
	if ok {
		if i := strings.LastIndexByte(args, ')'); i >= 0 {
			args = args[:i]
		}
	}
	return strings.TrimSpace(app), args
}

// execIf is ExecIf(condition?app(args)[:app(args)]). An unknown application
// ends the call; no application, next priority (spec: dialplan 5.1 ExecIf).
func execIf(ctx context.Context, x *run.Exec, args string) error {
	if !strings.Contains(args, "?") {
		return fmt.Errorf("%q has no question mark", args)
	}
	chosen := branches(args)
	if strings.TrimSpace(chosen) == "" {
		return nil
	}
	return runText(ctx, x, chosen)
}

// execIfTime is ExecIfTime(times,weekdays,mdays,months[,timezone]?app(args)).
// TESTTIME() counts, which Asterisk's ExecIfTime does not look at (observed: 22.10).
func execIfTime(ctx context.Context, x *run.Exec, args string) error {
	spec, app, ok := strings.Cut(args, "?")
	if !ok {
		return fmt.Errorf("%q has no question mark", args)
	}
	now := x.Now()
	if x.Machine().Compat() {
		now = time.Now()
	}
	if !isTime(x, spec, now) || strings.TrimSpace(app) == "" {
		return nil
	}
	return runText(ctx, x, app)
}

// execApp is Exec(app(args)): the arguments are expanded once more (Asterisk:
// app_exec.c exec_exec). An unknown application ends the call.
func execApp(ctx context.Context, x *run.Exec, args string) error {
	if strings.TrimSpace(args) == "" {
		return nil
	}
	app, given := cutApp(args)
	return x.RunApp(ctx, app, x.Expand(ctx, given))
}

// tryExec is TryExec(app(args)): as Exec, but the call goes on whatever comes of
// it. TRYSTATUS is SUCCESS, FAILED or NOAPP.
func tryExec(ctx context.Context, x *run.Exec, args string) error {
	err := execApp(ctx, x, args)
	status := "FAILED"
	_, digits := errors.AsType[*run.Digits](err)
	switch {
	case err == nil, digits:
		status = "SUCCESS"
	case errors.Is(err, run.ErrNoApp):
		status = "NOAPP"
	}
	x.Set(ctx, "TRYSTATUS", status)
	if digits || ctx.Err() != nil { // not the application's own end
		return err
	}
	return nil
}
