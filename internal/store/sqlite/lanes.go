package sqlite

import (
	"cmp"
	"container/heap"
	"database/sql"
	"errors"
)

// lane is one lane with waiting calls, and how far it has been read.
type lane struct {
	id        int64
	need      map[string]int
	places    []place // next ones, in order
	page      int     // size of the next read
	exhausted bool
	after     place // the last one read
}

// place is a waiting call's place in the queue.
type place struct {
	priority int
	due, n   int64
}

func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.due, b.due), cmp.Compare(a.n, b.n))
}

// ready is a waiting call.
type ready struct {
	row
	priority int
	notAfter sql.NullInt64
}

// lanes is a heap of lanes by their first waiting call.
type lanes []*lane

func (h lanes) Len() int           { return len(h) }
func (h lanes) Less(i, j int) bool { return h[i].places[0].compare(h[j].places[0]) < 0 }
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
		if err := k.start(l, l.places[0].n); err != nil {
			return err
		}
		l.places = l.places[1:]
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
		err := k.t.get(qNextLane, []any{last}, &last)
		if errors.Is(err, sql.ErrNoRows) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		need, err := k.t.need(last)
		if err != nil {
			return nil, err
		}
		out = append(out, &lane{id: last, need: need, page: firstPage, after: place{priority: minPriority}})
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

// firstPage is enough for a claim of one call: that one, and whether more wait.
const firstPage = 2

// minPriority is below every priority that is stored.
const minPriority = -1 << 62

// fill makes sure that l has a next call, reading pages that double up to the
// rest of Max and one more. False: the lane has none.
func (k *claim) fill(l *lane) (bool, error) {
	if len(l.places) > 0 {
		return true, nil
	}
	if l.exhausted {
		return false, nil
	}
	size := max(1, min(l.page, k.Max-len(k.out.Attempts)+1))
	l.page *= 2
	var err error
	l.places, err = readAll(k.t, qReady, []any{l.id, l.after.priority, l.after.due, l.after.n, size}, func(rows scanner) (p place, err error) {
		err = rows.Scan(&p.n, &p.priority, &p.due)
		return p, err
	})
	if err != nil || len(l.places) == 0 {
		return false, err
	}
	l.exhausted = len(l.places) < size
	l.after = l.places[len(l.places)-1]
	return true, nil
}
