package peers

import (
	"strings"
	"testing"
)

const elementScript = `<script src="/js/dialwright-call.js" defer></script>`

// <dialwright-call> tells in words where its call stands, to the eye and to a screen reader.
func TestElementTellsInWords(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	page := web.open("p", pbx.page("p", `<dialwright-call id="w" number="200" name="Joe Doe" hold></dialwright-call>`+elementScript), args{"clock": true})
	page.visible("#w [part=call]")
	page.describes("#w", "", `- button "Call Joe Doe"`)
	page.click("#w [part=call]")
	page.hidden("#w [part=call]")
	page.says("#w [part=status]", "Calling your phone")
	s := pbx.next()
	s.wants(map[string]any{"action": "get-calls"})
	s.wants(map[string]any{"action": "make-call", "to": "200", "name": "Joe Doe"})
	for _, c := range []struct{ state, words, buttons string }{
		{"alerting", "Answer your phone.", `- button "Hang up"`},
		{"ringback", "Ringing Joe Doe …", `- button "Hang up"`},
		{"connected", "Connected", `- button "Hold"` + "\n" + `- button "Hang up"`},
		{"holding", "On hold", `- button "Resume"` + "\n" + `- button "Hang up"`},
		{"onhold", "The other side holds you.", `- button "Hang up"`},
		{"connected", "Connected", `- button "Hold"` + "\n" + `- button "Hang up"`},
	} {
		call := aCall("c1", "200", c.state)
		if c.buttons != `- button "Hang up"` || c.state == "onhold" {
			call["connect"] = 1700000110
		}
		s.calls(call)
		page.says("#w [part=status]", c.words)
		page.describes("#w", c.words, c.buttons)
		if page.is("#w [part=time]") != (call["connect"] != nil) {
			t.Errorf("%s: the time is shown: %v", c.state, call["connect"] == nil)
		}
	}
	page.do("forward", args{"ms": 72_000})
	page.says("#w [part=time]", "1:1")
	page.click("#w [part=hold]")
	for frame := range s.got { // keep-alives come first
		if frame["action"] != "wskeepalive" {
			if frame["action"] != "hold-call" || frame["id"] != "c1" {
				t.Errorf("the hold button sends %v", frame)
			}
			break
		}
	}
	s.send(map[string]any{"action": "error", "request": "hold-call", "code": 409})
	page.says("#w [part=status]", "The call cannot be put on hold.")
	page.eval(`document.getElementById("w").shadowRoot.querySelector("[part=hangup]").focus()`)
	page.do("press", args{"key": "Enter"})
	s.wants(map[string]any{"action": "clear-call", "id": "c1"})
	page.says("#w [part=status]", "Hanging up …")
	s.calls()
	page.says("#w [part=status]", "Ended.")
	page.hidden("#w [part=hangup]")
	page.hidden("#w [part=time]")
	page.wait(`document.getElementById("w").shadowRoot.activeElement?.part.contains("call")`) // the keyboard stays

	for _, c := range []struct{ state, reason, words string }{
		{"ringback", "busy", "Ended: busy."},
		{"ringback", "no-answer", "Ended: nobody answered."},
		{"ringback", "something_else", "Ended: something else."},
		{"connected", "", "Ended."},
		{"alerting", "busy", "Ended: your phone is busy, or has refused the call."},
		{"alerting", "no-answer", "Ended: you have not answered your phone."},
		{"alerting", "cancelled", "Ended."},
	} {
		page.click("#w [part=call]")
		s.wants(map[string]any{"action": "get-calls"})
		s.wants(map[string]any{"action": "make-call", "to": "200", "name": "Joe Doe"})
		id := "e" + c.state + c.reason
		s.calls(aCall(id, "200", c.state))
		page.visible("#w[data-state=" + c.state + "]")
		s.send(map[string]any{"action": "call-ended", "id": id, "to-number": "200", "reason": c.reason})
		s.calls()
		page.says("#w [part=status]", c.words)
	}

	// Attributes are followed; a call that goes on is not.
	page.eval(`(() => { const w = document.getElementById("w"); w.setAttribute("label", "Ring"); w.setAttribute("name", "Ann"); w.setAttribute("number", "201"); w.removeAttribute("hold") })()`)
	page.describes("#w", "", `- button "Ring Ann"`)
	page.eval(`document.getElementById("w").removeAttribute("number")`)
	page.describes("#w", "", `- button "Ring Ann" [disabled]`)
	if said := page.console(); strings.Contains(said, "CSP") || strings.Contains(said, "uncaught") {
		t.Errorf("the console says:\n%s", said)
	}
}

