package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

var _ bulk.Store = (*Store)(nil)

const importCols = `id, name, account, principal, door, created_at, tbl, state, plan, done, processed, accepted, refused, error, ended_at`

// scanImport reads a row of importCols.
func scanImport(rows scanner) (i bulk.Import, err error) {
	var created, ended int64
	var table, plan string
	err = rows.Scan(&i.ID, &i.Name, &i.Account, &i.Principal, &i.Door, &created, &table, &i.State, &plan, &i.Done, &i.Processed, &i.Accepted, &i.Refused, &i.Error, &ended)
	if err != nil {
		return i, err
	}
	i.CreatedAt, i.EndedAt = at(created), at(ended)
	if plan != "" {
		i.Plan = new(bulk.Plan)
		err = fromJSON(plan, i.Plan)
	}
	return i, errors.Join(err, fromJSON(table, &i.Table))
}

// AddImport implements bulk.Store.
func (s *Store) AddImport(ctx context.Context, i bulk.Import) error {
	table, err := toJSON(&i.Table)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO import (id, name, account, principal, door, created_at, tbl, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			i.ID, i.Name, string(i.Account), i.Principal, i.Door, ms(i.CreatedAt), table, string(i.State))
		return err
	})
}

// Import implements bulk.Store.
func (s *Store) Import(ctx context.Context, id string) (bulk.Import, error) {
	i, err := scanImport(s.readDB.QueryRowContext(ctx, `SELECT `+importCols+` FROM import WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = bulk.ErrUnknown
	}
	return i, err
}

// Imports implements bulk.Store.
func (s *Store) Imports(ctx context.Context, f bulk.Filter) ([]bulk.Import, error) {
	var w where
	w.addIf(string(f.Account), "account = ?")
	if f.Batch != "" {
		w.add("batch = ? AND batch <> ''", f.Batch)
	}
	switch f.State {
	case "":
	case bulk.Submitting:
		w.add("state = 'submitting'") // the index's own words
	default:
		w.add("state = ?", f.State)
	}
	if !f.Before.IsZero() {
		w.add("created_at < ?", ms(f.Before))
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 1000
	}
	rows, err := s.readDB.QueryContext(ctx, `SELECT `+importCols+` FROM import`+w.String()+` ORDER BY n DESC LIMIT ?`, append(w.args, limit)...)
	return collect(rows, err, scanImport)
}

// importIn reads an import within a transaction, with the number of its row.
func (t *tx) importIn(id string) (n int64, i bulk.Import, err error) {
	type numbered struct {
		n int64
		i bulk.Import
	}
	list, err := readAll(t, `SELECT `+importCols+`, n FROM import WHERE id = ?`, []any{id}, func(rows scanner) (v numbered, err error) {
		v.i, err = scanImport(tail{rows, &v.n})
		return v, err
	})
	if err == nil && len(list) == 0 {
		err = bulk.ErrUnknown
	}
	if err != nil {
		return 0, i, err
	}
	return list[0].n, list[0].i, nil
}

// tail scans one more column than it is asked for.
type tail struct {
	scanner
	last any
}

// Scan is scanner.
func (r tail) Scan(dst ...any) error { return r.scanner.Scan(append(dst, r.last)...) }

// writeImport runs an operation on an import. What stands in its way is its result: nothing
// has been written then.
func (s *Store) writeImport(ctx context.Context, id string, rows int, run func(t *tx, n int64, i *bulk.Import) (refused, err error)) error {
	var refused error
	err := s.do(ctx, &op{rows: rows, run: func(t *tx) error {
		refused = nil // a group that failed is run again
		n, i, err := t.importIn(id)
		if errors.Is(err, bulk.ErrUnknown) {
			refused = err
			return nil
		}
		if err == nil {
			refused, err = run(t, n, &i)
		}
		return err
	}})
	return errors.Join(err, refused)
}

// BeginImport implements bulk.Store.
func (s *Store) BeginImport(ctx context.Context, id string, p bulk.Plan) (out bulk.Import, err error) {
	plan, err := toJSON(&p)
	if err != nil {
		return out, err
	}
	err = s.writeImport(ctx, id, 0, func(t *tx, n int64, i *bulk.Import) (refused, err error) {
		if i.State != bulk.Uploaded {
			return bulk.ErrState, nil
		}
		var account string
		var mixed bool
		err = t.get(`SELECT account, mixed FROM batch WHERE id = ?`, []any{string(p.Batch)}, &account, &mixed)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, err
		case !p.By.All && (mixed || account != string(p.By.Own)):
			return bulk.ErrBatch, nil
		}
		if err := t.addBatch(p.Batch, p.By.Own, p.At); err != nil {
			return nil, err
		}
		if p.Paused {
			if _, err := t.exec(`UPDATE batch SET paused = 1 WHERE id = ?`, string(p.Batch)); err != nil {
				return nil, err
			}
		}
		i.State, i.Plan = bulk.Submitting, &p
		out = *i
		_, err = t.exec(`UPDATE import SET state = ?, plan = ?, batch = ? WHERE n = ?`, string(bulk.Submitting), plan, string(p.Batch), n)
		return nil, err
	})
	return out, err
}

// SaveRows implements bulk.Store. It works like a bulk import: live calls go first.
func (s *Store) SaveRows(ctx context.Context, id string, rows []bulk.Outcome, done, processed int) error {
	return s.writeImport(ctx, id, len(rows)+1, func(t *tx, n int64, i *bulk.Import) (refused, err error) {
		var accepted, turned int64
		for _, o := range rows {
			res, err := t.exec(`INSERT INTO import_row (import, row, call_id, code, text) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				n, o.Row, string(o.Call), string(o.Code), o.Text)
			if err != nil {
				return nil, err
			}
			fresh, err := res.RowsAffected()
			if err != nil {
				return nil, err
			}
			if o.Call != "" {
				accepted += fresh
			} else {
				turned += fresh
			}
		}
		_, err = t.exec(`UPDATE import SET done = max(done, ?), processed = max(processed, ?), accepted = accepted + ?, refused = refused + ? WHERE n = ?`,
			done, processed, accepted, turned, n)
		return nil, err
	})
}

