package pbx_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
)

// routes is a Router for tests: number to endpoint.
type routes map[string]call.Endpoint

func (r routes) Inbound(_ call.AccountID, _, dialled string) (call.Route, error) {
	if to, ok := r[dialled]; ok {
		return call.Route{Typed: dialled, Endpoint: to, Number: dialled}, nil
	}
	return call.Route{}, errors.New("no route to " + dialled)
}

// setup gives a switch with pretended phones and Local channels, without
// media, and stops it when the test ends.
func setup(t testing.TB, o pbx.Options) (*pbx.Switch, *pretend.Technology) {
	t.Helper()
	s := pbx.New(o)
	phones := pretend.New(pretend.Options{})
	s.Register(phones)
	s.Register(local.New(s))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, phones
}

// stop stops the switch inside the bubble and checks that nothing is left.
func stop(t testing.TB, s *pbx.Switch) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if st := s.Stats(); st.Channels != 0 || st.Bridges != 0 || st.Panics != 0 {
		t.Errorf("after Stop: %+v", st)
	}
}

// attempt makes an attempt of A, then B.
func attempt(a, b string, change ...func(*call.Attempt)) call.Attempt {
	at := call.Attempt{
		Call: "test", Number: 1, StartedAt: time.Now(),
		Request: call.Request{
			Account: "sales", First: call.Endpoint(a), WaitTime: 30 * time.Second, CallerID: call.CallerID{Name: "Desk", Number: "4711"},
			Then: call.Then{Kind: call.ThenConnect, Second: call.Endpoint(b), WaitTime: 20 * time.Second},
		},
		RouteA: call.Route{Typed: a, Endpoint: call.Endpoint(a), Phone: "a"},
		RouteB: call.Route{Typed: b, Endpoint: call.Endpoint(b), Number: "b"},
	}
	for _, f := range change {
		f(&at)
	}
	return at
}

// place runs an attempt and gives its outcome and the types of its events. It
// drives the call's state machine by them, as the originator will.
func place(t testing.TB, e *pbx.Engine, ctx context.Context, at call.Attempt) (call.Outcome, []call.EventType) {
	t.Helper()
	var types []call.EventType
	state := call.Dialing
	returned := false
	out, err := e.Place(ctx, at, func(ev call.Event) {
		if returned {
			t.Errorf("event %s after Place has returned", ev.Type)
		}
		next, err := call.Next(state, ev.Type)
		if err != nil {
			t.Errorf("event out of order: %v", err)
		}
		if ev.At.IsZero() {
			t.Errorf("event %s has no time", ev.Type)
		}
		state = next
		types = append(types, ev.Type)
	})
	returned = true
	if err != nil {
		t.Fatalf("Place: %v", err)
	}
	if out.EndedAt.IsZero() || out.A.EndedAt.IsZero() || out.Disposition == "" || out.HangupBy == "" {
		t.Errorf("outcome is incomplete: %+v", out)
	}
	if (out.Disposition == call.Answered) != (out.Failure == nil) {
		t.Errorf("disposition %s with failure %v", out.Disposition, out.Failure)
	}
	return out, types
}

