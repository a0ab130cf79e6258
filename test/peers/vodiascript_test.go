package peers

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// The widget's scripts in Chromium, as the built binary serves them, against a telephone
// system whose frames are the test's.

// widgetScripts gives what the built binary serves at /js/.
func widgetScripts(t *testing.T) http.Handler {
	t.Helper()
	s := harness.StartWith(t, harness.Limits{HTTP: true}, "[vodia]\nenabled = true\n")
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", s.HTTP)})
}

// published is the markup of the vendor's documentation.
func published(id, number string) string {
	return fmt.Sprintf(`<pbxcall id="%s" number="%s">%s <button name="call">Call</button><button name="cancel" style="display:none">Cancel</button></pbxcall>`, id, number, number)
}

const classicScript = `<script src="/js/callback.js"></script>`

// read waits until a page has read so many frames of all its sockets.
func (p *tab) read(n int) {
	p.t.Helper()
	p.wait(fmt.Sprintf("received === %d", n))
}

// shows checks which buttons of an element can be seen.
func (p *tab) shows(id string, call, cancel bool) {
	p.t.Helper()
	if got := p.is("#" + id + " [name=call]"); got != call {
		p.t.Errorf("call button of %s visible: %v, want %v", id, got, call)
	}
	if got := p.is("#" + id + " [name=cancel]"); got != cancel {
		p.t.Errorf("cancel button of %s visible: %v, want %v", id, got, cancel)
	}
}

// The conversation is the published one, and the buttons follow the call to its end.
func TestWidgetFollowsTheCall(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	page := web.open("p", pbx.page("p", `<form action="/nowhere">`+published("a", "200")+published("b", "(617) 399-8147")+`</form><pbxcall id="c"><button name="call">Call</button></pbxcall>`+classicScript))
	if logins, _ := pbx.count(); logins != 0 {
		t.Errorf("%d logins before a click", logins)
	}
	page.click("#b [name=call]")
	page.shows("b", false, false)
	s := pbx.next()
	if s.query.Get("domain") != "tenant.com" || s.query.Get("user") != "123" || s.query.Has("session") {
		t.Errorf("the socket is opened with %v", s.query)
	}
	s.dialled("(617) 399-8147")
	s.calls()
	s.calls(aCall("c1", "(617) 399-8147", "alerting"))
	page.told("b", "alerting")
	page.shows("b", false, true)
	page.shows("a", true, false)

	// The socket is open: a second click sends at once, without another login.
	page.click("#a [name=call]")
	s.dialled("200")
	s.calls(aCall("c1", "(617) 399-8147", "ringback"), aCall("c2", "200", "alerting"))
	page.told("a", "alerting")
	page.told("b", "ringback")
	if logins, exchanges := pbx.count(); logins != 1 || exchanges != 1 {
		t.Errorf("%d logins and %d exchanges, want 1 of each", logins, exchanges)
	}

	// The other side of one hangs up; the other one is cancelled.
	s.calls(aCall("c2", "200", "connected"))
	s.send(map[string]any{"action": "call-ended", "id": "c1", "to-number": "(617) 399-8147", "reason": "busy"})
	page.toldWhy("b", "ended", "busy")
	page.shows("b", true, false)
	page.click("#a [name=cancel]")
	s.wants(map[string]any{"action": "clear-call", "id": "c2"})
	page.shows("a", false, false)
	s.calls(aCall("c2", "200", "connected")) // it is still there for a moment
	page.read(6)
	page.shows("a", false, false)
	s.calls()
	page.told("a", "ended")
	page.shows("a", true, false)

	// Once more, by the keyboard, which stays where the button was.
	page.forget()
	page.eval(`document.querySelector("#a [name=call]").focus()`)
	page.do("press", args{"key": "Enter"})
	s.dialled("200")
	s.send(map[string]any{"action": "call-ended", "id": "c2", "to-number": "200", "reason": "late"})
	page.read(8)
	page.shows("a", false, false)
	s.calls(aCall("c3", "200", "alerting"))
	page.told("a", "alerting")
	page.wait(`document.activeElement === document.querySelector("#a [name=cancel]")`)
	s.send(map[string]any{"action": "error", "request": "clear-call", "code": 404})
	s.calls()
	page.told("a", "ended")
	page.wait(`document.activeElement === document.querySelector("#a [name=call]")`)

	page.click("#c [name=call]") // no number
	said := page.console()
	if !strings.Contains(said, "the element has no number") || strings.Contains(said, "uncaught") || strings.Contains(said, "CSP") {
		t.Errorf("the console says:\n%s", said)
	}
	if got := page.eval("Object.keys(window).filter((k) => /Line|Click|pbx|attach|lines/.test(k)).length"); got != 0.0 {
		t.Errorf("the script leaves %v globals", got)
	}
	if url := page.do("url", nil); url != pbx.url+"/page/p" {
		t.Errorf("the form was sent: %v", url)
	}
}

