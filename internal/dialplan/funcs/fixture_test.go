package funcs

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// office is a switch with a machine and one call that has come in.
type office struct {
	*testing.T
	m *run.Machine
	x *run.Exec
	c *pbx.Channel
}

// newOffice lets "Bob B" <55> call 100 from a leg with these headers.
func newOffice(t *testing.T, headers map[string]string) *office {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	o := &office{T: t}
	sw := pbx.New(pbx.Options{Linger: -1})
	sw.Register(pretend.New(pretend.Options{Phones: []string{"101"}}))
	o.m = run.New(run.Options{Switch: sw, DB: store, Funcs: All()})
	o.c = o.incoming(call.CallerID{Name: "Bob B", Number: "55"}, "100", headers)
	o.x = o.m.Exec(o.c)
	t.Cleanup(func() { // t.Context has ended here
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sw.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return o
}

func (o *office) incoming(from call.CallerID, dialled string, headers map[string]string) *pbx.Channel {
	o.Helper()
	l := &line{headers: headers}
	c, err := o.m.Switch().Incoming(l, pbx.IncomingOptions{
		Endpoint: from.Number, CallerID: from, Dialled: dialled, Context: "from-inside",
		Handler: pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }),
	})
	if err != nil {
		o.Fatal(err)
	}
	l.deliver(c.Deliver)
	return c
}

// get reads a function.
func (o *office) get(name, want string) {
	o.Helper()
	f, args, _ := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	got, ok, _ := o.m.ReadFunction(o.Context(), o.c, f, args)
	if !ok || got != want {
		o.Errorf("%s gives %q (known %v), want %q", name, got, ok, want)
	}
}

// set writes a function that must work.
func (o *office) set(name, value string) {
	o.Helper()
	f, args, _ := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	if ok, err := o.m.WriteFunction(o.Context(), o.c, f, args, value); !ok || err != nil {
		o.Errorf("%s=%s: known %v, %v", name, value, ok, err)
	}
}

// refuses wants an error, on reading if value is "" and on writing otherwise.
func (o *office) refuses(name, value string) {
	o.Helper()
	f, args, _ := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	var err error
	if value == "" {
		var v string
		if v, _, err = o.m.ReadFunction(o.Context(), o.c, f, args); v != "" {
			o.Errorf("%s gives %q, want nothing", name, v)
		}
	} else {
		_, err = o.m.WriteFunction(o.Context(), o.c, f, args, value)
	}
	if err == nil {
		o.Errorf("%s=%s gives no error", name, value)
	}
}

// line is a leg that calls in and does nothing by itself.
type line struct {
	headers map[string]string

	mu sync.Mutex // guards on
	on func(pbx.LegEvent)
}

func (l *line) deliver(f func(pbx.LegEvent)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = f
}

func (l *line) end(code cause.Code) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on != nil {
		l.on(pbx.LegEvent{Kind: pbx.LegEnded, Cause: code})
		l.on = nil
	}
}

func (l *line) Dial(pbx.DialOptions) error             { return pbx.ErrState }
func (l *line) Ring() error                            { return nil }
func (l *line) Progress() error                        { return nil }
func (l *line) Answer() error                          { return nil }
func (l *line) Reject(code cause.Code) error           { l.end(code); return nil }
func (l *line) Redirect(string) error                  { return nil }
func (l *line) Hangup(code cause.Code)                 { l.end(code) }
func (l *line) Hold(bool) error                        { return nil }
func (l *line) SendDTMFInfo(rune, time.Duration) error { return nil }
func (l *line) Transfer(string) error                  { return nil }
func (l *line) UpdateCallerID(call.CallerID)           {}
func (l *line) Ladder() []call.SIPMessage              { return nil }
func (l *line) Header(name string) string              { return l.headers[name] }
func (l *line) Describe() pbx.LegInfo {
	return pbx.LegInfo{Technology: "Line", Name: "bob", Endpoint: "bob", Peer: "tls:192.0.2.7:5061", CallID: "abc@192.0.2.7"}
}
