package load

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// TestKillNine kills the server with SIGKILL at 20 random moments while 300
// calls run. After the last start every call has an outcome, and the phones
// have seen no number twice: no attempt was dialled twice, because without
// retry.interrupted a call whose fate is unknown is not dialled again.
func TestKillNine(t *testing.T) {
	const calls, kills = 300, 20
	p := startPhones(t, 30*time.Millisecond, 150*time.Millisecond)
	srv := harness.Start(t, harness.Trunk("phones", p.port, "channels = 20\ncps = 40.0\n"))
	submit(t, srv, "kill", many(calls, 10000, nil))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range kills {
		<-time.After(time.Duration(20+rnd.IntN(400)) * time.Millisecond)
		srv.Kill()
		p.forgetLive()
		srv.Start()
	}
	drained(t, srv, 2*time.Minute)

	outcomes := map[string]int{}
	attempts := 0
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page struct {
			Calls []struct {
				ID          string `json:"id"`
				State       string `json:"state"`
				Disposition string `json:"disposition"`
				Attempts    int    `json:"attempts"`
				Reason      string `json:"reason"`
			} `json:"calls"`
			Next string `json:"next"`
		}
		srv.MustAPI("GET", "/v1/calls?batch=kill&limit=200&cursor="+cursor, nil, &page)
		for _, c := range page.Calls {
			outcomes[c.Disposition]++
			attempts += c.Attempts
			if c.State != "ended" || c.Disposition == "" || c.Reason == "" {
				t.Errorf("call %s: state %q, disposition %q, reason %q", c.ID, c.State, c.Disposition, c.Reason)
			}
		}
		cursor = page.Next
	}
	total := 0
	for _, n := range outcomes {
		total += n
	}
	c := p.counts()
	t.Logf("%d kills; outcomes %v; %d attempts; phones saw %d INVITEs to %d numbers", kills, outcomes, attempts, c.invites, c.numbers)
	if total != calls {
		t.Errorf("%d calls have an outcome, want %d", total, calls)
	}
	for number, n := range p.rung() {
		if n > 1 {
			t.Errorf("number %s was rung %d times for one attempt", number, n)
		}
	}
	if outcomes["ANSWERED"] == 0 || outcomes["INTERRUPTED"] == 0 {
		t.Errorf("outcomes %v: the kills came before or after everything, the test proves nothing", outcomes)
	}
}
