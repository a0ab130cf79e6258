// Package storetest is the conformance suite of originate.Store. Every store
// runs it from its own tests:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) originate.Store { return openFresh(t) })
//	}
//
// The suite keeps to the interface and gives all times itself, so that it asks
// the same of an embedded store and of a database shared by several nodes.
// What only one store can promise (surviving kill -9, a full disk, query
// plans) is tested beside that store.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Run runs the suite. newStore gives an empty store and closes it by
// t.Cleanup.
func Run(t *testing.T, newStore func(t *testing.T) originate.Store) {
	for _, c := range []struct {
		name string
		f    func(*kit)
	}{
		{"AdmitRoundTrip", admitRoundTrip},
		{"AdmitKeyRepeated", admitKeyRepeated},
		{"AdmitKeyConcurrently", admitKeyConcurrently},
		{"AdmitDailyCap", admitDailyCap},
		{"AdmitManyThousand", admitManyThousand},
		{"ClaimOrder", claimOrder},
		{"ClaimWaitsForDueTime", claimWaitsForDueTime},
		{"ClaimExpires", claimExpires},
		{"ClaimCountsChannels", claimCountsChannels},
		{"ClaimTrunkLegsAndPhones", claimTrunkLegsAndPhones},
		{"ClaimFullTrunkDoesNotBlockOthers", claimFullTrunkDoesNotBlockOthers},
		{"ClaimKeepsPace", claimKeepsPace},
		{"ClaimKeepsPaceOfTheServer", claimKeepsPaceOfTheServer},
		{"ClaimByManyNodesNeverOversteps", claimByManyNodes},
		{"LeaseDecidesWhoClaims", leaseDecidesWhoClaims},
		{"ProgressMovesStates", progressMovesStates},
		{"EndAttemptRetries", endAttemptRetries},
		{"EndAttemptReturned", endAttemptReturned},
		{"EndAttemptOnce", endAttemptOnce},
		{"RecoverInterrupts", recoverInterrupts},
		{"RecoverFencesTheDead", recoverFencesTheDead},
		{"WithdrawInEveryState", withdrawInEveryState},
		{"WithdrawnElsewhereIsToldByRenew", withdrawnElsewhere},
		{"BatchHoldAndWithdraw", batchHoldAndWithdraw},
		{"ListFiltersAndPages", listFiltersAndPages},
		{"CDRsPages", cdrsPages},
		{"RecordKeepsCallsWithoutQueue", recordWithoutQueue},
		{"SeriesSumsUp", seriesSumsUp},
		{"RecordingsOfACall", recordingsOfACall},
		{"EventsResume", eventsResume},
		{"WatchHasNoGaps", watchHasNoGaps},
		{"PruneTellsTheLost", pruneTellsTheLost},
		{"AuditTrail", auditTrail},
		{"AuditFilters", auditFilters},
		{"JournalReplaysToTheState", journalReplays},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.f(newKit(t, newStore(t)))
		})
	}
}

// ttl of the leases in the suite.
const ttl = 10 * time.Second

// kit is a store with one node, at a time of its own.
type kit struct {
	*testing.T
	s      originate.Store
	now    time.Time
	lease  originate.Lease
	limits map[string]originate.Limits
	n      *int // calls made so far
}

func newKit(t *testing.T, s originate.Store) *kit {
	k := &kit{T: t, s: s, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), limits: map[string]originate.Limits{}, n: new(int)}
	k.lease = k.acquire("n1")
	return k
}

func (k *kit) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

func (k *kit) acquire(node string) originate.Lease {
	k.Helper()
	l, err := k.s.Acquire(k.Context(), node, k.now, ttl)
	k.must(err)
	return l
}

// pass lets time pass and keeps the lease.
func (k *kit) pass(d time.Duration) {
	k.Helper()
	k.now = k.now.Add(d)
	_, err := k.s.Renew(k.Context(), k.lease, k.now, ttl)
	k.must(err)
}

// admission makes a call that is due now on trunk x, changed by change.
func (k *kit) admission(change func(*call.Call)) originate.Admission {
	*k.n++
	c := call.Call{
		ID: call.ID(fmt.Sprintf("%s-%06d", k.now.Format("150405"), *k.n)), State: call.Queued, CreatedAt: k.now, DueAt: k.now,
		Request: call.Request{
			Origin: call.Origin{Door: "test", Principal: "tester"}, Account: "sales", First: "101",
			Then:  call.Then{Kind: call.ThenConnect, Second: "+4930123456"},
			Retry: call.Retry{Wait: time.Minute},
		},
		RouteA: call.Route{Typed: "555", Endpoint: "PJSIP/555@x", Number: "555", Trunk: "x"},
	}
	if change != nil {
		change(&c)
	}
	return originate.Admission{Call: c, Rule: "test"}
}

func (k *kit) admit(change func(*call.Call)) call.Call {
	k.Helper()
	got, err := k.s.Admit(k.Context(), []originate.Admission{k.admission(change)})
	k.must(err)
	k.must(got[0].Err)
	return got[0].Call
}

func (k *kit) claimAs(l originate.Lease, maximum int) (originate.Claimed, error) {
	return k.s.Claim(k.Context(), originate.Claim{
		Lease: l, Now: k.now, Max: maximum,
		Limits: func(r string) originate.Limits { return k.limits[r] },
	})
}

func (k *kit) claim(maximum int) originate.Claimed {
	k.Helper()
	got, err := k.claimAs(k.lease, maximum)
	k.must(err)
	return got
}

// claimOne claims exactly one attempt.
func (k *kit) claimOne() call.Attempt {
	k.Helper()
	got := k.claim(1)
	if len(got.Attempts) != 1 {
		k.Fatalf("claimed %d attempts, want 1", len(got.Attempts))
	}
	return got.Attempts[0]
}

func (k *kit) ref(a call.Attempt) originate.AttemptRef {
	return originate.AttemptRef{Call: a.Call, Number: a.Number, Lease: k.lease}
}

// ending makes the end of an attempt with a disposition.
func (k *kit) ending(a call.Attempt, d call.Disposition) originate.AttemptEnd {
	out := call.Outcome{
		Disposition: d, EndedAt: k.now,
		A: call.LegOutcome{Channel: "PJSIP/x-1", Endpoint: a.RouteA.Endpoint, StartedAt: a.StartedAt, EndedAt: k.now, Disposition: d},
	}
	if d != call.Answered {
		out.Failure = &call.Failure{Leg: "a", Disposition: d, Cause: 17, SIPStatus: 486}
	}
	return originate.AttemptEnd{Ref: k.ref(a), Outcome: out, CDR: originate.MakeCDR(a, out), Now: k.now}
}

func (k *kit) end(a call.Attempt, d call.Disposition) call.Call {
	k.Helper()
	c, err := k.s.EndAttempt(k.Context(), k.ending(a, d))
	k.must(err)
	return c
}

func (k *kit) get(id call.ID) call.Call {
	k.Helper()
	c, err := k.s.Get(k.Context(), id)
	k.must(err)
	return c
}

func (k *kit) wantState(id call.ID, want call.State) call.Call {
	k.Helper()
	c := k.get(id)
	if c.State != want {
		k.Fatalf("call %s is %s, want %s", id, c.State, want)
	}
	return c
}

// types gives the event types of a call in order.
func (k *kit) types(id call.ID) (out []call.EventType) {
	k.Helper()
	events, _, err := k.s.Events(k.Context(), 0, originate.EventFilter{Call: id}, 1000)
	k.must(err)
	for _, e := range events {
		out = append(out, e.Type)
	}
	return out
}
