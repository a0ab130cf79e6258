// Package pbxtest says whether a technology keeps the promises that
// pbx.Technology and pbx.Leg ask for. Every technology calls Run from its tests:
//
//	func TestConformance(t *testing.T) {
//		pbxtest.Run(t, func(t *testing.T) pbxtest.Subject { … })
//	}
package pbxtest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Subject is a technology and what to dial on it. A resource that is "" is
// something that the technology cannot do; its test is skipped.
type Subject struct {
	Technology pbx.Technology
	Switch     *pbx.Switch // the switch that the technology is used by; Run registers it and stops the switch
	Media      bool        // the switch has a media engine: answered legs have a format

	Answers string // answers and stays
	Rings   string // rings and does not answer within a minute
	Silent  string // does nothing at all
	Busy    string // refuses with 486, cause 17
	HangsUp string // answers and hangs up by itself
	Unknown string // does not exist
	Offline string // exists but cannot be reached now: cause 20

	// Left says how many legs the far side still holds; nil = unknown.
	Left func() int
}

// patience is how long a test waits for what has to come. It is long because
// nothing is measured by it.
const patience = 40 * time.Second

// Run runs the suite. newSubject is called once for each test; what it starts
// besides the switch it stops by t.Cleanup.
func Run(t *testing.T, newSubject func(t *testing.T) Subject) {
	tests := []struct {
		name string
		f    func(t *testing.T, r *rig)
	}{
		{"Refusals", refusals},
		{"Undialled", undialled},
		{"Answer", answer},
		{"Busy", busy},
		{"HangupWhileRinging", hangupWhileRinging},
		{"HangupAtOnce", hangupAtOnce},
		{"Timeout", timeout},
		{"PeerHangsUp", peerHangsUp},
		{"AfterTheEnd", afterTheEnd},
		{"ManyAtOnce", manyAtOnce},
		{"Place", place},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.f(t, newRig(t, newSubject))
		})
	}
}

// rig is one test's switch with the technology under a spy.
type rig struct {
	Subject
	spy *spy
}

func newRig(t *testing.T, newSubject func(t *testing.T) Subject) *rig {
	t.Helper()
	r := &rig{Subject: newSubject(t)}
	r.spy = &spy{Technology: r.Technology}
	r.Switch.Register(r.spy)
	t.Cleanup(func() { r.check(t) })
	return r
}

// check stops the switch and looks for what is left.
func (r *rig) check(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), patience) // t's own context has ended in a clean-up
	defer cancel()
	if err := r.Switch.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	r.spy.check(t, ctx)
	if n := r.Switch.Stats().Panics; n != 0 {
		t.Errorf("%d panics", n)
	}
	if r.Left != nil {
		if n := r.Left(); n != 0 {
			t.Errorf("the technology still holds %d legs", n)
		}
	}
}

// create makes a channel.
func (r *rig) create(t *testing.T, resource string) *pbx.Channel {
	t.Helper()
	if resource == "" {
		t.Skip("the technology has nothing that does this")
	}
	c, err := r.Switch.Create(t.Context(), pbx.CreateOptions{
		Endpoint: call.Endpoint(r.Technology.Name() + "/" + resource), CallerID: call.CallerID{Name: "Test", Number: "4711"},
	})
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return c
}

// dial makes a channel and dials it.
func (r *rig) dial(t *testing.T, resource string, o pbx.DialOptions) *pbx.Channel {
	t.Helper()
	c := r.create(t, resource)
	if err := c.Dial(o); err != nil {
		t.Fatalf("Dial: %v", err)
	}
	return c
}

// until waits for a state of the channel.
func until(t *testing.T, c *pbx.Channel, want pbx.State) {
	t.Helper()
	reached := make(chan struct{}, 1)
	look := func() {
		if c.State() == want {
			select {
			case reached <- struct{}{}:
			default:
			}
		}
	}
	remove := c.Watch(func(e *pbx.Event) { look() })
	defer remove()
	look()
	select {
	case <-reached:
	case <-c.Gone():
		r, _ := c.Result()
		t.Fatalf("the channel ended (%+v) before it was %s", r, want)
	case <-time.After(patience):
		t.Fatalf("the channel is %s and not %s", c.State(), want)
	}
}

// gone waits for the channel's end.
func gone(t *testing.T, c *pbx.Channel) pbx.Result {
	t.Helper()
	select {
	case <-c.Gone():
	case <-time.After(patience):
		t.Fatalf("the channel is still %s", c.State())
	}
	r, ok := c.Result()
	if !ok {
		t.Fatal("no result")
	}
	return r
}

// spy counts the events of every leg of a technology.
type spy struct {
	pbx.Technology

	mu   sync.Mutex
	legs []*record
}

// record is what one leg has said.
type record struct {
	leg     pbx.Leg
	mu      sync.Mutex
	dialled bool
	events  []pbx.LegEventKind
	ended   chan struct{}
}

// watched is a leg that notes whether it was dialled.
type watched struct {
	pbx.Leg
	r *record
}

func (w watched) Dial(o pbx.DialOptions) error {
	err := w.Leg.Dial(o)
	w.r.mu.Lock()
	w.r.dialled = w.r.dialled || err == nil
	w.r.mu.Unlock()
	return err
}

// Request passes the leg on and listens to its events.
func (s *spy) Request(ctx context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	r := &record{ended: make(chan struct{})}
	on := o.OnEvent
	o.OnEvent = func(e pbx.LegEvent) {
		r.mu.Lock()
		r.events = append(r.events, e.Kind)
		if e.Kind == pbx.LegEnded {
			select {
			case <-r.ended:
			default:
				close(r.ended)
			}
		}
		r.mu.Unlock()
		on(e)
	}
	leg, err := s.Technology.Request(ctx, resource, o)
	if err != nil {
		return nil, err
	}
	r.leg = leg
	s.mu.Lock()
	s.legs = append(s.legs, r)
	s.mu.Unlock()
	return watched{leg, r}, nil
}

// check looks at every leg: one LegEnded, last.
func (s *spy) check(t *testing.T, ctx context.Context) {
	s.mu.Lock()
	legs := s.legs
	s.mu.Unlock()
	for _, r := range legs {
		r.mu.Lock()
		dialled := r.dialled
		r.mu.Unlock()
		if dialled {
			select {
			case <-r.ended:
			case <-ctx.Done():
				t.Error("a dialled leg never posted LegEnded")
				return
			}
		}
		r.mu.Lock()
		for i, k := range r.events {
			if k == pbx.LegEnded && i != len(r.events)-1 {
				t.Errorf("LegEnded is not the one last event: %v", r.events)
				break
			}
		}
		r.mu.Unlock()
	}
}

// failureOf finds the failure in an error.
func failureOf(t *testing.T, err error) *call.Failure {
	t.Helper()
	f, ok := errors.AsType[*call.Failure](err)
	if !ok {
		t.Fatalf("%v (%T) is no *call.Failure", err, err)
	}
	if f.Disposition == "" || f.Disposition == call.Answered {
		t.Errorf("failure has disposition %q", f.Disposition)
	}
	return f
}

// noCause says that a cause is missing.
func noCause(c cause.Code) bool { return c < 1 || c > 127 }
