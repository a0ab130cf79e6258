package sqlite

import (
	"context"
	"errors"

	"github.com/dialwright/dialwright/internal/originate"
)

// Prune implements originate.Store. It works like a bulk import: live calls go first.
func (s *Store) Prune(ctx context.Context, r originate.Retention) (n int, more bool, err error) {
	limit := r.Limit
	if limit <= 0 || limit > maxBulk {
		limit = maxBulk
	}
	for _, prune := range []func(*tx, originate.Retention, int) (int, error){
		(*tx).pruneEvents, (*tx).pruneCalls, (*tx).pruneCDRs, (*tx).pruneAudit, (*tx).pruneMinutes,
	} {
		var some int
		err := s.do(ctx, &op{rows: limit, run: func(t *tx) (err error) {
			some, err = prune(t, r, limit)
			return err
		}})
		if err != nil {
			return n, false, err
		}
		n += some
		more = more || some >= limit
	}
	return n, more, nil
}

// pruneEvents deletes from the journal's begin, so that what is left has no
// holes, and notes how far.
func (t *tx) pruneEvents(r originate.Retention, limit int) (int, error) {
	if r.Events.IsZero() {
		return 0, nil
	}
	list, err := readAll(t, `SELECT seq, at FROM event ORDER BY seq LIMIT ?`, []any{limit}, func(rows scanner) (v [2]int64, err error) {
		err = rows.Scan(&v[0], &v[1])
		return v, err
	})
	if err != nil {
		return 0, err
	}
	n, last := 0, int64(0)
	for _, v := range list {
		if v[1] >= ms(r.Events) {
			break
		}
		n, last = n+1, v[0]
	}
	if n == 0 {
		return 0, nil
	}
	_, err1 := t.exec(`DELETE FROM event WHERE seq <= ?`, last)
	_, err2 := t.exec(`UPDATE journal SET pruned = ?`, last)
	return n, errors.Join(err1, err2)
}

// pruneCalls deletes ended calls with their attempts, then the batches, lanes
// and paces that nothing refers to any more.
func (t *tx) pruneCalls(r originate.Retention, limit int) (int, error) {
	if r.Calls.IsZero() {
		return 0, nil
	}
	n, err := t.prune(`DELETE FROM call WHERE n IN (SELECT n FROM call WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?)`, ms(r.Calls), limit)
	if err != nil || n == 0 {
		return n, err
	}
	if _, err := t.exec(`DELETE FROM batch WHERE NOT EXISTS (SELECT 1 FROM call c WHERE c.batch = batch.id AND c.batch <> '')
		AND NOT EXISTS (SELECT 1 FROM import i WHERE i.state = 'submitting' AND i.batch = batch.id)`); err != nil {
		return n, err
	}
	// The lanes of those batches. The others are as few as accounts, phones and
	// trunks make, and stay.
	if _, err := t.exec(`DELETE FROM lane WHERE batch <> '' AND NOT EXISTS (SELECT 1 FROM batch b WHERE b.id = lane.batch)`); err != nil {
		return n, err
	}
	t.forgetLanes()
	_, err = t.exec(`DELETE FROM pace WHERE tat_us < ?`, microseconds(r.Calls))
	return n, err
}

func (t *tx) pruneCDRs(r originate.Retention, limit int) (int, error) {
	if r.CDRs.IsZero() {
		return 0, nil
	}
	return t.prune(`DELETE FROM cdr WHERE n IN (SELECT n FROM cdr WHERE ended_at < ? ORDER BY ended_at, n LIMIT ?)`, ms(r.CDRs), limit)
}

func (t *tx) pruneAudit(r originate.Retention, limit int) (int, error) {
	if r.Audit.IsZero() {
		return 0, nil
	}
	// From the trail's begin, which is in the order of time but for the clock's jumps.
	return t.prune(`DELETE FROM audit WHERE seq IN (SELECT seq FROM audit ORDER BY seq LIMIT ?) AND at < ?`, limit, ms(r.Audit))
}

func (t *tx) prune(query string, args ...any) (int, error) {
	res, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
