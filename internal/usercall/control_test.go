package usercall_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/internal/usercall"
)

// is checks an error.
func is(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// A click ends in each of its states, and its record says who wanted that.
func TestHangupOfClick(t *testing.T) {
	for _, state := range []string{"alerting", "ringback", "connected", "holding"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			o := open(t, nil)
			id := o.click("201", "202")
			a := o.next("201")
			calls := []*softphone.Call{a}
			if state != "alerting" {
				a.Answer()
				b := o.next("202")
				calls = append(calls, b)
				if state != "ringback" {
					b.Answer()
					o.await("201", "connected")
				}
			}
			if state == "holding" {
				o.must(o.table.Hold(o.ctx, "201", id, true))
			}
			o.await("201", state)
			o.must(o.table.Hangup(o.ctx, "201", id, "vodia:anna"))
			for _, c := range calls {
				o.must(c.WaitEnded(o.ctx))
			}
			o.await("", "")
			if c := o.record(id); !strings.Contains(c.Reason, "vodia:anna") {
				t.Errorf("the record does not say who: %q", c.Reason)
			}
			is(t, "once more", o.table.Hangup(o.ctx, "201", id, "vodia:anna"), usercall.ErrNoCall)
		})
	}
}

// A call that no click has made ends from each side and in each state.
func TestHangupOfPlainCall(t *testing.T) {
	o := open(t, nil)
	a, err := o.phones["201"].Dial(o.ctx, "202")
	o.must(err)
	b := o.next("202")
	dialled, called := o.await("201", "ringback")[0], o.await("202", "alerting")[0]
	is(t, "somebody else's call", o.table.Hangup(o.ctx, "203", dialled.ID, "x"), usercall.ErrNoCall)
	is(t, "the other side's call", o.table.Hangup(o.ctx, "202", dialled.ID, "x"), usercall.ErrNoCall)
	is(t, "of no phone", o.table.Hangup(o.ctx, "", dialled.ID, "x"), usercall.ErrNoCall)
	o.must(o.table.Hangup(o.ctx, "201", dialled.ID, "x")) // CANCEL for the one, a refusal for the other
	o.must(a.WaitEnded(o.ctx))
	o.must(b.WaitEnded(o.ctx))
	o.await("", "")

	a, err = o.phones["201"].Dial(o.ctx, "202")
	o.must(err)
	b = o.next("202")
	called = o.await("202", "alerting")[0]
	o.must(o.table.Hangup(o.ctx, "202", called.ID, "x"))
	o.must(b.WaitEnded(o.ctx))
	o.must(a.WaitEnded(o.ctx))
	if got := a.Info().Status; got != 403 && got != 603 {
		t.Errorf("the caller is told %d, want a refusal", got)
	}
	a, b = o.dial("201", "202")
	o.must(o.table.Hangup(o.ctx, "202", o.await("202", "connected")[0].ID, "x"))
	o.must(b.WaitEnded(o.ctx))
	o.must(a.WaitEnded(o.ctx))
	o.await("", "")
}

func TestReject(t *testing.T) {
	o := open(t, nil)
	a, err := o.phones["201"].Dial(o.ctx, "202")
	o.must(err)
	b := o.next("202")
	o.await("201", "ringback")
	is(t, "who calls", o.table.Reject(o.ctx, "201", o.table.Of("201")[0].ID, "x"), usercall.ErrState)
	o.must(o.table.Reject(o.ctx, "202", o.await("202", "alerting")[0].ID, "vodia:bert"))
	o.must(a.WaitEnded(o.ctx))
	o.must(b.WaitEnded(o.ctx))
	if got := a.Info().Status; got != 486 {
		t.Errorf("the caller is told %d, want 486", got)
	}

	id := o.click("201", "202") // as leg B
	one := o.next("201")
	one.Answer()
	o.next("202")
	o.must(o.table.Reject(o.ctx, "202", o.await("202", "alerting")[0].ID, "vodia:bert"))
	if c := o.record(id); c.Last == nil || c.Last.Disposition != call.Busy || c.Last.Failure.Leg != "b" || c.Last.Failure.Cause != 17 {
		t.Errorf("refused as leg B: %+v", c.Last)
	}
	o.must(one.WaitEnded(o.ctx))

	id = o.click("201", "202") // as leg A
	o.next("201")
	o.await("201", "alerting")
	o.must(o.table.Reject(o.ctx, "201", id, "vodia:anna"))
	if c := o.record(id); c.Last == nil || c.Last.Disposition != call.Busy || c.Last.Failure.Leg != "a" {
		t.Errorf("refused as leg A: %+v", c.Last)
	}
	o.await("", "")
	is(t, "a call that is over", o.table.Reject(o.ctx, "201", id, "x"), usercall.ErrNoCall)
}

