package usercall

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
)

// handle is a call that somebody wants to do something with.
type handle struct {
	call  Call
	queue call.ID      // of the attempt, "" = none
	c     *pbx.Channel // the phone's, nil = there is none yet
	other *pbx.Channel // the other one of its bridge of two, nil = none
}

// find gives a call of a phone. ErrNoCall: there is none, or it is another phone's.
func (t *Table) find(phone, id string) (handle, error) {
	t.mu.Lock()
	line := t.lines[phone]
	i := slices.IndexFunc(line, func(e *entry) bool { return e.call.ID == id })
	if i < 0 || phone == "" {
		t.mu.Unlock()
		return handle{}, ErrNoCall
	}
	e := line[i]
	h := handle{call: e.call}
	if e.at != nil {
		h.queue = e.at.a.Call
	}
	var own string
	if e.p != nil {
		own = e.p.sn.ID
	}
	t.mu.Unlock()
	if own == "" {
		return h, nil
	}
	var ok bool
	if h.c, ok = t.o.Switch.Channel(own); !ok {
		return handle{}, ErrNoCall
	}
	h.other = h.c.Opposite()
	return h, nil
}

// talking gives a call whose sides talk, or hold each other. ErrState: they do not.
func (t *Table) talking(phone, id string) (handle, error) {
	h, err := t.find(phone, id)
	if err == nil && (!h.call.State.talks() || h.c == nil) {
		err = ErrState
	}
	return h, err
}

// joined is talking for a call that has another side: no announcement, no conference.
func (t *Table) joined(phone, id string) (handle, error) {
	h, err := t.talking(phone, id)
	if err == nil && h.other == nil {
		err = ErrState
	}
	return h, err
}

