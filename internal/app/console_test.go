package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// desk is a browser at a server.
type desk struct {
	*testing.T
	app    *App
	url    string
	cookie string // "name=value"
	csrf   string
}

// newDesk starts a server with an administrator in its store.
func newDesk(t *testing.T, more func(*config.Config)) *desk {
	t.Helper()
	a, err := New(Options{Log: t.Output(), Version: "test", Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.Server.Node = "node1"
		c.Phones = map[string]config.Phone{"101": {Password: "choose-one-1"}}
		hash := auth.Hash("the-password-1")
		c.Users = map[string]config.User{"101": {Password: hash, FirstName: "Ada", LastName: "Moss"}, "boss": {Role: "admin", Password: hash}}
		if more != nil {
			more(c)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil { // the test's context has ended
			t.Error(err)
		}
	})
	return &desk{T: t, app: a, url: r.HTTP}
}

// stays follows no redirects.
var stays = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send asks as a script of the console does, and gives the answer with its body.
func (d *desk) send(method, path, body string, headers ...string) (*http.Response, string) {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	h := req.Header
	h.Set("Sec-Fetch-Site", "same-origin")
	if d.cookie != "" {
		h.Set("Cookie", d.cookie)
	}
	if d.csrf != "" && method != "GET" {
		h.Set("X-CSRF-Token", d.csrf)
	}
	if body != "" {
		h.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			h.Del(headers[i])
		}
	}
	resp, err := stays.Do(req)
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return resp, string(b)
}

// login opens a session and keeps its cookie and token.
func (d *desk) login(user string) {
	d.Helper()
	resp, body := d.send("POST", "/v1/session", fmt.Sprintf(`{"user":%q,"password":"the-password-1"}`, user))
	var s rest.Session
	if err := json.Unmarshal([]byte(body), &s); err != nil || resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		d.Fatalf("login: %d %s %v", resp.StatusCode, body, err)
	}
	d.cookie, d.csrf = resp.Cookies()[0].Name+"="+resp.Cookies()[0].Value, s.CSRF
}

// expect sends and compares status and code.
func (d *desk) expect(what string, status int, code, method, path, body string, headers ...string) {
	d.Helper()
	resp, got := d.send(method, path, body, headers...)
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(got), &p) // what is no problem has no code
	if resp.StatusCode != status || p.Code != code {
		d.Errorf("%s: %d %s, want %d %s", what, resp.StatusCode, got, status, code)
	}
}

const aCall = `{"first":"101","second":"101"}`

