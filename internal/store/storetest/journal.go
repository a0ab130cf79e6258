package storetest

import (
	"errors"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

func eventsResume(k *kit) {
	a := k.admit(nil)
	k.admit(func(c *call.Call) { c.Request.Account, c.Request.Batch = "ops", "b" })
	k.end(k.claimOne(), call.Answered)
	all, seen, err := k.s.Events(k.Context(), 0, originate.EventFilter{}, 100)
	k.must(err)
	if len(all) != 5 || seen != all[4].Seq {
		k.Fatalf("%d events, seen %d", len(all), seen)
	}
	for i := 1; i < len(all); i++ {
		if all[i].Seq <= all[i-1].Seq {
			k.Errorf("seq %d after %d", all[i].Seq, all[i-1].Seq)
		}
	}
	page, seen, err := k.s.Events(k.Context(), all[0].Seq, originate.EventFilter{}, 2)
	k.must(err)
	if d := cmp.Diff(all[1:3], page); d != "" || seen != page[1].Seq {
		k.Errorf("page: %s, seen %d", d, seen)
	}
	for name, c := range map[string]struct {
		f    originate.EventFilter
		want int
	}{
		"call":    {originate.EventFilter{Call: a.ID}, 4},
		"account": {originate.EventFilter{Account: "ops"}, 1},
		"batch":   {originate.EventFilter{Batch: "b"}, 1},
		"types":   {originate.EventFilter{Types: []call.EventType{call.EvAccepted, call.EvEnded}}, 3},
	} {
		got, seen, err := k.s.Events(k.Context(), 0, c.f, 100)
		k.must(err)
		if len(got) != c.want || seen != all[4].Seq {
			k.Errorf("%s: %d events, seen %d; want %d, %d", name, len(got), seen, c.want, all[4].Seq)
		}
		for i := range got {
			if !c.f.Match(&got[i]) {
				k.Errorf("%s: %+v does not match", name, got[i])
			}
		}
	}
	end := all[3]
	if end.Type != call.EvAttemptEnd || end.CDR == nil || end.CDR.Disposition != call.Answered {
		k.Errorf("attempt.ended without its CDR: %+v", end)
	}
}

// Watch must give the events that the journal has, in its order, while many write.
func watchHasNoGaps(k *kit) {
	var mu sync.Mutex
	var seen []call.Event
	stop := k.s.Watch(func(events []call.Event) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, events...)
	})
	const writers, each = 6, 30
	var wg sync.WaitGroup
	for range writers {
		list := make([]originate.Admission, each)
		for i := range list {
			list[i] = k.admission(nil)
		}
		wg.Go(func() {
			for _, a := range list {
				if _, err := k.s.Admit(k.Context(), []originate.Admission{a}); err != nil {
					k.Error(err)
				}
			}
		})
	}
	wg.Wait()
	stop()
	k.admit(nil)
	journal, _, err := k.s.Events(k.Context(), 0, originate.EventFilter{}, 1000)
	k.must(err)
	mu.Lock()
	defer mu.Unlock()
	if d := cmp.Diff(journal[:len(journal)-1], seen); d != "" {
		k.Errorf("journal and watch differ: %s", d)
	}
}

func pruneTellsTheLost(k *kit) {
	old := k.admit(nil)
	k.end(k.claimOne(), call.Answered)
	waiting := k.admit(func(c *call.Call) { c.State, c.DueAt = call.Scheduled, k.now.Add(48*time.Hour) })
	before, _, err := k.s.Events(k.Context(), 0, originate.EventFilter{}, 100)
	k.must(err)
	k.pass(24 * time.Hour)
	young := k.admit(nil)
	k.end(k.claimOne(), call.Answered)
	limit := k.now.Add(-time.Hour)
	for more := true; more; {
		var err error
		_, more, err = k.s.Prune(k.Context(), originate.Retention{Calls: limit, CDRs: limit, Events: limit, Audit: limit, Limit: 2})
		k.must(err)
	}
	if _, err := k.s.Get(k.Context(), old.ID); !errors.Is(err, originate.ErrNotFound) {
		k.Errorf("old call: %v", err)
	}
	k.wantState(waiting.ID, call.Scheduled)
	k.wantState(young.ID, call.Ended)
	last := before[len(before)-1].Seq
	var lost *originate.LostError
	if _, _, err := k.s.Events(k.Context(), before[0].Seq, originate.EventFilter{}, 10); !errors.As(err, &lost) || lost.Oldest != last+1 {
		k.Fatalf("resume from what was pruned: %v", err)
	}
	if got, _, err := k.s.Events(k.Context(), lost.Oldest-1, originate.EventFilter{}, 10); err != nil || len(got) != 4 {
		k.Errorf("resume from the oldest: %d events, %v", len(got), err)
	}
	if cdrs, _, err := k.s.CDRs(k.Context(), originate.Filter{}); err != nil || len(cdrs) != 1 {
		k.Errorf("%d CDRs, %v", len(cdrs), err)
	}
	if trail, err := k.s.Audit(k.Context(), originate.AuditFilter{}); err != nil || len(trail) != 1 {
		k.Errorf("%d audit entries, %v", len(trail), err)
	}
	k.admit(nil) // the lane was still in use or is made anew
}

func auditTrail(k *kit) {
	c := k.admit(nil)
	want := originate.AuditEntry{
		At: k.now, Origin: call.Origin{Door: "rest", Principal: "p", Remote: "192.0.2.1:5"}, Account: "sales",
		First: "101", Second: "+1900", Code: originate.RefusedGuard, Rule: "account sales: deny +1900", Text: "not allowed",
	}
	k.must(k.s.Deny(k.Context(), want))
	got, err := k.s.Audit(k.Context(), originate.AuditFilter{Oldest: true})
	k.must(err)
	if len(got) != 2 || !got[0].Accepted || got[0].Call != c.ID || got[0].Rule != "test" {
		k.Fatalf("audit: %+v", got)
	}
	want.Seq = got[1].Seq
	if d := cmp.Diff(want, got[1]); d != "" {
		k.Error(d)
	}
	first, second := got[0].Seq, got[1].Seq
	for _, c := range []struct {
		f    originate.AuditFilter
		want []int64
	}{
		{originate.AuditFilter{}, []int64{second, first}},
		{originate.AuditFilter{Limit: 1}, []int64{second}},
		{originate.AuditFilter{Limit: 1, Cursor: second}, []int64{first}},
		{originate.AuditFilter{Cursor: first}, nil},
		{originate.AuditFilter{Limit: 1, Oldest: true}, []int64{first}},
		{originate.AuditFilter{Cursor: first, Oldest: true}, []int64{second}},
		{originate.AuditFilter{Cursor: second, Oldest: true}, nil},
		{originate.AuditFilter{Denied: true}, []int64{second}},
		{originate.AuditFilter{Denied: true, Cursor: second}, nil},
	} {
		page, err := k.s.Audit(k.Context(), c.f)
		k.must(err)
		var seqs []int64
		for _, e := range page {
			seqs = append(seqs, e.Seq)
		}
		if d := cmp.Diff(c.want, seqs); d != "" {
			k.Errorf("%+v: %s", c.f, d)
		}
	}
}
