package apps

import (
	"context"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// jump is Goto([[context,]exten,]priority). A label that is not there ends the
// call; an extension that is not there leads to i (spec: dialplan 5.1 Goto).
func jump(ctx context.Context, x *run.Exec, args string) error {
	to, err := x.Target(ctx, args)
	if err != nil {
		return err
	}
	x.Goto(to)
	return nil
}

// jumpIf is GotoIf(condition?[dest][:dest]): no destination, next priority.
func jumpIf(ctx context.Context, x *run.Exec, args string) error {
	return jumpOr(ctx, x, branches(args))
}

// jumpOr goes to a destination, or on to the next priority if there is none.
func jumpOr(ctx context.Context, x *run.Exec, dest string) error {
	if strings.TrimSpace(dest) == "" {
		return nil
	}
	return jump(ctx, x, dest)
}

// jumpIfTime is GotoIfTime(times,weekdays,mdays,months[,timezone]?[dest][:dest]);
// "|" separates too (spec: dialplan 2.4).
func jumpIfTime(ctx context.Context, x *run.Exec, args string) error {
	spec, rest, _ := strings.Cut(args, "?")
	yes, no := cutOutside(rest, ':')
	if isTime(x, spec, x.Now()) {
		return jumpOr(ctx, x, yes)
	}
	return jumpOr(ctx, x, no)
}

// isTime says whether a moment lies within a time specification.
func isTime(x *run.Exec, spec string, at time.Time) bool {
	timing, problems := dialplan.ParseTiming(spec, ",|")
	for _, p := range problems {
		x.Warn("time %q: %s", spec, p)
	}
	return timing.Match(at)
}

// raise is RaiseException(reason): goes to extension e.
func raise(_ context.Context, x *run.Exec, args string) error {
	return x.Raise(strings.TrimSpace(args))
}
