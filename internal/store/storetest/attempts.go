package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

func progressMovesStates(k *kit) {
	c := k.admit(nil)
	a := k.claimOne()
	send := func(types ...call.EventType) []call.Event {
		k.Helper()
		var events []call.Event
		for _, typ := range types {
			events = append(events, call.Event{At: k.now, Type: typ, Leg: "a"})
		}
		got, err := k.s.Progress(k.Context(), k.ref(a), events)
		k.must(err)
		return got
	}
	if got := send(call.EvRinging, call.EvConnected, call.EvProgress); len(got) != 2 || got[0].Seq == 0 || got[0].Attempt != 1 {
		k.Errorf("stored %+v, want ringing and progress", got)
	}
	k.wantState(c.ID, call.Ringing)
	send(call.EvAnswered, call.EvConnecting, call.EvBRinging)
	k.wantState(c.ID, call.Connecting)
	send(call.EvConnected, call.EvHeld, call.EvResumed)
	k.wantState(c.ID, call.Connected)
	if got := send(call.EvEnded, call.EvCancel, call.EvRetry); len(got) != 0 {
		k.Errorf("the engine moved the call to its end: %+v", got)
	}
	k.end(a, call.Answered)
	if _, err := k.s.Progress(k.Context(), k.ref(a), []call.Event{{At: k.now, Type: call.EvHeld}}); !errors.Is(err, originate.ErrStale) {
		k.Errorf("progress after the end: %v", err)
	}
}

func endAttemptRetries(k *kit) {
	c := k.admit(func(c *call.Call) { c.Request.Retry.Max = 1 })
	a := k.claimOne()
	e := k.ending(a, call.Busy)
	e.Events = []call.Event{{At: k.now, Type: call.EvRinging, Leg: "a"}}
	got, err := k.s.EndAttempt(k.Context(), e)
	k.must(err)
	due := k.now.Add(time.Minute)
	if got.State != call.WaitingRetry || !got.DueAt.Equal(due) || !got.EndedAt.IsZero() {
		k.Fatalf("after busy: %+v", got)
	}
	if d := cmp.Diff(got, k.get(c.ID)); d != "" {
		k.Error(d)
	}
	if next := k.claim(1).Next; !next.Equal(due) {
		k.Errorf("next %v, want %v", next, due)
	}
	k.pass(time.Minute)
	b := k.claimOne()
	if b.Number != 2 {
		k.Errorf("attempt %d, want 2", b.Number)
	}
	last := k.end(b, call.Busy)
	if last.State != call.Ended || last.Reason == "" || last.Last == nil || last.Last.Disposition != call.Busy {
		k.Errorf("after the last attempt: %+v", last)
	}
	want := []call.EventType{
		call.EvAccepted, call.EvStarted, call.EvRinging, call.EvAttemptEnd, call.EvRetry,
		call.EvDue, call.EvStarted, call.EvAttemptEnd, call.EvEnded,
	}
	if d := cmp.Diff(want, k.types(c.ID)); d != "" {
		k.Error(d)
	}
	list, err := k.s.Attempts(k.Context(), c.ID)
	k.must(err)
	if len(list) != 2 || list[0].Outcome.Disposition != call.Busy || list[1].CDR.Attempt != 2 || list[0].Attempt.Node != "n1" {
		k.Errorf("attempts: %+v", list)
	}
}

func endAttemptReturned(k *kit) {
	c := k.admit(nil)
	a := k.claimOne()
	e := k.ending(a, call.Interrupted)
	e.Returned = true
	got, err := k.s.EndAttempt(k.Context(), e)
	k.must(err)
	if got.State != call.Queued || !got.DueAt.Equal(k.now) {
		k.Fatalf("after our own stop: %+v", got)
	}
	b := k.claimOne()
	if b.Call != c.ID || b.Number != 2 {
		k.Errorf("attempt %d of %s, want 2", b.Number, b.Call)
	}
	// Retry.Max is 0, yet this is the attempt that counts.
	if got := k.end(b, call.NoAnswer); got.State != call.Ended {
		k.Errorf("after the counted attempt: %s", got.State)
	}
}

