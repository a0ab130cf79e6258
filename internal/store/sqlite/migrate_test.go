package sqlite

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/dialwright/dialwright/internal/originate"
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
		`INSERT INTO attempt (call, number, lane, node, epoch, started_at, ended_at, outcome) VALUES (1, 2, 1, 'n1', 1, 60000, 125000, '{"disposition":"ANSWERED",
			"a":{"started_at":"1970-01-01T00:01:00Z","answered_at":"1970-01-01T00:01:02.123456789Z"}}')`,
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
	points, err := s.Series(t.Context(), originate.SeriesFilter{From: at(0), To: at(3600e3), Step: time.Minute, Account: "a"})
	want := []originate.Point{{At: time.UnixMilli(0).UTC(), Attempts: 1}, {At: at(60e3), Attempts: 1}, {At: at(120e3), Ended: 1, Answered: 1, ToAnswer: 2123 * time.Millisecond}}
	if diff := cmp.Diff(want, points); err != nil || diff != "" {
		t.Errorf("series: %v\n%s", err, diff)
	}
}
