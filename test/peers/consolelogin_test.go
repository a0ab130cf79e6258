package peers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/door/auth"
	chromium "github.com/dialwright/dialwright/test/browser"
	"github.com/dialwright/dialwright/test/harness"
)

// loginOffice is a server with the user ada, and a browser.
func loginOffice(t *testing.T) (s *harness.Server, b *chromium.Browser, url string) {
	t.Helper()
	b = chromium.Start(t)
	s = harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("101", ""),
		fmt.Sprintf("[users.ada]\npassword = %q\nrole = \"admin\"\nphone = \"101\"\n", auth.CheapHash("the-password-1")))
	return s, b, fmt.Sprintf("http://127.0.0.1:%d", s.HTTP)
}

// The pages before the console work without script, and say what was wrong.
func TestLoginWithoutScript(t *testing.T) {
	t.Parallel()
	s, b, url := loginOffice(t)
	p := b.Open("form", url+"/console/login?next=/console/%3Ffrom=mail", args{"context": "bare", "options": map[string]any{"javaScriptEnabled": false}})
	p.Fill("#user", "ada")
	p.Fill("#password", "wrong")
	p.Press("Enter")
	p.Says("[role=alert]", "The user or the password is wrong.")
	p.Fill("#password", "the-password-1")
	p.Press("Enter")
	p.Visible("noscript p")
	if at := p.URL(); at != url+"/console/?from=mail" {
		t.Errorf("after the login at %s", at)
	}
	cookies := fmt.Sprint(p.Do("cookies", nil))
	if !strings.Contains(cookies, "httpOnly:true") || !strings.Contains(cookies, "sameSite:Strict") || strings.Count(cookies, "name:") != 1 {
		t.Errorf("cookies %s", cookies)
	}

	out := s.CLI("console", "--user", "ada")
	once := strings.TrimSpace(out.Stdout)
	p = b.Open("once", once, args{"context": "other", "options": map[string]any{"javaScriptEnabled": false}})
	p.Says("main", "This logs you in as ada.")
	p.Click("button")
	p.Visible("noscript p")
	p.Goto(once)
	p.Says("h1", "This address works no longer")
}

// The form and the page of a one-time address have nothing that keeps anybody out, in light
// and in dark, and their policy forbids nothing that they need.
func TestLoginIsAccessible(t *testing.T) {
	t.Parallel()
	s, b, url := loginOffice(t)
	once := strings.TrimSpace(s.CLI("console").Stdout)
	for name, at := range map[string]string{"login": url + "/console/login", "once": once, "nothing": url + "/console/nothing"} {
		p := b.Open(name, at)
		for _, colours := range []string{"light", "dark"} {
			p.Look(360, colours)
			if found := p.Axe(); len(found) > 0 {
				t.Errorf("%s, %s: %+v", name, colours, found)
			}
			p.Shot(name + "-" + colours)
		}
		if said := p.Console(); strings.Contains(said, "CSP") || strings.Contains(said, "Content Security Policy") {
			t.Errorf("%s: %s", name, said)
		}
	}
}

// forger is a page of another origin that tries what it can with the session of who looks at it.
const forger = `<!doctype html><title>forger</title><body><script>
const at = location.hash.slice(1);
const body = JSON.stringify({ first: "101", second: "101" });
const ask = (path, o) => fetch(at + path, { credentials: "include", ...o }).then((r) => r.type === "opaque" ? "opaque" : r.status, () => "failed");
const socket = (path) => new Promise((done) => {
  const ws = new WebSocket(at.replace("http", "ws") + path);
  ws.onopen = () => done("open");
  ws.onerror = () => done("failed");
});
(async () => {
  globalThis.tried = [
    await ask("/v1/calls"), await ask("/v1/calls", { method: "POST", headers: { "X-CSRF-Token": "x" }, body }),
    await ask("/v1/calls", { method: "POST", mode: "no-cors", body }), await ask("/v1/session", { method: "DELETE" }),
    await ask("/v1/session", { method: "POST", mode: "no-cors", body: JSON.stringify({ user: "eve", password: "the-password-1" }) }),
    await ask("/console/logout", { method: "POST", mode: "no-cors" }),
    await socket("/v1/events/ws"), await socket("/sip"),
  ].join(" ");
})();
</script>
<form method="post" target="frame"><input name="user" value="ada"><input name="password" value="the-password-1"><button>go</button></form>
<iframe name="frame"></iframe>
<script>document.forms[0].action = at + "/console/login"</script>`

// A page of another site, and one at another port of the same host, to which browsers do give
// the cookie, can neither read nor change anything by a session, nor open a socket, nor log
// anybody in or out.
func TestPagesOfOthersHaveNoUseOfASession(t *testing.T) {
	t.Parallel()
	s, b, url := loginOffice(t)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, forger)
	}))
	t.Cleanup(evil.Close)
	p := b.Open("ours", url+"/console/login")
	p.Fill("#user", "ada")
	p.Fill("#password", "the-password-1")
	p.Press("Enter")
	p.Do("landed", args{"url": "**/console/{,#/now}"})
	before := fmt.Sprint(p.Do("cookies", nil))
	for name, origin := range map[string]string{
		"another port": evil.URL, "another site": strings.Replace(evil.URL, "127.0.0.1", "evil.test", 1),
	} {
		bad := b.Open(name, origin+"/#"+url)
		tried, _ := bad.Wait("globalThis.tried").(string)
		if want := "failed failed opaque failed opaque failed failed failed"; tried != want {
			t.Errorf("%s: %s, want %s", name, tried, want)
		}
		bad.Click("button")
		bad.Tell("visit", args{"page": name, "url": origin + "/#" + url}) // its frame has loaded
	}
	if after := fmt.Sprint(p.Do("cookies", nil)); after != before {
		t.Errorf("cookies were\n%s\nand are\n%s", before, after)
	}
	if got := p.Eval(`fetch("/v1/session").then((r) => r.json()).then((s) => s.name)`); got != "ada" {
		t.Errorf("the session is %v's", got)
	}
	var calls struct{ Calls []any }
	s.MustAPI("GET", "/v1/calls", nil, &calls)
	if len(calls.Calls) != 0 {
		t.Errorf("calls were made: %v", calls.Calls)
	}
	if n := s.Metric(`dialwright_event_streams`); n > 1 {
		t.Errorf("%v streams are open", n)
	}
}
