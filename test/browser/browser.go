// Package browser drives Debian's Chromium by playwright-core: test/node/browser.js takes a
// command a line and answers each with a line. A test has a browser of its own, and pages in it
// that go by names.
//
// Places in a page are Playwright's selectors: "#id", "text=…", `role=button[name="Call"]`.
// What is waited for is waited for 20 s; what does not come fails the test.
package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/node"
)

// Browser is a Chromium of the test's own. One command runs at a time.
type Browser struct {
	t     testing.TB
	mu    sync.Mutex // guards what follows: one command at a time
	in    io.Writer
	out   *bufio.Scanner
	notes *bytes.Buffer
}

// Args are the arguments of a command of browser.js.
type Args map[string]any

// Start starts one, with further arguments of Chromium's. It ends with the test.
func Start(t testing.TB, arguments ...string) *Browser {
	t.Helper()
	harness.RequirePeer(t, "chromium", "chromium")
	node.RequireModule(t, "playwright-core")
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	more, err := json.Marshal(append([]string{}, arguments...))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "node", "browser.js") // its end is asked for below
	cmd.Dir = filepath.Join("..", "node")
	cmd.Env = append(os.Environ(), "CHROMIUM="+path, "ARGS="+string(more))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{t: t, in: in, out: bufio.NewScanner(out), notes: &bytes.Buffer{}}
	b.out.Buffer(nil, 16<<20)
	cmd.Stderr = b.notes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("browser.js: %v\n%s", err, b.notes)
		}
	})
	return b
}

// Tell carries out a command and gives its result.
func (b *Browser) Tell(do string, a Args) any {
	b.t.Helper()
	v, failed := b.Try(do, a)
	if failed != "" {
		b.t.Fatalf("%s %v: %s", do, a, failed)
	}
	return v
}

// Try is Tell for a command that may fail; failed says why, "" = it did not.
func (b *Browser) Try(do string, a Args) (v any, failed string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	command := Args{"do": do}
	for k, v := range a {
		command[k] = v
	}
	line, err := json.Marshal(command)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(line, '\n')); err != nil {
		b.t.Fatalf("browser.js is gone: %v\n%s", err, b.notes)
	}
	if !b.out.Scan() {
		b.t.Fatalf("browser.js is gone: %v\n%s", b.out.Err(), b.notes)
	}
	var answer struct {
		OK    any
		Error string
	}
	if err := json.Unmarshal(b.out.Bytes(), &answer); err != nil {
		b.t.Fatalf("%s: %v", b.out.Text(), err)
	}
	return answer.OK, answer.Error
}

// Tab is a page in the browser.
type Tab struct {
	*Browser
	name string
}

// Open makes a page and goes to a URL. Further options go to the command: "context" names the
// one (cookies, storage) to which the page belongs, "options" are those of a new context.
func (b *Browser) Open(name, url string, options ...Args) *Tab {
	b.t.Helper()
	a := Args{"page": name, "url": url}
	for _, o := range options {
		for k, v := range o {
			a[k] = v
		}
	}
	b.Tell("open", a)
	return &Tab{b, name}
}

// Do carries out a command on the page.
func (p *Tab) Do(what string, a Args) any {
	p.t.Helper()
	return p.Tell(what, p.with(a))
}

func (p *Tab) with(a Args) Args {
	all := Args{"page": p.name}
	for k, v := range a {
		all[k] = v
	}
	return all
}

// Click clicks on a place.
func (p *Tab) Click(at string) { p.t.Helper(); p.Do("click", Args{"at": at}) }

// Fill puts a text into a field, in the place of what is there.
func (p *Tab) Fill(at, text string) { p.t.Helper(); p.Do("fill", Args{"at": at, "text": text}) }

// Press presses a key: "Tab", "Enter".
func (p *Tab) Press(key string) { p.t.Helper(); p.Do("press", Args{"key": key}) }

// Visible waits until a place is visible.
func (p *Tab) Visible(at string) { p.t.Helper(); p.Do("visible", Args{"at": at}) }

// Hidden waits until a place is not visible, or not there.
func (p *Tab) Hidden(at string) { p.t.Helper(); p.Do("hidden", Args{"at": at}) }

// Says waits until a place holds a text.
func (p *Tab) Says(at, text string) { p.t.Helper(); p.Do("says", Args{"at": at, "text": text}) }

// Is says whether a place is visible now.
func (p *Tab) Is(at string) bool {
	p.t.Helper()
	is, _ := p.Do("is", Args{"at": at}).(bool)
	return is
}

// Wait waits until an expression is true in the page, and gives its value.
func (p *Tab) Wait(script string) any { p.t.Helper(); return p.Do("wait", Args{"script": script}) }

// Eval gives the value of an expression.
func (p *Tab) Eval(script string) any { p.t.Helper(); return p.Do("eval", Args{"script": script}) }

// Goto goes to a URL, or within the page to a hash.
func (p *Tab) Goto(url string) { p.t.Helper(); p.Do("goto", Args{"url": url}) }

// URL gives the address that the page is at.
func (p *Tab) URL() string { p.t.Helper(); u, _ := p.Do("url", nil).(string); return u }

// Upload puts a file into a file field.
func (p *Tab) Upload(at, file string) { p.t.Helper(); p.Do("upload", Args{"at": at, "file": file}) }

// Console gives what the page's console said, uncaught errors and refusals of the content
// security policy among it, a line each.
func (p *Tab) Console() string {
	p.t.Helper()
	list, _ := p.Do("console", nil).([]any)
	var lines []string
	for _, l := range list {
		lines = append(lines, l.(string))
	}
	return strings.Join(lines, "\n")
}

// Shot keeps a picture of the page among the test's artefacts (go test -artifacts).
func (p *Tab) Shot(name string) {
	p.t.Helper()
	dir, ok := p.t.(interface{ ArtifactDir() string })
	if !ok {
		return
	}
	p.Do("shot", Args{"file": filepath.Join(dir.ArtifactDir(), name+".png")})
}

// Look sets the width of the page in CSS pixels and its colours, "light" or "dark".
func (p *Tab) Look(width int, colours string) {
	p.t.Helper()
	p.Do("look", Args{"width": width, "colours": colours})
}

// Finding is what axe-core has found wrong.
type Finding struct {
	ID, Impact, Help string // impact: minor, moderate, serious, critical
	Nodes            []string
}

// Axe gives what axe-core finds serious or critical on the page.
func (p *Tab) Axe() []Finding {
	p.t.Helper()
	text, _ := p.Do("axe", nil).(string)
	var out []Finding
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		p.t.Fatal(err)
	}
	return out
}
