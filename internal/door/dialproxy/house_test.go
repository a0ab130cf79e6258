package dialproxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/dialproxy"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// house is the door on a real originator, store and switch, with pretended phones, behind
// a real HTTP server.
type house struct {
	*testing.T
	*originate.Originator
	store *sqlite.Store
	sw    *pbx.Switch
	url   string
	door  *dialproxy.Door
	log   *logbook

	mu       sync.Mutex // guards what follows
	conf     dialproxy.Config
	labels   map[string]string // of the actionlist; "!" as a value: AstDB is broken
	requests []call.Request
	refuse   error // what Submit says instead
}

// The label of most tests, and its phone, which answers at once.
const officeLabel = "SIP/1234"

func newHouse(t *testing.T, conf dialproxy.Config) *house {
	t.Helper()
	h := bareHouse(t, conf)
	srv := httptest.NewServer(h.door)
	h.url = srv.URL + "/dialproxy.php"
	t.Cleanup(srv.Close)
	return h
}

// bareHouse is one without a server: its handler is asked in fake time.
func bareHouse(t *testing.T, conf dialproxy.Config) *house {
	t.Helper()
	h := &house{T: t, log: &logbook{}, conf: conf, labels: map[string]string{"DIALPROXY-office": officeLabel}}
	if h.conf.Paths == nil {
		h.conf.Paths = []string{"/dialproxy.php"}
	}
	h.conf.Account = "sales"
	log := slog.New(slog.NewTextHandler(h.log, nil))
	var err error
	h.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	h.must(err)
	h.sw = pbx.New(pbx.Options{Linger: -1, Router: phones{}})
	h.sw.Register(pretend.New(pretend.Options{}))
	h.must(h.sw.Start(t.Context()))
	policy := &originate.Policy{Accounts: map[call.AccountID]originate.Account{"sales": {}, "shut": {Disabled: true}}}
	h.Originator = originate.New(originate.Options{
		Store: h.store, Engine: pbx.NewEngineWith(h.sw, pbx.EngineOptions{}), Router: phones{}, Node: "n1", Policy: func() *originate.Policy { return policy },
	})
	h.must(h.Originator.Start(t.Context()))
	h.door = dialproxy.New(dialproxy.Options{Originator: h, DB: h, Log: log, Config: func() *dialproxy.Config {
		h.mu.Lock()
		defer h.mu.Unlock()
		c := h.conf
		return &c
	}})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel() // what is up is hung up at once
		if err := errors.Join(h.Stop(ctx), h.sw.Stop(context.WithoutCancel(t.Context())), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// set changes the configuration.
func (h *house) set(f func(*dialproxy.Config)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.conf)
}

// label writes the actionlist; "" removes the label.
func (h *house) label(name, value string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if value == "" {
		delete(h.labels, "DIALPROXY-"+name)
		return
	}
	h.labels["DIALPROXY-"+name] = value
}

// DBGet is dialproxy.Actionlist.
func (h *house) DBGet(_ context.Context, family, key string) (string, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v, ok := h.labels[key]
	if v == "!" {
		return "", false, errors.New("the database is broken")
	}
	return v, ok && family == "actionlist", nil
}

// Submit notes the request and is the real one.
func (h *house) Submit(ctx context.Context, r call.Request) (call.Call, bool, error) {
	h.mu.Lock()
	h.requests = append(h.requests, r)
	refuse := h.refuse
	h.mu.Unlock()
	if refuse != nil {
		return call.Call{}, false, refuse
	}
	return h.Originator.Submit(ctx, r)
}

// Done is dialproxy.Originator.
func (h *house) Done(ctx context.Context, id call.ID) (bool, error) {
	c, err := h.Get(ctx, id)
	return c.State.Done(), err
}

// Deny is dialproxy.Originator.
func (h *house) Deny(ctx context.Context, e originate.AuditEntry) {
	if err := h.store.Deny(ctx, e); err != nil {
		h.Error(err)
	}
}

// taken gives what was submitted since it was asked last.
func (h *house) taken() []call.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.requests
	h.requests = nil
	return list
}

// said is an answer.
type said struct {
	status int
	body   string
	header http.Header
}

// ask sends a request; change may add to it.
func (h *house) ask(method, query, body string, change ...func(*http.Request)) said {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), method, h.url+"?"+query, strings.NewReader(body))
	h.must(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(r)
	}
	resp, err := http.DefaultClient.Do(r)
	h.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	h.must(err)
	return said{resp.StatusCode, string(b), resp.Header}
}

func (h *house) get(query string, change ...func(*http.Request)) said {
	h.Helper()
	return h.ask("GET", query, "", change...)
}

// header sets a header; Host is the request's own.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		if name == "Host" {
			r.Host = value
			return
		}
		r.Header.Add(name, value)
	}
}

func (s said) want(t *testing.T, status int, body string) {
	t.Helper()
	if s.status != status || s.body != body+"\n" {
		t.Errorf("answer %d %q, want %d %q", s.status, s.body, status, body+"\n")
	}
}

// phones is the routing: every channel of the vectors is a pretended phone.
type phones struct{}

func (phones) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	switch e.Tech() {
	case "PJSIP", "LOCAL", "PRETEND":
		return call.Route{Typed: string(e), Endpoint: call.Endpoint("Pretend/" + e.Resource())}, nil
	}
	return call.Route{}, &originate.Refusal{Code: originate.RefusedDestination, Text: "No route leads there."}
}

func (phones) Inbound(_ call.AccountID, _, dialled string) (call.Route, error) {
	return call.Route{Typed: dialled, Endpoint: call.Endpoint("Pretend/" + url.PathEscape(dialled))}, nil
}

// logbook keeps what was logged.
type logbook struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// denials gives the audit trail's refusals.
func (h *house) denials() []originate.AuditEntry {
	h.Helper()
	denied := true
	list, err := h.Audit(h.Context(), originate.AuditFilter{Denied: denied, Oldest: true})
	h.must(err)
	return list
}
