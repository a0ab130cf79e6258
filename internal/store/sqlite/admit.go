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
		done := make([]originate.Admitted, len(chunk))
		o := &op{run: func(t *tx) error { return t.admitAll(chunk, done) }}
		if len(list) > 1 {
			o.rows = rowsPerCall * len(chunk)
		}
		if err := s.do(ctx, o); err != nil {
			for len(out) < len(list) {
				out = append(out, originate.Admitted{Err: err})
			}
			return out, err
		}
		out = append(out, done...)
	}
	return out, nil
}

func (t *tx) admitAll(list []originate.Admission, done []originate.Admitted) error {
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
func (t *tx) admit(a *originate.Admission) (got originate.Admitted, err error) {
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
	if err := t.checkDaily(a); err != nil {
		return originate.Admitted{}, err
	}
	h, err := t.insertCall(a)
	if err != nil {
		return originate.Admitted{}, err
	}
	if err := t.move(h, call.EvAccepted, c.CreatedAt, nil); err != nil {
		return originate.Admitted{}, err
	}
	r := &c.Request
	err = t.audit(originate.AuditEntry{
		At: c.CreatedAt, Accepted: true, Origin: r.Origin, Account: r.Account,
		First: string(r.First), Second: string(r.Then.Second), Call: c.ID, Rule: a.Rule,
	})
	c.CreatedAt, c.DueAt = trunc(c.CreatedAt), trunc(c.DueAt)
	return originate.Admitted{Call: c, Fingerprint: a.Fingerprint}, err
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

func (t *tx) insertCall(a *originate.Admission) (*head, error) {
	c := &a.Call
	r := &c.Request
	h := &head{id: c.ID, state: c.State, account: r.Account, batch: r.Batch, reference: r.Origin.Reference}
	var err error
	if h.lane, err = t.laneOf(originate.Resources(c)); err != nil {
		return nil, err
	}
	if r.Batch != "" {
		if _, err := t.exec(`INSERT INTO batch (id, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING`, r.Batch, ms(c.CreatedAt)); err != nil {
			return nil, err
		}
	}
	request, err1 := toJSON(r)
	routeA, err2 := toJSON(c.RouteA)
	routeB, err3 := toJSON(c.RouteB)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	res, err := t.exec(`INSERT INTO call (id, state, lane, priority, due_at, not_after, created_at, door, principal, key, fingerprint,
		account, batch, reference, numbers, request, route_a, route_b) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		c.ID, c.State, h.lane, r.Priority, ms(c.DueAt), msOrNull(r.NotAfter), ms(c.CreatedAt), r.Origin.Door, r.Origin.Principal,
		r.Key, a.Fingerprint, r.Account, r.Batch, h.reference, numbers(c.RouteA, c.RouteB), request, routeA, routeB)
	if err != nil {
		return nil, err
	}
	h.n, err = res.LastInsertId()
	return h, err
}

// laneOf gives the lane of a list of resources, a new one if need be.
func (t *tx) laneOf(resources []string) (int64, error) {
	key, err := toJSON(resources)
	if err != nil {
		return 0, err
	}
	if id, ok := t.lanes[key]; ok {
		return id, nil
	}
	var id int64
	err = t.get(`SELECT id FROM lane WHERE resources = ?`, []any{key}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		var res sql.Result
		if res, err = t.exec(`INSERT INTO lane (resources) VALUES (?)`, key); err == nil {
			id, err = res.LastInsertId()
		}
	}
	if err != nil {
		return 0, err
	}
	if len(t.lanes) >= maxLaneCache {
		clear(t.lanes)
	}
	t.lanes[key] = id
	t.fresh = append(t.fresh, key)
	return id, nil
}

// maxLaneCache bounds the memory of lane ids.
const maxLaneCache = 20_000

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
	return s.do(ctx, &op{rows: 1, run: func(t *tx) error { return t.audit(e) }})
}

func (t *tx) audit(e originate.AuditEntry) error {
	origin, err := toJSON(e.Origin)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO audit (at, accepted, origin, account, first, second, call_id, code, rule, text) VALUES (?,?,?,?,?,?,?,?,?,?)`,
		ms(e.At), e.Accepted, origin, e.Account, e.First, e.Second, e.Call, e.Code, e.Rule, e.Text)
	return err
}

// microseconds gives t as the pace table keeps it.
func microseconds(t time.Time) int64 { return t.UnixMicro() }
