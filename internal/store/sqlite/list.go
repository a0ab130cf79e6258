package sqlite

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// clampLimit gives a page size: 100 by default, at most 1,000.
func clampLimit(n int) int {
	if n <= 0 {
		return 100
	}
	return min(n, 1000)
}

// cursor is a place in a listing: after the row with this time and id. Outside
// it is the base64url of "1 KIND MILLISECONDS ID", KIND being the listing and
// its direction, so that a cursor is not used where it was not made.
type cursor struct {
	kind string // "c" or "d" for calls or CDRs, then "<" (newest first) or ">"
	ms   int64
	id   string
}

// encode gives the cursor as shown outside.
func (c cursor) encode() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "1 %s %d %s", c.kind, c.ms, c.id))
}

// decodeCursor reads what encode made for a listing of the same kind.
func decodeCursor(s, kind string) (cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, originate.ErrCursor
	}
	parts := strings.SplitN(string(b), " ", 4)
	if len(parts) != 4 || parts[0] != "1" || parts[1] != kind || parts[3] == "" {
		return cursor{}, originate.ErrCursor
	}
	v, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != parts[2] {
		return cursor{}, originate.ErrCursor
	}
	return cursor{kind: kind, ms: v, id: parts[3]}, nil
}

// where collects the conditions of a listing.
type where struct {
	conds []string
	args  []any
}

func (w *where) add(cond string, args ...any) {
	w.conds = append(w.conds, cond)
	w.args = append(w.args, args...)
}

// addIf adds cond if v is not empty.
func (w *where) addIf(v, cond string) {
	if v != "" {
		w.add(cond, v)
	}
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// page adds the cursor and gives the ORDER BY and the cursor's kind.
// timeCol and idCol are the listing's order.
func (w *where) page(f originate.Filter, letter, timeCol, idCol string) (order, kind string, err error) {
	op, dir := "<", "DESC"
	if f.Oldest {
		op, dir = ">", "ASC"
	}
	kind = letter + op
	if !f.From.IsZero() {
		w.add(timeCol+" >= ?", ms(f.From))
	}
	if !f.To.IsZero() {
		w.add(timeCol+" < ?", ms(f.To))
	}
	if f.Cursor != "" {
		c, err := decodeCursor(f.Cursor, kind)
		if err != nil {
			return "", "", err
		}
		id := any(c.id)
		if letter == "d" {
			if id, err = strconv.ParseInt(c.id, 10, 64); err != nil {
				return "", "", originate.ErrCursor
			}
		}
		w.add("("+timeCol+", "+idCol+") "+op+" (?, ?)", c.ms, id)
	}
	return fmt.Sprintf(" ORDER BY %s %s, %s %s LIMIT ?", timeCol, dir, idCol, dir), kind, nil
}

// callQuery makes the query of a page of calls, but for its limit.
func callQuery(f originate.Filter) (query string, args []any, kind string, err error) {
	var w where
	w.addIf(string(f.Account), "c.account = ?")
	if f.Batch != "" {
		w.add("c.batch = ? AND c.batch <> ''", f.Batch)
	}
	w.addIf(f.Door, "c.door = ?")
	w.addIf(f.Principal, "c.principal = ?")
	w.addIf(string(f.Disposition), "c.disposition = ?")
	w.addIf(strings.ToLower(f.Number), "instr(c.numbers, ?) > 0")
	w.addIf(f.Reference, "c.reference = ?")
	w.states(f.States)
	order, kind, err := w.page(f, "c", "c.created_at", "c.id")
	return `SELECT ` + callCols + `, ` + lastOutcome + ` FROM call c` + w.String() + order, w.args, kind, err
}

// List implements originate.Store.
func (s *Store) List(ctx context.Context, f originate.Filter) ([]call.Call, string, error) {
	query, args, kind, err := callQuery(f)
	if err != nil {
		return nil, "", err
	}
	limit := clampLimit(f.Limit)
	rows, err := s.readDB.QueryContext(ctx, query, append(args, limit+1)...)
	list, err := collect(rows, err, scanCall)
	if err != nil || len(list) <= limit {
		return list, "", err
	}
	list = list[:limit]
	last := list[limit-1]
	return list, cursor{kind, ms(last.CreatedAt), string(last.ID)}.encode(), nil
}

// states restricts a listing to states. If none of them is a last one, saying so lets
// SQLite use the index of the calls that have not ended.
func (w *where) states(states []call.State) {
	if len(states) == 0 {
		return
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(states)), ",")
	args := make([]any, len(states))
	for i, st := range states {
		args[i] = st
	}
	w.add("c.state IN ("+marks+")", args...)
	if !slices.ContainsFunc(states, call.State.Done) {
		w.add("c.ended_at IS NULL")
	}
}

// CDRs implements originate.Store.
func (s *Store) CDRs(ctx context.Context, f originate.Filter) ([]call.CDR, string, error) {
	var w where
	w.addIf(string(f.Account), "account = ?")
	w.addIf(string(f.Batch), "batch = ?")
	w.addIf(f.Door, "door = ?")
	w.addIf(string(f.Disposition), "disposition = ?")
	w.addIf(strings.ToLower(f.Number), "instr(numbers, ?) > 0")
	order, kind, err := w.page(f, "d", "ended_at", "n")
	if err != nil {
		return nil, "", err
	}
	limit := clampLimit(f.Limit)
	type numbered struct {
		n, ended int64
		cdr      call.CDR
	}
	rows, err := s.readDB.QueryContext(ctx, `SELECT n, ended_at, body FROM cdr`+w.String()+order, append(w.args, limit+1)...)
	list, err := collect(rows, err, func(rows scanner) (d numbered, err error) {
		var body string
		if err := rows.Scan(&d.n, &d.ended, &body); err != nil {
			return d, err
		}
		err = fromJSON(body, &d.cdr)
		return d, err
	})
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = cursor{kind, list[limit-1].ended, strconv.FormatInt(list[limit-1].n, 10)}.encode()
	}
	out := make([]call.CDR, len(list))
	for i := range list {
		out[i] = list[i].cdr
	}
	return out, next, nil
}
