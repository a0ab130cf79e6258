package cli

import (
	"context"
	"errors"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// requestHangup hangs up channels: all, or those that the arguments name or select
// (spec: cli 4.3; Asterisk: main/cli.c handle_softhangup). The order is that in which
// the channels were made.
func requestHangup(_ context.Context, q *ask) Outcome {
	if len(q.args) == 0 {
		return Usage
	}
	if len(q.args) == 1 && hasPrefixFold("all", q.args[0]) && len(q.args[0]) == 3 {
		q.hangup(func(string) bool { return true })
		return Done
	}
	for _, arg := range q.args {
		if c, ok := q.s.findChannel(arg); ok {
			q.hangupOne(c)
			continue
		}
		sel, ok, err := wire.ParseSelector(arg)
		if bad, is := errors.AsType[*wire.BadRegexp](err); is {
			q.printf("%s is not a valid POSIX Extended Regular Expression: %s\n", arg, bad.Reason)
			continue
		}
		if !ok {
			q.printf("%s is not a known channel\n", arg)
			continue
		}
		if q.hangup(sel.Match) == 0 {
			q.printf("%s did not match a known channel\n", arg)
		}
	}
	return Done
}

// hangup hangs up the channels whose names match and says how many.
func (q *ask) hangup(match func(name string) bool) (n int) {
	for _, snap := range q.s.o.Switch.Channels() {
		if snap.HungUp || !match(snap.Name) {
			continue
		}
		if c, ok := q.s.o.Switch.Channel(snap.ID); ok {
			q.hangupOne(c)
			n++
		}
	}
	return n
}

// hangupOne hangs up one channel. Cause 0 leaves the one that the channel has, 16
// without one (spec: cli 4.3).
func (q *ask) hangupOne(c *pbx.Channel) {
	q.printf("Requested Hangup on channel '%s'\n", c.Name())
	c.HangupByManager(0)
}
