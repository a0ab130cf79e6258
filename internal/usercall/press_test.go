package usercall_test

import (
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// press makes a click ask the first party to press 1.
func (o *office) press(a, b string, change func(*call.Then)) string {
	o.Helper()
	then := call.Then{Kind: call.ThenConnect, Second: call.Endpoint(b), Confirm: true, Prompts: 1}
	change(&then)
	c, _, err := o.queue.Submit(o.ctx, call.Request{
		Origin: call.Origin{Door: "test", Principal: "vodia:anna"}, Account: "sales", First: call.Endpoint(a), Then: then,
		Callee: call.CallerID{Name: "Dr. B", Number: "6173998147"},
	})
	o.must(err)
	return string(c.ID)
}

// Press 1 with a real phone: in the audio (RFC 4733) and by SIP INFO. Other digits do nothing,
// and the phone shows whom it will talk to.
func TestPressOne(t *testing.T) {
	for name, info := range map[string]bool{"RFC 4733": false, "SIP INFO": true} {
		t.Run(name, func(t *testing.T) {
			o := open(t, nil)
			id := o.press("201", "202", func(then *call.Then) { then.PromptWait = patience })
			a := o.next("201")
			if from := a.Info().Remote; from.User != "6173998147" || from.DisplayName != "Dr. B" {
				t.Errorf("the phone shows %+v", from)
			}
			a.Answer()
			o.must(a.WaitAnswered(o.ctx))
			o.must(a.SendDTMF(o.ctx, "29*#0", info))
			if n := o.phones["202"].Counts().Invites; n != 0 {
				t.Errorf("other digits have dialled: %d", n)
			}
			o.must(a.SendDTMF(o.ctx, "1", info))
			b := o.next("202")
			b.Answer()
			o.hears(a, toneOf202)
			o.hears(b, toneOf201)
			b.Hangup()
			if c := o.record(id); c.Last == nil || c.Last.Disposition != call.Answered || c.Last.Detail != call.Completed {
				t.Errorf("%+v", c.Last)
			}
		})
	}
}

// Who presses nothing is released after the last prompt's wait, and the other phone never rings.
func TestPressNothing(t *testing.T) {
	o := open(t, nil)
	id := o.press("201", "202", func(then *call.Then) { then.Prompt, then.PromptWait = "tone:beep", 300*time.Millisecond })
	a := o.next("201")
	a.Answer()
	o.must(a.WaitAnswered(o.ctx))
	o.must(a.SendDTMF(o.ctx, "2", false))
	o.must(a.WaitEnded(o.ctx))
	if c := o.record(id); c.Last == nil || c.Last.Detail != call.NotConfirmed || c.Last.Disposition != call.NoAnswer || c.Last.HangupBy != "server" {
		t.Errorf("%+v", c.Last)
	}
	if n := o.phones["202"].Counts().Invites; n != 0 {
		t.Errorf("the other phone was called %d times", n)
	}
}

// The destination is busy: the user hears the tone of that, and is released.
func TestFailToneIsHeard(t *testing.T) {
	o := open(t, nil)
	id := o.press("201", "202", func(then *call.Then) { then.Confirm, then.FailTone = false, 2*time.Second })
	a := o.next("201")
	a.Answer()
	o.next("202")
	o.must(o.table.Reject(o.ctx, "202", o.await("202", "alerting")[0].ID, "x"))
	o.hears(a, busyTone)
	o.must(a.WaitEnded(o.ctx))
	if c := o.record(id); c.Last == nil || c.Last.Disposition != call.Busy || c.Last.Failure.Leg != "b" {
		t.Errorf("%+v", c.Last)
	}
}
