package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Store rule 2: the settings that decide what survives.
func TestPragmas(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "calls.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := map[string]string{}
	err = s.write(t.Context(), func(tx *tx) error {
		for _, p := range []string{"journal_mode", "synchronous", "foreign_keys", "busy_timeout"} {
			var v string
			if err := tx.get("PRAGMA "+p, nil, &v); err != nil {
				return err
			}
			got[p] = v
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		if got[p] != want {
			t.Errorf("%s is %s, want %s", p, got[p], want)
		}
	}
	if _, err := s.readDB.ExecContext(t.Context(), "DELETE FROM call"); err == nil {
		t.Error("a read connection has written")
	}
}

// hold keeps the writer in an operation until release is called.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.write(context.WithoutCancel(t.Context()), func(*tx) error {
			close(held)
			<-free
			return nil
		})
	}()
	<-held
	return sync.OnceFunc(func() { close(free); <-done })
}

// queued waits until n operations are in the writer's queue.
func queued(t *testing.T, s *Store, n int) {
	t.Helper()
	synctest.Wait()
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if got := len(s.w.live) + len(s.w.bulk); got != n {
		t.Fatalf("%d operations queued, want %d", got, n)
	}
}

// Store rules 1 and 3: what gathers during a commit becomes one transaction of
// at most 512 operations, live ones first, bulk ones up to 2,000 rows.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open1(t, Options{})
		release := hold(t, s)
		var mu sync.Mutex
		var order []string
		add := func(kind string, rows int) *op {
			return &op{rows: rows, run: func(*tx) error {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, kind)
				return nil
			}}
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { s.do(t.Context(), add("bulk", 900)) })
		}
		synctest.Wait()
		for range 600 {
			wg.Go(func() { s.do(t.Context(), add("live", 0)) })
		}
		queued(t, s, 603)
		group, _ := s.w.take()
		live, bulk := 0, 0
		for _, o := range group {
			if o.rows > 0 {
				bulk++
			} else {
				live++
			}
		}
		if live != 511 || bulk != 1 || group[len(group)-1].rows == 0 {
			t.Errorf("first group has %d live and %d bulk operations, want 511 and then 1", live, bulk)
		}
		rest, _ := s.w.take()
		if len(rest) != 600-511+2 {
			t.Errorf("second group has %d operations, want %d", len(rest), 600-511+2)
		}
		// Give them back to the writer as they were taken.
		release()
		for _, g := range [][]*op{group, rest} {
			for _, o := range g {
				o.err = nil
				close(o.done)
			}
		}
		wg.Wait()
	})
}

// Store rule 3: an import is cut into transactions of at most 2,000 rows; a
// watcher is called once per transaction.
func TestImportsAreCut(t *testing.T) {
	s := open1(t, Options{})
	var mu sync.Mutex
	var sizes []int
	stop := s.Watch(func(events []call.Event) {
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(events))
	})
	defer stop()
	fill(t, s, 0, 2500, nil)
	mu.Lock()
	defer mu.Unlock()
	total := 0
	for _, n := range sizes {
		total += n
		if n*rowsPerCall > maxBulk {
			t.Errorf("%d calls in one transaction", n)
		}
	}
	if total != 2500 {
		t.Errorf("%d events, want 2,500", total)
	}
}

// An operation that fails after it has written takes none of its group along.
func TestFailureHarmsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open1(t, Options{})
		release := hold(t, s)
		broken := errors.New("broken")
		now := time.Now()
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				if i == 4 {
					err := s.write(t.Context(), func(tx *tx) error {
						if _, err := tx.exec(`INSERT INTO batch (id, created_at) VALUES ('ghost', 1)`); err != nil {
							return err
						}
						return broken
					})
					if !errors.Is(err, broken) {
						t.Errorf("got %v, want its own error", err)
					}
					return
				}
				if got, err := s.Admit(t.Context(), []originate.Admission{admission(i, now)}); err != nil || got[0].Err != nil {
					t.Errorf("neighbour %d: %v", i, err)
				}
			})
		}
		queued(t, s, 9)
		release()
		wg.Wait()
		if list, _, err := s.List(t.Context(), originate.Filter{}); err != nil || len(list) != 8 {
			t.Errorf("%d calls, %v; want 8", len(list), err)
		}
		if err := s.HoldBatch(t.Context(), "ghost", true, now); !errors.Is(err, originate.ErrNotFound) {
			t.Errorf("what the broken operation wrote is there: %v", err)
		}
	})
}

// Whoever gives up before the operation is taken has not done it; afterwards
// its result is told.
func TestContextEndsBeforeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open1(t, Options{})
		release := hold(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Admit(ctx, []originate.Admission{admission(1, time.Now())}); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the cancellation", err)
			}
		})
		queued(t, s, 1)
		cancel()
		wg.Wait()
		release()
		if _, err := s.Get(t.Context(), "c00000001"); !errors.Is(err, originate.ErrNotFound) {
			t.Errorf("the call is there: %v", err)
		}
	})
}

