package originate_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// placer is an Engine made of one function.
type placer func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome

func (p placer) Place(ctx context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error) {
	return p(ctx, a, events), nil
}

func (placer) Endpoints(context.Context) ([]call.EndpointState, error) { return nil, nil }

// outcome makes the outcome of an attempt that ends now.
func outcome(a call.Attempt, d call.Disposition) call.Outcome {
	now := time.Now()
	out := call.Outcome{
		Disposition: d, EndedAt: now,
		A: call.LegOutcome{Channel: "Fake/" + string(a.Call), Endpoint: a.RouteA.Endpoint, StartedAt: a.StartedAt, EndedAt: now, Disposition: d},
	}
	switch d {
	case call.Answered:
		out.A.AnsweredAt, out.ConnectedAt, out.HangupBy, out.A.Cause = now, now, "a", 16
	case call.Busy:
		out.Failure = &call.Failure{Leg: "a", Disposition: d, Cause: 17, SIPStatus: 486, Peer: "Busy Here"}
	default:
		out.Failure = &call.Failure{Leg: "a", Disposition: d, Cause: 19}
	}
	return out
}

// answering answers at once, talks for a time, and ends early when cancelled.
func answering(talk time.Duration) placer {
	return func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
		answered := time.Now()
		events(call.Event{Type: call.EvRinging, Leg: "a"})
		events(call.Event{Type: call.EvAnswered, Leg: "a"})
		events(call.Event{Type: call.EvConnected})
		by := "a"
		if !wait(ctx, talk) {
			by = hangupBy(ctx)
		}
		out := outcome(a, call.Answered)
		out.A.AnsweredAt, out.HangupBy = answered, by
		return out
	}
}

// ringing rings until it is cancelled.
func ringing(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
	events(call.Event{Type: call.EvRinging, Leg: "a"})
	<-ctx.Done()
	out := outcome(a, call.Cancelled)
	out.HangupBy = hangupBy(ctx)
	return out
}

// always gives one disposition at once.
func always(d call.Disposition) placer {
	return func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome { return outcome(a, d) }
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// pass lets fake time pass, in a bubble.
func pass(d time.Duration) { <-time.After(d) }

// hangupBy is how an engine reads the cause of its cancellation without
// knowing this package.
func hangupBy(ctx context.Context) string {
	var by interface{ HangupBy() string }
	if errors.As(context.Cause(ctx), &by) {
		return by.HangupBy()
	}
	return "server"
}

// router sends numbers to trunk x and takes TECH/resource as it is; 1xx are phones.
type router struct{}

func (router) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	s := string(e)
	switch {
	case s == "nowhere":
		return call.Route{}, &originate.Refusal{Code: originate.RefusedDestination, Text: "No route leads there."}
	case strings.HasPrefix(s, "private:"):
		return call.Route{Typed: s, Endpoint: "PJSIP/" + e[8:] + "@lab", Number: s[8:], Trunk: "lab", Private: true}, nil
	case s == "none:":
		return call.Route{Typed: s, Endpoint: "PJSIP/x/sip:h", Trunk: "x"}, nil
	case strings.HasPrefix(s, "beside:"):
		return call.Route{Typed: s, Endpoint: "PJSIP/101/sip:" + e[7:] + "@h", Number: s[7:], Phone: "101"}, nil
	case strings.HasSuffix(s, "@x"):
		return call.Route{Typed: s, Endpoint: e, Number: strings.TrimSuffix(e.Resource(), "@x"), Trunk: "x"}, nil
	case strings.HasSuffix(s, "@lab"):
		return call.Route{Typed: s, Endpoint: e, Number: strings.TrimSuffix(e.Resource(), "@lab"), Trunk: "lab", Private: true}, nil
	case e.Tech() != "":
		return call.Route{Typed: s, Endpoint: e}, nil
	case len(s) == 3 && s[0] == '1' && s[1] == '0':
		return call.Route{Typed: s, Endpoint: "PJSIP/" + e, Number: s, Phone: s}, nil
	}
	return call.Route{Typed: s, Endpoint: "PJSIP/" + e + "@x", Number: s, Trunk: "x"}, nil
}

