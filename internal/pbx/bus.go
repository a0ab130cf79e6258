package pbx

import (
	"slices"
	"sync"
	"time"
)

// bus hands events to subscribers. Publishing never blocks: a subscriber whose
// buffer is full loses events and is told so in order.
type bus struct {
	mu   sync.Mutex // guards the fields below; taken last, nothing is called under it but filters
	seq  uint64
	subs map[*subscription]struct{}
	obs  []*func(*Event) // see everything first
	end  bool
}

type subscription struct {
	filter EventFilter
	ch     chan Event
	buf    int    // ch has one place more, for EventsLost
	missed uint64 // events lost since the last one delivered
}

// subscribe gives a channel of events that holds up to buf of them (at least
// 1), and a function that ends the subscription and closes the channel.
func (b *bus) subscribe(f EventFilter, buf int) (<-chan Event, func()) {
	buf = max(buf, 1)
	s := &subscription{filter: f, ch: make(chan Event, buf+1), buf: buf}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end {
		close(s.ch)
		return s.ch, func() {}
	}
	if b.subs == nil {
		b.subs = make(map[*subscription]struct{})
	}
	b.subs[s] = struct{}{}
	return s.ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, ok := b.subs[s]; ok {
			delete(b.subs, s)
			close(s.ch)
		}
	}
}

// observe lets f see every event under the lock, until the function returned is
// called.
func (b *bus) observe(f func(*Event)) (remove func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &f
	b.obs = append(slices.Clone(b.obs), p)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.obs = slices.DeleteFunc(slices.Clone(b.obs), func(o *func(*Event)) bool { return o == p })
	}
}

// publish numbers e and hands it out.
func (b *bus) publish(e *Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	e.Seq = b.seq
	for _, f := range b.obs {
		(*f)(e)
	}
	for s := range b.subs {
		if s.filter.matches(e) {
			s.offer(e)
		}
	}
}

// offer delivers e if there is room. The last place of the buffer is kept for
// the word that events are missing, so that it is never missing itself.
func (s *subscription) offer(e *Event) {
	if len(s.ch) >= s.buf {
		if s.missed == 0 {
			s.ch <- Event{Seq: e.Seq, At: e.At, Type: EventsLost} // the kept place
		}
		s.missed++
		return
	}
	out := *e
	out.Missed, s.missed = s.missed, 0
	s.ch <- out
}

// close ends all subscriptions.
func (b *bus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end = true
	for s := range b.subs {
		close(s.ch)
	}
	clear(b.subs)
}

// now is the time of events, UTC.
func now() time.Time { return time.Now().UTC() }
