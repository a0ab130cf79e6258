package storetest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// seriesSumsUp: attempts count in the minute in which they begin, ends in theirs.
func seriesSumsUp(k *kit) {
	begin := k.now
	run := func(account call.AccountID, d call.Disposition, toAnswer time.Duration) {
		k.admit(func(c *call.Call) { c.Request.Account = account })
		a := k.claimOne()
		e := k.ending(a, d)
		if toAnswer > 0 {
			e.Outcome.A.AnsweredAt = a.StartedAt.Add(toAnswer)
		}
		_, err := k.s.EndAttempt(k.Context(), e)
		k.must(err)
	}
	run("sales", call.Answered, 2*time.Second)
	run("sales", call.Answered, 4*time.Second)
	run("sales", call.Busy, 0)
	k.pass(3 * time.Minute)
	run("ops", call.Answered, time.Second)
	k.admit(nil)
	k.claimOne() // runs on

	for name, c := range map[string]struct {
		f    originate.SeriesFilter
		want []originate.Point
	}{
		"by minute": {originate.SeriesFilter{From: begin, To: begin.Add(time.Hour), Step: time.Minute}, []originate.Point{
			{At: begin, Attempts: 3, Ended: 3, Answered: 2, ToAnswer: 3 * time.Second},
			{At: begin.Add(3 * time.Minute), Attempts: 2, Ended: 1, Answered: 1, ToAnswer: time.Second},
		}},
		"by five": {originate.SeriesFilter{From: begin, To: begin.Add(time.Hour), Step: 5 * time.Minute}, []originate.Point{
			{At: begin, Attempts: 5, Ended: 4, Answered: 3, ToAnswer: 7 * time.Second / 3},
		}},
		"account":    {originate.SeriesFilter{From: begin, To: begin.Add(time.Hour), Step: time.Minute, Account: "ops"}, []originate.Point{{At: begin.Add(3 * time.Minute), Attempts: 1, Ended: 1, Answered: 1, ToAnswer: time.Second}}},
		"later":      {originate.SeriesFilter{From: begin.Add(time.Minute), To: begin.Add(3 * time.Minute), Step: time.Minute}, nil},
		"until then": {originate.SeriesFilter{From: begin.Add(-time.Minute), To: begin, Step: time.Minute}, nil},
	} {
		got, err := k.s.Series(k.Context(), c.f)
		k.must(err)
		if d := cmp.Diff(c.want, got); d != "" {
			k.Errorf("%s: %s", name, d)
		}
	}
	for more := true; more; {
		var err error
		_, more, err = k.s.Prune(k.Context(), originate.Retention{Calls: begin.Add(2 * time.Minute), Limit: 1})
		k.must(err)
	}
	got, err := k.s.Series(k.Context(), originate.SeriesFilter{From: begin, To: begin.Add(time.Hour), Step: time.Minute})
	if k.must(err); len(got) != 1 {
		k.Errorf("after pruning: %+v", got)
	}
}

// recordingsOfACall: what was recorded is found by the call, and goes with it.
func recordingsOfACall(k *kit) {
	c := k.admit(nil)
	first := originate.Recording{ID: "r1", Call: c.ID, Leg: "a", Channel: "PJSIP/101-1", Root: "monitor", Path: "click/x.wav", StartedAt: k.now}
	k.must(k.s.BeginRecording(k.Context(), first))
	k.must(k.s.BeginRecording(k.Context(), originate.Recording{ID: "r2", Call: c.ID, Root: "recording", Path: "y.wav", StartedAt: k.now.Add(time.Second)}))
	if err := k.s.BeginRecording(k.Context(), originate.Recording{ID: "r3", Call: "nobody", StartedAt: k.now}); !errors.Is(err, originate.ErrNotFound) {
		k.Errorf("recording of no call: %v", err)
	}
	first.EndedAt, first.Duration, first.Bytes = k.now.Add(5*time.Second), 4*time.Second, 64044
	k.must(k.s.EndRecording(k.Context(), first))
	k.must(k.s.EndRecording(k.Context(), originate.Recording{ID: "r9", EndedAt: k.now}))

	list, err := k.s.Recordings(k.Context(), c.ID)
	k.must(err)
	want := []originate.Recording{first, {ID: "r2", Call: c.ID, Root: "recording", Path: "y.wav", StartedAt: k.now.Add(time.Second)}}
	if d := cmp.Diff(want, list); d != "" {
		k.Error(d)
	}
	if got, err := k.s.Recording(k.Context(), "r1"); err != nil || got != first {
		k.Errorf("%+v, %v", got, err)
	}
	if _, err := k.s.Recording(k.Context(), "r3"); !errors.Is(err, originate.ErrNotFound) {
		k.Errorf("one that there is not: %v", err)
	}
	_, err = k.s.Withdraw(k.Context(), c.ID, "test", k.now)
	k.must(err)
	_, _, err = k.s.Prune(k.Context(), originate.Retention{Calls: k.now.Add(time.Hour)})
	k.must(err)
	if list, err := k.s.Recordings(k.Context(), c.ID); err != nil || len(list) != 0 {
		k.Errorf("after pruning: %+v, %v", list, err)
	}
}
