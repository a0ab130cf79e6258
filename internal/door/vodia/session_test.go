package vodia

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
)

const sessions = "/rest/system/session"

// mint asks for a token.
func (h *house) mint(login, body string) *httptest.ResponseRecorder {
	h.Helper()
	return h.ask("POST", sessions, body, login)
}

// redeem exchanges the token of an answer for a cookie; "" = it is none.
func (h *house) redeem(w *httptest.ResponseRecorder, headers ...string) string {
	h.Helper()
	var token string
	_ = json.Unmarshal(w.Body.Bytes(), &token) // false is no token
	w = h.ask("POST", sessions, `{"name":"session","value":"`+token+`"}`, headers...)
	for _, c := range (&http.Response{Header: w.Header()}).Cookies() {
		return cookie(c.Value)
	}
	return ""
}

// staff are the people of the vectors and more.
func (h *house) staff(more ...directorytest.Person) {
	h.Helper()
	f := vectors(h).Fixture
	directorytest.Configure(h, h.people, f.Tenants, append(h.fixture(f.Accounts), more...)...)
}

// Who gets which token, and what the session is good for: the calls of Ada, of Ben and of Eve
// in the other tenant.
func TestTokens(t *testing.T) {
	inBubble(t, func(h *house) {
		h.staff(
			directorytest.Person{Name: "crm@tenant.com", Password: "password", User: directory.User{Role: directory.RoleMinter, Mints: []string{ada, "root@tenant.com"}}},
			directorytest.Person{Name: "all@tenant.com", Password: "password", User: directory.User{Role: directory.RoleMinter, Mints: []string{"*@tenant.com"}}},
			directorytest.Person{Name: "root@tenant.com", Password: "password", User: directory.User{Role: directory.RoleAdmin}},
			directorytest.Person{Name: "off@tenant.com", Password: "password", User: directory.User{Disabled: true}},
		)
		admin, manager := basic(root, "bigsecret"), basic("admin@tenant.com", "tenantadmin")
		crm, all := basic("crm@tenant.com", "password"), basic("all@tenant.com", "password")
		const yes, no = 200, 403
		for _, c := range []struct {
			note, login, body string
			status            int    // of the mint; 0 = false, of nothing
			may               [3]int // see the calls of Ada, Ben and Eve
		}{
			{"extension", admin, `{"name":"3rd","username":"123","domain":"tenant.com"}`, 200, [3]int{yes, no, no}},
			{"extension as a number", admin, `{"name":"3rd","username":123,"domain":"TENANT.com"}`, 200, [3]int{yes, no, no}},
			{"full name", admin, `{"name":"3rd","username":"123@other.example"}`, 200, [3]int{no, no, yes}},
			{"tenant", admin, `{"name":"3rd","domain":"tenant.com"}`, 200, [3]int{no, no, no}},
			{"tenant's administrator", admin, `{"name":"3rd","admin":true,"domain":"tenant.com"}`, 200, [3]int{yes, yes, no}},
			{"tenant's administrator, older", admin, `{"name":"3rd","username":"admin","domain":"tenant.com"}`, 200, [3]int{yes, yes, no}},
			{"older, where nobody is called so", admin, `{"name":"3rd","username":"admin","domain":"other.example"}`, 200, [3]int{no, no, yes}},
			{"no tenant said", admin, `{"name":"3rd","username":"123"}`, 400, [3]int{}},
			{"unknown tenant", admin, `{"name":"3rd","domain":"nowhere.example"}`, 0, [3]int{}},
			{"unknown user", admin, `{"name":"3rd","username":"999","domain":"tenant.com"}`, 0, [3]int{}},
			{"disabled user", admin, `{"name":"3rd","username":"off","domain":"tenant.com"}`, 0, [3]int{}},
			{"by the tenant's own", manager, `{"name":"3rd","username":"124","domain":"tenant.com"}`, 200, [3]int{no, yes, no}},
			{"by the tenant's own, elsewhere", manager, `{"name":"3rd","username":"123","domain":"other.example"}`, 403, [3]int{}},
			{"by the tenant's own, for more rights", manager, `{"name":"3rd","username":"root","domain":"tenant.com"}`, 403, [3]int{}},
			{"by a minter", crm, `{"name":"3rd","username":"123","domain":"tenant.com"}`, 200, [3]int{yes, no, no}},
			{"by a minter, not in its list", crm, `{"name":"3rd","username":"124","domain":"tenant.com"}`, 403, [3]int{}},
			{"by a minter, for more rights", crm, `{"name":"3rd","username":"root","domain":"tenant.com"}`, 403, [3]int{}},
			{"by a minter, for a tenant", crm, `{"name":"3rd","domain":"tenant.com"}`, 403, [3]int{}},
			{"by a minter, for the administrator", all, `{"name":"3rd","admin":true,"domain":"tenant.com"}`, 403, [3]int{}},
			{"by a minter, older", all, `{"name":"3rd","username":"admin","domain":"tenant.com"}`, 403, [3]int{}},
			{"by a minter of a tenant", all, `{"name":"3rd","username":"124","domain":"tenant.com"}`, 200, [3]int{no, yes, no}},
			{"by an extension", basic(ada, adaPass), `{"name":"3rd","username":"123","domain":"tenant.com"}`, 403, [3]int{}},
			{"by nobody", "", `{"name":"3rd","username":"123","domain":"tenant.com"}`, 401, [3]int{}},
			{"by a session", cookie(h.session(root)), `{"name":"3rd","username":"123","domain":"tenant.com"}`, 401, [3]int{}},
		} {
			w := h.mint(c.login, c.body)
			if want := max(c.status, 200); w.Code != want && (c.status != 0 || w.Code != 200) {
				t.Errorf("%s: %d %s", c.note, w.Code, w.Body)
			}
			if c.status == 0 && strings.TrimSpace(w.Body.String()) != "false" {
				t.Errorf("%s: %s, want false", c.note, w.Body)
			}
			login := h.redeem(w)
			if (login != "") != (c.status == 200) {
				t.Errorf("%s: session %v", c.note, login != "")
			}
			if login == "" {
				continue
			}
			for i, of := range []string{ada, "124@tenant.com", "123@other.example"} {
				if got := h.ask("GET", "/rest/user/"+of+"/calls", "", login).Code; got != c.may[i] {
					t.Errorf("%s: the calls of %s: %d, want %d", c.note, of, got, c.may[i])
				}
			}
			if again := h.redeem(w); again != "" {
				t.Errorf("%s: the token works twice", c.note)
			}
		}
	})
}

