package pbx_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// outgoing gives options for a call that goes on with h in context ctx.
func outgoing(endpoint string, h pbx.Handler) pbx.OutgoingOptions {
	o := pbx.OutgoingOptions{Then: call.Then{Kind: call.ThenDialplan, Context: "ctx", Extension: "1"}, Next: h}
	o.Endpoint, o.CallerID.Number = call.Endpoint(endpoint), "4711"
	return o
}

// TestOutgoingResult looks at the reason, the failure, and whether extension failed runs
// (spec: ami 4.6, 4.7).
func TestOutgoingResult(t *testing.T) {
	signals := pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		if c.Snapshot().Dialled == "busy" {
			_ = c.Indicate(cause.UserBusy)
		}
		<-ctx.Done()
	})
	tests := []struct {
		endpoint string
		early    bool
		compat   bool
		reason   int
		answered bool
		made     bool
	}{
		{endpoint: "Pretend/100?talk=1s", reason: 4, answered: true, made: true},
		{endpoint: "Pretend/100486", reason: 5, made: true},
		{endpoint: "Pretend/100486", compat: true, reason: 0, made: true},
		{endpoint: "Local/busy@x", compat: true, reason: 5, made: true},
		{endpoint: "Pretend/100603", reason: 8, made: true},
		{endpoint: "Pretend/100503", reason: 8, made: true},
		{endpoint: "Pretend/100404", reason: 0, made: true},
		{endpoint: "Pretend/100180?ring=1h", reason: 3, made: true},
		{endpoint: "Pretend/100timeout", reason: 3, made: true},
		{endpoint: "Pretend/100183?ring=1h", reason: 3, made: true},
		{endpoint: "Pretend/100183?ring=1h", early: true, reason: 4, answered: true, made: true},
		{endpoint: "Pretend/unknown", reason: 0},
		{endpoint: "NOTECH/1", reason: 0},
		{endpoint: "nothing", reason: 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.endpoint, tt.early, tt.compat), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ran := ""
				failed := pbx.HandlerFunc(func(_ context.Context, c *pbx.Channel) { ran, _ = c.PlainVariable("REASON") })
				s, _ := setup(t, pbx.Options{Inbound: signals, Runner: plan{failed: failed}})
				defer stop(t, s)
				o := outgoing(tt.endpoint, pbx.HandlerFunc(func(context.Context, *pbx.Channel) {}))
				o.EarlyMedia, o.Compat, o.Timeout = tt.early, tt.compat, time.Minute
				told := 0
				o.Told = func(pbx.OutgoingResult) { told++ }
				g := s.Outgoing(t.Context(), o)
				<-g.Done()
				r := g.Result()
				if r.Reason != tt.reason || r.Answered != tt.answered || (r.Channel != nil) != tt.made || (r.Failure != nil) == tt.answered || told != 1 {
					t.Errorf("%+v, told %d times", r, told)
				}
				want := ""
				if tt.made && !tt.answered {
					want = fmt.Sprint(tt.reason)
				}
				if ran != want {
					t.Errorf("extension failed ran with REASON %q, want %q", ran, want)
				}
			})
		})
	}
}

// TestOutgoingOrder wants the outcome told between the answer and what follows it, and of
// a call that fails behind everything else (spec: ami 5.5).
func TestOutgoingOrder(t *testing.T) {
	for _, tt := range []struct {
		endpoint string
		early    bool
		want     []string
	}{
		{"Pretend/100?talk=1s", false, []string{
			"ChannelCreated", "ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine", "Dial ", "ChannelStateChange", "Dial ANSWER",
			"ChannelHandlerStarted", "outcome", "next", "ChannelHandlerEnded", "ChannelHangupRequest", "ChannelDestroyed",
		}},
		{"Pretend/100183?ring=1h", true, []string{
			"ChannelCreated", "ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine", "Dial ", "Dial PROGRESS", "ChannelStateChange", "Dial ANSWER",
			"ChannelHandlerStarted", "outcome", "next", "ChannelHandlerEnded", "ChannelHangupRequest", "ChannelDestroyed",
		}},
		{"Pretend/100486", false, []string{
			"ChannelCreated", "ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine", "Dial ", "ChannelHangupRequest", "Dial BUSY",
			"ChannelDestroyed", "outcome",
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := setup(t, pbx.Options{})
			var seen []string // written under the bus lock
			defer s.Observe(func(e *pbx.Event) {
				name := string(e.Type)
				if e.Type == pbx.Dial {
					name += " " + e.DialStatus
				}
				if name == "ChannelStateChange" && e.Channel.State == pbx.Ringing || name == "ChannelVarset" || name == "DeviceStateChanged" {
					return
				}
				seen = append(seen, name)
			})()
			o := outgoing(tt.endpoint, pbx.HandlerFunc(func(_ context.Context, c *pbx.Channel) { _ = c.Tell(pbx.Event{Type: "next"}) }))
			o.EarlyMedia = tt.early
			o.Told = func(pbx.OutgoingResult) { s.Tell(pbx.Event{Type: "outcome"}) }
			g := s.Outgoing(t.Context(), o)
			<-g.Channel().Gone()
			<-g.Done()
			stop(t, s)
			if d := cmp.Diff(tt.want, seen); d != "" {
				t.Errorf("%s (-want +got):\n%s", tt.endpoint, d)
			}
		})
	}
}

