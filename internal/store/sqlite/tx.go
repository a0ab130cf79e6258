package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// tx is the transaction under way, used by the writer goroutine only.
type tx struct {
	conn *conn
	cache
	intoEvent, intoAudit inserter

	seq, stored int64                 // of the newest event, with and without this transaction
	events      []call.Event          // to be stored before the commit and published after it
	minutes     map[minuteKey]*minute // sums to be added before the commit
	trail       []any                 // audit entries to be stored before the commit, column by column
	flat        []any                 // memory for flush
	wrote       bool                  // the operation under way has written
	reads       int                   // rows read since the start, for the tests of what a claim costs
}

func newTx(c *conn, seq int64) tx {
	return tx{
		conn: c, cache: newCache(), seq: seq, stored: seq, minutes: map[minuteKey]*minute{},
		intoEvent: newInserter(`INSERT INTO event (seq, at, type, call_id, account, batch, body)`, 7),
		intoAudit: newInserter(`INSERT INTO audit (at, accepted, origin, account, first, second, call_id, code, rule, text)`, 10),
	}
}

// commit runs a group as one transaction and gives its events. After an error
// nothing has happened.
func (t *tx) commit(group []*op) ([]call.Event, error) {
	t.events, t.trail = nil, t.trail[:0]
	clear(t.minutes)
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	err := t.runAll(group)
	if err == nil {
		err = t.flush()
	}
	if err == nil {
		_, err = t.exec("COMMIT")
	}
	if err != nil {
		t.rollback()
		return nil, err
	}
	t.stored = t.seq
	return t.events, nil
}

func (t *tx) rollback() {
	t.forget()
	t.seq = t.stored
	// SQLite may have rolled back by itself (full disk); then this fails, and that is fine.
	_, _ = t.exec("ROLLBACK")
}

func (t *tx) runAll(group []*op) error {
	for _, o := range group {
		if err := t.step(o); err != nil {
			return err
		}
	}
	return nil
}

// step runs one operation. A refusal (ErrState, …) from an operation that has not
// written is its result and harms nobody; any other error ends the transaction.
func (t *tx) step(o *op) error {
	t.wrote = false
	o.err = o.run(t)
	if !t.wrote && isRefusal(o.err) {
		return nil
	}
	return o.err
}

func isRefusal(err error) bool {
	for _, r := range []error{
		originate.ErrNotFound, originate.ErrState, originate.ErrKeyReused, originate.ErrDailyCap,
		originate.ErrStale, originate.ErrNoLease,
	} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

// exec runs a statement that writes. Query texts are constants: they are the
// key of the statement cache.
func (t *tx) exec(query string, args ...any) (driver.Result, error) {
	t.wrote = true
	return t.conn.exec(query, args)
}

// insertID is exec for an INSERT whose new rowid is wanted.
func (t *tx) insertID(query string, args ...any) (int64, error) {
	res, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// readAll runs a statement that reads, and scans all its rows.
func readAll[T any](t *tx, query string, args []any, scan func(scanner) (T, error)) (list []T, err error) {
	err = t.conn.query(query, args, func(row scanner) error {
		v, err := scan(row)
		list = append(list, v)
		return err
	})
	t.reads += len(list)
	return list, err
}

// get reads one row into dst; sql.ErrNoRows if there is none.
func (t *tx) get(query string, args []any, dst ...any) error {
	t.reads++
	found := false
	err := t.conn.query(query, args, func(row scanner) error {
		if found {
			return nil
		}
		found = true
		return row.Scan(dst...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}
