package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Progress implements originate.Store.
func (s *Store) Progress(ctx context.Context, a originate.AttemptRef, events []call.Event) (stored []call.Event, err error) {
	err = s.write(ctx, func(t *tx) error {
		l, err := t.running(a)
		if err != nil {
			return err
		}
		before := l.state
		if stored = t.progress(&l.head, a.Number, events); l.state == before {
			return nil
		}
		_, err = t.exec(`UPDATE call SET state = ? WHERE n = ?`, string(l.state), l.n)
		return err
	})
	return stored, err
}

// progress records events of a running attempt and leaves out those that make
// no sense in the call's state.
func (t *tx) progress(h *head, attempt int, events []call.Event) []call.Event {
	stored := make([]call.Event, 0, len(events))
	for _, e := range events {
		state, err := call.Next(h.state, e.Type)
		if err != nil || !state.Live() {
			continue
		}
		h.state, e.Attempt = state, attempt
		stored = append(stored, t.record(h, e))
	}
	return stored
}

// ending is an AttemptEnd with its JSON columns.
type ending struct {
	originate.AttemptEnd
	answered     bool // an interrupted one had been answered
	outcome, cdr string
}

func encodeEnd(e originate.AttemptEnd) (ending, error) {
	outcome, err1 := toJSON(&e.Outcome)
	cdr, err2 := toJSON(&e.CDR)
	return ending{AttemptEnd: e, outcome: outcome, cdr: cdr}, errors.Join(err1, err2)
}

// EndAttempt implements originate.Store.
func (s *Store) EndAttempt(ctx context.Context, end originate.AttemptEnd) (c call.Call, err error) {
	e, err := encodeEnd(end)
	if err != nil {
		return c, err
	}
	err = s.write(ctx, func(t *tx) error {
		l, err := t.running(e.Ref)
		if err != nil {
			return err
		}
		err = t.endAttempt(&l.row, &e)
		c = l.call
		return err
	})
	return c, err
}

// endAttempt stores the end of r's running attempt and what follows.
func (t *tx) endAttempt(r *row, e *ending) error {
	delete(t.live, r.id)
	t.progress(&r.head, e.Ref.Number, e.Events)
	if e.Returned {
		r.uncounted++
	}
	err := t.move(&r.head, call.EvAttemptEnd, e.Now, func(ev *call.Event) {
		ev.Attempt, ev.CDR, ev.Failure, ev.Text = e.Ref.Number, &e.CDR, e.Outcome.Failure, originate.Describe(e.Outcome)
	})
	if err != nil {
		return err
	}
	v := originate.Decide(originate.Ending{
		Call: r.call, Counted: r.attempts - r.uncounted, Outcome: e.Outcome,
		Answered: e.answered, Withdrawn: r.cancelBy, Returned: e.Returned, Now: e.Now,
	})
	for _, typ := range v.Then {
		err := t.move(&r.head, typ, e.Now, func(ev *call.Event) {
			ev.Attempt, ev.Text = e.Ref.Number, v.Reason
			if typ == call.EvRetry {
				ev.DueAt = v.DueAt
			}
			if typ == call.EvEnded {
				ev.Failure = e.Outcome.Failure
			}
		})
		if err != nil {
			return err
		}
	}
	if err := t.storeEnd(r, e); err != nil {
		return err
	}
	return t.storeVerdict(r, e, v)
}

// storeEnd writes the attempt's outcome and its CDR.
func (t *tx) storeEnd(r *row, e *ending) error {
	t.sumEnd(r.account, &e.Outcome, e.Now)
	if _, err := t.exec(`UPDATE attempt SET ended_at = ?, outcome = ? WHERE call = ? AND number = ?`, ms(e.Now), e.outcome, r.n, e.Ref.Number); err != nil {
		return err
	}
	_, err := t.exec(insertCDR,
		string(r.id), e.Ref.Number, string(r.account), string(r.batch), r.call.Request.Origin.Door, string(e.Outcome.Disposition),
		numbers(r.call.RouteA, r.call.RouteB), ms(e.Now), e.cdr)
	return err
}

const insertCDR = `INSERT INTO cdr (call_id, attempt, account, batch, door, disposition, numbers, ended_at, body) VALUES (?,?,?,?,?,?,?,?,?)`

