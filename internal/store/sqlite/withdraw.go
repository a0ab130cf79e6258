package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Withdraw implements originate.Store.
func (s *Store) Withdraw(ctx context.Context, id call.ID, by string, now time.Time) (c call.Call, err error) {
	err = s.write(ctx, func(t *tx) error {
		var h head
		if err := t.get(`SELECT `+headCols+` FROM call c WHERE c.id = ?`, []any{id}, h.dst()...); err != nil {
			return notFound(err)
		}
		switch {
		case h.state == call.CancelledSt:
		case h.state.Done():
			return fmt.Errorf("%w: call is %s", originate.ErrState, h.state)
		default:
			if err := t.withdraw(&h, by, now); err != nil {
				return err
			}
		}
		var r row
		if err := t.get(`SELECT `+callCols+`, `+lastOutcome+` FROM call c WHERE c.n = ?`, []any{h.n}, r.dstLast()...); err != nil {
			return err
		}
		err := r.decode()
		c = r.call
		return err
	})
	return c, err
}

// withdraw ends a waiting call or marks a live one. The first mark stays.
func (t *tx) withdraw(h *head, by string, now time.Time) error {
	if h.state.Live() {
		if h.cancelBy != "" {
			return nil
		}
		delete(t.live, h.id)
		_, err := t.exec(`UPDATE call SET cancel_by = ? WHERE n = ?`, by, h.n)
		return err
	}
	return t.finish(h, call.EvCancel, now, "withdrawn by "+by)
}

// batchChunk bounds the calls that one transaction withdraws: each is two rows.
const batchChunk = 500

// WithdrawBatch implements originate.Store.
func (s *Store) WithdrawBatch(ctx context.Context, b call.BatchID, by string, now time.Time) (n int, live []call.ID, err error) {
	for last := int64(0); ; {
		var some []head
		err := s.do(ctx, &op{rows: 2 * batchChunk, run: func(t *tx) (err error) {
			some, err = t.withdrawSome(b, by, last, now)
			return err
		}})
		if err != nil {
			return n, live, err
		}
		for _, h := range some {
			n++
			last = h.n
			if h.state.Live() {
				live = append(live, h.id)
			}
		}
		if len(some) < batchChunk {
			return n, live, nil
		}
	}
}

func (t *tx) withdrawSome(b call.BatchID, by string, after int64, now time.Time) ([]head, error) {
	if err := t.checkBatch(b); err != nil {
		return nil, err
	}
	list, err := readAll(t, `SELECT `+headCols+` FROM call c WHERE c.batch = ? AND c.batch <> '' AND c.n > ? AND c.ended_at IS NULL ORDER BY c.n LIMIT ?`, []any{b, after, batchChunk}, scanHead)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := t.withdraw(&list[i], by, now); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (t *tx) checkBatch(b call.BatchID) error {
	var one int
	return notFound(t.get(`SELECT 1 FROM batch WHERE id = ?`, []any{b}, &one))
}

// HoldBatch implements originate.Store.
func (s *Store) HoldBatch(ctx context.Context, b call.BatchID, paused bool, now time.Time) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.checkBatch(b); err != nil {
			return err
		}
		_, err := t.exec(`UPDATE batch SET paused = ? WHERE id = ?`, paused, b)
		return err
	})
}

// Get implements originate.Store.
func (s *Store) Get(ctx context.Context, id call.ID) (call.Call, error) {
	var r row
	err := s.readDB.QueryRowContext(ctx, `SELECT `+callCols+`, `+lastOutcome+` FROM call c WHERE c.id = ?`, id).Scan(r.dstLast()...)
	if err != nil {
		return call.Call{}, notFound(err)
	}
	err = r.decode()
	return r.call, err
}

// Attempts implements originate.Store.
func (s *Store) Attempts(ctx context.Context, id call.ID) ([]originate.AttemptRecord, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	rows, err := s.readDB.QueryContext(ctx, `SELECT a.number, a.node, a.started_at, a.outcome, d.body
		FROM call c JOIN attempt a ON a.call = c.n LEFT JOIN cdr d ON d.call_id = c.id AND d.attempt = a.number
		WHERE c.id = ? ORDER BY a.number`, id)
	return collect(rows, err, func(rows scanner) (originate.AttemptRecord, error) {
		a := originate.AttemptRecord{Attempt: call.Attempt{Call: id, Request: c.Request, RouteA: c.RouteA, RouteB: c.RouteB}}
		var started int64
		var outcome, cdr sql.NullString
		err := rows.Scan(&a.Attempt.Number, &a.Attempt.Node, &started, &outcome, &cdr)
		a.Attempt.StartedAt = at(started)
		if outcome.Valid {
			a.Outcome = new(call.Outcome)
			err = errors.Join(err, fromJSON(outcome.String, a.Outcome))
		}
		if cdr.Valid {
			a.CDR = new(call.CDR)
			err = errors.Join(err, fromJSON(cdr.String, a.CDR))
		}
		return a, err
	})
}
