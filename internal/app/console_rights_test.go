package app

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// key makes an API key as the administrator boss, and gives the header that shows it.
func (d *desk) key(body string) http.Header {
	d.Helper()
	resp, got := d.send("POST", "/v1/keys", body)
	var made rest.MadeKey
	if err := json.Unmarshal([]byte(got), &made); err != nil || resp.StatusCode != 201 {
		d.Fatalf("%d %s %v", resp.StatusCode, got, err)
	}
	return http.Header{"Authorization": {"Bearer " + made.Secret}}
}

// ends reads a stream of events to its end, and gives its last line that says anything.
func (d *desk) ends(resp *http.Response) string {
	d.Helper()
	ended := make(chan string, 1)
	go func() { // ends with the stream
		last := ""
		for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
			if sc.Text() != "" {
				last = sc.Text()
			}
		}
		ended <- last
	}()
	select {
	case last := <-ended:
		return last
	case <-time.After(10 * time.Second):
		d.Error("the stream goes on")
		return ""
	}
}

// What a key has opened ends when the key is revoked, and also when another one of its name
// has been made at once.
func TestStreamsEndWithTheirKey(t *testing.T) {
	d := newDesk(t, nil)
	d.login("boss")
	const spy = `{"name":"spy","scopes":["events:read"]}`
	key := d.key(spy)
	req, err := http.NewRequestWithContext(t.Context(), "GET", d.url+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = key
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	c, _, err := websocket.Dial(t.Context(), d.url+"/v1/events/ws", &websocket.DialOptions{HTTPHeader: key})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow() //nolint:errcheck // it is closed already
	d.expect("revoke", 204, "", "DELETE", "/v1/keys/spy", "")
	d.key(spy)
	if last := d.ends(resp); last != "data: {}" {
		t.Errorf("the last line was %q", last)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for err == nil {
		_, _, err = c.Read(ctx)
	}
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("the socket ended by %v", err)
	}
	d.expect("the key", 401, "unauthorized", "GET", "/v1/events", "", "Cookie", "", "Authorization", key.Get("Authorization"))
}

// A user tests the phones of its account, an administrator all, and a key needs both scopes.
func TestWhoMayTestWhosePhone(t *testing.T) {
	d := newDesk(t, func(c *config.Config) {
		c.Accounts["other"] = config.Account{}
		c.Phones["102"] = config.Phone{Password: "choose-one-2", Account: "other"}
		c.Trunks = map[string]config.Trunk{"carrier": {Host: "127.0.0.1", Port: 1, Qualify: config.Seconds(-1)}}
	})
	test := func(who, name string, status int, headers ...string) {
		t.Helper()
		code := map[int]string{403: "forbidden", 404: "not-found", 401: "session"}[status]
		d.expect(who+" tests "+name, status, code, "POST", "/v1/"+name+"/test", "", headers...)
	}
	test("nobody", "phones/101", 401)
	d.login("101")
	test("101", "phones/101", 200)
	test("101", "phones/102", 403)
	test("101", "trunks/carrier", 403)
	test("101", "phones/carrier", 404)
	test("101", "phones/sip:101@192.0.2.1", 404)
	d.login("boss")
	test("boss", "phones/102", 200)
	for scopes, status := range map[string]int{`"endpoints:read"`: 403, `"calls:write"`: 403, `"endpoints:read","calls:write"`: 200} {
		key := d.key(`{"name":"k` + strings.NewReplacer(`"`, "", ":", "", ",", "").Replace(scopes) + `","scopes":[` + scopes + `]}`)
		show := []string{"Cookie", "", "Authorization", key.Get("Authorization")}
		test(scopes, "phones/101", status, show...)
		test(scopes, "phones/102", 403, show...)
	}
}

// Over HTTP too only files of the dialplan are shown, to administrators, and kept by nobody.
func TestPlanSourceOverHTTP(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, "conf", name) }
	if err := os.Mkdir(at(""), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		at("extensions.conf"): "[default]\nexten => 1,1,Answer()\n#include link.conf\n", at("sip.conf"): "secret=1\n",
		filepath.Join(dir, "outside.conf"): "[outside]\nexten => 1,1,NoOp(secret)\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../outside.conf", at("link.conf")); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, func(c *config.Config) { c.Dialplan.File = at("extensions.conf") })
	d.login("101")
	d.expect("a user", 403, "forbidden", "GET", "/v1/dialplan/source?file=extensions.conf", "")
	d.login("boss")
	resp, text := d.send("GET", "/v1/dialplan/source?file=extensions.conf", "")
	if h := resp.Header; resp.StatusCode != 200 || !strings.HasPrefix(text, "[default]") || h.Get("Cache-Control") != "no-store" ||
		h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		t.Errorf("%d %v %s", resp.StatusCode, h, text)
	}
	for _, name := range []string{
		"", ".", "sip.conf", "link.conf", "../outside.conf", "./extensions.conf", "extensions.conf/", "x/../extensions.conf", at("extensions.conf"),
		"/etc/passwd", "extensions.conf\x00", "..\\outside.conf", "%2e%2e/outside.conf", "EXTENSIONS.CONF",
	} {
		resp, text := d.send("GET", "/v1/dialplan/source?file="+url.QueryEscape(name), "")
		if resp.StatusCode != 404 || strings.Contains(text, "secret") || strings.Contains(text, dir) && !filepath.IsAbs(name) {
			t.Errorf("%q: %d %s", name, resp.StatusCode, text)
		}
	}
}

