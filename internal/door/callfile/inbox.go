package callfile

import "sync"

// inbox takes things from one goroutine for another that may be busy for a
// while. It never makes the sender wait; beyond its bound it drops everything and
// says so, and the receiver looks for itself.
type inbox[T any] struct {
	bell chan struct{} // capacity 1: there is something
	max  int

	mu   sync.Mutex // guards what follows
	list []T
	lost bool
}

func newInbox[T any](maximum int) *inbox[T] {
	return &inbox[T]{bell: make(chan struct{}, 1), max: maximum}
}

// put adds things.
func (b *inbox[T]) put(things ...T) {
	b.mu.Lock()
	if len(b.list)+len(things) > b.max {
		b.list, b.lost = nil, true
	} else {
		b.list = append(b.list, things...)
	}
	b.mu.Unlock()
	b.ring()
}

// lose drops what is there and tells the receiver that something was missed.
func (b *inbox[T]) lose() {
	b.mu.Lock()
	b.list, b.lost = nil, true
	b.mu.Unlock()
	b.ring()
}

func (b *inbox[T]) ring() {
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

// take gives what has come, and whether something was missed before it.
func (b *inbox[T]) take() (list []T, lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list, lost = b.list, b.lost
	b.list, b.lost = nil, false
	return list, lost
}
