package usercall_test

import (
	"errors"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/usercall"
)

// The other side goes to a third phone, whoever sends it; the attempt lasts as long as it.
func TestTransfer(t *testing.T) {
	o := open(t, nil)
	id, a, b := o.talk("201", "202")
	o.await("201", "connected")
	err := o.table.Transfer(o.ctx, "201", id, "0900123")
	if _, ok := errors.AsType[errDenied](err); !ok {
		t.Errorf("a number that is not allowed: %v", err)
	}
	o.hears(b, toneOf201) // and nothing has changed
	o.must(o.table.Transfer(o.ctx, "201", id, "203"))
	o.must(a.WaitEnded(o.ctx))
	c := o.next("203")
	o.await("201", "")
	if got := o.await("203", "alerting")[0]; !got.Incoming {
		t.Errorf("%+v", got)
	}
	o.await("202", "ringback")
	c.Answer()
	o.await("202", "connected")
	o.hears(b, toneOf203)
	o.hears(c, toneOf202)
	if got, err := o.queue.Get(o.ctx, call.ID(id)); err != nil || !got.State.Live() {
		t.Errorf("the call has ended with its user's part: %+v, %v", got.State, err)
	}
	c.Hangup()
	if got := o.record(id); got.Last == nil || got.Last.Disposition != call.Answered {
		t.Errorf("%+v", got.Last)
	}
	o.await("", "")

	id, a, b = o.talk("201", "202") // leg B sends leg A
	o.must(o.table.Transfer(o.ctx, "202", o.await("202", "connected")[0].ID, "203"))
	o.must(b.WaitEnded(o.ctx))
	c = o.next("203")
	c.Answer()
	o.await("203", "connected")
	o.hears(a, toneOf203)
	a.Hangup()
	o.record(id)
	o.await("", "")

	for _, who := range []int{0, 1} { // neither has clicked
		a, b = o.dial("201", "202")
		by, left := "201", b
		if who == 1 {
			by, left = "202", a
		}
		o.must(o.table.Transfer(o.ctx, by, o.await(by, "connected")[0].ID, "203"))
		c = o.next("203")
		c.Answer()
		o.hears(left, toneOf203)
		o.await(by, "")
		left.Hangup()
		o.await("", "")
	}
}

// Two calls of one phone become one of the others.
func TestJoin(t *testing.T) {
	o := open(t, nil)
	id, first, b := o.talk("201", "202")
	o.await("201", "connected")
	second, c := o.dial("201", "203")
	plain := o.await("201", "connected connected")[1].ID
	is(t, "with itself", o.table.Join(o.ctx, "201", id, id), usercall.ErrState)
	is(t, "with none", o.table.Join(o.ctx, "201", id, "none"), usercall.ErrNoCall)
	o.must(o.table.Hold(o.ctx, "201", id, true))
	o.await("201", "holding connected")
	o.must(o.table.Join(o.ctx, "201", id, plain))
	o.must(first.WaitEnded(o.ctx))
	o.must(second.WaitEnded(o.ctx))
	o.await("201", "")
	o.await("202", "connected")
	o.await("203", "connected")
	o.hears(b, toneOf203)
	o.hears(c, toneOf202)
	b.Hangup()
	o.must(c.WaitEnded(o.ctx))
	o.await("", "")
	if got := o.record(id); got.Last == nil || got.Last.Disposition != call.Answered {
		t.Errorf("%+v", got.Last)
	}
}

// Two calls to the phone are joined as well, and can be sent on after that.
func TestJoinIncoming(t *testing.T) {
	o := open(t, nil)
	b, first := o.dial("202", "201")
	c, second := o.dial("203", "201")
	list := o.await("201", "connected connected")
	o.must(o.table.Join(o.ctx, "201", list[1].ID, list[0].ID))
	o.must(first.WaitEnded(o.ctx))
	o.must(second.WaitEnded(o.ctx))
	o.hears(b, toneOf203)
	o.hears(c, toneOf202)
	o.must(o.table.Transfer(o.ctx, "202", o.await("202", "connected")[0].ID, "201"))
	again := o.next("201")
	again.Answer()
	o.hears(c, toneOf201)
	o.await("202", "")
	c.Hangup()
	o.await("", "")
}
