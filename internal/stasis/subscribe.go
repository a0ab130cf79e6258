package stasis

import (
	"slices"
	"strings"
)

// An event source is written "channel:ID", "bridge:ID", "endpoint:TECH[/RESOURCE]"
// or "deviceState:NAME"; without anything behind the colon it is all of its kind
// (spec: ari 3.3 rule 2).
type eventSource struct {
	kind kind
	source
	name    string // as written, "" = all
	written string // endpoint: the technology as written
}

// schemes are the words before the colon.
var schemes = [kinds]string{"channel", "bridge", "endpoint", "deviceState"}

// parseSource reads an event source. ok is false if its scheme is not known.
func parseSource(text string) (s eventSource, ok bool) {
	scheme, name, found := strings.Cut(text, ":")
	i := slices.Index(schemes[:], scheme)
	if !found || i < 0 {
		return s, false
	}
	s = eventSource{kind: kind(i), name: name, source: source{id: name}}
	if s.kind == endpoints {
		s.written, s.id, _ = strings.Cut(name, "/")
		s.tech = strings.ToUpper(s.written)
	}
	return s, true
}

// Subscribe adds event sources, left to right, until one is wrong; what came before it
// stays (spec: ari 4 applications). Errors: ErrNoApp, ErrSource, ErrNoSource.
func (h *Hub) Subscribe(app string, sources []string) (App, error) {
	return h.eachSource(app, sources, h.subscribe)
}

// Unsubscribe takes one count from each source. Errors: ErrNoApp, ErrSource,
// ErrNotSubscribed.
func (h *Hub) Unsubscribe(app string, sources []string) (App, error) {
	return h.eachSource(app, sources, h.unsubscribe)
}

// eachSource does something for sources one after the other, without the mutex.
func (h *Hub) eachSource(app string, sources []string, do func(app string, s eventSource) error) (App, error) {
	if _, ok := h.App(app); !ok {
		return App{}, ErrNoApp
	}
	for _, text := range sources {
		s, ok := parseSource(text)
		if !ok {
			return App{}, ErrSource
		}
		if err := do(app, s); err != nil {
			return App{}, err
		}
	}
	a, ok := h.App(app)
	if !ok {
		return App{}, ErrNoApp
	}
	return a, nil
}

// subscribe adds one source.
func (h *Hub) subscribe(app string, s eventSource) error {
	if s.kind == endpoints && s.name != "" && h.o.EndpointExists != nil && !h.o.EndpointExists(s.written, s.id) {
		return ErrNoSource
	}
	h.mu.Lock()
	a, ok := h.apps[app]
	var t *topic
	if ok {
		t = h.topics.of(s)
	}
	if t != nil {
		h.count(t, a, 1)
		h.tidyUp()
	}
	h.mu.Unlock()
	switch {
	case !ok:
		return ErrNoApp
	case t == nil:
		return ErrNoSource
	case s.kind != channels || s.name == "" || h.sw.HasChannel(s.id):
		return nil
	}
	_ = h.unsubscribe(app, s) // it has ended: see Interest
	return ErrNoSource
}

// of gives the topic of a source, which is made if need be: a bridge that is not
// there has none.
func (ts *topics) of(s eventSource) *topic {
	switch {
	case s.name == "":
		return &ts.all[s.kind]
	case s.kind == bridges:
		return ts.find(bridges, s.source)
	}
	return ts.get(s.kind, s.source, s.name)
}

// unsubscribe takes one count from a source.
func (h *Hub) unsubscribe(app string, s eventSource) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.apps[app]
	if !ok {
		return ErrNoApp
	}
	t := &h.topics.all[s.kind]
	if s.name != "" {
		t = h.topics.find(s.kind, s.source)
	}
	if t == nil {
		return ErrNotSubscribed
	}
	if i := t.of(a); i == nil || i.count == 0 {
		return ErrNotSubscribed
	}
	h.count(t, a, -1)
	h.tidyUp()
	return nil
}
