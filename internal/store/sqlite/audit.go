package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/dialwright/dialwright/internal/originate"
)

// auditSlack is how far the order of the trail and that of its times may differ: an entry
// gets its time before it waits to be written.
const auditSlack = time.Minute

const auditCols = `seq, at, accepted, origin, account, first, second, call_id, code, rule, text`

// Audit implements originate.Store. The trail's primary key gives the order, the partial
// index audit_denied that of the denials, and audit_door that of a door.
func (s *Store) Audit(ctx context.Context, f originate.AuditFilter) ([]originate.AuditEntry, error) {
	low, high, err := s.auditRange(ctx, f)
	if err != nil {
		return nil, err
	}
	var w where
	w.add("seq > ? AND seq < ?", low, high)
	w.addIf(f.Principal, "origin ->> '$.principal' = ?")
	w.addIf(string(f.Account), "account = ?")
	w.addIf(string(f.Call), "call_id = ?")
	if !f.From.IsZero() {
		w.add("at >= ?", ms(f.From))
	}
	if !f.To.IsZero() {
		w.add("at < ?", ms(f.To))
	}
	order := " ORDER BY seq DESC LIMIT ?"
	if f.Oldest {
		order = " ORDER BY seq ASC LIMIT ?"
	}
	query, args := `SELECT `+auditCols+` FROM audit`+w.String(), w.args
	limit := clampLimit(f.Limit)
	switch door := " AND origin ->> '$.door' = ? AND accepted = "; {
	case f.Door != "" && f.Denied:
		query, args = query+door+"0"+order, append(args, f.Door, limit)
	case f.Door != "": // each half in its order, then both
		half := `SELECT * FROM (` + query + door
		one := append(args[:len(args):len(args)], f.Door, limit)
		query = half + "0" + order + ") UNION ALL " + half + "1" + order + ")" + order
		args = append(append(one[:len(one):len(one)], one...), limit)
	case f.Denied:
		query, args = query+" AND accepted = 0"+order, append(args, limit)
	default:
		query, args = query+order, append(args, limit)
	}
	rows, err := s.readDB.QueryContext(ctx, query, args...)
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

// auditRange gives the numbers between which the entries of a page lie, both excluded.
func (s *Store) auditRange(ctx context.Context, f originate.AuditFilter) (low, high int64, err error) {
	low, high = 0, math.MaxInt64
	if f.Oldest {
		low = f.Cursor
	} else if f.Cursor != 0 {
		high = f.Cursor
	}
	if !f.From.IsZero() {
		first, err := s.auditSince(ctx, f.From.Add(-auditSlack))
		if err != nil {
			return 0, 0, err
		}
		low = max(low, first-1)
	}
	if !f.To.IsZero() {
		past, err := s.auditSince(ctx, f.To.Add(auditSlack))
		if err != nil {
			return 0, 0, err
		}
		high = min(high, past)
	}
	return low, high, nil
}

// auditSince gives the number of the first entry from a time on, or one above the last. It
// searches the trail by halves, for its times have no index: that would be one more write
// with each call.
func (s *Store) auditSince(ctx context.Context, from time.Time) (int64, error) {
	var low, high sql.NullInt64
	if err := s.readDB.QueryRowContext(ctx, `SELECT (SELECT min(seq) FROM audit), (SELECT max(seq) FROM audit)`).Scan(&low, &high); err != nil || !low.Valid {
		return 0, err
	}
	since := ms(from)
	for first, past := low.Int64, high.Int64+1; ; {
		if first >= past {
			return first, nil
		}
		var seq, when int64
		middle := first + (past-first)/2
		err := s.readDB.QueryRowContext(ctx, `SELECT seq, at FROM audit WHERE seq >= ? ORDER BY seq LIMIT 1`, middle).Scan(&seq, &when)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && when >= since:
			past = middle
		case err != nil:
			return 0, err
		default:
			first = seq + 1
		}
	}
}

// AuditCounts counts what came by each door since a time.
func (s *Store) AuditCounts(ctx context.Context, since time.Time) (map[string]originate.AuditCount, error) {
	first, err := s.auditSince(ctx, since)
	if err != nil {
		return nil, err
	}
	// The doors one after the other, so that each is one range of audit_door.
	rows, err := s.readDB.QueryContext(ctx, `WITH RECURSIVE door (name) AS (
			SELECT (SELECT min(origin ->> '$.door') FROM audit)
			UNION ALL
			SELECT (SELECT min(origin ->> '$.door') FROM audit WHERE origin ->> '$.door' > door.name) FROM door WHERE door.name IS NOT NULL)
		SELECT name,
			(SELECT count(*) FROM audit WHERE origin ->> '$.door' = name AND accepted = 1 AND seq >= ?1),
			(SELECT count(*) FROM audit WHERE origin ->> '$.door' = name AND accepted = 0 AND seq >= ?1)
		FROM door WHERE name IS NOT NULL`, first)
	type count struct {
		door string
		originate.AuditCount
	}
	list, err := collect(rows, err, func(rows scanner) (c count, err error) {
		return c, rows.Scan(&c.door, &c.Accepted, &c.Denied)
	})
	out := map[string]originate.AuditCount{}
	for _, c := range list {
		out[c.door] = c.AuditCount
	}
	return out, err
}
