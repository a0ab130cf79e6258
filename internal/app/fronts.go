package app

import (
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/dialwright/dialwright/internal/config"
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

// before puts doors in front of what serves all other paths.
func before(others http.Handler, doors ...front) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, d := range doors {
			if d.Serves(r.URL.Path) {
				d.ServeHTTP(w, r)
				return
			}
		}
		others.ServeHTTP(w, r)
	})
}

// fronts puts the doors that are switched on in front of the others of the HTTP listener.
func (a *App) fronts(others http.Handler) http.Handler {
	var doors []front
	if d := a.newDialproxy(); d != nil {
		doors = append(doors, d)
	}
	if d := a.newSwitchvox(); d != nil {
		doors = append(doors, d)
	}
	if d := a.newVodia(); d != nil {
		doors = append(doors, d)
	}
	if d := a.newLinks(); d != nil {
		doors = append(doors, d)
	}
	return before(others, doors...)
}
