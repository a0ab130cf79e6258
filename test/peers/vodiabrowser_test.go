package peers

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

// browser is a Chromium of the test's own, which does what it is told: see
// test/node/browser.js.
type browser struct {
	t     *testing.T
	mu    sync.Mutex // guards what follows: one command at a time
	in    io.Writer
	out   *bufio.Scanner
	notes *bytes.Buffer
}

// startBrowser starts one, with further arguments of Chromium's.
func startBrowser(t *testing.T, args ...string) *browser {
	t.Helper()
	harness.RequirePeer(t, "chromium", "chromium")
	node.RequireModule(t, "playwright-core")
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	more, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	if args == nil {
		more = []byte("[]")
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
	b := &browser{t: t, in: in, out: bufio.NewScanner(out), notes: &bytes.Buffer{}}
	b.out.Buffer(nil, 1<<20)
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

// args are the arguments of a command of the browser's.
type args map[string]any

// tell carries out a command and gives its result.
func (b *browser) tell(do string, a args) any {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	command := args{"do": do}
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
	if answer.Error != "" {
		b.t.Fatalf("%s: %s", line, answer.Error)
	}
	return answer.OK
}

// tab is a page in the browser.
type tab struct {
	*browser
	name string
}

// open makes a page and goes to a URL. Further options go to the command.
func (b *browser) open(name, url string, options ...args) *tab {
	b.t.Helper()
	a := args{"page": name, "url": url}
	for _, o := range options {
		for k, v := range o {
			a[k] = v
		}
	}
	b.tell("open", a)
	return &tab{b, name}
}

func (p *tab) do(what string, a args) any {
	p.t.Helper()
	all := args{"page": p.name}
	for k, v := range a {
		all[k] = v
	}
	return p.tell(what, all)
}

func (p *tab) click(at string)   { p.t.Helper(); p.do("click", args{"at": at}) }
func (p *tab) visible(at string) { p.t.Helper(); p.do("visible", args{"at": at}) }
func (p *tab) hidden(at string)  { p.t.Helper(); p.do("hidden", args{"at": at}) }

// says waits until an element holds a text.
func (p *tab) says(at, text string) {
	p.t.Helper()
	p.do("says", args{"at": at, "text": text})
}

// is says whether an element is visible now.
func (p *tab) is(at string) bool {
	p.t.Helper()
	is, _ := p.do("is", args{"at": at}).(bool)
	return is
}

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

// wait waits until an expression is true in the page.
func (p *tab) wait(script string) any { p.t.Helper(); return p.do("wait", args{"script": script}) }

// eval gives the value of an expression.
func (p *tab) eval(script string) any { p.t.Helper(); return p.do("eval", args{"script": script}) }

// console gives what the page's console said.
func (p *tab) console() string {
	p.t.Helper()
	list, _ := p.do("console", nil).([]any)
	var lines []string
	for _, l := range list {
		lines = append(lines, l.(string))
	}
	return strings.Join(lines, "\n")
}

// shot keeps a picture of the page among the test's artefacts (go test -artifacts).
func (p *tab) shot(name string) {
	p.t.Helper()
	p.do("shot", args{"file": filepath.Join(p.t.ArtifactDir(), name+".png")})
}
