package peers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// before and after are a dialplan and what it becomes while a call is in it. The
// digit that ends Read comes after the change. That LoadedNow does not exist is told
// when after is loaded.
const (
	before = `[run]
exten => s,1,Log(NOTICE,the old plan begins)
 same => n,Read(DIGIT,,1,,,60)
 same => n,Wait(0.5)
 same => n,Log(NOTICE,the old plan goes on with ${DIGIT})
 same => n,Goto(gone,s,1)
exten => h,1,Log(NOTICE,the old h)
[gone]
exten => s,1,Log(NOTICE,what is gone runs)
 same => n,Goto(run,s,last)
[run](+)
exten => s,50(last),Gosub(more,s,1)
 same => n,Hangup()
#include more.conf
`
	after = `[run]
exten => s,1,Log(NOTICE,the new plan begins)
 same => n,Gosub(more,s,1)
exten => h,1,Log(NOTICE,the new h)
exten => x,1,LoadedNow()
#include more.conf
`
)

func more(version string) string {
	return "[more]\nexten => s,1,Log(NOTICE,the " + version + " subroutine)\n same => n,Return()\n"
}

// change writes a file as an editor does: beside it and over it.
func (y *yard) change(name, text string) {
	y.t.Helper()
	y.write(name+".new", text)
	y.must(os.Rename(filepath.Join(y.dir, name+".new"), filepath.Join(y.dir, name)))
}

// startRun moves in a call file for phone 101 that enters the dialplan, and
// gives its call when the dialplan has said that it begins.
func (y *yard) startRun(p *softphone.Phone, name, begins string) *softphone.Call {
	y.t.Helper()
	y.put(name, "Channel: PJSIP/101\nContext: run\nExtension: s\n")
	ctx, cancel := context.WithTimeout(y.t.Context(), 30*time.Second)
	defer cancel()
	c, err := p.NextCall(ctx)
	y.must(err)
	y.logged(begins)
	return c
}

// logged waits until the dialplan or the server has said something.
func (y *yard) logged(text string) {
	y.t.Helper()
	y.until("the log says "+text, func() bool { return y.Log.Contains(text) })
}

// A dialplan that changes under a running call does not change for it: it goes on
// with the plan with which it began, subroutines and h too; the next call has
// the new one.
func TestReloadUnderACall(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"command", "watcher", "signal"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, before, map[string]string{"more.conf": more("old")}, harness.Phone("101", goodPhone))
			if how == "watcher" {
				y.configure("watch = false", "watch = true")
			}
			p := y.phone("101", 0, softphone.Rule{})
			running := y.startRun(p, "old.call", "the old plan begins")

			y.change("more.conf", more("new"))
			y.change("extensions.conf", after)
			switch how {
			case "command":
				if out := y.CLI("config", "reload"); out.Code != 0 || !strings.HasPrefix(out.Stdout, "changed: dialplan\n") {
					t.Errorf("config reload: %+v", out)
				}
			case "signal":
				y.must(y.Cmd.Process.Signal(syscall.SIGHUP))
				y.logged(`"msg":"configuration loaded"`)
			case "watcher":
				y.logged("there is no application LoadedNow")
				y.logged(`"changed":["dialplan"]`)
			}
			y.startRun(p, "new.call", "the new plan begins")
			y.logged("the new subroutine")
			y.logged("the new h")

			y.must(running.SendDTMF(t.Context(), "7", false))
			for _, text := range []string{"the old plan goes on with 7", "what is gone runs", "the old subroutine", "the old h"} {
				y.logged(text)
			}
			y.emptied()
		})
	}
}

