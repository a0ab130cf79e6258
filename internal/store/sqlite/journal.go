package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// lastSeq gives the newest event's seq, pruned or not.
func (s *Store) lastSeq(ctx context.Context) (seq int64, err error) {
	err = s.readDB.QueryRowContext(ctx, `SELECT seq FROM sqlite_sequence WHERE name = 'event'`).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, err
}

// Events implements originate.Store. One writer numbers the events in the
// order of their commits, so "seq > after" loses none.
func (s *Store) Events(ctx context.Context, after int64, f originate.EventFilter, limit int) ([]call.Event, int64, error) {
	limit = clampLimit(limit)
	newest, err := s.lastSeq(ctx)
	if err != nil {
		return nil, after, err
	}
	w := where{}
	w.add("seq > ? AND seq <= ?", after, newest)
	w.addIf(string(f.Call), "call_id = ?")
	w.addIf(string(f.Account), "account = ?")
	w.addIf(string(f.Batch), "batch = ?")
	if len(f.Types) > 0 {
		args := make([]any, len(f.Types))
		for i, typ := range f.Types {
			args[i] = typ
		}
		w.add("type IN ("+strings.TrimSuffix(strings.Repeat("?,", len(args)), ",")+")", args...)
	}
	rows, err := s.readDB.QueryContext(ctx, `SELECT seq, body FROM event`+w.String()+` ORDER BY seq LIMIT ?`, append(w.args, limit)...)
	list, err := collect(rows, err, func(rows scanner) (e call.Event, err error) {
		var seq int64
		var body string
		if err := rows.Scan(&seq, &body); err != nil {
			return e, err
		}
		err = fromJSON(body, &e)
		e.Seq = seq
		return e, err
	})
	if err != nil {
		return nil, after, err
	}
	// Looked at last: what was pruned while we read counts as lost.
	var pruned int64
	if err := s.readDB.QueryRowContext(ctx, `SELECT pruned FROM journal`).Scan(&pruned); err != nil {
		return nil, after, err
	}
	if after < pruned {
		return nil, after, &originate.LostError{After: after, Oldest: pruned + 1}
	}
	seen := max(newest, after)
	if len(list) == limit {
		seen = list[limit-1].Seq
	}
	return list, seen, nil
}
