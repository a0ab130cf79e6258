package apps

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// wait is Wait(seconds): fractions are allowed; what is no positive number
// returns at once. Digits typed meanwhile are forgotten (spec: dialplan 5.1 Wait).
func wait(ctx context.Context, x *run.Exec, args string) error {
	d, _ := readSeconds(args)
	if d <= 0 {
		return nil
	}
	err := pause(ctx, x, d)
	x.Flush()
	return err
}

// pause waits for d, or the end of the call.
func pause(ctx context.Context, x *run.Exec, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done(): // after the hangup it is h's own, which still waits
		return context.Cause(ctx)
	}
}

// waitExten is WaitExten([seconds][,m(class)|d(tone)]): waits for the digits of
// an extension. When none comes the call goes on if there is a next priority,
// else to t (spec: dialplan 5.1 WaitExten, 2.6).
func waitExten(ctx context.Context, x *run.Exec, args string) error {
	secs, opts := cutOutside(args, ',')
	_, limit := x.Timeouts()
	if strings.TrimSpace(secs) != "" {
		limit, _ = readSeconds(secs)
	}
	stop, err := sounding(ctx, x, strings.TrimSpace(opts))
	if err != nil {
		return err
	}
	r, err := x.Digit(ctx, max(limit, 0))
	if serr := stop(); serr != nil && err == nil {
		err = serr
	}
	switch {
	case err == nil:
		return &run.Digits{First: string(r)}
	case !errors.Is(err, pbx.ErrTimeout):
		return err
	}
	next := x.Position()
	next.Priority++
	if x.Step(next) != nil {
		return nil
	}
	return &run.Digits{}
}

// sounding plays what an option of WaitExten wants while it waits: music with
// m(class), a dial tone with d(tone).
func sounding(ctx context.Context, x *run.Exec, opts string) (stop func() error, err error) {
	var start, arg, end string
	_, inner, _ := strings.Cut(opts, "(")
	inner, _, _ = strings.Cut(inner, ")")
	switch {
	case strings.HasPrefix(opts, "m"):
		start, arg, end = "StartMusicOnHold", inner, "StopMusicOnHold"
	case strings.HasPrefix(opts, "d"):
		start, arg, end = "Playtones", inner, "StopPlaytones"
		if arg == "" {
			arg = "dial"
		}
	default:
		return func() error { return nil }, nil
	}
	if err := x.RunApp(ctx, start, arg); err != nil {
		return nil, err
	}
	return func() error {
		if x.Channel().Context().Err() != nil {
			return nil
		}
		return x.RunApp(ctx, end, "")
	}, nil
}

// waitDigit is WaitDigit([seconds[,digits]]): waits for one of the digits, all
// of them if none are named. WAITDIGITSTATUS is DTMF, TIMEOUT, CANCEL or ERROR;
// WAITDIGITRESULT the digit (Asterisk: app_waitdigit in pbx_builtins.c of 20.8).
func waitDigit(ctx context.Context, x *run.Exec, args string) error {
	secs, digits, _ := strings.Cut(args, ",")
	_, limit := x.Timeouts()
	if secs = strings.TrimSpace(secs); secs != "" {
		d, ok := readSeconds(secs)
		if !ok || d < 0 {
			x.Warn("WaitDigit(%s): not a number of seconds", args)
			x.Set(ctx, "WAITDIGITSTATUS", "ERROR")
			return nil
		}
		limit = d
	}
	x.Set(ctx, "WAITDIGITRESULT", "")
	until := time.Now().Add(limit)
	for {
		r, err := x.Digit(ctx, max(time.Until(until), 0))
		switch {
		case errors.Is(err, pbx.ErrTimeout):
			x.Set(ctx, "WAITDIGITSTATUS", "TIMEOUT")
			return nil
		case err != nil:
			x.Set(ctx, "WAITDIGITSTATUS", "CANCEL")
			return err
		case digits == "" || strings.ContainsRune(strings.ToUpper(digits), r):
			x.Set(ctx, "WAITDIGITRESULT", string(r))
			x.Set(ctx, "WAITDIGITSTATUS", "DTMF")
			return nil
		}
	}
}

// waitUntil is WaitUntil(epoch): waits for a moment, in Unix seconds with
// fractions. WAITUNTILSTATUS is OK, FAILURE, HANGUP or PAST.
func waitUntil(ctx context.Context, x *run.Exec, args string) error {
	status := func(s string) { x.Set(ctx, "WAITUNTILSTATUS", s) }
	at, err := strconv.ParseFloat(strings.TrimSpace(args), 64)
	if err != nil {
		x.Warn("WaitUntil(%s): not a time in Unix seconds", args)
		status("FAILURE")
		return nil
	}
	d := time.Until(time.Unix(0, int64(min(at, 1e10)*1e9)))
	if d < 0 {
		status("PAST")
		return nil
	}
	if err := pause(ctx, x, d); err != nil {
		status("HANGUP")
		return err
	}
	status("OK")
	return nil
}

// waitForCondition is WaitForCondition(char,expression[,timeout[,interval]]):
// the expression has char in the place of $, and is evaluated each interval (50
// ms) until it is true. WAITFORCONDITIONSTATUS is TRUE, TIMEOUT, FAILURE or
// HANGUP (Asterisk: app_waitforcond.c).
func waitForCondition(ctx context.Context, x *run.Exec, args string) error {
	status := func(s string) { x.Set(ctx, "WAITFORCONDITIONSTATUS", s) }
	parts := dialplan.SplitArgs(args)
	if len(parts) < 2 || len(parts[0]) != 1 || parts[1] == "" {
		x.Warn("WaitForCondition(%s): a character and an expression are needed", args)
		status("FAILURE")
		return nil
	}
	interval := 50 * time.Millisecond
	var limit <-chan time.Time
	for i, p := range parts[2:min(len(parts), 4)] {
		d, ok := readSeconds(p)
		switch {
		case strings.TrimSpace(p) == "":
		case !ok || d <= 0:
			x.Warn("WaitForCondition(%s): %s is not a number of seconds", args, p)
			status("FAILURE")
			return nil
		case i == 0:
			t := time.NewTimer(d)
			defer t.Stop()
			limit = t.C
		default:
			interval = max(d, time.Millisecond)
		}
	}
	expr := strings.ReplaceAll(parts[1], parts[0], "$")
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if dialplan.True(x.Expand(ctx, expr)) {
			status("TRUE")
			return nil
		}
		select {
		case <-tick.C:
		case <-limit:
			status("TIMEOUT")
			return nil
		case <-ctx.Done():
			status("HANGUP")
			return context.Cause(ctx)
		}
	}
}
