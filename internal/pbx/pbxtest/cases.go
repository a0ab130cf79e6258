package pbxtest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// What cannot be dialled is refused by Request, with a cause.
func refusals(t *testing.T, r *rig) {
	if r.Technology.Name() == "" {
		t.Error("the technology has no name")
	}
	if r.Unknown != "" {
		_, err := r.Technology.Request(t.Context(), r.Unknown, pbx.RequestOptions{ChannelID: "x", OnEvent: func(pbx.LegEvent) {}})
		f := failureOf(t, err)
		if !f.Permanent || noCause(cause.Code(f.Cause)) {
			t.Errorf("unknown endpoint: %+v; want a cause and Permanent", f)
		}
	}
	if r.Offline != "" {
		_, err := r.Technology.Request(t.Context(), r.Offline, pbx.RequestOptions{ChannelID: "x", OnEvent: func(pbx.LegEvent) {}})
		if f := failureOf(t, err); f.Permanent || f.Cause != int(cause.SubscriberAbsent) {
			t.Errorf("offline endpoint: %+v; want cause 20, not permanent", f)
		}
	}
	for _, e := range r.Technology.Endpoints() {
		if e.Name == "" || e.Kind != "phone" && e.Kind != "trunk" || e.State == "" {
			t.Errorf("endpoint %+v", e)
		}
	}
}

// A channel that was never dialled ends without a trace.
func undialled(t *testing.T, r *rig) {
	c := r.create(t, r.Answers)
	sn := c.Snapshot()
	if sn.State != pbx.Down || sn.Technology != r.Technology.Name() || sn.Name == "" {
		t.Errorf("created channel: %+v", sn)
	}
	c.Hangup(0)
	gone(t, c)
}

// Down, perhaps Ringing, Up, and our hangup.
func answer(t *testing.T, r *rig) {
	c := r.dial(t, r.Answers, pbx.DialOptions{})
	until(t, c, pbx.Up)
	if err := c.Dial(pbx.DialOptions{}); !errors.Is(err, pbx.ErrDialled) {
		t.Errorf("second dial: %v", err)
	}
	d := c.Leg().Describe()
	if d.Technology != r.Technology.Name() || d.Name == "" || d.Endpoint == "" {
		t.Errorf("description of an answered leg: %+v", d)
	}
	if r.Media {
		if _, ok := c.Port().Format(); !ok {
			t.Error("an answered channel has no media")
		}
	}
	c.Hangup(cause.NormalClearing)
	res := gone(t, c)
	if res.ByPeer || res.AnsweredAt.IsZero() || res.Cause != cause.NormalClearing {
		t.Errorf("result: %+v", res)
	}
}

// A busy phone is one failure with its cause.
func busy(t *testing.T, r *rig) {
	c := r.dial(t, r.Busy, pbx.DialOptions{})
	res := gone(t, c)
	if res.Cause != cause.UserBusy || res.Failure == nil || res.Failure.Disposition != call.Busy || !res.AnsweredAt.IsZero() {
		t.Errorf("result: %+v, failure %+v", res, res.Failure)
	}
}

// A hangup while it rings ends the leg: CANCEL.
func hangupWhileRinging(t *testing.T, r *rig) {
	c := r.dial(t, r.Rings, pbx.DialOptions{})
	until(t, c, pbx.Ringing)
	c.Hangup(cause.NormalClearing)
	if res := gone(t, c); res.RingingAt.IsZero() || !res.AnsweredAt.IsZero() {
		t.Errorf("result: %+v", res)
	}
}

// A hangup right behind the dial, before anything has come back.
func hangupAtOnce(t *testing.T, r *rig) {
	for _, resource := range []string{r.Answers, r.Rings, r.Silent, r.Busy} {
		if resource == "" {
			continue
		}
		c := r.dial(t, resource, pbx.DialOptions{})
		c.Hangup(cause.NormalClearing)
		gone(t, c)
	}
}

// A phone that does not answer in time is cause 19.
func timeout(t *testing.T, r *rig) {
	for _, resource := range []string{r.Rings, r.Silent} {
		if resource == "" {
			continue
		}
		c := r.dial(t, resource, pbx.DialOptions{Timeout: 50 * time.Millisecond})
		if res := gone(t, c); res.Cause != cause.NoAnswer || res.Failure == nil || res.Failure.Disposition != call.NoAnswer {
			t.Errorf("%s: %+v", resource, res)
		}
	}
}

// A party that hangs up says so.
func peerHangsUp(t *testing.T, r *rig) {
	c := r.dial(t, r.HangsUp, pbx.DialOptions{})
	if res := gone(t, c); !res.ByPeer || res.AnsweredAt.IsZero() || noCause(res.Cause) {
		t.Errorf("result: %+v", res)
	}
}

// A leg that has ended takes every call without harm.
func afterTheEnd(t *testing.T, r *rig) {
	c := r.dial(t, r.Answers, pbx.DialOptions{})
	until(t, c, pbx.Up)
	c.Hangup(0)
	gone(t, c)
	leg := c.Leg()
	leg.Hangup(cause.UserBusy)
	leg.UpdateCallerID(call.CallerID{Number: "1"})
	for _, err := range []error{
		leg.Dial(pbx.DialOptions{}), leg.Ring(), leg.Progress(), leg.Answer(), leg.Reject(cause.UserBusy), leg.Redirect("x"),
		leg.Hold(true), leg.Hold(false), leg.SendDTMFInfo('1', 0), leg.Transfer("x"),
	} {
		_ = err // an error is fine, a panic or a second LegEnded is not
	}
	_, _, _ = leg.Describe(), leg.Ladder(), leg.Header("X-Test")
}

// Legs do not know of each other.
func manyAtOnce(t *testing.T, r *rig) {
	if r.Answers == "" {
		t.Skip("nothing answers")
	}
	var wg sync.WaitGroup
	for range 20 {
		c := r.create(t, r.Answers)
		wg.Go(func() {
			if err := c.Dial(pbx.DialOptions{}); err != nil {
				t.Errorf("Dial: %v", err)
				return
			}
			up := make(chan struct{})
			var once sync.Once
			look := func() {
				if c.State() == pbx.Up {
					once.Do(func() { close(up) })
				}
			}
			defer c.Watch(func(*pbx.Event) { look() })()
			look()
			select {
			case <-up:
			case <-time.After(patience):
				t.Error("not answered")
			}
			_, _, _ = c.Leg().Describe(), c.Leg().Ladder(), r.Technology.DeviceState(r.Answers)
			c.Hangup(0)
			select {
			case <-c.Gone():
			case <-time.After(patience):
				t.Error("not ended")
			}
		})
	}
	wg.Wait()
}

// The engine connects two of them.
func place(t *testing.T, r *rig) {
	if r.Answers == "" || r.HangsUp == "" {
		t.Skip("nothing to connect")
	}
	tech := r.Technology.Name() + "/"
	out, err := pbx.NewEngine(r.Switch).Place(t.Context(), call.Attempt{
		Request: call.Request{
			First: call.Endpoint(tech + r.Answers), WaitTime: patience,
			Then: call.Then{Kind: call.ThenConnect, Second: call.Endpoint(tech + r.HangsUp), WaitTime: patience},
		},
		StartedAt: time.Now(),
	}, func(call.Event) {})
	if err != nil || out.Disposition != call.Answered || out.HangupBy != "b" || out.B == nil {
		t.Errorf("outcome: %+v, %v", out, err)
	}
}
