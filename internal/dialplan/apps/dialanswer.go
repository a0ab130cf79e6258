package apps

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// connect is what follows an answer: announcements, G, the subroutine of U,
// digits, and the conversation. When it returns the called party is gone, or on
// its own way (Asterisk: app_dial.c dial_exec_full after wait_for_answer).
func (d *dial) connect(ctx context.Context) error {
	d.dropLegs(d.lostCause())
	b := d.won.c
	bx := d.x.Machine().Exec(b) // kept: h of option e runs after b has gone
	d.x.Set(ctx, "DIALSTATUS", d.status)
	d.x.Set(ctx, "DIALEDPEERNAME", b.Name())
	d.x.Set(ctx, "DIALEDPEERNUMBER", call.Endpoint(d.won.target).Resource())
	if err := d.announce(ctx, b); err != nil {
		return d.lost(ctx, b, err)
	}
	if place, ok := d.args.o['G']; ok {
		return d.part(ctx, b, place)
	}
	if place, ok := d.args.o['U']; ok {
		on, err := d.screen(ctx, bx, place)
		if err != nil {
			return d.lost(ctx, b, err)
		}
		if !on {
			pbx.HangupAndWait(context.WithoutCancel(ctx), cause.NormalClearing, b)
			d.stopEntertaining(ctx)
			return d.end()
		}
	}
	called, calling, _ := dtmfParts(d.args.o['D'])
	if err := errors.Join(sendDigits(ctx, d.x, b, called), sendDigits(ctx, d.x, d.a, calling)); err != nil && d.a.Context().Err() != nil {
		return d.lost(ctx, b, err)
	}
	d.stopEntertaining(ctx)
	t := &talk{x: d.x, a: d.a, b: b, q: d.q, o: d.args.o, bridge: d.bridge, limits: d.limits, quietLines: d.args.o.has('I')}
	how := t.run(ctx)
	return d.after(ctx, t, how, bx)
}

// lostCause is the cause for parties that rang in vain: another one took the call,
// or what option Q says.
func (d *dial) lostCause() cause.Code {
	text, ok := d.args.o['Q']
	if !ok {
		return cause.AnsweredElsewhere
	}
	code, ok := cause.Parse(text)
	if !ok && !strings.EqualFold(text, "NONE") {
		d.x.Warn("option Q: no hangup cause %q", text)
	}
	if !ok {
		return cause.NormalClearing
	}
	return code
}

// announce plays the sounds of option A: the first to the called party, the
// second to the caller, at the same time.
func (d *dial) announce(ctx context.Context, b *pbx.Channel) error {
	text, ok := d.args.o['A']
	if !ok {
		return nil
	}
	called, calling, _ := strings.Cut(text, ":")
	if calling != "" {
		d.stopEntertaining(ctx)
	}
	var wg sync.WaitGroup
	var callerErr error
	if calling != "" {
		wg.Go(func() { callerErr = playTo(ctx, d.x, d.a, calling) })
	}
	err := playTo(ctx, d.x, b, called)
	wg.Wait()
	if d.a.Context().Err() != nil || ctx.Err() != nil {
		return errors.Join(err, callerErr)
	}
	return nil // a called party that has left is seen by the conversation
}

// screen runs option U's subroutine on the called party and says whether the two
// are to be connected. Its GOSUB_RESULT may want something else (spec: dialplan
// 5.2 U).
func (d *dial) screen(ctx context.Context, bx *run.Exec, text string) (connect bool, err error) {
	parts := carets(text)
	if len(parts) == 0 || parts[0] == "" {
		d.x.Warn("option U names no context")
		return true, nil
	}
	if err := d.x.Enter(ctx, parts[0]); err != nil {
		d.x.Warn("option U: %v", err)
		return true, nil
	}
	err = bx.Sub(ctx, run.Position{Context: parts[0], Exten: "s", Priority: 1}, parts[1:])
	switch {
	case errors.Is(err, run.ErrTarget):
		d.x.Warn("option U: %v", err)
		return true, nil
	case d.a.Context().Err() != nil || ctx.Err() != nil:
		return false, err
	case err != nil: // it has hung up its channel, or the party has
		bx.Channel().Hangup(cause.NormalClearing)
		return true, nil
	}
	result := bx.Get("GOSUB_RESULT")
	word, place, _ := strings.Cut(result, ":")
	switch strings.ToUpper(word) {
	case "ABORT":
		return false, nil
	case "BUSY":
		d.status, d.goOn = statusBusy, true
		return false, nil
	case "CONGESTION":
		d.status, d.goOn = statusCongestion, true
		return false, nil
	case "CONTINUE":
		d.goOn = true
		return false, nil
	case "GOTO":
		to, err := d.x.Target(ctx, caretsToCommas(place))
		if err != nil {
			d.x.Warn("GOSUB_RESULT %s: %v", result, err)
			return false, nil
		}
		d.x.Goto(to)
		d.goOn = true
		return false, nil
	}
	return true, nil
}

