package app

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/config"
)

// asteriskDir makes a configuration directory of an Asterisk with an AstDB.
func asteriskDir(t *testing.T, rows ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "asterisk.conf"), []byte("[directories]\nastdbdir => "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "astdb.sqlite3")) // the driver comes with the store
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))`); err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(rows); i += 2 {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO astdb VALUES (?, ?)`, rows[i], rows[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runOn starts a server on a data directory and stops it when f has looked at it.
func runOn(t *testing.T, source Source, dir string, adjust func(*config.Config), f func(*App)) string {
	t.Helper()
	log := &logBuffer{}
	a, err := New(Options{Source: source, Log: log, Version: "test", Adjust: func(c *config.Config) {
		onLoopback(dir)(c)
		adjust(c)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f(a)
	if err := a.Stop(context.Background()); err != nil { // not cut short by the test's end
		t.Error(err)
	}
	return log.String()
}

// The AstDB of the Asterisk whose directory is served is there from the first call, once:
// what is deleted or changed here stays so at the next start.
func TestAstDBOfAsteriskIsImportedOnce(t *testing.T) {
	dir, source := t.TempDir(), Source{AsteriskDir: asteriskDir(t, "/actionlist/DIALPROXY-office", "PJSIP/101", "/cidname/100", "Jörg", "/nofamily", "x")}
	nothing := func(*config.Config) {}
	entries := func(a *App) []string {
		var got []string
		if err := a.store.DBTree(t.Context(), "", func(path, value string) {
			if !strings.HasPrefix(path, "registrar") {
				got = append(got, path+"="+value)
			}
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	log := runOn(t, source, dir, nothing, func(a *App) {
		if got := entries(a); !slices.Equal(got, []string{"actionlist/DIALPROXY-office=PJSIP/101", "cidname/100=Jörg"}) {
			t.Errorf("first start: %q", got)
		}
		if _, err := a.store.DBDel(t.Context(), "cidname", "100"); err != nil {
			t.Fatal(err)
		}
		if err := a.store.DBPut(t.Context(), "actionlist", "DIALPROXY-office", "PJSIP/102"); err != nil {
			t.Fatal(err)
		}
	})
	if !strings.Contains(log, "AstDB imported") || !strings.Contains(log, "nofamily") || !strings.Contains(log, "set dialproxy.enabled") {
		t.Errorf("log:\n%s", log)
	}
	log = runOn(t, source, dir, nothing, func(a *App) {
		if got := entries(a); !slices.Equal(got, []string{"actionlist/DIALPROXY-office=PJSIP/102"}) {
			t.Errorf("second start: %q", got)
		}
	})
	if strings.Contains(log, "AstDB imported") {
		t.Errorf("told again:\n%s", log)
	}
}

// An AstLinux's labels that stay closed here are named, and those of allow= are not.
func TestClosedLabelsAreTold(t *testing.T) {
	source := Source{AsteriskDir: asteriskDir(t, "/actionlist/DIALPROXY-office", "PJSIP/101", "/actionlist/DIALPROXY-desk", "PJSIP/101~allow=10.0.0.1", "/actionlist/DIALPROXY-tok", "PJSIP/101")}
	log := runOn(t, source, t.TempDir(), func(c *config.Config) {
		c.Dialproxy.Enabled = true
		c.Dialproxy.Labels = map[string]config.DialproxyLabel{"tok": {Token: "a long token"}}
	}, func(*App) {})
	if !strings.Contains(log, "labels without allow= are refused") || !strings.Contains(log, "labels=[office]") {
		t.Errorf("log:\n%s", log)
	}
}

// A file that is no AstDB is told, and the server serves all the same.
func TestAstDBThatCannotBeRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "astdb")
	if err := os.WriteFile(file, []byte("\x00\x06\x15\x61"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := runOn(t, Source{}, t.TempDir(), func(c *config.Config) { c.Dialplan.ImportAstDB = file }, func(*App) {})
	if !strings.Contains(log, "AstDB not imported") || !strings.Contains(log, "Berkeley") {
		t.Errorf("log:\n%s", log)
	}
}
