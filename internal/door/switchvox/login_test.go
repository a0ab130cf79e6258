package switchvox_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/switchvox"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

// digester logs in with Digest, as a client that has one challenge.
type digester struct {
	user, password, realm, nonce string
	uri, algorithm, qop          string // "" = as they should be; qop "none" = the old form
}

func (d digester) sign(nc int) func(*http.Request) {
	return func(r *http.Request) {
		p := wire.Digest{Nonce: d.nonce, URI: or(d.uri, r.URL.RequestURI()), Method: r.Method}
		form := ""
		if d.qop != "none" {
			p.QOP, p.NC, p.Cnonce = or(d.qop, "auth"), fmt.Sprintf("%08x", nc), "c"
			form = fmt.Sprintf(`, qop=%s, nc=%s, cnonce="c"`, p.QOP, p.NC)
		}
		if d.algorithm != "" {
			form += ", algorithm=" + d.algorithm
		}
		proof := p.Response(wire.HA1(d.user, or(d.realm, "Switchvox"), d.password))
		r.Header.Set("Authorization", fmt.Sprintf(`Digest username=%q, realm=%q, nonce=%q, uri=%q, response=%q%s`,
			d.user, or(d.realm, "Switchvox"), d.nonce, p.URI, proof, form))
	}
}

func or(s, normal string) string {
	if s == "" {
		return normal
	}
	return s
}

// challenge gives the nonce of an answer 401, and whether it is for a stale one.
func challenge(t *testing.T, s said) (nonce string, stale bool) {
	t.Helper()
	h := s.header.Get("WWW-Authenticate")
	_, nonce, ok := strings.Cut(h, `nonce="`)
	if s.status != 401 || !ok {
		t.Fatalf("no challenge: %d %q", s.status, h)
	}
	nonce, _, _ = strings.Cut(nonce, `"`)
	return nonce, strings.Contains(h, "stale=true")
}

const mine = `{"request":{"method":"switchvox.users.getMyInfo"}}`

// The Ruby client fetches a nonce with HEAD and uses it, in the old form, for all that
// follows. Who counts must count on.
func TestDigest(t *testing.T) {
	h := newHouse(t)
	nonce, _ := challenge(t, h.do("HEAD", "/json", ""))
	old := digester{user: "101", password: "u101pass", nonce: nonce, qop: "none"}
	for i := range 5 {
		if got := h.do("POST", "/json", mine, old.sign(0)); got.status != 200 || !strings.Contains(got.body, `"account_id":"1106"`) {
			t.Errorf("%d: %d %s", i, got.status, got.body)
		}
	}
	counts := digester{user: "101", password: "u101pass", nonce: nonce}
	for i, c := range []struct{ nc, status int }{{1, 200}, {1, 401}, {2, 200}, {1, 401}, {2, 401}, {9, 200}, {8, 401}, {10, 200}} {
		got := h.do("POST", "/json", mine, counts.sign(c.nc))
		if got.status != c.status {
			t.Errorf("%d: nc %d: %d, want %d", i, c.nc, got.status, c.status)
		}
		if c.status == 401 {
			if _, stale := challenge(t, got); !stale {
				t.Errorf("%d: nc %d: not stale", i, c.nc)
			}
		}
	}
	h.set(func() { h.clock = 24*time.Hour + time.Second })
	if _, stale := challenge(t, h.do("POST", "/json", mine, old.sign(0))); !stale {
		t.Error("a nonce of yesterday is not stale")
	}
}