// Another name of a tenant (tenants.hosts) means the tenant, whatever the token is for.
func TestTokenByOtherName(t *testing.T) {
	inBubble(t, func(h *house) {
		f := vectors(h).Fixture
		var list []directory.Record
		for _, p := range h.fixture(f.Accounts) {
			list = append(list, directorytest.Record(h, p))
		}
		h.people.Configure(list, f.Tenants, map[string]string{"pbx.example": "tenant.com"})
		for _, login := range []string{basic(root, "bigsecret"), basic("admin@tenant.com", "tenantadmin")} {
			for body, status := range map[string]int{
				`{"name":"3rd","username":"123","domain":"PBX.example"}`: 200, `{"name":"3rd","admin":true,"domain":"pbx.example"}`: 200, `{"name":"3rd","domain":"pbx.example"}`: 403,
			} {
				s := h.redeem(h.mint(login, body))
				if got := h.ask("GET", adasCalls, "", s).Code; s == "" || got != status {
					t.Errorf("%s: session %v, the calls of Ada: %d, want %d", body, s != "", got, status)
				}
			}
			if w := h.mint(login, `{"name":"3rd","username":"999","domain":"pbx.example"}`); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "false" {
				t.Errorf("nobody: %d %s", w.Code, w.Body)
			}
		}
	})
}

