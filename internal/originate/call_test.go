package originate_test

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
	"github.com/dialwright/dialwright/internal/originate"
)

func TestAnsweredCallLeavesEventsAndCDR(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, answering(90*time.Second), nil)
		c := v.untilDone(v.submit(func(r *call.Request) { r.Origin.Reference = "order 7" }).ID)
		if c.State != call.Ended || c.Attempts != 1 || c.Reason != "answered; leg A hung up" || c.Node != "" {
			t.Errorf("call: %+v", c)
		}
		want := []call.EventType{
			call.EvAccepted, call.EvStarted, call.EvRinging, call.EvAnswered, call.EvConnected, call.EvAttemptEnd, call.EvEnded,
		}
		if d := cmp.Diff(want, v.types(c.ID)); d != "" {
			t.Error(d)
		}
		cdrs, _, err := v.CDRs(t.Context(), originate.Filter{})
		if err != nil || len(cdrs) != 1 {
			t.Fatalf("CDRs: %v, %v", cdrs, err)
		}
		d := cdrs[0]
		if d.Disposition != call.Answered || d.Duration != 90 || d.Billable != 90 || d.Cause != 16 ||
			d.CauseText != "Normal Clearing" || d.Reference != "order 7" || d.Destination != "Echo" || d.First != "PJSIP/+493012345@x" {
			t.Errorf("CDR: %+v", d)
		}
	})
}

func TestRetryAfterFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
			starts = append(starts, time.Now())
			return outcome(a, call.Busy)
		}), nil)
		c := v.untilDone(v.submit(func(r *call.Request) { r.Retry.Max = 2 }).ID)
		if len(starts) != 3 {
			t.Fatalf("%d attempts, want 3", len(starts))
		}
		for i := 1; i < 3; i++ {
			if gap := starts[i].Sub(starts[i-1]); gap < 5*time.Minute || gap > 5*time.Minute+10*time.Millisecond {
				t.Errorf("attempt %d came after %v, want 5 min", i+1, gap)
			}
		}
		if c.State != call.Ended || c.Last.Disposition != call.Busy || c.Attempts != 3 {
			t.Errorf("call: %+v", c)
		}
	})
}

// A day in fake time: a call every ten minutes from 08:00 to 18:00, given in
// the night, each begun when it is due.
func TestDaysScheduleInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		started := map[call.ID]time.Time{}
		v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
			mu.Lock()
			defer mu.Unlock()
			started[a.Call] = time.Now()
			return outcome(a, call.Answered)
		}), nil)
		midnight := time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)
		due := map[call.ID]time.Time{}
		for at := midnight.Add(8 * time.Hour); at.Before(midnight.Add(18 * time.Hour)); at = at.Add(10 * time.Minute) {
			c := v.submit(func(r *call.Request) { r.NotBefore, r.NotAfter = at, at.Add(time.Minute) })
			if c.State != call.Scheduled {
				t.Fatalf("call is %s", c.State)
			}
			due[c.ID] = at
		}
		v.untilAllDone(len(due))
		for id, at := range due {
			if late := started[id].Sub(at); late < 0 || late > 10*time.Millisecond {
				t.Errorf("due %v, started %v late", at, late)
			}
		}
	})
}

func TestNotAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, answering(time.Hour), func(_ *originate.Options, p *originate.Policy) {
			p.Limits["trunk:x"] = originate.Limits{Channels: 1}
		})
		v.submit(nil)
		limit := time.Now().Add(time.Minute)
		c := v.untilDone(v.submit(func(r *call.Request) { r.NotAfter = limit }).ID)
		if c.State != call.CancelledSt || c.Attempts != 0 || c.Reason == "" {
			t.Errorf("call: %+v", c)
		}
		if late := time.Since(limit); late < 0 || late > 10*time.Millisecond {
			t.Errorf("expired %v after its limit", late)
		}
	})
}

// meter counts attempts at once and starts within any second.
type meter struct {
	mu     sync.Mutex
	live   int
	peak   int
	starts []time.Time
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live++
	m.peak = max(m.peak, m.live)
	m.starts = append(m.starts, time.Now())
}

func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live--
}

// perSecond gives the most starts within any window of a second.
func (m *meter) perSecond() (most int) {
	for i, j := 0, 0; j < len(m.starts); j++ {
		for m.starts[j].Sub(m.starts[i]) >= time.Second {
			i++
		}
		most = max(most, j-i+1)
	}
	return most
}

