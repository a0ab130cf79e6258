package originate_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// stages is an engine that walks through events at a sign and then waits.
type stages struct{ upTo []call.EventType }

func (s stages) Place(ctx context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error) {
	d := call.Cancelled
	answeredAt := time.Time{}
	for _, typ := range s.upTo {
		events(call.Event{Type: typ})
		if typ == call.EvAnswered {
			d, answeredAt = call.Answered, time.Now()
		}
	}
	<-ctx.Done()
	out := outcome(a, d)
	out.A.AnsweredAt, out.HangupBy = answeredAt, hangupBy(ctx)
	return out, nil
}

func (stages) Endpoints(context.Context) ([]call.EndpointState, error) { return nil, nil }

func TestCancelInEveryState(t *testing.T) {
	later := func(r *call.Request) { r.NotBefore = time.Now().Add(time.Hour) }
	for _, c := range []struct {
		state  call.State
		engine originate.Engine
		change func(*call.Request)
		want   call.State
		disp   call.Disposition // "" = no attempt ended
	}{
		{call.Scheduled, stages{}, later, call.CancelledSt, ""},
		{call.Queued, stages{}, func(r *call.Request) { r.Batch = "held" }, call.CancelledSt, ""},
		{call.Dialing, stages{}, nil, call.CancelledSt, call.Cancelled},
		{call.Ringing, stages{[]call.EventType{call.EvRinging}}, nil, call.CancelledSt, call.Cancelled},
		{call.AnsweredSt, stages{[]call.EventType{call.EvAnswered}}, nil, call.Ended, call.Answered},
		{call.Confirming, stages{[]call.EventType{call.EvAnswered, call.EvConfirming}}, nil, call.Ended, call.Answered},
		{call.Connecting, stages{[]call.EventType{call.EvAnswered, call.EvConnecting}}, nil, call.Ended, call.Answered},
		{call.Connected, stages{[]call.EventType{call.EvAnswered, call.EvConnected}}, nil, call.Ended, call.Answered},
		{call.WaitingRetry, always(call.Busy), func(r *call.Request) { r.Retry.Max = 3 }, call.CancelledSt, call.Busy},
		{call.Ended, always(call.Answered), nil, "", ""},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := setup(t, c.engine, nil)
				if c.state == call.Queued {
					v.submit(func(r *call.Request) { r.Batch = "held"; later(r) })
					if err := v.PauseBatch(t.Context(), "held"); err != nil {
						t.Fatal(err)
					}
				}
				id := v.submit(c.change).ID
				v.untilState(id, c.state)
				err := v.Cancel(t.Context(), id, "bob")
				if c.want == "" {
					refused(t, err, originate.RefusedState)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				got := v.untilDone(id)
				if got.State != c.want || got.Reason == "" || (got.Last == nil) != (c.disp == "") {
					t.Fatalf("call: %+v", got)
				}
				if c.disp != "" && got.Last.Disposition != c.disp {
					t.Errorf("disposition %s, want %s", got.Last.Disposition, c.disp)
				}
				if c.want == call.Ended && got.Last.HangupBy != "request" {
					t.Errorf("hung up by %q", got.Last.HangupBy)
				}
				if err := v.Cancel(t.Context(), id, "bob"); c.want == call.CancelledSt && err != nil {
					t.Errorf("second cancel: %v", err)
				}
			})
		})
	}
	t.Run("unknown", func(t *testing.T) {
		v := setup(t, stages{}, nil)
		refused(t, v.Cancel(t.Context(), "none", "bob"), originate.RefusedNotFound)
	})
}

