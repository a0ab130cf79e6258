package sip

import "sync"

// serial runs functions one after another, in the order in which they were
// posted, on the goroutine of whoever finds it idle. It has no goroutine of
// its own: an idle leg costs nothing.
//
// It is what lets a leg be called by its channel and by several network
// goroutines at once without locks around calls into other packages: a
// function that posts again (because the package it called reports back at
// once) is queued, not nested, so nothing deadlocks. Posted functions must not
// block, because they may run on a network goroutine.
type serial struct {
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
		next()
		s.mu.Lock()
	}
	s.queue, s.busy = nil, false
	s.mu.Unlock()
}
