package stasis

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Tell sends an event to one application only, whatever its subscriptions: e.Type and
// e.Data say what; without a time it is of now. ErrNoApp if there is none.
func (h *Hub) Tell(app string, e pbx.Event) error {
	if e.At.IsZero() {
		e.At = told(e.Type, nil).At
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.apps[app]
	if !ok {
		return ErrNoApp
	}
	h.round++
	h.give(a, &e)
	h.tidyUp()
	return nil
}

// TellUser publishes a custom event to an application, after having looked that its
// sources ("channel:ID", "bridge:ID", "endpoint:TECH/RESOURCE") exist. body is an
// object, nil for none. The bus shows it to others as well (AMI). Errors: ErrNoApp,
// ErrSource, ErrNoSource.
func (h *Hub) TellUser(app, name string, sources []string, body []byte) error {
	if _, ok := h.App(app); !ok {
		return ErrNoApp
	}
	u := &User{App: app, Name: name, Body: json.RawMessage(body)}
	for _, text := range sources {
		s, ok := parseSource(text)
		if !ok || s.kind == devices {
			return ErrSource
		}
		if !h.aboutSource(u, s) {
			return ErrNoSource
		}
	}
	h.sw.Tell(pbx.Event{Type: UserEvent, Channel: u.Channel, Bridge: u.Bridge, Endpoint: u.Endpoint, Data: u})
	return nil
}

// aboutSource notes what an event is about, false if that does not exist.
func (h *Hub) aboutSource(u *User, s eventSource) bool {
	switch s.kind {
	case channels:
		if c, ok := h.sw.Channel(s.id); ok {
			u.Channel = c.Snapshot()
			return true
		}
	case bridges:
		if b, ok := h.sw.Bridge(s.id); ok {
			u.Bridge = b.Snapshot()
			return true
		}
	case endpoints:
		if e, ok := h.endpoint(s); ok {
			u.Endpoint = e
			return true
		}
	}
	return false
}

// endpoint gives an endpoint as it is now.
func (h *Hub) endpoint(s eventSource) (*pbx.EndpointSnapshot, bool) {
	if s.id == "" {
		return nil, false
	}
	if h.o.Endpoint != nil {
		return h.o.Endpoint(s.written, s.id)
	}
	if h.o.EndpointExists != nil && !h.o.EndpointExists(s.written, s.id) {
		return nil, false
	}
	e := &pbx.EndpointSnapshot{Technology: s.written, Resource: s.id, State: "unknown", Channels: []string{}}
	for _, sn := range h.sw.Channels() {
		if cmp.Or(sn.Phone, sn.Trunk) == s.id && strings.EqualFold(sn.Technology, s.tech) {
			e.Channels = append(e.Channels, sn.ID)
		}
	}
	slices.Sort(e.Channels)
	return e, true
}