func TestDigestRefuses(t *testing.T) {
	nobody := directory.Record{User: directory.User{Name: directory.Name{Local: "555"}, Role: directory.RoleUser, ID: "1555", Account: "office"}}
	gone := directory.Record{User: directory.User{Name: directory.Name{Local: "556"}, Role: directory.RoleUser, ID: "1556", Account: "office", Disabled: true}}
	password(&gone, "u556pass")
	good := digester{user: "101", password: "u101pass"}
	for _, c := range []struct {
		name   string
		change func(*digester)
		status int
	}{
		{"right", func(*digester) {}, 200},
		{"right, with the server in the URI", func(d *digester) { d.uri = "https://pbx.example/json" }, 200},
		{"wrong password", func(d *digester) { d.password = "x" }, 403},
		{"no such user", func(d *digester) { d.user = "nobody" }, 403},
		{"no Digest for the user", func(d *digester) { d.user, d.password = "555", "" }, 403},
		{"disabled", func(d *digester) { d.user, d.password = "556", "u556pass" }, 403},
		{"another realm", func(d *digester) { d.realm = "Asterisk" }, 403},
		{"another path", func(d *digester) { d.uri = "/xml" }, 403},
		{"another algorithm", func(d *digester) { d.algorithm = "SHA-256" }, 403},
		{"another protection", func(d *digester) { d.qop = "auth-int" }, 403},
		{"a nonce of nobody's", func(d *digester) { d.nonce = "bc78ed6942aad939" }, 401},
		{"in upper case", func(d *digester) { d.algorithm = "md5" }, 200},
	} {
		h := newHouse(t, nobody, gone)
		d := good
		d.nonce, _ = challenge(t, h.do("HEAD", "/json", ""))
		c.change(&d)
		if got := h.do("POST", "/json", mine, d.sign(1)); got.status != c.status {
			t.Errorf("%s: %d, want %d", c.name, got.status, c.status)
		}
	}
	h := newHouse(t)
	for _, header1 := range []string{"Digest", "Digest x", `Digest username="101"`, "Bearer x", "Basic", "Basic !", "Basic " + strings.Repeat("QUFB", 200) + "OkE="} {
		if _, stale := challenge(t, h.do("POST", "/json", mine, header("Authorization", header1))); stale {
			t.Errorf("%.40q is stale", header1)
		}
	}
}

