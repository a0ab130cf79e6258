package switchvox

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// shareTime is for how long a request that repeats another has its answer (spec: switchvox 6.2).
const shareTime = 3 * time.Second

// waits knows which requests wait for phones. It holds as many entries as there are logins
// that wait, requests that do, and requests of the last seconds that were given up.
type waits struct {
	mu     sync.Mutex // guards what follows
	held   map[string]int
	shared map[string]*shared
}

// shared is one call for which several requests may wait.
type shared struct {
	key  string // "" = no others
	at   time.Time
	done chan struct{} // closed when id and err are set
	id   call.ID
	err  error
}

func newWaits() *waits { return &waits{held: map[string]int{}, shared: map[string]*shared{}} }

// enter takes a place for a request of a login, of so many; nil if there is none. leave
// gives it back.
func (w *waits) enter(login string, most int) (leave func()) {
	if most <= 0 {
		most = pending
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[login] >= most {
		return nil
	}
	w.held[login]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.held[login]--; w.held[login] == 0 {
			delete(w.held, login)
		}
	}
}

// share gives the call of a request that is the same, or a new one, which is for the caller to
// place: then mine is true. settle must be called when it is decided, by whoever sees that.
func (w *waits) share(key string, now time.Time) (s *shared, mine bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.shared[key]; s != nil && key != "" && now.Sub(s.at) < shareTime {
		return s, false
	}
	s = &shared{key: key, at: now, done: make(chan struct{})}
	if key != "" {
		maps.DeleteFunc(w.shared, func(_ string, s *shared) bool { return now.Sub(s.at) >= shareTime })
		w.shared[key] = s
	}
	return s, true
}

// settle ends the sharing of a call: its first phone is decided. Of a call whose clients have all
// gone nobody sees that, and it is shared for shareTime.
func (w *waits) settle(s *shared) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shared[s.key] == s {
		delete(w.shared, s.key)
	}
}

// admit says what the queue has made of the call.
func (s *shared) admit(id call.ID, err error) {
	s.id, s.err = id, err
	close(s.done)
}

// admitted waits until that is known.
func (s *shared) admitted(ctx context.Context) (call.ID, error) {
	select {
	case <-s.done:
		return s.id, s.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