func TestPlaceOutcomes(t *testing.T) {
	a, b := "Pretend/100180?ring=2s", "Pretend/200183?ring=3s&talk=10s"
	tests := []struct {
		name   string
		a, b   string
		events []call.EventType
		disp   call.Disposition
		leg    string
		cause  int
		status int
		perm   bool
		by     string
		dispA  call.Disposition
		dispB  call.Disposition
	}{
		{name: "both answer, B hangs up", a: a, b: b, by: "b", disp: call.Answered, dispA: call.Answered, dispB: call.Answered,
			events: []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnecting, call.EvBProgress, call.EvConnected}},
		{name: "A hangs up", a: "Pretend/100?talk=5s", b: "Pretend/200180?ring=1s", by: "a", disp: call.Answered, dispA: call.Answered, dispB: call.Answered,
			events: []call.EventType{call.EvAnswered, call.EvConnecting, call.EvBRinging, call.EvConnected}},
		{name: "A busy", a: "Pretend/100486", b: b, by: "a", disp: call.Busy, leg: "a", cause: 17, status: 486, dispA: call.Busy},
		{name: "A declines", a: "Pretend/100603", b: b, by: "a", disp: call.Failed, leg: "a", cause: 21, status: 603, dispA: call.Failed},
		{name: "A does not exist there", a: "Pretend/100404", b: b, by: "a", disp: call.Failed, leg: "a", cause: 1, status: 404, perm: true, dispA: call.Failed},
		{name: "A unavailable", a: "Pretend/100480", b: b, by: "a", disp: call.NoAnswer, leg: "a", cause: 19, status: 480, dispA: call.NoAnswer},
		{name: "A congested", a: "Pretend/100503", b: b, by: "a", disp: call.Congestion, leg: "a", cause: 34, status: 503, dispA: call.Congestion},
		{name: "A silent", a: "Pretend/100000", b: b, by: "server", disp: call.NoAnswer, leg: "a", cause: 19, dispA: call.NoAnswer},
		{name: "A rings for ever", a: "Pretend/100180?ring=10h", b: b, by: "server", disp: call.NoAnswer, leg: "a", cause: 19, dispA: call.NoAnswer,
			events: []call.EventType{call.EvRinging}},
		{name: "A unknown", a: "Pretend/unknown", b: b, by: "server", disp: call.Failed, leg: "a", cause: 1, perm: true, dispA: call.Failed},
		{name: "A not registered", a: "Pretend/7offline", b: b, by: "server", disp: call.NoAnswer, leg: "a", cause: 20, dispA: call.NoAnswer},
		{name: "no such technology", a: "DAHDI/1", b: b, by: "server", disp: call.Failed, leg: "a", cause: 44, perm: true, dispA: call.Failed},
		{name: "B busy", a: a, b: "Pretend/200486?ring=1s", by: "b", disp: call.Busy, leg: "b", cause: 17, status: 486, dispA: call.Answered, dispB: call.Busy,
			events: []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnecting}},
		{name: "B silent", a: a, b: "Pretend/200timeout", by: "server", disp: call.NoAnswer, leg: "b", cause: 19, dispA: call.Answered, dispB: call.NoAnswer,
			events: []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnecting}},
		{name: "B unknown", a: a, b: "Pretend/unknown", by: "server", disp: call.Failed, leg: "b", cause: 1, perm: true, dispA: call.Answered, dispB: call.Failed,
			events: []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnecting}},
		{name: "A gives up while B rings", a: "Pretend/100?talk=3s", b: "Pretend/200180?ring=1h", by: "a", disp: call.Cancelled, leg: "a", cause: 16,
			dispA: call.Answered, dispB: call.Cancelled,
			events: []call.EventType{call.EvAnswered, call.EvConnecting, call.EvBRinging}},
		{name: "B answers and hangs up at once", a: a, b: "Pretend/200?talk=1ns", by: "b", disp: call.Answered, dispA: call.Answered, dispB: call.Answered,
			events: []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnecting, call.EvConnected}},
		{name: "hold and resume", a: a, b: "Pretend/200?hold=1s&resume=2s&talk=5s", by: "b", disp: call.Answered, dispA: call.Answered, dispB: call.Answered,
			events: []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnecting, call.EvConnected, call.EvHeld, call.EvResumed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, phones := setup(t, pbx.Options{})
				defer stop(t, s)
				out, events := place(t, pbx.NewEngine(s), t.Context(), attempt(tt.a, tt.b))
				if d := cmp.Diff(tt.events, events); d != "" {
					t.Errorf("events (-want +got):\n%s", d)
				}
				if out.Disposition != tt.disp || out.HangupBy != tt.by || out.A.Disposition != tt.dispA {
					t.Errorf("got %s by %s, A %s; want %s by %s, A %s", out.Disposition, out.HangupBy, out.A.Disposition, tt.disp, tt.by, tt.dispA)
				}
				if (out.B != nil) != (tt.dispB != "") || out.B != nil && out.B.Disposition != tt.dispB {
					t.Errorf("leg B: %+v, want %s", out.B, tt.dispB)
				}
				if f := out.Failure; f != nil {
					if f.Leg != tt.leg || f.Cause != tt.cause || f.SIPStatus != tt.status || f.Permanent != tt.perm || f.Disposition != tt.disp {
						t.Errorf("failure %+v; want leg %s cause %d status %d permanent %v", f, tt.leg, tt.cause, tt.status, tt.perm)
					}
				}
				if live, _, _ := phones.Stats(); live != 0 {
					t.Errorf("%d legs are still up", live)
				}
			})
		})
	}
}

