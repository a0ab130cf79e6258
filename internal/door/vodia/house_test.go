package vodia

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
	"github.com/dialwright/dialwright/internal/usercall"
)

// house is the door on a real directory, queue, store, table of calls and switch, with
// pretended phones. Its people are those of the vectors.
type house struct {
	testing.TB
	people *directory.Directory
	store  *sqlite.Store
	sw     *pbx.Switch
	table  *usercall.Table
	queue  *originate.Originator
	door   *Door
	log    *logbook
	begun  time.Time // when the door's clock was that of the fixture

	mu      sync.Mutex // guards what follows
	conf    Config
	does    map[string]string // what a phone or number does: "?ring=2s" (package pretend)
	away    map[string]bool   // phones that are not registered
	refuse  error             // what Place says instead
	ready   error             // of Options.Ready
	hold    chan struct{}     // not nil: Place waits for it
	intents []click.Intent    // what was to be placed
	ids     int
}

// fixtureNow is where the door's clock begins.
var fixtureNow = time.Unix(1_700_000_100, 0)

// The people of most tests.
const (
	ada     = "123@tenant.com"
	adaPass = "password"
	root    = "admin"
)

// newHouse opens a house. In a bubble of fake time its door is asked directly (ask).
func newHouse(t testing.TB) *house {
	t.Helper()
	f := vectors(t).Fixture
	h := &house{
		TB: t, log: &logbook{}, begun: time.Now(), does: map[string]string{}, away: map[string]bool{},
		conf: Config{
			Realm: f.Realm, MaxLinkDuration: f.MaxLinkDuration * time.Second, MaxClockSkew: f.MaxClockSkew * time.Second,
			DedupeWindow: f.DedupeWindow * time.Second, AllowedOrigins: f.AllowedOrigins, PerMinute: -1, MaxSockets: 100,
			PromptRepeats: 3, PromptInterval: 5 * time.Second, FailTone: 10 * time.Second,
		},
	}
	h.people = directorytest.New(t, f.Tenants, h.fixture(f.Accounts)...)
	var err error
	h.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	h.must(err)
	h.sw = pbx.New(pbx.Options{Router: phones{h}, Linger: -1})
	h.sw.Register(pretend.New(pretend.Options{}))
	h.sw.Register(local.New(h.sw))
	h.table = usercall.New(usercall.Options{Switch: h.sw, Self: func(phone string) call.CallerID { return call.CallerID{Number: phone} }})
	h.must(h.table.Start(t.Context()))
	h.startQueue()
	h.door = h.newDoor()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		hurry, now := context.WithCancel(ctx)
		now() // what is up is hung up at once
		if err := errors.Join(h.door.Stop(ctx), h.queue.Stop(hurry), h.sw.Stop(ctx), h.table.Stop(ctx), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// inBubble runs f in a house in fake time.
func inBubble(t *testing.T, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newHouse(t)) })
}

// fixture are the people of the vectors. Each has a phone that is called like its local
// part and tenant; administrators have none.
func (h *house) fixture(accounts []vectorAccount) (out []directorytest.Person) {
	for _, a := range accounts {
		first, last, _ := strings.Cut(a.Display, " ")
		p := directorytest.Person{Name: a.Account, Password: a.Password, LinkSecret: a.LinkSecret, User: directory.User{FirstName: first, LastName: last}}
		switch a.Role {
		case "user":
			p.Phone = phoneOf(a.Account)
			h.away[p.Phone] = !a.Registered
		case "system-admin":
			p.Role = directory.RoleAdmin
		case "tenant-admin":
			p.Role = directory.RoleTenantAdmin
		default:
			h.Fatalf("%s is a %q", a.Account, a.Role)
		}
		out = append(out, p)
	}
	return out
}

// phoneOf names the phone of an account: "123" of 123@tenant.com, "123.other.example" of
// 123@other.example.
func phoneOf(account string) string {
	return strings.TrimSuffix(strings.Replace(account, "@", ".", 1), ".tenant.com")
}

// startQueue makes the queue, as a start of the server does.
func (h *house) startQueue() {
	h.Helper()
	policy := &originate.Policy{
		Accounts: map[call.AccountID]originate.Account{"default": {International: true, Premium: true}},
		Limits:   map[string]originate.Limits{"phone:*": {Channels: 10}},
	}
	h.queue = originate.New(originate.Options{
		Store: h.store, Engine: h.table.Engine(pbx.NewEngine(h.sw)), Router: phones{h}, Node: "n1", LeaseTTL: 24 * time.Hour,
		Policy: func() *originate.Policy { return policy },
		NewID: func() call.ID {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ids++
			return call.ID(fmt.Sprintf("c%d", h.ids))
		},
	})
	h.table.SetQueue(h.queue)
	h.must(h.queue.Start(h.Context()))
}

// newDoor makes a door that has seen nothing yet.
func (h *house) newDoor() *Door {
	return New(Options{
		Users: h.people, Clicks: h, Calls: h.table, Log: slog.New(slog.NewTextHandler(h.log, nil)), Ended: h.queue.AwaitEnd,
		Now: func() time.Time { return fixtureNow.Add(time.Since(h.begun)) },
		Ready: func() error {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.ready
		},
		Registered: h.registered,
		Deny: func(ctx context.Context, e originate.AuditEntry) {
			if err := h.store.Deny(ctx, e); err != nil {
				h.Error(err)
			}
		},
		Config: func() *Config {
			h.mu.Lock()
			defer h.mu.Unlock()
			c := h.conf
			return &c
		},
	})
}

