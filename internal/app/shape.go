package app

import (
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