// The outcome carries what the CDR and `explain` need.
func TestPlaceOutcomeDetails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		start := time.Now().UTC()
		out, _ := place(t, pbx.NewEngine(s), t.Context(), attempt("Pretend/100180?ring=2s", "Pretend/200180?ring=3s&talk=10s"))
		if got := out.A.RingingAt.Sub(start); got != 0 {
			t.Errorf("A rang after %v", got)
		}
		if got := out.A.AnsweredAt.Sub(start); got != 2*time.Second {
			t.Errorf("A answered after %v, want 2s", got)
		}
		if got := out.ConnectedAt.Sub(start); got != 5*time.Second {
			t.Errorf("connected after %v, want 5s", got)
		}
		if got := out.EndedAt.Sub(start); got != 15*time.Second {
			t.Errorf("ended after %v, want 15s", got)
		}
		if !strings.HasPrefix(out.A.Channel, "Pretend/100180-0000000") || out.A.ChannelID == "" || out.A.CallID == "" {
			t.Errorf("leg A: %+v", out.A)
		}
		if len(out.A.Ladder) == 0 || len(out.B.Ladder) == 0 || out.A.Cause != 16 || out.B.Cause != 16 {
			t.Errorf("legs: %+v, %+v", out.A, out.B)
		}
	})
}

func TestPlaceMaxTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, phones := setup(t, pbx.Options{})
		defer stop(t, s)
		at := attempt("Pretend/100", "Pretend/200", func(a *call.Attempt) { a.Request.Then.MaxTime = time.Minute })
		out, _ := place(t, pbx.NewEngine(s), t.Context(), at)
		if out.HangupBy != "limit" || out.EndedAt.Sub(out.ConnectedAt) != time.Minute || out.Disposition != call.Answered {
			t.Errorf("outcome: %+v", out)
		}
		if live, _, _ := phones.Stats(); live != 0 {
			t.Errorf("%d legs are still up", live)
		}
	})
}

// Cancelling works in every state, and leaves nothing.
func TestPlaceCancelEverywhere(t *testing.T) {
	type stage struct {
		name  string
		a, b  string
		after time.Duration
		disp  call.Disposition
		dispA call.Disposition
	}
	stages := []stage{
		{"before the dial", "Pretend/100", "Pretend/200", 0, call.Cancelled, call.Cancelled},
		{"A silent", "Pretend/100000", "Pretend/200", time.Second, call.Cancelled, call.Cancelled},
		{"A rings", "Pretend/100180?ring=1h", "Pretend/200", time.Second, call.Cancelled, call.Cancelled},
		{"A rings, 200 crosses CANCEL", "Pretend/100180?ring=1h&late=true", "Pretend/200", time.Second, call.Cancelled, call.Cancelled},
		{"A early media", "Pretend/100183?ring=1h", "Pretend/200", time.Second, call.Cancelled, call.Cancelled},
		{"B silent", "Pretend/100", "Pretend/200000", time.Second, call.Cancelled, call.Answered},
		{"B rings", "Pretend/100", "Pretend/200180?ring=1h", time.Second, call.Cancelled, call.Answered},
		{"B rings, 200 crosses CANCEL", "Pretend/100", "Pretend/200180?ring=1h&late=true", time.Second, call.Cancelled, call.Answered},
		{"connected", "Pretend/100", "Pretend/200", time.Second, call.Answered, call.Answered},
	}
	for _, tt := range stages {
		for _, by := range []string{"request", "server"} {
			t.Run(tt.name+" by "+by, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, phones := setup(t, pbx.Options{})
					defer stop(t, s)
					why := errors.New("no longer wanted")
					e := pbx.NewEngineWith(s, pbx.EngineOptions{EndedBy: func(err error) string {
						if !errors.Is(err, why) {
							t.Errorf("asked about %v", err)
						}
						return by
					}})
					ctx, cancel := context.WithCancelCause(t.Context())
					if tt.after == 0 {
						cancel(why)
					} else {
						time.AfterFunc(tt.after, func() { cancel(why) })
					}
					out, _ := place(t, e, ctx, attempt(tt.a, tt.b))
					want, wantA := tt.disp, tt.dispA
					if by == "server" {
						if want == call.Cancelled {
							want = call.Interrupted
						}
						if wantA == call.Cancelled {
							wantA = call.Interrupted
						}
					}
					if out.Disposition != want || out.A.Disposition != wantA || out.HangupBy != by {
						t.Errorf("%s by %s, A %s; want %s by %s, A %s", out.Disposition, out.HangupBy, out.A.Disposition, want, by, wantA)
					}
					if out.Failure != nil && !errors.Is(out.Failure, why) {
						t.Errorf("failure does not wrap the cause: %v", out.Failure)
					}
					if n := len(s.Channels()); n != 0 {
						t.Errorf("%d channels are left", n)
					}
					if live, _, _ := phones.Stats(); live != 0 {
						t.Errorf("%d legs are still up", live)
					}
				})
			})
		}
	}
}

