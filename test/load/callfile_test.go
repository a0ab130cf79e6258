package load

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// spool is a folder of call files with a place beside it where they are made.
type spool struct {
	t        testing.TB
	dir, tmp string
}

func newSpool(t testing.TB) *spool {
	t.Helper()
	base := t.TempDir()
	s := &spool{t: t, dir: filepath.Join(base, "outgoing"), tmp: filepath.Join(base, "tmp")}
	for _, d := range []string{s.dir, s.tmp} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// config is the server's section for the folder.
func (s *spool) config(more string) string {
	return fmt.Sprintf("[callfile]\ndir = %q\n%s\n", s.dir, more)
}

// prepare writes n call files for numbers from first on beside the folder.
func (s *spool) prepare(n, first int, lines string) {
	s.t.Helper()
	for i := range n {
		text := fmt.Sprintf("Channel: PJSIP/%d@phones\n%s", first+i, lines)
		if err := os.WriteFile(filepath.Join(s.tmp, fmt.Sprintf("%d.call", first+i)), []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}

// moveIn moves every prepared file into the folder, as mv does.
func (s *spool) moveIn() {
	s.t.Helper()
	for _, name := range s.names(s.tmp) {
		if err := os.Rename(filepath.Join(s.tmp, name), filepath.Join(s.dir, name)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *spool) names(dir string) []string {
	s.t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.Name()
	}
	return out
}

// emptied waits until the server has taken and finished every file.
func (s *spool) emptied(limit time.Duration) {
	s.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for {
		left := s.names(s.dir)
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("%d files are left after %v, %s among them", len(left), limit, left[0])
		}
	}
}

// TestCallFilesAtOnce moves 5,000 call files in at once, on the system limits of
// a plain shell and the server's own defaults but for a cap on the trunk: each
// is called once, under the cap, and its file is gone.
func TestCallFilesAtOnce(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 500
	}
	p := startPhones(t, 0, 20*time.Millisecond)
	sp := newSpool(t)
	srv := harness.StartWith(t, harness.Limits{Files: 1024, RTPPorts: 2000}, harness.Trunk("phones", p.port, "channels = 150\n"), sp.config(""))
	sp.prepare(n, 100000, "Application: Wait\nData: 60\n")
	begin := time.Now()
	sp.moveIn()
	moved := time.Since(begin)
	sp.emptied(5 * time.Minute)
	s := drained(t, srv, time.Minute)
	c := p.counts()
	t.Logf("%d files moved in within %v, done in %v; phones saw %d calls to %d numbers, %d at once at most; ended %v; server memory %d kB at most",
		n, moved.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond), c.invites, c.numbers, c.high, s.Ended, srv.PeakMemory())
	if c.high > 150 {
		t.Errorf("%d calls at once, cap is 150", c.high)
	}
	if c.invites != n || c.numbers != n || c.most != 1 || s.Ended["ANSWERED"] != n {
		t.Errorf("%d INVITEs to %d numbers, at most %d for one, outcomes %v; want %d, %d, 1, all ANSWERED", c.invites, c.numbers, c.most, s.Ended, n, n)
	}
}

// TestCallFilesKillNine moves 5,000 call files in and kills the server five times
// while they are called. No number is rung twice (each file allows one attempt), no
// file is forgotten: every one has left the folder and is a call with an outcome.
func TestCallFilesKillNine(t *testing.T) {
	n, kills := 5000, 5
	if testing.Short() {
		n = 1000
	}
	p := startPhones(t, 20*time.Millisecond, 100*time.Millisecond)
	sp := newSpool(t)
	srv := harness.StartWith(t, harness.Limits{RTPPorts: 4000}, harness.Trunk("phones", p.port, "channels = 100\n"), sp.config(""))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	sp.prepare(n, 100000, "Application: Wait\nData: 60\n")
	sp.moveIn()
	for range kills {
		<-time.After(time.Duration(100+rnd.IntN(900)) * time.Millisecond)
		srv.Kill()
		p.forgetLive()
		srv.Start()
	}
	sp.emptied(5 * time.Minute)
	s := drained(t, srv, time.Minute)
	c := p.counts()
	byNumber := callsByNumber(t, srv)
	outcomes := map[string]int{}
	for number, list := range byNumber {
		if len(list) != 1 {
			t.Errorf("%d calls for the file of %s, want 1", len(list), number)
		}
		outcomes[list[0]]++
	}
	t.Logf("%d kills; %d files became %d calls, outcomes %v; phones saw %d INVITEs to %d numbers; ended since the last start %v",
		kills, n, len(byNumber), outcomes, c.invites, c.numbers, s.Ended)
	if len(byNumber) != n {
		t.Errorf("%d files became calls, want %d", len(byNumber), n)
	}
	for number, times := range p.rung() {
		if times > 1 {
			t.Errorf("number %s was rung %d times for one attempt", number, times)
		}
	}
	if outcomes["ANSWERED"] == 0 || outcomes["INTERRUPTED"] == 0 {
		t.Errorf("outcomes %v: the kills came before or after everything, the test proves nothing", outcomes)
	}
}

// callsByNumber gives the dispositions of the door's calls by the number dialled.
func callsByNumber(t *testing.T, srv *harness.Server) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page struct {
			Calls []struct {
				ID          string `json:"id"`
				State       string `json:"state"`
				First       string `json:"first"`
				Disposition string `json:"disposition"`
			} `json:"calls"`
			Next string `json:"next"`
		}
		srv.MustAPI("GET", "/v1/calls?door=callfile&limit=1000&cursor="+cursor, nil, &page)
		for _, c := range page.Calls {
			if c.State != "ended" {
				t.Errorf("call %s of %s is %s", c.ID, c.First, c.State)
			}
			out[c.First] = append(out[c.First], c.Disposition)
		}
		cursor = page.Next
	}
	return out
}

