package sqlite

import (
	"context"
	"math"

	"github.com/dialwright/dialwright/internal/originate"
)

// Audit implements originate.Store. The trail's primary key gives the order;
// the partial index audit_denied gives that of the denials.
func (s *Store) Audit(ctx context.Context, f originate.AuditFilter) ([]originate.AuditEntry, error) {
	where, order := "seq < ?", "DESC"
	if f.Oldest {
		where, order = "seq > ?", "ASC"
	} else if f.Cursor == 0 {
		f.Cursor = math.MaxInt64
	}
	if f.Denied {
		where += " AND accepted = 0"
	}
	rows, err := s.readDB.QueryContext(ctx, `SELECT seq, at, accepted, origin, account, first, second, call_id, code, rule, text
		FROM audit WHERE `+where+` ORDER BY seq `+order+` LIMIT ?`, f.Cursor, clampLimit(f.Limit))
	return collect(rows, err, func(rows scanner) (e originate.AuditEntry, err error) {
		var when int64
		var origin string
		err = rows.Scan(&e.Seq, &when, &e.Accepted, &origin, &e.Account, &e.First, &e.Second, &e.Call, &e.Code, &e.Rule, &e.Text)
		if err == nil {
			e.At, err = at(when), fromJSON(origin, &e.Origin)
		}
		return e, err
	})
}
