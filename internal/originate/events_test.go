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

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// journal reads the whole journal from the store.
func (v *env) journal(f originate.EventFilter) (out []call.Event) {
	v.Helper()
	for after := int64(0); ; {
		events, seen, err := v.store.Events(v.Context(), after, f, 1000)
		if err != nil {
			v.Fatal(err)
		}
		out = append(out, events...)
		if after = seen; len(events) < 1000 {
			return out
		}
	}
}

// Readers that begin anywhere while others write see what the journal has
// after their cursor: each event once, in order, for every filter.
func TestEventsJoinJournalAndLive(t *testing.T) {
	const calls, readers = 400, 12
	v := setup(t, answering(0), nil)
	var writers, all sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range calls / 4 {
				_, _, err := v.Submit(t.Context(), request(func(r *call.Request) {
					r.Batch = call.BatchID(fmt.Sprint("b", (w+i)%3))
				}))
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	// Each call has 7 events; the last of all is call.ended, seen by every filter used.
	type result struct {
		after int64
		f     originate.EventFilter
		got   []call.Event
	}
	results := make([]result, readers)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range results {
		r := &results[i]
		r.after = rand.Int64N(int64(calls) * 3)
		switch i % 3 {
		case 1:
			r.f.Batch = "b1"
		case 2:
			r.f.Types = []call.EventType{call.EvAccepted, call.EvEnded}
		}
		all.Go(func() {
			for e, err := range v.Events(ctx, r.after, r.f) {
				if errors.Is(err, context.Canceled) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				r.got = append(r.got, e)
			}
		})
	}
	writers.Wait()
	v.untilAllDone(calls)
	// Stop drains every attempt and closes the live side; readers then end by themselves.
	if err := v.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	for i, r := range results {
		var want []call.Event
		for _, e := range v.journal(r.f) {
			if e.Seq > r.after {
				want = append(want, e)
			}
		}
		if d := cmp.Diff(want, r.got); d != "" {
			t.Errorf("reader %d after %d: %d events, want %d", i, r.after, len(r.got), len(want))
		}
	}
}

// A reader that stops reading while thousands of events pass is sent back to
// the journal and loses none.
func TestSlowReaderOfEventsLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 800 // four events each, more than a reader may be behind
		v := setup(t, always(call.Answered), nil)
		first := v.submit(func(r *call.Request) { r.NotBefore = time.Now().Add(24 * time.Hour) })
		reading, goOn := make(chan struct{}), make(chan struct{})
		var got []int64
		var wg sync.WaitGroup
		wg.Go(func() {
			for e, err := range v.Events(t.Context(), 0, originate.EventFilter{}) {
				if err != nil {
					t.Error(err)
					return
				}
				got = append(got, e.Seq)
				if e.Call == first.ID {
					close(reading)
					<-goOn
				}
				if len(got) == 1+4*n {
					return
				}
			}
		})
		<-reading
		v.batch(n, "")
		synctest.Wait()
		close(goOn)
		wg.Wait()
		for i, seq := range got {
			if seq != int64(i+1) {
				t.Fatalf("event %d has seq %d", i, seq)
			}
		}
	})
}

func TestEventsFromNowAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, always(call.Answered), nil)
		v.untilDone(v.submit(nil).ID)
		ctx, cancel := context.WithCancelCause(t.Context())
		var got []call.EventType
		var last error
		var wg sync.WaitGroup
		wg.Go(func() {
			for e, err := range v.Events(ctx, originate.FromNow, originate.EventFilter{}) {
				if err != nil {
					last = err
					continue
				}
				got = append(got, e.Type)
			}
		})
		synctest.Wait()
		v.untilDone(v.submit(nil).ID)
		synctest.Wait()
		reason := errors.New("client went away")
		cancel(reason)
		wg.Wait()
		want := []call.EventType{call.EvAccepted, call.EvStarted, call.EvAttemptEnd, call.EvEnded}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if !errors.Is(last, reason) {
			t.Errorf("last error %v, want the cause", last)
		}
	})
}

// What was pruned is told, once, with the place to resume from; a reader from the
// very beginning just gets what is kept.
func TestEventsTellWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, always(call.Answered), func(o *originate.Options, _ *originate.Policy) {
			o.Keep = originate.Keep{Events: time.Hour, Calls: time.Hour, CDRs: time.Hour, Audit: time.Hour}
		})
		old := v.untilDone(v.submit(nil).ID)
		pass(2 * time.Hour) // in the bubble: the keeper prunes
		young := v.untilDone(v.submit(nil).ID)
		_, err := v.Get(t.Context(), old.ID)
		refused(t, err, originate.RefusedNotFound)
		var lost *originate.LostError
		for _, err := range v.Events(t.Context(), 1, originate.EventFilter{}) {
			if !errors.As(err, &lost) {
				t.Fatalf("got %v, want a LostError", err)
			}
		}
		for e, err := range v.Events(t.Context(), 0, originate.EventFilter{}) {
			if err != nil || e.Call != young.ID || e.Seq != lost.Oldest {
				t.Errorf("from the beginning: %+v, %v", e, err)
			}
			break
		}
	})
}
