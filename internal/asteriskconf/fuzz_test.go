package asteriskconf

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dialwright/dialwright/internal/config"
)

// FuzzLoadARI is the same for the files of ARI.
func FuzzLoadARI(f *testing.F) {
	archives, err := filepath.Glob("testdata/ari*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		text := map[string]string{}
		for _, file := range ar.Files {
			text[file.Name] = string(file.Data)
		}
		f.Add(text["ari.conf"], text["http.conf"], text["websocket_client.conf"], text["acl.conf"])
	}
	f.Fuzz(func(t *testing.T, ari, http, clients, acl string) {
		r, _, err := load(fstest.MapFS{
			"ari.conf": {Data: []byte(ari)}, "http.conf": {Data: []byte(http)},
			"websocket_client.conf": {Data: []byte(clients)}, "acl.conf": {Data: []byte(acl)},
		}, "etc")
		if err != nil {
			return
		}
		if _, err := config.Parse(nil, r.Merge); err != nil {
			t.Fatalf("the result is no configuration: %v", err)
		}
	})
}

// FuzzLoad: no file brings the reader down, and what comes out passes the checks
// of our own configuration.
func FuzzLoad(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		text := map[string]string{}
		for _, file := range ar.Files {
			text[file.Name] = string(file.Data)
		}
		f.Add(text["pjsip.conf"], text["sip.conf"], text["users.conf"])
	}
	f.Fuzz(func(t *testing.T, pjsip, sip, users string) {
		r, _, err := load(fstest.MapFS{
			"pjsip.conf": {Data: []byte(pjsip)}, "sip.conf": {Data: []byte(sip)}, "users.conf": {Data: []byte(users)},
		}, "etc")
		if err != nil {
			return
		}
		if _, err := config.Parse(nil, r.Merge); err != nil {
			t.Fatalf("the result is no configuration: %v", err)
		}
	})
}

// FuzzLoadManager is the same for the files of AMI. The one mistake that an Asterisk's
// files may hold is a secret that everybody knows, where others can reach it.
func FuzzLoadManager(f *testing.F) {
	archives, err := filepath.Glob("testdata/manager*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		text := map[string]string{}
		for _, file := range ar.Files {
			text[file.Name] = string(file.Data)
		}
		f.Add(text["manager.conf"], text["http.conf"], text["acl.conf"], text["cdr_manager.conf"])
	}
	f.Add("[general]\nbindaddr = ]\n", "", "", "")
	f.Add("[crm]\nsecret = one\rtwo\n", "", "", "")
	f.Fuzz(func(t *testing.T, manager, http, acl, cdr string) {
		r, _, err := load(fstest.MapFS{
			"manager.conf": {Data: []byte(manager)}, "http.conf": {Data: []byte(http)}, "acl.conf": {Data: []byte(acl)}, "cdr_manager.conf": {Data: []byte(cdr)},
		}, "etc")
		if err != nil {
			return
		}
		_, err = config.Parse(nil, r.Merge)
		mistakes, _ := errors.AsType[config.Mistakes](err)
		for _, m := range mistakes {
			if !strings.HasSuffix(m.Key, ".secret") || !strings.Contains(m.Text, "guessed") {
				t.Fatalf("the result is no configuration: %v", err)
			}
		}
	})
}

func TestShellVariable(t *testing.T) {
	for _, c := range []struct {
		text, want string
		line       int
		ok         bool
	}{
		{"", "", 0, false},
		{"X=1", "1", 1, true},
		{"\n\n  X=1 # comment\n", "1", 3, true},
		{"X=1\nX=2\n", "2", 2, true},
		{"X=", "", 1, true},
		{"X=\"a 'b' ~\"c", "a 'b' ~c", 1, true},
		{`X='a "b" \'`, `a "b" \`, 1, true},
		{`X="a\"b\\c\d"`, `a"b\c\d`, 1, true},
		{"X=\"a\nb\"\nY=1\n", "a\nb", 1, true},
		{"Y=\"\nX=no\n\"\nX=yes\n", "yes", 4, true},
		{"Y='\nX=no\n'\n", "", 0, false},
		{"#X=1\nXX=2\nYX=3\n", "", 0, false},
		{"export X=1\n", "1", 1, true},
		{"A=1 X=2; B=3\n", "2", 1, true},
		{"echo X=1\n", "", 0, false},
		{"[ -n \"$A\" ] && X=1\n", "", 0, false},
		{"A=1; X=2\n", "2", 1, true},
		{"X=1 \\\n X=2\n", "2", 2, true},
		{"X=\"open", "open", 1, true},
		{"X=a\\", "a", 1, true},
		{"X=1\r\nY=2\r\n", "1", 1, true},
	} {
		if v, line, ok := shellVariable(c.text, "X"); v != c.want || ok != c.ok || ok && line != c.line {
			t.Errorf("%q: %q in line %d, %v; want %q in line %d", c.text, v, line, ok, c.want, c.line)
		}
	}
}

// FuzzShellVariable: the reader ends, and what it gives was in the text.
func FuzzShellVariable(f *testing.F) {
	for _, seed := range []string{"X=1", "X='a' # b\n", "Y=\"\nX=no\n\"", "export X=\\\n1;", "X=\"$A\\\"\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, line, ok := shellVariable(text, "X")
		if ok && (!strings.Contains(text, "X=") || len(v) >= len(text) || line < 1 || line > 1+strings.Count(text, "\n")) {
			t.Errorf("%q in line %d", v, line)
		}
	})
}
