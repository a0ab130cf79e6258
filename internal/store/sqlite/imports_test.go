package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/sheet"
)

func importOf(id string, account call.AccountID) bulk.Import {
	return bulk.Import{
		ID: id, Name: "list.csv", Account: account, Principal: "crm", Door: "rest", CreatedAt: epoch, State: bulk.Uploaded,
		Table: bulk.Table{
			Meta: sheet.Meta{Format: "csv", Encoding: "utf-8", Delimiter: ";"}, Rows: 3, First: []string{"a", "b"}, Header: true,
			Columns: []bulk.Column{{Samples: []string{"1"}, Guess: "second"}, {Samples: []string{}}},
		},
	}
}

func planOf(batch call.BatchID, own call.AccountID, paused bool) bulk.Plan {
	return bulk.Plan{
		Mapping: bulk.Mapping{First: &bulk.Source{Value: "101"}, Second: &bulk.Source{Column: new(0)}}, Header: true, Batch: batch, Paused: paused,
		By: bulk.By{Door: "rest", Principal: "crm", Own: own}, At: epoch,
	}
}

// An import comes back as it was put, is begun once, notes its rows once, ends once.
func TestImportLife(t *testing.T) {
	s := open1(t, Options{})
	ctx := t.Context()
	want := importOf("i1", "sales")
	if err := s.AddImport(ctx, want); err != nil {
		t.Fatal(err)
	}
	got, err := s.Import(ctx, "i1")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	if _, err := s.BeginImport(ctx, "none", planOf("b", "sales", true)); !errors.Is(err, bulk.ErrUnknown) {
		t.Error(err)
	}
	if _, err := s.BeginImport(ctx, "i1", planOf("b", "sales", true)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginImport(ctx, "i1", planOf("b", "sales", true)); !errors.Is(err, bulk.ErrState) {
		t.Error("begun twice", err)
	}
	if err := s.DeleteImport(ctx, "i1"); !errors.Is(err, bulk.ErrState) {
		t.Error("deleted while it is submitting", err)
	}
	if c, err := s.Counts(ctx); err != nil || len(c.Paused) != 1 || c.Paused[0] != "b" {
		t.Errorf("paused before its first call: %v %v", c.Paused, err)
	}
	rows := []bulk.Outcome{{Row: 2, Call: "c00000001"}, {Row: 3, Code: "guard", Text: "no"}, {Row: 4, Call: "gone"}}
	for range 2 {
		if err := s.SaveRows(ctx, "i1", rows, 4, 3); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, s, 1, 2, func(_ int, a *originate.Admission) { a.Call.Request.Batch = "b" })
	for range 2 {
		if err := s.EndImport(ctx, "i1", bulk.Submitted, "", epoch.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.EndImport(ctx, "i1", bulk.Failed, "too late", epoch); err != nil {
		t.Fatal(err)
	}
	plan := planOf("b", "sales", true)
	want.State, want.Plan, want.Done, want.Processed, want.Accepted, want.Refused, want.EndedAt = bulk.Submitted, &plan, 4, 3, 2, 1, epoch.Add(time.Hour)
	got, err = s.Import(ctx, "i1")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	calls, err := s.RowCalls(ctx, "i1", 0, 10)
	if err != nil || len(calls) != 2 || calls[0].Call == nil || calls[0].Call.ID != "c00000001" || calls[1].Call != nil || calls[1].Row != 4 {
		t.Errorf("%+v %v", calls, err)
	}
	refused, err := s.RefusedRows(ctx, "i1", 0, 10)
	if diff := cmp.Diff(rows[1:2], refused); err != nil || diff != "" {
		t.Error(err, diff)
	}
	b, err := s.Batch(ctx, "b")
	if err != nil || b.Import != "i1" || !b.Paused || b.Calls != 1 || b.Waiting != 1 {
		t.Errorf("%+v %v", b, err)
	}
	if err := s.DeleteImport(ctx, "i1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(ctx, "i1"); !errors.Is(err, bulk.ErrUnknown) {
		t.Error(err)
	}
	if calls, err := s.RowCalls(ctx, "i1", 0, 10); err != nil || len(calls) > 0 {
		t.Error("rows are left", calls, err)
	}
}

// Nobody adds to a batch that others have, and whoever did gets no power over it.
func TestBatchesAndTheirAccounts(t *testing.T) {
	s := open1(t, Options{})
	ctx := t.Context()
	fill(t, s, 0, 4, func(i int, a *originate.Admission) {
		a.Call.Request.Batch = "theirs"
		a.Call.Request.Account = "support"
	})
	fill(t, s, 4, 6, func(i int, a *originate.Admission) {
		a.Call.Request.Batch = "mixed"
		a.Call.Request.Account = []call.AccountID{"sales", "support"}[i%2]
	})
	for _, id := range []string{"i1", "i2", "i3"} {
		if err := s.AddImport(ctx, importOf(id, "sales")); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range []call.BatchID{"theirs", "mixed"} {
		if _, err := s.BeginImport(ctx, "i1", planOf(b, "sales", true)); !errors.Is(err, bulk.ErrBatch) {
			t.Error(b, err)
		}
	}
	if c, err := s.Counts(ctx); err != nil || len(c.Paused) > 0 {
		t.Error("a foreign batch was paused", c.Paused, err)
	}
	all := planOf("theirs", "sales", false)
	all.By.All = true
	if _, err := s.BeginImport(ctx, "i2", all); err != nil {
		t.Error(err)
	}
	if _, err := s.BeginImport(ctx, "i3", planOf("ours", "sales", false)); err != nil {
		t.Error(err)
	}
	names := func(account call.AccountID) (out string) {
		cursor := ""
		for {
			list, next, err := s.Batches(ctx, account, cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range list {
				out += string(b.ID) + fmt.Sprint(b.Mixed) + " "
			}
			if cursor = next; next == "" {
				return out
			}
		}
	}
	if got := names("sales"); got != "oursfalse " {
		t.Errorf("sales sees %q", got)
	}
	if got := names("support"); got != "" {
		t.Errorf("support sees %q", got)
	}
	if got := strings.Fields(names("")); len(got) != 3 {
		t.Errorf("everybody sees %q", got)
	}
	if _, _, err := s.Batches(ctx, "", "x", 1); !errors.Is(err, originate.ErrCursor) {
		t.Error(err)
	}
	if _, err := s.Batch(ctx, "none"); !errors.Is(err, originate.ErrNotFound) {
		t.Error(err)
	}
}

func TestBatchNumbers(t *testing.T) {
	s := open1(t, Options{})
	ctx := t.Context()
	fill(t, s, 0, 10, func(i int, a *originate.Admission) { a.Call.Request.Batch = "b" })
	lease, err := s.Acquire(ctx, "n", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Claim(ctx, originate.Claim{Lease: lease, Now: time.Now(), Max: 4, Limits: func(string) originate.Limits { return originate.Limits{} }})
	if err != nil || len(got.Attempts) != 4 {
		t.Fatal(len(got.Attempts), err)
	}
	for i, d := range []call.Disposition{call.Answered, call.Answered, call.Busy} {
		a := got.Attempts[i]
		_, err := s.EndAttempt(ctx, originate.AttemptEnd{
			Ref: originate.AttemptRef{Call: a.Call, Number: 1, Lease: lease}, Outcome: call.Outcome{Disposition: d, EndedAt: time.Now()}, Now: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Withdraw(ctx, "c00000009", "me", time.Now()); err != nil {
		t.Fatal(err)
	}
	b, err := s.Batch(ctx, "b")
	if err != nil {
		t.Fatal(err)
	}
	if b.LastAt.IsZero() || b.CreatedAt.IsZero() {
		t.Error(b.LastAt, b.CreatedAt)
	}
	b.LastAt, b.CreatedAt = time.Time{}, time.Time{}
	want := bulk.Batch{ID: "b", Account: "sales", Calls: 10, Waiting: 5, Live: 1, Ended: 3, Cancelled: 1, Dispositions: map[call.Disposition]int{call.Answered: 2, call.Busy: 1}}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Error(diff)
	}
	calls, last, err := s.BatchCalls(ctx, "b", 0, 7)
	if err != nil || len(calls) != 7 {
		t.Fatal(len(calls), err)
	}
	if rest, _, err := s.BatchCalls(ctx, "b", last, 7); err != nil || len(rest) != 3 {
		t.Error(len(rest), err)
	}
	if n, err := s.AcceptedSince(ctx, "sales", time.Now().Add(-time.Hour), 8); err != nil || n != 8 {
		t.Error(n, err)
	}
}

// What sums up batches reads indexes and no call.
func TestBatchQueriesUseTheirIndexes(t *testing.T) {
	s := open1(t, Options{})
	fill(t, s, 0, 2000, func(i int, a *originate.Admission) { a.Call.Request.Batch = call.BatchID(fmt.Sprint(i % 7)) })
	for query, index := range map[string]string{
		qBatchEnded: "COVERING INDEX call_batch_ended", qBatchCancelled: "COVERING INDEX call_batch_cancelled", qBatchLive: "INDEX attempt_open",
	} {
		if plan := explain(t, s, query); !strings.Contains(plan, index) {
			t.Errorf("%.60s… does not use %s:\n%s", query, index, plan)
		} else if strings.Contains(plan, "TEMP B-TREE") && query != qBatchLive {
			t.Errorf("%.60s… sorts:\n%s", query, plan)
		}
	}
}

// A batch of 100,000 calls, and a list of batches among which it is.
func BenchmarkBatch(b *testing.B) {
	s := open1(b, Options{Synchronous: "OFF"})
	fill(b, s, 0, 100_000, func(i int, a *originate.Admission) { a.Call.Request.Batch = "large" })
	for i := range 50 {
		fill(b, s, 100_000+i, 100_001+i, func(i int, a *originate.Admission) { a.Call.Request.Batch = call.BatchID(fmt.Sprint(i)) })
	}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			if got, err := s.Batch(b.Context(), "large"); err != nil || got.Calls != 100_000 {
				b.Fatal(got.Calls, err)
			}
		}
	})
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if got, _, err := s.Batches(b.Context(), "", "", 100); err != nil || len(got) != 51 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("results", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for last := int64(0); ; {
				list, next, err := s.BatchCalls(b.Context(), "large", last, 500)
				if err != nil {
					b.Fatal(err)
				}
				if len(list) == 0 {
					break
				}
				n, last = n+len(list), next
			}
			if n != 100_000 {
				b.Fatal(n)
			}
		}
	})
}

// A batch that is paused before its first call stays so, however much is pruned meanwhile.
func TestPruneLeavesBatchesOfSubmissions(t *testing.T) {
	s := open1(t, Options{})
	ctx := t.Context()
	if err := s.AddImport(ctx, importOf("i1", "sales")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginImport(ctx, "i1", planOf("b", "sales", true)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 0} {
		fill(t, s, i, i+1, nil)
		if _, err := s.Withdraw(ctx, call.ID(fmt.Sprintf("c%08d", i)), "me", time.Now()); err != nil {
			t.Fatal(err)
		}
		if n, _, err := s.Prune(ctx, originate.Retention{Calls: time.Now().Add(time.Hour)}); err != nil || n == 0 {
			t.Fatal(n, err)
		}
		if c, err := s.Counts(ctx); err != nil || len(c.Paused) != want {
			t.Errorf("%d: paused %v, %v", i, c.Paused, err)
		}
		if err := s.EndImport(ctx, "i1", bulk.Submitted, "", epoch); err != nil {
			t.Fatal(err)
		}
	}
}