// restart ends the queue and the door and starts new ones: what they had in memory is gone.
func (h *house) restart() {
	h.Helper()
	hurry, cancel := context.WithCancel(h.Context())
	cancel()
	h.must(errors.Join(h.door.Stop(h.Context()), h.queue.Stop(hurry)))
	h.startQueue()
	h.door = h.newDoor()
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// set changes what the house does.
func (h *house) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// registered says whether a device of a phone is registered.
func (h *house) registered(phone string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.away[phone]
}

// Place is click.Placer, as the application's.
func (h *house) Place(ctx context.Context, in click.Intent) (call.Call, error) {
	h.mu.Lock()
	refuse, hold := h.refuse, h.hold
	h.mu.Unlock()
	if hold != nil {
		<-hold
	}
	switch {
	case refuse != nil:
		return call.Call{}, refuse
	case in.User.Phone == "":
		return call.Call{}, click.ErrNoPhone
	case !h.registered(in.User.Phone):
		return call.Call{}, click.ErrNoDevice
	}
	c, _, err := h.queue.Submit(ctx, call.Request{
		Key: in.Key, Origin: in.Origin, Account: in.User.Account, First: call.Endpoint("PJSIP/" + in.User.Phone),
		Then: call.Then{
			Kind: call.ThenConnect, Second: call.Endpoint("PJSIP/" + in.Dest), Confirm: in.Confirm, Prompts: in.Prompts, PromptWait: in.Interval, FailTone: in.FailTone,
		},
		Callee: call.CallerID{Name: in.DestName, Number: in.Dest}, NotAfter: in.NotAfter,
	})
	if err == nil {
		h.set(func() { h.intents = append(h.intents, in) })
	}
	return c, err
}

// placed gives what was placed since it was asked last.
func (h *house) placed() []click.Intent {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.intents
	h.intents = nil
	return list
}

// wantCalls checks how many calls were placed since that was asked last.
func (h *house) wantCalls(n int) {
	h.Helper()
	if got := h.placed(); len(got) != n {
		h.Errorf("%d calls were placed, want %d: %+v", len(got), n, got)
	}
}

// denials gives the door's lines in the audit trail, as "principal code rule".
func (h *house) denials() (out []string) {
	h.Helper()
	list, err := h.queue.Audit(h.Context(), originate.AuditFilter{Denied: true, Oldest: true})
	h.must(err)
	for _, e := range list {
		if rule, ok := strings.CutPrefix(e.Rule, DoorName+" "); ok {
			out = append(out, e.Origin.Principal+" "+string(e.Code)+" "+rule)
		}
	}
	return out
}

// session opens one for a user, and gives its value.
func (h *house) session(name string) string {
	h.Helper()
	n, ok := directory.ParseName(name)
	if !ok {
		h.Fatalf("%q is no name", name)
	}
	value, _ := h.door.sessions.Open(h.door.login(n, ""))
	return value
}

// ask sends a request to the door as a server behind https://pbx.example gets it: from
// 192.0.2.1, over TLS. Headers are "Name: value".
func (h *house) ask(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	h.Helper()
	return h.askFrom("192.0.2.1:4711", method, target, body, headers...)
}

func (h *house) askFrom(remote, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	h.Helper()
	r := h.request(method, target, body, headers...)
	r.RemoteAddr = remote
	return h.serve(r)
}

// request makes a request.
func (h *house) request(method, target, body string, headers ...string) *http.Request {
	h.Helper()
	u, err := url.ParseRequestURI(target)
	h.must(err)
	r := httptest.NewRequestWithContext(h.Context(), method, "/", strings.NewReader(body))
	r.URL, r.RequestURI, r.Host, r.TLS, r.RemoteAddr = u, target, "pbx.example", &tls.ConnectionState{}, "192.0.2.1:4711"
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	return r
}

func (h *house) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, r)
	return w
}

// want checks the status of an answer.
func (h *house) want(w *httptest.ResponseRecorder, status int) {
	h.Helper()
	if w.Code != status {
		h.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
}

// basic is the header of a login.
func basic(name, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return "Authorization: " + r.Header.Get("Authorization")
}

// cookie is the header of a session.
func cookie(value string) string { return "Cookie: session=" + value }

// only gives the one call of a phone, as it is when nothing moves any more.
func (h *house) only(phone string) usercall.Call {
	h.Helper()
	synctest.Wait()
	list := h.table.Of(phone)
	if len(list) != 1 {
		h.Fatalf("phone %s has %d calls: %+v", phone, len(list), list)
	}
	return list[0]
}

// channels gives the pretended legs that are up or ring, by number.
func (h *house) channels() []string {
	synctest.Wait()
	set := map[string]bool{}
	for _, c := range h.sw.Channels() {
		n, _, _ := strings.Cut(strings.TrimPrefix(c.Name, "Pretend/"), "-")
		set[n] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// phones is the routing: every phone and number is a pretended one.
type phones struct{ h *house }

func (p phones) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	n := e.Resource()
	p.h.mu.Lock()
	does := p.h.does[n]
	p.h.mu.Unlock()
	r := call.Route{Typed: string(e), Endpoint: call.Endpoint("Pretend/" + url.PathEscape(n) + does), Number: n}
	for _, u := range p.h.people.Users() {
		if u.Phone == n {
			r.Phone, r.Number = n, ""
		}
	}
	return r, nil
}

func (p phones) Inbound(a call.AccountID, _, dialled string) (call.Route, error) {
	return p.Route(a, call.Endpoint("PJSIP/"+dialled))
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

// reset forgets what was logged.
func (l *logbook) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
