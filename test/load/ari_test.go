package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/test/harness"
)

// desk is an application on ARI: it sends requests, and sees the events of its
// WebSocket.
type desk struct {
	t    *testing.T
	base string
	app  string
	http *http.Client
}

// event is what the tests need of one.
type event struct {
	Type       string
	Cursor     string
	Reason     string
	Dialstatus string
	Variable   string
	Value      string
	Channel    struct{ ID string }
	Peer       struct{ ID string }
}

func (e *event) id() string {
	if e.Channel.ID != "" {
		return e.Channel.ID
	}
	return e.Peer.ID
}

// name is the event in one word, to be counted.
func (e *event) name() string { return strings.Trim(e.Type+" "+e.Dialstatus+e.Variable, " ") }

const ariUser = "[ari.users.desk]\npassword = \"choose-one-1\"\n"

func newDesk(t *testing.T, srv *harness.Server, app string) *desk {
	return &desk{
		t: t, base: fmt.Sprintf("http://127.0.0.1:%d/ari", srv.HTTP), app: app,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 30 * time.Second},
	}
}

// do sends a request and gives status and body.
func (d *desk) do(method, path string, query url.Values) (int, []byte, http.Header) {
	u := d.base + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, u, nil)
	if err != nil {
		d.t.Error(err)
		return 0, nil, nil
	}
	req.SetBasicAuth("desk", "choose-one-1")
	res, err := d.http.Do(req)
	if err != nil {
		d.t.Error(err)
		return 0, nil, nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Error(err)
	}
	return res.StatusCode, b, res.Header
}

// connect opens the WebSocket; cursor nil = the client knows none.
func (d *desk) connect(ctx context.Context, cursor *string) (*websocket.Conn, error) {
	q := url.Values{"app": {d.app}, "api_key": {"desk:choose-one-1"}}
	if cursor != nil {
		q.Set("cursor", *cursor)
	}
	c, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(d.base, "http")+"/events?"+q.Encode(), nil)
	if err == nil {
		c.SetReadLimit(1 << 20)
	}
	return c, err
}

func read(ctx context.Context, c *websocket.Conn) (*event, error) {
	_, b, err := c.Read(ctx)
	if err != nil {
		return nil, err
	}
	e := new(event)
	return e, json.Unmarshal(b, e)
}

// originate asks for a call to a number of the phones.
func (d *desk) originate(id, number string) (int, http.Header) {
	status, b, h := d.do("POST", "/channels", url.Values{"endpoint": {"PJSIP/" + number + "@phones"}, "app": {d.app}, "channelId": {id}, "timeout": {"60"}})
	if status != http.StatusOK && status != http.StatusServiceUnavailable {
		d.t.Errorf("originate %s: %d %s", id, status, b)
	}
	return status, h
}

// An application whose WebSocket breaks ten times in the middle of 500 calls, and which
// comes back with its cursor, has seen every event of every call once.
func TestARIResume(t *testing.T) {
	const calls, breaks = 500, 10
	p := startPhones(t, 5*time.Millisecond, 0)
	srv := harness.StartWith(t, harness.Limits{RTPPorts: 4000, HTTP: true}, harness.Trunk("phones", p.port, ""), ariUser)
	d := newDesk(t, srv, "resume")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cursor := ""
	conn, err := d.connect(ctx, &cursor)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { conn.CloseNow() }()
	var wg sync.WaitGroup
	for w := range 8 { // eight at a time
		wg.Go(func() {
			for i := w; i < calls; i += 8 {
				d.originate(fmt.Sprintf("r%d", i), fmt.Sprint(100000+i))
			}
		})
	}
	hang := make(chan string, calls)
	var ending sync.WaitGroup
	for range 8 {
		ending.Go(func() {
			for id := range hang {
				if status, b, _ := d.do("DELETE", "/channels/"+id, nil); status != http.StatusNoContent {
					t.Errorf("DELETE %s: %d %s", id, status, b)
				}
			}
		})
	}
	seen := map[string]map[string]int{} // channel → event → times
	over, events, broken := 0, 0, 0
	for over < calls {
		e, err := read(ctx, conn)
		if err != nil {
			t.Fatalf("after %d events, %d calls over: %v", events, over, err)
		}
		if e.Type == "ApplicationResync" {
			t.Fatalf("events are gone: %s", e.Reason)
		}
		cursor = e.Cursor
		events++
		if seen[e.id()] == nil {
			seen[e.id()] = map[string]int{}
		}
		seen[e.id()][e.name()]++
		switch e.Type {
		case "StasisStart":
			hang <- e.id()
		case "ChannelDestroyed":
			over++
		}
		if broken < breaks && events > (broken+1)*400 {
			broken++
			conn.CloseNow() // with whatever is on its way
			if conn, err = d.connect(ctx, &cursor); err != nil {
				t.Fatal(err)
			}
		}
	}
	wg.Wait()
	close(hang)
	ending.Wait()
	want := map[string]int{
		"Dial": 1, "Dial RINGING": 1, "Dial ANSWER": 1, "ChannelStateChange": 2, "StasisStart": 1, "StasisEnd": 1,
		"ChannelVarset STASISSTATUS": 2, "ChannelHangupRequest": 1, "ChannelDestroyed": 1,
	}
	for i := range calls {
		id := fmt.Sprintf("r%d", i)
		for name, n := range want {
			if got := seen[id][name]; got != n {
				t.Errorf("channel %s: %d × %s, want %d", id, got, name, n)
			}
		}
	}
	t.Logf("%d calls, %d events, the connection was broken %d times", calls, events, broken)
}

