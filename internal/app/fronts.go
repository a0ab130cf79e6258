package app

import (
	"cmp"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/console"
)

// shape keeps a part of the configuration in a door's form until another configuration
// is in force.
type shape[T any] struct {
	from func(*config.Config) *T
	last atomic.Pointer[shaped[T]]
}

type shaped[T any] struct {
	from *config.Config
	to   *T
}

// newShape makes one that translates by from.
func newShape[T any](from func(*config.Config) *T) *shape[T] { return &shape[T]{from: from} }

func (s *shape[T]) of(c *config.Config) *T {
	if last := s.last.Load(); last != nil && last.from == c {
		return last.to
	}
	fresh := s.from(c)
	s.last.Store(&shaped[T]{c, fresh})
	return fresh
}

// checked reads networks that config has checked.
func checked(list []string) []netip.Prefix {
	out, err := networks(list)
	if err != nil {
		return nil // config.Validate has refused it
	}
	return out
}

// front is a door that has some paths of the HTTP listener.
type front interface {
	http.Handler
	// Serves says whether a path is the door's.
	Serves(path string) bool
}

// fronts puts the doors that are switched on in front of the others of the HTTP listener.
func (a *App) fronts(others http.Handler) http.Handler {
	if d := a.newDialproxy(); d != nil {
		a.clicks = append(a.clicks, &tally{name: "dialproxy", door: d})
	}
	if d := a.newVodia(); d != nil {
		a.clicks = append(a.clicks, &tally{name: "vodia", door: d})
	}
	if d := a.newSwitchvox(); d != nil {
		a.clicks = append(a.clicks, &tally{name: "switchvox", door: d})
	}
	if d := a.newLinks(); d != nil {
		a.clicks = append(a.clicks, &tally{name: "link", door: d})
	}
	if a.console != nil {
		a.clicks = append(a.clicks, &tally{name: console.DoorName, door: a.console})
	}
	if d := a.newPhoneDoor(); d != nil {
		a.clicks = append(a.clicks, &tally{name: "sip", door: d})
	}
	return before(others, a.clicks...)
}

// before puts doors in front of what serves all other paths.
func before(others http.Handler, doors ...*tally) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, d := range doors {
			if d.door.Serves(r.URL.Path) {
				d.ServeHTTP(w, r)
				return
			}
		}
		others.ServeHTTP(w, r)
	})
}

// tally counts what a door answers.
type tally struct {
	name     string
	door     front
	answered [6]atomic.Uint64 // by the first digit of the status; 1 = a WebSocket was opened
	open     atomic.Int64     // requests in progress, WebSockets too
}

// ServeHTTP is http.Handler.
func (c *tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.open.Add(1)
	first := &firstStatus{ResponseWriter: w}
	defer func() {
		c.open.Add(-1)
		c.answered[min(cmp.Or(first.status, http.StatusOK)/100, len(c.answered)-1)].Add(1)
	}()
	c.door.ServeHTTP(first, r)
}

// firstStatus keeps the status of an answer; 0 = none was said, which is a 200.
type firstStatus struct {
	http.ResponseWriter
	status int
}

// WriteHeader is http.ResponseWriter.
func (w *firstStatus) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *firstStatus) Unwrap() http.ResponseWriter { return w.ResponseWriter }
