package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// many gives n requests for numbers from first on by trunk "phones".
func many(n, first int, more map[string]any) []map[string]any {
	list := make([]map[string]any, n)
	for i := range list {
		r := map[string]any{
			"first":       fmt.Sprintf("PJSIP/%d@phones", first+i),
			"application": map[string]any{"name": "Wait", "data": "60"},
		}
		for k, v := range more {
			r[k] = v
		}
		list[i] = r
	}
	return list
}

// submit sends requests as batches of at most 5,000.
func submit(t *testing.T, srv *harness.Server, name string, list []map[string]any) {
	t.Helper()
	for len(list) > 0 {
		n := min(len(list), 5000)
		var answer struct {
			Accepted int `json:"accepted"`
		}
		srv.MustAPI("POST", "/v1/batches", map[string]any{"batch": name, "calls": list[:n]}, &answer)
		if answer.Accepted != n {
			t.Fatalf("%d of %d calls accepted", answer.Accepted, n)
		}
		list = list[n:]
	}
}

type stats struct {
	Queued       int            `json:"queued"`
	Scheduled    int            `json:"scheduled"`
	WaitingRetry int            `json:"waiting_retry"`
	Live         int            `json:"live"`
	Started      int            `json:"started"`
	Ended        map[string]int `json:"ended"`
	StoreErrors  int            `json:"store_errors"`
}

// drained waits until no call waits or runs.
func drained(t *testing.T, srv *harness.Server, limit time.Duration) stats {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for {
		var s stats
		srv.MustAPI("GET", "/v1/stats", nil, &s)
		if s.Queued+s.Scheduled+s.WaitingRetry+s.Live == 0 {
			return s
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("calls are left after %v: %+v", limit, s)
		}
	}
}

// TestCapIsNeverExceeded submits 1,000 calls at once under a cap of 50
// channels and 100 calls per second and lets the phones count.
func TestCapIsNeverExceeded(t *testing.T) {
	p := startPhones(t, 20*time.Millisecond, 100*time.Millisecond)
	srv := harness.Start(t, harness.Trunk("phones", p.port, "channels = 50\ncps = 100.0\n"))
	submit(t, srv, "cap", many(1000, 10000, nil))
	s := drained(t, srv, 2*time.Minute)
	c := p.counts()
	t.Logf("phones saw %d calls, %d at once at most, %d in the busiest second; ended %v", c.invites, c.high, c.busiest, s.Ended)
	if c.high > 50 {
		t.Errorf("%d calls at once, cap is 50", c.high)
	}
	if c.busiest > 115 {
		// The cap is about the start of attempts; datagrams of one second may
		// reach the phones with those of the next when the machine stalls.
		t.Errorf("%d calls in one second, pace is 100", c.busiest)
	}
	if c.invites != 1000 || c.numbers != 1000 || c.most != 1 {
		t.Errorf("%d INVITEs to %d numbers, at most %d for one; want 1000 to 1000, 1 each", c.invites, c.numbers, c.most)
	}
	if s.Ended["ANSWERED"] != 1000 {
		t.Errorf("outcomes %v, want 1000 ANSWERED", s.Ended)
	}
}

// TestQueueOf20000 runs 20,000 calls under a cap of 200 on the system limits of
// a plain shell: 1,024 file descriptors, which the server may not raise.
func TestQueueOf20000(t *testing.T) {
	n := 20000
	if testing.Short() {
		n = 2000
	}
	p := startPhones(t, 0, 20*time.Millisecond)
	srv := harness.StartWith(t, harness.Limits{Files: 1024, RTPPorts: 2000}, harness.Trunk("phones", p.port, "channels = 200\n"))
	begin := time.Now()
	submit(t, srv, "bulk", many(n, 100000, nil))
	accepted := time.Since(begin)
	s := drained(t, srv, 8*time.Minute)
	c := p.counts()
	t.Logf("%d calls accepted in %v, run in %v; %d at once at most; ended %v; server memory %d kB at most",
		n, accepted.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond), c.high, s.Ended, srv.PeakMemory())
	if c.high > 200 {
		t.Errorf("%d calls at once, cap is 200", c.high)
	}
	if c.invites != n || c.most != 1 || s.Ended["ANSWERED"] != n {
		t.Errorf("%d INVITEs, at most %d for one number, outcomes %v; want %d, 1, all ANSWERED", c.invites, c.most, s.Ended, n)
	}
	if s.StoreErrors != 0 {
		t.Errorf("%d operations of the store failed", s.StoreErrors)
	}
}

// TestNothingIsLeftBehind runs 5,000 calls and then finds as many goroutines
// as before the first.
func TestNothingIsLeftBehind(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 500
	}
	p := startPhones(t, 0, 20*time.Millisecond)
	srv := harness.Start(t, harness.Trunk("phones", p.port, "channels = 200\n"))
	submit(t, srv, "first", many(50, 1000, nil)) // pools and caches have their size now
	drained(t, srv, time.Minute)
	before := settled(t, srv)
	submit(t, srv, "leak", many(n, 100000, nil))
	drained(t, srv, 4*time.Minute)
	after := settled(t, srv)
	t.Logf("goroutines before %d, after %d", before, after)
	if after > before+5 {
		t.Errorf("%d goroutines before %d calls, %d after", before, n, after)
	}
}

// settled gives the number of goroutines once it no longer falls: transactions
// live on for 32 s after their call (RFC 3261 timers H, I, J, K), without one.
func settled(t *testing.T, srv *harness.Server) int {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	last, same := srv.Metric("go_goroutines"), 0
	for range 300 {
		<-tick.C
		now := srv.Metric("go_goroutines")
		if now >= last {
			same++
		} else {
			same = 0
		}
		if same == 10 {
			return int(now)
		}
		last = min(last, now)
	}
	t.Fatal("the number of goroutines does not settle")
	return 0
}