// The cause of a cancellation becomes the hangup cause.
func TestPlaceCancelCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(&call.Failure{Cause: 34, Text: "line taken away"}) })
		out, _ := place(t, pbx.NewEngine(s), ctx, attempt("Pretend/100180?ring=1h", "Pretend/200"))
		if out.A.Cause != 34 || out.Failure.Cause != 34 {
			t.Errorf("cause %d, failure %+v; want 34", out.A.Cause, out.Failure)
		}
	})
}

func TestPlaceApplications(t *testing.T) {
	tests := []struct {
		name, app, data string
		a               string
		disp            call.Disposition
		by              string
		cause           int
	}{
		{"wait", "Wait", "2.5", "Pretend/100", call.Answered, "server", 16},
		{"hangup with a cause", "Hangup", "21", "Pretend/100", call.Answered, "server", 21},
		{"hangup with rubbish", "hangup", "rubbish", "Pretend/100", call.Answered, "server", 16},
		{"busy", "Busy", "3", "Pretend/100", call.Answered, "server", 17},
		{"congestion", "Congestion", "3", "Pretend/100", call.Answered, "server", 34},
		{"echo until hangup", "Echo", "", "Pretend/100?talk=4s", call.Answered, "a", 16},
		{"echo until pound", "Echo", "", "Pretend/100?digits=12%23", call.Answered, "server", 16},
		{"milliwatt until hangup", "Milliwatt", "", "Pretend/100?talk=4s", call.Answered, "a", 16},
		{"playback without media", "Playback", "hello&world", "Pretend/100", call.Answered, "server", 16},
		{"unknown", "Queue", "sales", "Pretend/100", call.Failed, "server", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, phones := setup(t, pbx.Options{})
				defer stop(t, s)
				at := attempt(tt.a, "", func(a *call.Attempt) {
					a.Request.Then = call.Then{Kind: call.ThenApplication, Name: tt.app, Data: tt.data}
				})
				out, _ := place(t, pbx.NewEngine(s), t.Context(), at)
				if out.Disposition != tt.disp || out.HangupBy != tt.by || out.A.Cause != tt.cause {
					if tt.disp == call.Answered || out.Disposition != tt.disp {
						t.Errorf("%s by %s cause %d, want %s by %s cause %d", out.Disposition, out.HangupBy, out.A.Cause, tt.disp, tt.by, tt.cause)
					}
				}
				if tt.disp == call.Failed {
					if !out.Failure.Permanent || !strings.Contains(out.Failure.Text, "Playback") {
						t.Errorf("failure does not say what there is: %v", out.Failure)
					}
					if _, _, dialled := phones.Stats(); dialled != 0 {
						t.Error("the phone was rung for nothing")
					}
				}
			})
		})
	}
}

// runner is a Runner for tests.
type runner struct{ h pbx.Handler }

func (r runner) Runner(t call.Then) (pbx.Handler, error) {
	if t.Context == "nowhere" {
		return nil, errors.New("no context nowhere")
	}
	return r.h, nil
}