// describes checks what a screen reader finds in an element: status is read out when it
// changes, "" = nothing is.
func (p *tab) describes(at, status, buttons string) {
	p.t.Helper()
	got, _ := p.do("accessible", args{"at": at}).(string)
	for line := range strings.Lines(buttons) {
		if !strings.Contains(got, strings.TrimSpace(line)) {
			p.t.Errorf("a screen reader finds\n%s\nwant %s", got, buttons)
		}
	}
	if strings.Count(got, "- button") != strings.Count(buttons, "- button") {
		p.t.Errorf("a screen reader finds\n%s\nwant no buttons but %s", got, buttons)
	}
	if status != "" && !strings.Contains(got, "- status: "+status) {
		p.t.Errorf("a screen reader finds\n%s\nwant the status %q", got, status)
	}
}

// An element that is taken away lets go of its call, which goes on; one that is moved keeps it.
func TestElementComesAndGoes(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	page := web.open("p", pbx.page("p", `<div id="there"></div><dialwright-call id="w" number="200"></dialwright-call>`+elementScript+elementScript))
	page.click("#w [part=call]")
	s := pbx.next()
	s.dialled("200")
	s.calls(aCall("c1", "200", "alerting"))
	page.told("w", "alerting")
	page.eval(`document.getElementById("there").append(document.getElementById("w"))`)
	s.calls(aCall("c1", "200", "ringback"))
	page.told("w", "ringback")
	page.eval(`globalThis.w = document.getElementById("w"); w.remove()`)
	page.forget()
	s.calls(aCall("c1", "200", "connected"))
	page.read(3)
	page.eval(`document.body.append(w)`)
	page.visible("#w [part=call]")
	if n := page.eval("states.length"); n != 0.0 {
		t.Errorf("an element that has gone is told %v states", n)
	}
	select {
	case frame := <-s.got:
		t.Errorf("an element that goes sends %v", frame)
	default:
	}

	// One that goes before the call was asked for takes its wish along.
	pbx.set(func(p *scriptedPBX) { p.down = true })
	_ = s.c.CloseNow()
	<-s.gone
	page.eval(`w.call()`)
	page.told("w", "connecting")
	page.eval(`w.remove()`)
	pbx.set(func(p *scriptedPBX) { p.down = false })
	page = web.open("q", pbx.page("q", `<dialwright-call id="w" number="300"></dialwright-call>`+elementScript))
	page.click("#w [part=call]")
	for to := ""; to != "300"; { // the line of the first page may still come up, with nothing to ask
		if to = pbx.next().wish(); to != "" && to != "300" {
			t.Fatalf("an element that has gone calls %s", to)
		}
	}
}

// What goes wrong is told in words.
func TestElementErrors(t *testing.T) {
	t.Parallel()
	pbx, web := newScriptedPBX(t, widgetScripts(t)), startBrowser(t)
	page := web.open("p", pbx.page("p", `<dialwright-call id="w" number="200"></dialwright-call>`+elementScript))
	pbx.set(func(p *scriptedPBX) { p.refuse = 401 })
	page.click("#w [part=call]")
	page.says("#w [part=status]", "You are not logged in.")
	page.visible("#w [part=status][data-error]")
	page.visible("#w [part=call]")
	pbx.set(func(p *scriptedPBX) { p.refuse = 0 })
	page.click("#w [part=call]")
	s := pbx.next()
	for _, c := range []struct {
		code  int
		words string
	}{
		{409, "No phone of yours is connected."}, {403, "You are not allowed to make this call."},
		{429, "Too many calls. Please wait a little."}, {503, "The telephone system cannot make calls right now."},
	} {
		s.dialled("200")
		s.send(map[string]any{"action": "error", "request": "make-call", "code": c.code})
		page.says("#w [part=status]", c.words)
		page.click("#w [part=call]")
	}
	s.dialled("200")
	s.calls(aCall("c1", "200", "ringback"))
	page.says("#w [part=status]", "Ringing 200 …")
	page.hidden("#w [part=status][data-error]")
}
