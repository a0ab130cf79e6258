package link

import (
	"sync"
	"time"
)

// window is how long a second click gets the answer of the first (spec: vodia 4.10).
const window = 3 * time.Second

// maxRecent bounds the clicks that are remembered. Those that are under way are bounded by
// the limits.
const maxRecent = 10_000

// again remembers the clicks of the last seconds, by link.
type again struct {
	mu     sync.Mutex // guards recent
	recent map[string]*clicked
}

// clicked is a click. a and until are final when done is closed.
type clicked struct {
	done  chan struct{}
	until time.Time // zero: under way, or it placed no call
	a     answer
}

func newAgain() *again { return &again{recent: map[string]*clicked{}} }

// do gives the answer of the click on a link that is under way or has placed a call within
// the window, or else that of place. A click that placed no call may be tried again at once.
func (g *again) do(id string, place func() answer) answer {
	g.mu.Lock()
	c := g.recent[id]
	if c != nil && c.over(time.Now()) {
		c = nil
	}
	if c != nil {
		g.mu.Unlock()
		<-c.done // place waits for the store, and for nobody outside
		return c.a
	}
	if len(g.recent) >= maxRecent {
		g.forget(time.Now())
	}
	c = &clicked{done: make(chan struct{}), a: unavailable()} // in case place panics
	g.recent[id] = c
	g.mu.Unlock()

	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if c.a.placed && len(g.recent) <= maxRecent {
			c.until = time.Now().Add(window)
		} else {
			delete(g.recent, id)
		}
		close(c.done)
	}()
	c.a = place()
	return c.a
}

// over says whether a click is one of the past. The lock is held.
func (c *clicked) over(now time.Time) bool { return !c.until.IsZero() && !now.Before(c.until) }

// forget drops what is past. The lock is held.
func (g *again) forget(now time.Time) {
	for id, c := range g.recent {
		if c.over(now) {
			delete(g.recent, id)
		}
	}
}
