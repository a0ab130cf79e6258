package run

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Digit waits for the next digit of the party, up to d (0 = only what is there
// already, negative = for ever). pbx.ErrTimeout; pbx.ErrGone; the cause of ctx.
// Digits that came since the last Digit or Flush are given first.
func (x *Exec) Digit(ctx context.Context, d time.Duration) (rune, error) {
	ch, err := x.Digits()
	if err != nil {
		return 0, err
	}
	select {
	case r := <-ch:
		return r, nil
	default:
	}
	if d == 0 {
		return 0, pbx.ErrTimeout
	}
	var limit <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		limit = t.C
	}
	select {
	case r := <-ch:
		return r, nil
	case <-limit:
		return 0, pbx.ErrTimeout
	case <-x.c.Context().Done():
		return 0, pbx.ErrGone
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// Digits gives the queue of typed digits, to select on beside other things. It
// holds 64 and is never closed. pbx.ErrGone if nobody asked for it before the
// hangup.
func (x *Exec) Digits() (<-chan rune, error) {
	x.mu.Lock()
	ch := x.digits
	x.mu.Unlock()
	if ch != nil {
		return ch, nil
	}
	// Not under the lock: it waits for the channel's actor.
	ch, stop, err := x.c.OpenDigits()
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	if x.digits != nil || x.over {
		defer stop() // another goroutine was quicker
	} else {
		x.digits, x.stopDigits = ch, stop
	}
	if x.digits != nil {
		ch = x.digits
	}
	x.mu.Unlock()
	return ch, nil
}

// Flush forgets digits that were typed while nobody waited for them, as
// Playback and Wait do.
func (x *Exec) Flush() {
	ch, err := x.Digits()
	if err != nil {
		return
	}
	for {
		select {
		case <-ch:
		default:
			return
		}
	}
}

// dialled finds the extension that begins with the digits typed so far (spec:
// dialplan 2.5 step 5).
func (x *Exec) dialled(ctx context.Context, d *Digits) (Position, error) {
	at := x.Position()
	where := d.Context
	if where == "" {
		where = at.Context
	}
	switch {
	case d.First == "":
		x.waited()
		return x.instead(Position{where, "t", 1}, "RESPONSETIMEOUT", at)
	case d.More && !x.Plan().MatchMore(where, d.First, x.Caller()):
		return x.invalid(where, d.First, at)
	}
	digit, _ := x.Timeouts()
	got, err := x.collect(ctx, d.First, where, digit)
	if err != nil {
		return at, err
	}
	if d.More && got == d.First { // Asterisk: pbx.c AST_PBX_INCOMPLETE and nothing more came
		return x.instead(Position{where, "t", 1}, "RESPONSETIMEOUT", at)
	}
	return x.lead(where, got, at)
}

// lead gives where typed digits lead.
func (x *Exec) lead(where, got string, at Position) (Position, error) {
	switch {
	case got == "":
		return x.instead(Position{where, "t", 1}, "RESPONSETIMEOUT", at)
	case x.Plan().Exists(where, got, x.Caller()):
		return Position{where, got, 1}, nil
	}
	return x.invalid(where, got, at)
}

// invalid goes to extension i on account of what was typed or gone to.
func (x *Exec) invalid(where, got string, at Position) (Position, error) {
	if x.Step(Position{where, "i", 1}) != nil { // Asterisk: pbx.c sets it for i alone
		x.put("INVALID_EXTEN", got)
	}
	return x.instead(Position{where, "i", 1}, "INVALID", at)
}

// collect reads digits behind got for as long as more of them could make a
// match, wait long for the first, TIMEOUT(digit) for the others.
func (x *Exec) collect(ctx context.Context, got, where string, wait time.Duration) (string, error) {
	ctx, done := x.limited(ctx)
	defer done()
	digit, _ := x.Timeouts()
	for x.Plan().MatchMore(where, got, x.Caller()) {
		r, err := x.Digit(ctx, wait)
		if errors.Is(err, pbx.ErrTimeout) {
			break
		}
		if err != nil {
			return got, err
		}
		got += string(r)
		wait = digit
	}
	x.waited()
	return got, nil
}
