package devstate

import (
	"sync"

	"github.com/dialwright/dialwright/internal/pbx"
)

// queueBound is how many changes wait to be told before newer ones replace
// older ones of the same device, endpoint or contact. Beyond it the queue can
// only grow by one entry for each of those.
const queueBound = 4096

// notice is one change that waits to be told.
type notice struct {
	about    string // what it replaces: type, endpoint or device, contact
	device   string // DeviceStateChanged
	state    pbx.DeviceState
	gone     bool          // and it is not there any more
	event    pbx.EventType // of endpoint, "" = DeviceStateChanged
	endpoint *pbx.EndpointSnapshot
}

// queue is a list of notices that coalesces when it is long. Safe concurrently.
type queue struct {
	bound int
	ready chan struct{} // has a value while there may be something to take

	mu   sync.Mutex // a leaf: nothing is called under it
	list []*notice
	last map[string]*notice // newest of each about that waits
}

func newQueue(bound int) *queue {
	return &queue{bound: bound, ready: make(chan struct{}, 1), last: map[string]*notice{}}
}

// push never blocks.
func (q *queue) push(n notice) {
	q.mu.Lock()
	old := q.last[n.about]
	if old != nil && len(q.list) >= q.bound {
		*old = n
	} else {
		q.list = append(q.list, &n)
		q.last[n.about] = &n
	}
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take gives everything that waits, in order.
func (q *queue) take() []*notice {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.list
	q.list = nil
	clear(q.last)
	return out
}
