package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
)

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLoginByTheForm(t *testing.T) {
	h := newHouse(t)
	resp := h.do(request("GET", loginPath+"?next=/console/%3Fa", ""))
	if page := text(t, resp); resp.StatusCode != 200 || !strings.Contains(page, `name="next" value="/console/?a"`) || resp.Header.Get("Content-Security-Policy") != policy {
		t.Errorf("form: %d %v\n%s", resp.StatusCode, resp.Header, page)
	}
	resp = h.do(request("POST", loginPath, form("user", "123", "password", password, "next", "/console/?a"), own...))
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/console/?a" {
		t.Fatalf("login: %d %v", resp.StatusCode, resp.Header)
	}
	c := resp.Cookies()[0]
	if c.Name != "dialwright_session" || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 0 {
		t.Errorf("cookie %v", c)
	}
	v, err := h.door.Visit(request("GET", "/v1/session", "", "Cookie", c.Name+"="+c.Value))
	if err != nil || v.Name != "123@tenant.com" || v.Display != "Ada Moss" || v.Role != "user" || v.Phone != "101" ||
		v.Principal.Name != "console:123@tenant.com" || v.Principal.Account != call.AccountID("sales") || v.Principal.IsAdmin() || !v.Principal.Can(auth.CallsWrite) {
		t.Errorf("visit %+v %v", v, err)
	}
	if got := h.audited(); !slices.Equal(got, []string{"console:123@tenant.com logged in 123@tenant.com"}) {
		t.Errorf("audit trail: %q", got)
	}
}

func TestCookieOverHTTPS(t *testing.T) {
	h := newHouse(t)
	resp := h.do(request("POST", loginPath, form("user", "boss", "password", password), "tls", "", "remote", "192.0.2.1", "Sec-Fetch-Site", "same-origin"))
	c := resp.Cookies()[0]
	if c.Name != "__Host-dialwright_session" || !c.Secure || c.Domain != "" || c.Path != "/" {
		t.Errorf("cookie %v", c)
	}
	if v, err := h.door.Visit(request("GET", "/", "", "tls", "", "remote", "192.0.2.1", "Cookie", c.Name+"="+c.Value)); err != nil || !v.Principal.IsAdmin() {
		t.Errorf("visit %+v %v", v, err)
	}
	// The name that any host of the domain can set does not count over HTTPS.
	if _, err := h.door.Visit(request("GET", "/", "", "tls", "", "Cookie", plainCookie+"="+c.Value)); !errors.Is(err, auth.ErrNoSession) {
		t.Errorf("plain name over HTTPS: %v", err)
	}
}

func TestLoginsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, user, password string
		headers              []string
		status               int
		audit                string
	}{
		{"wrong password", "123@tenant.com", "wrong", own, 403, "console credentials 123@tenant.com"},
		{"unknown user", "999", password, own, 403, "console credentials "},
		{"a password in the wrong field", "hunter2 hunter2", "", own, 403, "console credentials "},
		{"disabled", "gone", password, own, 403, "console credentials gone"},
		{"minter", "mint", password, own, 403, "console credentials mint"},
		{"page of another site", "123", password, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403, "console origin "},
		{"page of a neighbour", "123", password, []string{"Sec-Fetch-Site", "same-site", "Origin", "http://other.example.com"}, 403, "console origin "},
		{"page of another site in an old browser", "123", password, []string{"Origin", "https://evil.example"}, 403, "console origin "},
		{"page without an origin", "123", password, []string{"Origin", "null"}, 403, "console origin "},
		{"two origins", "123", password, []string{"Origin", "http://example.com", "Origin", "https://evil.example"}, 403, "console origin "},
		{"no browser", "123", password, nil, 403, "console origin "},
		{"plain HTTP from elsewhere", "123", password, append([]string{"remote", "192.0.2.1"}, own...), 403, "console plain_http "},
		{"a proxy nobody named", "123", password, append([]string{"X-Forwarded-For", "192.0.2.1"}, own...), 403, "console plain_http "},
		{"a proxy nobody named that claims HTTPS", "123", password, append([]string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, own...), 403, "console plain_http "},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			resp := h.do(request("POST", loginPath, form("user", c.user, "password", c.password), c.headers...))
			if resp.StatusCode != c.status || len(resp.Cookies()) != 0 || h.door.sessions.Len() != 0 {
				t.Errorf("%d %v, %d sessions", resp.StatusCode, resp.Cookies(), h.door.sessions.Len())
			}
			if got := h.audited(); !slices.Equal(got, []string{c.audit}) {
				t.Errorf("audit trail %q, want %q", got, c.audit)
			}
		})
	}
}

