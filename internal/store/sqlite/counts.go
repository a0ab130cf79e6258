package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Counts implements originate.Store.
func (s *Store) Counts(ctx context.Context) (originate.Counts, error) {
	c := originate.Counts{States: map[call.State]int{}, InUse: map[string]int{}}
	rows, err := s.readDB.QueryContext(ctx, `SELECT state, count(*) FROM call WHERE ended_at IS NULL GROUP BY state`)
	_, err = collect(rows, err, func(rows *sql.Rows) (_ struct{}, err error) {
		var state call.State
		var n int
		err = rows.Scan(&state, &n)
		c.States[state] = n
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
	c.Paused, err = collect(rows, err, func(rows *sql.Rows) (id call.BatchID, err error) {
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