// Record implements originate.Store.
func (s *Store) Record(ctx context.Context, d call.CDR) error {
	body, err := toJSON(&d)
	if err != nil {
		return err
	}
	to := call.Route{Number: d.Dialled, Endpoint: d.First}
	return s.do(ctx, &op{rows: 1, run: func(t *tx) error {
		_, err := t.exec(insertCDR, string(d.Call), d.Attempt, string(d.Account), string(d.Batch), d.Door, string(d.Disposition),
			numbers(to, call.Route{}), ms(d.EndedAt), body)
		return err
	}})
}

// storeVerdict writes where the call stands now.
func (t *tx) storeVerdict(r *row, e *ending, v originate.Verdict) error {
	c := &r.call
	c.State, c.Attempts, c.Node, c.Last = r.state, r.attempts, "", &e.Outcome
	if !v.DueAt.IsZero() {
		c.DueAt = trunc(v.DueAt)
	}
	var reason string
	if c.State.Done() {
		c.EndedAt, c.Reason, reason = trunc(e.Now), v.Reason, v.Reason
	} else {
		t.clock.known = false
	}
	_, err := t.exec(`UPDATE call SET state = ?, due_at = ?, ended_at = ?, reason = ?, disposition = ?, uncounted = ?, node = '' WHERE n = ?`,
		string(c.State), ms(c.DueAt), msOrNull(c.EndedAt), reason, string(e.Outcome.Disposition), r.uncounted, r.n)
	return err
}

// recoverChunk bounds the attempts that one transaction ends.
const recoverChunk = 200

// Recover implements originate.Store.
func (s *Store) Recover(ctx context.Context, now time.Time) ([]call.Call, error) {
	var all []call.Call
	for {
		var some []call.Call
		err := s.write(ctx, func(t *tx) (err error) {
			some, err = t.recover(now)
			return err
		})
		all = append(all, some...)
		if err != nil || len(some) < recoverChunk {
			return all, err
		}
	}
}

// orphan is a running attempt whose lease has ended.
type orphan struct {
	call            int64
	number          int
	node            string
	epoch           int64
	started         int64
	current, expiry sql.NullInt64 // of the node
}

func (t *tx) recover(now time.Time) ([]call.Call, error) {
	orphans, err := readAll(t, `SELECT a.call, a.number, a.node, a.epoch, a.started_at, n.epoch, n.expires_at
		FROM attempt a INDEXED BY attempt_open LEFT JOIN node n ON n.name = a.node
		WHERE a.ended_at IS NULL AND (n.name IS NULL OR n.epoch <> a.epoch OR n.expires_at <= ?) LIMIT ?`, []any{ms(now), recoverChunk}, func(rows scanner) (o orphan, err error) {
		err = rows.Scan(&o.call, &o.number, &o.node, &o.epoch, &o.started, &o.current, &o.expiry)
		return o, err
	})
	if err != nil {
		return nil, err
	}
	out := make([]call.Call, 0, len(orphans))
	for _, o := range orphans {
		// Whoever still believes to hold this lease must not act on it any more.
		if _, err := t.exec(`UPDATE node SET epoch = epoch + 1, expires_at = 0 WHERE name = ? AND epoch = ?`, o.node, o.epoch); err != nil {
			return nil, err
		}
		c, err := t.interrupt(o, now)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// interrupt ends an attempt of unknown fate.
func (t *tx) interrupt(o orphan, now time.Time) (call.Call, error) {
	var r row
	if err := t.get(`SELECT `+callCols+` FROM call c WHERE c.n = ?`, []any{o.call}, r.dst()...); err != nil {
		return call.Call{}, err
	}
	if err := r.decode(); err != nil {
		return call.Call{}, err
	}
	a := call.Attempt{
		Call: r.id, Number: o.number, Request: r.call.Request, RouteA: r.call.RouteA, RouteB: r.call.RouteB,
		StartedAt: at(o.started), Node: o.node,
	}
	answered := originate.HadAnswered(&a.Request, r.state)
	out := originate.InterruptedOutcome(a, answered, trunc(now))
	e, err := encodeEnd(originate.AttemptEnd{
		Ref:     originate.AttemptRef{Call: r.id, Number: o.number, Lease: originate.Lease{Node: o.node, Epoch: o.epoch}},
		Outcome: out, CDR: originate.MakeCDR(a, out), Now: now,
	})
	if err == nil {
		e.answered = answered
		err = t.endAttempt(&r, &e)
	}
	return r.call, err
}
