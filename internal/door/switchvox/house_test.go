package switchvox_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/door/switchvox"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
	"github.com/dialwright/dialwright/internal/usercall"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

// house is the door on a real directory, originator, store and switch, with pretended phones.
type house struct {
	*testing.T
	*originate.Originator
	store *sqlite.Store
	door  *switchvox.Door
	users *directory.Directory
	log   *logbook
	url   string

	mu       sync.Mutex // guards what follows
	conf     switchvox.Config
	clock    time.Duration // by which the door's clock is ahead
	rings    string        // what a pretended phone does: "180?ring=1s"
	requests []call.Request
	refuse   error // what Submit says instead
	ready    error
	current  []usercall.Call
	records  []call.CDR // beside those that have been
}

// begun is when the door's clock begins.
var begun = time.Date(2024, 5, 6, 7, 8, 25, 0, time.UTC)

// config is that of the vectors' fixture.
func config() switchvox.Config {
	return switchvox.Config{
		Realm: "Switchvox", Digest: true, Basic: true, NonceLife: 24 * time.Hour, MinExtension: 3, MaxExtension: 6, AllowExternalFirst: true,
		AllowedOrigins: []string{"https://pbx.example"}, Pending: 100, Variables: map[string]int{"balance": 3, "ticket": 7}, PassVariables: []string{"nosuch"}, Version: "7.6.1",
	}
}

// password is a password with its hash, which takes long to make.
func password(r *directory.Record, password string) {
	hash, _ := hashes.LoadOrStore(password, sync.OnceValue(func() string { return auth.Hash(password) }))
	r.PasswordHash = hash.(func() string)()
	r.Digest = wire.HA1(r.Name.Local, "Switchvox", password)
}

// hashes keeps those that were made, for all tests.
var hashes sync.Map

// people are the users of the vectors' fixture.
func people(t testing.TB) []directory.Record {
	var out []directory.Record
	f := vectors(t).Fixture
	for _, a := range f.Admins {
		r := directory.Record{User: directory.User{Name: directory.Name{Local: a.User}, Role: directory.RoleAdmin, Account: "office", Methods: a.Methods}}
		password(&r, a.Pass)
		out = append(out, r)
	}
	for _, a := range f.Accounts {
		u := directory.User{
			Name: directory.Name{Local: a.Extension}, Role: directory.RoleUser, FirstName: a.FirstName, LastName: a.LastName, ID: a.AccountID, Type: a.Type,
			Account: call.AccountID(a.AccountID), AutoAnswer: true, CreatedAt: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC),
		}
		if a.Type == "sip" || a.Type == "zap" {
			u.Phone = a.Extension
		}
		for _, r := range a.Rules {
			u.Rules = append(u.Rules, directory.Rule{Min: r.Min, Max: r.Max, Prepend: r.Prepend})
		}
		r := directory.Record{User: u}
		if a.Password != "" {
			password(&r, a.Password)
		}
		out = append(out, r)
	}
	return out
}

// newHouse is one behind a real HTTP server.
func newHouse(t *testing.T, users ...directory.Record) *house {
	t.Helper()
	h := bareHouse(t, users...)
	srv := httptest.NewServer(h.door)
	h.url = srv.URL
	t.Cleanup(srv.Close)
	return h
}

