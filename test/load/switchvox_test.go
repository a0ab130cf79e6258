package load

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/test/harness"
)

// heldTime is how long the phones of held requests ring, in seconds: longer than it takes
// to have all of them ring at once.
const heldTime = 40

// TestSwitchvoxHeldRequests has Switchvox's door hold a thousand requests at once, each by a phone
// that rings and is not answered. All are answered with 41591 when it has rung, memory is bounded,
// and nothing is left of them. It runs with the others, or by itself:
//
//	go test -count=1 -v -run TestSwitchvoxHeldRequests ./test/load
func TestSwitchvoxHeldRequests(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	p := startPhones(t, time.Hour, 0)
	srv := harness.StartWith(t, harness.Limits{RTPPorts: 8000, HTTP: true, Info: true},
		harness.Trunk("phones", p.port, ""), "[limits]\nchannels = 1500\n[[routes]]\nmatch = \"10\"\ntrunk = \"phones\"\n",
		fmt.Sprintf("[switchvox]\nenabled = true\nallow_external_first = true\npending = %d\n[users.101]\nid = \"1106\"\ntype = \"virtual\"\n[users.crm]\nrole = \"admin\"\npassword = %q\n",
			n, auth.Hash("correct-horse")))
	tr := &http.Transport{DisableKeepAlives: true}
	h := &heldClient{c: &http.Client{Transport: tr, Timeout: 3 * time.Minute}, url: fmt.Sprintf("http://127.0.0.1:%d/json", srv.HTTP)}
	if _, code, err := h.dial(100000, 1); code != "41591" {
		t.Fatalf("the first request: %q, %v", code, err) // the password is remembered, pools have their size
	}
	before, goroutines := srv.Memory(), settled(t, srv)

	var all sync.WaitGroup
	times, codes, errs := make([]time.Duration, n), make([]string, n), make([]error, n)
	for i := range n {
		all.Go(func() { times[i], codes[i], errs[i] = h.dial(101000+i, heldTime) })
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	begin, peak := time.Now(), 0
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for ended := false; !ended; {
		select {
		case <-tick.C:
			if p.counts().high >= n && peak == 0 {
				peak = srv.Memory()
				t.Logf("all held %v after the first", time.Since(begin).Round(time.Millisecond))
			}
		case <-done:
			ended = true
		}
	}
	for i := range n {
		if errs[i] != nil || codes[i] != "41591" || times[i] < heldTime*time.Second {
			t.Errorf("request %d: %q after %v, %v", i, codes[i], times[i], errs[i])
		}
	}
	took := time.Since(begin)
	drained(t, srv, time.Minute)
	left := settled(t, srv)
	c := p.counts()
	if c.high < n || peak == 0 {
		t.Fatalf("%d requests were held at once, want %d", c.high, n)
	}
	t.Logf("switchvox: %d requests held at once, answered 41591 within %v; resident memory %d kB before, %d kB while held, %d kB at most, %d kB after; %.1f KiB for each; goroutines %d before, %d after",
		c.high, took.Round(time.Millisecond), before, peak, srv.PeakMemory(), srv.Memory(), float64(peak-before)/float64(n), goroutines, left)
	if c.invites != n+1 || c.most != 1 {
		t.Errorf("%d INVITEs, at most %d for one number; want %d, 1", c.invites, c.most, n+1)
	}
	if each := (srv.PeakMemory() - before) / n; each > 400 && n >= 1000 {
		t.Errorf("%d KiB for each held request at most, want 400", each)
	}
	if left > goroutines+5 {
		t.Errorf("%d goroutines before, %d after", goroutines, left)
	}
}

// heldClient asks for calls as a CRM does.
type heldClient struct {
	c   *http.Client
	url string
}

// dial has a number rung for so many seconds, and gives how long the answer took and its error code.
func (h *heldClient) dial(number, seconds int) (took time.Duration, code string, err error) {
	body := fmt.Appendf(nil, `{"request":{"method":"switchvox.call","parameters":{"dial_first":"%d","dial_second":"101","dial_as_account_id":"1106","timeout":%d}}}`, number, seconds)
	r, err := http.NewRequest("POST", h.url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.SetBasicAuth("crm", "correct-horse")
	begin := time.Now()
	resp, err := h.c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	_, code, _ = strings.Cut(string(text), `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return time.Since(begin), code, err
}
