package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/apikey"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
)

// auditFilters looks for entries by what they say, alone and together, in both orders and
// page by page.
func auditFilters(k *kit) {
	c := k.admit(nil) // 0: test, tester, sales
	deny := func(door, principal string, account call.AccountID) {
		k.pass(time.Hour)
		k.must(k.s.Deny(k.Context(), originate.AuditEntry{At: k.now, Origin: call.Origin{Door: door, Principal: principal}, Account: account, First: "1"}))
	}
	start := k.now
	deny("rest", "crm", "sales") // 1
	deny("rest", "shop", "ops")  // 2
	deny("cli", "crm", "ops")    // 3
	k.pass(time.Hour)
	k.admit(nil) // 4
	all, err := k.s.Audit(k.Context(), originate.AuditFilter{Oldest: true})
	k.must(err)
	if len(all) != 5 {
		k.Fatalf("%d entries", len(all))
	}
	at := func(i int) time.Time { return all[i].At }
	for name, x := range map[string]struct {
		f    originate.AuditFilter
		want []int // oldest first
	}{
		"door":               {originate.AuditFilter{Door: "rest"}, []int{1, 2}},
		"accepted and not":   {originate.AuditFilter{Door: "test"}, []int{0, 4}},
		"denied":             {originate.AuditFilter{Door: "cli", Denied: true}, []int{3}},
		"denied, none":       {originate.AuditFilter{Door: "test", Denied: true}, nil},
		"no such door":       {originate.AuditFilter{Door: "x"}, nil},
		"principal":          {originate.AuditFilter{Principal: "crm"}, []int{1, 3}},
		"account":            {originate.AuditFilter{Account: "ops"}, []int{2, 3}},
		"call":               {originate.AuditFilter{Call: c.ID}, []int{0}},
		"from":               {originate.AuditFilter{From: at(2)}, []int{2, 3, 4}},
		"to":                 {originate.AuditFilter{To: at(2)}, []int{0, 1}},
		"hour":               {originate.AuditFilter{From: at(1), To: at(2)}, []int{1}},
		"future":             {originate.AuditFilter{From: at(4).Add(time.Hour)}, nil},
		"before all":         {originate.AuditFilter{To: start}, nil},
		"a millisecond late": {originate.AuditFilter{From: at(2).Add(time.Millisecond), To: at(4)}, []int{3}},
		"all together":       {originate.AuditFilter{Door: "rest", Principal: "shop", Account: "ops", Denied: true, From: start, To: at(3)}, []int{2}},
	} {
		for _, oldest := range []bool{true, false} {
			f := x.f
			f.Oldest, f.Limit = oldest, 1
			var got []int
			for {
				page, err := k.s.Audit(k.Context(), f)
				k.must(err)
				if len(page) == 0 {
					break
				}
				for i, e := range all {
					if e.Seq == page[0].Seq {
						got = append(got, i)
					}
				}
				f.Cursor = page[0].Seq
			}
			want := append([]int(nil), x.want...)
			if !oldest {
				for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
					want[i], want[j] = want[j], want[i]
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				k.Errorf("%s (oldest %v):\n%s", name, oldest, d)
			}
		}
	}
	counts, err := k.s.AuditCounts(k.Context(), at(2))
	k.must(err)
	if d := cmp.Diff(map[string]originate.AuditCount{"rest": {Denied: 1}, "cli": {Denied: 1}, "test": {Accepted: 1}}, counts); d != "" {
		k.Error(d)
	}
}

// RunAPIKeys runs the suite of the store of API keys. open gives an empty one and closes it by
// t.Cleanup.
func RunAPIKeys(t *testing.T, open func(t *testing.T) apikey.Store) {
	s := open(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(list ...apikey.Record) {
		t.Helper()
		got, err := s.APIKeys(t.Context())
		must(err)
		if d := cmp.Diff(list, got); d != "" {
			t.Errorf("keys (-want +got):\n%s", d)
		}
	}
	wantUses := func(uses map[string]auth.Use) {
		t.Helper()
		got, err := s.APIKeyUses(t.Context())
		must(err)
		if d := cmp.Diff(uses, got); d != "" {
			t.Errorf("uses (-want +got):\n%s", d)
		}
	}
	made := time.UnixMilli(1_800_000_000_123).UTC()
	want()
	wantUses(map[string]auth.Use{})
	whole := apikey.Record{Key: apikey.Key{Name: "crm", Account: "sales", Scopes: []auth.Scope{auth.CallsRead, auth.CallsWrite}, Stored: true, CreatedAt: made, CreatedBy: "local"}, Hash: "$argon2id$1"}
	other := apikey.Record{Key: apikey.Key{Name: "a'b", Scopes: []auth.Scope{auth.Admin}, Stored: true, CreatedAt: made, CreatedBy: "key:crm"}, Hash: "$argon2id$2"}
	act := apikey.Act{By: apikey.By{Name: "key:boss", Door: "rest", Principal: "boss", Remote: "192.0.2.1"}, At: made, Key: "crm", Account: "sales", Text: "key made"}
	must(s.PutAPIKey(t.Context(), whole, act))
	must(s.PutAPIKey(t.Context(), other, apikey.Act{At: made, Key: "a'b"}))
	want(other, whole)

	must(s.AddAPIKeyUses(t.Context(), map[string]auth.Use{"crm": {Times: 2, LastAt: made}, "of the configuration": {Times: 1, LastAt: made}}))
	must(s.AddAPIKeyUses(t.Context(), map[string]auth.Use{"crm": {Times: 3, LastAt: made.Add(-time.Hour)}}))
	wantUses(map[string]auth.Use{"crm": {Times: 5, LastAt: made}, "of the configuration": {Times: 1, LastAt: made}})

	act.At, act.Text = made.Add(time.Second), "key revoked"
	must(s.RevokeAPIKey(t.Context(), "crm", act))
	whole.RevokedAt, whole.RevokedBy = act.At, "key:boss"
	want(other, whole)
	whole.RevokedAt, whole.RevokedBy, whole.Hash = time.Time{}, "", "$argon2id$3"
	must(s.PutAPIKey(t.Context(), whole, act))
	want(other, whole)
	wantUses(map[string]auth.Use{"of the configuration": {Times: 1, LastAt: made}})
}