// A session ends by rest, by age, by logout, and with the password or the right behind it.
func TestSessionEnds(t *testing.T) {
	alive := func(h *house, login string, want bool) {
		h.Helper()
		if got := h.ask("GET", adasCalls, "", login).Code == 200; got != want {
			h.Errorf("alive: %v, want %v", got, want)
		}
	}
	for _, c := range []struct {
		note string
		end  func(h *house, login string)
	}{
		{"rest", func(h *house, _ string) { time.Sleep(time.Hour + time.Second) }},
		{"age", func(h *house, login string) {
			for range 14 {
				time.Sleep(50 * time.Minute)
				alive(h, login, true)
			}
			time.Sleep(21 * time.Minute)
		}},
		{"logout", func(h *house, login string) {
			w := h.ask("DELETE", sessions, "", login, "Sec-Fetch-Site: same-origin")
			if h.want(w, 200); !slices.ContainsFunc(w.Header().Values("Set-Cookie"), func(s string) bool { return strings.Contains(s, "Max-Age=0") }) {
				h.Errorf("the cookie stays: %v", w.Header())
			}
		}},
		{"another password", func(h *house, _ string) {
			f := vectors(h).Fixture
			people := h.fixture(f.Accounts)
			for i := range people {
				if people[i].Name == ada {
					people[i].Password = "changed!"
				}
			}
			directorytest.Configure(h, h.people, f.Tenants, people...)
		}},
		{"disabled", func(h *house, _ string) {
			f := vectors(h).Fixture
			people := h.fixture(f.Accounts)
			for i := range people {
				people[i].Disabled = people[i].Name == ada
			}
			directorytest.Configure(h, h.people, f.Tenants, people...)
		}},
		{"ended by the operator", func(h *house, _ string) {
			if n := h.door.EndSessions(directory.Name{Local: "123", Tenant: "tenant.com"}); n != 1 {
				h.Errorf("%d sessions", n)
			}
		}},
		{"restart", func(h *house, _ string) { h.restart() }},
	} {
		t.Run(c.note, func(t *testing.T) {
			inBubble(t, func(h *house) {
				login := cookie(h.session(ada))
				alive(h, login, true)
				c.end(h, login)
				alive(h, login, false)
			})
		})
	}
	t.Run("not by another site", func(t *testing.T) {
		inBubble(t, func(h *house) {
			login := cookie(h.session(ada))
			for _, header := range []string{"Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "X-Nothing: x"} {
				h.want(h.ask("DELETE", sessions, "", login, header), 403)
			}
			alive(h, login, true)
		})
	})
}

// Tokens do not outlive a restart either.
func TestTokenAfterRestart(t *testing.T) {
	inBubble(t, func(h *house) {
		w := h.mint(basic(root, "bigsecret"), `{"name":"3rd","username":"123","domain":"tenant.com"}`)
		h.restart()
		if login := h.redeem(w); login != "" {
			t.Error("a token works after a restart")
		}
	})
}

// The cookie is for this site alone, unless a page that is listed logs in; a page of a stranger
// cannot log anybody in.
func TestExchange(t *testing.T) {
	inBubble(t, func(h *house) {
		for _, c := range []struct {
			note, cookie string
			plain        bool // over http:// from afar, where that is allowed
			headers      []string
		}{
			{"program", "Path=/; HttpOnly; Secure; SameSite=Strict", false, nil},
			{"our page", "Path=/; HttpOnly; Secure; SameSite=Strict", false, []string{"Origin: https://pbx.example"}},
			{"listed page", "Path=/; HttpOnly; Secure; SameSite=None; Partitioned", false, []string{"Origin: https://crm.example"}},
			{"another page", "", false, []string{"Origin: https://evil.example"}},
			{"no origin", "", false, []string{"Origin: null"}},
			{"plain HTTP", "Path=/; HttpOnly; SameSite=Strict", true, nil},
		} {
			h.set(func() { h.conf.AllowPlainHTTP = c.plain })
			var token string
			h.must(json.Unmarshal(h.mint(basic(root, "bigsecret"), `{"name":"3rd","username":"123","domain":"tenant.com"}`).Body.Bytes(), &token))
			r := h.request("POST", sessions, `{"name":"session","value":"`+token+`"}`, c.headers...)
			if c.plain {
				r.TLS = nil
			}
			w := h.serve(r)
			_, got, _ := strings.Cut(w.Header().Get("Set-Cookie"), "; ")
			if got != c.cookie || (w.Code == 200) != (c.cookie != "") {
				t.Errorf("%s: %d %q, want %q", c.note, w.Code, got, c.cookie)
			}
		}
	})
}

// What is no request of this resource, and what needs no login.
func TestSessionBadInput(t *testing.T) {
	inBubble(t, func(h *house) {
		for _, c := range []struct {
			method, body string
			status       int
		}{
			{"POST", "", 400}, {"POST", "[]", 400}, {"POST", `{"name":3}`, 400}, {"POST", `{"name":"auth","value":"123 0cc175b9"}`, 400},
			{"POST", `{"name":"3rd","username":{}}`, 400}, {"POST", `{"name":"session","value":7}`, 400}, {"POST", "name=session&value=x", 400},
			{"POST", strings.Repeat(" ", 70_000), 413}, {"POST", `{"name":"session"}`, 200}, {"POST", `{"name":"session","value":null}`, 200},
			{"PUT", `{"name":"auth","value":"123 0cc175b9"}`, 405}, {"PATCH", "", 405}, {"OPTIONS", "", 403},
		} {
			w := h.ask(c.method, sessions, c.body)
			if w.Code != c.status || w.Code == 200 && strings.TrimSpace(w.Body.String()) != "false" || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s %.60s: %d %s", c.method, c.body, w.Code, w.Body)
			}
		}
		w := h.ask("GET", sessions, "", basic(ada, adaPass))
		if h.want(w, 200); w.Header().Get("Set-Cookie") != "" || !strings.Contains(w.Body.String(), `"credentials":true`) {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	})
}

