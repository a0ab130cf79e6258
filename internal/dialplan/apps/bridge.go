package apps

import (
	"context"
	"errors"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// bridgeApp is Bridge(channel[,opts]): connects the channel with another live one,
// by its name. What had that one lets go of it; when the conversation is over, the
// dialplan goes on here, and there behind where it was, unless option x hangs it
// up or F sends it to a place. Options: F h H L p S t T w W x X. It sets
// BRIDGERESULT to SUCCESS, FAILURE, LOOP or NONEXISTENT (Asterisk: features.c
// bridge_exec).
func bridgeApp(ctx context.Context, x *run.Exec, args string) error {
	parts := dialplan.SplitArgs(args)
	if len(parts) == 0 || parts[0] == "" {
		x.Warn("Bridge needs a channel")
		x.Set(ctx, "BRIDGERESULT", "FAILURE")
		return nil
	}
	o := letters{}
	if len(parts) > 1 {
		var err error
		if o, err = parseLetters(parts[1]); err != nil {
			x.Warn("Bridge: %v", err)
		}
	}
	o.only("FhHLpStTwWxX", "kKn", x.Warn)
	other, ok := x.Machine().Switch().ChannelByName(parts[0])
	switch {
	case !ok:
		x.Warn("Bridge: there is no channel %q", parts[0])
		x.Set(ctx, "BRIDGERESULT", "NONEXISTENT")
		return nil
	case other == x.Channel():
		x.Warn("Bridge: a channel cannot be bridged with itself")
		x.Set(ctx, "BRIDGERESULT", "LOOP")
		return nil
	}
	how, err := connectWith(ctx, x, other, o)
	if how == 0 || errors.Is(err, pbx.ErrGone) && x.Channel().Context().Err() == nil {
		x.Set(ctx, "BRIDGERESULT", "FAILURE")
		return nil
	}
	x.Set(ctx, "BRIDGERESULT", "SUCCESS")
	return err
}

// connectWith takes a live channel from whatever has it, talks, and lets it go on.
// how is 0 if it could not be taken.
func connectWith(ctx context.Context, x *run.Exec, other *pbx.Channel, o letters) (how ending, err error) {
	m := x.Machine()
	next := m.Exec(other).Position()
	next.Priority++
	taken, done := make(chan struct{}), make(chan struct{})
	err = other.Run(pbx.HandlerFunc(func(octx context.Context, c *pbx.Channel) {
		close(taken)
		select {
		case <-done:
		case <-octx.Done():
			return // hung up, or taken by somebody else
		}
		goOn(octx, m, c, next, o, how)
	}))
	defer close(done)
	if err != nil {
		return 0, err
	}
	select {
	case <-taken:
	case <-other.Context().Done():
		return 0, pbx.ErrGone
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	q := pbx.NewQueue(pbx.ChannelDTMF, pbx.ChannelTransfer, pbx.ChannelHandlerStarted)
	defer x.Channel().Watch(q.Watcher())()
	defer other.Watch(q.Watcher())()
	defer x.Flush()
	if o.has('p') {
		for _, c := range [...]*pbx.Channel{other, x.Channel()} {
			if err := playTo(ctx, x, c, "beep"); err != nil && ctx.Err() != nil {
				return 0, context.Cause(ctx)
			}
		}
	}
	limits, err := limitsOf(x, o)
	if err != nil {
		x.Warn("Bridge: %v: there is no limit", err)
	}
	t := &talk{x: x, a: x.Channel(), b: other, q: q, o: o, limits: limits}
	how = t.run(ctx)
	switch how {
	case callerLeft:
		return how, pbx.ErrGone
	case stopped:
		return how, context.Cause(ctx)
	case moved:
		if x.Channel().Context().Err() != nil {
			return how, pbx.ErrGone
		}
	}
	return how, nil
}

// goOn is what becomes of the other channel after the conversation: its dialplan
// goes on, or it is hung up.
func goOn(ctx context.Context, m *run.Machine, c *pbx.Channel, next run.Position, o letters, how ending) {
	place, sent := o['F']
	switch {
	case how == calledLeft, how == moved:
	case sent && place != "":
		to, err := m.Exec(c).Target(ctx, caretsToCommas(place))
		if err != nil {
			m.Exec(c).Warn("Bridge, option F: %v", err)
			return
		}
		m.Handler(to).Handle(ctx, c)
	case o.has('x') && !sent, next.Context == "":
		c.Hangup(cause.NormalClearing)
	default:
		m.Handler(next).Handle(ctx, c)
	}
}
