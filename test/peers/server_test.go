// Package peers tests the built binary against foreign SIP programs (SIPp,
// baresip) over loopback. Each test starts its own server on free ports with
// its own data directory and talks to it as a user does: by its control
// socket, its command line and its configuration file.
package peers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var built string // path of the built dialwright

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dialwright-peers-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "dialwright")
	build := exec.Command("go", "build", "-o", built, "../../cmd/dialwright")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// server is a running dialwright.
type server struct {
	t      *testing.T
	dir    string
	config string
	sip    int // UDP and TCP port
	cmd    *exec.Cmd
	log    *logBuffer
	client *http.Client
	exited chan struct{}
}

// trunk is the configuration of a trunk to a peer on loopback.
func trunk(name string, port int, more string) string {
	return fmt.Sprintf("[trunks.%s]\nhost = \"127.0.0.1\"\nport = %d\n%s\n", name, port, more)
}

// phone is the configuration of a phone with password "secret-"+name.
func phone(name, more string) string {
	return fmt.Sprintf("[phones.%s]\npassword = \"secret-%s\"\n%s\n", name, name, more)
}

const baseConfig = `
[server]
data_dir = %q
watch = false
drain = "2s"
log_level = "debug"
log_format = "json"
[http]
listen = ""
[sip]
listen = ["udp:127.0.0.1:%d", "tcp:127.0.0.1:%d"]
domain = "test.local"
qualify = "0s"
[media]
bind = "127.0.0.1"
port_min = %d
port_max = %d
[accounts.default]
any_caller_id = true
%s
`

// startServer runs the binary with a configuration and returns when it is
// ready. It is stopped at the end of the test, and must then stop cleanly.
func startServer(t *testing.T, sections ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), sip: freePort(t)}
	s.config = filepath.Join(s.dir, "dialwright.toml")
	first := mediaRange()
	text := fmt.Sprintf(baseConfig, s.dir, s.sip, s.sip, first, first+mediaPorts-1, strings.Join(sections, "\n"))
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(s.dir, "control.sock"))
		},
	}}
	s.start()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("server log:\n%s", s.log.tail(20000))
		}
	})
	return s
}

const mediaPorts = 400

// mediaRange gives each server of the test run its own RTP ports.
var mediaRange = func() func() int {
	var mu sync.Mutex
	next := 12000
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		next += mediaPorts
		if next > 31000 {
			next = 12000
		}
		return next
	}
}()

// start runs the binary (again) and waits until it is ready.
func (s *server) start() {
	s.t.Helper()
	s.log = &logBuffer{}
	s.cmd = exec.Command(built, "serve", "--config", s.config)
	s.cmd.Env = append(os.Environ(), "HOME="+s.dir)
	out, err := s.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.exited = make(chan struct{})
	ready := make(chan struct{})
	go func() {
		var once sync.Once
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.log.add(lines.Text())
			if strings.Contains(lines.Text(), `"msg":"ready"`) {
				once.Do(func() { close(ready) })
			}
		}
		s.cmd.Wait()
		close(s.exited)
	}()
	select {
	case <-ready:
	case <-s.exited:
		s.t.Fatalf("server ended at once:\n%s", s.log.tail(5000))
	case <-time.After(30 * time.Second):
		s.t.Fatalf("server is not ready after 30 s:\n%s", s.log.tail(5000))
	}
}

func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			s.t.Errorf("server ended with %v", s.cmd.ProcessState)
		}
	case <-time.After(20 * time.Second):
		s.cmd.Process.Kill()
		s.t.Error("server did not stop within 20 s")
	}
}

// kill ends the server as a crash does.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.exited
}

// api sends a request to the control socket and decodes the answer into out.
func (s *server) api(method, path string, body, out any) error {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://dialwright"+path, r)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

func (s *server) mustAPI(method, path string, body, out any) {
	s.t.Helper()
	if err := s.api(method, path, body, out); err != nil {
		s.t.Fatal(err)
	}
}

// result of one command.
type result struct {
	code   int
	stdout string
	stderr string
}

// cli runs a subcommand against the server.
func (s *server) cli(args ...string) result {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), built, args...)
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "DIALWRIGHT_DATA_DIR="+s.dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// callResult is a call that has ended, from every side that shows it.
type callResult struct {
	id       string
	call     map[string]any
	attempts []map[string]any
	events   []string // types in order
}