// However the script is included, and however often, a click is one call; elements may come
// later, and be in shadow trees.
func TestWidgetInclusions(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	el := published("w", "200")
	for name, html := range map[string]string{
		"end of body": el + classicScript,
		"head":        classicScript + el,
		"defer":       `<script src="/js/callback.js" defer></script>` + el,
		"async":       `<script src="/js/callback.js" async></script>` + el,
		"module":      `<script src="/js/callback.mjs" type="module"></script>` + el,
		"both":        `<script src="/js/callback.mjs" type="module"></script>` + el + classicScript + classicScript,
		"tag":         strings.ReplaceAll(el, "pbxcall", "a-number") + `<script src="/js/callback.js" data-tag="a-number" data-login="/rest/pbxlogin?crm"></script>`,
	} {
		page := web.open(name, pbx.page(strings.ReplaceAll(name, " ", "-"), html))
		page.wait("document.readyState === 'complete'")
		page.click("#w [name=call]")
		s := pbx.next()
		s.dialled("200")
		s.calls(aCall("c1", "200", "alerting"))
		page.visible("#w [name=cancel]")
		page.click("#w [name=cancel]")
		s.wants(map[string]any{"action": "clear-call", "id": "c1"}) // and no second make-call before it
		page.do("close", nil)
	}
	page := web.open("later", pbx.page("later", classicScript+"<div id=host></div>"))
	page.eval(`document.getElementById("host").attachShadow({mode: "open"}).innerHTML = '` + el + `'`)
	page.click("#w [name=call]")
	pbx.next().dialled("200")
	page.do("close", nil)

	page = web.open("closed", pbx.page("closed", "<div id=host></div>"))
	page.eval(`import("/js/callback.mjs").then(({attach}) => {
		const root = document.getElementById("host").attachShadow({mode: "closed"});
		root.innerHTML = '` + el + `';
		attach(root);
		root.querySelector("[name=call]").click();
	})`)
	pbx.next().dialled("200")
}

// What goes wrong is told in words, by an event and on the console, and the button comes back.
func TestWidgetErrors(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	for _, c := range []struct {
		reason string
		words  string
		set    func(p *scriptedPBX)
	}{
		{"not-logged-in", "You are not logged in.", func(p *scriptedPBX) { p.refuse = 401 }},
		{"not-allowed", "You are not allowed to make this call.", func(p *scriptedPBX) { p.refuse = 403 }},
		{"no-glue", "This site cannot log you in at the telephone system.", func(p *scriptedPBX) { p.refuse = 404 }},
		{"no-glue", "This site cannot log you in at the telephone system.", func(p *scriptedPBX) { p.answer = `{"session":"t0ken","user":"123","server":"evil/path"}` }},
		{"no-user", "You have no phone on this telephone system.", func(p *scriptedPBX) { p.answer = `{"session":false,"server":"127.0.0.1","user":"123"}` }},
		{"login-refused", "The telephone system did not accept the login. Please try again.", func(p *scriptedPBX) { p.exchange = "false" }},
		{"unreachable", "The telephone system cannot be reached from this page.", func(p *scriptedPBX) {
			p.answer = fmt.Sprintf(`{"session":"t0ken","server":"127.0.0.1:%d","user":"123"}`, harness.FreePort(t))
		}},
		{"unreachable", "The telephone system cannot be reached from this page.", func(p *scriptedPBX) { p.down = true }},
	} {
		pbx.set(func(p *scriptedPBX) {
			p.refuse, p.answer, p.exchange, p.down = 0, "", "true", false
			c.set(p)
		})
		page := web.open("e", pbx.page("e", published("w", "200")+classicScript))
		page.click("#w [name=call]")
		page.toldWhy("w", "error", c.reason)
		page.shows("w", true, false)
		page.visible("#w [name=status]")
		page.describes("#w", c.words, `- button "Call"`)
		if said := page.console(); !strings.Contains(said, c.words) || strings.Contains(said, "uncaught") {
			t.Errorf("%s: the console says %s", c.reason, said)
		}
		page.do("close", nil)
	}

	// Refusals of the call itself. The next click takes the words back.
	pbx.set(func(p *scriptedPBX) { p.refuse, p.answer, p.exchange, p.down = 0, "", "true", false })
	page := web.open("r", pbx.page("r", published("w", "200")+classicScript), args{"clock": true})
	var s *scriptedSocket
	for _, c := range []struct {
		code   int
		reason string
	}{{400, "bad-number"}, {403, "not-allowed"}, {409, "no-phone"}, {429, "too-many"}, {503, "not-ready"}, {500, "refused"}} {
		page.forget()
		page.click("#w [name=call]")
		if s == nil {
			s = pbx.next()
		}
		s.dialled("200")
		if page.eval(`document.querySelector("#w [name=status]").textContent`) != "" {
			t.Error("a new call still shows an old error")
		}
		s.send(map[string]any{"action": "error", "request": "make-call", "code": c.code, "message": "words of the server"})
		page.toldWhy("w", "error", c.reason)
		page.shows("w", true, false)
	}
	if !strings.Contains(page.console(), "409 words of the server") {
		t.Error("the console lacks the server's words")
	}

	// A server that says nothing, as the vendor's.
	page.forget()
	page.click("#w [name=call]")
	s.dialled("200")
	s.calls()
	page.told("w", "dialing")
	page.do("forward", args{"ms": 15_000})
	page.toldWhy("w", "error", "no-answer-from-server")
	page.shows("w", true, false)
}

