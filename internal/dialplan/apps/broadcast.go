package apps

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// How long a channel is offered (Asterisk: app_stasis_broadcast.c).
const (
	offerTime = 500 * time.Millisecond
	offerMost = 60000 // ms
)

// stasisBroadcast is StasisBroadcast([ms[,pattern[,args[,notify]]]]): offers the channel to
// the remote-control applications whose name matches a regular expression, and gives
// it to the first that claims it, with args, which colons separate. STASISSTATUS is then
// what Stasis leaves, or TIMEOUT if nobody wants it, or FAILED (Asterisk:
// app_stasis_broadcast.c). notify does not count: those that it was offered to are
// always told who has it. Arguments lose their quotes and backslashes, so that a pattern
// has two for one (observed: Asterisk 22.10).
func stasisBroadcast(ctx context.Context, x *run.Exec, args string) error {
	parts := append(dialplan.SplitArgs(args), "", "", "")
	for i, part := range parts {
		parts[i] = dialplan.Plain(part)
	}
	o := x.Machine().Options()
	status := func(s string) error {
		x.Set(ctx, "STASISSTATUS", s)
		return nil
	}
	wait := offerTime
	if s := strings.TrimSpace(parts[0]); s != "" {
		ms, err := strconv.Atoi(s)
		if err != nil || ms < 0 || ms > offerMost {
			x.Warn("StasisBroadcast: %q is not a time from 0 to %d ms", s, offerMost)
			return status("FAILED")
		}
		wait = time.Duration(ms) * time.Millisecond
	}
	pattern := strings.TrimSpace(parts[1])
	if _, err := regexp.Compile(pattern); err != nil {
		x.Warn("StasisBroadcast: %v", err)
		return status("FAILED")
	}
	if o.Broadcast == nil || o.Stasis == nil {
		return status("TIMEOUT")
	}
	_ = status("")
	app, err := o.Broadcast(ctx, x.Channel(), pattern, wait)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil: // nobody is there, or nobody wants it
		return status("TIMEOUT")
	}
	var list []string
	if s := strings.TrimSpace(parts[2]); s != "" {
		list = strings.Split(s, ":")
	}
	h, ok := o.Stasis(app, list)
	if !ok {
		x.Warn("StasisBroadcast: application %s has claimed the channel and is not connected any more", app)
		return status("FAILED")
	}
	h.Handle(ctx, x.Channel())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
