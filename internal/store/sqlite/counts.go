package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// qStates counts the calls that have not ended: those that wait by the indexes
// of their queues, those that run by their attempts.
const qStates = `SELECT 'queued', count(*) FROM call WHERE state = 'queued'
	UNION ALL SELECT state, count(*) FROM call WHERE state IN ('scheduled', 'waiting-retry') GROUP BY state
	UNION ALL SELECT c.state, count(*) FROM attempt a JOIN call c ON c.n = a.call WHERE a.ended_at IS NULL GROUP BY c.state`

// Counts implements originate.Store.
func (s *Store) Counts(ctx context.Context) (originate.Counts, error) {
	c := originate.Counts{States: map[call.State]int{}, InUse: map[string]int{}}
	rows, err := s.readDB.QueryContext(ctx, qStates)
	_, err = collect(rows, err, func(rows scanner) (_ struct{}, err error) {
		var state call.State
		var n int
		err = rows.Scan(&state, &n)
		if n > 0 {
			c.States[state] = n
		}
		return struct{}{}, err
	})
	if err != nil {
		return c, err
	}
	rows, err = s.readDB.QueryContext(ctx, qOpen)
	open, err := collect(rows, err, scanLaneUse)
	if err != nil {
		return c, err
	}
	for _, l := range open {
		for _, r := range l.resources {
			c.InUse[r] += l.n
		}
	}
	rows, err = s.readDB.QueryContext(ctx, qPaused)
	c.Paused, err = collect(rows, err, func(rows scanner) (id call.BatchID, err error) {
		err = rows.Scan(&id)
		return id, err
	})
	if err != nil {
		return c, err
	}
	slices.SortFunc(c.Paused, func(a, b call.BatchID) int { return strings.Compare(string(a), string(b)) })
	c.Seq, err = s.lastSeq(ctx)
	return c, err
}
