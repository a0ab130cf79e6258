// Package event carries typed events inside the process.
//
// A Bus hands every published event to every subscriber that wants it, in
// order. Publishing never waits: each subscriber has a bounded buffer, and one
// that does not keep up is told how many events it missed, and where.
//
//	publisher ──► Bus ──┬─► [ buffer ≤ size ] ─► Next ─► subscriber
//	                    └─► [ full ] ─► missed++  ─► Next says so after the buffer
//
// What can be resumed is kept elsewhere: for calls the journal is the events
// table of the store, and a subscriber that missed something reads it there
// (originate.Originator.Events joins both). The switch's own events are live
// only; its subscribers show a gap.
//
// The package imports the standard library only.
package event

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed is returned by Next after Close of the subscription or the bus.
var ErrClosed = errors.New("subscription is closed")

// Bus distributes events of one type. The zero value is ready. All methods
// are safe for concurrent use.
type Bus[E any] struct {
	mu     sync.Mutex // guards what follows; taken before a Subscription's own
	subs   map[*Subscription[E]]struct{}
	closed bool
}

// Subscription is one reader's place on a bus. Next is for one goroutine at a time.
type Subscription[E any] struct {
	bus  *Bus[E]
	keep func(E) bool
	size int
	bell chan struct{} // capacity 1: something changed

	mu     sync.Mutex // guards what follows
	buf    []E
	missed uint64
	closed bool
}

// Subscribe gives a subscription for the events that keep accepts (nil = all)
// and that are published from now on. Up to size events (at least 1) are
// buffered. keep is called by publishers: it must be quick and must not use
// the bus. The caller closes the subscription.
func (b *Bus[E]) Subscribe(size int, keep func(E) bool) *Subscription[E] {
	s := &Subscription[E]{bus: b, keep: keep, size: max(size, 1), bell: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		s.closed = true
		return s
	}
	if b.subs == nil {
		b.subs = map[*Subscription[E]]struct{}{}
	}
	b.subs[s] = struct{}{}
	return s
}

// Publish gives events to all subscribers. Concurrent calls are put in some
// order, the same for every subscriber. It never waits for a reader.
func (b *Bus[E]) Publish(events ...E) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		s.put(events)
	}
}

// Subscribers gives the number of open subscriptions.
func (b *Bus[E]) Subscribers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.subs)
}

// Close ends all subscriptions after what they have buffered. It may be
// called twice; nothing can be subscribed afterwards.
func (b *Bus[E]) Close() {
	b.mu.Lock()
	subs := b.subs
	b.subs, b.closed = nil, true
	b.mu.Unlock()
	for s := range subs {
		s.end()
	}
}

// put appends what s wants of events. Once s has missed an event it misses
// all until it has read its buffer, so that the gap is in one place.
func (s *Subscription[E]) put(events []E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if s.keep != nil && !s.keep(e) {
			continue
		}
		if s.missed > 0 || len(s.buf) >= s.size {
			s.missed++
			continue
		}
		s.buf = append(s.buf, e)
	}
	s.ring()
}

// Next waits for events. It gives what is buffered, in order, and the number
// of events that were missed after them. The slice is the caller's. At the
// end of ctx it returns the cause; after a close it returns what is left and then ErrClosed.
func (s *Subscription[E]) Next(ctx context.Context) (events []E, missed uint64, err error) {
	for {
		if events, missed, closed := s.take(); len(events) > 0 || missed > 0 {
			return events, missed, nil
		} else if closed {
			return nil, 0, ErrClosed
		}
		select {
		case <-s.bell:
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
	}
}

func (s *Subscription[E]) take() (events []E, missed uint64, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, missed = s.buf, s.missed
	s.buf, s.missed = nil, 0
	return events, missed, s.closed
}

// Close ends the subscription; a waiting Next returns. It may be called twice.
func (s *Subscription[E]) Close() {
	s.bus.mu.Lock()
	delete(s.bus.subs, s)
	s.bus.mu.Unlock()
	s.end()
}

func (s *Subscription[E]) end() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.ring()
}

func (s *Subscription[E]) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}
