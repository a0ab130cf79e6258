package pbx

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// mailboxBound is how many commands may wait for one actor. A peer that makes
// us queue more than this is ended, not waited for (design: concurrency 2).
const mailboxBound = 256

// mailbox makes an actor of whatever owns it: commands posted to it run one
// after the other and never at the same time. An idle mailbox has no goroutine: the
// first command of a burst starts one, which leaves when the queue is empty.
// A parked channel therefore costs its struct and nothing else.
//
//	idle ──post──► running ──queue empty──► idle
//	                  └──closed and empty──► gone (onGone, exactly once)
type mailbox struct {
	onPanic    func(value any, stack []byte) // runs in the actor
	onOverflow func()                        // runs in the actor, once, before what is queued
	onGone     func()                        // last act of the actor's last goroutine

	mu         sync.Mutex // guards the fields below
	queue      []func()
	spare      []func() // the slice that was drained last, for reuse
	running    bool
	closed     bool
	overflowed bool
}

// post queues f and returns at once. It reports false if the mailbox is closed
// or full; f will then never run. A full mailbox makes onOverflow run, and is of no
// use from then on; without an onOverflow it takes commands again when it has room.
func (m *mailbox) post(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.overflowed {
		return false
	}
	if len(m.queue) >= mailboxBound {
		m.overflowed = m.onOverflow != nil // else it is only full for now
		return false
	}
	m.queue = append(m.queue, f)
	if !m.running {
		m.running = true
		go m.run()
	}
	return true
}

// postFinal queues f even if the mailbox is full: for the few commands that
// the actor's own end depends on. It reports false only if the mailbox is closed.
func (m *mailbox) postFinal(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.queue = append(m.queue, f)
	if !m.running {
		m.running = true
		go m.run()
	}
	return true
}

// close lets the actor end. It is called from inside the actor; what is still
// queued is dropped, what is posted later is refused.
func (m *mailbox) close() {
	m.mu.Lock()
	m.closed = true
	m.queue = nil
	m.mu.Unlock()
}

func (m *mailbox) run() {
	for {
		m.mu.Lock()
		if m.overflowed && m.onOverflow != nil {
			f := m.onOverflow
			m.onOverflow = nil
			m.mu.Unlock()
			m.call(f)
			continue
		}
		if len(m.queue) == 0 {
			m.running = false
			gone := m.closed
			m.mu.Unlock()
			if gone && m.onGone != nil {
				m.onGone()
			}
			return
		}
		batch := m.queue
		m.queue = m.spare[:0]
		m.mu.Unlock()
		for i, f := range batch {
			batch[i] = nil
			if m.isClosed() {
				break
			}
			m.call(f)
		}
		m.mu.Lock()
		m.spare = batch[:0]
		m.mu.Unlock()
	}
}

func (m *mailbox) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// call runs f; a panic ends only this actor's work (design: concurrency 5).
func (m *mailbox) call(f func()) {
	defer func() {
		if v := recover(); v != nil && m.onPanic != nil {
			m.onPanic(v, debug.Stack())
		}
	}()
	f()
}

// panicText shortens a recovered value for the log.
func panicText(v any) string {
	s := fmt.Sprint(v)
	if len(s) > 300 {
		s = s[:300]
	}
	return s
}