// A dialplan that cannot be read is refused with the reason; the old one stays
// in force, for new calls too. The watcher says so in the log.
func TestReloadOfABrokenDialplan(t *testing.T) {
	t.Parallel()
	y := newYard(t, after, map[string]string{"more.conf": more("first")}, harness.Phone("101", goodPhone))
	y.configure("watch = false", "watch = true")
	p := y.phone("101", 0, softphone.Rule{})
	config := filepath.Join(y.Server.Dir, "dialwright.toml")
	for _, c := range []struct{ name, text, reason string }{
		{"unknown template", "[run](nosuch)\nexten => s,1,Hangup()\n", "extensions.conf:1: "},
		{"missing include", after + "#include not-there.conf\n", "not-there.conf"},
		{"circle of includes", after + "#include extensions.conf\n", "includes are nested too deep"},
		{"broken include", "#include broken.conf\n", "broken.conf:2: "},
		{"gone", "", "extensions.conf"},
	} {
		y.write("broken.conf", "[a]\n[b](nosuch)\n")
		if c.text == "" {
			y.must(os.Remove(filepath.Join(y.dir, "extensions.conf")))
		} else {
			y.change("extensions.conf", c.text)
		}
		out := y.CLI("config", "reload")
		if out.Code != 1 || !strings.Contains(out.Stderr, c.reason) || !strings.Contains(out.Stderr, "The old configuration and dialplan stay in force") {
			t.Errorf("%s: config reload: %+v, want the reason with %q", c.name, out, c.reason)
		}
		if out := y.CLI("check", "-c", config); out.Code != 1 || !strings.Contains(out.Stdout, c.reason) {
			t.Errorf("%s: check: %+v, want exit status 1 and %q", c.name, out, c.reason)
		}
	}
	y.logged("changed configuration was not loaded; the old one stays in force")
	y.startRun(p, "after.call", "the new plan begins")
	y.logged("the first subroutine")
	y.emptied()

	y.change("extensions.conf", after)
	y.change("more.conf", more("mended"))
	if out := y.CLI("config", "reload"); out.Code != 0 {
		t.Errorf("config reload of the mended file: %+v", out)
	}
	y.startRun(p, "mended.call", "the new plan begins")
	y.logged("the mended subroutine")
	y.emptied()
}

// A server does not start with a dialplan that cannot be read, and says why.
func TestStartWithABrokenDialplan(t *testing.T) {
	t.Parallel()
	y := newYard(t, after, map[string]string{"more.conf": more("only")})
	y.must(os.Remove(filepath.Join(y.dir, "more.conf")))
	y.Stop()
	out := y.CLI("serve", "-c", filepath.Join(y.Server.Dir, "dialwright.toml"))
	if out.Code != 1 || !strings.Contains(out.Stderr, "extensions.conf:6: ") || !strings.Contains(out.Stderr, "more.conf") {
		t.Errorf("serve: %+v, want the place of the include", out)
	}
	y.write("more.conf", more("only"))
	y.Start()
}

// check and reload name what would go wrong in a call, with file and line. That
// is no reason to refuse the file.
func TestCheckNamesMistakes(t *testing.T) {
	t.Parallel()
	y := newYard(t, `[run]
exten => s,1,Nonesuch(1)
exten => s,3,NoOp(never)
exten => t,1,Goto(run,s,nolabel)
exten => u,1,NoOp(${A)
exten => _[,1,NoOp()
exten => v,1,Queue(sales)
exten => w,1,Set(X=${NOFUNC(1)})
exten => x,1,Goto(nowhere,s,1)
include => missing
[unused](!)
exten => s,1,NoOp()
`, nil)
	config, dir := filepath.Join(y.Server.Dir, "dialwright.toml"), y.dir+"/extensions.conf:"
	out := y.CLI("check", "-c", config)
	if out.Code != 0 || !strings.Contains(out.Stdout, "ok: ") {
		t.Errorf("check: %+v, want exit status 0", out)
	}
	reload := y.CLI("config", "reload")
	if reload.Code != 0 {
		t.Errorf("config reload: %+v", reload)
	}
	for place, text := range map[string]string{
		"2: ": "there is no application Nonesuch", "3: ": "priority", "4: ": "nolabel", "5: ": "has no closing brace", "6: ": "_[",
		"7: ": "Queue is not supported", "8: ": "NOFUNC", "9: ": "nowhere", "10: ": "missing",
	} {
		for _, got := range []string{out.Stdout, reload.Stdout} {
			if !hasLine(got, "warning: "+dir+place, text) {
				t.Errorf("no warning at line %s with %q in:\n%s", place, text, got)
			}
		}
	}
	jsonOut := y.CLI("--json", "check", "-c", config)
	if jsonOut.Code != 0 || !strings.Contains(jsonOut.Stdout, dir+"2: there is no application Nonesuch") {
		t.Errorf("check --json: %+v", jsonOut)
	}
}

// hasLine says whether a line of text contains all of these.
func hasLine(text string, all ...string) bool {
lines:
	for line := range strings.Lines(text) {
		for _, s := range all {
			if !strings.Contains(line, s) {
				continue lines
			}
		}
		return true
	}
	return false
}

// configure replaces a text in the server's configuration and starts it again.
func (y *yard) configure(old, now string) {
	y.t.Helper()
	path := filepath.Join(y.Server.Dir, "dialwright.toml")
	b, err := os.ReadFile(path)
	y.must(err)
	if !strings.Contains(string(b), old) {
		y.t.Fatalf("the configuration has no %q", old)
	}
	y.Stop()
	y.must(os.WriteFile(path, []byte(strings.Replace(string(b), old, now, 1)), 0o600))
	y.Start()
}
