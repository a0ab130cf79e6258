package asteriskconf_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dialwright/dialwright/internal/asteriskconf"
	"github.com/dialwright/dialwright/internal/config"
)

var update = flag.Bool("update", false, "rewrite the wanted results in testdata")

// write makes a directory of files.
func write(t testing.TB, files []txtar.File) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, f.Name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestLoad reads the directory in each archive of testdata and compares what
// comes out with the file "want". Everything that comes out has to be a
// configuration that our own checks let pass.
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
			last := len(ar.Files) - 1
			want := &ar.Files[last]
			dir := write(t, ar.Files[:last])
			r, problems, err := asteriskconf.Load(dir)
			got := strings.ReplaceAll(render(t, r, problems, err), dir, "DIR")
			if r != nil {
				if _, err := config.Parse(nil, r.Merge); err != nil {
					t.Errorf("the result is no configuration: %v", err)
				}
			}
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

// render writes down what differs from the zero value, and all problems.
func render(t *testing.T, r *asteriskconf.Result, problems []asteriskconf.Problem, err error) string {
	t.Helper()
	var b strings.Builder
	show := func(name string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fields := map[string]any{}
		if json.Unmarshal(text, &fields) == nil { // leave out what is empty
			maps.DeleteFunc(fields, func(_ string, v any) bool {
				return v == nil || v == "" || v == false || v == 0.0 || fmt.Sprint(v) == "0s"
			})
			if text, err = json.Marshal(fields); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&b, "%s: %s\n", name, text)
	}
	if r != nil {
		for _, name := range slices.Sorted(maps.Keys(r.Phones)) {
			show("phone "+name, r.Phones[name])
		}
		for _, name := range slices.Sorted(maps.Keys(r.Trunks)) {
			show("trunk "+name, r.Trunks[name])
		}
		rest := *r
		rest.Phones, rest.Trunks = nil, nil
		show("rest", rest)
	}
	for _, p := range problems {
		fmt.Fprintln(&b, p)
	}
	if err != nil {
		fmt.Fprintf(&b, "error: %v\n", err)
	}
	return b.String()
}

func TestLoadNothing(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := asteriskconf.Load(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is missing was read")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := asteriskconf.Load(file); err == nil {
		t.Error("a file was read as a directory")
	}
}

const twoPhones = `
[phone](!)
type = friend
host = dynamic
[100](phone)
secret = pw
[101](phone)
secret = pw
[carrier]
type = peer
host = sip.example
`

// TestMerge: what our files say counts, the rest is added, and routes may name
// trunks of the Asterisk.
func TestMerge(t *testing.T) {
	dir := write(t, []txtar.File{
		{Name: "sip.conf", Data: []byte("[general]\nbindport = 5999\nrealm = asterisk\n" + twoPhones)},
		{Name: "asterisk.conf", Data: []byte("[directories]\nastspooldir => /spool\n")},
		{Name: "extensions.conf"},
	})
	r, _, err := asteriskconf.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	ours := `
[sip]
domain = "ours.example"
[phones.100]
password = "our own long secret"
[trunks.101]
host = "192.0.2.1"
[[routes]]
trunk = "carrier"
[dialplan.aliases]
"DAHDI/g1" = "carrier"
`
	l, err := config.Parse([]config.File{{Name: "dialwright.toml", Text: []byte(ours)}}, r.Merge)
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	for what, ok := range map[string]bool{
		"our phone":     c.Phones["100"].Password == "our own long secret",
		"no phone 101":  c.Phones["101"].Password == "" && c.Trunks["101"].Host == "192.0.2.1",
		"their trunk":   c.Trunks["carrier"].Host == "sip.example",
		"their port":    slices.Equal(c.SIP.Listen, []string{"udp:0.0.0.0:5999"}),
		"our domain":    c.SIP.Domain == "ours.example",
		"spool":         c.Dialplan.SpoolDir == "/spool",
		"dialplan":      c.Dialplan.File == filepath.Join(dir, "extensions.conf") && c.Dialplan.ConfDir == dir,
		"only our name": len(c.Dialplan.Aliases) == 1,
	} {
		if !ok {
			t.Errorf("%s: not so in %+v", what, c)
		}
	}
}

// TestShortPasswords: the devices have them, so they work, with a warning that
// says where they stand.
func TestShortPasswords(t *testing.T) {
	dir := write(t, []txtar.File{{Name: "sip.conf", Data: []byte(twoPhones)}})
	r, _, err := asteriskconf.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := config.Parse(nil, r.Merge)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Warnings) != 2 || l.Warnings[0].File != filepath.Join(dir, "sip.conf") || l.Warnings[0].Line != 5 {
		t.Errorf("warnings: %v", l.Warnings)
	}
	ours := config.File{Name: "x.toml", Text: []byte("[phones.100]\npassword = \"pw\"\n")}
	if _, err := config.Parse([]config.File{ours}, r.Merge); err == nil || !strings.Contains(err.Error(), "x.toml:2") {
		t.Errorf("a short password of our own: %v", err)
	}
}