// TestFollow asks for places and applications that are there and not.
func TestFollow(t *testing.T) {
	routed := func(_ call.AccountID, in, dialled string) (call.Route, error) {
		if dialled != "100" {
			return call.Route{}, errors.New("no such number")
		}
		return call.Route{Endpoint: "Pretend/100"}, nil
	}
	for _, tt := range []struct {
		then   call.Then
		runner pbx.Runner
		router pbx.Router
		ok     bool
	}{
		{call.Then{Kind: call.ThenApplication, Name: "echo"}, nil, nil, true},
		{call.Then{Kind: call.ThenApplication, Name: "Dance"}, nil, nil, false},
		{call.Then{Kind: call.ThenApplication, Name: "Dance"}, plan{then: pbx.HandlerFunc(func(context.Context, *pbx.Channel) {})}, nil, true},
		{call.Then{Kind: call.ThenApplication, Name: "nothing"}, plan{}, nil, false},
		{call.Then{Kind: call.ThenDialplan, Context: "x", Extension: "100"}, nil, nil, false},
		{call.Then{Kind: call.ThenDialplan, Context: "x", Extension: "100"}, nil, routerFunc(routed), true},
		{call.Then{Kind: call.ThenDialplan, Context: "x", Extension: "100", Priority: "1"}, nil, routerFunc(routed), true},
		{call.Then{Kind: call.ThenDialplan, Context: "x", Extension: "100", Priority: "2"}, nil, routerFunc(routed), false},
		{call.Then{Kind: call.ThenDialplan, Context: "x", Extension: "101"}, nil, routerFunc(routed), false},
	} {
		s, _ := setup(t, pbx.Options{Runner: tt.runner, Router: tt.router})
		h, err := s.Follow("", tt.then)
		if h == nil || (err == nil) != tt.ok {
			t.Errorf("%+v: %v, %v", tt.then, h, err)
		}
		stop(t, s)
	}
}

type routerFunc func(account call.AccountID, context, dialled string) (call.Route, error)

func (f routerFunc) Inbound(a call.AccountID, c, d string) (call.Route, error) { return f(a, c, d) }

// TestOutgoingMany places hundreds of calls at once while others hang them up, and stops
// the switch in the middle of more: each is told once, and no goroutine is left in the
// bubble.
func TestOutgoingMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		var told atomic.Int32
		place := func(endpoint string) *pbx.Outgoing {
			o := outgoing(endpoint, pbx.HandlerFunc(func(context.Context, *pbx.Channel) {}))
			o.Told = func(pbx.OutgoingResult) { told.Add(1) }
			return s.Outgoing(t.Context(), o)
		}
		var all sync.WaitGroup
		for i := range 400 {
			all.Go(func() {
				g := place([...]string{"Pretend/100", "Pretend/100486", "Pretend/100180?ring=1h", "NOTECH/1"}[i%4])
				if c := g.Channel(); c != nil && i%8 < 4 {
					c.HangupFromOutside(0)
				}
				if i%8 != 6 { // which goes on ringing
					<-g.Done()
				}
			})
		}
		all.Wait()
		for range 50 {
			place("Pretend/100180?ring=1h")
		}
		stop(t, s)
		synctest.Wait()
		if n := told.Load(); n != 450 {
			t.Errorf("%d calls were told, want 450", n)
		}
	})
}
