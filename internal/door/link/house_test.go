package link_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	door "github.com/dialwright/dialwright/internal/door/link"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// house is the door on a real directory, originator, store and switch, with pretended
// phones, behind a real HTTP server.
type house struct {
	*testing.T
	*originate.Originator
	store  *sqlite.Store
	sw     *pbx.Switch
	people *directory.Directory
	book   *link.Book
	door   *door.Door
	srv    *httptest.Server
	log    *logbook

	mu      sync.Mutex // guards what follows
	conf    door.Config
	policy  originate.Policy
	refuse  error          // what Place says instead
	intents []click.Intent // what was to be placed
	hold    chan struct{}  // not nil: Place waits for it
}

// The user of most tests, whose phone answers at once.
const ada = "123@tenant.com"

func newHouse(t *testing.T) *house {
	t.Helper()
	h := bareHouse(t)
	h.srv = httptest.NewServer(h.door)
	t.Cleanup(h.srv.Close)
	return h
}

// bareHouse is one without a server: its door is asked in fake time.
func bareHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, log: &logbook{}, conf: door.Config{PerMinute: -1}}
	h.policy.Accounts = map[call.AccountID]originate.Account{"sales": {}, "other": {}}
	h.people = directorytest.New(t, []string{"tenant.com"}, people("sales")...)
	var err error
	h.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	h.must(err)
	h.sw = pbx.New(pbx.Options{Linger: -1, Router: phones{}})
	h.sw.Register(pretend.New(pretend.Options{}))
	h.must(h.sw.Start(t.Context()))
	h.Originator = originate.New(originate.Options{
		Store: h.store, Engine: pbx.NewEngineWith(h.sw, pbx.EngineOptions{}), Router: phones{}, Node: "n1", Policy: func() *originate.Policy {
			h.mu.Lock()
			defer h.mu.Unlock()
			p := h.policy
			return &p
		},
	})
	h.must(h.Originator.Start(t.Context()))
	h.book = link.New(link.Options{
		Store: h.store, Signer: link.NewSigner([]byte("0123456789abcdef0123456789abcdef")), People: h.people,
		Check:  func(context.Context, link.Link, directory.User, link.By) error { return nil },
		Config: func() link.Config { return link.Config{Base: h.base()} },
	})
	h.door = h.anotherDoor()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel() // what is up is hung up at once
		if err := errors.Join(h.Stop(ctx), h.sw.Stop(context.WithoutCancel(t.Context())), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// anotherDoor makes one more, which knows nothing of what the first has seen.
func (h *house) anotherDoor() *door.Door {
	return door.New(door.Options{Links: h.book, Placer: h, Trail: h, Log: slog.New(slog.NewTextHandler(h.log, nil)), Config: func() *door.Config {
		h.mu.Lock()
		defer h.mu.Unlock()
		c := h.conf
		return &c
	}})
}

// base is what links begin with.
func (h *house) base() string {
	if h.srv == nil {
		return ""
	}
	return h.srv.URL
}

// people are two users of one account.
func people(account call.AccountID) []directorytest.Person {
	return []directorytest.Person{
		{Name: ada, User: directory.User{FirstName: "Ada", LastName: "Moss", Phone: "123", Account: account}},
		{Name: "124@tenant.com", User: directory.User{Phone: "124", Account: account}},
	}
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// set changes what the house does.
func (h *house) set(f func(h *house)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

// Place is click.Placer: it rings the pretended phone that is called like the user's.
func (h *house) Place(ctx context.Context, in click.Intent) (call.Call, error) {
	h.mu.Lock()
	h.intents = append(h.intents, in)
	refuse, hold := h.refuse, h.hold
	h.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if refuse != nil {
		return call.Call{}, refuse
	}
	c, _, err := h.Submit(ctx, call.Request{
		Key: in.Key, Origin: in.Origin, Account: in.User.Account, First: call.Endpoint("PJSIP/" + in.User.Phone),
		Then: call.Then{Kind: call.ThenConnect, Second: call.Endpoint(in.Dest), Confirm: in.Confirm},
	})
	return c, err
}

// Deny is door.Trail.
func (h *house) Deny(ctx context.Context, e originate.AuditEntry) {
	if err := h.store.Deny(ctx, e); err != nil {
		h.Error(err)
	}
}

// make makes a link and gives it with its address.
func (h *house) make(d link.Draft) (link.Link, string) {
	h.Helper()
	if d.User == "" {
		d.User, d.Number = ada, "+49 30 123"
	}
	l, err := h.book.Create(h.Context(), d, link.By{Name: "key:crm", Door: "rest", Asker: "crm", Remote: "192.0.2.1", Account: "sales"})
	h.must(err)
	return l, h.book.URL(&l)
}

// placed gives the calls that were placed, by the listing of the store.
func (h *house) placed() []call.Call {
	h.Helper()
	list, _, err := h.List(h.Context(), originate.Filter{Door: "link", Oldest: true})
	h.must(err)
	return list
}

// trail gives the audit trail as "principal code remote", accepted ones with "+".
func (h *house) trail() []string {
	h.Helper()
	list, err := h.Audit(h.Context(), originate.AuditFilter{Oldest: true})
	h.must(err)
	var out []string
	for _, e := range list {
		code := string(e.Code)
		if e.Accepted {
			code = "+"
		}
		out = append(out, strings.Join([]string{e.Origin.Door, e.Origin.Principal, code, e.Rule, e.Origin.Remote}, " "))
	}
	return out
}

// said is an answer.
type said struct {
	status int
	body   string
	header http.Header
}

// code gives the code of a problem, or the status of a placed call.
func (s said) code() string {
	var v struct{ Code, Status any }
	if json.Unmarshal([]byte(s.body), &v) != nil {
		return "no JSON"
	}
	for _, x := range []any{v.Code, v.Status} {
		if t, ok := x.(string); ok {
			return t
		}
	}
	return ""
}

// ask sends a request; headers are name and value.
func (h *house) ask(method, address string, headers ...string) said {
	h.Helper()
	return h.send(method, address, "", headers...)
}

func (h *house) send(method, address, body string, headers ...string) said {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), method, address, strings.NewReader(body))
	h.must(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r) // redirects are looked at, not followed
	h.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	h.must(err)
	return said{resp.StatusCode, string(b), resp.Header}
}

// phones is the routing: every number and phone is a pretended one.
type phones struct{}

func (phones) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	return call.Route{Typed: string(e), Endpoint: call.Endpoint("Pretend/" + e.Resource())}, nil
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

// loopback are the addresses of proxies on this machine.
func loopback(t *testing.T) []netip.Prefix {
	t.Helper()
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// moment is a time not long ago, as it is stored.
func moment(d time.Duration) time.Time { return time.Now().Add(d).UTC().Truncate(time.Millisecond) }
