package peers

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// The widget, the element and the demonstration page in Chromium, on the built binary with
// phones that ring.

// Each end of a call, by the published widget and by our element, on the page of the
// server itself.
func TestClickOnThePage(t *testing.T) {
	t.Parallel()
	o := newClickOffice(t, "")
	p := o.login("123", "123@tenant.com")
	p.says("header", "123@tenant.com")
	p.shot("page")
	for _, el := range []struct{ id, call, cancel string }{
		{"widget", "#widget [name=call]", "#widget [name=cancel]"},
		{"component", "#component [part=call]", "#component [part=hangup]"},
	} {
		p.number("200")
		back := func() {
			t.Helper()
			p.told(el.id, "ended")
			p.visible(el.call)
			p.hidden(el.cancel)
			p.forget()
		}

		// Both answer, and the page hangs up.
		p.click(el.call)
		mine := o.rings(o.me)
		p.told(el.id, "alerting")
		p.hidden(el.call)
		p.shot(el.id + "-alerting")
		mine.Answer()
		others := o.rings(o.other)
		p.told(el.id, "ringback")
		others.Answer()
		p.told(el.id, "connected")
		o.talk(mine, others)
		p.shot(el.id + "-connected")
		p.click(el.cancel)
		o.over(mine, others)
		back()

		// Cancelled while the own phone rings, and while the other one does.
		p.click(el.call)
		mine = o.rings(o.me)
		p.told(el.id, "alerting")
		p.click(el.cancel)
		o.over(mine)
		back()
		p.click(el.call)
		mine = o.rings(o.me)
		mine.Answer()
		others = o.rings(o.other)
		p.told(el.id, "ringback")
		p.click(el.cancel)
		o.over(mine, others)
		back()

		// Somebody else ends it: the other side, the user's phone, or both.
		p.click(el.call)
		mine = o.rings(o.me)
		mine.Answer()
		others = o.rings(o.other)
		others.Answer()
		p.told(el.id, "connected")
		others.Hangup()
		o.over(mine)
		p.toldWhy(el.id, "ended", "completed") // from now on the same call is not the same click
		back()
		p.click(el.call)
		mine = o.rings(o.me)
		p.told(el.id, "alerting")
		mine.Hangup() // 480
		p.toldWhy(el.id, "ended", "no-answer")
		back()
	}

	// The number is busy: the person hears the tone of it.
	p.number("124")
	p.click("#component [part=call]")
	mine := o.rings(o.me)
	mine.Answer()
	p.toldWhy("component", "ended", "busy")
	o.over(mine)
	p.says("#component [part=status]", "Ended: busy.")
	p.do("dark", nil)
	p.shot("dark")
	if said := p.console(); strings.Contains(said, "CSP") || strings.Contains(said, "uncaught") {
		t.Errorf("the console says:\n%s", said)
	}
}

// The person has no phone that could ring; nobody is logged in any more; the bookmarklet.
func TestClickWithoutPhone(t *testing.T) {
	t.Parallel()
	o := newClickOffice(t, "")
	p := o.login("126", "126@tenant.com")
	p.number("200")
	p.click("#component [part=call]")
	p.says("#component [part=status]", "No phone of yours is connected.")
	p.shot("no-phone")
	p.click("#widget [name=call]")
	p.toldWhy("widget", "error", "no-phone")
	p.says("#widget [name=status]", "No phone of yours is connected.")

	bookmarklet, _ := p.eval(`document.getElementById("bookmarklet").href`).(string)
	p.eval(`void getSelection().selectAllChildren(document.querySelector("header strong"))`)
	target, err := url.PathUnescape(strings.TrimPrefix(bookmarklet, "javascript:"))
	o.must(err)
	p.eval(`globalThis.open = (url) => { globalThis.opened = url }; ` + target)
	if got := p.eval("opened"); got != o.front.url("pbx")+"/click-to-dial?number=126%40tenant.com" {
		t.Errorf("the bookmarklet opens %v", got)
	}

	page := o.front.url("pbx") + "/click-to-dial?number=200"
	p = o.web.open("stays", page, args{"context": "126"})
	q := o.web.open("leaves", page, args{"context": "126"})
	q.click("header button") // logs out
	q.do("landed", args{"url": "**/click-to-dial/login**"})
	p.click("#component [part=call]")
	p.says("#component [part=status]", "You are not logged in.")
	if n := o.me.Counts().Invites; n != 0 {
		t.Errorf("the phone of somebody else was called %d times", n)
	}
}