// request is an accepted request, changed by change.
func request(change func(*call.Request)) call.Request {
	r := call.Request{
		Origin: call.Origin{Door: "test", Principal: "alice", Remote: "192.0.2.1:1000"}, Account: "sales",
		First: "+493012345", Then: call.Then{Kind: call.ThenApplication, Name: "Echo"},
	}
	if change != nil {
		change(&r)
	}
	return r
}

// policy lets account sales call at home.
func policy() *originate.Policy {
	return &originate.Policy{
		Country:  "DE",
		Accounts: map[call.AccountID]originate.Account{"sales": {Principals: []string{"alice"}}},
		Limits:   map[string]originate.Limits{},
	}
}

// env is an originator over a fresh SQLite store.
type env struct {
	*testing.T
	*originate.Originator
	store  *sqlite.Store
	policy *originate.Policy
	stop   func()
}

// setup starts an originator. Its store does without fsync unless the test is
// about power losses. LeaseTTL is long, so that a day in fake time has few renewals.
func setup(t *testing.T, e originate.Engine, change func(*originate.Options, *originate.Policy)) *env {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	return setupOn(t, store, e, change)
}

func setupOn(t *testing.T, store *sqlite.Store, e originate.Engine, change func(*originate.Options, *originate.Policy)) *env {
	t.Helper()
	p := policy()
	o := originate.Options{
		Store: store, Engine: e, Router: router{}, Policy: func() *originate.Policy { return p },
		Node: "n1", LeaseTTL: 10 * time.Minute,
	}
	if change != nil {
		change(&o, p)
	}
	v := &env{T: t, Originator: originate.New(o), store: store, policy: p}
	if err := v.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithCancel(context.Background()) // t.Context has ended in a cleanup
		cancel()
		if err := v.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	t.Cleanup(v.stop)
	return v
}

func (v *env) submit(change func(*call.Request)) call.Call {
	v.Helper()
	c, _, err := v.Submit(v.Context(), request(change))
	if err != nil {
		v.Fatal(err)
	}
	return c
}

// until waits until call id reaches a state for which want holds, by its events.
func (v *env) until(id call.ID, want func(call.State) bool) call.Call {
	v.Helper()
	for e, err := range v.Events(v.Context(), 0, originate.EventFilter{Call: id}) {
		if err != nil {
			v.Fatal(err)
		}
		if !want(e.State) {
			continue
		}
		c, err := v.Get(v.Context(), id)
		if err != nil {
			v.Fatal(err)
		}
		if want(c.State) {
			return c
		}
	}
	v.Fatal("events ended")
	return call.Call{}
}

func (v *env) untilDone(id call.ID) call.Call { v.Helper(); return v.until(id, call.State.Done) }

func (v *env) untilState(id call.ID, s call.State) call.Call {
	v.Helper()
	return v.until(id, func(got call.State) bool { return got == s })
}

// untilAllDone waits until n calls have ended and returns their last events.
func (v *env) untilAllDone(n int) {
	v.Helper()
	for e, err := range v.Events(v.Context(), 0, originate.EventFilter{Types: []call.EventType{call.EvEnded, call.EvCancel, call.EvExpired}}) {
		if err != nil {
			v.Fatal(err)
		}
		if e.State.Done() {
			n--
		}
		if n == 0 {
			return
		}
	}
	v.Fatalf("events ended with %d calls to go", n)
}

func (v *env) types(id call.ID) (out []call.EventType) {
	v.Helper()
	events, _, err := v.store.Events(v.Context(), 0, originate.EventFilter{Call: id}, 1000)
	if err != nil {
		v.Fatal(err)
	}
	for _, e := range events {
		out = append(out, e.Type)
	}
	return out
}

// refused checks that err is a refusal of a class and gives it.
func refused(t *testing.T, err error, code originate.RefusalCode) *originate.Refusal {
	t.Helper()
	r, ok := errors.AsType[*originate.Refusal](err)
	if !ok || r.Code != code {
		t.Fatalf("got %v, want a refusal %q", err, code)
	}
	return r
}