// call submits a request and waits for the end of the call by its events.
func (s *server) call(t *testing.T, request map[string]any) callResult {
	t.Helper()
	id := s.submit(t, request)
	return s.awaitEnd(t, id)
}

func (s *server) submit(t *testing.T, request map[string]any) string {
	t.Helper()
	var c map[string]any
	s.mustAPI("POST", "/v1/calls", request, &c)
	return c["id"].(string)
}

// awaitEnd follows the event stream of a call until it has ended.
func (s *server) awaitEnd(t *testing.T, id string) callResult {
	t.Helper()
	r := callResult{id: id}
	s.follow(t, id, func(kind string, _ map[string]any) bool {
		r.events = append(r.events, kind)
		return kind == "call.ended" || kind == "call.cancelled" || kind == "call.expired"
	})
	s.mustAPI("GET", "/v1/calls/"+id, nil, &r.call)
	var list struct {
		Attempts []map[string]any `json:"attempts"`
	}
	s.mustAPI("GET", "/v1/calls/"+id+"/attempts", nil, &list)
	r.attempts = list.Attempts
	return r
}

// follow reads a call's events from the beginning until f says that it is enough.
func (s *server) follow(t *testing.T, id string, f func(kind string, e map[string]any) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://dialwright/v1/events?call="+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "0")
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		var e map[string]any
		if err := json.Unmarshal([]byte(strings.TrimSpace(data)), &e); err != nil {
			t.Fatalf("event %q: %v", data, err)
		}
		kind, _ := e["type"].(string)
		if f(kind, e) {
			return
		}
	}
	t.Fatalf("event stream of call %s ended early: %v", id, ctx.Err())
}

// ended checks that the last attempt ended as wanted in outcome and CDR alike.
func (r callResult) ended(t *testing.T, w want) {
	t.Helper()
	if len(r.attempts) == 0 {
		t.Fatalf("no attempt; call: %v", r.call)
	}
	last := r.attempts[len(r.attempts)-1]
	outcome, _ := last["outcome"].(map[string]any)
	cdr, _ := last["cdr"].(map[string]any)
	a, _ := outcome["a"].(map[string]any)
	for _, c := range []struct {
		what string
		got  any
		want any
	}{
		{"disposition of the outcome", outcome["disposition"], w.disposition},
		{"disposition of the CDR", cdr["disposition"], w.disposition},
		{"cause of leg A", number(a["cause"]), w.cause},
		{"cause of the CDR", number(cdr["cause"]), w.cause},
		{"SIP status of leg A", number(a["sip_status"]), w.sip},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.what, c.got, c.want)
		}
	}
	if reason, _ := r.call["reason"].(string); reason == "" {
		t.Error("the call has ended without a reason in words")
	}
	if ladder, _ := a["ladder"].([]any); len(ladder) == 0 {
		t.Error("leg A has no ladder")
	}
	if t.Failed() {
		b, _ := json.MarshalIndent(r.attempts, "", "  ")
		t.Logf("events %v\nattempts %s", r.events, b)
	}
}

func number(v any) int {
	f, _ := v.(float64)
	return int(f)
}

// hasEvents checks that the call had events of these types in this order.
func (r callResult) hasEvents(t *testing.T, types ...string) {
	t.Helper()
	rest := r.events
	for _, want := range types {
		i := slices.Index(rest, want)
		if i < 0 {
			t.Errorf("event %s is missing or out of order in %v", want, r.events)
			return
		}
		rest = rest[i+1:]
	}
}

// logBuffer keeps what the server logged.
type logBuffer struct {
	mu    sync.Mutex
	lines []string
}

func (b *logBuffer) add(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
}

func (b *logBuffer) contains(s string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.lines, func(l string) bool { return strings.Contains(l, s) })
}

func (b *logBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := strings.Join(b.lines, "\n")
	if len(all) > n {
		all = all[len(all)-n:]
	}
	return all
}

// udpSink is a peer that reads and never answers.
type udpSink struct {
	port int
	mu   sync.Mutex
	seen []string
}

func silentPeer(t *testing.T) *udpSink {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &udpSink{port: c.LocalAddr().(*net.UDPAddr).Port}
	go func() {
		for buf := make([]byte, 65536); ; {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.seen = append(s.seen, string(buf[:n]))
			s.mu.Unlock()
		}
	}()
	return s
}

// count gives the number of datagrams that began with a prefix.
func (s *udpSink) count(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, m := range s.seen {
		if strings.HasPrefix(m, prefix) {
			n++
		}
	}
	return n
}
