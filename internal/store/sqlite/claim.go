package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// maxMoved bounds the calls that one claim moves into the queue or expires.
const maxMoved = 500

// Queries of a claim. Each reads what it uses and no more; plan_test.go proves
// it for each.
const (
	qDue      = `SELECT ` + headCols + `, c.due_at FROM call c WHERE c.state IN ('scheduled', 'waiting-retry') AND c.due_at <= ? ORDER BY c.due_at LIMIT ?`
	qNextDue  = `SELECT c.due_at FROM call c WHERE c.state IN ('scheduled', 'waiting-retry') ORDER BY c.due_at LIMIT 1`
	qExpired  = `SELECT ` + headCols + ` FROM call c WHERE c.not_after IS NOT NULL AND c.state IN ('scheduled', 'queued', 'waiting-retry') AND c.not_after <= ? ORDER BY c.not_after LIMIT ?`
	qNextExp  = `SELECT c.not_after FROM call c WHERE c.not_after IS NOT NULL AND c.state IN ('scheduled', 'queued', 'waiting-retry') ORDER BY c.not_after LIMIT 1`
	qOpen     = `SELECT l.resources, count(*) FROM attempt a JOIN lane l ON l.id = a.lane WHERE a.ended_at IS NULL GROUP BY a.lane`
	qPaused   = `SELECT id FROM batch WHERE paused = 1`
	qNextLane = `SELECT c.lane FROM call c WHERE c.state = 'queued' AND c.lane > ? ORDER BY c.lane LIMIT 1`
	qReady    = `SELECT c.n, c.priority, c.due_at FROM call c
		WHERE c.state = 'queued' AND c.lane = ? AND (c.priority, c.due_at, c.n) > (?, ?, ?)
		ORDER BY c.priority, c.due_at, c.n LIMIT ?`
	qPace = `SELECT tat_us FROM pace WHERE resource = ?`
)

// Claim implements originate.Store.
func (s *Store) Claim(ctx context.Context, c originate.Claim) (out originate.Claimed, err error) {
	err = s.write(ctx, func(t *tx) error {
		k := &claim{Claim: c, t: t, use: map[string]*usage{}}
		err := k.run()
		out = k.out
		return err
	})
	if err != nil {
		return originate.Claimed{}, err
	}
	return out, nil
}

// claim is one Claim under way.
type claim struct {
	originate.Claim
	t   *tx
	use map[string]*usage // what is known of each resource so far
	out originate.Claimed

	counted, paused bool // count, readPaused have been done
}

// usage is what is known of a resource within a claim.
type usage struct {
	limits originate.Limits
	inUse  int   // counted from open attempts, plus those of this claim
	tat    int64 // microseconds; 0 = free
	loaded bool  // limits and tat have been read
	paced  bool  // tat has moved and must be written
	closed bool  // a paused batch
}