func TestClose(t *testing.T) {
	s := open1(t, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Admit(t.Context(), []originate.Admission{admission(1, time.Now())}); !errors.Is(err, originate.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	open1(t, Options{Path: path})
	if s, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, ErrInUse) {
		if err == nil {
			s.Close()
		}
		t.Errorf("second open: %v, want ErrInUse", err)
	}
}

// What was answered is there after the store is opened again; leases are not.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a dir?", "calls.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	s := open1(t, Options{Path: path})
	now := time.Now()
	fill(t, s, 0, 3, nil)
	if _, err := s.Acquire(t.Context(), "n1", now, time.Hour); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open1(t, Options{Path: path})
	if list, _, err := s.List(t.Context(), originate.Filter{}); err != nil || len(list) != 3 {
		t.Errorf("%d calls, %v", len(list), err)
	}
	if l, err := s.Acquire(t.Context(), "n1", now, time.Hour); err != nil || l.Epoch != 2 {
		t.Errorf("lease %+v, %v", l, err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(t.Context(), Options{Path: filepath.Join(dir, "no", "calls.db")}); err == nil || !strings.Contains(err.Error(), "open store") {
		t.Errorf("missing directory: %v", err)
	}
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: garbage}); err == nil {
		t.Error("opened a file that is no database")
	}
}

// A full database refuses what does not fit, keeps what was accepted, and
// works again when there is room.
func TestFullDisk(t *testing.T) {
	s := open1(t, Options{MaxPages: 120})
	now := time.Now()
	accepted := 0
	for i := range 10_000 {
		a := admission(i, now)
		a.Call.Request.Variables = []call.Variable{{Name: "fill", Value: strings.Repeat("x", 1000)}}
		if _, err := s.Admit(t.Context(), []originate.Admission{a}); err != nil {
			if !full(err) {
				t.Fatalf("call %d: %v", i, err)
			}
			break
		}
		accepted++
	}
	if accepted == 0 || accepted == 10_000 {
		t.Fatalf("%d calls fitted in", accepted)
	}
	if err := s.Deny(t.Context(), originate.AuditEntry{At: now, Text: strings.Repeat("x", 100_000)}); !full(err) {
		t.Errorf("denial: %v", err)
	}
	c, err := s.Counts(t.Context())
	if err != nil || c.States[call.Queued] != accepted {
		t.Errorf("%d calls are there, %d were accepted, %v", c.States[call.Queued], accepted, err)
	}
	s.grow(t, 10_000)
	if _, err := s.Admit(t.Context(), []originate.Admission{admission(20_000, now)}); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// grow changes the bound of the database.
func (s *Store) grow(t testing.TB, pages int) {
	t.Helper()
	if err := s.SetMaxPages(t.Context(), pages); err != nil {
		t.Fatal(err)
	}
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add(cursor{"c<", 1_700_000_000_000, "0190-ab"}.encode(), "c<")
	f.Add(cursor{"d>", -5, "77"}.encode(), "d>")
	f.Add("", "c<")
	f.Add("MSBj", "c>")
	f.Fuzz(func(t *testing.T, s, kind string) {
		c, err := decodeCursor(s, kind)
		if err != nil {
			if !errors.Is(err, originate.ErrCursor) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again, err := decodeCursor(c.encode(), kind); err != nil || again != c {
			t.Errorf("%+v encodes to %+v, %v", c, again, err)
		}
		var w where
		if _, _, err := w.page(originate.Filter{Cursor: s}, strings.TrimRight(kind, "<>"), "t", "n"); err != nil && !errors.Is(err, originate.ErrCursor) {
			t.Errorf("page: %v", err)
		}
	})
}

// BenchmarkCallCycle measures a whole call in the store: admit, claim, three
// progress events, end. 64 callers at once, as doors and attempts are.
// FULL pays one fsync per group; OFF shows the cost without it.
func BenchmarkCallCycle(b *testing.B) {
	for _, mode := range []string{"FULL", "OFF"} {
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprintf("sync=%s/callers=%d", mode, callers), func(b *testing.B) { benchCycle(b, mode, callers) })
		}
	}
}

func benchCycle(b *testing.B, mode string, callers int) {
	s := open1(b, Options{Synchronous: mode})
	l, err := s.Acquire(b.Context(), "n1", time.Now(), time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	work := make(chan int)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range work {
				if err := cycle(b.Context(), s, l, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	i := 0
	for b.Loop() {
		work <- i
		i++
	}
	close(work)
	wg.Wait()
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "calls/s")
}

func cycle(ctx context.Context, s *Store, l originate.Lease, i int) error {
	now := time.Now()
	if _, err := s.Admit(ctx, []originate.Admission{admission(i, now)}); err != nil {
		return err
	}
	got, err := s.Claim(ctx, originate.Claim{Lease: l, Now: now, Max: 1, Limits: func(string) originate.Limits { return originate.Limits{} }})
	if err != nil {
		return err
	}
	for _, a := range got.Attempts {
		ref := originate.AttemptRef{Call: a.Call, Number: a.Number, Lease: l}
		for _, typ := range []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnected} {
			if _, err := s.Progress(ctx, ref, []call.Event{{At: now, Type: typ, Leg: "a"}}); err != nil {
				return err
			}
		}
		out := call.Outcome{Disposition: call.Answered, EndedAt: now, A: call.LegOutcome{AnsweredAt: now, EndedAt: now}}
		if _, err := s.EndAttempt(ctx, originate.AttemptEnd{Ref: ref, Outcome: out, CDR: originate.MakeCDR(a, out), Now: now}); err != nil {
			return err
		}
	}
	return nil
}