// What a server refuses is told in words: a number that is none or leads nowhere, or one that
// the person may not call.
func TestClickRefused(t *testing.T) {
	t.Parallel()
	o := newClickOffice(t, "")
	pages := map[string]*tab{}
	for _, c := range []struct{ user, number, words string }{
		{"123", "nobody", "This number cannot be called."},
		{"123", "sip:200@evil.test", "This number cannot be called."},
		{"123", "5551234", "This number cannot be called."},
		{"124", "200", "You are not allowed to make this call."},
	} {
		p := pages[c.user]
		if p == nil {
			p = o.login(c.user, c.user+"@tenant.com")
			pages[c.user] = p
		}
		p.number(c.number)
		p.click("#component [part=call]")
		p.says("#component [part=status]", c.words)
		p.click("#widget [name=call]")
		p.says("#widget [name=status]", c.words)
		p.visible("#component [part=call]")
		p.visible("#widget [name=call]")
		p.shot("refused-" + c.user)
	}
	if n := o.me.Counts().Invites + o.other.Counts().Invites; n != 0 {
		t.Errorf("phones were called %d times", n)
	}
}

// Everything can be done by the keyboard, and a screen reader is told what can be done and
// what becomes of it.
func TestClickByKeyboard(t *testing.T) {
	t.Parallel()
	o := newClickOffice(t, "")
	p := o.login("123", "123@tenant.com")
	for _, key := range []string{"2", "0", "0", "Tab"} { // the field has the focus
		p.do("press", args{"key": key})
	}
	p.describes("body", "", `- heading "Click to dial" [level=1]
- textbox "Number": "200"
- button "Call 200"
- button "Call"
- button "Log out"
- 'button "Open tel: links here"'`)
	at := func(part string) {
		t.Helper()
		p.wait(`document.getElementById("component").shadowRoot.activeElement?.part.contains("` + part + `")`)
	}
	at("call")
	p.do("press", args{"key": "Enter"})
	mine := o.rings(o.me)
	p.told("component", "alerting")
	at("hangup")
	p.describes("#component", "Answer your phone.", `- button "Hang up"`)
	p.do("press", args{"key": " "})
	o.over(mine)
	p.told("component", "ended")
	at("call")
	p.describes("#component", "Ended.", `- button "Call 200"`)
}

// The server goes while the phone rings, and comes back: the page of another site finds it
// again by itself, and says what has become of the call.
func TestClickOutlivesTheServer(t *testing.T) {
	t.Parallel()
	crm := newHTTPSFront(t)
	o := newClickOffice(t, "allowed_origins = [\""+crm.url("crm")+"\"]\n")
	crm.serve(o.crm(o.glue("js")))
	p := o.web.open("crm", crm.url("crm")+"/")
	for _, killed := range []bool{true, false} {
		p.click("#el [part=call]")
		mine := o.rings(o.me)
		p.says("#el [part=status]", "Answer your phone.")
		if killed {
			o.Kill()
			p.says("#el [part=status]", "The connection is lost. Trying again")
			p.visible("#el [part=hangup]")
			p.shot("lost")
		} else {
			o.Server.Stop()
			o.over(mine)
		}
		o.Server.Start()
		p.says("#el [part=status]", "Ended")
		p.visible("#el [part=call]")
		if killed {
			mine.Hangup() // nobody has told the phone
		}

		p.forget()
		p.click("#one [name=call]")
		mine = o.rings(o.me)
		p.told("one", "alerting")
		p.click("#one [name=cancel]")
		o.over(mine)
		p.told("one", "ended")
		p.forget()
	}
}

// A person has one line: whoever clicks while it rings is told that it is not free. Each
// element knows its own call.
func TestClickWhileThePhoneRings(t *testing.T) {
	t.Parallel()
	crm := newHTTPSFront(t)
	o := newClickOffice(t, "allowed_origins = [\""+crm.url("crm")+"\"]\n")
	crm.serve(o.crm(o.glue("js")))
	p := o.web.open("crm", crm.url("crm")+"/")
	p.click("#el [part=call]")
	mine := o.rings(o.me)
	p.told("el", "alerting")
	p.click("#two [name=call]")
	p.toldWhy("two", "ended", "expired")
	p.visible("#two [name=call]")
	p.says("#el [part=status]", "Answer your phone.")
	p.click("#el [part=hangup]")
	o.over(mine)
	p.says("#el [part=status]", "Ended.")
	if n := o.me.Counts().Invites; n != 1 {
		t.Errorf("the phone was called %d times, want once", n)
	}
}

// On the server's own machine it works without HTTPS, as somebody does who tries it out.
func TestClickWithoutHTTPS(t *testing.T) {
	t.Parallel()
	o := newClickOffice(t, "")
	p := o.web.open("plain", fmt.Sprintf("http://127.0.0.1:%d/click-to-dial?number=200", o.HTTP))
	p.do("landed", args{"url": "**/click-to-dial/login?number=200"})
	p.do("fill", args{"at": "#account", "text": "123@tenant.com"})
	p.do("fill", args{"at": "#password", "text": "secret"})
	p.click("button")
	p.do("landed", args{"url": "**/click-to-dial?number=200"})
	for id, buttons := range map[string][2]string{
		"component": {"#component [part=call]", "#component [part=hangup]"}, "widget": {"#widget [name=call]", "#widget [name=cancel]"},
	} {
		p.click(buttons[0])
		mine := o.rings(o.me)
		p.told(id, "alerting")
		p.click(buttons[1])
		o.over(mine)
		p.told(id, "ended")
	}
}
