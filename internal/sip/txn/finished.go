package txn

import (
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
)

// finished is a server transaction that only waits for repetitions (X5).
type finished struct {
	flow *sipnet.Flow
	last []byte // what a repetition of the request gets, nil for nothing
	// accepted: the INVITE had a 2xx, and an ACK with its branch is the user's
	// (RFC 6026 §7.1).
	accepted bool
	merge    mergeKey
}

// ackedClient is an INVITE client transaction in state completed: the final
// response may come again and wants the same ACK (timer D).
type ackedClient struct {
	flow *sipnet.Flow
	ack  []byte
}

// finish moves a server transaction to the finished ones, or out on reliable
// transports, where no repetition can come. l.mu is not held.
func (l *Layer) finish(s *ServerTx, f finished, wait *expiry[serverKey]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers[s.key] != s {
		return
	}
	delete(l.servers, s.key)
	// Timer L is 64*T1 on streams too (RFC 6026 §8.7), to absorb repetitions
	// that cannot come there; X5 wants no memory of it.
	if l.stopped || s.flow.Transport().Reliable() {
		l.unmerge(s.merge, s.key)
		return
	}
	f.merge = s.merge
	if len(l.finished) >= maxFinished {
		l.afterJ.dropOldest()
	}
	l.finished[s.key] = f
	wait.add(s.key)
}

// forgetServer ends a finished server transaction. l.mu is held.
func (l *Layer) forgetServer(k serverKey) {
	l.unmerge(l.finished[k].merge, k)
	delete(l.finished, k)
}

func (l *Layer) unmerge(m mergeKey, k serverKey) {
	if l.merged[m] == k {
		delete(l.merged, m)
	}
}

// expiry forgets keys a fixed time after they were added. As that time is the
// same for all, it is a queue with one timer, whatever its length. Keys are
// forgotten up to a 64th of the time late, so that a busy layer wakes up
// rarely.
type expiry[K any] struct {
	mu     *sync.Mutex // of the layer; held by callers of all methods
	after  time.Duration
	forget func(K)
	queue  []expiring[K]
	head   int // first valid element of queue
	timer  *time.Timer
	armed  bool
}

type expiring[K any] struct {
	key K
	at  time.Time
}

func newExpiry[K any](mu *sync.Mutex, after time.Duration, forget func(K)) *expiry[K] {
	return &expiry[K]{mu: mu, after: after, forget: forget}
}

func (e *expiry[K]) add(k K) {
	e.queue = append(e.queue, expiring[K]{k, time.Now().Add(e.after)})
	e.arm()
}

// arm sets the timer for the head of the queue.
func (e *expiry[K]) arm() {
	if e.armed || e.head == len(e.queue) {
		return
	}
	e.armed = true
	d := time.Until(e.queue[e.head].at) + e.after/64
	if e.timer == nil {
		e.timer = time.AfterFunc(d, e.fire)
	} else {
		e.timer.Reset(d)
	}
}

func (e *expiry[K]) fire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.armed = false
	for now := time.Now(); e.head < len(e.queue) && !e.queue[e.head].at.After(now); {
		e.pop()
	}
	if e.head == len(e.queue) {
		e.queue, e.head = nil, 0
	} else if e.head > len(e.queue)/2 {
		e.queue, e.head = append([]expiring[K](nil), e.queue[e.head:]...), 0
	}
	e.arm()
}

func (e *expiry[K]) pop() {
	k := e.queue[e.head].key
	e.queue[e.head] = expiring[K]{} // for the garbage collector
	e.head++
	e.forget(k)
}

// dropOldest forgets the oldest key before its time.
func (e *expiry[K]) dropOldest() {
	if e.head < len(e.queue) {
		e.pop()
	}
}

// clear forgets what is queued without calling forget.
func (e *expiry[K]) clear() {
	e.queue, e.head, e.armed = nil, 0, false
	if e.timer != nil {
		e.timer.Stop()
	}
}
