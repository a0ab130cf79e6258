package dialplan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dialwright/dialwright/internal/dialplan"
)

var update = flag.Bool("update", false, "rewrite the wanted results in testdata")

// golden compares what got makes of the files of each archive in a folder with
// the file "want".
func golden(t *testing.T, folder string, got func(files fstest.MapFS, comment string) string) {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := fstest.MapFS{}
			var want *txtar.File
			for i := range ar.Files {
				f := &ar.Files[i]
				if f.Name == "want" {
					want = f
					continue
				}
				files[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			got := got(files, string(ar.Comment))
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// expand replaces ${A} and ${B} as dialplan.Expand would; everything else is empty.
func expand(text string, globals map[string]string) string {
	return os.Expand(text, func(name string) string { return globals[name] })
}

// TestLoadGolden writes down each plan as it is tried, and what was reported.
func TestLoadGolden(t *testing.T) {
	golden(t, "load", func(files fstest.MapFS, comment string) string {
		o := dialplan.LoadOptions{Expand: expand, PipeSeparator: strings.HasPrefix(comment, "pipe\n")}
		return render(dialplan.Load(files, "extensions.conf", o))
	})
}

func render(p *dialplan.Plan, problems []dialplan.Problem, err error) string {
	var b strings.Builder
	if p != nil {
		fmt.Fprintf(&b, "general: %+v\nglobals: %v\nfiles: %v\n", p.General(), p.Globals(), p.Files())
		for _, name := range p.Contexts() {
			fmt.Fprintf(&b, "[%s]\n", name)
			for _, s := range p.Steps(name) {
				exten := s.Exten
				if s.HasCID {
					exten += "/" + s.CID
				}
				fmt.Fprintf(&b, "%s: %s,%d(%s) %s(%s)\n", s.At, exten, s.Priority, s.Label, s.App, s.Args)
			}
			for _, h := range p.Hints(name) {
				fmt.Fprintf(&b, "%s: %s hint %s %q\n", h.At, h.Exten, h.Devices, h.Name)
			}
			for _, i := range p.Includes(name) {
				fmt.Fprintf(&b, "%s: include %s: %s\n", i.At, i.Context, i.Text)
			}
		}
	}
	for _, p := range problems {
		fmt.Fprintln(&b, p)
	}
	if err != nil {
		fmt.Fprintf(&b, "refused: %s\n", err)
	}
	return b.String()
}

// load loads a plan that must load.
func load(t testing.TB, text string) *dialplan.Plan {
	t.Helper()
	p, _, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(text)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestZeroPlan(t *testing.T) {
	p := new(dialplan.Plan)
	if !p.General().AutoFallthrough || p.General().ClearGlobals {
		t.Errorf("general %+v", p.General())
	}
	if p.Find("a", "s", 1, dialplan.Caller{}) != nil || p.Exists("a", "s", dialplan.Caller{}) || p.MatchMore("a", "", dialplan.Caller{}) ||
		p.Label("a", "s", "x", dialplan.Caller{}) != 0 || p.HasContext("a") || p.Steps("a") != nil || len(p.Lint(dialplan.LintOptions{})) > 0 {
		t.Error("the empty plan has something")
	}
	if _, _, ok := p.Hint("a", "s", dialplan.Caller{}); ok {
		t.Error("the empty plan has a hint")
	}
}

// FuzzLoad: no file brings the loader, the linter or a lookup down.
func FuzzLoad(f *testing.F) {
	archives, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(ar.Files[0].Data), "100")
	}
	f.Fuzz(func(t *testing.T, text, exten string) {
		p, _, err := dialplan.Load(fstest.MapFS{"e": {Data: []byte(text)}}, "e", dialplan.LoadOptions{Expand: expand, PipeSeparator: len(exten)%2 == 0})
		if err != nil {
			return
		}
		p.Lint(dialplan.LintOptions{
			KnownApp:  func(name string) dialplan.AppStatus { return dialplan.AppStatus(len(name) % 4) },
			KnownFunc: func(name string) bool { return len(name)%2 == 0 },
		})
		for _, c := range p.Contexts() {
			for _, s := range p.Steps(c) {
				if s.Priority < 1 || s.At.File != "e" || s.At.Line < 1 {
					t.Fatalf("step %+v", s)
				}
				plain := !strings.HasPrefix(s.Exten, "_") && !strings.HasPrefix(s.CID, "_")
				if plain && p.Find(c, s.Exten, s.Priority, dialplan.Caller{Number: s.CID}) == nil {
					t.Fatalf("step %+v is not found", s)
				}
			}
			p.MatchMore(c, exten, dialplan.Caller{})
			p.Label(c, exten, exten, dialplan.Caller{})
		}
	})
}