// callFileFigures measures from rename to INVITE at a moderate pace, and CPU per
// file at full speed.
func callFileFigures(t *testing.T) {
	p := startPhones(t, 0, time.Millisecond)
	sp := newSpool(t)
	srv := harness.StartWith(t, harness.Limits{RTPPorts: 4000}, harness.Trunk("phones", p.port, "channels = 400\n"), sp.config(""))
	const paced, bulk = 500, 5000
	sp.prepare(paced, 10000, "Application: Wait\nData: 60\n")
	renamed := map[string]time.Time{}
	tick := time.NewTicker(20 * time.Millisecond)
	for _, name := range sp.names(sp.tmp) {
		<-tick.C
		renamed[name[:5]] = time.Now()
		if err := os.Rename(filepath.Join(sp.tmp, name), filepath.Join(sp.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	tick.Stop()
	sp.emptied(time.Minute)
	var waits []time.Duration
	for number, at := range p.firstSeen() {
		if r, ok := renamed[number]; ok {
			waits = append(waits, at.Sub(r))
		}
	}
	slices.Sort(waits)
	if len(waits) != paced {
		t.Fatalf("%d of %d files were called", len(waits), paced)
	}
	sp.prepare(bulk, 100000, "Application: Wait\nData: 60\n")
	cpu, begin := srv.CPU(), time.Now()
	sp.moveIn()
	sp.emptied(5 * time.Minute)
	drained(t, srv, time.Minute)
	wall, used := time.Since(begin), srv.CPU()-cpu
	t.Logf("call files of one leg: rename to INVITE p50 %v, p99 %v at 50/s; %d at once: %.0f files/s, %.3f ms CPU per file; peak memory %d kB",
		waits[len(waits)/2].Round(10*time.Microsecond), waits[len(waits)*99/100].Round(10*time.Microsecond),
		bulk, bulk/wall.Seconds(), used.Seconds()*1000/bulk, srv.PeakMemory())
}