// deskRun is what an application has seen.
type deskRun struct {
	mu       sync.Mutex
	started  int
	ended    int
	answered map[string]time.Time
}

// serve reads events until ctx ends, and calls entered for each channel that comes in.
func (d *desk) serve(ctx context.Context, entered func(id string)) (*deskRun, error) {
	conn, err := d.connect(ctx, nil)
	if err != nil {
		return nil, err
	}
	r := &deskRun{answered: map[string]time.Time{}}
	done := make(chan struct{})
	d.t.Cleanup(func() { conn.CloseNow(); <-done })
	go func() {
		defer close(done)
		for {
			e, err := read(ctx, conn)
			if err != nil {
				return
			}
			r.mu.Lock()
			switch e.Type {
			case "StasisStart":
				r.started++
			case "ChannelDestroyed":
				r.ended++
			}
			if e.Type == "Dial" && e.Dialstatus == "ANSWER" {
				r.answered[e.id()] = time.Now()
			}
			r.mu.Unlock()
			if e.Type == "StasisStart" {
				entered(e.id())
			}
		}
	}()
	return r, nil
}

func (r *deskRun) counts() (started, ended int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started, r.ended
}

// workers runs f on n goroutines for what comes in, until the test ends.
func workers(t *testing.T, n int, f func(string)) chan<- string {
	in := make(chan string, 100000)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for id := range in {
				f(id)
			}
		})
	}
	t.Cleanup(func() { close(in); wg.Wait() })
	return in
}