// alerting gives a call that alerts the phone, with its channel: an attempt is shown a moment
// before it has one. ErrState: it does not alert it.
func (t *Table) alerting(ctx context.Context, phone, id string) (handle, error) {
	changed := make(chan struct{}, 1)
	defer t.Watch(phone, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	for {
		h, err := t.find(phone, id)
		switch {
		case err != nil:
			return h, err
		case h.call.State != Alerting:
			return h, ErrState
		case h.c != nil:
			return h, nil
		}
		select {
		case <-changed:
		case <-t.quit:
			return h, ErrNoCall
		case <-ctx.Done():
			return h, context.Cause(ctx)
		}
	}
}

// told turns the switch's errors into ours: a call may have ended meanwhile.
func told(err error) error {
	switch {
	case errors.Is(err, pbx.ErrGone):
		return ErrNoCall
	case errors.Is(err, pbx.ErrState):
		return ErrState
	case errors.Is(err, pbx.ErrNotSupported), errors.Is(err, pbx.ErrNoMedia):
		return ErrUnsupported
	}
	return err
}

// Hangup ends a call of a phone, in any state; who is for the record
// ("vodia:123@tenant.com"). A phone that rings is not rung any more, and whoever calls it
// is told that the call was declined. Errors: ErrNoCall, those of the queue, that of ctx.
func (t *Table) Hangup(ctx context.Context, phone, id, who string) error {
	h, err := t.find(phone, id)
	if err != nil {
		return err
	}
	t.log.InfoContext(ctx, "call hung up on request", "call", id, "phone", phone, "state", h.call.State, "by", who)
	if h.queue != "" {
		return t.withdraw(ctx, h.queue, who)
	}
	if h.call.Incoming && h.call.State == Alerting {
		h.c.Refuse(cause.Rejected)
		return nil
	}
	h.c.Hangup(cause.NormalClearing)
	return nil
}

// withdraw ends a call of the queue.
func (t *Table) withdraw(ctx context.Context, id call.ID, who string) error {
	t.mu.Lock()
	q := t.queue
	t.mu.Unlock()
	if q == nil {
		return ErrUnsupported
	}
	err := q.Hangup(ctx, id, who)
	if r, ok := errors.AsType[*originate.Refusal](err); ok && (r.Code == originate.RefusedNotFound || r.Code == originate.RefusedState) {
		return ErrNoCall // it has ended
	}
	return err
}

// Reject refuses a call that alerts the phone: busy (cause 17, SIP 486 to whoever calls).
// Errors: ErrNoCall, ErrState, that of ctx.
func (t *Table) Reject(ctx context.Context, phone, id, who string) error {
	h, err := t.alerting(ctx, phone, id)
	if err != nil {
		return err
	}
	t.log.InfoContext(ctx, "call refused on request", "call", id, "phone", phone, "by", who)
	h.c.Refuse(cause.UserBusy)
	return nil
}

// Answer asks the ringing phone to answer (in-dialog NOTIFY, Event: talk), and returns when
// it has agreed to. A phone that is about to ring is waited for. Errors: ErrNoCall; ErrState
// unless the call alerts it; ErrUnsupported if the phone does not say that it allows it, or
// declines; that of ctx.
func (t *Table) Answer(ctx context.Context, phone, id string) error {
	h, err := t.alerting(ctx, phone, id)
	if err != nil {
		return err
	}
	return told(h.c.NotifyParty(ctx, pbx.EventTalk))
}

// Hold puts the other side on hold (on) or takes it back. It is the server that holds: the
// other side hears music and the user nothing, whatever the phone can do. One that holds by
// itself is asked to go on talking (Event: talk). Doing it twice changes nothing. Errors:
// ErrNoCall; ErrState unless they talk; ErrUnsupported if the phone holds by itself and
// cannot be asked; that of ctx.
func (t *Table) Hold(ctx context.Context, phone, id string, on bool) error {
	return t.hold(ctx, phone, id, func(bool) bool { return on })
}

// ToggleHold ends a hold of the other side, or begins one, by what the channel does at this
// moment: the table may still show what it did before the last change. Of two at once the
// second undoes the first. Errors: as Hold.
func (t *Table) ToggleHold(ctx context.Context, phone, id string) error {
	return t.hold(ctx, phone, id, func(held bool) bool { return !held })
}

// hold has the other side held if want says so, given whether it is held now.
func (t *Table) hold(ctx context.Context, phone, id string, want func(held bool) bool) error {
	h, err := t.joined(phone, id)
	if err != nil {
		return err
	}
	t.holding.Lock()
	on := want(h.c.Snapshot().Held)
	err = h.c.HoldOther(on)
	t.holding.Unlock()
	if err != nil {
		return told(err)
	}
	if on || !h.c.Snapshot().PhoneHeld {
		return nil
	}
	return told(h.c.NotifyParty(ctx, pbx.EventTalk))
}

// Transfer sends the other side of a call to a number, by the rights of the phone's context
// and account; the phone is free then. Errors: ErrNoCall; ErrState unless the phone has
// one other side; why the number cannot be called, and then nothing has changed.
func (t *Table) Transfer(ctx context.Context, phone, id, number string) error {
	h, err := t.joined(phone, id)
	if err != nil {
		return err
	}
	sn := *h.c.Snapshot()
	sn.Context = h.c.TransferContext()
	if t.o.Check != nil {
		if err := t.o.Check(ctx, sn, number); err != nil {
			return fmt.Errorf("transfer to %s: %w", number, err)
		}
	}
	if err := h.other.SetAccount(sn.Account); err != nil { // who transfers pays
		return told(err)
	}
	switch h.c.BlindTransfer(sn.Context, number) {
	case pbx.TransferDone:
		return nil
	case pbx.TransferInvalid: // the other side has left
		return ErrNoCall
	}
	return ErrState
}

// Join connects the other sides of two calls of the phone with each other; the phone is
// free then. Errors: ErrNoCall; ErrState unless both have one other side each; that of ctx.
func (t *Table) Join(ctx context.Context, phone, id, id2 string) error {
	one, err := t.joined(phone, id)
	if err != nil {
		return err
	}
	two, err := t.joined(phone, id2)
	if err != nil {
		return err
	}
	if id == id2 || one.other == two.other || one.other == two.c {
		return ErrState
	}
	if err := t.o.Switch.Join(ctx, one.other, two.other); err != nil {
		return told(err)
	}
	one.c.Hangup(cause.NormalClearing)
	two.c.Hangup(cause.NormalClearing)
	return nil
}

// dtmfDigits are what SendDTMF sends, mostDigits of them at once.
const (
	dtmfDigits = "0123456789ABCDabcd*#"
	mostDigits = 64
)

// ErrDigits says that a text is no series of 1 to 64 digits.
var ErrDigits = errors.New("not digits: use 1 to 64 of 0-9 A-D * #")

// SendDTMF sends digits (0-9 A-D * #, at most 64) to the other side of a call. It returns
// before they are heard. Errors: ErrNoCall, ErrState, ErrDigits.
func (t *Table) SendDTMF(_ context.Context, phone, id, digits string) error {
	if digits == "" || len(digits) > mostDigits || strings.Trim(digits, dtmfDigits) != "" {
		return ErrDigits
	}
	h, err := t.joined(phone, id)
	if err != nil {
		return err
	}
	return told(h.other.SendDTMF(digits, pbx.DTMFOptions{}))
}
