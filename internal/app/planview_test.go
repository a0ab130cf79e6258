package app

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/rest"
)

const planText = `[globals]
OUT=carrier
[main]
include => night,20:00-06:00
exten => 100,1,Set(GREETED=yes)
 same => n,NoOp(hello ${CALLERID(num)})
 same => n(end),Hangup()
exten => loop,1,NoOp(again)
 same => n,Goto(1)
exten => bad,1,Goto(nowhere,s,1)
exten => evil,1,System(touch ` + "MARK" + `)
 same => n,NoOp(${SHELL(touch ` + "MARK" + `)})
 same => n,Set(FILE(` + "MARK" + `)=x)
 same => n,NoOp(${CURL(http://127.0.0.1:1/)})
#include more.conf
#include sub/link.conf
[night]
exten => _X.,1,Hangup()
`

// withPlan starts a server with planText; the function gives a path in its directory.
func withPlan(t *testing.T) (*App, func(string) string) {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, "conf", name) }
	if err := os.MkdirAll(at("sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		at("extensions.conf"): strings.ReplaceAll(planText, "MARK", at("mark")), at("more.conf"): "[more]\nexten => 1,1,Answer()\n",
		at("other.conf"): "secret=1\n", filepath.Join(dir, "outside.conf"): "[outside]\nexten => 1,1,NoOp(outside)\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "outside.conf"), at("sub/link.conf")); err != nil {
		t.Fatal(err)
	}
	a, _ := running(t, "", func(c *config.Config) {
		c.Dialplan.File = at("extensions.conf")
		c.Dialplan.AllowExec, c.Dialplan.AllowFiles = true, true // what a trace must not care about
	})
	return a, at
}

// The plan is shown with its places, and what is wrong with it where it is wrong.
func TestPlanView(t *testing.T) {
	a, at := withPlan(t)
	p := newPlans(a).Plan()
	if p.File != at("extensions.conf") || !slices.Equal(p.Files, []string{"extensions.conf", "more.conf", "sub/link.conf"}) {
		t.Errorf("%s %v", p.File, p.Files)
	}
	i := slices.IndexFunc(p.Contexts, func(c rest.PlanContext) bool { return c.Name == "main" })
	if i < 0 || !slices.Equal(p.Contexts[i].Includes, []string{"night,20:00-06:00"}) {
		t.Fatalf("%+v", p.Contexts)
	}
	e := p.Contexts[i].Extensions
	j := slices.IndexFunc(e, func(x rest.PlanExtension) bool { return x.Exten == "100" })
	if j < 0 || len(e[j].Priorities) != 3 || e[j].Line != 5 || e[j].Priorities[2] != (rest.PlanStep{Priority: 3, Label: "end", App: "Hangup", File: "extensions.conf", Line: 7}) {
		t.Errorf("%+v", e)
	}
	k := slices.IndexFunc(p.Problems, func(x rest.PlanProblem) bool { return x.Line == 10 })
	if k < 0 || p.Problems[k].Severity != "error" || p.Problems[k].Context != "main" || p.Problems[k].Exten != "bad" || !strings.Contains(p.Problems[k].Text, "nowhere") {
		t.Errorf("%+v", p.Problems)
	}
}

// Only files of the plan are shown, and no link leads out of its directory.
func TestPlanSource(t *testing.T) {
	a, at := withPlan(t)
	v := newPlans(a)
	for _, name := range []string{"extensions.conf", "more.conf"} {
		want, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Source(name); err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", "/", "other.conf", "sub/link.conf", "../outside.conf", "sub/../more.conf", "./more.conf", at("more.conf"), "/etc/passwd", "more.conf\x00", "MORE.CONF",
		"..\\outside.conf", "%2e%2e/outside.conf", "sub", strings.Repeat("a/", 5000),
	} {
		got, err := v.Source(name)
		if r, ok := errors.AsType[*rest.Refusal](err); !ok || r.Code != "not-found" || got != nil {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	// A file that is exchanged for a link after the plan was read.
	if err := errors.Join(os.Remove(at("more.conf")), os.Symlink("/etc/passwd", at("more.conf"))); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Source("more.conf"); err == nil {
		t.Errorf("through a link: %q", got)
	}
}

// A trace tells the steps; it ends when there are too many, runs no command, touches no file,
// and each who asks has one at a time.
func TestPlanTraceOfTheServer(t *testing.T) {
	a, at := withPlan(t)
	v := newPlans(a)
	got, err := v.Trace(t.Context(), "ada", rest.PlanTrace{Context: "main", Exten: "100", Caller: `"Ada" <101>`})
	all := strings.Join(got.Lines, "\n")
	if err != nil || !strings.Contains(all, "extensions.conf:5\tmain,100,1\tSet(GREETED=yes)") || !strings.Contains(all, "NoOp(hello 101)") || got.Ended != "The call has ended." {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = v.Trace(t.Context(), "ada", rest.PlanTrace{Context: "main", Exten: "loop"})
	if err != nil || len(got.Lines) == 0 || len(got.Lines) > maxTraceLines || !strings.HasPrefix(got.Ended, "Stopped") {
		t.Errorf("%d lines, %s, %v", len(got.Lines), got.Ended, err)
	}
	if _, err = v.Trace(t.Context(), "ada", rest.PlanTrace{Context: "main", Exten: "evil"}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(at("mark")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a trace has touched a file: %v", err)
	}
	if _, err := v.Trace(t.Context(), "ada", rest.PlanTrace{Context: "nowhere", Exten: "1"}); err == nil {
		t.Error("a context that there is not")
	}
	for _, dials := range []string{"nonsense?x=%zz", "180?ring=-1s&talk=9999h", strings.Repeat("?", 200), "../../x"} {
		if _, err := v.Trace(t.Context(), "ada", rest.PlanTrace{Context: "main", Exten: "100", Dials: dials}); err != nil {
			t.Errorf("%q: %v", dials, err)
		}
	}

	if err := v.begin("ben"); err != nil {
		t.Fatal(err)
	}
	var refused *rest.Refusal
	if _, err := v.Trace(t.Context(), "ben", rest.PlanTrace{Context: "main", Exten: "100"}); !errors.As(err, &refused) || refused.Code != "rate" {
		t.Errorf("a second trace of one: %v", err)
	}
	if err := v.begin("cleo"); err != nil {
		t.Fatal(err)
	}
	if err := v.begin("dora"); !errors.As(err, &refused) || refused.Code != "rate" {
		t.Errorf("more than there are places for: %v", err)
	}
	v.end("ben")
	v.end("cleo")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _, _ = v.Trace(t.Context(), "ada", rest.PlanTrace{Context: "main", Exten: "100"}) }) // one of them runs
	}
	wg.Wait()
	if len(v.places) != 0 || len(v.running) != 0 {
		t.Errorf("%d places taken, %v running", len(v.places), v.running)
	}
}
