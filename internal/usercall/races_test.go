package usercall_test

import (
	"bytes"
	"errors"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"

	"github.com/dialwright/dialwright/internal/usercall"
)

// A call ends while it is being controlled: everything gives ErrNoCall, at once or after.
func TestEndsMeanwhile(t *testing.T) {
	o := open(t, nil)
	for range 5 {
		id, a, _ := o.talk("201", "202")
		o.await("201", "connected")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.Hangup()
		}()
		for _, do := range []func() error{
			func() error { return o.table.Hold(o.ctx, "201", id, true) },
			func() error { return o.table.Record(o.ctx, "201", id, true) },
			func() error { return o.table.SendDTMF(o.ctx, "201", id, "1") },
			func() error { return o.table.Hold(o.ctx, "201", id, false) },
			func() error { return o.table.Transfer(o.ctx, "201", id, "203") },
		} {
			if err := do(); err != nil && !errors.Is(err, usercall.ErrNoCall) && !errors.Is(err, usercall.ErrState) {
				t.Errorf("%v", err)
			}
		}
		<-ended
		for _, p := range o.phones {
			for _, c := range p.Live() {
				c.Hangup()
			}
		}
		o.await("", "")
		is(t, "after the end", o.table.Transfer(o.ctx, "201", id, "203"), usercall.ErrNoCall)
	}
}

// The server stops while calls are up: they go away, and nothing is left.
func TestServerStops(t *testing.T) {
	o := open(t, nil)
	id, a, b := o.talk("201", "202")
	o.await("201", "connected")
	o.must(o.table.Record(o.ctx, "201", id, true))
	o.must(o.sw.Stop(o.ctx))
	o.must(a.WaitEnded(o.ctx))
	o.must(b.WaitEnded(o.ctx))
	o.await("", "")
	is(t, "hangup", o.table.Hangup(o.ctx, "201", id, "x"), usercall.ErrNoCall)
	o.must(o.table.Stop(o.ctx))
}

// Whoever hangs up while the phone answers, by itself or because it is asked to: the call
// ends, for all who see it and on every phone.
func TestHangupWhileAnswering(t *testing.T) {
	o := open(t, nil)
	for i := range 20 {
		id := o.click("201", "202")
		a := o.next("201")
		var racers sync.WaitGroup
		racers.Go(func() {
			if i%2 == 0 {
				a.Answer()
				return
			}
			if err := o.table.Answer(o.ctx, "201", id); err != nil && !expected(err) {
				t.Errorf("answer: %v", err)
			}
		})
		racers.Go(func() {
			if err := o.table.Hangup(o.ctx, "201", id, "x"); err != nil {
				t.Errorf("hang up: %v", err)
			}
		})
		racers.Wait()
		o.must(a.WaitEnded(o.ctx))
		o.await("", "")
		if c := o.record(id); c.State.Live() {
			t.Errorf("the call lives on: %s", c.State)
		}
		for _, b := range o.phones["202"].Live() { // rang for a moment
			o.must(b.WaitEnded(o.ctx))
		}
	}
}

// The other side hangs up while it is sent elsewhere, or joined: nobody is left behind.
func TestEndsWhileSentOn(t *testing.T) {
	o := open(t, nil)
	for i := range 10 {
		id, first, b := o.talk("201", "202")
		o.await("201", "connected")
		second, c := o.dial("201", "203")
		plain := o.await("201", "connected connected")[1].ID
		var racers sync.WaitGroup
		racers.Go(b.Hangup)
		racers.Go(func() {
			var err error
			if i%2 == 0 {
				err = o.table.Join(o.ctx, "201", id, plain)
			} else {
				err = o.table.Transfer(o.ctx, "201", id, "203")
			}
			if err != nil && !expected(err) {
				t.Errorf("%v", err)
			}
		})
		racers.Wait()
		o.must(b.WaitEnded(o.ctx))
		o.must(first.WaitEnded(o.ctx))
		second.Hangup()
		c.Hangup()
		o.await("", "")
		if got := o.record(id); got.State.Live() {
			t.Errorf("the call lives on: %s", got.State)
		}
		o.drain()
	}
}

// expected says whether an error is what a call that has changed gives.
func expected(err error) bool {
	return errors.Is(err, usercall.ErrNoCall) || errors.Is(err, usercall.ErrState)
}

// drain forgets calls that rang a phone and are over.
func (o *office) drain() {
	for _, p := range o.phones {
		for {
			select {
			case c := <-p.Calls():
				o.must(c.WaitEnded(o.ctx))
				continue
			default:
			}
			break
		}
	}
}

// After the calls nothing of them is left: no goroutine of the table, no call, no recording.
func TestNothingIsLeft(t *testing.T) {
	o := open(t, nil)
	for range 5 {
		id, _, b := o.talk("201", "202")
		o.await("201", "connected")
		o.must(o.table.Record(o.ctx, "201", id, true))
		o.must(o.table.Hold(o.ctx, "201", id, true))
		b.Hangup()
		o.await("", "")
	}
	o.must(o.table.Stop(o.ctx))
	var dump bytes.Buffer
	o.must(pprof.Lookup("goroutine").WriteTo(&dump, 2))
	if strings.Contains(dump.String(), "usercall.(*Table)") {
		t.Errorf("goroutines are left:\n%s", dump.String())
	}
}
