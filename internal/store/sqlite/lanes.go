package sqlite

import (
	"cmp"
	"container/heap"
	"database/sql"
	"errors"

	"github.com/dialwright/dialwright/internal/originate"
)

// lane is one lane with waiting calls, and how far it has been read.
type lane struct {
	id        int64
	need      map[string]int
	ready     []ready // next ones, in order
	page      int     // size of the next read
	exhausted bool
	after     ready // the last one read
}

// ready is a waiting call.
type ready struct {
	row
	priority int
	dueMS    int64
	notAfter sql.NullInt64
}

func (a *ready) compare(b *ready) int {
	return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.dueMS, b.dueMS), cmp.Compare(a.n, b.n))
}

// lanes is a heap of lanes by their first waiting call.
type lanes []*lane

func (h lanes) Len() int           { return len(h) }
func (h lanes) Less(i, j int) bool { return h[i].ready[0].compare(&h[j].ready[0]) < 0 }
func (h lanes) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lanes) Push(x any)        { *h = append(*h, x.(*lane)) }
func (h *lanes) Pop() any {
	old := *h
	l := old[len(old)-1]
	*h = old[:len(old)-1]
	return l
}

// pick starts attempts in order of priority and due time over all lanes. A
// lane that meets a full resource is left: all its calls need the same.
func (k *claim) pick() error {
	waiting, err := k.waitingLanes()
	if err != nil || len(waiting) == 0 {
		return err
	}
	if err := k.count(); err != nil {
		return err
	}
	queue, err := k.openLanes(waiting)
	if err != nil {
		return err
	}
	heap.Init(&queue)
	for len(queue) > 0 {
		l := queue[0]
		free, err := k.free(l.need)
		if err != nil {
			return err
		}
		if !free {
			heap.Pop(&queue)
			continue
		}
		if len(k.out.Attempts) == k.Max {
			k.out.More = true
			return nil
		}
		if err := k.start(l, &l.ready[0]); err != nil {
			return err
		}
		l.ready = l.ready[1:]
		if more, err := k.fill(l); err != nil {
			return err
		} else if !more {
			heap.Pop(&queue)
		} else {
			heap.Fix(&queue, 0)
		}
	}
	return nil
}

// waitingLanes gives the lanes that have waiting calls. It skips from lane to
// lane: one seek each.
func (k *claim) waitingLanes() ([]*lane, error) {
	var out []*lane
	for last := int64(0); ; {
		var text string
		err := k.t.get(qNextLane, []any{last}, &last, &text)
		if errors.Is(err, sql.ErrNoRows) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		var resources []string
		if err := fromJSON(text, &resources); err != nil {
			return nil, err
		}
		out = append(out, &lane{id: last, need: originate.Need(resources), page: 1, after: ready{priority: minPriority}})
	}
}

// openLanes gives those lanes whose resources are free, each with its first call.
func (k *claim) openLanes(waiting []*lane) (lanes, error) {
	var out lanes
	for _, l := range waiting {
		free, err := k.free(l.need)
		if err != nil {
			return nil, err
		}
		if !free {
			continue
		}
		if more, err := k.fill(l); err != nil {
			return nil, err
		} else if more {
			out = append(out, l)
		}
	}
	return out, nil
}

// minPriority is below every priority that is stored.
const minPriority = -1 << 62

// fill makes sure that l has a next call, reading pages that double up to the
// rest of Max. False: the lane has none.
func (k *claim) fill(l *lane) (bool, error) {
	if len(l.ready) > 0 {
		return true, nil
	}
	if l.exhausted {
		return false, nil
	}
	size := max(1, min(l.page, k.Max-len(k.out.Attempts)))
	l.page *= 2
	var err error
	l.ready, err = readAll(k.t, qReady, []any{l.id, l.after.priority, l.after.dueMS, l.after.n, size}, func(rows *sql.Rows) (r ready, err error) {
		err = rows.Scan(append(r.dst(), &r.priority, &r.notAfter)...)
		r.dueMS = r.due
		return r, err
	})
	if err != nil || len(l.ready) == 0 {
		return false, err
	}
	l.exhausted = len(l.ready) < size
	l.after = l.ready[len(l.ready)-1]
	return true, nil
}