// 1,000 calls at once under a cap of 50 channels and 100 calls per second.
func TestCapsAndPaceHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, channels, cps = 1000, 50, 100
		var m meter
		talk := answering(800 * time.Millisecond)
		v := setup(t, placer(func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
			m.begin()
			defer m.end()
			return talk(ctx, a, events)
		}), func(_ *originate.Options, p *originate.Policy) {
			p.Limits["trunk:x"] = originate.Limits{Channels: channels, CPS: cps}
		})
		begin := time.Now()
		v.batch(n, "")
		v.untilAllDone(n)
		if m.peak > channels || m.peak < channels/2 {
			t.Errorf("peak %d, cap %d", m.peak, channels)
		}
		if got := m.perSecond(); got > cps {
			t.Errorf("%d starts within a second, cap %d", got, cps)
		}
		if took := time.Since(begin); took > 25*time.Second {
			t.Errorf("took %v of fake time, want about %v", took, n*time.Second/50)
		}
	})
}

// batch submits n requests at once.
func (v *env) batch(n int, b call.BatchID) []originate.Submitted {
	v.Helper()
	list := make([]call.Request, n)
	for i := range list {
		list[i] = request(func(r *call.Request) { r.Batch, r.Key = b, fmt.Sprint("k", i) })
	}
	got, err := v.SubmitBatch(v.Context(), list)
	if err != nil {
		v.Fatal(err)
	}
	for i := range got {
		if got[i].Err != nil {
			v.Fatalf("request %d: %v", i, got[i].Err)
		}
	}
	return got
}

// 20,000 queued calls under a cap of 200 run to their end, none lost, none twice.
func TestDrainTwentyThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 calls")
	}
	const channels = 200
	n := 20_000
	if underRace {
		n = 2_000 // test/load runs 20,000 through the built binary as well
	}
	var live, peak, dials atomic.Int64
	v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
		peak.Store(max(peak.Load(), live.Add(1)))
		defer live.Add(-1)
		dials.Add(1)
		return outcome(a, call.Answered)
	}), func(_ *originate.Options, p *originate.Policy) {
		p.Limits["trunk:x"] = originate.Limits{Channels: channels}
	})
	v.batch(n, "campaign")
	v.untilAllDone(n)
	if dials.Load() != int64(n) || peak.Load() > channels {
		t.Errorf("%d dials, peak %d; want %d, at most %d", dials.Load(), peak.Load(), n, channels)
	}
	if err := v.Stop(t.Context()); err != nil { // waits for the last attempt's goroutine
		t.Fatal(err)
	}
	s, err := v.Stats(t.Context())
	if err != nil || s.Queued+s.Live != 0 || s.Ended[call.Answered] != uint64(n) || s.Accepted != uint64(n) {
		t.Errorf("stats: %+v, %v", s, err)
	}
}

func TestPriorityGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []int
		v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
			order = append(order, a.Request.Priority)
			return outcome(a, call.Answered)
		}), func(_ *originate.Options, p *originate.Policy) {
			p.Limits["trunk:x"] = originate.Limits{Channels: 1}
		})
		begin := time.Now().Add(time.Minute)
		for _, p := range []int{3, 1, 2, -5, 1} {
			v.submit(func(r *call.Request) { r.Priority, r.NotBefore = p, begin })
		}
		v.untilAllDone(5)
		if d := cmp.Diff([]int{-5, 1, 1, 2, 3}, order); d != "" {
			t.Error(d)
		}
	})
}

func TestOneCallAtATimePerPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m meter
		talk := answering(time.Second)
		v := setup(t, placer(func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
			m.begin()
			defer m.end()
			return talk(ctx, a, events)
		}), nil)
		for range 4 {
			v.submit(func(r *call.Request) { r.First = "101" })
		}
		v.untilAllDone(4)
		if m.peak != 1 {
			t.Errorf("phone 101 was in %d calls at once", m.peak)
		}
	})
}

// A raised cap lets waiting calls start at once, without any other event.
func TestPolicyChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var current atomic.Pointer[originate.Policy]
		current.Store(policy())
		current.Load().Limits["trunk:x"] = originate.Limits{Channels: 1}
		var m meter
		v := setup(t, placer(func(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
			m.begin()
			return ringing(ctx, a, events)
		}), func(o *originate.Options, _ *originate.Policy) { o.Policy = current.Load })
		v.batch(5, "")
		synctest.Wait()
		raised := policy()
		raised.Limits["trunk:x"] = originate.Limits{Channels: 3}
		current.Store(raised)
		before := m.peak
		v.PolicyChanged()
		synctest.Wait()
		if before != 1 || m.peak != 3 {
			t.Errorf("%d at once before, %d after; want 1 and 3", before, m.peak)
		}
	})
}

func TestRetryRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*call.Request)
		end    call.Disposition
		fail   *call.Failure
		want   int // attempts
		last   call.State
	}{
		{"default list", func(r *call.Request) { r.Retry.Max = 2 }, call.NoAnswer, nil, 3, call.Ended},
		{"none", nil, call.Busy, nil, 1, call.Ended},
		{"answered is never retried", func(r *call.Request) { r.Retry.Max = 5 }, call.Answered, nil, 1, call.Ended},
		{"not in On", func(r *call.Request) { r.Retry = call.Retry{Max: 5, On: []call.Disposition{call.Busy}} }, call.NoAnswer, nil, 1, call.Ended},
		{"permanent", func(r *call.Request) { r.Retry.Max = 5 }, call.Failed, &call.Failure{Leg: "a", Cause: 1, Permanent: true, Text: "no such number"}, 1, call.Ended},
		{"cancelled by the engine", func(r *call.Request) { r.Retry.Max = 5 }, call.Cancelled, nil, 1, call.CancelledSt},
		{"past NotAfter", func(r *call.Request) {
			r.Retry = call.Retry{Max: 5, Wait: time.Hour}
			r.NotAfter = time.Now().Add(90 * time.Minute)
		}, call.Busy, nil, 2, call.Ended},
		{"wait by outcome", func(r *call.Request) {
			r.Retry = call.Retry{Max: 1, Wait: time.Hour, WaitBy: map[call.Disposition]time.Duration{call.Busy: time.Second}}
			r.NotAfter = time.Now().Add(time.Minute)
		}, call.Busy, nil, 2, call.Ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
					out := outcome(a, c.end)
					if c.fail != nil {
						out.Failure = c.fail
					}
					return out
				}), nil)
				got := v.untilDone(v.submit(c.change).ID)
				if got.Attempts != c.want || got.State != c.last || got.Reason == "" {
					t.Errorf("%d attempts, %s, %q; want %d, %s", got.Attempts, got.State, got.Reason, c.want, c.last)
				}
				cdrs, _, err := v.CDRs(t.Context(), originate.Filter{})
				if err != nil || len(cdrs) != c.want {
					t.Errorf("%d CDRs, %v", len(cdrs), err)
				}
			})
		})
	}
}

// brokenEngine fails by itself, first with an error, then with a panic.
type brokenEngine struct{ calls atomic.Int32 }

func (b *brokenEngine) Place(context.Context, call.Attempt, func(call.Event)) (call.Outcome, error) {
	if b.calls.Add(1) == 1 {
		return call.Outcome{}, errors.New("no media ports left")
	}
	panic("engine bug")
}

func (*brokenEngine) Endpoints(context.Context) ([]call.EndpointState, error) { return nil, nil }

func TestBrokenEngineEndsCallsWithAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, new(brokenEngine), nil)
		c := v.untilDone(v.submit(func(r *call.Request) { r.Retry.Max = 1 }).ID)
		if c.Attempts != 2 || c.Last.Disposition != call.Failed || c.Last.Failure.Text != "the engine failed: engine panicked: engine bug" {
			t.Errorf("call: %+v, last %+v", c, c.Last.Failure)
		}
	})
}

// An engine that says nothing but "ended" still leaves a complete record.
func TestOutcomeIsCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, placer(func(context.Context, call.Attempt, func(call.Event)) call.Outcome { return call.Outcome{} }), nil)
		c := v.untilDone(v.submit(nil).ID)
		l := c.Last
		if l.Disposition != call.Failed || l.Failure == nil || l.EndedAt.IsZero() || l.A.Endpoint != c.RouteA.Endpoint || l.A.StartedAt.IsZero() || c.Reason == "" {
			t.Errorf("call %+v, outcome %+v", c, l)
		}
	})
}

func TestEngineEventsThatMakeNoSenseAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, placer(func(_ context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
			for _, typ := range []call.EventType{call.EvEnded, call.EvCancel, call.EvConnected, call.EvBRinging, "nonsense", call.EvRinging} {
				events(call.Event{Type: typ})
			}
			for range 5000 {
				events(call.Event{Type: call.EvHeld})
			}
			return outcome(a, call.Answered)
		}), nil)
		c := v.untilDone(v.submit(nil).ID)
		if c.State != call.Ended {
			t.Errorf("call is %s", c.State)
		}
		for _, typ := range v.types(c.ID) {
			if typ == "nonsense" || typ == call.EvConnected || typ == call.EvCancel {
				t.Errorf("event %s was recorded", typ)
			}
		}
	})
}
