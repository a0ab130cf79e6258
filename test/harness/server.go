// Package harness runs the built binary for the black-box tests: each server on
// free loopback ports with its own data directory, driven as a user drives it,
// by its control socket, its command line and its configuration file.
package harness

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
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var built string // path of the built dialwright, set by Main

// Main builds the binary as it is shipped, runs the tests and gives their exit
// status: os.Exit(harness.Main(m)).
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dialwright-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "dialwright")
	build := exec.Command("go", "build", "-trimpath", "-o", built, "github.com/dialwright/dialwright/cmd/dialwright")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Server is a running dialwright.
type Server struct {
	t        testing.TB
	Dir      string
	config   string
	asterisk string // --asterisk-dir, "" = none
	SIP      int    // UDP and TCP port
	HTTP     int    // TCP port, 0 = none
	files    int    // limit of file descriptors, 0 = none
	Cmd      *exec.Cmd
	Log      *Log
	client   *http.Client
	exited   chan struct{}
}

// Trunk is the configuration of a trunk to a peer on loopback. It is private: the
// tests dial numbers of no numbering plan.
func Trunk(name string, port int, more string) string {
	return fmt.Sprintf("[trunks.%s]\nhost = \"127.0.0.1\"\nport = %d\nprivate = true\n%s\n", name, port, more)
}

// Phone is the configuration of a phone with password "secret-"+name.
func Phone(name, more string) string {
	return fmt.Sprintf("[phones.%s]\npassword = \"secret-%s\"\n%s\n", name, name, more)
}

const baseConfig = `
[server]
data_dir = %q
watch = false
drain = "2s"
log_level = %q
log_format = "json"
%s[sip]
%s
qualify = "0s"
allow_pretend = true
[media]
bind = "127.0.0.1"
port_min = %d
port_max = %d
[accounts.default]

%s
`

// Start runs the binary with a configuration and returns when it is
// ready. It is stopped at the end of the test, and must then stop cleanly.
func Start(t testing.TB, sections ...string) *Server {
	t.Helper()
	return StartWith(t, Limits{}, sections...)
}

// Limits bound a server.
type Limits struct {
	Files    int    // open file descriptors, which the server cannot raise; 0 = as many as the tests
	RTPPorts int    // ports for RTP; 0 = 400, enough for 100 calls at once
	HTTP     bool   // listen for HTTP on Server.HTTP
	Web      string // more lines of the section [http]
	Info     bool   // log as much as a server does by default, for figures; else at level debug
}

// StartWith is Start for a server with limits of its own.
func StartWith(t testing.TB, limits Limits, sections ...string) *Server {
	t.Helper()
	port := FreePort(t)
	s := &Server{t: t, files: limits.Files, SIP: port}
	listen := fmt.Sprintf("listen = [\"udp:127.0.0.1:%d\", \"tcp:127.0.0.1:%d\"]\ndomain = \"test.local\"", port, port)
	return s.launch(limits, listen, sections)
}

// StartAsterisk is Start for a server that takes over the configuration directory
// of an Asterisk, whose pjsip.conf makes it listen on port.
func StartAsterisk(t testing.TB, dir string, port int, sections ...string) *Server {
	t.Helper()
	s := &Server{t: t, asterisk: dir, SIP: port}
	return s.launch(Limits{}, "", sections)
}

// launch writes the configuration file, whose section [sip] begins with listen,
// and starts the server.
func (s *Server) launch(limits Limits, listen string, sections []string) *Server {
	t := s.t
	t.Helper()
	s.Dir = t.TempDir()
	s.config = filepath.Join(s.Dir, "dialwright.toml")
	first, ports := mediaRange(), mediaPorts
	if limits.RTPPorts > 0 {
		first, ports = 10000, limits.RTPPorts // tests that need many run alone
	}
	listener := "[http]\nlisten = \"\"\n"
	if _, err := os.Stat(filepath.Join(s.asterisk, "http.conf")); s.asterisk != "" && err == nil {
		listener = "" // as that file says
	}
	if limits.HTTP {
		s.HTTP = FreePort(t)
		listener = fmt.Sprintf("[http]\nlisten = \"127.0.0.1:%d\"\n%s\n", s.HTTP, limits.Web)
	}
	level := "debug"
	if limits.Info {
		level = "info"
	}
	text := fmt.Sprintf(baseConfig, s.Dir, level, listener, listen, first, first+ports-1, strings.Join(sections, "\n"))
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(s.Dir, "ctl.sock"))
		},
	}}
	s.Start()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("server log:\n%s", s.Log.Tail(20000))
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

