package peers

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// Chromium opens a link, presses its button and goes to one that dials at once. Then
// strangers' pages try: a form, a script, a frame. Then the page that a link is locked to.
func TestLinkInBrowser(t *testing.T) {
	t.Parallel()
	o := newLinkOffice(t, 4)
	web := startBrowser(t)
	port := strangers(t)
	site := func(host, html string) string {
		return fmt.Sprintf("http://%s:%d/?html=%s", host, port, url.QueryEscape(html))
	}
	ends := func(what string, calls int) {
		t.Helper()
		var list struct{ Calls []struct{ ID string } }
		o.MustAPI("GET", "/v1/calls?door=link", nil, &list)
		if len(list.Calls) != calls {
			t.Fatalf("%s: %d calls, want %d", what, len(list.Calls), calls)
		}
		o.AwaitEnd(t, list.Calls[0].ID).Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
	}

	p := web.open("own", o.create("101", "102", "--name", "Ada Moss", "--once", "--connect"))
	p.says("h1", "Call Ada Moss")
	p.shot("link")
	p.click("button")
	p.says("[role=status]", "The phone rings. Answer it, and you will be connected with Ada Moss (102).")
	ends("the button", 1)
	p = web.open("direct", o.create("101", "102", "--direct", "--connect"))
	p.says("[role=status]", "The phone rings.")
	if at, _ := p.do("url", nil).(string); !strings.HasSuffix(at, "?placed") {
		t.Errorf("a reload would dial again: %s", at)
	}
	ends("a link that dials at once", 2)

	open := o.create("101", "102", "--connect")
	locked := o.create("101", "102", "--connect", "--origin", fmt.Sprintf("http://friend.test:%d", port))
	for _, link := range []string{open, locked} {
		form := web.open("form"+link, site("evil.test", `<form method="post" action="`+link+`"><button>Win</button></form>`))
		form.click("button")
		form.says("[role=status]", "This link does not work from this page.")
		script := web.open("script"+link, site("evil.test", ""))
		for _, options := range []string{`{method: "POST"}`, `{method: "POST", mode: "no-cors"}`, `{method: "POST", headers: {"Content-Type": "application/json"}}`} {
			if said, _ := script.eval(fmt.Sprintf(`fetch(%q, %s).then((r) => r.type, (e) => e.name)`, link, options)).(string); said != "TypeError" && said != "opaque" {
				t.Errorf("a stranger's script with %s reads an answer: %s", options, said)
			}
		}
		frame := web.open("frame"+link, site("evil.test", `<iframe src="`+link+`"></iframe>`)) // it has loaded with its frame
		if frame.is("iframe >> internal:control=enter-frame >> button") {
			t.Error("a stranger's frame shows the button")
		}
	}
	typed := web.open("typed", locked)
	typed.says("[role=status]", "This link does not work from this page.")
	ends("strangers", 2)
	if l := o.show(open); l.Used != 0 || len(l.History) != 3 || !strings.HasPrefix(l.History[0].Origin, "http://evil.test:") || l.History[0].Refused != "this link does not work from this page" {
		t.Errorf("%+v", l)
	}

	friend := web.open("friend", site("friend.test", `<iframe src="`+locked+`"></iframe>`))
	friend.click("iframe >> internal:control=enter-frame >> button")
	friend.says("iframe >> internal:control=enter-frame >> [role=status]", "The phone rings.")
	ends("the button in a frame of its page", 3)
	again := o.create("101", "102", "--connect", "--origin", fmt.Sprintf("http://friend.test:%d", port))
	if said, _ := friend.eval(fmt.Sprintf(`fetch(%q, {method: "POST"}).then((r) => r.json()).then((a) => a.status)`, again)).(string); said != "placed" {
		t.Errorf("its page's script is told %q", said)
	}
	ends("a script of its page", 4)
	o.me.Wait()
	o.other.Wait()
}