// NOTIFY with Event: talk lets the phone answer: as leg A, as leg B, and of several contacts
// one that can.
func TestAnswer(t *testing.T) {
	o := open(t, func(c *softphone.Config) { c.Keys = c.User != "203" })
	id := o.click("201", "202")
	o.next("201")
	o.await("201", "alerting")
	o.must(o.table.Answer(o.ctx, "201", id))
	b := o.next("202")
	o.must(o.table.Answer(o.ctx, "202", o.await("202", "alerting")[0].ID))
	o.await("", "connected connected")
	if got := b.Info().Keys; len(got) != 1 || got[0] != pbx.EventTalk {
		t.Errorf("keys pressed: %q", got)
	}
	is(t, "an answered call", o.table.Answer(o.ctx, "201", id), usercall.ErrState)
	o.must(o.table.Hangup(o.ctx, "201", id, "x"))
	o.await("", "")

	id = o.click("203", "202")
	o.next("203")
	o.await("203", "alerting")
	is(t, "a phone without keys", o.table.Answer(o.ctx, "203", id), usercall.ErrUnsupported)
	o.must(o.table.Hangup(o.ctx, "203", id, "x"))
	o.await("", "")

	second := o.phone("203", 1200, nil) // another contact of 203, with keys
	id = o.click("203", "202")
	o.next("203")
	c, err := second.NextCall(o.ctx)
	o.must(err)
	o.must(c.WaitState(o.ctx, softphone.Ringing))
	if n := len(o.await("203", "alerting")); n != 1 {
		t.Errorf("a phone with two contacts has %d calls", n)
	}
	o.must(o.table.Answer(o.ctx, "203", id))
	o.must(c.WaitAnswered(o.ctx))
	o.await("203", "ringback")
}

func TestSendDTMF(t *testing.T) {
	o := open(t, nil)
	id, _, b := o.talk("201", "202")
	o.await("201", "connected")
	o.must(o.table.SendDTMF(o.ctx, "201", id, "12*#"))
	o.must(b.WaitDigits(o.ctx, "12*#"))
	for _, bad := range []string{"", "x", "12w", strings.Repeat("1", 65)} {
		is(t, bad, o.table.SendDTMF(o.ctx, "201", id, bad), usercall.ErrDigits)
	}
}

// A phone with two devices has one call: both ring, who answers has it, and a hang-up from
// the screen silences both.
func TestTwoDevices(t *testing.T) {
	o := open(t, nil)
	desk := o.phones["201"]
	mobile := o.phone("201", toneOf203, nil)
	ringing := func() [2]*softphone.Call {
		t.Helper()
		first := o.next("201")
		second, err := mobile.NextCall(o.ctx)
		o.must(err)
		o.must(second.WaitState(o.ctx, softphone.Ringing))
		return [2]*softphone.Call{first, second}
	}
	id := o.click("201", "202")
	both := ringing()
	o.await("201", "alerting")
	o.must(o.table.Hangup(o.ctx, "201", id, "x"))
	for _, c := range both {
		o.must(c.WaitEnded(o.ctx))
	}
	o.await("", "")

	id = o.click("201", "202")
	both = ringing()
	both[1].Answer()
	o.must(both[0].WaitEnded(o.ctx))
	b := o.next("202")
	b.Answer()
	o.await("201", "connected")
	o.hears(b, toneOf203)
	o.must(o.table.Hold(o.ctx, "201", id, true))
	o.hears(b, holdMusic)
	o.must(o.table.Hold(o.ctx, "201", id, false))
	o.hears(b, toneOf203)
	other, err := desk.Dial(o.ctx, "203") // and the other device has a call of its own
	o.must(err)
	o.next("203")
	o.await("201", "connected ringback")
	o.must(o.table.Hangup(o.ctx, "201", id, "x"))
	o.must(both[1].WaitEnded(o.ctx))
	o.await("201", "ringback")
	other.Hangup()
	o.await("", "")
}
