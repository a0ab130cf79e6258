package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/test/harness"
)

// The web console in Chromium, against the built binary and phones of another make.

// consolePages are all pages of the menu.
var consolePages = []string{"now", "dial", "calls", "batches", "import", "phones", "doors", "links", "audit", "dialplan", "tools"}

// newConsole starts a server with the users ada, an administrator, and bob, and the phones 101,
// 102 and 103.
func newConsole(t *testing.T, sections ...string) *clickOffice {
	t.Helper()
	user := func(name, more string) string {
		return fmt.Sprintf("[users.%s]\npassword = %q\n%s\n", name, auth.CheapHash("secret"), more)
	}
	o := &clickOffice{t: t, web: startBrowser(t)}
	all := append([]string{
		harness.Phone("101", ""), harness.Phone("102", ""), harness.Phone("103", ""),
		user("ada", "role = \"admin\"\nphone = \"101\"\nfirst_name = \"Ada\"\nlast_name = \"Moss\""), user("bob", "phone = \"102\""),
		"[links]\nenabled = true", "[vodia]\nenabled = true",
	}, sections...)
	o.Server = harness.StartWith(t, harness.Limits{HTTP: true}, all...)
	return o
}

// eventually waits until something that the server tells is so.
func (o *clickOffice) eventually(what string, ok func() bool) {
	o.t.Helper()
	o.until(what, ok)
}

// at gives the address of a page.
func (o *clickOffice) at(hash string) string {
	return fmt.Sprintf("http://127.0.0.1:%d/console/#/%s", o.HTTP, hash)
}

// enter logs in to the console by the form and waits for its first page.
func (o *clickOffice) enter(page, user string) *tab {
	o.t.Helper()
	p := o.web.open(page, o.at("now"), args{"context": page})
	p.do("landed", args{"url": "**/console/login**"})
	p.Fill("#user", user)
	p.Fill("#password", "secret")
	p.click("button")
	p.do("landed", args{"url": "**/console/#/now"})
	p.visible(`role=heading[name="Now"]`)
	return p
}

// clean checks that the page's console has said nothing bad since the test began, but for what
// is expected.
func (p *tab) clean(but ...string) {
	p.t.Helper()
lines:
	for line := range strings.Lines(p.console()) {
		if strings.HasPrefix(line, "log:") || strings.HasPrefix(line, "debug:") || strings.HasPrefix(line, "info:") {
			continue
		}
		for _, b := range but {
			if strings.Contains(line, b) {
				continue lines
			}
		}
		p.t.Errorf("the page's console says %s", strings.TrimSpace(line))
	}
}