func TestPlaceDialplanAndApp(t *testing.T) {
	dialplan := call.Then{Kind: call.ThenDialplan, Context: "default", Extension: "200"}
	app := call.Then{Kind: call.ThenApp, Name: "hello"}
	handler := pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		if err := c.Wait(ctx, 3*time.Second); err != nil {
			t.Error(err)
		}
	})
	tests := []struct {
		name string
		then call.Then
		o    pbx.Options
		disp call.Disposition
		says string
	}{
		{"extension by the built-in dialplan", dialplan, pbx.Options{Router: routes{"200": "Pretend/200?talk=1s"}}, call.Answered, ""},
		{"extension without route", dialplan, pbx.Options{Router: routes{}}, call.Failed, "leads nowhere"},
		{"no dialplan at all", dialplan, pbx.Options{}, call.Failed, "neither a dialplan nor routes"},
		{"dialplan by the runner", dialplan, pbx.Options{Runner: runner{handler}}, call.Answered, ""},
		{"runner says no", call.Then{Kind: call.ThenDialplan, Context: "nowhere"}, pbx.Options{Runner: runner{handler}}, call.Failed, "nowhere"},
		{"application by the runner", app, pbx.Options{Runner: runner{handler}}, call.Answered, ""},
		{"application without runner", app, pbx.Options{}, call.Failed, `no application "hello"`},
		{"nothing", call.Then{}, pbx.Options{}, call.Failed, "nothing is known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, phones := setup(t, tt.o)
				defer stop(t, s)
				at := attempt("Pretend/100", "", func(a *call.Attempt) { a.Request.Then = tt.then; a.RouteB = call.Route{} })
				out, events := place(t, pbx.NewEngine(s), t.Context(), at)
				if out.Disposition != tt.disp {
					t.Fatalf("%s (%v), want %s", out.Disposition, out.Failure, tt.disp)
				}
				if tt.disp == call.Answered {
					if !slices.Contains(events, call.EvConnected) || out.ConnectedAt.IsZero() {
						t.Errorf("not connected: %v", events)
					}
					return
				}
				if !out.Failure.Permanent || !strings.Contains(out.Failure.Error(), tt.says) {
					t.Errorf("failure %v does not say %q", out.Failure, tt.says)
				}
				if _, _, dialled := phones.Stats(); dialled != 0 {
					t.Error("the phone was rung for nothing")
				}
			})
		})
	}
}

// With Early_media a leg A that only sends media counts as answered.
func TestPlaceEarlyMedia(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		at := attempt("Pretend/100183?ring=1h", "Pretend/200?talk=2s", func(a *call.Attempt) { a.Request.EarlyMedia = true })
		out, events := place(t, pbx.NewEngine(s), t.Context(), at)
		want := []call.EventType{call.EvProgress, call.EvAnswered, call.EvConnecting, call.EvConnected}
		if d := cmp.Diff(want, events); d != "" || out.HangupBy != "b" {
			t.Errorf("by %s, events (-want +got):\n%s", out.HangupBy, d)
		}
	})
}

// The stop of the switch ends attempts as interrupted, in any state.
func TestPlaceWhileStopping(t *testing.T) {
	for _, a := range []string{"Pretend/100180?ring=1h", "Pretend/100"} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := setup(t, pbx.Options{})
			stopped := make(chan struct{})
			time.AfterFunc(time.Second, func() {
				defer close(stopped)
				stop(t, s)
			})
			defer func() { <-stopped }()
			out, _ := place(t, pbx.NewEngine(s), t.Context(), attempt(a, "Pretend/200180?ring=1h"))
			if out.Disposition != call.Interrupted || out.HangupBy != "server" {
				t.Errorf("%s: %s by %s, want INTERRUPTED by server", a, out.Disposition, out.HangupBy)
			}
			out, _ = place(t, pbx.NewEngine(s), t.Context(), attempt(a, "Pretend/200"))
			if out.Disposition != call.Interrupted {
				t.Errorf("after the stop: %s, want INTERRUPTED", out.Disposition)
			}
		})
	}
}

// A Local channel as leg A runs through the incoming routing.
func TestPlaceLocal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, phones := setup(t, pbx.Options{Router: routes{"300": "Pretend/300180?ring=1s", "301": "Pretend/301486"}})
		defer stop(t, s)
		out, events := place(t, pbx.NewEngine(s), t.Context(), attempt("Local/300@default", "Pretend/200180?ring=1s&talk=5s"))
		want := []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnecting, call.EvBRinging, call.EvConnected}
		if d := cmp.Diff(want, events); d != "" || out.Disposition != call.Answered {
			t.Errorf("%s, events (-want +got):\n%s", out.Disposition, d)
		}
		out, _ = place(t, pbx.NewEngine(s), t.Context(), attempt("Local/301@default/n", "Pretend/200"))
		if out.Disposition != call.Busy || out.Failure.Cause != 17 {
			t.Errorf("busy behind Local: %s, %v", out.Disposition, out.Failure)
		}
		out, _ = place(t, pbx.NewEngine(s), t.Context(), attempt("Local/999@default", "Pretend/200"))
		if out.Failure == nil || out.Failure.Cause != 3 {
			t.Errorf("no route behind Local: %s, %v", out.Disposition, out.Failure)
		}
		synctest.Wait()
		if live, _, _ := phones.Stats(); live != 0 || len(s.Channels()) != 0 {
			t.Errorf("%d legs, %d channels are left", live, len(s.Channels()))
		}
	})
}