func (k *claim) run() error {
	if err := k.t.checkLease(k.Lease, k.Now); err != nil {
		return err
	}
	steps := []func() error{k.wake, k.expire, k.pick, k.storePace, k.next}
	if c := &k.t.clock; c.known && (c.next.IsZero() || k.Now.Before(c.next)) {
		steps = steps[2:] // nothing has come due or expired
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// wake moves calls whose time has come into the queue.
func (k *claim) wake() error {
	due, err := readAll(k.t, qDue, []any{ms(k.Now), maxMoved}, func(rows scanner) (h head, err error) {
		var v int64
		err = rows.Scan(append(h.dst(), &v)...)
		return h, err
	})
	if err != nil {
		return err
	}
	for i := range due {
		k.t.clock.known = false
		h := &due[i]
		if err := k.t.move(h, call.EvDue, k.Now, nil); err != nil {
			return err
		}
		if _, err := k.t.exec(`UPDATE call SET state = ? WHERE n = ?`, string(h.state), h.n); err != nil {
			return err
		}
	}
	k.out.More = len(due) == maxMoved
	return nil
}

// expire ends waiting calls whose NotAfter has passed.
func (k *claim) expire() error {
	late, err := readAll(k.t, qExpired, []any{ms(k.Now), maxMoved}, scanHead)
	if err != nil {
		return err
	}
	for i := range late {
		if err := k.t.expire(&late[i], k.Now); err != nil {
			return err
		}
	}
	k.out.More = k.out.More || len(late) == maxMoved
	return nil
}

func (t *tx) expire(h *head, now time.Time) error {
	reason := "expired before an attempt could start"
	if h.attempts > 0 {
		reason = "expired before a further attempt could start"
	}
	return t.finish(h, call.EvExpired, now, reason)
}

// finish ends a call that is not live.
func (t *tx) finish(h *head, typ call.EventType, now time.Time, reason string) error {
	if err := t.move(h, typ, now, func(e *call.Event) { e.Text = reason }); err != nil {
		return err
	}
	t.clock.known = false
	delete(t.waiting, h.n)
	_, err := t.exec(`UPDATE call SET state = ?, ended_at = ?, reason = ? WHERE n = ?`, string(h.state), ms(now), reason, h.n)
	return err
}

// count reads how much of each resource the running attempts hold, those that
// this claim has started included: they are stored already. Caps are counted,
// never kept; where none is set, nothing needs counting.
func (k *claim) count() error {
	if k.counted {
		return nil
	}
	k.counted = true
	open, err := readAll(k.t, qOpen, nil, scanLaneUse)
	if err != nil {
		return err
	}
	for _, u := range k.use {
		u.inUse = 0
	}
	for _, l := range open {
		for _, r := range l.resources {
			k.of(r).inUse += l.n
		}
	}
	return nil
}

// readPaused finds the paused batches.
func (k *claim) readPaused() error {
	if k.paused {
		return nil
	}
	k.paused = true
	paused, err := readAll(k.t, qPaused, nil, func(rows scanner) (id string, err error) {
		err = rows.Scan(&id)
		return id, err
	})
	for _, b := range paused {
		k.of("batch:" + b).closed = true
	}
	return err
}

type laneUse struct {
	resources []string
	n         int
}

func scanLaneUse(rows scanner) (l laneUse, err error) {
	var resources string
	if err := rows.Scan(&resources, &l.n); err != nil {
		return l, err
	}
	err = fromJSON(resources, &l.resources)
	return l, err
}

func (k *claim) of(resource string) *usage {
	u := k.use[resource]
	if u == nil {
		u = &usage{}
		k.use[resource] = u
	}
	return u
}

// free reports whether an attempt that needs so much may start now.
func (k *claim) free(need map[string]int) (bool, error) {
	for resource, n := range need {
		u := k.of(resource)
		if err := k.load(resource, u); err != nil {
			return false, err
		}
		if u.closed || u.limits.Channels > 0 && u.inUse+n > u.limits.Channels {
			return false, nil
		}
		if u.limits.CPS > 0 {
			if at := u.tat - tolerance; microseconds(k.Now) < at {
				k.wait(time.UnixMicro(at))
				return false, nil
			}
		}
	}
	return true, nil
}

func (k *claim) load(resource string, u *usage) error {
	if u.loaded {
		return nil
	}
	u.limits, u.loaded = k.Limits(resource), true
	if strings.HasPrefix(resource, "batch:") {
		if err := k.readPaused(); err != nil {
			return err
		}
	}
	if u.limits.Channels > 0 {
		if err := k.count(); err != nil {
			return err
		}
	}
	if u.limits.CPS <= 0 {
		return nil
	}
	err := k.t.get(qPace, []any{resource}, &u.tat)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// The pace is the generic cell rate algorithm (ITU-T I.371 annex A) with a
// tolerance of 20 ms, so that one claim can start what is due within that
// time. The interval is stretched by the tolerance: in no window of one second
// do more than CPS attempts start.
const tolerance = 20_000 // µs

func interval(cps float64) int64 { return int64(math.Ceil((1_000_000 + tolerance) / cps)) }

// start stores an attempt and takes its resources.
func (k *claim) start(l *lane, n int64) error {
	t := k.t
	r, err := t.takeWaiting(n)
	if err != nil {
		return err
	}
	if r.notAfter.Valid {
		t.clock.known = false
		if r.notAfter.Int64 <= ms(k.Now) {
			return t.expire(&r.head, k.Now)
		}
	}
	r.attempts++
	if err := t.move(&r.head, call.EvStarted, k.Now, func(e *call.Event) { e.Attempt = r.attempts }); err != nil {
		return err
	}
	if _, err := t.exec(`UPDATE call SET state = ?, attempts = ?, node = ? WHERE n = ?`, string(r.state), r.attempts, k.Lease.Node, r.n); err != nil {
		return err
	}
	if _, err := t.exec(`INSERT INTO attempt (call, number, lane, node, epoch, started_at) VALUES (?, ?, ?, ?, ?, ?)`,
		r.n, r.attempts, l.id, k.Lease.Node, k.Lease.Epoch, ms(k.Now)); err != nil {
		return err
	}
	t.sum(k.Now, r.account).attempts++
	t.keepLive(&live{row: r.row, lease: k.Lease})
	for resource, n := range l.need {
		u := k.of(resource)
		u.inUse += n
		if u.limits.CPS > 0 {
			u.tat = max(u.tat, microseconds(k.Now)) + interval(u.limits.CPS)
			u.paced = true
		}
	}
	k.out.Attempts = append(k.out.Attempts, call.Attempt{
		Call: r.id, Number: r.attempts, Request: r.call.Request, RouteA: r.call.RouteA, RouteB: r.call.RouteB,
		StartedAt: trunc(k.Now), Node: k.Lease.Node,
	})
	return nil
}

func (k *claim) storePace() error {
	for resource, u := range k.use {
		if !u.paced {
			continue
		}
		if _, err := k.t.exec(`INSERT INTO pace (resource, tat_us) VALUES (?, ?) ON CONFLICT (resource) DO UPDATE SET tat_us = excluded.tat_us`,
			resource, u.tat); err != nil {
			return err
		}
	}
	return nil
}

// next finds the earliest time at which something waits for the clock.
func (k *claim) next() error {
	c := &k.t.clock
	if !c.known {
		if err := k.readClock(); err != nil {
			return err
		}
	}
	if !c.next.IsZero() {
		k.wait(c.next)
	}
	return nil
}

func (k *claim) readClock() error {
	c := &k.t.clock
	c.next = time.Time{}
	for _, q := range []string{qNextDue, qNextExp} {
		var v int64
		switch err := k.t.get(q, nil, &v); {
		case err == nil:
			if c.next.IsZero() || at(v).Before(c.next) {
				c.next = at(v)
			}
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
	}
	c.known = true
	return nil
}

func (k *claim) wait(until time.Time) {
	if k.out.Next.IsZero() || until.Before(k.out.Next) {
		k.out.Next = until.UTC()
	}
}
