package usercall_test

import (
	"sync"
	"testing"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/internal/usercall"
)

// The server holds, whatever the phone does: the other side hears music, the user nothing.
func TestHold(t *testing.T) {
	o := open(t, nil)
	id, a, b := o.talk("201", "202")
	o.hears(a, toneOf202)
	o.hears(b, toneOf201)
	other := o.await("202", "connected")[0].ID
	for range 2 { // there and back, twice
		o.must(o.table.Hold(o.ctx, "201", id, true))
		o.await("201", "holding")
		o.await("202", "onhold")
		o.hears(b, holdMusic)
		o.must(a.WaitSilence(o.ctx))
		o.must(o.table.Hold(o.ctx, "201", id, true)) // changes nothing
		o.must(o.table.Hold(o.ctx, "201", id, false))
		o.must(o.table.Hold(o.ctx, "201", id, false))
		o.await("", "connected connected")
		o.hears(a, toneOf202)
		o.hears(b, toneOf201)
	}
	o.must(o.table.Hold(o.ctx, "202", other, true)) // the other way round
	o.await("201", "onhold")
	o.hears(a, holdMusic)
	o.must(o.table.Hold(o.ctx, "201", id, true)) // both
	o.await("", "holding holding")
	o.must(o.table.Hold(o.ctx, "202", other, false))
	o.await("201", "holding")
	o.await("202", "onhold")
	o.must(o.table.Hold(o.ctx, "201", id, false))
	o.await("", "connected connected")
	o.hears(a, toneOf202)
	o.hears(b, toneOf201)
}

// A toggle looks at the channel, not at a picture that may be older: an even number of them,
// one after the other or at once, changes nothing, and an odd one holds.
func TestToggleHold(t *testing.T) {
	o := open(t, nil)
	id, _, b := o.talk("201", "202")
	o.await("", "connected connected")
	for n := 2; n < 30; n++ {
		for range n {
			o.must(o.table.ToggleHold(o.ctx, "201", id))
		}
		if n%2 == 1 { // as before
			o.await("201", "holding")
			o.must(o.table.ToggleHold(o.ctx, "201", id))
		}
		o.await("201", "connected")
	}
	var all sync.WaitGroup
	for range 33 {
		all.Go(func() {
			if err := o.table.ToggleHold(o.ctx, "201", id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	o.await("201", "holding")
	o.hears(b, holdMusic)
	o.must(o.table.ToggleHold(o.ctx, "201", id))
	o.await("", "connected connected")
	o.hears(b, toneOf201)
}

// A phone that holds by itself is asked to go on; one that cannot be asked is said so.
func TestHoldOfThePhone(t *testing.T) {
	for _, keys := range []bool{true, false} {
		o := open(t, func(c *softphone.Config) { c.Keys = keys })
		id, a, b := o.talk("201", "202")
		o.await("201", "connected")
		o.must(a.Hold(o.ctx, true))
		o.await("201", "holding")
		o.await("202", "onhold")
		o.hears(b, holdMusic)
		o.must(o.table.Hold(o.ctx, "201", id, true)) // and the server too
		o.must(a.Hold(o.ctx, false))
		o.hears(b, holdMusic)
		if got := states(o.table.Of("201")); got != "holding" {
			t.Errorf("the phone's taking back has ended the server's hold: %q", got)
		}
		o.must(o.table.Hold(o.ctx, "201", id, false))
		o.await("", "connected connected")
		o.must(a.Hold(o.ctx, true))
		o.await("201", "holding")
		err := o.table.Hold(o.ctx, "201", id, false)
		if !keys {
			is(t, "a phone without keys", err, usercall.ErrUnsupported)
			o.await("201", "holding")
			continue
		}
		o.must(err)
		o.await("", "connected connected")
		o.hears(b, toneOf201)
	}
}

func TestHoldNeedsATalk(t *testing.T) {
	o := open(t, nil)
	id := o.click("201", "202")
	a := o.next("201")
	o.await("201", "alerting")
	is(t, "alerting", o.table.Hold(o.ctx, "201", id, true), usercall.ErrState)
	a.Answer()
	o.await("201", "ringback")
	is(t, "ringback", o.table.Hold(o.ctx, "201", id, true), usercall.ErrState)
	is(t, "transfer", o.table.Transfer(o.ctx, "201", id, "203"), usercall.ErrState)
	is(t, "digits", o.table.SendDTMF(o.ctx, "201", id, "1"), usercall.ErrState)
	is(t, "record", o.table.Record(o.ctx, "201", id, true), usercall.ErrState)
	is(t, "join", o.table.Join(o.ctx, "201", id, id), usercall.ErrState)
	is(t, "no call", o.table.Hold(o.ctx, "201", "none", true), usercall.ErrNoCall)
}
