package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
	"github.com/dialwright/dialwright/test/history"
)

// BenchmarkHistory lists a history of 100,000 calls by every filter.
func BenchmarkHistory(b *testing.B) {
	path := filepath.Join(b.TempDir(), "calls.db")
	start := time.Now()
	history.Fill(b, path, 100_000)
	b.Logf("filled in %v", time.Since(start).Round(time.Millisecond))
	s, err := sqlite.Open(b.Context(), sqlite.Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	now := time.Now().UTC()
	day := 24 * time.Hour
	list := func(f originate.Filter) func() (int, error) {
		return func() (int, error) { l, _, err := s.List(b.Context(), f); return len(l), err }
	}
	cdrs := func(f originate.Filter) func() (int, error) {
		return func() (int, error) { l, _, err := s.CDRs(b.Context(), f); return len(l), err }
	}
	some, _, err := s.List(b.Context(), originate.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func() (int, error)
	}{
		{"calls/first", list(originate.Filter{})},
		{"calls/first-1000", list(originate.Filter{Limit: 1000})},
		{"calls/oldest", list(originate.Filter{Oldest: true})},
		{"calls/number-common", list(originate.Filter{Number: "4930"})},
		{"calls/number-rare", list(originate.Filter{Number: history.Rare})},
		{"calls/number-none", list(originate.Filter{Number: "nobody"})},
		{"calls/account", list(originate.Filter{Account: "sales"})},
		{"calls/account-none", list(originate.Filter{Account: "nobody"})},
		{"calls/account+number-none", list(originate.Filter{Account: "sales", Number: "nobody"})},
		{"calls/account+disposition", list(originate.Filter{Account: "support", Disposition: call.Interrupted})},
		{"calls/account+door-none", list(originate.Filter{Account: "sales", Door: "nobody"})},
		{"calls/door", list(originate.Filter{Door: "cli"})},
		{"calls/door-none", list(originate.Filter{Door: "ami"})},
		{"calls/principal", list(originate.Filter{Principal: "crm"})},
		{"calls/principal-none", list(originate.Filter{Principal: "nobody"})},
		{"calls/reference", list(originate.Filter{Reference: "lead-7-5"})},
		{"calls/batch", list(originate.Filter{Batch: history.Batch})},
		{"calls/disposition-common", list(originate.Filter{Disposition: call.Busy})},
		{"calls/disposition-rare", list(originate.Filter{Disposition: call.Interrupted, Limit: 1000})},
		{"calls/disposition-none", list(originate.Filter{Disposition: call.Cancelled})},
		{"calls/ended", list(originate.Filter{States: []call.State{call.Ended}})},
		{"calls/cancelled-none", list(originate.Filter{States: []call.State{call.CancelledSt}})},
		{"calls/open", list(originate.Filter{States: []call.State{call.Queued, call.Dialing}})},
		{"calls/window", list(originate.Filter{From: now.Add(-10 * day), To: now.Add(-9 * day)})},
		{"calls/window+number-none", list(originate.Filter{From: now.Add(-20 * day), To: now.Add(-1 * day), Number: "nobody"})},
		{"calls/window-empty", list(originate.Filter{From: now.Add(day)})},
		{"calls/all-filters", list(originate.Filter{Account: "sales", Door: "rest", Principal: "shop", Number: "nobody", Disposition: call.Busy, From: now.Add(-25 * day)})},
		{"records/first", cdrs(originate.Filter{})},
		{"records/number-rare", cdrs(originate.Filter{Number: history.Rare})},
		{"records/number-none", cdrs(originate.Filter{Number: "nobody"})},
		{"records/account", cdrs(originate.Filter{Account: "sales"})},
		{"records/account-none", cdrs(originate.Filter{Account: "nobody"})},
		{"records/door-none", cdrs(originate.Filter{Door: "ami"})},
		{"records/disposition-none", cdrs(originate.Filter{Disposition: call.Cancelled})},
		{"records/batch", cdrs(originate.Filter{Batch: history.Batch})},
		{"records/window", cdrs(originate.Filter{From: now.Add(-10 * day), To: now.Add(-9 * day)})},
		{"call/events", func() (int, error) {
			l, _, err := s.Events(b.Context(), 0, originate.EventFilter{Call: some[0].ID}, 1000)
			return len(l), err
		}},
		{"call/attempts", func() (int, error) { l, err := s.Attempts(b.Context(), some[0].ID); return len(l), err }},
		{"events/account-none", func() (int, error) {
			l, _, err := s.Events(b.Context(), 0, originate.EventFilter{Account: "nobody"}, 1000)
			return len(l), err
		}},
		{"series/month", func() (int, error) {
			l, err := s.Series(b.Context(), originate.SeriesFilter{From: now.Truncate(time.Hour).Add(-30 * day), To: now, Step: 30 * time.Minute})
			return len(l), err
		}},
		{"stats", func() (int, error) { _, err := s.Counts(b.Context()); return 0, err }},
		{"audit/first", func() (int, error) { l, err := s.Audit(b.Context(), originate.AuditFilter{}); return len(l), err }},
		{"audit/denied", func() (int, error) {
			l, err := s.Audit(b.Context(), originate.AuditFilter{Denied: true})
			return len(l), err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var n int
			for b.Loop() {
				var err error
				if n, err = c.do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "rows")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/list")
		})
	}
}
