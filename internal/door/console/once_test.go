package console

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// invite makes an address and gives its path.
func (h *house) invite(n directory.Name, by auth.Principal) string {
	h.Helper()
	url, until := h.door.Invite(h.Context(), n, by)
	path, ok := strings.CutPrefix(url, h.base)
	if !ok || !until.Equal(h.door.now().Add(10*time.Minute)) {
		h.Fatalf("address %s until %v", url, until)
	}
	return path
}

func TestOneTimeLogin(t *testing.T) {
	h := newHouse(t)
	path := h.invite(directory.Name{}, auth.Local())
	for range 3 { // mail scanners and browsers that look ahead
		if resp := h.do(request("GET", path, "", "Sec-Purpose", "prefetch")); resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" || len(resp.Cookies()) != 0 {
			t.Errorf("GET: %d %v", resp.StatusCode, resp.Header)
		}
		if resp := h.do(request("HEAD", path, "")); resp.StatusCode != 200 || text(t, resp) != "" {
			t.Errorf("HEAD: %d", resp.StatusCode)
		}
	}
	for _, foreign := range [][]string{nil, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		if resp := h.do(request("POST", path, "", foreign...)); resp.StatusCode != 403 || len(resp.Cookies()) != 0 {
			t.Errorf("POST by %v: %d", foreign, resp.StatusCode)
		}
	}
	resp := h.do(request("POST", path, "", own...))
	if resp.StatusCode != 303 || resp.Header.Get("Location") != appPath || len(resp.Cookies()) != 1 {
		t.Fatalf("POST: %d %v", resp.StatusCode, resp.Header)
	}
	v, err := h.door.Visit(request("GET", "/", "", "Cookie", plainCookie+"="+resp.Cookies()[0].Value))
	if err != nil || v.Name != "" || v.Role != "admin" || !v.Principal.IsAdmin() || v.Principal.Name != "console" {
		t.Errorf("%+v %v", v, err)
	}
	if resp := h.do(request("POST", path, "", own...)); resp.StatusCode != 410 || len(resp.Cookies()) != 0 {
		t.Errorf("the second time: %d", resp.StatusCode)
	}
	if resp := h.do(request("GET", path, "")); resp.StatusCode != 410 {
		t.Errorf("the page afterwards: %d", resp.StatusCode)
	}
	got := h.audited()
	want := []string{"local one-time login made ", "console origin ", "console origin ", "console origin ", "console logged in by a one-time address "}
	if !slices.Equal(got, want) {
		t.Errorf("audit trail %q", got)
	}
}

func TestOneTimeLoginsThatDoNotWork(t *testing.T) {
	for name, c := range map[string]struct {
		do      func(h *house) error
		headers []string
		status  int
	}{
		"too old":          {func(h *house) error { h.later(10 * time.Minute); return nil }, own, 410},
		"in time":          {func(h *house) error { h.later(10*time.Minute - time.Second); return nil }, own, 303},
		"another password": {func(h *house) error { return h.change(directory.Secrets{Password: new("another-one-2")}, nil) }, own, 403},
		"disabled": {func(h *house) error {
			return h.change(directory.Secrets{}, func(u *directory.User) { u.Disabled = true })
		}, own, 403},
		"plain HTTP from outside":  {func(*house) error { return nil }, append([]string{"remote", "192.0.2.1"}, own...), 403},
		"a proxy nobody has named": {func(*house) error { return nil }, append([]string{"X-Forwarded-For", "192.0.2.1"}, own...), 403},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			n := directory.Name{Local: "eve", Tenant: "tenant.com"}
			if err := h.people.Create(t.Context(), directory.User{Name: n, Role: directory.RoleUser, Account: "sales"}, directory.Secrets{Password: new(password)}, directory.By{}); err != nil {
				t.Fatal(err)
			}
			path := h.invite(n, auth.Local())
			if err := c.do(h); err != nil {
				t.Fatal(err)
			}
			if resp := h.do(request("POST", path, "", c.headers...)); resp.StatusCode != c.status {
				t.Errorf("%d, want %d", resp.StatusCode, c.status)
			}
		})
	}
	// After a restart no address works: they live in memory.
	path := newHouse(t).invite(directory.Name{}, auth.Local())
	if resp := newHouse(t).do(request("POST", path, "", own...)); resp.StatusCode != 410 {
		t.Errorf("after a restart: %d", resp.StatusCode)
	}
}

