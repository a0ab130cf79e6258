package ami

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// browser keeps its cookie between requests, as a browser does.
type browser struct {
	t      *testing.T
	l      *lab
	cookie string
}

// ask makes a request; body "" is a GET of the target, else a POST of a form. change may
// alter it.
func (b *browser) ask(target, body string, change func(*http.Request)) *http.Response {
	b.t.Helper()
	method, reader := http.MethodGet, io.Reader(nil)
	if body != "" {
		method, reader = http.MethodPost, strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(b.t.Context(), method, target, reader)
	r.Host, r.RemoteAddr = "pbx:8088", "192.0.2.1:4711"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", `mansession_id="`+b.cookie+`"`)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	b.l.server.ServeHTTP(w, r)
	if m := setCookie.FindStringSubmatch(w.Header().Get("Set-Cookie")); m != nil {
		b.cookie = m[1]
	}
	return w.Result()
}

var setCookie = regexp.MustCompile(`^mansession_id="([0-9a-f]{32})"; Version=1; Max-Age=60; HttpOnly; SameSite=Lax$`)

// get is the body of a GET, with LF.
func (b *browser) get(target string) string {
	b.t.Helper()
	return b.body(b.ask(target, "", nil), http.StatusOK)
}

func (b *browser) body(r *http.Response, status int) string {
	b.t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != status {
		b.t.Fatalf("%s, %v", r.Status, err)
	}
	return varying.ReplaceAllString(strings.ReplaceAll(string(text), "\r\n", "\n"), "$1: n")
}

func (b *browser) want(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// web gives the HTTP session of an id, and webs how many there are.
func (l *lab) web(id string) *webSession {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	return l.server.webs[id]
}

func (l *lab) webs() int {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	return len(l.server.webs)
}

const (
	denied   = "Response: Error\nMessage: Permission denied\n\n"
	accepted = "Response: Success\nMessage: Authentication accepted\n\n"
	pong     = "Response: Success\nPing: Pong\nTimestamp: n\n\n"
	loginURL = "/rawman?action=login&username=tracer&secret=tracepw"
)

// TestWeb is vector h1: the requests that Asterisk was asked.
func TestWeb(t *testing.T) {
	l := newLab(t, nil)
	b := &browser{t: t, l: l}
	r := b.ask("/rawman?action=ping", "", nil)
	b.want(b.body(r, 200), denied)
	for name, want := range map[string]string{
		"Server": "Asterisk/22.10.1", "Cache-Control": "no-cache, no-store", "Content-Type": "text/plain", "Pragma": "SuppressEvents", "Content-Length": "47",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	before := b.cookie
	b.want(b.get(loginURL), accepted)
	if b.cookie == before || b.cookie == "" {
		t.Error("the login has the id that it had before")
	}
	id := b.cookie
	b.want(b.get("/rawman?action=ping&actionid=7"), "Response: Success\nActionID: 7\nPing: Pong\nTimestamp: n\n\n")
	b.want(b.get("/rawman?Action=Ping&ActionID=8"), "Response: Success\nActionID: 8\nPing: Pong\nTimestamp: n\n\n")
	b.want(b.body(b.ask("/rawman", "action=ping&actionid=10", nil), 200), "Response: Success\nActionID: 10\nPing: Pong\nTimestamp: n\n\n")
	b.want(b.get("/rawman"), "Response: Error\nMessage: Missing action in request\n\n")
	b.want(b.get("/rawman?action=no%0d%0aEvent:+x"), "Response: Error\nMessage: Invalid/unknown command: noEvent: x. Use Action: ListCommands to show available commands.\n\n")
	if b.cookie != id {
		t.Error("the id changes between requests")
	}
	head := b.ask("/rawman?action=ping", "", func(r *http.Request) { r.Method = http.MethodHead })
	if head.Header.Get("Content-Length") != "63" {
		t.Errorf("HEAD: %v", head.Header)
	}
	if r := b.ask("/rawman?action=ping", "", func(r *http.Request) { r.Method = http.MethodPut }); r.StatusCode != 501 {
		t.Error(r.Status)
	}
	r = b.ask("/mxml?action=ping&actionid=11", "", nil)
	if r.Header.Get("Content-Type") != "text/xml" || r.Header.Get("Content-Length") != "168" {
		t.Errorf("mxml: %v", r.Header)
	}
	if got := b.get("/mxml?action=events&eventmask=off&ajaxdest=a%27b&ajaxobjtype=obj"); got != "<ajax-response>\n<response type='object' id='a&apos;b'><obj response='Success' events='Off' /></response>\n</ajax-response>\n" {
		t.Error(got)
	}
	if got := b.get("/manager?action=events&eventmask=%3Cb%3E"); !strings.Contains(got, "<form") || !strings.Contains(got, "<tr><td>Events</td><td>Off</td></tr>") {
		t.Error(got)
	}
	if got := b.get("/manager?action=%3Cb%3E"); strings.Contains(got, "<b>") {
		t.Error("the page shows what it was given as it is")
	}
	if list := l.server.Sessions(); len(list) != 1 || !list[0].Web || list[0].Remote != "192.0.2.1:4711" {
		t.Errorf("%+v", list)
	}
	b.want(b.get("/rawman?action=logoff"), "Response: Goodbye\nMessage: Thanks for all the fish.\n\n")
	b.want(b.get("/rawman?action=ping"), denied)
	if b.cookie == id {
		t.Error("the id lives on after logoff")
	}
	for _, path := range []string{"/", "/rawman/", "/aarawman", "/x/rawman"} {
		b.body(b.ask(path, "", nil), 404)
	}
	if strings.Contains(l.logs.String(), "tracepw") {
		t.Error("a secret is in the log")
	}
}

func TestWebPrefix(t *testing.T) {
	l := newLab(t, func(_ *Options, c *Config) { c.WebPrefix = "/asterisk" })
	b := &browser{t: t, l: l}
	mux := http.NewServeMux()
	for _, path := range WebPaths("/asterisk") {
		mux.Handle(path, l.server)
	}
	for path, want := range map[string]int{"/asterisk/rawman": 200, "/asterisk/mxml": 200, "/asterisk/manager": 200, "/asterisk/arawman": 401, "/asterisk/amxml": 401, "/asterisk/amanager": 401, "/rawman": 404} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	l.change(func(c *Config) { c.Web = false })
	b.body(b.ask("/asterisk/rawman", "", nil), 404)
}

// Pages of others get nothing done, whatever cookie comes with their request.
func TestWebForeignPages(t *testing.T) {
	b := &browser{t: t, l: newLab(t, nil)}
	b.want(b.get(loginURL), accepted)
	for _, c := range []struct {
		header, value string
		status        int
	}{
		{"Origin", "http://evil.example", 403}, {"Origin", "null", 403}, {"Origin", "http://pbx", 403}, {"Origin", "http://pbx:8088.evil.example", 403},
		{"Origin", "%", 403}, {"Sec-Fetch-Site", "cross-site", 403}, {"Sec-Fetch-Site", "same-site", 403},
		{"Origin", "http://pbx:8088", 200}, {"Origin", "https://PBX:8088", 200}, {"Origin", "moz-extension://abc", 200}, {"Sec-Fetch-Site", "none", 200}, {"Sec-Fetch-Site", "same-origin", 200},
	} {
		for _, body := range []string{"", "action=ping"} {
			r := b.ask("/rawman?action=ping", body, func(r *http.Request) { r.Header.Set(c.header, c.value) })
			if r.StatusCode != c.status {
				t.Errorf("%s: %s: %s", c.header, c.value, r.Status)
			}
		}
	}
}

func TestWebLoginFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, func(_ *Options, c *Config) { c.RefuseGETLogin = true })
		b := &browser{t: t, l: l}
		begun := time.Now()
		b.want(b.body(b.ask("/rawman", "action=login&username=tracer&secret=bad", nil), 200), "Response: Error\nMessage: Authentication failed\n\n")
		if took := time.Since(begun); took != failurePause {
			t.Errorf("it took %v", took)
		}
		b.want(b.body(b.ask("/rawman", "action=login&username=aclblocked&secret=aclpw", nil), 200), "Response: Error\nMessage: Authentication failed\n\n")
		b.want(b.get(loginURL), "Response: Error\nMessage: Log in with POST, so that the secret is in no URL\n\n")
		b.want(b.get("/rawman?action=ping"), denied)
		b.want(b.body(b.ask(loginURL, "action=login&username=tracer&secret=tracepw", nil), 200), accepted)
	})
}