// A nonce is good for one address.
func TestDigestIsBoundToTheAddress(t *testing.T) {
	h := newHouse(t)
	h.set(func() { h.conf.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	from := func(a string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Forwarded-For", a); r.Header.Set("X-Forwarded-Proto", "https") }
	}
	d := digester{user: "101", password: "u101pass", qop: "none"}
	d.nonce, _ = challenge(t, h.do("HEAD", "/json", "", from("192.0.2.1")))
	if got := h.do("POST", "/json", mine, d.sign(0), from("192.0.2.1")); got.status != 200 {
		t.Errorf("%d for its own", got.status)
	}
	if _, stale := challenge(t, h.do("POST", "/json", mine, d.sign(0), from("192.0.2.2"))); !stale {
		t.Error("good for another address")
	}
}

// Either way can be switched off, and then nobody is asked for it.
func TestSchemes(t *testing.T) {
	h := newHouse(t)
	h.set(func() { h.conf.Digest = false })
	got := h.do("POST", "/json", mine)
	if list := got.header.Values("WWW-Authenticate"); len(list) != 1 || list[0] != `Basic realm="Switchvox"` {
		t.Errorf("%q", list)
	}
	if got := h.do("POST", "/json", mine, digester{user: "101", password: "u101pass", nonce: "x"}.sign(1)); got.status != 401 {
		t.Errorf("Digest: %d", got.status)
	}
	h.set(func() { h.conf.Digest, h.conf.Basic = true, false })
	if got := h.do("POST", "/json", mine, as("101")); got.status != 401 || len(got.header.Values("WWW-Authenticate")) != 1 {
		t.Errorf("Basic: %d %q", got.status, got.header.Values("WWW-Authenticate"))
	}
}

// Ten wrong passwords lock an address and a name for ten minutes; not the name for where
// it has logged in from (spec: switchvox R8).
func TestLockOut(t *testing.T) {
	h := newHouse(t)
	h.set(func() { h.conf.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	from := func(a string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Forwarded-For", a); r.Header.Set("X-Forwarded-Proto", "https") }
	}
	try := func(name, pass, addr string, want int) {
		t.Helper()
		got := h.do("POST", "/json", mine, func(r *http.Request) { r.SetBasicAuth(name, pass) }, from(addr))
		if got.status != want {
			t.Errorf("%s %s from %s: %d, want %d", name, pass, addr, got.status, want)
		}
	}
	const home, attacker, third = "192.0.2.1", "198.51.100.1", "203.0.113.1"
	try("101", "u101pass", home, 200)
	for range 9 {
		try("101", "guess", attacker, 403)
	}
	try("301", "u301pass", attacker, 200)
	try("101", "guess", attacker, 403)
	denied := len(h.denials())
	if denied != 10 {
		t.Errorf("%d refusals in the audit trail, want 10", denied)
	}
	try("301", "u301pass", attacker, 403) // the address is locked
	try("101", "u101pass", third, 403)    // the name is
	try("101", "u101pass", home, 200)     // but not for where it is at home
	if n := len(h.denials()); n != denied {
		t.Errorf("what was not looked at is in the audit trail: %d", n-denied)
	}
	if got := h.do("POST", "/json", mine, from(attacker)); got.status != 401 {
		t.Errorf("a locked address gets no challenge: %d", got.status)
	}
	h.set(func() { h.clock += 10*time.Minute - time.Second })
	try("101", "u101pass", third, 403)
	h.set(func() { h.clock += 2 * time.Second })
	try("101", "u101pass", third, 200)
	try("301", "u301pass", attacker, 200)
	for range 9 { // slowly: never ten within ten minutes
		try("301", "guess", attacker, 403)
	}
	h.set(func() { h.clock += 11 * time.Minute })
	try("301", "guess", attacker, 403)
	try("301", "u301pass", attacker, 200)
	if strings.Contains(h.log.String(), "guess") {
		t.Error("the log has a password")
	}
}

// A login belongs to the tenant; only who acts for everybody may come from elsewhere.
func TestTenant(t *testing.T) {
	record := func(local, tenant string, role directory.Role, id string) directory.Record {
		r := directory.Record{User: directory.User{Name: directory.Name{Local: local, Tenant: tenant}, Role: role, ID: id, Account: "office", Phone: local}}
		password(&r, "u"+local+"pass")
		return r
	}
	h := newHouse(t,
		record("101", "a.example", directory.RoleUser, "1"), record("102", "a.example", directory.RoleTenantAdmin, "2"),
		record("103", "b.example", directory.RoleUser, "3"), record("104", "b.example", directory.RoleTenantAdmin, "4"),
		directory.Record{User: directory.User{Name: directory.Name{Local: "105", Tenant: "a.example"}, Role: directory.RoleMinter, Mints: []string{"*@a.example"}, Account: "office"}})
	h.set(func() { h.conf.Tenant = "a.example" })
	for _, c := range []struct {
		login, method, parameters string
		status                    int
		code, body                string
	}{
		{"101", "switchvox.users.getMyInfo", "", 200, "", `"account_id":"1"`},
		{"301", "switchvox.users.getMyInfo", "", 403, "none", ""},
		{"103", "switchvox.users.getMyInfo", "", 403, "none", ""},
		{"104", "switchvox.users.getMyInfo", "", 403, "none", ""},
		{"105", "switchvox.users.getMyInfo", "", 403, "none", ""},
		{"101", "switchvox.extensions.getInfo", `"extensions":["101"]`, 200, "90004", ""},
		{"102", "switchvox.extensions.getInfo", `"extensions":["101","103","301"],"account_ids":["3","2"]`, 200, "", `"total"`},
		{"admin", "switchvox.extensions.search", "", 200, "", `"total_items":"2"`},
		{"102", "switchvox.call", `"dial_first":"101","dial_second":"102","dial_as_account_id":"3"`, 200, "77427", ""},
		{"102", "switchvox.call", `"dial_first":"101","dial_second":"102","dial_as_account_id":"1"`, 200, "", `"dialed_first":"101"`},
		{"admin", "switchvox.users.getMyInfo", "", 200, "90004", ""},
	} {
		got := h.do("POST", "/json", body(c.method, c.parameters), as(c.login))
		if got.status != c.status || got.code() != c.code || c.body != "" && c.body != `"total"` && !strings.Contains(got.body, c.body) {
			t.Errorf("%s %s: %d %s", c.login, c.method, got.status, got.body)
		}
		if c.body == `"total"` && (!strings.Contains(got.body, `"account_id":"1"`) || !strings.Contains(got.body, `"account_id":"2"`) || strings.Contains(got.body, "1107") || strings.Contains(got.body, `"account_id":"3"`)) {
			t.Errorf("%s sees %s", c.login, got.body)
		}
	}
}

// What is refused before anybody can log in.
func TestAccess(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		name   string
		conf   func(*switchvox.Config)
		change func(*http.Request)
		status int
	}{
		{"as it is", func(*switchvox.Config) {}, as("101"), 200},
		{"another page", func(*switchvox.Config) {}, header("Origin", "https://evil.example"), 403},
		{"an allowed page", func(*switchvox.Config) {}, header("Origin", "https://pbx.example"), 401},
		{"no origin", func(*switchvox.Config) {}, header("Origin", "null"), 403},
		{"another site", func(*switchvox.Config) {}, header("Sec-Fetch-Site", "cross-site"), 403},
		{"another network", func(c *switchvox.Config) { c.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }, as("101"), 403},
		{"its network", func(c *switchvox.Config) { c.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }, as("101"), 200},
		{"plain HTTP through a proxy that nobody has named", func(*switchvox.Config) {}, header("X-Forwarded-For", "192.0.2.1"), 403},
		{"plain HTTP through one that writes a port", func(c *switchvox.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }, header("X-Forwarded-For", "192.0.2.1:4711"), 403},
		{"plain HTTP through a proxy", func(c *switchvox.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }, header("X-Forwarded-For", "192.0.2.1"), 403},
		{"the same, allowed", func(c *switchvox.Config) {
			c.TrustedProxies, c.AllowPlainHTTP = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, true
		}, header("X-Forwarded-For", "192.0.2.1"), 401},
	} {
		h.set(func() { h.conf = config(); c.conf(&h.conf) })
		if got := h.do("POST", "/json", mine, c.change); got.status != c.status {
			t.Errorf("%s: %d, want %d", c.name, got.status, c.status)
		}
	}
	h.set(func() { h.conf = config() })
	before := len(h.denials())
	for range 20 {
		h.do("POST", "/json", mine, header("Origin", "https://evil.example"))
	}
	if n := len(h.denials()) - before; n > 2 {
		t.Errorf("%d entries of the audit trail for one page in one minute", n)
	}
	for method, want := range map[string]int{"OPTIONS": 405, "DELETE": 405, "PATCH": 405, "GET": 200, "HEAD": 200} {
		if got := h.do(method, "/json", "", as("101")); got.status != want {
			t.Errorf("%s: %d, want %d", method, got.status, want)
		}
	}
	got := h.do("OPTIONS", "/json", "", header("Origin", "https://pbx.example"), header("Access-Control-Request-Method", "POST"))
	if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "https://pbx.example" {
		t.Errorf("preflight: %d %v", got.status, got.header)
	}
	if got := h.do("POST", "/json", strings.Repeat(" ", 256<<10+1), as("101")); got.status != 413 {
		t.Errorf("a body of more than 256 KiB: %d", got.status)
	}
	if got := h.do("POST", "/json", mine+strings.Repeat(" ", 256<<10-len(mine)), as("101")); got.status != 200 {
		t.Errorf("a body of 256 KiB: %d", got.status)
	}
}
