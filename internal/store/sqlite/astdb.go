package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/dialwright/dialwright/internal/astdb"
)

// The dialplan's database. An entry is known by its path, "family/key"; both
// may contain slashes, so DBPut("a/b", "c") and DBGet("a", "b/c") meet.

// below selects a path and what lies below it, by whole elements: '0' is the
// character after '/'. The primary key serves it.
const below = `(path = ?1 OR path >= ?1 || '/' AND path < ?1 || '0')`

// DBGet gives the value of an entry; ok is false if there is none.
func (s *Store) DBGet(ctx context.Context, family, key string) (value string, ok bool, err error) {
	err = s.readDB.QueryRowContext(ctx, `SELECT value FROM astdb WHERE path = ?`, dbPath(family, key)).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return value, err == nil, err
}

// DBPut makes or replaces an entry.
func (s *Store) DBPut(ctx context.Context, family, key, value string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO astdb (path, value) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET value = excluded.value`, dbPath(family, key), value)
		return err
	})
}

// DBDel removes an entry, not what is below it, and says whether there was one.
func (s *Store) DBDel(ctx context.Context, family, key string) (existed bool, err error) {
	n, err := s.dbDelete(ctx, `DELETE FROM astdb WHERE path = ?`, dbPath(family, key))
	return n > 0, err
}

// DBTree gives every entry whose path is prefix or lies below it, in the order
// of their paths' bytes; "" stands for all. each must not use the store.
func (s *Store) DBTree(ctx context.Context, prefix string, each func(path, value string)) (err error) {
	query, args := `SELECT path, value FROM astdb ORDER BY path`, []any{}
	if prefix != "" {
		query, args = `SELECT path, value FROM astdb WHERE `+below+` ORDER BY path`, []any{prefix}
	}
	rows, err := s.readDB.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var path, value string
		if err := rows.Scan(&path, &value); err != nil {
			return err
		}
		each(path, value)
	}
	return rows.Err()
}

// DBDelTree removes what DBTree gives and says how many entries that were.
func (s *Store) DBDelTree(ctx context.Context, prefix string) (n int, err error) {
	if prefix == "" {
		return s.dbDelete(ctx, `DELETE FROM astdb`)
	}
	return s.dbDelete(ctx, `DELETE FROM astdb WHERE `+below, prefix)
}

func (s *Store) dbDelete(ctx context.Context, query string, args ...any) (n int, err error) {
	err = s.write(ctx, func(t *tx) error {
		res, err := t.exec(query, args...)
		if err != nil {
			return err
		}
		rows, err := res.RowsAffected()
		n = int(rows)
		return err
	})
	return n, err
}

func dbPath(family, key string) string { return family + "/" + key }

// DBImport takes one batch of entries in one transaction (package astdb). The counts of
// a dry run are those of a real one.
func (s *Store) DBImport(ctx context.Context, list []astdb.Entry, o astdb.Options) (n astdb.Counts, err error) {
	err = s.write(ctx, func(t *tx) error {
		n = astdb.Counts{} // a group that failed is run again
		for _, e := range list {
			if err := t.dbImport(e, o, &n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		n = astdb.Counts{}
	}
	return n, err
}

// dbImport takes one entry and counts it.
func (t *tx) dbImport(e astdb.Entry, o astdb.Options, n *astdb.Counts) error {
	if o.Once {
		if known, err := t.dbOnce(e.Path, o.DryRun); known || err != nil {
			if known {
				n.Before++
			}
			return err
		}
	}
	var value string
	switch err := t.get(`SELECT value FROM astdb WHERE path = ?`, []any{e.Path}, &value); {
	case errors.Is(err, sql.ErrNoRows):
		n.Added++
	case err != nil:
		return err
	case value == e.Value:
		n.Same++
		return nil
	case !o.Overwrite:
		n.Kept++
		return nil
	default:
		n.Replaced++
	}
	if o.DryRun {
		return nil
	}
	_, err := t.exec(`INSERT INTO astdb (path, value) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET value = excluded.value`, e.Path, e.Value)
	return err
}

// dbOnce says whether a path was imported before, and remembers that it is now.
func (t *tx) dbOnce(path string, dryRun bool) (known bool, err error) {
	var one int64
	err = t.get(`SELECT 1 FROM astdb_imported WHERE path = ?`, []any{path}, &one)
	if !errors.Is(err, sql.ErrNoRows) {
		return err == nil, err
	}
	if dryRun {
		return false, nil
	}
	_, err = t.exec(`INSERT INTO astdb_imported (path) VALUES (?)`, path)
	return false, err
}
