package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

func admitRoundTrip(k *kit) {
	want := k.admit(func(c *call.Call) {
		c.State, c.DueAt = call.Scheduled, k.now.Add(time.Hour)
		c.Request.Variables = []call.Variable{{Name: "__A", Value: "1"}, {Name: "A", Value: "ä\n"}}
		c.Request.Retry.WaitBy = map[call.Disposition]time.Duration{call.Busy: time.Minute}
		c.Request.NotBefore, c.Request.NotAfter = c.DueAt, c.DueAt.Add(time.Hour)
		c.RouteB = call.Route{Typed: "102", Endpoint: "PJSIP/102", Phone: "102"}
	})
	if d := cmp.Diff(want, k.get(want.ID)); d != "" {
		k.Error(d)
	}
	if _, err := k.s.Get(k.Context(), "none"); !errors.Is(err, originate.ErrNotFound) {
		k.Errorf("unknown call: %v", err)
	}
	if d := cmp.Diff([]call.EventType{call.EvAccepted}, k.types(want.ID)); d != "" {
		k.Error(d)
	}
}

func admitKeyRepeated(k *kit) {
	keyed := func(fingerprint string) originate.Admission {
		a := k.admission(func(c *call.Call) { c.Request.Key = "k1" })
		a.Fingerprint = fingerprint
		return a
	}
	submit := func(a originate.Admission) originate.Admitted {
		got, err := k.s.Admit(k.Context(), []originate.Admission{a})
		k.must(err)
		return got[0]
	}
	first := submit(keyed("f1"))
	if again := submit(keyed("f1")); again.Err != nil || !again.Repeated || again.Call.ID != first.Call.ID {
		k.Errorf("same key and request: %+v", again)
	}
	if again := submit(keyed("f2")); !errors.Is(again.Err, originate.ErrKeyReused) {
		k.Errorf("same key, other request: %v", again.Err)
	}
	b := keyed("f2")
	b.Call.Request.Origin.Principal = "q"
	if other := submit(b); other.Err != nil || other.Repeated {
		k.Errorf("key of another principal: %+v", other)
	}
	if got, err := k.s.FindKey(k.Context(), originate.KeyOf(&first.Call.Request)); err != nil || got.Call.ID != first.Call.ID || got.Fingerprint != "f1" {
		k.Errorf("FindKey: %+v, %v", got, err)
	}
	if _, err := k.s.FindKey(k.Context(), originate.Key{Door: "rest"}); !errors.Is(err, originate.ErrNotFound) {
		k.Errorf("FindKey without key: %v", err)
	}
}

