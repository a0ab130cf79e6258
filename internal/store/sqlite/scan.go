package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// head is the part of a call's row that a transition needs.
type head struct {
	n         int64
	id        call.ID
	state     call.State
	account   call.AccountID
	batch     call.BatchID
	reference string
	attempts  int
	uncounted int
	cancelBy  string
	lane      int64
}

const headCols = `c.n, c.id, c.state, c.account, c.batch, c.reference, c.attempts, c.uncounted, c.cancel_by, c.lane`

func (h *head) dst() []any {
	return []any{&h.n, &h.id, &h.state, &h.account, &h.batch, &h.reference, &h.attempts, &h.uncounted, &h.cancelBy, &h.lane}
}

// row is a whole call with its newest ended attempt's outcome.
type row struct {
	head
	call call.Call

	request, routeA, routeB string
	created, due            int64
	ended                   sql.NullInt64
	reason, node            string
	last                    sql.NullString
}

const callCols = headCols + `, c.request, c.route_a, c.route_b, c.created_at, c.due_at, c.ended_at, c.reason, c.node`

// lastOutcome is the outcome of the newest attempt that has ended.
const lastOutcome = `(SELECT a.outcome FROM attempt a WHERE a.call = c.n AND a.ended_at IS NOT NULL ORDER BY a.number DESC LIMIT 1)`

func (r *row) dst() []any {
	return append(r.head.dst(), &r.request, &r.routeA, &r.routeB, &r.created, &r.due, &r.ended, &r.reason, &r.node)
}

func (r *row) dstLast() []any { return append(r.dst(), &r.last) }

// decode turns the scanned columns into r.call.
func (r *row) decode() error {
	r.call = call.Call{
		ID: r.id, State: r.state, CreatedAt: at(r.created), DueAt: at(r.due), EndedAt: atNull(r.ended),
		Attempts: r.attempts, Reason: r.reason, Node: r.node,
	}
	err := errors.Join(
		json.Unmarshal([]byte(r.request), &r.call.Request),
		json.Unmarshal([]byte(r.routeA), &r.call.RouteA),
		json.Unmarshal([]byte(r.routeB), &r.call.RouteB),
	)
	if r.last.Valid {
		r.call.Last = new(call.Outcome)
		err = errors.Join(err, json.Unmarshal([]byte(r.last.String), r.call.Last))
	}
	if err != nil {
		return fmt.Errorf("call %s: %w", r.id, err)
	}
	return nil
}

// fromJSON reads a JSON column.
func fromJSON(s string, v any) error { return json.Unmarshal([]byte(s), v) }

// toJSON gives v as JSON. The types of package call always encode, except
// for a year beyond 9999, which admission refuses.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// notFound turns sql.ErrNoRows into the store's word for it.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return originate.ErrNotFound
	}
	return err
}

// collect scans all rows by scan and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// scanHead reads a row of headCols.
func scanHead(rows scanner) (head, error) {
	var h head
	err := rows.Scan(h.dst()...)
	return h, err
}

// scanCall reads a row of callCols and lastOutcome.
func scanCall(rows scanner) (call.Call, error) {
	var r row
	if err := rows.Scan(r.dstLast()...); err != nil {
		return call.Call{}, err
	}
	err := r.decode()
	return r.call, err
}

// numbers gives what Filter.Number looks into: both legs as typed and as
// dialled, in lower case.
func numbers(a, b call.Route) string {
	parts := []string{a.Typed, string(a.Endpoint), a.Number, b.Typed, string(b.Endpoint), b.Number}
	return strings.ToLower(strings.Join(slices.Compact(parts), " "))
}

func trunc(v time.Time) time.Time {
	if v.IsZero() {
		return time.Time{}
	}
	return v.UTC().Truncate(time.Millisecond)
}
