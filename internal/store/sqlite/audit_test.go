package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
	"github.com/dialwright/dialwright/test/history"
)

// Every look at a long audit trail gives what was asked for, newest or oldest first; how long each
// takes is printed.
func TestLongAuditTrail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "calls.db")
	history.Fill(t, path, sqlite.LongTrail)
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now().UTC()
	day := 24 * time.Hour
	some, err := s.Audit(t.Context(), originate.AuditFilter{Limit: 1})
	if err != nil || len(some) != 1 {
		t.Fatalf("%v, %v", some, err)
	}
	for name, f := range map[string]originate.AuditFilter{
		"all":             {},
		"door":            {Door: "rest"},
		"door, none":      {Door: "nobody"},
		"door, oldest":    {Door: "cli", Oldest: true},
		"door, denied":    {Door: "rest", Denied: true},
		"principal":       {Principal: "crm"},
		"principal, none": {Principal: "nobody"},
		"account, none":   {Account: "nobody"},
		"call":            {Call: some[0].Call},
		"call, none":      {Call: "nobody"},
		"window":          {From: now.Add(-10 * day), To: now.Add(-9 * day)},
		"window, none":    {From: now.Add(day)},
		"window by door":  {From: now.Add(-10 * day), To: now.Add(-9 * day), Door: "rest"},
		"all filters":     {Door: "rest", Principal: "nobody", Account: call.AccountID("sales"), From: now.Add(-10_000 * day), To: now, Denied: true},
	} {
		best := time.Hour
		for range 3 { // others use the machine too
			begun := time.Now()
			list, err := s.Audit(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(begun))
			for i, e := range list {
				if f.Door != "" && e.Origin.Door != f.Door || f.Principal != "" && e.Origin.Principal != f.Principal || f.Call != "" && e.Call != f.Call ||
					f.Denied && e.Accepted || !f.From.IsZero() && e.At.Before(f.From) || !f.To.IsZero() && !e.At.Before(f.To) {
					t.Fatalf("%s: %+v", name, e)
				}
				if i > 0 && (e.Seq > list[i-1].Seq) != f.Oldest {
					t.Fatalf("%s: out of order", name)
				}
			}
			none := strings.HasSuffix(name, "none") || name == "all filters"
			if none && len(list) > 0 || !none && len(list) == 0 && f.From.IsZero() { // a short trail may have no tenth day
				t.Fatalf("%s: %d entries", name, len(list))
			}
		}
		t.Logf("%-16s %v", name, best)
	}
	for _, since := range []time.Time{now.Add(-day), {}} {
		best := time.Hour
		var counts map[string]originate.AuditCount
		for range 3 {
			begun := time.Now()
			if counts, err = s.AuditCounts(t.Context(), since); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(begun))
		}
		t.Logf("counts since %v: %v %v", since, best, counts)
		if len(counts) == 0 {
			t.Errorf("no counts since %v", since)
		}
	}
}
