package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/ctl"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// logBuffer is a log that may be written and read at once.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// onLoopback makes a configuration that meets nobody.
func onLoopback(dir string) func(*config.Config) {
	return func(c *config.Config) {
		c.Server.DataDir, c.Server.Drain = dir, config.Seconds(1)
		c.HTTP.Listen = "127.0.0.1:0"
		c.SIP.Listen = []string{"udp:127.0.0.1:0"}
		c.SIP.AllowPretend = true
	}
}

// serve starts a server; the function stops it.
func serve(t *testing.T, path string) (*App, *client.Client, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	dir := t.TempDir()
	a, err := New(Options{Source: Source{Path: path}, Adjust: onLoopback(dir), Log: log, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := controlOf(t, a)
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil { // the test's context has ended
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return a, c, log
}

// controlOf gives a client of the control socket.
func controlOf(t *testing.T, a *App) *client.Client {
	t.Helper()
	dir := a.Config().Server.DataDir
	c, err := client.New(client.Options{Dial: func(ctx context.Context) (net.Conn, error) { return ctl.Dial(ctx, dir) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// A call over the control socket runs to its end, and what the doors show of
// it agrees.
func TestACallFromEndToEnd(t *testing.T) {
	_, c, _ := serve(t, "")
	var created struct{ ID string }
	err := c.Post(t.Context(), "/v1/calls", map[string]any{"first": "Pretend/100486", "second": "Pretend/200", "retry": map[string]any{"max": 0}}, &created)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for e, err := range c.Events(t.Context(), 0, map[string][]string{"call": {created.ID}}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, string(e.Type))
		if e.State.Done() {
			break
		}
	}
	if types[0] != "call.accepted" || types[len(types)-1] != "call.ended" {
		t.Errorf("events: %v", types)
	}
	var ex struct {
		Call struct {
			State, Disposition, Door string
			Cause                    int
		}
		Attempts []json.RawMessage
	}
	if err := c.Get(t.Context(), "/v1/calls/"+created.ID+"/explain", nil, &ex); err != nil {
		t.Fatal(err)
	}
	if ex.Call.State != "ended" || ex.Call.Disposition != "BUSY" || ex.Call.Cause != 17 || ex.Call.Door != "cli" || len(ex.Attempts) != 1 {
		t.Errorf("%+v", ex)
	}
}

func TestSecondServerIsKeptOut(t *testing.T) {
	a, _, _ := serve(t, "")
	b, err := New(Options{Adjust: onLoopback(a.Config().Server.DataDir)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "another server is running") {
		t.Errorf("two servers share a data directory: %v", err)
	}
	if err := b.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// A port that is taken is named with the key that changes it.
func TestTakenSIPPortSaysWhatToDo(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a, err := New(Options{Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.SIP.Listen = []string{"udp:" + taken.LocalAddr().String()}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "change sip.listen") {
		t.Errorf("%v", err)
	}
}

// Reload puts new phones in force, names what waits for a restart, and keeps
// the old configuration when the new one has mistakes.
func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dialwright.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[server]\nwatch = false\n")
	_, c, _ := serve(t, path)
	write("[server]\nwatch = false\nnode = \"other\"\n[phones.101]\npassword = \"long-enough\"\n")
	var r struct{ Changed, Restart []string }
	if err := c.Post(t.Context(), "/v1/config/reload", nil, &r); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"server", "phones"}, r.Changed); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"server.node"}, r.Restart); d != "" {
		t.Error(d)
	}
	var phones struct{ Phones []struct{ Name string } }
	if err := c.Get(t.Context(), "/v1/phones", nil, &phones); err != nil || len(phones.Phones) != 1 {
		t.Errorf("%+v %v", phones, err)
	}
	write("[server]\nwatch = false\n[limits]\ncps = 2.5\n[phones.101]\npassword = \"long-enough\"\n")
	if err := c.Post(t.Context(), "/v1/config/reload", nil, &r); err != nil {
		t.Fatal(err)
	}
	var stats struct {
		Resources []struct {
			Name string
			CPS  float64
		}
	}
	if err := c.Get(t.Context(), "/v1/stats", nil, &stats); err != nil || len(stats.Resources) != 1 || stats.Resources[0].Name != "server" || stats.Resources[0].CPS != 2.5 {
		t.Errorf("the server's pace is not in force: %+v %v", stats, err)
	}
	write("[server]\nwatch = false\n[ami.users.crm]\nsecret = \"cMz5xW9-mLp\"\n[phones.101]\npassword = \"long-enough\"\n")
	if err := c.Post(t.Context(), "/v1/config/reload", nil, &r); err != nil || !slices.Equal(r.Restart, []string{"ami.users"}) {
		t.Errorf("the first user of AMI waits for nothing: %v %v", r.Restart, err) // nobody listens
	}
	write("[phones.101]\npassword = \"x\"\n[phones.102]\n")
	err := c.Post(t.Context(), "/v1/config/reload", nil, &r)
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != "invalid" || !strings.Contains(e.Detail, "phones.102.password") {
		t.Errorf("%v", err)
	}
	if err := c.Get(t.Context(), "/v1/phones", nil, &phones); err != nil || len(phones.Phones) != 1 {
		t.Errorf("%+v %v", phones, err)
	}
}

func TestStopLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	a, err := New(Options{Adjust: onLoopback(dir)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(ctl.Path(dir)); err == nil {
		t.Error("the control socket is still there")
	}
	if resp, err := http.Get(r.HTTP + "/healthz"); err == nil {
		resp.Body.Close()
		t.Error("the API still answers")
	}
}

// A stop lets a running call go on for a while, during which the doors answer
// but take nothing new, then hangs it up and records it.
func TestStopDrainsThenHangsUp(t *testing.T) {
	a, c, _ := serve(t, "")
	var made struct{ ID string }
	if err := c.Post(t.Context(), "/v1/calls", map[string]any{"first": "Pretend/1?talk=1h", "second": "Pretend/2?talk=1h"}, &made); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	var last, refused string
	for e, err := range c.Events(t.Context(), 0, map[string][]string{"call": {made.ID}}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		last = string(e.Type)
		if e.Type == "call.connected" {
			go func() { stopped <- a.Stop(context.Background()) }() // outlives the test's context by its own deadline
			for a.Ready() == nil {
				if err := c.Get(t.Context(), "/v1/stats", nil, nil); err != nil {
					t.Fatal(err)
				}
			}
			err := c.Post(t.Context(), "/v1/calls", map[string]any{"first": "Pretend/1", "second": "Pretend/2"}, nil)
			if e, ok := errors.AsType[*client.Error](err); ok {
				refused = e.Code
			}
		}
		if e.State.Done() {
			break
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if last != "call.ended" || refused != "stopping" {
		t.Errorf("last event %s, a new call got %q", last, refused)
	}
}

func TestMistakesComeBeforeAnythingIsOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dialwright.toml")
	if err := os.WriteFile(path, []byte("[sip]\nlisten = [\"x\"]\n[http]\nlisten = \"y\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(Options{Source: Source{Path: path}})
	if ms, ok := errors.AsType[config.Mistakes](err); !ok || len(ms) != 2 {
		t.Errorf("%v", err)
	}
}

// With 1,024 descriptors 200 calls at once must fit, and never more than can be
// served; without a limit what is wanted is given.
func TestShareOfDescriptors(t *testing.T) {
	for _, c := range []struct {
		files               uint64
		live, streams       int
		wantLive, wantStrms int
		wantConns           int
	}{
		{0, 1000, 256, 1000, 256, 1024},
		{1024, 1000, 256, 210, 28, 48},
		{1024, 50, 10, 50, 10, 386},
		{64, 1000, 256, 1, 1, 49},
		{1 << 20, 1000, 256, 1000, 256, 1024},
	} {
		b := share(c.files, c.live, c.streams)
		if b.MaxLive != c.wantLive || b.Streams != c.wantStrms || b.Conns != c.wantConns {
			t.Errorf("%d files: %+v; want %d calls, %d streams, %d connections", c.files, b, c.wantLive, c.wantStrms, c.wantConns)
		}
		if c.files >= 256 && uint64(filesBase+b.Streams*filesPerWeb+b.MaxLive*filesPerCall+b.Conns-httpConns) > c.files {
			t.Errorf("%d files are overspent: %+v", c.files, b)
		}
	}
}

func TestUnwindRunsEveryStepLastFirst(t *testing.T) {
	var s stack
	var order []string
	for _, name := range []string{"a", "b", "c"} {
		s.push(name, func(context.Context) error {
			order = append(order, name)
			if name == "b" {
				return errors.New("broke")
			}
			return nil
		})
	}
	err := s.unwind(t.Context(), slog.New(slog.DiscardHandler))
	if got := strings.Join(order, ""); got != "cba" || err == nil || err.Error() != "stop b: broke" {
		t.Errorf("%s, %v", got, err)
	}
}