// Log in, place a call between two SIPp phones, watch it ring, connect and end, and read the
// cause on its page.
func TestConsoleCall(t *testing.T) {
	t.Parallel()
	o := newConsole(t)
	mine, others := o.registerSIPp("101"), o.registerSIPp("102")
	p := o.enter("console", "ada")
	me := startSIPpAt(t, mine, 2, []step{invite(), reply(180, "Ringing", ""), pause(700 * time.Millisecond), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
	other := startSIPpAt(t, others, 1, []step{invite(), reply(180, "Ringing", ""), pause(700 * time.Millisecond), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})

	now := o.web.open("now", o.at("now"), args{"context": "console"}) // another tab of the same browser
	now.says("[data-testid=live-count]", "0 live calls")

	p.Goto(o.at("dial?number=tel%3A102"))
	p.says("[data-testid=preview]", "102")
	p.shot("dial")
	p.click(`role=button[name="Call"]`)
	for _, state := range []string{"ringing", "connecting", "connected"} {
		p.says("[data-testid=follow]", state)
	}
	p.shot("connected")
	now.says("[data-testid=live-count]", "1 live call")
	now.shot("live")
	now.click(`role=button[name=/Hang up 101 with 102/]`)
	now.click(`role=dialog >> role=button[name="Hang up"]`)
	p.says("[data-testid=follow]", "answered")
	now.says("[data-testid=live-count]", "0 live calls")
	other.Wait()

	busy := startSIPpAt(t, others, 1, []step{invite(), reply(486, "Busy Here", ""), recv("ACK"), linger})
	p.click(`role=button[name="Same number again"]`)
	p.click(`role=button[name="Call"]`)
	p.says("[data-testid=follow]", "busy")
	p.click(`role=link[name="All about this call"]`)
	p.says("main", "486 Busy Here")
	p.says("main", "User busy")
	p.shot("call")
	me.Wait()
	busy.Wait()
	p.clean("401")
	now.clean("401")
}

// The live page says that the stream has dropped, and goes on by itself when the server is
// there again: sessions outlive an orderly stop.
func TestConsoleOutlivesTheServer(t *testing.T) {
	t.Parallel()
	o := newConsole(t)
	p := o.enter("console", "ada")
	p.says("[data-testid=live-count]", "0 live calls")
	o.Server.Stop()
	p.says("header", "No connection since")
	p.shot("broken")
	o.Server.Start()
	p.says("header", "live")
	var made struct{ ID string }
	o.must(o.API("POST", "/v1/calls", map[string]any{"first": "Pretend/ok", "second": "Pretend/ok"}, &made))
	p.says("[data-testid=live-count]", "1 live call")
	p.shot("again")

	// A server that is killed forgets the sessions: the page asks for a login, and stays.
	o.Server.Kill()
	o.Server.Start()
	p.visible(`role=dialog`)
	p.Fill(`role=dialog >> role=textbox[name="User"]`, "ada")
	p.Fill(`role=dialog >> input[type=password]`, "secret")
	p.click(`role=dialog >> role=button[name="Log in"]`)
	p.says("header", "live")
}

// A list with a hostile name and a formula is looked at, tried, imported, resumed and paused.
func TestConsoleImport(t *testing.T) {
	t.Parallel()
	o := newConsole(t, "[limits]\nbatch_channels = 1")
	p := o.enter("console", "ada")
	var list strings.Builder
	list.WriteString("\ufeffName;Telefon;Bemerkung\r\n")
	for range 40 {
		list.WriteString("<img src=x onerror=\"document.title='hacked'\">;Pretend/ok;=HYPERLINK(\"http://x\")\r\n")
	}
	list.WriteString("Nobody;no such phone;\r\n")
	file := filepath.Join(t.TempDir(), "list.csv")
	o.must(os.WriteFile(file, []byte(list.String()), 0o600))
	p.Goto(o.at("import"))
	p.Upload("input[type=file]", file)
	p.says("[data-testid=understood]", "41")
	p.Fill(`role=textbox[name="Who rings first"]`, "Pretend/ok")
	p.click(`role=button[name="Try it, dial nobody"]`)
	p.says("[data-testid=report]", "1 of 41 will not be dialled")
	p.shot("report")
	p.Fill(`role=textbox[name="Name of the batch"]`, "autumn")
	p.click(`role=radio[name=/Paused/]`)
	p.click(`role=button[name="Submit 40 calls, paused"]`)
	o.eventually("all calls of the list wait", func() bool {
		var b struct{ Waiting int }
		return o.API("GET", "/v1/batches/autumn", nil, &b) == nil && b.Waiting == 40
	})
	p.Goto(o.at("batches/autumn"))
	p.says("main", "No call of this batch starts until it is resumed")
	p.click(`role=button[name="Resume autumn"]`)
	p.visible(`role=button[name="Pause autumn"]`)
	var b struct {
		Live, Waiting int
		Paused        bool
	}
	o.eventually("a call of the list is made", func() bool { return o.API("GET", "/v1/batches/autumn", nil, &b) == nil && b.Live == 1 })
	p.click(`role=button[name="Pause autumn"]`)
	p.visible(`role=button[name="Resume autumn"]`)
	p.shot("paused")
	o.must(o.API("GET", "/v1/batches/autumn", nil, &b))
	if !b.Paused || b.Waiting != 39 {
		t.Errorf("the batch is %+v, want paused with 39 calls that wait", b)
	}
	p.click(`role=button[name="Cancel… autumn"]`)
	p.click(`role=dialog >> role=button[name="Cancel 40 calls"]`)
	p.says("main", "cancelled")
	if title := p.eval("document.title"); strings.Contains(fmt.Sprint(title), "hacked") {
		t.Error("a script of the list has run")
	}
	p.clean("401")
}

// Each page of the menu, in light and dark, wide and narrow: pictures for people, and nothing
// that axe-core finds serious; for an administrator and for a user, who is not shown what is not theirs.
func TestConsolePages(t *testing.T) {
	t.Parallel()
	plan := filepath.Join(t.TempDir(), "extensions.conf")
	if err := os.WriteFile(plan, []byte("[default]\nexten => 200,1,Answer()\n same => n,Playback(demo-congrats)\n same => n,Goto(nowhere,s,1)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := newConsole(t, fmt.Sprintf("[dialplan]\nfile = %q", plan))
	hostile := "<script>document.title='hacked'</script>"
	for i := range 6 {
		o.Call(t, map[string]any{"first": "Pretend/ok", "second": []string{"Pretend/486", "Pretend/404"}[i%2], "reference": hostile, "caller_id": map[string]any{"name": hostile, "number": "1"}})
	}
	live := o.Submit(t, map[string]any{"first": "Pretend/ok", "second": "Pretend/ok", "batch": "spring", "reference": hostile})
	p := o.enter("admin", "ada")
	for _, page := range append(consolePages, "calls/"+live, "batches/spring") {
		p.Goto(o.at(page))
		p.visible("main h1")
		p.Wait(`!document.querySelector("main").innerText.includes("Loading…")`)
		for _, width := range []int{1280, 390} {
			for _, colours := range []string{"light", "dark"} {
				p.Look(width, colours)
				p.shot(fmt.Sprintf("%s-%d-%s", strings.ReplaceAll(page, "/", "-"), width, colours))
				for _, f := range p.Axe() {
					t.Errorf("%s, %d wide, %s: axe-core: %s (%s): %s\n%s", page, width, colours, f.ID, f.Impact, f.Help, strings.Join(f.Nodes, "\n"))
				}
			}
			if wide, _ := p.eval("document.documentElement.scrollWidth").(float64); int(wide) > width {
				t.Errorf("%s is %v wide on a screen of %d", page, wide, width)
			}
		}
		p.Look(1280, "light")
	}
	if title := p.eval("document.title"); strings.Contains(fmt.Sprint(title), "hacked") {
		t.Error("a script in a reference has run")
	}
	p.clean("401")

	q := o.enter("user", "bob")
	for _, page := range consolePages {
		q.Goto(o.at(page))
		q.visible("main h1")
	}
	for _, hidden := range []string{"Doors", "Audit", "Dialplan"} {
		if q.is(fmt.Sprintf("role=navigation >> role=link[name=%q]", hidden)) {
			t.Errorf("a user who is not an administrator is shown %s", hidden)
		}
	}
	q.clean("401")
}
