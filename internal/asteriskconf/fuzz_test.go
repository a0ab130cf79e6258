package asteriskconf

import (
	"path/filepath"
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
