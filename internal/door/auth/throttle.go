package auth

import (
	"sync"

	"golang.org/x/time/rate"
)

// Throttle refuses addresses that have presented too many wrong secrets: after ten,
// one is allowed every six seconds. The zero value is ready, and it is safe for
// concurrent use. Doors may share one.
type Throttle struct {
	mu       sync.Mutex // guards failures
	failures map[string]*rate.Limiter
}

// Throttled reports whether an address has used up its wrong secrets.
func (t *Throttle) Throttled(addr string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.failures[addr]
	return ok && l.Tokens() < 1
}

// Failed counts a wrong secret of an address.
func (t *Throttle) Failed(addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.failures[addr]
	if !ok {
		if len(t.failures) >= failureSlots {
			t.forget()
		}
		if t.failures == nil {
			t.failures = make(map[string]*rate.Limiter)
		}
		l = rate.NewLimiter(failureRate, failureBurst)
		t.failures[addr] = l
	}
	l.Allow()
}

// forget drops the addresses that may try again anyway; if all are still throttled,
// all are dropped. t.mu is held.
func (t *Throttle) forget() {
	for a, l := range t.failures {
		if l.Tokens() >= failureBurst {
			delete(t.failures, a)
		}
	}
	if len(t.failures) >= failureSlots {
		clear(t.failures)
	}
}