// ariFigures prints the figures of ARI: POST to INVITE at several rates, the most
// calls per second under an application's control, create + bridge + dial, a long
// listing, and what is refused above saturation.
func ariFigures(t *testing.T) {
	start := func(t *testing.T, ring time.Duration) (*harness.Server, *phones, *desk) {
		p := startPhones(t, ring, 0)
		srv := harness.StartWith(t, harness.Limits{RTPPorts: 20000, HTTP: true, Info: true}, harness.Trunk("phones", p.port, ""), "[limits]\nchannels = 3000\n", ariUser)
		return srv, p, newDesk(t, srv, "figures")
	}
	t.Run("post_to_invite", func(t *testing.T) {
		_, p, d := start(t, 0)
		hang := workers(t, 4, func(id string) { d.do("DELETE", "/channels/"+id, nil) })
		if _, err := d.serve(t.Context(), func(id string) { hang <- id }); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, rate := range []int{1, 10, 50, 200} {
			count := min(max(rate*5, 10), 1000)
			sent := make([]time.Time, count)
			var wg sync.WaitGroup
			tick := time.NewTicker(time.Second / time.Duration(rate))
			base := 200000 + n
			for i := range count {
				<-tick.C
				wg.Go(func() {
					sent[i] = time.Now()
					d.originate(fmt.Sprintf("p%d", base+i), fmt.Sprint(base+i))
				})
			}
			tick.Stop()
			wg.Wait()
			var took []time.Duration
			first := p.firstSeen()
			for i := range count {
				if at, ok := first[fmt.Sprint(base+i)]; ok {
					took = append(took, at.Sub(sent[i]))
				}
			}
			n += count
			t.Logf("ari: POST to INVITE at %d/s: p50 %s, p99 %s (%d calls)", rate, quantile(took, 0.5), quantile(took, 0.99), len(took))
		}
	})
	t.Run("originates", func(t *testing.T) {
		const n = 5000
		srv, p, d := start(t, 0)
		hang := workers(t, 32, func(id string) { d.do("DELETE", "/channels/"+id, nil) })
		r, err := d.serve(t.Context(), func(id string) { hang <- id })
		if err != nil {
			t.Fatal(err)
		}
		cpu, ours, begin := srv.CPU(), ownCPU(t), time.Now()
		refused := make([]int, 16)
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for i := w; i < n; i += 16 {
					for {
						if status, _ := d.originate(fmt.Sprintf("o%d", i), fmt.Sprint(300000+i)); status != http.StatusServiceUnavailable {
							break
						}
						refused[w]++
					}
				}
			})
		}
		wg.Wait()
		wait(t, func() bool { _, ended := r.counts(); return ended == n })
		wall, used := time.Since(begin), srv.CPU()-cpu
		total := 0
		for _, x := range refused {
			total += x
		}
		t.Logf("ari: %d originates, answered, entered, hung up by the application: %.0f calls/s, %.3f ms CPU per call, %d refused with 503; phones saw %d INVITEs, %d calls at once; peak memory %d kB; the phones and the application used %.3f ms CPU per call",
			n, n/wall.Seconds(), used.Seconds()*1000/n, total, p.counts().invites, p.counts().high, srv.PeakMemory(), (ownCPU(t)-ours).Seconds()*1000/n)
	})
	t.Run("create_bridge_dial", func(t *testing.T) {
		const n = 1000
		srv, _, d := start(t, 0)
		r, err := d.serve(t.Context(), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		cpu, begin := srv.CPU(), time.Now()
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := w; i < n; i += 8 {
					d.cycle(r, i)
				}
			})
		}
		wg.Wait()
		wait(t, func() bool { _, ended := r.counts(); return ended == 2*n })
		wall, used := time.Since(begin), srv.CPU()-cpu
		t.Logf("ari: %d × (create A, create B, bridge, add both, dial both, answers, hang up both, destroy): %.0f/s, %.3f ms CPU each", n, n/wall.Seconds(), used.Seconds()*1000/n)
	})
	t.Run("listing", func(t *testing.T) {
		const n = 5000
		srv, _, d := start(t, 0)
		if _, err := d.serve(t.Context(), func(string) {}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := w; i < n; i += 8 {
					d.do("POST", "/channels/create", url.Values{"endpoint": {fmt.Sprintf("PJSIP/%d@phones", 400000+i)}, "app": {d.app}, "channelId": {fmt.Sprintf("l%d", i)}})
				}
			})
		}
		wg.Wait()
		var took []time.Duration
		size := 0
		for range 20 {
			begin := time.Now()
			_, b, _ := d.do("GET", "/channels", nil)
			took, size = append(took, time.Since(begin)), len(b)
		}
		t.Logf("ari: GET /channels with %d channels: %d bytes, p50 %s; server memory %d kB", n, size, quantile(took, 0.5), srv.PeakMemory())
	})
	t.Run("saturation", func(t *testing.T) {
		const n = 20000
		srv, _, d := start(t, 50*time.Millisecond)
		hang := workers(t, 32, func(id string) { d.do("DELETE", "/channels/"+id, nil) })
		r, err := d.serve(t.Context(), func(id string) { hang <- id })
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var yes, no []time.Duration
		var wg sync.WaitGroup
		begin := time.Now()
		for w := range 200 {
			wg.Go(func() {
				for i := w; i < n; i += 200 {
					at := time.Now()
					status, h := d.originate(fmt.Sprintf("s%d", i), fmt.Sprint(500000+i))
					took := time.Since(at)
					mu.Lock()
					if status == http.StatusServiceUnavailable {
						no = append(no, took)
						if h.Get("Retry-After") == "" {
							t.Error("a 503 without Retry-After")
						}
					} else {
						yes = append(yes, took)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		wall := time.Since(begin)
		wait(t, func() bool { _, ended := r.counts(); return ended == len(yes) })
		t.Logf("ari: %d originates by 200 clients without pause (%.0f/s): %d accepted (answer after p50 %s, p99 %s), %d refused with 503 (after p50 %s, p99 %s); peak memory %d kB",
			n, n/wall.Seconds(), len(yes), quantile(yes, 0.5), quantile(yes, 0.99), len(no), quantile(no, 0.5), quantile(no, 0.99), srv.PeakMemory())
	})
}

// cycle makes two channels, bridges them before they are dialled, dials both, and ends
// all when both have answered.
func (d *desk) cycle(r *deskRun, i int) {
	a, b, br := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i), fmt.Sprintf("br%d", i)
	for k, id := range []string{a, b} {
		d.do("POST", "/channels/create", url.Values{"endpoint": {fmt.Sprintf("PJSIP/%d@phones", 600000+2*i+k)}, "app": {d.app}, "channelId": {id}})
	}
	d.do("POST", "/bridges", url.Values{"type": {"mixing"}, "bridgeId": {br}})
	d.do("POST", "/bridges/"+br+"/addChannel", url.Values{"channel": {a + "," + b}})
	for _, id := range []string{a, b} {
		if status, body, _ := d.do("POST", "/channels/"+id+"/dial", url.Values{"timeout": {"30"}}); status != http.StatusNoContent {
			d.t.Errorf("dial %s: %d %s", id, status, body)
		}
	}
	wait(d.t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return !r.answered[a].IsZero() && !r.answered[b].IsZero()
	})
	for _, id := range []string{a, b} {
		d.do("DELETE", "/channels/"+id, nil)
	}
	d.do("DELETE", "/bridges/"+br, nil)
}

// ownCPU is what this process has used: phones and applications.
func ownCPU(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// quantile gives the value below which a share q of the durations lies.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(int(q*float64(len(all))), len(all)-1)].Round(10 * time.Microsecond)
}

// wait polls until ok holds.
func wait(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Error("waited two minutes in vain")
			return
		}
	}
}