// bareHouse is one without a server: its handler is asked in fake time. users stand beside those of
// the fixture, or in their place.
func bareHouse(t *testing.T, users ...directory.Record) *house {
	t.Helper()
	h := &house{T: t, log: &logbook{}, conf: config(), users: directory.New(directory.Options{})}
	all := people(t)
	for _, u := range users {
		all = slices.DeleteFunc(all, func(r directory.Record) bool { return r.Name == u.Name })
		all = append(all, u)
	}
	h.users.Configure(all, nil, nil)
	policy := &originate.Policy{Accounts: map[call.AccountID]originate.Account{"office": {}, "shut": {Disabled: true}}}
	for _, u := range all {
		if u.Account != "shut" {
			policy.Accounts[u.Account] = originate.Account{}
		}
	}
	var err error
	h.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	h.must(err)
	sw := pbx.New(pbx.Options{Linger: -1, Router: routing{h}})
	sw.Register(pretend.New(pretend.Options{}))
	h.must(sw.Start(t.Context()))
	h.Originator = originate.New(originate.Options{
		Store: h.store, Engine: pbx.NewEngineWith(sw, pbx.EngineOptions{}), Router: routing{h}, Node: "n1", Policy: func() *originate.Policy { return policy },
	})
	h.must(h.Originator.Start(t.Context()))
	h.door = switchvox.New(switchvox.Options{
		Users: h.users, Originator: h, Calls: h, Destination: destination, Identity: identity, Log: slog.New(slog.NewTextHandler(h.log, nil)),
		Ready: func() error { h.mu.Lock(); defer h.mu.Unlock(); return h.ready },
		Config: func() *switchvox.Config {
			h.mu.Lock()
			defer h.mu.Unlock()
			c := h.conf
			return &c
		},
		Now: func() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return begun.Add(h.clock) },
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel() // what is up is hung up at once
		if err := errors.Join(h.Stop(ctx), sw.Stop(context.WithoutCancel(t.Context())), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// destination is the routing of numbers: there are trunks for nine digits and more, and extensions
// for who is in the directory.
func destination(_ directory.User, number string) (call.Endpoint, bool) {
	if len(number) >= 9 {
		return call.Endpoint("PJSIP/" + number + "@trunk"), false
	}
	return call.Endpoint("PJSIP/" + number), false
}

// identity is what second phones are shown.
func identity(u directory.User) call.CallerID {
	return call.CallerID{Name: u.Display(), Number: u.Name.Local}
}

// routing has every phone and number pretended.
type routing struct{ h *house }

func (r routing) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	if e.Tech() != "PJSIP" {
		return call.Route{}, &originate.Refusal{Code: originate.RefusedDestination, Text: "No route leads there."}
	}
	n, _, _ := strings.Cut(e.Resource(), "@")
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	return call.Route{Typed: string(e), Endpoint: call.Endpoint("Pretend/" + strings.NewReplacer("*", "", "#", "").Replace(n) + r.h.rings)}, nil
}

func (r routing) Inbound(a call.AccountID, _, dialled string) (call.Route, error) {
	return r.Route(a, call.Endpoint("PJSIP/"+dialled))
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// set changes the house.
func (h *house) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
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

// Records is switchvox.Originator, from the real store.
func (h *house) Records(ctx context.Context, from, to time.Time) iter.Seq2[call.CDR, error] {
	return func(yield func(call.CDR, error) bool) {
		list, _, err := h.CDRs(ctx, originate.Filter{Limit: 100})
		if err != nil {
			yield(call.CDR{}, err)
			return
		}
		list = append(list, h.records...)
		slices.SortFunc(list, func(a, b call.CDR) int { return b.EndedAt.Compare(a.EndedAt) })
		for _, c := range list {
			if !from.IsZero() && c.EndedAt.Before(from) || !to.IsZero() && c.EndedAt.After(to) {
				continue
			}
			if !yield(named(c), nil) {
				return
			}
		}
	}
}

// named is a record with the phones' names alone: what pretended ones do stands behind their names.
func named(c call.CDR) call.CDR {
	bare := func(s string) string {
		s, _, _ = strings.Cut(s, "?")
		return strings.TrimSuffix(s, "486")
	}
	c.First, c.Destination = call.Endpoint(bare(string(c.First))), bare(c.Destination)
	return c
}

// Deny is switchvox.Originator.
func (h *house) Deny(ctx context.Context, e originate.AuditEntry) {
	if err := h.store.Deny(ctx, e); err != nil {
		h.Error(err)
	}
}

// Of is switchvox.Calls: what the test has put there.
func (h *house) Of(phone string) []usercall.Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.current), func(c usercall.Call) bool { return phone != "" && c.Phone != phone })
}

// Hangup is switchvox.Calls.
func (h *house) Hangup(_ context.Context, phone, id, who string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.current)
	h.current = slices.DeleteFunc(h.current, func(c usercall.Call) bool { return c.Phone == phone && c.ID == id && who != "" })
	if len(h.current) == before {
		return usercall.ErrNoCall
	}
	return nil
}

// taken gives what was submitted since it was asked last.
func (h *house) taken() []call.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.requests
	h.requests = nil
	return list
}

// denials gives the audit trail's refusals.
func (h *house) denials() []originate.AuditEntry {
	h.Helper()
	list, err := h.Audit(h.Context(), originate.AuditFilter{Denied: true, Oldest: true})
	h.must(err)
	return list
}

// said is an answer.
type said struct {
	status int
	body   string
	header http.Header
}

// ask sends a request; change may add to it.
func (h *house) ask(ctx context.Context, method, path, body string, change ...func(*http.Request)) (said, error) {
	r, err := http.NewRequestWithContext(ctx, method, h.url+path, strings.NewReader(body))
	if err != nil {
		return said{}, err
	}
	for _, f := range change {
		f(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return said{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return said{resp.StatusCode, string(b), resp.Header}, err
}

// do is ask without failing.
func (h *house) do(method, path, body string, change ...func(*http.Request)) said {
	h.Helper()
	got, err := h.ask(h.Context(), method, path, body, change...)
	h.must(err)
	return got
}

// as logs in with Basic; the password is the fixture's.
func as(name string) func(*http.Request) {
	pass := cmp.Or(map[string]string{"admin": "adminpass", "callbot": "botpass"}[name], "u"+name+"pass")
	return func(r *http.Request) { r.SetBasicAuth(name, pass) }
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// body is a request in JSON. parameters is what is between the braces.
func body(method, parameters string) string {
	return `{"request":{"method":"` + method + `","parameters":{` + parameters + `}}}`
}

// dial is the body of a call of 101 to a number.
func dial(second, more string) string {
	return body("switchvox.call", `"dial_first":"101","dial_second":"`+second+`","dial_as_account_id":"1106"`+more)
}

// code gives the first error code of an answer in JSON, "" if it has a result.
func (s said) code() string {
	_, rest, _ := strings.Cut(s.body, `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	if code == "" && !strings.Contains(s.body, `"result":`) {
		return "none"
	}
	return code
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