// part is option G: the caller goes on at a place, the called party at the next
// priority, each for itself.
func (d *dial) part(ctx context.Context, b *pbx.Channel, place string) error {
	d.stopEntertaining(ctx)
	to, err := d.x.Target(ctx, caretsToCommas(place))
	if err != nil {
		d.x.Warn("option G: %v", err)
		return d.lost(ctx, b, run.ErrEnd)
	}
	d.x.Goto(to)
	to.Priority++
	if err := b.Run(d.x.Machine().Handler(to)); err != nil {
		d.x.Logger().Info("the called party has left", "channel", b.Name())
	}
	return nil
}

// lost ends the called party when the caller has gone, or something else has
// ended the dial.
func (d *dial) lost(ctx context.Context, b *pbx.Channel, err error) error {
	pbx.HangupAndWait(context.WithoutCancel(ctx), cause.NormalClearing, b)
	if d.a.Context().Err() != nil {
		return pbx.ErrGone
	}
	return err
}

// after brings the end of the conversation to what follows it.
func (d *dial) after(ctx context.Context, t *talk, how ending, bx *run.Exec) error {
	b := d.won.c
	d.bridge = nil // t has ended it
	gone := context.WithoutCancel(ctx)
	switch how {
	case moved: // somebody has transferred the other one
		switch {
		case d.a.Context().Err() != nil:
			return pbx.ErrGone
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		return nil
	case callerLeft:
		if d.sendOn(ctx, b) {
			return pbx.ErrGone
		}
		pbx.HangupAndWait(gone, endCause(d.a), b)
	case stopped:
		pbx.HangupAndWait(gone, cause.NormalClearing, b)
	case taken:
		return d.end()
	default:
		pbx.HangupAndWait(gone, cause.NormalClearing, b)
		d.cause = endCause(b)
	}
	if d.args.o.has('e') {
		bx.RunHangup(ctx, b.Snapshot().Context)
	}
	switch how {
	case callerLeft:
		return pbx.ErrGone
	case stopped:
		return context.Cause(ctx)
	}
	return d.end()
}

// end is what follows when the called party has gone: with option g, or a U that
// says so, the next priority, else the end of the call.
func (d *dial) end() error {
	if d.goOn || d.args.o.has('g') && d.status == statusAnswer {
		return nil
	}
	switch {
	case d.cause != cause.Unknown:
		d.x.SetHangupCause(d.cause)
	case d.won != nil: // who has talked ends normally (observed: Asterisk 22.10, AMI trace t5)
		d.x.SetHangupCause(cause.NormalClearing)
	}
	return run.ErrEnd
}

// sendOn is option F: the called party goes on when the caller has hung up, at a
// place or at the priority behind the Dial.
func (d *dial) sendOn(ctx context.Context, b *pbx.Channel) bool {
	text, ok := d.args.o['F']
	if !ok || b.Context().Err() != nil {
		return false
	}
	to := d.x.Position()
	to.Priority++
	if text != "" {
		var err error
		if to, err = d.x.Target(ctx, caretsToCommas(text)); err != nil {
			d.x.Warn("option F: %v", err)
			return false
		}
	}
	return b.Run(d.x.Machine().Handler(to)) == nil
}

// endCause is the cause with which the end of one party ends the other.
func endCause(c *pbx.Channel) cause.Code {
	if r, ok := c.Result(); ok && r.Cause != cause.Unknown {
		return r.Cause
	}
	return cause.NormalClearing
}
