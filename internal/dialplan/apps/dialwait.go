package apps

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// wait waits for an answer and sets won, or status. The error is that of the
// caller's end or of ctx.
func (d *dial) wait(ctx context.Context) error {
	limit, response := after(d.args.timeout), after(d.args.response)
	for {
		for e, ok := d.q.Take(); ok; e, ok = d.q.Take() {
			if d.handle(ctx, &e) {
				return nil
			}
			if e.Type == pbx.Dial && e.Target != "" && d.args.o.has('z') {
				limit = nil // on a forward the time no longer counts
			}
		}
		if !d.anyOpen() {
			d.status = d.result()
			return nil
		}
		select {
		case <-d.q.C():
		case <-limit:
			d.status = statusNoAnswer
			return nil
		case <-response:
			if response = nil; !d.responded {
				d.status = statusNoAnswer
				return nil
			}
		case <-d.a.Context().Done():
			d.status = statusCancel
			return pbx.ErrGone
		case <-ctx.Done():
			d.status = statusCancel
			return context.Cause(ctx)
		}
	}
}

// after is time.After that never fires for 0.
func after(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return time.After(d)
}

func (d *dial) anyOpen() bool {
	for _, l := range d.legs {
		if l.open {
			return true
		}
	}
	return false
}

// leg finds the leg of a channel, nil if it is none of them.
func (d *dial) leg(id string) *dialLeg {
	for _, l := range d.legs {
		if l.c != nil && l.c.ID() == id {
			return l
		}
	}
	return nil
}

// handle takes one event and says whether the wait is over.
func (d *dial) handle(ctx context.Context, e *pbx.Event) (over bool) {
	switch e.Type {
	case pbx.Dial:
		if l := d.leg(e.Peer.ID); l != nil && l.open {
			return d.progress(ctx, l, e)
		}
	case pbx.ChannelDestroyed:
		if l := d.leg(e.Channel.ID); l != nil && l.open {
			d.legEnded(ctx, l)
		}
	case pbx.ChannelDTMF:
		if e.Channel.ID == d.a.ID() {
			return d.typed(e.Digit)
		}
	}
	return false
}

// progress lets the caller hear or see what a leg does.
func (d *dial) progress(ctx context.Context, l *dialLeg, e *pbx.Event) (over bool) {
	switch e.DialStatus {
	case "PROCEEDING":
		d.responded = true
	case "RINGING":
		d.responded = true
		if d.ringingAt.IsZero() {
			d.ringingAt = e.At
			d.span(ctx, "RINGTIME", d.begunAt, d.ringingAt)
		}
		if d.bridge == nil && !d.music {
			d.ringback("tone:ring")
		}
	case "PROGRESS":
		d.responded = true
		if d.progressAt.IsZero() {
			d.progressAt = e.At
			d.span(ctx, "PROGRESSTIME", d.begunAt, d.progressAt)
		}
		d.early(l)
	case "CANCEL":
		d.x.Set(ctx, "FORWARDERNAME", l.c.Name())
		d.forwarded(l, e.Target)
	case "ANSWER":
		d.won, d.answeredAt, d.status = l, time.Now(), statusAnswer
		return true
	}
	return false
}

// early connects the caller to the early media of the only leg: with several
// nobody could say which to hear (Asterisk: app_dial.c, single). Option r wants
// ringback in its place, m music.
func (d *dial) early(l *dialLeg) {
	if _, _, digits := dtmfParts(d.args.o['D']); digits != "" {
		_ = l.c.SendDTMF(digits, pbx.DTMFOptions{}) // a gone leg is seen as one
	}
	if len(d.legs) > 1 || d.bridge != nil || d.music || d.args.o.has('r') {
		return
	}
	b, err := d.x.Machine().Switch().NewBridge(pbx.BridgeOptions{Creator: "Dial", Class: "basic"})
	if err != nil {
		return // the switch stops
	}
	d.bridge = b
	d.stopRingback()
	for _, c := range [...]*pbx.Channel{d.a, l.c} {
		if err := b.Add(c, pbx.AddOptions{InhibitConnected: true}); err != nil && !errors.Is(err, pbx.ErrGone) {
			d.x.Logger().Info("no early media", "channel", c.Name(), "error", err)
		}
	}
	d.told(d.a.Progress())
}

// entertain lets the caller hear what an option says from the beginning on.
func (d *dial) entertain(ctx context.Context) {
	class, music := d.args.o['m']
	tone, ring := d.args.o['r']
	switch {
	case !d.anyOpen():
	case music:
		d.music = true
		musicOn(ctx, d.x, class)
	case ring && tone != "":
		d.rings = true
		d.told(d.a.StartTone("tone:" + strings.TrimPrefix(tone, "tone:")))
	case ring, d.args.o.has('R'):
		d.ringback("tone:ring")
	}
}

// ringback lets the caller know that it rings: a phone that has called us makes
// the sound itself (180), an answered party hears ours.
func (d *dial) ringback(tone string) {
	sn := d.a.Snapshot()
	switch {
	case d.rings:
	case sn.State != pbx.Up && sn.Incoming:
		d.told(d.a.Ring())
	case sn.State == pbx.Up:
		d.rings = true
		d.told(d.a.StartTone(tone))
	}
}

func (d *dial) stopRingback() {
	if d.rings {
		d.rings = false
		d.told(d.a.StopTone())
	}
}

// stopEntertaining ends what the caller heard of ours.
func (d *dial) stopEntertaining(ctx context.Context) {
	d.stopRingback()
	if d.music {
		d.music = false
		musicOff(ctx, d.x)
	}
}

// told notes an indication that could not be given; the call goes on.
func (d *dial) told(err error) {
	if err != nil && !errors.Is(err, pbx.ErrGone) {
		d.x.Logger().Info("indication not given", "error", err)
	}
}

// typed is a digit of the caller while it rings: * with option H ends the call,
// with option d an extension of one digit is gone to.
func (d *dial) typed(digit rune) (over bool) {
	if d.args.o.has('H') && digit == '*' {
		d.leave, d.status, d.cause = true, statusCancel, cause.Unknown
		return true
	}
	if d.args.o.has('d') && d.x.Plan().Exists(d.exitContext(), string(digit), d.x.Caller()) {
		d.exit, d.status = digit, statusCancel
		return true
	}
	return false
}

// exitContext is where option d looks: EXITCONTEXT, else the present context.
func (d *dial) exitContext() string {
	if c := d.x.Get("EXITCONTEXT"); c != "" {
		return c
	}
	return d.x.Position().Context
}
