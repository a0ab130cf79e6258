package load

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/test/browser"
	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/history"
)

// consoleLive is how many calls are live at once while the page Now is measured.
const consoleLive = 500

// openWebConsole starts a server and gives the console's page Now, an administrator logged in.
func openWebConsole(t *testing.T, limits harness.Limits, sections ...string) (*harness.Server, *browser.Tab) {
	t.Helper()
	limits.HTTP, limits.Info = true, true
	s := harness.StartWith(t, limits, append(sections, fmt.Sprintf("[users.ada]\npassword = %q\nrole = \"admin\"\n", auth.CheapHash("secret")))...)
	return s, logIn(t, s)
}

// logIn logs in to a server's console by the form.
func logIn(t *testing.T, s *harness.Server) *browser.Tab {
	t.Helper()
	p := browser.Start(t).Open("console", consoleAt(s, "now"))
	p.Fill("#user", "ada")
	p.Fill("#password", "secret")
	p.Click("button")
	p.Visible(`role=heading[name="Now"]`)
	return p
}

func consoleAt(s *harness.Server, hash string) string {
	return fmt.Sprintf("http://127.0.0.1:%d/console/#/%s", s.HTTP, hash)
}

// pretended are n calls between pretended phones that talk until they are hung up.
func pretended(n int) []map[string]any {
	list := make([]map[string]any, n)
	for i := range list {
		list[i] = map[string]any{"first": fmt.Sprintf("Pretend/1%05d77", i), "second": fmt.Sprintf("Pretend/2%05d77?ring=100ms", i)}
	}
	return list
}

// change hangs up a call and starts another 25 times a second, 50 changes, until ctx is over,
// and gives how many changes it made.
func change(ctx context.Context, s *harness.Server) (changes int, err error) {
	var page struct{ Calls []struct{ ID string } }
	if err := s.API("GET", "/v1/calls?state=connected&order=oldest&limit=500", nil, &page); err != nil {
		return 0, err
	}
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for i, c := range page.Calls {
		select {
		case <-ctx.Done():
			return changes, nil
		case <-tick.C:
		}
		if err := s.API("POST", "/v1/calls/"+c.ID+"/hangup", nil, nil); err != nil {
			return changes, err
		}
		if err := s.API("POST", "/v1/calls", pretended(i + 1)[i], nil); err != nil {
			return changes, err
		}
		changes += 2
	}
	return changes, nil
}

// sameCount waits until the page shows as many live calls as there are.
func sameCount(t *testing.T, s *harness.Server, p *browser.Tab) {
	t.Helper()
	p.Says("[data-testid=live-count]", fmt.Sprintf("%d live calls", consoleLive))
	var now struct{ Live int }
	s.MustAPI("GET", "/v1/stats", nil, &now)
	if now.Live != consoleLive {
		t.Errorf("the server has %d live calls, the page shows %d", now.Live, consoleLive)
	}
}

// quiet checks that the page's console has said nothing bad but for what is expected.
func quiet(t *testing.T, p *browser.Tab, but ...string) {
	t.Helper()
	for line := range strings.Lines(p.Console()) {
		expected := slices.ContainsFunc(but, func(b string) bool { return strings.Contains(line, b) })
		if !expected && (strings.HasPrefix(line, "error:") || strings.HasPrefix(line, "uncaught:")) {
			t.Errorf("the page's console says %s", strings.TrimSpace(line))
		}
	}
}

