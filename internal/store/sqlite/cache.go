package sqlite

import (
	"database/sql"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// cache is what the writer remembers of rows that it has written itself. One
// process writes, by one goroutine, so nothing else changes them; whoever
// changes a row here keeps or drops its entry, and a rollback drops everything. Entries
// beyond the bounds are not kept: the cache saves reads and decides nothing.
type cache struct {
	waiting map[int64]*ready         // queued calls by n, as admitted
	live    map[call.ID]*live        // running attempts
	lanes   map[string]int64         // lane ids by resources
	needs   map[int64]map[string]int // resources by lane id
	clock   struct {
		known bool
		next  time.Time // when the first waiting call comes due or expires; zero: none does
	}
}

// Bounds of the cache. A queued call takes about 2 KiB.
const (
	maxWaiting = 4_000
	maxLive    = 20_000
	maxLanes   = 20_000
)

// live is a call with its running attempt.
type live struct {
	row
	lease originate.Lease
}

func newCache() cache {
	return cache{
		waiting: map[int64]*ready{}, live: map[call.ID]*live{},
		lanes: map[string]int64{}, needs: map[int64]map[string]int{},
	}
}

// forget drops everything.
func (c *cache) forget() {
	clear(c.waiting)
	clear(c.live)
	c.forgetLanes()
	c.clock.known = false
}

func (c *cache) forgetLanes() {
	clear(c.lanes)
	clear(c.needs)
}

// keepWaiting remembers a call that was admitted to the queue.
func (c *cache) keepWaiting(r *ready) {
	if len(c.waiting) < maxWaiting {
		c.waiting[r.n] = r
	}
}

// keepLive remembers a call whose attempt runs.
func (c *cache) keepLive(l *live) {
	if len(c.live) < maxLive {
		c.live[l.id] = l
	}
}

// takeWaiting gives a queued call, which leaves the cache.
func (t *tx) takeWaiting(n int64) (*ready, error) {
	if r := t.waiting[n]; r != nil {
		delete(t.waiting, n)
		return r, nil
	}
	r := new(ready)
	if err := t.get(`SELECT `+callCols+`, c.priority, c.not_after FROM call c WHERE c.n = ?`, []any{n},
		append(r.dst(), &r.priority, &r.notAfter)...); err != nil {
		return nil, err
	}
	return r, r.decode()
}

// running gives the call of a running attempt. ErrStale: it does not run under
// this lease.
func (t *tx) running(a originate.AttemptRef) (*live, error) {
	if l := t.live[a.Call]; l != nil {
		if l.attempts != a.Number || l.lease != a.Lease {
			return nil, originate.ErrStale
		}
		return l, nil
	}
	l := &live{lease: a.Lease}
	err := t.get(`SELECT `+callCols+` FROM call c JOIN attempt a ON a.call = c.n AND a.number = ?
		WHERE c.id = ? AND a.ended_at IS NULL AND a.node = ? AND a.epoch = ?`,
		[]any{a.Number, a.Call, a.Lease.Node, a.Lease.Epoch}, l.dst()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, originate.ErrStale
	}
	if err == nil {
		err = l.decode()
	}
	if err == nil {
		t.keepLive(l)
	}
	return l, err
}

// laneOf gives the lane of a list of resources in JSON, a new one if need be.
// batch is the batch among them, if any.
func (t *tx) laneOf(resources string, batch call.BatchID) (int64, error) {
	if id, ok := t.lanes[resources]; ok {
		return id, nil
	}
	var id int64
	err := t.get(`SELECT id FROM lane WHERE resources = ?`, []any{resources}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		id, err = t.insertID(`INSERT INTO lane (resources, batch) VALUES (?, ?)`, resources, string(batch))
	}
	if err != nil {
		return 0, err
	}
	if len(t.lanes) >= maxLanes {
		t.forgetLanes()
	}
	t.lanes[resources] = id
	return id, nil
}

// need gives what an attempt of a lane needs of each resource.
func (t *tx) need(lane int64) (map[string]int, error) {
	if n, ok := t.needs[lane]; ok {
		return n, nil
	}
	var text string
	var list []string
	err := t.get(`SELECT resources FROM lane WHERE id = ?`, []any{lane}, &text)
	if err == nil {
		err = fromJSON(text, &list)
	}
	if err != nil {
		return nil, err
	}
	if len(t.needs) >= maxLanes {
		t.forgetLanes()
	}
	t.needs[lane] = originate.Need(list)
	return t.needs[lane], nil
}
