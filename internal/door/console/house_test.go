package console

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/originate"
)

// house is the door on a real directory.
type house struct {
	testing.TB
	people *directory.Directory
	store  *directorytest.Store
	door   *Door
	conf   Config

	mu   sync.Mutex // guards what follows
	now  time.Time
	base string
	list []originate.AuditEntry
}

const password = "the-password-1"

var builtFiles = fstest.MapFS{
	"index.html":          {Data: []byte("<!doctype html><title>console</title>")},
	"icon.svg":            {Data: []byte("<svg/>")},
	"assets/app-x1.js":    {Data: []byte(strings.Repeat("export const x = 1;\n", 500))},
	"assets/dot-x2.png":   {Data: []byte("\x89PNG\r\n\x1a\n")},
	"assets/phone-x3.css": {Data: []byte(strings.Repeat("body { margin: 0 }\n", 100))},
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{TB: t, store: new(directorytest.Store), now: time.Unix(1_700_000_000, 0), base: "http://127.0.0.1:8088",
		conf: Config{SessionIdle: time.Hour, SessionMax: 12 * time.Hour}}
	h.people = directory.New(directorytest.Options(h.store))
	directorytest.Configure(t, h.people, []string{"tenant.com"},
		directorytest.Person{Name: "123@tenant.com", Password: password, User: directory.User{FirstName: "Ada", LastName: "Moss", Phone: "101", Account: "sales"}},
		directorytest.Person{Name: "lead@tenant.com", Password: password, User: directory.User{Role: directory.RoleTenantAdmin, Account: "sales"}},
		directorytest.Person{Name: "boss", Password: password, User: directory.User{Role: directory.RoleAdmin, Account: "default"}},
		directorytest.Person{Name: "mint", Password: password, User: directory.User{Role: directory.RoleMinter, Account: "default"}},
		directorytest.Person{Name: "gone", Password: password, User: directory.User{Role: directory.RoleUser, Account: "default", Disabled: true}},
	)
	var err error
	h.door, err = New(Options{
		Users: h.people, Files: builtFiles, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Now:    func() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now },
		Base:   func() string { return h.base },
		Config: func() *Config { return &h.conf },
		Note: func(_ context.Context, e originate.AuditEntry) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.list = append(h.list, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.door.Stop(context.Background()); err != nil { // the test's own context has ended
			t.Error(err)
		}
	})
	return h
}

// later lets time pass.
func (h *house) later(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// audited gives the rule, or the text, of the last entries of the trail.
func (h *house) audited() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.list {
		if e.Accepted {
			out = append(out, e.Origin.Principal+" "+e.Text+" "+e.First)
		} else {
			out = append(out, e.Rule+" "+e.First)
		}
	}
	return out
}

// request makes one from a browser of this machine; headers are name, value, …
func request(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		switch headers[i] {
		case "remote":
			r.RemoteAddr = headers[i+1] + ":50000"
		case "tls":
			r.TLS = &tls.ConnectionState{}
		default:
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	return r
}

// own is what browsers send with a form of one of our pages.
var own = []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"}

func (h *house) do(r *http.Request) *http.Response {
	h.Helper()
	if !h.door.Serves(r.URL.Path) {
		h.Fatalf("%s is not served", r.URL.Path)
	}
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, r)
	return w.Result()
}

// form gives a body.
func form(values ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		v.Set(values[i], values[i+1])
	}
	return v.Encode()
}

// login logs in by the form and gives the cookie, "name=value".
func (h *house) login(user string, headers ...string) string {
	h.Helper()
	if !slices.Contains(headers, "Sec-Fetch-Site") {
		headers = append(headers, own...)
	}
	resp := h.do(request("POST", loginPath, form("user", user, "password", password), headers...))
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		h.Fatalf("login of %s: %d, cookies %v", user, resp.StatusCode, resp.Cookies())
	}
	c := resp.Cookies()[0]
	return c.Name + "=" + c.Value
}

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
