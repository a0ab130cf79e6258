package sip

import (
	"runtime/debug"
	"sync"
)

// serial runs functions one after another, in the order in which they were
// posted, on the goroutine of whoever finds it idle. It has no goroutine of
// its own: an idle leg costs nothing.
//
// It is what lets a leg be called by its channel and by several network
// goroutines at once without locks around calls into other packages: a
// function that posts again (because the package it called reports back at
// once) is queued, not nested, so nothing deadlocks. Posted functions must not
// block, because they may run on a network goroutine.
//
// A function that panics is reported to onPanic; the queue goes on (design:
// concurrency 5: a broken invariant costs one channel).
type serial struct {
	onPanic func(v any, stack []byte) // runs in the queue; set before the first post

	mu    sync.Mutex
	queue []func()
	busy  bool
}

// post runs f now, or after those that are being run.
func (s *serial) post(f func()) {
	s.mu.Lock()
	s.queue = append(s.queue, f)
	if s.busy {
		s.mu.Unlock()
		return
	}
	s.busy = true
	for len(s.queue) > 0 {
		next := s.queue[0]
		s.queue = s.queue[1:]
		s.mu.Unlock()
		s.run(next)
		s.mu.Lock()
	}
	s.queue, s.busy = nil, false
	s.mu.Unlock()
}

// wait is post that returns when f has run. It must not be called from inside
// the queue. It waits for functions that do not block, so it hardly blocks itself.
func (s *serial) wait(f func()) {
	done := make(chan struct{})
	s.post(func() {
		defer close(done)
		f()
	})
	<-done
}

func (s *serial) run(f func()) {
	defer func() {
		if v := recover(); v != nil && s.onPanic != nil {
			s.onPanic(v, debug.Stack())
		}
	}()
	f()
}
