package peers

import (
	"testing"

	chromium "github.com/dialwright/dialwright/test/browser"
)

// browser is a Chromium of the test's own, with what the tests of click-to-dial ask of it.
type browser struct {
	t *testing.T
	*chromium.Browser
}

// startBrowser starts one, with further arguments of Chromium's.
func startBrowser(t *testing.T, more ...string) *browser {
	t.Helper()
	return &browser{t, chromium.Start(t, more...)}
}

// args are the arguments of a command of the browser's.
type args = chromium.Args

// tab is a page in the browser.
type tab struct {
	*chromium.Tab
	t *testing.T
}

// open makes a page and goes to a URL. Further options go to the command.
func (b *browser) open(name, url string, options ...args) *tab {
	b.t.Helper()
	return &tab{b.Open(name, url, options...), b.t}
}

func (p *tab) do(what string, a args) any { p.t.Helper(); return p.Do(what, a) }
func (p *tab) click(at string)            { p.t.Helper(); p.Click(at) }
func (p *tab) visible(at string)          { p.t.Helper(); p.Visible(at) }
func (p *tab) hidden(at string)           { p.t.Helper(); p.Hidden(at) }
func (p *tab) says(at, text string)       { p.t.Helper(); p.Says(at, text) }
func (p *tab) is(at string) bool          { p.t.Helper(); return p.Is(at) }
func (p *tab) wait(script string) any     { p.t.Helper(); return p.Wait(script) }
func (p *tab) eval(script string) any     { p.t.Helper(); return p.Eval(script) }
func (p *tab) console() string            { p.t.Helper(); return p.Console() }
func (p *tab) shot(name string)           { p.t.Helper(); p.Shot(name) }

// told waits until an element has told a state.
func (p *tab) told(id, state string) map[string]any {
	p.t.Helper()
	return p.toldWhy(id, state, "")
}

// toldWhy is told with a reason.
func (p *tab) toldWhy(id, state, reason string) map[string]any {
	p.t.Helper()
	m, _ := p.do("state", args{"id": id, "state": state, "reason": reason}).(map[string]any)
	return m
}

// forget drops the states that were told so far.
func (p *tab) forget() { p.t.Helper(); p.do("eval", args{"script": "states.length = 0"}) }