func endAttemptOnce(k *kit) {
	k.admit(nil)
	a := k.claimOne()
	wrong := k.ending(a, call.Answered)
	wrong.Ref.Lease.Epoch++
	if _, err := k.s.EndAttempt(k.Context(), wrong); !errors.Is(err, originate.ErrStale) {
		k.Errorf("end under another lease: %v", err)
	}
	k.end(a, call.Answered)
	if _, err := k.s.EndAttempt(k.Context(), k.ending(a, call.Busy)); !errors.Is(err, originate.ErrStale) {
		k.Errorf("second end: %v", err)
	}
	if c := k.wantState(a.Call, call.Ended); c.Last.Disposition != call.Answered {
		k.Errorf("outcome %s", c.Last.Disposition)
	}
}

func recoverInterrupts(k *kit) {
	never := k.admit(nil)
	again := k.admit(func(c *call.Call) {
		c.Request.Retry = call.Retry{Max: 1, Wait: time.Minute, Interrupted: true}
	})
	if n := len(k.claim(2).Attempts); n != 2 {
		k.Fatalf("claimed %d", n)
	}
	up := k.admit(func(c *call.Call) {
		c.Request.Then = call.Then{Kind: call.ThenDialplan, Context: "in", Extension: "100"}
		c.Request.Retry = call.Retry{Max: 1, Wait: time.Minute, Interrupted: true}
	})
	_, err := k.s.Progress(k.Context(), k.ref(k.claimOne()), []call.Event{{At: k.now, Type: call.EvAnswered}})
	k.must(err)
	if got, err := k.s.Recover(k.Context(), k.now); err != nil || len(got) != 0 {
		k.Fatalf("recovered %d of a living node, %v", len(got), err)
	}
	k.now = k.now.Add(ttl)
	got, err := k.s.Recover(k.Context(), k.now)
	k.must(err)
	if len(got) != 3 {
		k.Fatalf("recovered %d calls, want 3", len(got))
	}
	if c := k.wantState(up.ID, call.Ended); c.Last.Disposition != call.Interrupted || c.Last.A.Disposition != call.Answered {
		k.Errorf("interrupted after its answer: %+v", c.Last)
	}
	c := k.wantState(never.ID, call.Ended)
	if c.Reason == "" || c.Last.Disposition != call.Interrupted || c.Attempts != 1 {
		k.Errorf("interrupted call: %+v", c)
	}
	c = k.wantState(again.ID, call.WaitingRetry)
	if !c.DueAt.Equal(k.now.Add(time.Minute)) {
		k.Errorf("due at %v", c.DueAt)
	}
	cdrs, _, err := k.s.CDRs(k.Context(), originate.Filter{Disposition: call.Interrupted})
	k.must(err)
	if len(cdrs) != 3 {
		k.Errorf("%d CDRs, want 3", len(cdrs))
	}
}

func recoverFencesTheDead(k *kit) {
	k.admit(nil)
	a := k.claimOne()
	k.now = k.now.Add(ttl)
	_, err := k.s.Recover(k.Context(), k.now)
	k.must(err)
	// The node was only slow: it must learn that its attempt is not its own any more.
	if _, err := k.s.Renew(k.Context(), k.lease, k.now, ttl); !errors.Is(err, originate.ErrNoLease) {
		k.Errorf("renewed: %v", err)
	}
	if _, err := k.s.EndAttempt(k.Context(), k.ending(a, call.Answered)); !errors.Is(err, originate.ErrStale) {
		k.Errorf("ended: %v", err)
	}
	k.acquire("n1")
}

