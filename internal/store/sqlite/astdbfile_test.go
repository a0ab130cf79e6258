package sqlite

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/astdb"
)

// asterisksOwn is the table as Asterisk makes it (Asterisk: main/db.c).
const asterisksOwn = `CREATE TABLE IF NOT EXISTS astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))`

// makeAstDB writes an astdb.sqlite3 with Asterisk's schema; the database stays open until
// the test ends, as that of a running Asterisk.
func makeAstDB(t *testing.T, pragma string, rows ...any) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "astdb 100%?.sqlite3")
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, q := range []string{pragma, asterisksOwn} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(rows); i += 2 {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO astdb (key, value) VALUES (?, ?)`, rows[i], rows[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return path, db
}

func wantAstDB(t *testing.T, path string, problems int, want ...astdb.Entry) {
	t.Helper()
	got, found, err := ReadAstDB(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(found) != problems {
		t.Errorf("(-want +got)\n%.2000s\nproblems %v", diff, found)
	}
}

func TestReadAstDB(t *testing.T) {
	long, huge := strings.Repeat("k", 300), strings.Repeat("v", 4<<20)
	path, _ := makeAstDB(t, "PRAGMA journal_mode = DELETE",
		"/pbx/UUID", "346d0aa5", "/a/b/c/d", "nested", "/actionlist/DIALPROXY-office", "SIP/1234~callerid=Jörg <5551234>", "/actionlist/empty", "",
		"/cidname/J\xf6rg", "Stra\xdfe", "/fam/"+long, "long", "/huge/value", huge, "/null/value", nil, "/number/value", 42, []byte("/blob/key"), []byte("blob"),
		"/東京/Ö", "日本", "/nofamily", "x", "/family/", "x", "//key", "x", "noslash/key", "x", nil, "x")
	wantAstDB(t, path, 6, // five that are no /family/key and one that is not UTF-8; a key of NULL too
		astdb.Entry{Path: "a/b/c/d", Value: "nested"}, astdb.Entry{Path: "actionlist/DIALPROXY-office", Value: "SIP/1234~callerid=Jörg <5551234>"},
		astdb.Entry{Path: "actionlist/empty"}, astdb.Entry{Path: "cidname/Jörg", Value: "Straße"}, astdb.Entry{Path: "fam/" + long, Value: "long"},
		astdb.Entry{Path: "huge/value", Value: huge}, astdb.Entry{Path: "null/value"}, astdb.Entry{Path: "number/value", Value: "42"},
		astdb.Entry{Path: "pbx/UUID", Value: "346d0aa5"}, astdb.Entry{Path: "東京/Ö", Value: "日本"}, astdb.Entry{Path: "blob/key", Value: "blob"})
}

// What a running Asterisk has committed is read from its write-ahead log, and nothing is
// made beside its file.
func TestReadAstDBInUse(t *testing.T) {
	path, db := makeAstDB(t, "PRAGMA journal_mode = WAL", "/a/1", "x")
	if !notEmpty(path + "-wal") {
		t.Fatal("the log is empty; this proves nothing")
	}
	before := listing(t, path)
	tx, err := db.BeginTx(t.Context(), nil) // a writer half-way
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `INSERT INTO astdb VALUES ('/a/2', 'y')`); err != nil {
		t.Fatal(err)
	}
	wantAstDB(t, path, 0, astdb.Entry{Path: "a/1", Value: "x"})
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	wantAstDB(t, path, 0, astdb.Entry{Path: "a/1", Value: "x"}, astdb.Entry{Path: "a/2", Value: "y"})
	if diff := cmp.Diff(before, listing(t, path)); diff != "" {
		t.Errorf("files (-before +after)\n%s", diff)
	}
}

func listing(t *testing.T, path string) []string {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// A journal beside the file belongs to a change that was never committed: what was there
// before it counts.
func TestReadAstDBAfterACrash(t *testing.T) {
	path, db := makeAstDB(t, "PRAGMA journal_mode = DELETE", "/a/1", "x")
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, q := range []string{"PRAGMA cache_spill = 1", "PRAGMA cache_size = 1", `UPDATE astdb SET value = 'changed'`} {
		if _, err := tx.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 { // more than the cache holds, so that the file is written
		if _, err := tx.ExecContext(t.Context(), `INSERT INTO astdb VALUES (?, ?)`, "/b/"+strings.Repeat("k", i+1), strings.Repeat("v", 1000)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir() // as the crash leaves it: without the writer's locks
	dead := filepath.Join(dir, "astdb.sqlite3")
	for _, suffix := range []string{"", "-journal"} {
		if err := copyFile(path+suffix, dead+suffix); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(dead); err != nil || !strings.Contains(string(b), strings.Repeat("v", 500)) {
		t.Fatal("the change is not in the file; this proves nothing", err)
	}
	wantAstDB(t, dead, 0, astdb.Entry{Path: "a/1", Value: "x"})
	if got := listing(t, dead); len(got) != 2 {
		t.Errorf("files %q", got)
	}
}

// A directory that nobody may write to, as on a read-only medium.
func TestReadAstDBOfAReadOnlyDirectory(t *testing.T) {
	path, db := makeAstDB(t, "PRAGMA journal_mode = WAL", "/a/1", "x")
	if err := db.Close(); err != nil { // the log is gone, but the file says that it may have one
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, fs.FileMode(0o700)) })
	wantAstDB(t, path, 0, astdb.Entry{Path: "a/1", Value: "x"})
}

func TestReadAstDBErrors(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	db, err := sql.Open("sqlite", dsn(other))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE astdb (name TEXT)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "text": "[general]\nenabled = yes\n", "short": "SQLite", "berkeley": "\x00\x06\x15\x61rest of it", "berkeley-le": "\x61\x15\x06\x00rest of it",
		"cut": string(whole[:1000]), "garbage": magicSQLite + strings.Repeat("\xff", 5000),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"none": "no such file", ".": "is not a file", "empty": "is empty", "text": "not an SQLite", "short": "not an SQLite", "berkeley": "astdb2sqlite3",
		"berkeley-le": "astdb2sqlite3", "other": "no table astdb", "cut": "malformed", "garbage": "",
	} {
		path := filepath.Join(dir, name)
		list, _, err := ReadAstDB(t.Context(), path)
		if err == nil || len(list) > 0 || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "AstDB "+path) {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
}