// Start runs the binary (again) and waits until it is ready.
func (s *Server) Start() {
	s.t.Helper()
	s.Log = &Log{}
	args := []string{"serve", "--config", s.config}
	if s.asterisk != "" {
		args = append(args, "--asterisk-dir", s.asterisk)
	}
	s.Cmd = exec.Command(built, args...)
	if s.files > 0 {
		s.Cmd = exec.Command("bash", append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, s.files), built}, args...)...)
	}
	s.Cmd.Env = append(os.Environ(), "HOME="+s.Dir)
	out, err := s.Cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.Cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.exited = make(chan struct{})
	ready := make(chan struct{})
	go func() {
		var once sync.Once
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.Log.Add(lines.Text())
			if strings.Contains(lines.Text(), `"msg":"serving"`) {
				once.Do(func() { close(ready) })
			}
		}
		s.Cmd.Wait()
		close(s.exited)
	}()
	select {
	case <-ready:
	case <-s.exited:
		s.t.Fatalf("server ended at once:\n%s", s.Log.Tail(5000))
	case <-time.After(30 * time.Second):
		s.t.Fatalf("server is not ready after 30 s:\n%s", s.Log.Tail(5000))
	}
}

func (s *Server) Stop() {
	s.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
		if code := s.Cmd.ProcessState.ExitCode(); code != 0 {
			s.t.Errorf("server ended with %v", s.Cmd.ProcessState)
		}
	case <-time.After(20 * time.Second):
		s.Cmd.Process.Kill()
		s.t.Error("server did not stop within 20 s")
	}
}

// Kill ends the server as a crash does.
func (s *Server) Kill() {
	s.Cmd.Process.Kill()
	<-s.exited
}

// API sends a request to the control socket and decodes the answer into out.
func (s *Server) API(method, path string, body, out any) error {
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

func (s *Server) MustAPI(method, path string, body, out any) {
	s.t.Helper()
	if err := s.API(method, path, body, out); err != nil {
		s.t.Fatal(err)
	}
}

// Output is the result of one command.
type Output struct {
	Code   int
	Stdout string
	Stderr string
}

// CLI runs a subcommand against the server.
func (s *Server) CLI(args ...string) Output {
	s.t.Helper()
	cmd := s.Command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return Output{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// Result is a call that has ended, from every side that shows it.
type Result struct {
	ID       string
	Call     map[string]any
	Attempts []map[string]any
	Events   []string // types in order
}

// Call submits a request and waits for the end of the call by its events.
func (s *Server) Call(t testing.TB, request map[string]any) Result {
	t.Helper()
	id := s.Submit(t, request)
	return s.AwaitEnd(t, id)
}

func (s *Server) Submit(t testing.TB, request map[string]any) string {
	t.Helper()
	var c map[string]any
	s.MustAPI("POST", "/v1/calls", request, &c)
	return c["id"].(string)
}

// AwaitEnd follows the event stream of a call until it has ended.
func (s *Server) AwaitEnd(t testing.TB, id string) Result {
	t.Helper()
	r := Result{ID: id}
	s.Follow(t, id, func(kind string, _ map[string]any) bool {
		r.Events = append(r.Events, kind)
		return kind == "call.ended" || kind == "call.cancelled" || kind == "call.expired"
	})
	s.MustAPI("GET", "/v1/calls/"+id, nil, &r.Call)
	var list struct {
		Attempts []map[string]any `json:"attempts"`
	}
	s.MustAPI("GET", "/v1/calls/"+id+"/attempts", nil, &list)
	r.Attempts = list.Attempts
	return r
}

// Follow reads a call's events from the beginning until f says that it is enough.
func (s *Server) Follow(t testing.TB, id string, f func(kind string, e map[string]any) bool) {
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

// Want is how a call must have ended, as REST, CDR and ladder agree.
type Want struct {
	Disposition string
	Cause       int
	SIP         int // final SIP status of leg A, 0 = none
}

// Ended checks that the last attempt ended as wanted in outcome and CDR alike.
func (r Result) Ended(t testing.TB, w Want) {
	t.Helper()
	if len(r.Attempts) == 0 {
		t.Fatalf("no attempt; call: %v", r.Call)
	}
	last := r.Attempts[len(r.Attempts)-1]
	cdr, _ := last["cdr"].(map[string]any)
	a := r.Leg("a")
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"disposition of the attempt", last["disposition"], w.Disposition},
		{"disposition of the CDR", cdr["disposition"], w.Disposition},
		{"disposition of the call", r.Call["disposition"], w.Disposition},
		{"cause of leg A", Number(a["cause"]), w.Cause},
		{"cause of the CDR", Number(cdr["cause"]), w.Cause},
		{"SIP status of leg A", Number(a["sip_status"]), w.SIP},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.what, c.got, c.want)
		}
	}
	if reason, _ := r.Call["reason"].(string); reason == "" {
		t.Error("the call has ended without a reason in words")
	}
	if ladder, _ := a["ladder"].([]any); len(ladder) == 0 {
		t.Error("leg A has no ladder")
	}
	if t.Failed() {
		b, _ := json.MarshalIndent(r.Attempts, "", "  ")
		t.Logf("events %v\nattempts %s", r.Events, b)
	}
}

