package storetest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// walk is a random history of a store.
type walk struct {
	*kit
	rnd  *rand.Rand
	ids  []call.ID
	open []call.Attempt
}

// journalReplays lets a random history happen and holds it to three laws: the
// caps are never overstepped; each event of a call follows from the one before by
// call.Next; and the last of them is the call's state.
func journalReplays(k *kit) {
	seed := rand.Uint64()
	k.Logf("seed %d", seed)
	k.limits["trunk:x"] = originate.Limits{Channels: 4}
	k.limits["trunk:y"] = originate.Limits{Channels: 2, CPS: 3}
	w := &walk{kit: k, rnd: rand.New(rand.NewPCG(seed, 0))}
	steps := []func(){w.arrive, w.arrive, w.begin, w.begin, w.report, w.finish, w.finish, w.withdraw, w.die, w.later}
	for range 400 {
		steps[w.rnd.IntN(len(steps))]()
		w.checkCaps()
	}
	for _, id := range w.ids {
		w.checkReplay(id)
	}
}

func (w *walk) arrive() {
	c := w.admit(func(c *call.Call) {
		c.RouteA.Trunk = []string{"x", "y"}[w.rnd.IntN(2)]
		c.Request.Priority = w.rnd.IntN(3)
		c.Request.Retry = call.Retry{Max: w.rnd.IntN(3), Wait: 5 * time.Second, Interrupted: w.rnd.IntN(2) == 0}
		if w.rnd.IntN(4) == 0 {
			c.State, c.DueAt = call.Scheduled, w.now.Add(10*time.Second)
		}
		if w.rnd.IntN(4) == 0 {
			c.Request.NotAfter = w.now.Add(15 * time.Second)
		}
	})
	w.ids = append(w.ids, c.ID)
}

func (w *walk) begin() { w.open = append(w.open, w.claim(1+w.rnd.IntN(5)).Attempts...) }

func (w *walk) later() { w.pass(time.Duration(w.rnd.IntN(6000)) * time.Millisecond) }

func (w *walk) report() {
	if len(w.open) == 0 {
		return
	}
	all := []call.EventType{
		call.EvRinging, call.EvProgress, call.EvAnswered, call.EvConfirming, call.EvConnecting, call.EvBRinging, call.EvConnected, call.EvHeld,
	}
	a := w.open[w.rnd.IntN(len(w.open))]
	_, err := w.s.Progress(w.Context(), w.ref(a), []call.Event{{At: w.now, Type: all[w.rnd.IntN(len(all))]}})
	w.must(err)
}

func (w *walk) finish() {
	if len(w.open) == 0 {
		return
	}
	i := w.rnd.IntN(len(w.open))
	d := []call.Disposition{call.Answered, call.Busy, call.NoAnswer, call.Cancelled}[w.rnd.IntN(4)]
	e := w.ending(w.open[i], d)
	e.Returned = d == call.Cancelled && w.rnd.IntN(2) == 0
	_, err := w.s.EndAttempt(w.Context(), e)
	w.must(err)
	w.open = slices.Delete(w.open, i, i+1)
}

func (w *walk) withdraw() {
	if len(w.ids) == 0 {
		return
	}
	_, err := w.s.Withdraw(w.Context(), w.ids[w.rnd.IntN(len(w.ids))], "boss", w.now)
	if err != nil && !errors.Is(err, originate.ErrState) {
		w.Fatal(err)
	}
}

// die lets the node die, another take over, and the node come back.
func (w *walk) die() {
	if w.rnd.IntN(5) > 0 {
		return
	}
	w.now = w.now.Add(ttl)
	got, err := w.s.Recover(w.Context(), w.now)
	w.must(err)
	if len(got) != len(w.open) {
		w.Fatalf("recovered %d attempts, %d were running", len(got), len(w.open))
	}
	w.open = nil
	w.must(w.s.Release(w.Context(), w.lease))
	w.lease = w.acquire("n1")
}

func (w *walk) checkCaps() {
	w.Helper()
	c, err := w.s.Counts(w.Context())
	w.must(err)
	live := 0
	for state, n := range c.States {
		if state.Live() {
			live += n
		}
	}
	if live != len(w.open) || c.InUse["account:sales"] != len(w.open) {
		w.Fatalf("%d calls are live, %d attempts are counted, %d run", live, c.InUse["account:sales"], len(w.open))
	}
	for r, l := range w.limits {
		if c.InUse[r] > l.Channels {
			w.Fatalf("%s: %d in use, cap %d", r, c.InUse[r], l.Channels)
		}
	}
}

func (w *walk) checkReplay(id call.ID) {
	w.Helper()
	events, _, err := w.s.Events(w.Context(), 0, originate.EventFilter{Call: id}, 1000)
	w.must(err)
	state := events[0].State
	for _, e := range events {
		next, err := call.Next(state, e.Type)
		if err != nil || next != e.State {
			w.Errorf("call %s: %s in %s gives %s, the event says %s (%v)", id, e.Type, state, next, e.State, err)
		}
		state = e.State
	}
	c := w.wantState(id, state)
	if c.State.Done() && (c.Reason == "" || c.EndedAt.IsZero()) || !c.State.Done() && c.Reason != "" {
		w.Errorf("call %s is %s, reason %q", id, c.State, c.Reason)
	}
}
