package sqlite

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"
)

// A store of an earlier schema is brought up to date with what is in it.
func TestMigrationKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`INSERT INTO lane (id, resources) VALUES (1, '["account:a","batch:b1"]'), (2, '["account:a"]')`,
		`INSERT INTO call (n, id, state, lane, priority, due_at, created_at, door, principal, key, fingerprint, account, batch, reference, numbers, request, route_a, route_b)
			VALUES (1, 'c1', 'ringing', 1, 0, 1, 1, 'd', 'p', '', '', 'a', 'b1', '', '', '{}', '{}', '{}')`,
		`INSERT INTO attempt (call, number, lane, node, epoch, started_at) VALUES (1, 1, 1, 'n1', 1, 1)`,
	} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()

	s := open1(t, Options{Path: path})
	c, err := s.Counts(t.Context())
	if err != nil || c.States["ringing"] != 1 || c.InUse["batch:b1"] != 1 {
		t.Errorf("counts %+v, %v", c, err)
	}
	for id, want := range map[int]string{1: "b1", 2: ""} {
		var got string
		if err := s.readDB.QueryRowContext(t.Context(), `SELECT batch FROM lane WHERE id = ?`, id).Scan(&got); err != nil || got != want {
			t.Errorf("lane %d has batch %q, %v; want %q", id, got, err, want)
		}
	}
}