func admitKeyConcurrently(k *kit) {
	const n = 20
	var mu sync.Mutex
	ids, fresh := map[call.ID]bool{}, 0
	var wg sync.WaitGroup
	for range n {
		a := k.admission(func(c *call.Call) { c.Request.Key = "k" })
		a.Fingerprint = "f"
		wg.Go(func() {
			got, err := k.s.Admit(k.Context(), []originate.Admission{a})
			if err != nil || got[0].Err != nil {
				k.Errorf("%v, %v", got, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[got[0].Call.ID] = true
			if !got[0].Repeated {
				fresh++
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 || fresh != 1 {
		k.Errorf("%d calls, %d of them new; want 1 and 1", len(ids), fresh)
	}
}

func admitDailyCap(k *kit) {
	day := k.now.Truncate(24 * time.Hour)
	var list []originate.Admission
	for range 5 {
		a := k.admission(nil)
		a.Daily, a.Day = 3, day
		list = append(list, a)
	}
	got, err := k.s.Admit(k.Context(), list)
	k.must(err)
	for i, g := range got {
		if refused := errors.Is(g.Err, originate.ErrDailyCap); refused != (i >= 3) {
			k.Errorf("call %d: %v", i, g.Err)
		}
	}
	k.now = k.now.Add(24 * time.Hour)
	a := k.admission(nil)
	a.Daily, a.Day = 3, day.Add(24*time.Hour)
	if got, err := k.s.Admit(k.Context(), []originate.Admission{a}); err != nil || got[0].Err != nil {
		k.Errorf("next day: %v, %v", got, err)
	}
}

func admitManyThousand(k *kit) {
	const n = 2500
	list := make([]originate.Admission, n)
	for i := range list {
		list[i] = k.admission(nil)
	}
	got, err := k.s.Admit(k.Context(), list)
	k.must(err)
	for i, g := range got {
		if g.Err != nil || g.Call.ID != list[i].Call.ID {
			k.Fatalf("result %d: %s, %v; want %s", i, g.Call.ID, g.Err, list[i].Call.ID)
		}
	}
	counts, err := k.s.Counts(k.Context())
	k.must(err)
	if counts.States[call.Queued] != n {
		k.Errorf("%d queued, want %d", counts.States[call.Queued], n)
	}
}

func claimOrder(k *kit) {
	add := func(priority int, late time.Duration, trunk string) call.ID {
		return k.admit(func(c *call.Call) {
			c.Request.Priority, c.RouteA.Trunk = priority, trunk
			c.DueAt = k.now.Add(late)
		}).ID
	}
	k.now = k.now.Add(2 * time.Second)
	want := make([]call.ID, 6)
	want[3] = add(5, -time.Second, "x")
	want[1] = add(1, 0, "y")
	want[5] = add(9, 0, "x")
	want[2] = add(1, 0, "x")
	want[4] = add(5, 0, "y")
	want[0] = add(-3, 0, "x")
	got := k.claim(4)
	if !got.More {
		k.Error("More is false although calls are left")
	}
	rest := k.claim(10)
	if rest.More {
		k.Error("More is true although none is left")
	}
	var ids []call.ID
	for _, a := range append(got.Attempts, rest.Attempts...) {
		ids = append(ids, a.Call)
	}
	if d := cmp.Diff(want, ids); d != "" {
		k.Error(d)
	}
	a := got.Attempts[0]
	if c := k.wantState(a.Call, call.Dialing); c.Attempts != 1 || c.Node != "n1" || a.Number != 1 || !a.StartedAt.Equal(k.now) {
		k.Errorf("call %+v, attempt %+v", c, a)
	}
}

func claimWaitsForDueTime(k *kit) {
	due := k.now.Add(5 * time.Second)
	c := k.admit(func(c *call.Call) { c.State, c.DueAt = call.Scheduled, due })
	if got := k.claim(1); len(got.Attempts) != 0 || !got.Next.Equal(due) {
		k.Errorf("before due: %d attempts, next %v, want %v", len(got.Attempts), got.Next, due)
	}
	k.pass(5 * time.Second)
	if got := k.claim(1); len(got.Attempts) != 1 {
		k.Fatal("not claimed when due")
	}
	if d := cmp.Diff([]call.EventType{call.EvAccepted, call.EvDue, call.EvStarted}, k.types(c.ID)); d != "" {
		k.Error(d)
	}
}

func claimExpires(k *kit) {
	k.limits["trunk:x"] = originate.Limits{Channels: 1}
	k.admit(nil)
	limit := k.now.Add(3 * time.Second)
	c := k.admit(func(c *call.Call) { c.Request.NotAfter = limit })
	if got := k.claim(5); len(got.Attempts) != 1 || !got.Next.Equal(limit) {
		k.Fatalf("%d attempts, next %v; want 1, %v", len(got.Attempts), got.Next, limit)
	}
	k.pass(3 * time.Second)
	k.claim(5)
	if c := k.wantState(c.ID, call.CancelledSt); c.Reason == "" || !c.EndedAt.Equal(k.now) {
		k.Errorf("expired call: %+v", c)
	}
}

func claimCountsChannels(k *kit) {
	for _, c := range []struct {
		resource string
		want     int
	}{{"account:sales", 3}, {"trunk:x", 2}, {"batch:b", 1}} {
		k.limits[c.resource] = originate.Limits{Channels: c.want}
	}
	for range 6 {
		k.admit(nil)
	}
	first := k.claim(10)
	if len(first.Attempts) != 2 || first.More {
		k.Fatalf("trunk: %d attempts, more %v; want 2, false", len(first.Attempts), first.More)
	}
	k.end(first.Attempts[0], call.Answered)
	if got := k.claim(10); len(got.Attempts) != 1 {
		k.Errorf("after one end: %d attempts, want 1", len(got.Attempts))
	}
	for range 3 {
		k.admit(func(c *call.Call) { c.RouteA.Trunk, c.Request.Batch = "y", "b" })
	}
	if got := k.claim(10); len(got.Attempts) != 1 {
		k.Errorf("batch: %d attempts, want 1", len(got.Attempts))
	}
	k.admit(func(c *call.Call) { c.RouteA.Trunk = "y" })
	if got := k.claim(10); len(got.Attempts) != 0 {
		k.Errorf("account: %d attempts, want 0", len(got.Attempts))
	}
	counts, err := k.s.Counts(k.Context())
	k.must(err)
	want := map[string]int{"account:sales": 3, "server": 3, "trunk:x": 2, "trunk:y": 1, "batch:b": 1}
	if d := cmp.Diff(want, counts.InUse); d != "" {
		k.Error(d)
	}
}

func claimTrunkLegsAndPhones(k *kit) {
	k.limits["trunk:x"] = originate.Limits{Channels: 3}
	k.limits["phone:101"] = originate.Limits{Channels: 1}
	twoLegs := func(c *call.Call) { c.RouteB = call.Route{Endpoint: "PJSIP/6@x", Trunk: "x"} }
	k.admit(twoLegs)
	k.admit(twoLegs)
	if got := k.claim(10); len(got.Attempts) != 1 {
		k.Errorf("two legs each under a cap of 3: %d attempts, want 1", len(got.Attempts))
	}
	phone := call.Route{Endpoint: "PJSIP/101", Phone: "101"}
	k.admit(func(c *call.Call) { c.RouteA, c.RouteB = phone, phone })
	k.admit(func(c *call.Call) { c.RouteA = phone })
	if got := k.claim(10); len(got.Attempts) != 1 {
		k.Errorf("one phone: %d attempts, want 1", len(got.Attempts))
	}
}

func claimFullTrunkDoesNotBlockOthers(k *kit) {
	k.limits["trunk:x"] = originate.Limits{Channels: 1}
	for range 50 {
		k.admit(func(c *call.Call) { c.Request.Priority = -1 })
	}
	last := k.admit(func(c *call.Call) { c.RouteA.Trunk = "y" })
	got := k.claim(10)
	if len(got.Attempts) != 2 || got.Attempts[1].Call != last.ID {
		k.Errorf("claimed %d attempts, want one on x and the one on y", len(got.Attempts))
	}
}

// In no window of one second may more attempts start than CPS says, and over
// time the pace must be kept.
func claimKeepsPace(k *kit) {
	const cps, seconds = 7, 4
	k.limits["trunk:x"] = originate.Limits{CPS: cps}
	for range cps * (seconds + 3) {
		k.admit(nil)
	}
	k.wantPace(cps, seconds)
}

// The pace of the server holds for all calls together, by whatever trunk and
// for whatever account.
func claimKeepsPaceOfTheServer(k *kit) {
	const cps, seconds = 5, 3
	k.limits[originate.ServerResource] = originate.Limits{CPS: cps}
	for i := range cps * (seconds + 3) {
		k.admit(func(c *call.Call) {
			c.RouteA.Trunk = []string{"x", "y", ""}[i%3]
			c.Request.Account = call.AccountID([]string{"sales", "support"}[i%2])
		})
	}
	k.wantPace(cps, seconds)
}

// wantPace claims whenever the store says so.
func (k *kit) wantPace(cps, seconds int) {
	k.Helper()
	begin := k.now
	var starts []time.Time
	for k.now.Before(begin.Add(time.Duration(seconds) * time.Second)) {
		got := k.claim(100)
		for range got.Attempts {
			starts = append(starts, k.now)
		}
		if !got.Next.After(k.now) {
			k.Fatalf("next %v is not after %v although calls wait for the pace", got.Next, k.now)
		}
		k.now = got.Next
		_, err := k.s.Renew(k.Context(), k.lease, k.now, ttl)
		k.must(err)
	}
	for i := range starts {
		if i+cps < len(starts) && starts[i+cps].Sub(starts[i]) < time.Second {
			k.Errorf("%d attempts within %v", cps+1, starts[i+cps].Sub(starts[i]))
		}
	}
	if want := (cps - 1) * seconds; len(starts) < want {
		k.Errorf("%d attempts in %d s, want at least %d", len(starts), seconds, want)
	}
}

// Several nodes claim and end at the same time: the cap holds and no call is
// claimed twice.
func claimByManyNodes(k *kit) {
	const limit, calls, nodes = 5, 120, 4
	k.limits["trunk:x"] = originate.Limits{Channels: limit}
	for range calls {
		k.admit(nil)
	}
	var mu sync.Mutex
	seen, open, peak := map[call.ID]int{}, 0, 0
	var wg sync.WaitGroup
	for i := range nodes {
		l := k.acquire(fmt.Sprintf("m%d", i))
		wg.Go(func() {
			for {
				mu.Lock()
				done := len(seen) == calls && open == 0
				mu.Unlock()
				if done {
					return
				}
				got, err := k.claimAs(l, 3)
				if err != nil {
					k.Error(err)
					return
				}
				mu.Lock()
				for _, a := range got.Attempts {
					seen[a.Call]++
					open++
				}
				peak = max(peak, open)
				mu.Unlock()
				for _, a := range got.Attempts {
					e := k.ending(a, call.Answered)
					e.Ref.Lease = l
					mu.Lock()
					open--
					mu.Unlock()
					if _, err := k.s.EndAttempt(k.Context(), e); err != nil {
						k.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if peak > limit {
		k.Errorf("%d attempts at once under a cap of %d", peak, limit)
	}
	for id, n := range seen {
		if n != 1 {
			k.Errorf("call %s was claimed %d times", id, n)
		}
	}
}

func leaseDecidesWhoClaims(k *kit) {
	k.admit(nil)
	if _, err := k.claimAs(originate.Lease{Node: "n1", Epoch: k.lease.Epoch + 1}, 1); !errors.Is(err, originate.ErrNoLease) {
		k.Errorf("wrong epoch: %v", err)
	}
	if _, err := k.s.Acquire(k.Context(), "n1", k.now, ttl); !errors.Is(err, originate.ErrNoLease) {
		k.Errorf("acquired a lease that is held: %v", err)
	}
	k.now = k.now.Add(ttl)
	if _, err := k.claimAs(k.lease, 1); !errors.Is(err, originate.ErrNoLease) {
		k.Errorf("expired lease: %v", err)
	}
	k.pass(0) // nobody has taken over: the lease can be renewed
	a := k.claimOne()
	k.must(k.s.Release(k.Context(), k.lease))
	next := k.acquire("n1")
	if next.Epoch <= k.lease.Epoch {
		k.Errorf("epoch %d after %d", next.Epoch, k.lease.Epoch)
	}
	if _, err := k.s.Renew(k.Context(), k.lease, k.now, ttl); !errors.Is(err, originate.ErrNoLease) {
		k.Errorf("renewed a lost lease: %v", err)
	}
	if c := k.end(a, call.Answered); c.State != call.Ended {
		k.Errorf("a running attempt could not finish after its lease was lost: %s", c.State)
	}
}