func withdrawInEveryState(k *kit) {
	live := func(k *kit, events ...call.EventType) call.ID {
		c := k.admit(nil)
		a := k.claimOne()
		for _, typ := range events {
			_, err := k.s.Progress(k.Context(), k.ref(a), []call.Event{{At: k.now, Type: typ}})
			k.must(err)
		}
		return c.ID
	}
	for _, c := range []struct {
		state call.State
		make  func(k *kit) call.ID
		want  call.State // "" = refused
	}{
		{call.Scheduled, func(k *kit) call.ID {
			return k.admit(func(c *call.Call) { c.State, c.DueAt = call.Scheduled, k.now.Add(time.Hour) }).ID
		}, call.CancelledSt},
		{call.Dialing, func(k *kit) call.ID { return live(k) }, call.Dialing},
		{call.Ringing, func(k *kit) call.ID { return live(k, call.EvRinging) }, call.Ringing},
		{call.AnsweredSt, func(k *kit) call.ID { return live(k, call.EvAnswered) }, call.AnsweredSt},
		{call.Confirming, func(k *kit) call.ID { return live(k, call.EvAnswered, call.EvConfirming) }, call.Confirming},
		{call.Connecting, func(k *kit) call.ID { return live(k, call.EvAnswered, call.EvConnecting) }, call.Connecting},
		{call.Connected, func(k *kit) call.ID { return live(k, call.EvAnswered, call.EvConnected) }, call.Connected},
		{call.WaitingRetry, func(k *kit) call.ID {
			k.admit(func(c *call.Call) { c.Request.Retry.Max = 1 })
			return k.end(k.claimOne(), call.Busy).ID
		}, call.CancelledSt},
		{call.Ended, func(k *kit) call.ID { k.admit(nil); return k.end(k.claimOne(), call.Answered).ID }, ""},
		{call.CancelledSt, func(k *kit) call.ID {
			c := k.admit(nil)
			_, err := k.s.Withdraw(k.Context(), c.ID, "first", k.now)
			k.must(err)
			return c.ID
		}, call.CancelledSt},
		{call.Queued, func(k *kit) call.ID { return k.admit(nil).ID }, call.CancelledSt},
	} {
		k.Run(string(c.state), func(t *testing.T) {
			k := &kit{T: t, s: k.s, now: k.now, lease: k.lease, limits: k.limits, n: k.n}
			id := c.make(k)
			k.wantState(id, c.state)
			got, err := k.s.Withdraw(k.Context(), id, "boss", k.now)
			if c.want == "" {
				if !errors.Is(err, originate.ErrState) {
					k.Errorf("got %v, want ErrState", err)
				}
				return
			}
			k.must(err)
			if got.State != c.want {
				k.Fatalf("%s after withdrawal, want %s", got.State, c.want)
			}
			if got.State.Done() {
				if got.Reason == "" || got.EndedAt.IsZero() {
					k.Errorf("cancelled without reason or end: %+v", got)
				}
				return
			}
			ended := k.end(call.Attempt{Call: id, Number: 1, Request: got.Request, RouteA: got.RouteA, StartedAt: k.now}, call.Busy)
			if ended.State != call.CancelledSt {
				k.Errorf("%s after the attempt, want cancelled although it was busy", ended.State)
			}
		})
	}
	if _, err := k.s.Withdraw(k.Context(), "none", "boss", k.now); !errors.Is(err, originate.ErrNotFound) {
		k.Errorf("unknown call: %v", err)
	}
	// An answer that crossed the withdrawal stays an answer.
	id := live(k, call.EvAnswered)
	_, err := k.s.Withdraw(k.Context(), id, "boss", k.now)
	k.must(err)
	c := k.end(call.Attempt{Call: id, Number: 1, StartedAt: k.now}, call.Answered)
	if c.State != call.Ended || c.Last.Disposition != call.Answered {
		k.Errorf("answer against withdrawal: %s, %s", c.State, c.Last.Disposition)
	}
}