// The glue serves pages of our own with tokens that work.
func TestGlue(t *testing.T) {
	inBubble(t, func(h *house) {
		h.set(func() { h.conf.PublicHost = "pbx.example:8443" })
		ask := func(status int, headers ...string) *httptest.ResponseRecorder {
			t.Helper()
			w := h.ask("GET", "/rest/pbxlogin", "", headers...)
			h.want(w, status)
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("WWW-Authenticate") != "" || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%v", w.Header())
			}
			return w
		}
		login := cookie(h.session(ada))
		ask(401)
		ask(401, basic(ada, adaPass)) // its own login, not that of the PBX
		ask(403, login, "Sec-Fetch-Site: cross-site")
		ask(403, login, "Origin: https://evil.example")
		h.want(h.ask("POST", "/rest/pbxlogin", "", login), 405)
		admins := h.redeem(h.mint(basic(root, "bigsecret"), `{"name":"3rd","admin":true,"domain":"tenant.com"}`))
		ask(403, admins) // no extension's
		var got struct{ Session, Server, User, Domain string }
		h.must(json.Unmarshal(ask(200, login).Body.Bytes(), &got))
		if got.Server != "pbx.example:8443" || got.User != "123" || got.Domain != "tenant.com" {
			t.Errorf("%+v", got)
		}
		w := httptest.NewRecorder()
		w.Body.WriteString(`"` + got.Session + `"`)
		if own := h.redeem(w, "Origin: https://pbx.example"); own == "" {
			t.Error("its token opens no session")
		} else {
			h.want(h.ask("GET", adasCalls, "", own), 200)
		}
	})
}

// The form of our own pages.
func TestLoginForm(t *testing.T) {
	inBubble(t, func(h *house) {
		h.staff(directorytest.Person{Name: "crm@tenant.com", Password: "password", User: directory.User{Role: directory.RoleMinter, Mints: []string{ada}}})
		w := h.ask("GET", "/click-to-dial?number=555", "")
		if h.want(w, 303); w.Header().Get("Location") != "/click-to-dial/login?number=555" {
			t.Errorf("%v", w.Header())
		}
		h.want(h.ask("GET", "/click-to-dial/login?number=555", ""), 200)
		const good = "account=123%40tenant.com&password=password&number=555"
		for _, c := range []struct {
			note, body string
			status     int
			headers    []string
		}{
			{"another site's form", good, 403, []string{"Origin: https://evil.example"}},
			{"a listed site's form", good, 403, []string{"Origin: https://crm.example"}},
			{"another site, says the browser", good, 403, []string{"Sec-Fetch-Site: cross-site"}},
			{"no browser", good, 403, nil},
			{"wrong password", strings.Replace(good, "=password", "=wrong", 1), 403, []string{"Origin: https://pbx.example"}},
			{"minter", "account=crm%40tenant.com&password=password", 403, []string{"Origin: https://pbx.example"}},
			{"right", good, 303, []string{"Origin: https://pbx.example", "Sec-Fetch-Site: same-origin"}},
		} {
			w := h.ask("POST", "/click-to-dial/login", c.body, c.headers...)
			if w.Code != c.status || (w.Header().Get("Set-Cookie") != "") != (c.status == 303) {
				t.Errorf("%s: %d %v", c.note, w.Code, w.Header())
			}
			if c.status != 303 {
				continue
			}
			value, _, _ := strings.Cut(strings.TrimPrefix(w.Header().Get("Set-Cookie"), "session="), ";")
			page := h.ask("GET", w.Header().Get("Location"), "", cookie(value))
			if h.want(page, 200); w.Header().Get("Location") != "/click-to-dial?number=555" || !strings.Contains(page.Body.String(), ada) {
				t.Errorf("%v %s", w.Header(), page.Body)
			}
			h.want(h.ask("POST", "/click-to-dial/logout", "", cookie(value)), 403)
			h.want(h.ask("GET", "/click-to-dial/logout", "", cookie(value)), 405)
			h.want(h.ask("POST", "/click-to-dial/logout", "", cookie(value), "Origin: https://pbx.example"), 303)
			h.want(h.ask("GET", "/click-to-dial", "", cookie(value)), 303)
		}
	})
}