// Leg gives a leg of the last attempt, empty if there was none.
func (r Result) Leg(name string) map[string]any {
	if len(r.Attempts) == 0 {
		return nil
	}
	legs, _ := r.Attempts[len(r.Attempts)-1]["legs"].([]any)
	for _, l := range legs {
		if leg, _ := l.(map[string]any); leg["leg"] == name {
			return leg
		}
	}
	return nil
}

// Number gives a decoded JSON number as an int, 0 for anything else.
func Number(v any) int {
	f, _ := v.(float64)
	return int(f)
}

// HasEvents checks that the call had events of these types in this order.
func (r Result) HasEvents(t testing.TB, types ...string) {
	t.Helper()
	rest := r.Events
	for _, want := range types {
		i := slices.Index(rest, want)
		if i < 0 {
			t.Errorf("event %s is missing or out of order in %v", want, r.Events)
			return
		}
		rest = rest[i+1:]
	}
}

// Log keeps what the server logged.
type Log struct {
	mu    sync.Mutex
	lines []string
}

// Add appends a line.
func (b *Log) Add(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
}

func (b *Log) Contains(s string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.lines, func(l string) bool { return strings.Contains(l, s) })
}

// Has says whether one line contains all of these.
func (b *Log) Has(all ...string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.lines, func(l string) bool {
		return !slices.ContainsFunc(all, func(s string) bool { return !strings.Contains(l, s) })
	})
}

func (b *Log) Tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := strings.Join(b.lines, "\n")
	if len(all) > n {
		all = all[len(all)-n:]
	}
	return all
}

// Silent is a peer that reads and never answers.
type Silent struct {
	Port int
	mu   sync.Mutex
	seen []string
}

func StartSilent(t testing.TB) *Silent {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &Silent{Port: c.LocalAddr().(*net.UDPAddr).Port}
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

// Count gives the number of datagrams that began with a prefix.
func (s *Silent) Count(prefix string) int {
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

// RequirePeer skips the test when a foreign program is not installed, unless
// the check script asked for all of them.
func RequirePeer(t testing.TB, program, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("DIALWRIGHT_PEERS") == "required" {
			t.Fatalf("%s is not installed: apt-get install %s", program, pkg)
		}
		t.Skipf("%s is not installed (apt-get install %s, or run scripts/check)", program, pkg)
	}
}

// Command prepares a subcommand against the server, for tests that watch it run.
func (s *Server) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(built, args...)
	cmd.Env = append(os.Environ(), "HOME="+s.Dir, "DIALWRIGHT_DATA_DIR="+s.Dir)
	return cmd
}

// MediaRange gives the first of 400 ports that no other server or peer of this
// test run uses for RTP.
func MediaRange() int { return mediaRange() }

// PeakMemory gives the most memory that the server has had, in kB (VmHWM).
func (s *Server) PeakMemory() int {
	s.t.Helper()
	return s.procStatus("VmHWM")
}

func (s *Server) procStatus(field string) int {
	s.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var kb int
		if _, err := fmt.Sscanf(line, field+": %d kB", &kb); err == nil {
			return kb
		}
	}
	s.t.Fatalf("no %s in the process's status", field)
	return 0
}

// Metric gives one metric without labels.
func (s *Server) Metric(name string) float64 {
	s.t.Helper()
	resp, err := s.client.Get("http://dialwright/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return f
		}
	}
	s.t.Fatalf("no metric %s", name)
	return 0
}

// Memory gives the server's resident memory in kB (VmRSS).
func (s *Server) Memory() int {
	s.t.Helper()
	return s.procStatus("VmRSS")
}

// CPU gives the processor time that the server has used, user and system
// (proc(5): stat fields 14 and 15, in ticks of 10 ms).
func (s *Server) CPU() time.Duration {
	s.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.Cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// Client talks to the control socket; the host of its URLs does not matter.
func (s *Server) Client() *http.Client { return s.client }