func withdrawnElsewhere(k *kit) {
	c := k.admit(nil)
	k.claimOne()
	_, err := k.s.Withdraw(k.Context(), c.ID, "boss", k.now)
	k.must(err)
	got, err := k.s.Renew(k.Context(), k.lease, k.now, ttl)
	k.must(err)
	if d := cmp.Diff([]call.ID{c.ID}, got); d != "" {
		k.Error(d)
	}
}

func batchHoldAndWithdraw(k *kit) {
	const n = 1200
	if err := k.s.HoldBatch(k.Context(), "b", true, k.now); !errors.Is(err, originate.ErrNotFound) {
		k.Errorf("hold of an unknown batch: %v", err)
	}
	if _, _, err := k.s.WithdrawBatch(k.Context(), "b", "boss", k.now); !errors.Is(err, originate.ErrNotFound) {
		k.Errorf("withdrawal of an unknown batch: %v", err)
	}
	list := make([]originate.Admission, n)
	for i := range list {
		list[i] = k.admission(func(c *call.Call) { c.Request.Batch = "b" })
	}
	_, err := k.s.Admit(k.Context(), list)
	k.must(err)
	other := k.admit(nil)
	k.must(k.s.HoldBatch(k.Context(), "b", true, k.now))
	if got := k.claim(10); len(got.Attempts) != 1 || got.Attempts[0].Call != other.ID {
		k.Errorf("claimed %d while the batch is paused, want the other call", len(got.Attempts))
	}
	counts, err := k.s.Counts(k.Context())
	k.must(err)
	if d := cmp.Diff([]call.BatchID{"b"}, counts.Paused); d != "" {
		k.Error(d)
	}
	k.must(k.s.HoldBatch(k.Context(), "b", false, k.now))
	if got := k.claim(3); len(got.Attempts) != 3 {
		k.Errorf("claimed %d after resuming, want 3", len(got.Attempts))
	}
	count, live, err := k.s.WithdrawBatch(k.Context(), "b", "boss", k.now)
	k.must(err)
	if count != n || len(live) != 3 {
		k.Errorf("withdrew %d, %d live; want %d, 3", count, len(live), n)
	}
	cancelled := 0
	f := originate.Filter{Batch: "b", States: []call.State{call.CancelledSt}, Limit: 1000}
	for {
		page, next, err := k.s.List(k.Context(), f)
		k.must(err)
		cancelled += len(page)
		if f.Cursor = next; next == "" {
			break
		}
	}
	if cancelled != n-3 {
		k.Errorf("%d cancelled, want %d", cancelled, n-3)
	}
}