// A line that is lost during a call is opened again by a fresh login; it is kept alive; and
// it goes when nobody needs it.
func TestWidgetLine(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	page := web.open("p", pbx.page("p", published("w", "200")+classicScript), args{"clock": true})
	page.click("#w [name=call]")
	s := pbx.next()
	s.dialled("200")
	s.calls()
	s.calls(aCall("c1", "200", "connected"))
	page.told("w", "connected")
	page.do("forward", args{"ms": 30_000})
	s.wants(map[string]any{"action": "wskeepalive"})

	_ = s.c.CloseNow()
	page.told("w", "reconnecting")
	page.shows("w", false, true)
	page.click("#w [name=cancel]") // it is sent as soon as there is a line
	page.do("forward", args{"ms": 500})
	s = pbx.next()
	s.wants(map[string]any{"action": "get-calls"})
	s.wants(map[string]any{"action": "clear-call", "id": "c1"})
	s.calls()
	page.told("w", "ended")
	page.shows("w", true, false)
	if logins, exchanges := pbx.count(); logins != 2 || exchanges != 2 {
		t.Errorf("%d logins and %d exchanges, want 2 of each", logins, exchanges)
	}
	page.do("forward", args{"ms": 10_000})
	<-s.gone

	// The call that was asked for is not asked for again.
	page.forget()
	page.click("#w [name=call]")
	s = pbx.next()
	s.dialled("200")
	page.told("w", "dialing")
	_ = s.c.CloseNow()
	page.told("w", "reconnecting")
	page.do("forward", args{"ms": 500})
	s = pbx.next()
	s.wants(map[string]any{"action": "get-calls"})
	s.calls(aCall(7, "200", "ringback"))
	page.told("w", "ringback")
	page.click("#w [name=cancel]")
	s.wants(map[string]any{"action": "clear-call", "id": "7"})
	s.calls()
	page.told("w", "ended")

	// A session that was ended is not opened again.
	page.forget()
	page.click("#w [name=call]")
	s.dialled("200")
	s.calls(aCall(8, "200", "ringback"))
	page.told("w", "ringback")
	_ = s.c.Close(1008, "logged out")
	page.toldWhy("w", "error", "logged-out")
	page.shows("w", true, false)

	// A server that stays away.
	page.forget()
	page.click("#w [name=call]")
	s = pbx.next()
	s.dialled("200")
	s.calls(aCall(9, "200", "ringback"))
	page.told("w", "ringback")
	pbx.set(func(p *scriptedPBX) { p.refuse = 503 })
	_ = s.c.CloseNow()
	page.told("w", "reconnecting")
	for range 6 {
		before, _ := pbx.count()
		page.do("forward", args{"ms": 8_000})
		page.wait("true")
		pbx.loggedIn(before + 1)
	}
	page.told("w", "error")
	page.shows("w", true, false)
}

// A browser that keeps no cookies of other sites: the socket is opened with a fresh token
// in the query.
func TestWidgetWithoutCookies(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	pbx.set(func(p *scriptedPBX) { p.sessions = true })
	page := web.open("p", pbx.page("p", published("w", "200")+classicScript))
	page.click("#w [name=call]")
	s := pbx.next()
	if s.query.Get("session") != "t0ken" {
		t.Errorf("the socket is opened with %v", s.query)
	}
	s.dialled("200")
	if logins, exchanges := pbx.count(); logins != 2 || exchanges != 1 {
		t.Errorf("%d logins and %d exchanges, want 2 and 1", logins, exchanges)
	}
}

// Which call is the click's, where several have its number.
func TestWidgetTellsCallsApart(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	page := web.open("p", pbx.page("p", published("a", "200")+published("b", "200")+classicScript))
	page.click("#a [name=call]")
	s := pbx.next()
	s.dialled("200")
	old := aCall("old", "200", "connected") // made on the phone itself
	s.calls(old)
	s.calls(old, aCall("c1", "200", "alerting"))
	page.told("a", "alerting")
	page.click("#b [name=call]")
	s.dialled("200")
	s.calls(old, aCall("c1", "200", "ringback"))
	s.calls(old, aCall("c1", "200", "ringback"), aCall("c2", "200", "alerting"))
	page.told("b", "alerting")
	page.click("#b [name=cancel]")
	s.wants(map[string]any{"action": "clear-call", "id": "c2"})
	page.click("#a [name=cancel]")
	s.wants(map[string]any{"action": "clear-call", "id": "c1"})
	s.calls(old)
	page.told("a", "ended")
	page.told("b", "ended")
	page.shows("a", true, false)
	page.shows("b", true, false)
}