func TestBehindAProxy(t *testing.T) {
	h := newHouse(t)
	h.conf.TrustedProxies = prefixes("10.0.0.0/8")
	far := []string{"remote", "10.0.0.1", "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https", "Sec-Fetch-Site", "same-origin", "Origin", "https://pbx.example.com"}
	cookie := h.login("boss", far...)
	if !strings.HasPrefix(cookie, secureCookie+"=") {
		t.Errorf("cookie %s", cookie)
	}
	v, err := h.door.Visit(request("GET", "/v1/calls", "", append(far, "Cookie", cookie)...))
	if err != nil || v.Client.String() != "192.0.2.1" {
		t.Errorf("visit %+v %v", v, err)
	}
	plain := []string{"remote", "10.0.0.1", "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "http", "Sec-Fetch-Site", "same-origin", "Cookie", plainCookie + "=" + strings.TrimPrefix(cookie, secureCookie+"=")}
	if _, err := h.door.Visit(request("GET", "/v1/calls", "", plain...)); !errors.Is(err, auth.ErrPlainHTTP) {
		t.Errorf("plain HTTP at the proxy: %v", err)
	}
}

// Ten wrong passwords lock, but not out of where the user has logged in before.
func TestLockout(t *testing.T) {
	h := newHouse(t)
	h.login("123")
	for range 10 {
		h.do(request("POST", loginPath, form("user", "123", "password", "wrong"), append([]string{"tls", "", "remote", "192.0.2.1"}, own[:2]...)...))
	}
	resp := h.do(request("POST", loginPath, form("user", "boss", "password", password), append([]string{"tls", "", "remote", "192.0.2.1"}, own[:2]...)...))
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "600" {
		t.Errorf("the address is not locked: %d %v", resp.StatusCode, resp.Header)
	}
	_, err := h.door.Login(httptest.NewRecorder(), request("POST", "/v1/session", "", "remote", "192.0.2.2", "tls", ""), "123@tenant.com", password)
	if locked, ok := errors.AsType[auth.LockedError](err); !ok || locked.After != 10*time.Minute {
		t.Errorf("the name is not locked: %v", err)
	}
	h.login("123") // from where it has logged in before
	h.later(10*time.Minute + time.Second)
	if resp := h.do(request("POST", loginPath, form("user", "boss", "password", password), append([]string{"tls", "", "remote", "192.0.2.1"}, own[:2]...)...)); resp.StatusCode != 303 {
		t.Errorf("the lock does not end: %d", resp.StatusCode)
	}
}

// What somebody has put into the browser beforehand is never the value of a session.
func TestFixation(t *testing.T) {
	h := newHouse(t)
	cookie := h.login("123", "Cookie", plainCookie+"=AAAAAAAAAAAAAAAAAAAAAAAAAA")
	if strings.HasSuffix(cookie, "=AAAAAAAAAAAAAAAAAAAAAAAAAA") {
		t.Error("the value was taken over")
	}
	next := h.login("boss", "Cookie", cookie) // the same browser, somebody else
	if next == cookie {
		t.Error("a session was taken over")
	}
	if _, err := h.door.Visit(request("GET", "/", "", "Cookie", cookie)); !errors.Is(err, auth.ErrSession) {
		t.Errorf("the first session lasts: %v", err)
	}
	if v, err := h.door.Visit(request("GET", "/", "", "Cookie", plainCookie+"=other; "+next)); err != nil || v.Name != "boss" {
		t.Errorf("beside another cookie of the name: %+v %v", v, err)
	}
}

func TestSessionsEndWithWhatTheyStandOn(t *testing.T) {
	change := func(edit func(u *directory.User)) func(h *house, n directory.Name) error {
		return func(h *house, n directory.Name) error {
			return h.people.Change(h.Context(), n, func(u *directory.User) error { edit(u); return nil }, directory.Secrets{}, directory.By{})
		}
	}
	for name, c := range map[string]struct {
		do   func(h *house, n directory.Name) error
		ends bool
	}{
		"disabled":        {change(func(u *directory.User) { u.Disabled = true }), true},
		"another role":    {change(func(u *directory.User) { u.Role = directory.RoleTenantAdmin }), true},
		"another account": {change(func(u *directory.User) { u.Account = "other" }), true},
		"another name":    {change(func(u *directory.User) { u.FirstName = "Eve" }), false},
		"another phone":   {change(func(u *directory.User) { u.Phone = "105" }), false},
		"another password": {func(h *house, n directory.Name) error {
			return h.people.Change(h.Context(), n, func(*directory.User) error { return nil }, directory.Secrets{Password: new("another-one-2")}, directory.By{})
		}, true},
		"removed":          {func(h *house, n directory.Name) error { return h.people.Delete(h.Context(), n, directory.By{}) }, true},
		"has rested":       {func(h *house, _ directory.Name) error { h.later(61 * time.Minute); return nil }, true},
		"has been used":    {func(h *house, _ directory.Name) error { h.later(59 * time.Minute); return nil }, false},
		"the server stops": {func(h *house, _ directory.Name) error { return h.door.Stop(h.Context()) }, true},
		"disabled and back": {func(h *house, n directory.Name) error {
			err := change(func(u *directory.User) { u.Disabled = true })(h, n)
			return errors.Join(err, change(func(u *directory.User) { u.Disabled = false })(h, n))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			n := directory.Name{Local: "eve", Tenant: "tenant.com"}
			if err := h.people.Create(t.Context(), directory.User{Name: n, Role: directory.RoleUser, Account: "sales"}, directory.Secrets{Password: new(password)}, directory.By{}); err != nil {
				t.Fatal(err)
			}
			cookie := h.login("eve@tenant.com")
			v, err := h.door.Visit(request("GET", "/", "", "Cookie", cookie))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.do(h, n); err != nil {
				t.Fatal(err)
			}
			if got := h.door.Lasts(v.Session); got == c.ends {
				t.Errorf("the session lasts: %v", got)
			}
			if _, err := h.door.Visit(request("GET", "/", "", "Cookie", cookie)); errors.Is(err, auth.ErrSession) != c.ends {
				t.Errorf("the cookie: %v", err)
			}
		})
	}
}

func TestForWhomTheCookieCounts(t *testing.T) {
	h := newHouse(t)
	cookie := h.login("123")
	for _, c := range []struct {
		name    string
		method  string
		headers []string
		want    error
	}{
		{"a script of ours", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"}, nil},
		{"an old browser", "POST", []string{"Origin", "http://example.com"}, nil},
		{"an address that was typed", "GET", []string{"Sec-Fetch-Site", "none"}, nil},
		{"no browser", "GET", nil, nil},
		{"a page of another site", "GET", []string{"Sec-Fetch-Site", "cross-site"}, auth.ErrForeign},
		{"a page of a neighbour", "GET", []string{"Sec-Fetch-Site", "same-site"}, auth.ErrForeign},
		{"a script of another site", "GET", []string{"Origin", "https://evil.example"}, auth.ErrForeign},
		{"the same host by HTTP at another port", "GET", []string{"Origin", "http://example.com:81"}, auth.ErrForeign},
		{"a socket of ours", "GET", []string{"Upgrade", "websocket", "Origin", "http://example.com"}, nil},
		{"a socket of ours behind a proxy that changes the host", "GET", []string{"Upgrade", "websocket", "Sec-Fetch-Site", "same-origin", "Origin", "https://pbx.example.com"}, nil},
		{"a socket of another site", "GET", []string{"Upgrade", "websocket", "Origin", "https://evil.example"}, auth.ErrForeign},
		{"a socket of another site, told apart", "GET", []string{"Upgrade", "websocket", "Sec-Fetch-Site", "cross-site", "Origin", "http://example.com"}, auth.ErrForeign},
		{"a socket that says nothing", "GET", []string{"Upgrade", "WebSocket"}, auth.ErrForeign},
		{"a socket of a sandbox", "GET", []string{"Upgrade", "websocket", "Origin", "null"}, auth.ErrForeign},
		{"plain HTTP from elsewhere", "GET", []string{"remote", "192.0.2.1"}, auth.ErrPlainHTTP},
		{"a proxy nobody named", "GET", []string{"X-Forwarded-For", "192.0.2.1"}, auth.ErrPlainHTTP},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := h.door.Visit(request(c.method, "/v1/calls", "", append([]string{"Cookie", cookie}, c.headers...)...)); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	h := newHouse(t)
	cookie := h.login("123")
	if resp := h.do(request("POST", logoutPath, "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site")); resp.StatusCode != 403 || h.door.sessions.Len() != 1 {
		t.Errorf("by another site: %d", resp.StatusCode)
	}
	if resp := h.do(request("GET", logoutPath, "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin")); resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	resp := h.do(request("POST", logoutPath, "", append([]string{"Cookie", cookie}, own...)...))
	if resp.StatusCode != 303 || resp.Cookies()[0].MaxAge != -1 || h.door.sessions.Len() != 0 {
		t.Errorf("%d %v, %d sessions", resp.StatusCode, resp.Cookies(), h.door.sessions.Len())
	}
}

// Many passwords at once do not pile up: who comes too many is told to wait.
func TestLoginsAtOnce(t *testing.T) {
	h := newHouse(t)
	for range atOnce {
		h.door.hashes <- struct{}{}
	}
	_, err := h.door.Login(httptest.NewRecorder(), request("POST", "/v1/session", ""), "123@tenant.com", password)
	if _, ok := errors.AsType[auth.LockedError](err); !ok {
		t.Errorf("%v", err)
	}
	<-h.door.hashes
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.door.Login(httptest.NewRecorder(), request("POST", "/v1/session", "").WithContext(ctx), "123@tenant.com", "wrong"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the client has gone: %v", err)
	}
}
