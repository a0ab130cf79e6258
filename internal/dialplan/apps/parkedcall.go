package apps

import (
	"context"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
)

// parkedCall is ParkedCall([lot[,space]]): fetches the call in a space, or in the
// first that is not free, and talks to it; both calls end with the conversation. It
// answers. Nobody there: the party hears so, and the call ends (observed: Asterisk
// 22.10).
func parkedCall(ctx context.Context, x *run.Exec, text string) error {
	if err := x.Channel().Answer(); err != nil {
		return err
	}
	config := parkingConfig(x)
	name, space, err := parseParkedCall(text, func(name string) bool { _, ok := config.Lots[name]; return ok })
	var lot parking.Lot
	if err == nil {
		lot, err = chooseLot(ctx, x, config, name)
	}
	var stay *parking.Stay
	found := false
	if err != nil {
		x.Warn("ParkedCall: %v", err)
	} else {
		stay, found = lotsOf(x.Machine()).Take(lot.Name, space)
	}
	if !found {
		if err := playTo(ctx, x, x.Channel(), "pbx-invalidpark"); err != nil {
			return err
		}
		return run.ErrEnd
	}
	defer stay.Release()
	if err := stay.Await(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return run.ErrEnd // it has hung up in this moment
	}
	stay.Fetched(x.Channel())
	return unpark(ctx, x, &lot, stay.Channel())
}

// unpark talks to a channel that was parked.
func unpark(ctx context.Context, x *run.Exec, lot *parking.Lot, other *pbx.Channel) error {
	q := pbx.NewQueue(pbx.ChannelDTMF, pbx.ChannelTransfer, pbx.ChannelHandlerStarted)
	defer x.Channel().Watch(q.Watcher())()
	defer other.Watch(q.Watcher())()
	defer x.Flush()
	for c, hears := range map[*pbx.Channel]bool{x.Channel(): lot.Plays.Caller, other: lot.Plays.Parked} {
		if !hears {
			continue
		}
		if err := playTo(ctx, x, c, lot.CourtesyTone); err != nil && (ctx.Err() != nil || c == x.Channel()) {
			return err
		}
	}
	t := &talk{x: x, a: x.Channel(), b: other, q: q, o: pickupFeatures(lot)}
	switch t.run(ctx) {
	case callerLeft:
		return pbx.ErrGone
	case stopped:
		return context.Cause(ctx)
	case moved:
		if x.Channel().Context().Err() == nil {
			return nil // the parked one has sent it on
		}
		return pbx.ErrGone
	}
	return run.ErrEnd
}

// pickupFeatures are what the two may do by digits, as options of Dial.
func pickupFeatures(lot *parking.Lot) letters {
	o := letters{}
	for letter, on := range map[rune]bool{
		'T': lot.Transfers.Caller, 't': lot.Transfers.Parked, 'H': lot.Hangups.Caller, 'h': lot.Hangups.Parked,
	} {
		if on {
			o[letter] = ""
		}
	}
	return o
}