// An HTTP session keeps its challenge for a few seconds, and then its login as long as
// somebody asks for something every minute.
func TestWebSessionTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil)
		b := &browser{t: t, l: l}
		challenge := func() string {
			_, n, _ := strings.Cut(strings.TrimSpace(b.body(b.ask("/rawman?action=challenge&authtype=md5", "", func(*http.Request) {}), 200)), "Challenge: ")
			return n
		}
		if challenge() != "n" {
			t.Error("no challenge")
		}
		stranger := b.cookie
		secret := l.web(stranger).challenge()
		<-time.After(strangerTime + time.Second) // fake time of the bubble
		if l.webs() != 0 {
			t.Error("a stranger is kept")
		}
		challenge()
		if l.web(b.cookie).challenge() == secret {
			t.Error("two sessions have the same challenge")
		}
		b.want(b.get("/rawman?action=login&authtype=MD5&username=tracer&key="+md5Hex(l.web(b.cookie).challenge()+"tracepw")), accepted)
		for range 3 {
			<-time.After(59 * time.Second)
			b.want(b.get("/rawman?action=ping"), pong)
		}
		<-time.After(61 * time.Second)
		b.want(b.get("/rawman?action=ping"), denied)
		if n := len(l.server.connected()); n != 0 {
			t.Errorf("%d clients", n)
		}
	})
}

func TestWebWaitEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil)
		b := &browser{t: t, l: l}
		b.want(b.get(loginURL), accepted)
		const head, tail = "Response: Success\nMessage: Waiting for Event completed.\n\n", "Event: WaitEventComplete\n\n"
		l.happen("a")
		l.happen("b")
		<-time.After(time.Second) // fake time of the bubble: the journal wakes its readers now and then
		b.want(b.get("/rawman?action=waitevent&timeout=1"), head+"Event: UserEvent\nPrivilege: user,all\nUserEvent: a\n\nEvent: UserEvent\nPrivilege: user,all\nUserEvent: b\n\n"+tail)
		for _, c := range []struct {
			timeout string
			want    time.Duration
		}{{"3", 3 * time.Second}, {"1000", 50 * time.Second}, {"", 50 * time.Second}, {"-5", 50 * time.Second}, {"0", 0}} {
			begun := time.Now()
			b.want(b.get("/rawman?action=waitevent&timeout="+c.timeout), head+tail)
			if took := time.Since(begun); took != c.want {
				t.Errorf("timeout %q: %v", c.timeout, took)
			}
		}
		// Another one ends the one before; other actions do not wait for it.
		var all sync.WaitGroup
		first := &browser{t: t, l: l, cookie: b.cookie}
		begun := time.Now()
		all.Go(func() {
			first.want(first.get("/rawman?action=waitevent&timeout=20"), head+tail)
			if took := time.Since(begun); took != 5*time.Second {
				t.Errorf("the first ended after %v", took)
			}
		})
		<-time.After(5 * time.Second) // fake time of the bubble
		b.want(b.get("/rawman?action=ping"), pong)
		second := &browser{t: t, l: l, cookie: b.cookie}
		all.Go(func() {
			second.want(second.get("/rawman?action=waitevent&timeout=20"), head+"Event: UserEvent\nPrivilege: user,all\nUserEvent: c\n\n"+tail)
		})
		synctest.Wait()
		l.happen("c")
		all.Wait()
	})
}

// A session that never asks for its events is not closed; it gets those that are left.
func TestWebBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, func(_ *Options, c *Config) { c.EventQueue = 2 })
		b := &browser{t: t, l: l}
		b.want(b.get(loginURL), accepted)
		for i := range 5 {
			l.happen(fmt.Sprint(i))
		}
		time.Sleep(time.Second) // of the bubble's time: events are written together, after a pause
		synctest.Wait()
		b.want(b.get("/rawman?action=ping"), pong)
		got := b.get("/rawman?action=waitevent&timeout=1")
		if strings.Count(got, "UserEvent: ") != 2 || !strings.Contains(got, "UserEvent: 4") || !strings.Contains(l.logs.String(), "events=3") {
			t.Error(got, l.logs.String())
		}
	})
}

// Logins that take their second hold a place; when there is none others are refused.
func TestWebLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, func(_ *Options, c *Config) { c.AuthLimit, c.MaxConnections = 3, 2 })
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { (&browser{t: t, l: l}).ask("/rawman?action=login&username=x&secret=y", "", nil) })
		}
		synctest.Wait()
		b := &browser{t: t, l: l}
		b.body(b.ask("/rawman?action=ping", "", nil), 503)
		all.Wait()
		for range 10 {
			(&browser{t: t, l: l}).get("/rawman?action=challenge&authtype=md5")
		}
		if n := l.webs(); n != 3 {
			t.Errorf("%d strangers are kept", n)
		}
		for range 2 {
			(&browser{t: t, l: l}).get(loginURL)
		}
		b.want(b.get(loginURL), "Response: Error\nMessage: Login Already In Use\n\n")
		long := strings.Repeat("a", maxBody+1)
		b.body(b.ask("/rawman", "action=ping&x="+long, nil), 413)
		b.body(b.ask("/rawman?action=ping"+strings.Repeat("&a=b", 128), "", nil), 413)
	})
}