// A page is no phone any more when another one is its user's.
func TestPhonesOfSessionsMove(t *testing.T) {
	d := newDesk(t, func(c *config.Config) { c.Phones["102"] = config.Phone{Password: "choose-one-2"} })
	d.withEve()
	change := func(phone string) {
		t.Helper()
		err := d.app.people.Change(t.Context(), directory.Name{Local: "eve"}, func(u *directory.User) error { u.Phone = phone; return nil }, directory.Secrets{}, directory.By{})
		if err != nil {
			t.Fatal(err)
		}
	}
	change("101")
	p, _ := d.phone(d.url)
	if got := p.ask("REGISTER", "101"); got != "200" {
		t.Errorf("eve's phone: %s", got)
	}
	change("102")
	p.closed()
	p, _ = d.phone(d.url)
	if got := p.ask("REGISTER", "101"); got != "403" {
		t.Errorf("the phone that was eve's: %s", got)
	}
	if got := p.ask("REGISTER", "102"); got != "200" {
		t.Errorf("eve's phone: %s", got)
	}
}

// No answer of the API is kept or taken for another type than it is.
func TestAnswersAreKeptByNobody(t *testing.T) {
	d := newDesk(t, nil)
	for range 2 { // nobody, and an administrator
		for _, path := range []string{"/v1/session", "/v1/calls", "/v1/keys", "/v1/users", "/v1/audit", "/v1/nothing"} {
			resp, _ := d.send("GET", path, "")
			if h := resp.Header; h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %d %v", path, resp.StatusCode, h)
			}
		}
		d.login("boss")
	}
}

// Who has logged in at another door of this address by HTTP Basic has browsers that send that
// along: a session goes on, and nobody is locked out of keys for it.
func TestBasicOfOtherDoors(t *testing.T) {
	d := newDesk(t, nil)
	d.login("boss")
	key := d.key(`{"name":"crm","scopes":["calls:read"]}`)
	for _, basic := range []string{"Basic MTAxOng=", "basic MTAxOng=", `Digest username="101"`} {
		d.expect("a session", 200, "", "GET", "/v1/session", "", "Authorization", basic)
		d.expect("a session without its token", 403, "csrf", "POST", "/v1/check", aCall, "Authorization", basic, "X-CSRF-Token", "")
		for range 5 {
			d.expect("no session", 401, "unauthorized", "GET", "/v1/calls", "", "Authorization", basic, "Cookie", "", "Sec-Fetch-Site", "")
		}
	}
	d.expect("a key", 200, "", "GET", "/v1/calls", "", "Cookie", "", "Authorization", key.Get("Authorization"))
}

// A user cannot take all streams of events that there are for everybody.
func TestStreamsOfOneUserAreBounded(t *testing.T) {
	d := newDesk(t, nil)
	open := func() (int, func()) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", d.url+"/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", d.cookie)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, func() { cancel(); _ = resp.Body.Close() }
	}
	d.login("101")
	var first func()
	for i := range 40 {
		status, leave := open()
		defer leave()
		if want := map[bool]int{true: 200, false: 429}[i < 32]; status != want {
			t.Fatalf("stream %d: %d, want %d", i, status, want)
		}
		if i == 0 {
			first = leave
		}
	}
	first()
	for again := time.Now().Add(10 * time.Second); ; { // the server sees soon that it has gone
		status, leave := open()
		leave()
		if status == 200 {
			break
		}
		if time.Now().After(again) {
			t.Fatal("a window that was closed counts on")
		}
	}
	d.login("boss")
	status, leave := open()
	leave()
	if status != 200 {
		t.Errorf("another user: %d", status)
	}
}
