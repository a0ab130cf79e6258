package conf_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

var update = flag.Bool("update", false, "rewrite the wanted results in testdata")

// TestLoad reads main.conf of each archive in testdata and compares what comes
// out of it with the file "want".
func TestLoad(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives in testdata", err)
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
			got := render(conf.Load(files, "main.conf"))
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

// render writes down everything that a load gave.
func render(f *conf.File, problems []conf.Problem, err error) string {
	var b strings.Builder
	if f != nil {
		fmt.Fprintf(&b, "read: %s\n", strings.Join(f.Files, " "))
		for _, s := range f.Sections {
			hidden := ""
			if s.Hidden {
				hidden = "(!)"
			}
			fmt.Fprintf(&b, "%s: [%s]%s\n", s.Origin, s.Name, hidden)
			for _, l := range s.Lines {
				fmt.Fprintf(&b, "%s:     %q = %q\n", l.Origin, l.Key, l.Value)
			}
		}
	}
	for _, p := range problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	if err != nil {
		fmt.Fprintf(&b, "error: %s\n", err)
	}
	return b.String()
}

// TestLoadBytes has the cases that a text file cannot show well.
func TestLoadBytes(t *testing.T) {
	longest := "k = " + strings.Repeat("v", 8190-len("k = "))
	for _, tt := range []struct {
		name, text string
		want       map[string]string // keys of [t]
		problems   int
	}{
		{"byte order mark and CR LF", "\ufeff[t]\r\na = 1\r\n b = 2 \r\n", map[string]string{"a": "1", "b": "2"}, 0},
		{"byte order mark elsewhere", "[t]\n\ufeffa = 1\n", map[string]string{"\ufeffa": "1"}, 0},
		{"no line end at the end", "[t]\na = 1", map[string]string{"a": "1"}, 0},
		{"control characters are blanks", "[t]\n\x01\ta\x02=\x03 1\x1f\n", map[string]string{"a": "1"}, 0},
		{"longest line", "[t]\n" + longest + "\n", map[string]string{"k": longest[4:]}, 0},
		{"line too long", "[t]\n" + longest + "v\na = 1\n", map[string]string{"a": "1"}, 1},
		{"32 block comments", "[t]\n" + strings.Repeat(";-- ", 32) + strings.Repeat(" --; ", 32) + "a = 1\n", map[string]string{"a": "1"}, 0},
		{"33 block comments", "[t]\n" + strings.Repeat(";-- ", 33) + strings.Repeat(" --; ", 32) + "a = 1\n", map[string]string{"a": "1"}, 1},
		{"block comment from line to line", "[t]\na = 1 ;--\nb = 2\n--; c = 3\n", map[string]string{"a": "1", "c": "3"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, problems, err := conf.Load(fstest.MapFS{"x.conf": {Data: []byte(tt.text)}}, "x.conf")
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, l := range f.Section("t").Lines {
				got[l.Key] = l.Value
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(problems) != tt.problems {
				t.Errorf("problems: %v", problems)
			}
		})
	}
}

func TestLoadError(t *testing.T) {
	_, _, err := conf.Load(fstest.MapFS{}, "x.conf")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	_, _, err = conf.Load(fstest.MapFS{"x.conf": {Data: []byte("[a]\n#include y\n")}}, "x.conf")
	e, ok := errors.AsType[*conf.Error](err)
	if !ok || e.Origin != (conf.Origin{File: "x.conf", Line: 2}) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing include: %v", err)
	}
	if _, _, err := conf.Load(fstest.MapFS{}, "../x.conf"); err == nil {
		t.Error("a name outside the root was opened")
	}
}

// TestLimits: what doubles with every line or file ends with an error, soon.
func TestLimits(t *testing.T) {
	var doubling strings.Builder
	doubling.WriteString("[t0](!)\na = 1\n")
	for i := range 40 {
		fmt.Fprintf(&doubling, "[t%d](t%d,t%d)\n", i+1, i, i)
	}
	many := fstest.MapFS{"main.conf": {Data: []byte("[a]\n#include d/*.conf\n")}}
	for i := range 40 {
		many[fmt.Sprintf("d/%d.conf", i)] = &fstest.MapFile{Data: []byte("#include d/*.conf\n")}
	}
	for name, files := range map[string]fstest.MapFS{
		"templates": {"main.conf": {Data: []byte(doubling.String())}},
		"includes":  many,
		"twice":     {"main.conf": {Data: []byte("[a]\n#include x.conf\n#include x.conf\n")}, "x.conf": {Data: []byte("#tryinclude x.conf\n#tryinclude x.conf\n")}},
	} {
		if _, _, err := conf.Load(files, "main.conf"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDir(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.conf", "[a]\n#include \""+filepath.ToSlash(dir)+"/other.conf\"\n")
	write("other.conf", "x = 1\n")
	f, _, err := conf.Load(conf.Dir(dir), "main.conf")
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := f.Section("a").Get("X"); !ok || v != "1" {
		t.Errorf("x = %q, %v", v, ok)
	}
	write("main.conf", "[a]\n#include \""+filepath.ToSlash(filepath.Dir(dir))+"/other.conf\"\n")
	if _, _, err := conf.Load(conf.Dir(dir), "main.conf"); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("a file beside the root: %v", err)
	}
}

func TestTrue(t *testing.T) {
	for value, want := range map[string]bool{"yes": true, "TRUE": true, "1": true, "on": true, "y": true, "t": true, "no": false, "": false, "2": false} {
		if conf.True(value) != want {
			t.Errorf("True(%q) = %v", value, !want)
		}
	}
}

// FuzzLoad: no text makes the reader fail otherwise than with an *Error, and
// every place it names exists.
func FuzzLoad(f *testing.F) {
	f.Add("[a](!)\nx = 1\n[b](a)\ny => 2 ; c\n#include other.conf\n", "[c]\nz += 3\n")
	f.Add("[t]\n;-- a --;b=c\n\\;", "#include main.conf")
	f.Add("[x](+)\n", "[")
	f.Add("[a]\n#tryinclude *.conf\n", "#include <[^a]>")
	f.Fuzz(func(t *testing.T, main, other string) {
		files := fstest.MapFS{"main.conf": {Data: []byte(main)}, "other.conf": {Data: []byte(other)}}
		file, problems, err := conf.Load(files, "main.conf")
		if err != nil {
			e, ok := errors.AsType[*conf.Error](err)
			if !ok || files[e.File] == nil {
				t.Fatalf("error without a place: %v", err)
			}
			return
		}
		for _, p := range problems {
			if files[p.File] == nil || p.Line < 1 {
				t.Fatalf("problem without a place: %v", p)
			}
		}
		for _, s := range file.Sections {
			for _, l := range s.Lines {
				if files[l.File] == nil || l.Line < 1 {
					t.Fatalf("line without a place: %+v", l)
				}
			}
		}
	})
}

func ExampleLoad() {
	files := fstest.MapFS{"sip.conf": {Data: []byte(`
[phone](!)          ; a template
context = internal
[100](phone)
secret => s3cret
`)}}
	f, _, err := conf.Load(files, "sip.conf")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range f.Section("100").Lines {
		fmt.Println(l.Origin, l.Key, l.Value)
	}
	// Output:
	// sip.conf:3 context internal
	// sip.conf:5 secret s3cret
}