// A session does not work from where its user may not come.
func TestWebNetworks(t *testing.T) {
	l := newLab(t, func(_ *Options, c *Config) {
		c.Users[0].Permit = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	b := &browser{t: t, l: l}
	b.want(b.get(loginURL), accepted)
	stolen := &browser{t: t, l: l, cookie: b.cookie}
	stolen.want(stolen.body(stolen.ask("/rawman?action=ping", "", func(r *http.Request) { r.RemoteAddr = "198.51.100.1:1" }), 200), denied)
	b.want(b.get("/rawman?action=ping"), pong)
	if err := l.server.Reload(); err != nil {
		t.Fatal(err)
	}
	b.want(b.get("/rawman?action=ping"), pong)
	l.change(func(c *Config) { c.Users = nil })
	if err := l.server.Reload(); err != nil {
		t.Fatal(err)
	}
	b.want(b.get("/rawman?action=ping"), denied)
}

func TestWebDigest(t *testing.T) {
	l := newLab(t, func(_ *Options, c *Config) {
		c.Users = append(c.Users, User{Name: "hashed", Secret: auth.Hash("x"), Format: "argon2id"})
	})
	b := &browser{t: t, l: l}
	r := b.ask("/arawman?action=ping", "", nil)
	b.body(r, 401)
	challenges := r.Header.Values("WWW-Authenticate")
	if len(challenges) != 2 || !regexp.MustCompile(`^Digest algorithm=MD5, realm="asterisk", nonce="[\w-]+", qop="auth", opaque="[\w-]+"$`).MatchString(challenges[0]) {
		t.Fatal(challenges)
	}
	count := 0
	ask := func(challenge, target, user, password string) *http.Response {
		c, err := digest.ParseChallenge(challenge)
		if err != nil {
			t.Fatal(err)
		}
		count++
		cred, err := digest.Digest(c, digest.Options{Method: "GET", URI: target, Count: count, Username: user, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		return b.ask(target, "", func(r *http.Request) { r.Header.Set("Authorization", cred.String()) })
	}
	for _, challenge := range challenges {
		b.want(b.body(ask(challenge, "/arawman?action=ping&actionid=14", "tracer", "tracepw"), 200), "Response: Success\nActionID: 14\nPing: Pong\nTimestamp: n\n\n")
		if got := b.body(ask(challenge, "/amxml?action=events&eventmask=off", "tracer", "tracepw"), 200); !strings.HasPrefix(got, "<ajax-response>") {
			t.Error(got)
		}
		b.body(ask(challenge, "/amanager", "tracer", "tracepw"), 200)
		b.want(b.body(ask(challenge, "/arawman?action=login", "tracer", "tracepw"), 200), "Response: Success\nMessage: Already authenticated\n\n")
		b.want(b.body(ask(challenge, "/arawman?action=waitevent&timeout=0", "tracer", "tracepw"), 200), "Response: Success\nMessage: Waiting for Event completed.\n\nEvent: WaitEventComplete\n\n")
		b.body(ask(challenge, "/arawman?action=ping", "tracer", "wrong"), 401)
		b.body(ask(challenge, "/arawman?action=ping", "hashed", "x"), 401)
		b.body(ask(challenge, "/arawman?action=ping", "nosecret", ""), 401)
		b.body(ask(challenge, "/arawman?action=ping", "aclblocked", "aclpw"), 403)
	}
	b.body(b.ask("/arawman?action=ping", "", func(r *http.Request) { r.SetBasicAuth("tracer", "tracepw") }), 401)
	count = 0 // a request that is sent again
	r = ask(challenges[0], "/arawman?action=ping", "tracer", "tracepw")
	b.body(r, 401)
	if !strings.HasSuffix(r.Header.Get("WWW-Authenticate"), ", stale=true") {
		t.Error(r.Header)
	}
	if b.cookie != "" || len(l.server.connected()) != 0 {
		t.Error("a session was made")
	}
	for len(l.logs.String()) > 0 && !l.server.throttle.Throttled("192.0.2.1 tracer") {
		ask(challenges[0], "/arawman?action=ping", "tracer", "wrong")
	}
	count += 1000
	b.body(ask(challenges[0], "/arawman?action=ping", "tracer", "tracepw"), 401)
}

// What a form of a browser sends is read as it is: order, repeated names, signs.
func TestReadParams(t *testing.T) {
	values := url.Values{"Variable": {"A=1", "B=2 & 3"}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/rawman?action=ping", strings.NewReader(values.Encode()+"\r\n"))
	p, inBody, err := readParams(httptest.NewRecorder(), r)
	if err != nil || !inBody || fmt.Sprint(p.All("variable")) != "[A=1 B=2 & 3]" || p.Action() != "" {
		t.Errorf("%v, %v, %v", p, inBody, err)
	}
}