// EndImport implements bulk.Store.
func (s *Store) EndImport(ctx context.Context, id string, state bulk.State, text string, now time.Time) error {
	return s.writeImport(ctx, id, 0, func(t *tx, n int64, i *bulk.Import) (refused, err error) {
		if i.State == bulk.Submitting {
			_, err = t.exec(`UPDATE import SET state = ?, error = ?, ended_at = ? WHERE n = ?`, string(state), text, ms(now), n)
		}
		return nil, err
	})
}

// DeleteImport implements bulk.Store. Its rows go in pieces, as a bulk import does.
func (s *Store) DeleteImport(ctx context.Context, id string) error {
	for more := true; more; {
		err := s.writeImport(ctx, id, maxBulk, func(t *tx, n int64, i *bulk.Import) (refused, err error) {
			if i.State == bulk.Submitting {
				return bulk.ErrState, nil
			}
			gone, err := t.prune(`DELETE FROM import_row WHERE import = ? AND row IN (SELECT row FROM import_row WHERE import = ? ORDER BY row LIMIT ?)`, n, n, maxBulk)
			if more = gone == maxBulk; more || err != nil {
				return nil, err
			}
			_, err = t.exec(`DELETE FROM import WHERE n = ?`, n)
			return nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// RowCalls implements bulk.Store.
func (s *Store) RowCalls(ctx context.Context, id string, after, limit int) ([]bulk.RowCall, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT r.row, r.call_id FROM import_row r
		WHERE r.import = (SELECT n FROM import WHERE id = ?) AND r.row > ? AND r.call_id <> '' ORDER BY r.row LIMIT ?`, id, after, limit)
	list, err := collect(rows, err, func(rows scanner) (c bulk.RowCall, err error) {
		return c, rows.Scan(&c.Row, &c.ID)
	})
	if err != nil || len(list) == 0 {
		return list, err
	}
	ids := make([]call.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	text, err := toJSON(ids)
	if err != nil {
		return nil, err
	}
	rows, err = s.readDB.QueryContext(ctx, `SELECT `+callCols+`, `+lastOutcome+` FROM json_each(?) j JOIN call c ON c.id = j.value`, text)
	calls, err := collect(rows, err, scanCall)
	if err != nil {
		return nil, err
	}
	there := make(map[call.ID]*call.Call, len(calls))
	for i := range calls {
		there[calls[i].ID] = &calls[i]
	}
	for i := range list {
		list[i].Call = there[list[i].ID]
	}
	return list, nil
}

// RefusedRows implements bulk.Store.
func (s *Store) RefusedRows(ctx context.Context, id string, after, limit int) ([]bulk.Outcome, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT r.row, r.code, r.text FROM import_row r
		WHERE r.import = (SELECT n FROM import WHERE id = ?) AND r.row > ? AND r.call_id = '' ORDER BY r.row LIMIT ?`, id, after, limit)
	return collect(rows, err, func(rows scanner) (o bulk.Outcome, err error) {
		return o, rows.Scan(&o.Row, &o.Code, &o.Text)
	})
}

// BatchCalls implements bulk.Store.
func (s *Store) BatchCalls(ctx context.Context, b call.BatchID, after int64, limit int) ([]call.Call, int64, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT `+callCols+`, `+lastOutcome+` FROM call c WHERE c.batch = ? AND c.batch <> '' AND c.n > ? ORDER BY c.n LIMIT ?`,
		b, after, limit)
	last := after
	list, err := collect(rows, err, func(rows scanner) (call.Call, error) {
		var r row
		if err := rows.Scan(r.dstLast()...); err != nil {
			return call.Call{}, err
		}
		last = r.n
		err := r.decode()
		return r.call, err
	})
	return list, last, err
}

// AcceptedSince counts the calls of an account that were accepted since a time, up to limit.
func (s *Store) AcceptedSince(ctx context.Context, account call.AccountID, since time.Time, limit int) (n int, err error) {
	err = s.readDB.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM call WHERE account = ? AND created_at >= ? LIMIT ?)`, string(account), ms(since), limit).Scan(&n)
	return n, err
}

// addBatch makes a batch, or notes that somebody else adds to it.
func (t *tx) addBatch(b call.BatchID, account call.AccountID, now time.Time) error {
	_, err := t.exec(`INSERT INTO batch (id, created_at, account) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET mixed = 1 WHERE mixed = 0 AND account <> excluded.account`, string(b), ms(now), string(account))
	return err
}

// batchOrder is the kind of the cursors of Batches.
const batchOrder = "b<"

// Batches implements bulk.Store.
func (s *Store) Batches(ctx context.Context, account call.AccountID, from string, limit int) ([]bulk.Batch, string, error) {
	var w where
	if account != "" {
		w.add("account = ? AND mixed = 0", account)
	}
	if from != "" {
		c, err := decodeCursor(from, batchOrder)
		if err != nil {
			return nil, "", err
		}
		w.add("(created_at, id) < (?, ?)", c.ms, c.id)
	}
	limit = clampLimit(limit)
	list, err := s.batches(ctx, w.String()+` ORDER BY created_at DESC, id DESC LIMIT ?`, append(w.args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = cursor{batchOrder, ms(last.CreatedAt), string(last.ID)}.encode()
	}
	return list, next, s.sumUp(ctx, list)
}

// Batch implements bulk.Store.
func (s *Store) Batch(ctx context.Context, id call.BatchID) (bulk.Batch, error) {
	list, err := s.batches(ctx, ` WHERE id = ?`, id)
	if err == nil && len(list) == 0 {
		err = originate.ErrNotFound
	}
	if err != nil {
		return bulk.Batch{}, err
	}
	err = s.sumUp(ctx, list)
	return list[0], err
}

// BatchOwner implements bulk.Store.
func (s *Store) BatchOwner(ctx context.Context, id call.BatchID) (account call.AccountID, mixed bool, err error) {
	err = s.readDB.QueryRowContext(ctx, `SELECT account, mixed FROM batch WHERE id = ?`, string(id)).Scan(&account, &mixed)
	if errors.Is(err, sql.ErrNoRows) {
		err = originate.ErrNotFound
	}
	return account, mixed, err
}

func (s *Store) batches(ctx context.Context, which string, args ...any) ([]bulk.Batch, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT id, account, mixed, created_at, paused,
		coalesce((SELECT i.id FROM import i WHERE i.batch = batch.id AND i.batch <> '' ORDER BY i.n DESC LIMIT 1), '') FROM batch`+which, args...)
	return collect(rows, err, func(rows scanner) (b bulk.Batch, err error) {
		var created int64
		err = rows.Scan(&b.ID, &b.Account, &b.Mixed, &created, &b.Paused, &b.Import)
		b.CreatedAt, b.Dispositions = at(created), map[call.Disposition]int{}
		return b, err
	})
}

// Queries that sum up a batch. Each reads an index only, in its order.
const (
	qBatchEnded = `SELECT c.disposition, count(*), count(c.ended_at), coalesce(max(c.ended_at), 0) FROM call c
		WHERE c.batch = ? AND c.batch <> '' GROUP BY c.disposition`
	qBatchCancelled = `SELECT count(*) FROM call c WHERE c.batch = ? AND c.batch <> '' AND c.state = 'cancelled'`
	// All that run, whatever their batch: they are no more than the server has places. The cross
	// join has them read first.
	qBatchLive = `SELECT c.batch, count(*) FROM attempt a CROSS JOIN call c ON c.n = a.call WHERE a.ended_at IS NULL AND c.batch <> '' GROUP BY c.batch`
)

// sumUp counts the calls of batches.
func (s *Store) sumUp(ctx context.Context, list []bulk.Batch) error {
	rows, err := s.readDB.QueryContext(ctx, qBatchLive)
	live := map[call.BatchID]int{}
	_, err = collect(rows, err, func(rows scanner) (_ struct{}, err error) {
		var id call.BatchID
		var n int
		err = rows.Scan(&id, &n)
		live[id] = n
		return struct{}{}, err
	})
	for i := 0; i < len(list) && err == nil; i++ {
		err = s.countBatch(ctx, &list[i], live[list[i].ID])
	}
	return err
}

func (s *Store) countBatch(ctx context.Context, b *bulk.Batch, live int) error {
	rows, err := s.readDB.QueryContext(ctx, qBatchEnded, b.ID)
	_, err = collect(rows, err, func(rows scanner) (_ struct{}, err error) {
		var d call.Disposition
		var n, ended int
		var last int64
		err = rows.Scan(&d, &n, &ended, &last)
		b.Calls, b.Ended = b.Calls+n, b.Ended+ended
		if d != "" && ended > 0 {
			b.Dispositions[d] = ended
		}
		if when := at(last); when.After(b.LastAt) {
			b.LastAt = when
		}
		return struct{}{}, err
	})
	if err == nil {
		err = s.readDB.QueryRowContext(ctx, qBatchCancelled, b.ID).Scan(&b.Cancelled)
	}
	// They were not counted at one moment: what has just moved must not make a number negative.
	b.Live = min(live, b.Calls-b.Ended)
	b.Waiting = b.Calls - b.Ended - b.Live
	b.Ended = max(0, b.Ended-b.Cancelled)
	return err
}
