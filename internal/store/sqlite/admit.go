package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// An admitted call takes three rows: the call, its event, its audit entry.
const (
	rowsPerCall = 3
	admitChunk  = maxBulk / rowsPerCall
)

// Admit implements originate.Store. A single call is a live transition; lists
// are bulk, cut into transactions of at most 2,000 rows.
func (s *Store) Admit(ctx context.Context, list []originate.Admission) ([]originate.Admitted, error) {
	out := make([]originate.Admitted, 0, len(list))
	for chunk := range slices.Chunk(list, admitChunk) {
		done, err := s.admitChunk(ctx, chunk, len(list) > 1)
		if err != nil {
			for len(out) < len(list) {
				out = append(out, originate.Admitted{Err: err})
			}
			return out, err
		}
		out = append(out, done...)
	}
	return out, nil
}

func (s *Store) admitChunk(ctx context.Context, list []originate.Admission, bulk bool) ([]originate.Admitted, error) {
	encoded := make([]incoming, len(list))
	for i := range list {
		if err := encoded[i].encode(&list[i]); err != nil {
			return nil, err
		}
	}
	done := make([]originate.Admitted, len(list))
	o := &op{run: func(t *tx) error { return t.admitAll(encoded, done) }}
	if bulk {
		o.rows = rowsPerCall * len(list)
	}
	err := s.do(ctx, o)
	return done, err
}

// incoming is an Admission with its JSON columns, encoded by whoever asks:
// the writer has enough to do.
type incoming struct {
	*originate.Admission
	request, routeA, routeB, origin, resources string
}

func (a *incoming) encode(from *originate.Admission) error {
	a.Admission = from
	var errs [5]error
	a.request, errs[0] = toJSON(&from.Call.Request)
	a.routeA, errs[1] = toJSON(&from.Call.RouteA)
	a.routeB, errs[2] = toJSON(&from.Call.RouteB)
	a.origin, errs[3] = toJSON(&from.Call.Request.Origin)
	a.resources, errs[4] = toJSON(originate.Resources(&from.Call))
	return errors.Join(errs[:]...)
}

func (t *tx) admitAll(list []incoming, done []originate.Admitted) error {
	for i := range list {
		got, err := t.admit(&list[i])
		if err != nil && !isRefusal(err) {
			return err
		}
		got.Err = err
		done[i] = got
	}
	return nil
}

// admit stores one call. Its refusals come before its first write.
func (t *tx) admit(a *incoming) (got originate.Admitted, err error) {
	if key := originate.KeyOf(&a.Call.Request); key.ID != "" {
		got, err = scanKey(t.get, key)
		switch {
		case err == nil && got.Fingerprint != a.Fingerprint:
			return originate.Admitted{}, originate.ErrKeyReused
		case err == nil:
			return got, nil
		case !errors.Is(err, originate.ErrNotFound):
			return originate.Admitted{}, err
		}
	}
	c := a.Call
	if err := t.checkDaily(a.Admission); err != nil {
		return originate.Admitted{}, err
	}
	c.CreatedAt, c.DueAt = trunc(c.CreatedAt), trunc(c.DueAt)
	if err := t.insertCall(a, c); err != nil {
		return originate.Admitted{}, err
	}
	r := &c.Request
	t.audit(&originate.AuditEntry{
		At: c.CreatedAt, Accepted: true, Account: r.Account,
		First: string(r.First), Second: string(r.Then.Second), Call: c.ID, Rule: a.Rule,
	}, a.origin)
	return originate.Admitted{Call: c, Fingerprint: a.Fingerprint}, nil
}

// checkDaily counts the account's calls of the day, no further than the cap.
func (t *tx) checkDaily(a *originate.Admission) error {
	if a.Daily <= 0 {
		return nil
	}
	var n int
	err := t.get(`SELECT count(*) FROM (SELECT 1 FROM call WHERE account = ? AND created_at >= ? LIMIT ?)`,
		[]any{a.Call.Request.Account, ms(a.Day), a.Daily}, &n)
	if err == nil && n >= a.Daily {
		return originate.ErrDailyCap
	}
	return err
}

// insertCall stores c, the call of a, with its first event.
func (t *tx) insertCall(a *incoming, c call.Call) error {
	r := &c.Request
	w := &ready{priority: r.Priority}
	w.call, w.due = c, ms(c.DueAt)
	w.head = head{id: c.ID, state: c.State, account: r.Account, batch: r.Batch, reference: r.Origin.Reference}
	if !r.NotAfter.IsZero() {
		w.notAfter = sql.NullInt64{Int64: ms(r.NotAfter), Valid: true}
	}
	var err error
	if w.lane, err = t.laneOf(a.resources, r.Batch); err != nil {
		return err
	}
	if r.Batch != "" {
		if err := t.addBatch(r.Batch, r.Account, c.CreatedAt); err != nil {
			return err
		}
	}
	w.n, err = t.insertID(`INSERT INTO call (id, state, lane, priority, due_at, not_after, created_at, door, principal, key, fingerprint,
		account, batch, reference, numbers, request, route_a, route_b) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		string(c.ID), string(c.State), w.lane, r.Priority, w.due, msOrNull(r.NotAfter), ms(c.CreatedAt), r.Origin.Door, r.Origin.Principal,
		r.Key, a.Fingerprint, string(r.Account), string(r.Batch), w.reference, numbers(c.RouteA, c.RouteB), a.request, a.routeA, a.routeB)
	if err != nil {
		return err
	}
	if c.State == call.Queued {
		t.keepWaiting(w)
	}
	if c.State != call.Queued || w.notAfter.Valid {
		t.clock.known = false
	}
	return t.move(&w.head, call.EvAccepted, c.CreatedAt, nil)
}

// FindKey implements originate.Store.
func (s *Store) FindKey(ctx context.Context, k originate.Key) (originate.Admitted, error) {
	return scanKey(func(_ string, args []any, dst ...any) error {
		return s.findKey.QueryRowContext(ctx, args...).Scan(dst...)
	}, k)
}

// qKey finds a call by its idempotency key.
const qKey = `SELECT ` + callCols + `, ` + lastOutcome + `, c.fingerprint FROM call c WHERE c.door = ? AND c.principal = ? AND c.key = ? AND c.key <> ''`

// scanKey finds the call of a key by get, which reads one row.
func scanKey(get func(string, []any, ...any) error, k originate.Key) (originate.Admitted, error) {
	if k.ID == "" {
		return originate.Admitted{}, originate.ErrNotFound
	}
	var r row
	var print string
	err := get(qKey, []any{k.Door, k.Principal, k.ID}, append(r.dstLast(), &print)...)
	if err != nil {
		return originate.Admitted{}, notFound(err)
	}
	if err := r.decode(); err != nil {
		return originate.Admitted{}, err
	}
	return originate.Admitted{Call: r.call, Repeated: true, Fingerprint: print}, nil
}

// Deny implements originate.Store. Denials are bulk: a flood of them must not
// hold up calls.
func (s *Store) Deny(ctx context.Context, e originate.AuditEntry) error {
	e.Accepted = false
	origin, err := toJSON(&e.Origin)
	if err != nil {
		return err
	}
	return s.do(ctx, &op{rows: 1, run: func(t *tx) error {
		t.audit(&e, origin)
		return nil
	}})
}

// microseconds gives t as the pace table keeps it.
func microseconds(t time.Time) int64 { return t.UnixMicro() }