// TestConsoleOfManyCalls has 500 live calls and 50 changes a second on the page Now and prints
// the times between frames and the long tasks of the browser's own trace: the page draws what has
// changed ten times a second, so that about 100 ms between frames is what is wanted. Then the server is
// restarted, and the page shows the calls that are there afterwards.
func TestConsoleOfManyCalls(t *testing.T) {
	s, p := openWebConsole(t, harness.Limits{RTPPorts: 8000}, "[limits]\nchannels = 1500\n")
	submit(t, s, "crowd", pretended(consoleLive))
	sameCount(t, s, p)

	ctx, stop := context.WithCancel(t.Context())
	type made struct {
		changes int
		err     error
	}
	done := make(chan made, 1)
	start := time.Now()
	before := lastEvent(t, s)
	go func() {
		n, err := change(ctx, s)
		done <- made{n, err}
	}()
	var trace struct{ Frames, Tasks []float64 }
	into(t, p.Do("frames", browser.Args{"ms": 10_000}), &trace)
	stop()
	m := <-done
	took := time.Since(start).Seconds()
	if m.err != nil {
		t.Fatal(m.err)
	}
	if len(trace.Frames) == 0 || len(trace.Tasks) == 0 {
		t.Fatalf("the browser's trace has %d frames and %d tasks", len(trace.Frames), len(trace.Tasks))
	}
	slices.Sort(trace.Tasks)
	long := slices.IndexFunc(trace.Tasks, func(ms float64) bool { return ms > 50 })
	if long < 0 {
		long = len(trace.Tasks)
	}
	slices.Sort(trace.Frames)
	at := func(q float64) float64 { return trace.Frames[int(q*float64(len(trace.Frames)-1))] }
	t.Logf("%d live calls, %.0f changes/s, %.0f events/s: %d frames, ms between them p50 %.1f, p95 %.1f, p99 %.1f, max %.1f; %d of %d tasks over 50 ms, the longest %.0f ms; %v DOM nodes, heap %v MB",
		consoleLive, float64(m.changes)/took, float64(lastEvent(t, s)-before)/took, len(trace.Frames), at(0.5), at(0.95), at(0.99), at(1), len(trace.Tasks)-long, len(trace.Tasks), trace.Tasks[len(trace.Tasks)-1],
		p.Eval(`document.querySelectorAll("*").length`), p.Eval(`Math.round(performance.memory.usedJSHeapSize / 1048576)`))
	sameCount(t, s, p)
	p.Fill("input[type=search]", "nobody-has-this")
	p.Wait(`!document.querySelector("section[aria-labelledby=live-title] tbody tr")`)
	p.Fill("input[type=search]", "")
	p.Wait(`document.querySelectorAll("section[aria-labelledby=live-title] tbody tr").length > 0`)
	quiet(t, p, "401")

	s.Stop()
	p.Says("header", "No connection since")
	s.Start()
	p.Says("header", "live")
	var now struct{ Live int }
	s.MustAPI("GET", "/v1/stats", nil, &now)
	submit(t, s, "after", pretended(consoleLive-now.Live))
	sameCount(t, s, p)
	quiet(t, p, "401", "ERR_")
}

// lastEvent gives the number of the newest event.
func lastEvent(t *testing.T, s *harness.Server) int64 {
	t.Helper()
	var now struct {
		Last int64 `json:"last_seq"`
	}
	s.MustAPI("GET", "/v1/stats", nil, &now)
	return now.Last
}

// into decodes what a command of the browser gave.
func into(t *testing.T, v, out any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestConsoleOfMuchHistory opens each page of the console with 100,000 calls in the history
// and prints what the browser measured of each request, from its start to the last byte.
func TestConsoleOfMuchHistory(t *testing.T) {
	s, p := openWebConsole(t, harness.Limits{})
	s.Stop()
	history.Fill(t, filepath.Join(s.Dir, "dialwright.db"), 100_000)
	s.Start()
	p.Says("header", "live")
	var list struct{ Calls []struct{ ID string } }
	s.MustAPI("GET", "/v1/calls?limit=1", nil, &list)
	for _, page := range []string{"now", "dial", "calls", "calls/" + list.Calls[0].ID, "batches", "batches/" + history.Batch, "import", "phones", "doors", "links", "audit", "dialplan", "tools"} {
		p.Goto("about:blank")
		p.Goto(consoleAt(s, page))
		p.Visible("main h1")
		p.Wait(`!document.querySelector("main").innerText.includes("Loading…")`)
		var requests []struct {
			Path string
			MS   float64
		}
		into(t, p.Eval(`performance.getEntriesByType("resource").filter((e) => e.name.includes("/v1/") && !e.name.includes("/v1/events") && e.responseEnd > 0)
			.map((e) => ({ Path: e.name.slice(location.origin.length), MS: e.responseEnd - e.requestStart }))`), &requests)
		var sum float64
		for _, r := range requests {
			sum += r.MS
			t.Logf("  %7.1f ms  %s", r.MS, r.Path)
		}
		t.Logf("%7.1f ms in %d requests: #/%s", sum, len(requests), page)
	}
	quiet(t, p, "401", "ERR_")
}