// A cancel at any moment against an engine that answers at any moment: one
// outcome, one CDR, and a call that has ended.
func TestCancelRacesWithAnswer(t *testing.T) {
	v := setup(t, placer(func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
		events(call.Event{Type: call.EvRinging})
		if rand.IntN(2) == 0 && ctx.Err() != nil {
			return outcome(a, call.Cancelled)
		}
		events(call.Event{Type: call.EvAnswered})
		return outcome(a, call.Answered)
	}), nil)
	const n = 300
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			c, _, err := v.Submit(t.Context(), request(func(r *call.Request) { r.Retry.Max = 3 }))
			if err != nil {
				t.Error(err)
				return
			}
			if err := v.Cancel(t.Context(), c.ID, "bob"); err != nil {
				if r, ok := errors.AsType[*originate.Refusal](err); !ok || r.Code != originate.RefusedState {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v.untilAllDone(n)
	list, _, err := v.List(t.Context(), originate.Filter{Limit: 1000})
	if err != nil || len(list) != n {
		t.Fatalf("%d calls, %v", len(list), err)
	}
	cdrs, _, err := v.CDRs(t.Context(), originate.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	perCall := map[call.ID]call.CDR{}
	for _, d := range cdrs {
		if _, twice := perCall[d.Call]; twice {
			t.Errorf("call %s has two CDRs", d.Call)
		}
		perCall[d.Call] = d
	}
	for _, c := range list {
		d, dialled := perCall[c.ID]
		if !c.State.Done() || c.Reason == "" || dialled != (c.Attempts == 1) {
			t.Errorf("call %+v, CDR %v", c, dialled)
		}
		if dialled && (d.Disposition == call.Answered) != (c.State == call.Ended) {
			t.Errorf("call is %s, its CDR says %s", c.State, d.Disposition)
		}
	}
}

func TestHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, answering(time.Hour), nil)
		waiting := v.submit(func(r *call.Request) { r.NotBefore = time.Now().Add(time.Hour) })
		refused(t, v.Hangup(t.Context(), waiting.ID, "bob"), originate.RefusedState)
		c := v.submit(func(r *call.Request) { r.Retry.Max = 3 })
		v.untilState(c.ID, call.Connected)
		if err := v.Hangup(t.Context(), c.ID, "bob"); err != nil {
			t.Fatal(err)
		}
		got := v.untilDone(c.ID)
		if got.State != call.Ended || got.Reason != "answered; hung up on request, at the request of bob" {
			t.Errorf("call is %s, %q", got.State, got.Reason)
		}
	})
}

func TestBatchPauseResumeCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m meter
		v := setup(t, placer(func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
			m.begin()
			return ringing(ctx, a, events)
		}), func(_ *originate.Options, p *originate.Policy) {
			p.Limits["batch:*"] = originate.Limits{Channels: 2}
		})
		refused(t, v.PauseBatch(t.Context(), "b"), originate.RefusedNotFound)
		v.batch(10, "b")
		if err := v.PauseBatch(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		started := len(m.starts)
		if started > 2 {
			t.Errorf("%d at once, cap 2", started)
		}
		pass(time.Hour) // in the bubble: lets an hour pass in which nothing may start
		if len(m.starts) != started {
			t.Errorf("%d attempts started while the batch was paused", len(m.starts)-started)
		}
		if err := v.ResumeBatch(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(m.starts) != 2 {
			t.Errorf("%d attempts after resuming, want 2", len(m.starts))
		}
		n, err := v.CancelBatch(t.Context(), "b", "bob")
		if err != nil || n != 10 {
			t.Errorf("cancelled %d, %v", n, err)
		}
		v.untilAllDone(10)
	})
}

// Stop before an answer: the attempt does not count and the call is found
// queued by the next start, which dials it. After an answer the call may go on.
func TestOrderlyStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, placer(func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
			if a.RouteA.Phone == "" {
				return ringing(ctx, a, events)
			}
			return answering(10*time.Second)(ctx, a, events)
		}), nil)
		rings := v.submit(nil)
		talks := v.submit(func(r *call.Request) { r.First = "101" })
		v.untilState(rings.ID, call.Ringing)
		v.untilState(talks.ID, call.Connected)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if err := v.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("stop took %v, want to the deadline", took)
		}
		_, _, err := v.Submit(t.Context(), request(nil))
		refused(t, err, originate.RefusedStopping)
		if c, _ := v.Get(t.Context(), talks.ID); c.State != call.Ended || c.Last.HangupBy != "a" {
			t.Errorf("the call that talked: %+v", c)
		}
		c, _ := v.Get(t.Context(), rings.ID)
		if c.State != call.Queued || c.Last.Disposition != call.Interrupted || c.Last.HangupBy != "server" {
			t.Errorf("the call that rang: %s, %+v", c.State, c.Last)
		}
		if err := v.Stop(ctx); err != nil {
			t.Errorf("second stop: %v", err)
		}
		again := setupOn(t, v.store, always(call.NoAnswer), nil)
		if c := again.untilDone(rings.ID); c.Attempts != 2 || c.State != call.Ended || c.Last.Disposition != call.NoAnswer {
			t.Errorf("after the restart: %+v", c)
		}
	})
}

func TestStopCutsAnsweredCallAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, answering(time.Hour), nil)
		c := v.submit(nil)
		v.untilState(c.ID, call.Connected)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := v.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		got, _ := v.Get(t.Context(), c.ID)
		if got.State != call.Ended || got.Last.Disposition != call.Answered || got.Last.HangupBy != "server" {
			t.Errorf("call: %s, %+v", got.State, got.Last)
		}
	})
}

func TestStopGivesUpOnAnEngineThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
			<-release
			return outcome(a, call.Answered)
		}), nil)
		v.untilState(v.submit(nil).ID, call.Dialing)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := v.Stop(ctx); err == nil {
			t.Error("stop says that all is quiet")
		}
		close(release)
		synctest.Wait()
	})
}

func TestStopBeforeStart(t *testing.T) {
	o := originate.New(originate.Options{Policy: policy})
	if err := o.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := o.Start(t.Context()); err == nil {
		t.Error("started after its stop")
	}
	_, _, err := o.Submit(t.Context(), request(nil))
	refused(t, err, originate.RefusedStopping)
}

// A second server of the same name must not start beside a living one.
func TestStartNeedsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, answering(0), nil)
		o := originate.New(originate.Options{Store: v.store, Engine: answering(0), Router: router{}, Policy: policy, Node: "n1"})
		if err := o.Start(t.Context()); !errors.Is(err, originate.ErrNoLease) {
			t.Errorf("got %v, want ErrNoLease", err)
		}
	})
}

// Two nodes on one store: what one withdraws, the other hangs up at its next
// renewal; what one leaves behind when it dies, the other ends as interrupted.
func TestTwoNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, placer(ringing), func(o *originate.Options, _ *originate.Policy) { o.LeaseTTL = 10 * time.Second })
		c := v.submit(nil)
		v.untilState(c.ID, call.Ringing)
		p := policy()
		other := originate.New(originate.Options{
			Store: v.store, Engine: always(call.Answered), Router: router{}, Policy: func() *originate.Policy { return p }, Node: "n2",
		})
		if err := other.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer other.Stop(t.Context())
		begin := time.Now()
		if err := other.Cancel(t.Context(), c.ID, "bob"); err != nil {
			t.Fatal(err)
		}
		if got := v.untilDone(c.ID); got.State != call.CancelledSt {
			t.Errorf("call is %s", got.State)
		}
		if took := time.Since(begin); took > 3*time.Second+10*time.Millisecond {
			t.Errorf("took %v, want the next renewal", took)
		}
		dead, err := v.store.Acquire(t.Context(), "n3", time.Now(), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.PauseBatch(t.Context(), "none"); err == nil {
			t.Error("paused a batch that is not there")
		}
		orphan := v.orphan(dead)
		got := v.untilDone(orphan)
		if got.Last.Disposition != call.Interrupted || got.State != call.Ended {
			t.Errorf("orphan: %+v", got)
		}
	})
}

// orphan makes a call that a node has claimed and will never end.
func (v *env) orphan(l originate.Lease) call.ID {
	v.Helper()
	now := time.Now()
	c := call.Call{ID: call.ID(fmt.Sprint("orphan-", now.UnixNano())), State: call.Queued, CreatedAt: now, DueAt: now, Request: request(nil)}
	c.RouteA.Trunk = "x"
	if _, err := v.store.Admit(v.Context(), []originate.Admission{{Call: c}}); err != nil {
		v.Fatal(err)
	}
	got, err := v.store.Claim(v.Context(), originate.Claim{Lease: l, Now: now, Max: 1, Limits: func(string) originate.Limits { return originate.Limits{} }})
	if err != nil || len(got.Attempts) != 1 {
		v.Fatalf("claimed %d, %v", len(got.Attempts), err)
	}
	return c.ID
}