func listFiltersAndPages(k *kit) {
	var all []call.ID
	for i := range 25 {
		k.pass(time.Second)
		all = append(all, k.admit(func(c *call.Call) {
			c.RouteA.Number = fmt.Sprintf("+49301%03d", i)
			c.Request.Origin.Reference = fmt.Sprintf("lead-%d", i)
			if i%2 == 1 {
				c.Request.Account, c.Request.Batch, c.Request.Origin.Door, c.Request.Origin.Principal = "ops", "b", "cli", "mia"
			}
		}).ID)
	}
	walk := func(f originate.Filter) (ids []call.ID) {
		for {
			page, next, err := k.s.List(k.Context(), f)
			k.must(err)
			for _, c := range page {
				ids = append(ids, c.ID)
			}
			if f.Cursor = next; next == "" {
				return ids
			}
		}
	}
	if d := cmp.Diff(all, walk(originate.Filter{Oldest: true, Limit: 7})); d != "" {
		k.Error(d)
	}
	newest := walk(originate.Filter{Limit: 5})
	if len(newest) != 25 || newest[0] != all[24] || newest[24] != all[0] {
		k.Errorf("newest first: %v", newest)
	}
	k.end(k.claimOne(), call.Busy)
	for name, c := range map[string]struct {
		f    originate.Filter
		want int
	}{
		"account":     {originate.Filter{Account: "ops"}, 12},
		"batch":       {originate.Filter{Batch: "b"}, 12},
		"door":        {originate.Filter{Door: "cli"}, 12},
		"principal":   {originate.Filter{Principal: "mia"}, 12},
		"number":      {originate.Filter{Number: "301003"}, 1},
		"reference":   {originate.Filter{Reference: "lead-7"}, 1},
		"from":        {originate.Filter{From: k.now}, 1},
		"to":          {originate.Filter{To: k.now}, 24},
		"queued":      {originate.Filter{States: []call.State{call.Queued}}, 24},
		"ended":       {originate.Filter{States: []call.State{call.Ended, call.CancelledSt}}, 1},
		"disposition": {originate.Filter{Disposition: call.Busy}, 1},
		"all at once": {originate.Filter{Account: "ops", Door: "cli", Number: "+49", States: []call.State{call.Queued}}, 12},
	} {
		if got := len(walk(c.f)); got != c.want {
			k.Errorf("%s: %d calls, want %d", name, got, c.want)
		}
	}
	for _, bad := range []string{"x", "!!", "MSBj", "MSBkPCAxIDE"} {
		if _, _, err := k.s.List(k.Context(), originate.Filter{Cursor: bad}); !errors.Is(err, originate.ErrCursor) {
			k.Errorf("cursor %q: %v", bad, err)
		}
	}
}

func cdrsPages(k *kit) {
	for i := range 12 {
		k.pass(time.Second)
		k.admit(func(c *call.Call) { c.RouteA.Number = fmt.Sprintf("+4930%02d", i) })
		k.end(k.claimOne(), call.Answered)
	}
	var got []call.CDR
	for f := (originate.Filter{Oldest: true, Limit: 5}); ; {
		page, next, err := k.s.CDRs(k.Context(), f)
		k.must(err)
		got = append(got, page...)
		if f.Cursor = next; next == "" {
			break
		}
	}
	if len(got) != 12 {
		k.Fatalf("%d CDRs, want 12", len(got))
	}
	for i := 1; i < len(got); i++ {
		if got[i].EndedAt.Before(got[i-1].EndedAt) {
			k.Errorf("CDR %d is out of order", i)
		}
	}
	if one, _, err := k.s.CDRs(k.Context(), originate.Filter{Number: "493007"}); err != nil || len(one) != 1 {
		k.Errorf("by number: %d, %v", len(one), err)
	}
}

// recordWithoutQueue: the record of a call that somebody dialled on the switch is one
// among the others.
func recordWithoutQueue(k *kit) {
	k.admit(nil)
	k.end(k.claimOne(), call.Answered)
	k.pass(time.Second)
	want := call.CDR{
		Call: "live", Attempt: 1, Account: "sales", Door: "ari", Reference: "1795320179.0", Source: call.CallerID{Number: "1001"},
		First: "PJSIP/+4930555@carrier", Dialled: "+4930555", StartedAt: k.now.Add(-time.Second), EndedAt: k.now, Duration: 1,
		Disposition: call.Busy, Cause: 17, SIPStatus: 486,
	}
	k.must(k.s.Record(k.Context(), want))
	if err := k.s.Record(k.Context(), want); err == nil {
		k.Error("the same record twice: no error")
	}
	all, _, err := k.s.CDRs(k.Context(), originate.Filter{})
	if err != nil || len(all) != 2 || !cmp.Equal(all[0], want) {
		k.Errorf("%v: %s", err, cmp.Diff(want, all[0]))
	}
	for _, f := range []originate.Filter{{Number: "30555"}, {Door: "ari"}, {Account: "sales", Disposition: call.Busy}} {
		if list, _, err := k.s.CDRs(k.Context(), f); err != nil || len(list) != 1 || list[0].Call != "live" {
			k.Errorf("filter %+v: %d records, %v", f, len(list), err)
		}
	}
}
