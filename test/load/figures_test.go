package load

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// TestFigures measures, it does not judge: scripts/bench runs it and prints
// its log. CPU is that of the server process alone; rates depend on the
// machine, which the phones and the tests share.
func TestFigures(t *testing.T) {
	if os.Getenv("DIALWRIGHT_BENCH") == "" {
		t.Skip("figures only: run scripts/bench")
	}
	const n = 5000
	t.Run("one_leg", func(t *testing.T) {
		p := startPhones(t, 0, time.Millisecond)
		srv := harness.Start(t, harness.Trunk("phones", p.port, "channels = 200\n"))
		measure(t, srv, p, n, 1, many(n, 100000, nil))
	})
	t.Run("two_legs_bridged", func(t *testing.T) {
		p := startPhones(t, 0, 50*time.Millisecond)
		p.stays = "1" // leg A waits for B, who hangs up
		srv := harness.StartWith(t, harness.Limits{RTPPorts: 4000}, harness.Trunk("phones", p.port, "channels = 400\n"))
		list := make([]map[string]any, n)
		for i := range list {
			list[i] = map[string]any{
				"first":  fmt.Sprintf("PJSIP/%d@phones", 100000+i),
				"second": fmt.Sprintf("PJSIP/%d@phones", 500000+i),
			}
		}
		measure(t, srv, p, n, 2, list)
	})
	t.Run("call_files", callFileFigures)
	t.Run("ari", ariFigures)
	t.Run("ami", amiFigures)
	t.Run("idle_channels", func(t *testing.T) {
		const channels = 1000
		p := startPhones(t, 0, 0)
		srv := harness.StartWith(t, harness.Limits{RTPPorts: 8000}, harness.Trunk("phones", p.port, ""), "[limits]\nchannels = 1500\n")
		goroutines, heap := srv.Metric("go_goroutines"), srv.Memory()
		submit(t, srv, "idle", many(channels, 100000, nil))
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for p.counts().answered < channels {
			<-tick.C
		}
		t.Logf("idle answered channel: %.1f KiB of resident memory, %.2f goroutines",
			float64(srv.Memory()-heap)/channels, (srv.Metric("go_goroutines")-goroutines)/channels)
		srv.MustAPI("POST", "/v1/batches/idle/cancel", nil, nil)
		drained(t, srv, time.Minute)
	})
}

func measure(t *testing.T, srv *harness.Server, p *phones, n, legs int, list []map[string]any) {
	t.Helper()
	submit(t, srv, "warm", many(100, 9000, nil))
	drained(t, srv, time.Minute)
	base, cpu, begin := p.counts().invites, srv.CPU(), time.Now()
	submit(t, srv, "figures", list)
	s := drained(t, srv, 5*time.Minute)
	wall, used := time.Since(begin), srv.CPU()-cpu
	if got := p.counts().invites - base; got != n*legs {
		t.Errorf("%d INVITEs, want %d", got, n*legs)
	}
	t.Logf("%d calls of %d leg(s): %.3f ms CPU per call (submission, store, SIP, CDR), %.0f calls/s; outcomes %v; peak memory %d kB",
		n, legs, used.Seconds()*1000/float64(n), float64(n)/wall.Seconds(), s.Ended, srv.PeakMemory())
}