// change changes the user eve.
func (h *house) change(s directory.Secrets, edit func(u *directory.User)) error {
	return h.people.Change(h.Context(), directory.Name{Local: "eve", Tenant: "tenant.com"}, func(u *directory.User) error {
		if edit != nil {
			edit(u)
		}
		return nil
	}, s, directory.By{})
}

// Who was vouched for by an administrator goes when that one is none any more.
func TestInvitedByAnAdministrator(t *testing.T) {
	h := newHouse(t)
	n := directory.Name{Local: "eve", Tenant: "tenant.com"}
	if err := h.people.Create(t.Context(), directory.User{Name: n, Role: directory.RoleAdmin, Account: "sales"}, directory.Secrets{Password: new(password)}, directory.By{}); err != nil {
		t.Fatal(err)
	}
	v, err := h.door.Visit(request("GET", "/", "", "Cookie", h.login("eve@tenant.com")))
	if err != nil {
		t.Fatal(err)
	}
	used, waiting := h.invite(directory.Name{}, v.Principal), h.invite(directory.Name{}, v.Principal)
	resp := h.do(request("POST", used, "", own...))
	cookie := plainCookie + "=" + resp.Cookies()[0].Value
	if _, err := h.door.Visit(request("GET", "/", "", "Cookie", cookie)); err != nil {
		t.Fatal(err)
	}
	if err := h.change(directory.Secrets{}, func(u *directory.User) { u.Role = directory.RoleUser }); err != nil {
		t.Fatal(err)
	}
	if _, err := h.door.Visit(request("GET", "/", "", "Cookie", cookie)); !errors.Is(err, auth.ErrSession) {
		t.Errorf("the session lasts: %v", err)
	}
	if resp := h.do(request("POST", waiting, "", own...)); resp.StatusCode != 403 {
		t.Errorf("the address works: %d", resp.StatusCode)
	}
}

func TestGuessesOfTokens(t *testing.T) {
	h := newHouse(t)
	path := h.invite(directory.Name{}, auth.Local())
	for range 10 {
		if resp := h.do(request("GET", oncePath+"AAAAAAAAAAAAAAAAAAAAAAAAAA", "")); resp.StatusCode != 410 {
			t.Fatalf("%d", resp.StatusCode)
		}
	}
	if resp := h.do(request("POST", path, "", own...)); resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "60" {
		t.Errorf("after ten guesses: %d", resp.StatusCode)
	}
	if resp := h.do(request("POST", path, "", "tls", "", "remote", "192.0.2.1", "Sec-Fetch-Site", "same-origin")); resp.StatusCode != 303 {
		t.Errorf("from elsewhere: %d", resp.StatusCode)
	}
}

func TestInvitationsAreBounded(t *testing.T) {
	h := newHouse(t)
	first := h.invite(directory.Name{}, auth.Local())
	h.later(time.Second)
	second := h.invite(directory.Name{}, auth.Local())
	for range inviteSlots - 1 {
		h.later(time.Millisecond)
		h.invite(directory.Name{}, auth.Local())
	}
	if n := len(h.door.invites.list); n != inviteSlots {
		t.Errorf("%d wait", n)
	}
	if resp := h.do(request("POST", first, "", own...)); resp.StatusCode != 410 {
		t.Errorf("the oldest: %d", resp.StatusCode)
	}
	if resp := h.do(request("POST", second, "", own...)); resp.StatusCode != 303 {
		t.Errorf("the second: %d", resp.StatusCode)
	}
	h.base = ""
	if url, _ := h.door.Invite(t.Context(), directory.Name{}, auth.Local()); url != "" {
		t.Errorf("without a listener: %s", url)
	}
}
