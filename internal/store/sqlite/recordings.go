package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

const recordingCols = `id, call_id, leg, channel, root, path, started_at, ended_at, duration, bytes`

func scanRecording(rows scanner) (r originate.Recording, err error) {
	var started, duration int64
	var ended sql.NullInt64
	err = rows.Scan(&r.ID, &r.Call, &r.Leg, &r.Channel, &r.Root, &r.Path, &started, &ended, &duration, &r.Bytes)
	r.StartedAt, r.EndedAt, r.Duration = at(started), atNull(ended), time.Duration(duration)*time.Millisecond
	return r, err
}

// BeginRecording implements originate.Store. It is bulk: no call waits for it.
func (s *Store) BeginRecording(ctx context.Context, r originate.Recording) error {
	return s.do(ctx, &op{rows: 1, run: func(t *tx) error {
		var n int
		if err := t.get(`SELECT count(*) FROM call WHERE id = ?`, []any{string(r.Call)}, &n); err != nil {
			return err
		}
		if n == 0 {
			return originate.ErrNotFound
		}
		_, err := t.exec(`INSERT INTO recording (id, call_id, leg, channel, root, path, started_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			r.ID, string(r.Call), r.Leg, r.Channel, r.Root, r.Path, ms(r.StartedAt))
		return err
	}})
}

// EndRecording implements originate.Store.
func (s *Store) EndRecording(ctx context.Context, r originate.Recording) error {
	return s.do(ctx, &op{rows: 1, run: func(t *tx) error {
		_, err := t.exec(`UPDATE recording SET ended_at = ?, duration = ?, bytes = ? WHERE id = ?`,
			ms(r.EndedAt), r.Duration.Milliseconds(), r.Bytes, r.ID)
		return err
	}})
}

// Recordings implements originate.Store.
func (s *Store) Recordings(ctx context.Context, id call.ID) ([]originate.Recording, error) {
	rows, err := s.readDB.QueryContext(ctx, `SELECT `+recordingCols+` FROM recording WHERE call_id = ? ORDER BY started_at, id LIMIT 1000`, string(id))
	return collect(rows, err, scanRecording)
}

// Recording implements originate.Store.
func (s *Store) Recording(ctx context.Context, id string) (originate.Recording, error) {
	r, err := scanRecording(s.readDB.QueryRowContext(ctx, `SELECT `+recordingCols+` FROM recording WHERE id = ?`, id))
	return r, notFound(err)
}
