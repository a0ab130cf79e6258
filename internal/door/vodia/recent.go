package vodia

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
)

// maxRecent bounds the calls that are remembered as made a moment ago.
const maxRecent = 10_000

// recent remembers the calls made a moment ago, so that a double click makes one call
// (spec: vodia 4.10). Requests that come while the first is being submitted wait for it.
type recent struct {
	mu    sync.Mutex // guards calls
	calls map[wish]*placing
}

// wish is what makes two requests the same.
type wish struct {
	user directory.Name
	dest string
}

// placing is a call that is being submitted, or was a moment ago.
type placing struct {
	until time.Time
	done  chan struct{} // closed when what follows is known
	call  call.Call
	bad   *failure
}

func newRecent() *recent { return &recent{calls: map[wish]*placing{}} }

// once submits a call unless the same one was submitted within window; then it gives that
// one, and again is true. Who waited for one that placed nothing takes its own turn: it may
// have a better right.
func (l *recent) once(ctx context.Context, w wish, window time.Duration, now time.Time, submit func() (call.Call, *failure)) (c call.Call, again bool, bad *failure) {
	if window <= 0 {
		c, bad = submit()
		return c, false, bad
	}
	for {
		p, first := l.reserve(w, window, now)
		if p == nil {
			return call.Call{}, false, fail(http.StatusServiceUnavailable, "too_many", "There are too many calls; try again later.")
		}
		if first {
			l.first(w, p, submit)
			return p.call, false, p.bad
		}
		select {
		case <-p.done:
			if p.bad == nil {
				return p.call, true, nil
			}
		case <-ctx.Done():
			return call.Call{}, false, fail(http.StatusServiceUnavailable, "not_ready", "The call was not made in time.")
		}
	}
}

// first submits the call for which others wait.
func (l *recent) first(w wish, p *placing, submit func() (call.Call, *failure)) {
	p.bad = notReady() // if submit panics, nobody waits for ever
	defer func() {
		if p.bad != nil {
			l.drop(w, p)
		}
		close(p.done)
	}()
	p.call, p.bad = submit()
}

// reserve gives the placing of a wish, and says whether it is new; nil if there is no room.
func (l *recent) reserve(w wish, window time.Duration, now time.Time) (p *placing, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p = l.calls[w]; p != nil && now.Before(p.until) {
		return p, false
	}
	for other, p := range l.calls { // there are as many as calls are made in a moment
		if !now.Before(p.until) {
			delete(l.calls, other)
		}
	}
	if len(l.calls) >= maxRecent {
		return nil, false
	}
	p = &placing{until: now.Add(window), done: make(chan struct{})}
	l.calls[w] = p
	return p, true
}

// drop forgets a wish, if it is still that one.
func (l *recent) drop(w wish, p *placing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls[w] == p {
		delete(l.calls, w)
	}
}

// ended forgets a call that the person has ended: who then asks again means it.
func (l *recent) ended(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w, p := range l.calls {
		select {
		case <-p.done:
			if string(p.call.ID) == id {
				delete(l.calls, w)
			}
		default:
		}
	}
}