// What changes anything by the cookie needs the token of the session, whoever asks.
func TestSessionsNeedTheirToken(t *testing.T) {
	d := newDesk(t, nil)
	d.expect("nobody", 401, "session", "GET", "/v1/session", "")
	d.expect("whether there is anybody", 204, "", "GET", "/v1/session?anyone=true", "")
	d.expect("whether an ended session is anybody", 204, "", "GET", "/v1/session?anyone=true", "", "Cookie", "dialwright_session=AAAAAAAAAAAAAAAAAAAAAAAAAA")
	d.expect("whether a wrong key is anybody", 401, "unauthorized", "GET", "/v1/session?anyone=true", "", "Authorization", "Bearer dw_wrong")
	d.expect("calls for anybody", 401, "session", "GET", "/v1/calls?anyone=true", "")
	d.expect("no browser and no key", 401, "unauthorized", "GET", "/v1/calls", "", "Sec-Fetch-Site", "")
	d.expect("a login by another site", 403, "cross-origin", "POST", "/v1/session", `{"user":"101","password":"the-password-1"}`, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	d.expect("a wrong password", 401, "login", "POST", "/v1/session", `{"user":"101","password":"wrong"}`)
	d.login("101")
	first := *d
	d.login("101") // the same browser: the session before is over
	d.expect("the session before", 401, "session", "GET", "/v1/calls", "", "Cookie", first.cookie)
	d.expect("reading", 200, "", "GET", "/v1/calls", "", "X-CSRF-Token", "")
	d.expect("no token", 403, "csrf", "POST", "/v1/check", aCall, "X-CSRF-Token", "")
	d.expect("the token of another session", 403, "csrf", "POST", "/v1/check", aCall, "X-CSRF-Token", first.csrf)
	d.expect("a form without a preflight", 403, "csrf", "POST", "/v1/check", aCall, "X-CSRF-Token", "", "Content-Type", "text/plain")
	d.expect("another site with the token", 403, "cross-origin", "POST", "/v1/check", aCall, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	d.expect("a neighbour that reads", 403, "cross-origin", "GET", "/v1/calls", "", "Sec-Fetch-Site", "same-site")
	d.expect("with the token", 200, "", "POST", "/v1/check", aCall)
	d.expect("more than the role may", 403, "forbidden", "POST", "/v1/config/reload", "")
	d.expect("an address for somebody else", 403, "forbidden", "POST", "/v1/session/once", `{"user":"boss"}`)
	d.expect("a proxy nobody has named", 403, "plain-http", "GET", "/v1/calls", "", "X-Forwarded-For", "192.0.2.1")
	d.expect("a key beside the cookie counts alone", 401, "unauthorized", "GET", "/v1/calls", "", "Authorization", "Bearer dw_x_AAAA")
	d.expect("no token", 403, "csrf", "DELETE", "/v1/session", "", "X-CSRF-Token", "")
	d.expect("logout", 204, "", "DELETE", "/v1/session", "")
	d.expect("in the middle of a form", 401, "session", "POST", "/v1/check", aCall)
	d.expect("logout again", 204, "", "DELETE", "/v1/session", "")
	cookie := d.cookie
	d.login("101") // and the form goes on
	d.expect("the form again", 200, "", "POST", "/v1/check", aCall)
	d.expect("the cookie from before", 401, "session", "POST", "/v1/check", aCall, "Cookie", cookie)
}

// The calls of a session say who it was, and by which door.
func TestCallsOfSessions(t *testing.T) {
	d := newDesk(t, nil)
	d.login("boss")
	if resp, body := d.send("POST", "/v1/calls", `{"first":"Pretend/100486","second":"101"}`); resp.StatusCode != 201 || !strings.Contains(body, `"door":"console"`) || !strings.Contains(body, `"principal":"console:boss"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	_, trail := d.send("GET", "/v1/audit", "")
	if !strings.Contains(trail, `"text":"logged in"`) {
		t.Errorf("audit trail %s", trail)
	}
}

// A user of the store, whose session is to end.
func (d *desk) withEve() {
	d.Helper()
	err := d.app.people.Create(d.Context(), directory.User{Name: directory.Name{Local: "eve"}, Role: directory.RoleUser, Account: "default"},
		directory.Secrets{Password: new("the-password-1")}, directory.By{})
	if err != nil {
		d.Fatal(err)
	}
	d.login("eve")
}

func (d *desk) disableEve() {
	d.Helper()
	err := d.app.people.Change(d.Context(), directory.Name{Local: "eve"}, func(u *directory.User) error { u.Disabled = true; return nil }, directory.Secrets{}, directory.By{})
	if err != nil {
		d.Fatal(err)
	}
}

// A stream of events ends soon after its user is disabled.
func TestEventStreamsEndWithTheSession(t *testing.T) {
	d := newDesk(t, nil)
	d.withEve()
	req, err := http.NewRequestWithContext(t.Context(), "GET", d.url+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", d.cookie)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	d.disableEve()
	ended := make(chan string, 1)
	go func() { // ends with the stream
		last := ""
		for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
			if sc.Text() != "" {
				last = sc.Text()
			}
			if sc.Text() == "event: bye" {
				last = sc.Text()
				break
			}
		}
		ended <- last
	}()
	select {
	case last := <-ended:
		if last != "event: bye" {
			t.Errorf("the last line was %q", last)
		}
	case <-time.After(10 * time.Second):
		t.Error("the stream goes on")
	}
	d.expect("the session", 401, "session", "GET", "/v1/events", "")
}

func TestWebSocketsOfSessions(t *testing.T) {
	d := newDesk(t, nil)
	d.withEve()
	dial := func(origin string) (*websocket.Conn, int) {
		t.Helper()
		h := http.Header{"Cookie": {d.cookie}}
		if origin != "" {
			h.Set("Origin", origin)
		}
		c, resp, err := websocket.Dial(t.Context(), d.url+"/v1/events/ws", &websocket.DialOptions{HTTPHeader: h})
		if err != nil && resp == nil {
			t.Fatal(err)
		}
		return c, resp.StatusCode
	}
	for _, origin := range []string{"", "null", "https://evil.example", d.url + "1"} {
		if _, status := dial(origin); status != http.StatusForbidden {
			t.Errorf("origin %q: %d", origin, status)
		}
	}
	c, status := dial(d.url)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("our own page: %d", status)
	}
	defer c.CloseNow() //nolint:errcheck // it is closed already
	resp, _ := d.send("DELETE", "/v1/session", "")
	if resp.StatusCode != 204 {
		t.Errorf("logout: %d", resp.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Errorf("the socket ended by %v", err)
			}
			return
		}
	}
}

// A session that rests ends; an open stream keeps it.
func TestSessionsRest(t *testing.T) {
	d := newDesk(t, func(c *config.Config) {
		c.Console.SessionIdle, c.Console.SessionMax = config.Seconds(3), config.Seconds(3600)
	})
	d.login("101")
	idle := d.cookie
	d.cookie = ""
	d.login("101")
	h := http.Header{"Cookie": {d.cookie}, "Origin": {d.url}}
	c, _, err := websocket.Dial(t.Context(), d.url+"/v1/events/ws", &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow() //nolint:errcheck // it is closed already
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if _, _, err := c.Read(ctx); ctx.Err() == nil { // nothing happens meanwhile
		t.Errorf("the socket ended by %v", err)
	}
	d.expect("it is used by its stream", 200, "", "GET", "/v1/session", "")
	d.expect("it has rested", 401, "session", "GET", "/v1/session", "", "Cookie", idle)
}

// Without the console there are no sessions, and / is the API's.
func TestConsoleSwitchedOff(t *testing.T) {
	d := newDesk(t, func(c *config.Config) { c.Console.Enabled = false })
	d.expect("a login", 401, "unauthorized", "POST", "/v1/session", `{"user":"101","password":"the-password-1"}`)
	d.expect("the console", 401, "unauthorized", "GET", "/console/", "")
	d.expect("the root", 401, "unauthorized", "GET", "/", "")
}

func TestConsoleBase(t *testing.T) {
	port := regexp.MustCompile(`:[0-9]+$`)
	for _, c := range []struct {
		name, listen, base, want string
		plain                    bool
	}{
		{"loopback", "127.0.0.1:0", "", "http://127.0.0.1:PORT", false},
		{"all addresses", "0.0.0.0:0", "", "http://127.0.0.1:PORT", false},
		{"as the operator says", "127.0.0.1:0", "https://pbx.example.com", "https://pbx.example.com", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, func(conf *config.Config) {
				conf.HTTP.Listen, conf.Console.BaseURL, conf.Console.AllowPlainHTTP = c.listen, c.base, c.plain
			})
			if got := port.ReplaceAllString(d.app.consoleBase(), ":PORT"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
