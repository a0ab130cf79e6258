package stasis

import (
	"slices"

	"github.com/dialwright/dialwright/internal/pbx"
)

// filter says which events an application wants (spec: ari 3.6). Types that it
// names need not exist. What is not of the switch passes always: Replaced,
// Registered and Resync.
type filter struct{ allowed, disallowed typeSet }

// passes says whether an event of a type is wanted: nothing is allowed stands for
// everything is, and disallowed wins.
func (f *filter) passes(t pbx.EventType) bool {
	return (len(f.allowed.has) == 0 || f.allowed.contains(t)) && !f.disallowed.contains(t)
}

// typeSet is a list of event types as it was given.
type typeSet struct {
	names []string
	has   map[pbx.EventType]struct{} // nil = none
}

func newTypeSet(names []string) typeSet {
	s := typeSet{names: slices.Clone(names)}
	if len(names) > 0 {
		s.has = make(map[pbx.EventType]struct{}, len(names))
		for _, n := range names {
			s.has[pbx.EventType(n)] = struct{}{}
		}
	}
	return s
}

func (s typeSet) contains(t pbx.EventType) bool {
	_, ok := s.has[t]
	return ok
}

// list gives a copy that is not nil.
func (s typeSet) list() []string { return append([]string{}, s.names...) }

// SetFilter sets the event filter; a nil list stays as it is, an empty one allows
// everything or forbids nothing. Errors: ErrNoApp.
func (h *Hub) SetFilter(app string, allowed, disallowed *[]string) (App, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.apps[app]
	if !ok {
		return App{}, ErrNoApp
	}
	if allowed != nil {
		a.filter.allowed = newTypeSet(*allowed)
	}
	if disallowed != nil {
		a.filter.disallowed = newTypeSet(*disallowed)
	}
	return a.view(), nil
}
