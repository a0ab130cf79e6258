package sqlite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// admission makes a call on trunk x that is due now.
func admission(i int, now time.Time) originate.Admission {
	return originate.Admission{Call: call.Call{
		ID: call.ID(fmt.Sprintf("c%08d", i)), State: call.Queued, CreatedAt: now, DueAt: now,
		Request: call.Request{Origin: call.Origin{Door: "test", Principal: "p"}, Account: "sales", First: "5",
			Then: call.Then{Kind: call.ThenApplication, Name: "Echo"}},
		RouteA: call.Route{Endpoint: "PJSIP/5@x", Trunk: "x"},
	}}
}

func fill(t testing.TB, s *Store, from, to int, change func(int, *originate.Admission)) {
	t.Helper()
	now := time.Now()
	list := make([]originate.Admission, 0, to-from)
	for i := from; i < to; i++ {
		a := admission(i, now)
		if change != nil {
			change(i, &a)
		}
		list = append(list, a)
	}
	if _, err := s.Admit(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

// Every query of a claim must be answered from an index in the order that it
// needs: no scan, no sorting. This is what makes its cost independent of
// the number of waiting calls.
func TestClaimQueriesUseTheirIndexes(t *testing.T) {
	s := open1(t, Options{})
	fill(t, s, 0, 2000, nil)
	for query, index := range map[string]string{
		qDue: "call_waiting", qNextDue: "call_waiting", qExpired: "call_expiring", qNextExp: "call_expiring",
		qNextLane: "call_ready", qReady: "COVERING INDEX call_ready", qOpen: "attempt_open", qPaused: "batch_paused", qPace: "PRIMARY KEY",
	} {
		plan := explain(t, s, query)
		if !strings.Contains(plan, index) {
			t.Errorf("%.60s… does not use %s:\n%s", query, index, plan)
		}
		if strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%.60s… sorts:\n%s", query, plan)
		}
		for line := range strings.Lines(plan) {
			if strings.Contains(line, "SCAN") && !strings.Contains(line, index) {
				t.Errorf("%.60s… scans a table:\n%s", query, plan)
			}
		}
	}
}

func explain(t *testing.T, s *Store, query string) string {
	t.Helper()
	args := make([]any, max(strings.Count(query, "?"), 0))
	for i := range args {
		args[i] = 1
	}
	return explainWith(t, s, query, args)
}

// explainWith is explain for arguments that matter: SQLite looks at the LIMIT.
func explainWith(t *testing.T, s *Store, query string, args []any) string {
	t.Helper()
	rows, err := s.readDB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	list, err := collect(rows, err, func(rows scanner) (string, error) {
		var id, parent, unused int
		var detail string
		err := rows.Scan(&id, &parent, &unused, &detail)
		return detail, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "\n")
}

// A claim touches as many rows with 100,000 waiting calls as with 100, be they
// queued, scheduled, expiring, or behind a trunk that is full. Counted in rows read and
// written, not in time.
func TestClaimCostDoesNotDependOnTheQueue(t *testing.T) {
	cost := func(copies int) (reads int) {
		s := open1(t, Options{})
		now := time.Now()
		fill(t, s, 0, 100, func(i int, a *originate.Admission) {
			switch i % 4 {
			case 1:
				a.Call.State, a.Call.DueAt = call.Scheduled, now.Add(time.Hour)
			case 2:
				a.Call.Request.NotAfter = now.Add(time.Hour)
			case 3:
				a.Call.RouteA.Trunk = "full"
			}
		})
		multiply(t, s, copies)
		l, err := s.Acquire(t.Context(), "n1", now, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		limits := func(r string) originate.Limits {
			if r == "trunk:full" {
				return originate.Limits{Channels: 1}
			}
			return originate.Limits{}
		}
		before := s.reads(t)
		for range 5 {
			got, err := s.Claim(t.Context(), originate.Claim{Lease: l, Now: now, Max: 4, Limits: limits})
			if err != nil || len(got.Attempts) != 4 {
				t.Fatalf("claimed %d, %v", len(got.Attempts), err)
			}
		}
		return s.reads(t) - before
	}
	small, large := cost(1), cost(manyCopies)
	t.Logf("rows read by five claims: %d of 100 calls, %d of %d", small, large, 100*manyCopies)
	if large > small+small/10 {
		t.Errorf("five claims read %d rows with 100 calls waiting, %d with %d", small, large, 100*manyCopies)
	}
}

// reads gives the rows that the writer has read so far.
func (s *Store) reads(t testing.TB) (n int) {
	t.Helper()
	if err := s.write(t.Context(), func(tx *tx) error { n = tx.reads; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// multiply copies every call until each is there n times: a hundred thousand
// by Admit would take most of a minute under the race detector.
func multiply(t testing.TB, s *Store, n int) {
	t.Helper()
	const same = `state, lane, priority, due_at, not_after, created_at, door, principal, key, fingerprint,
		account, batch, reference, numbers, request, route_a, route_b`
	err := s.write(t.Context(), func(tx *tx) error {
		_, err := tx.exec(`WITH RECURSIVE copy (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copy WHERE k < ?)
			INSERT INTO call (id, `+same+`) SELECT id || '-' || k, `+same+` FROM call, copy WHERE k < ?`, n, n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Counts(t.Context())
	if err != nil || c.States[call.Queued]+c.States[call.Scheduled] != 100*n {
		t.Fatalf("%v, %v; want %d calls", c.States, err, 100*n)
	}
}
