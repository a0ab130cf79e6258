package stasis

import (
	"context"

	"github.com/dialwright/dialwright/internal/pbx"
)

// stay is a channel in an application, from the moment when it is let in.
//
//	arriving ─ Start ─► in ─ End ─► over
//	                    │ ▲
//	                End └─┘ Start, of another application: Move
type stay struct {
	c        *pbx.Channel
	dialplan bool // in which Stasis() has called
	orders   chan order
	over     chan struct{} // closed when End is out

	// What follows belongs to the hub's mutex.
	app    string
	to     *application // that it is about to enter; it is kept for that
	told   bool         // Start is out, and the last End is not
	moving bool         // the next End is not the last
	moved  bool         // it has moved: interest stays until the channel ends
}

// order is what somebody wants to be done with a channel that is in an application.
type order struct {
	departure
	move *Entry // where to; nil = the channel leaves
}

// departure says how a channel leaves its application. The zero value is a hangup,
// another handler, or Continue without a place.
type departure struct {
	next  pbx.Handler // what has it then
	reply chan error  // to be told when it is done; nil = nobody waits
}

// arrive keeps a place in an application that is connected. Errors: ErrNoApp.
func (h *Hub) arrive(c *pbx.Channel, app string, dialplan bool) (*stay, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.active(app)
	if !ok {
		return nil, ErrNoApp
	}
	s := &stay{c: c, dialplan: dialplan, orders: make(chan order), over: make(chan struct{}), app: app, to: a}
	a.arriving++
	h.stays[c.ID()] = s
	return s, nil
}

// enter tells Start: with it the channel is in the application (see started). If
// that cannot be told the stay is over.
func (h *Hub) enter(s *stay, app string, args []string) error {
	if args == nil {
		args = []string{}
	}
	err := s.c.Tell(pbx.Event{Type: Start, Data: &Entry{App: app, Args: args}})
	if err != nil {
		h.abandon(s)
	}
	return err
}

// started notes that a channel is in its application. h.mu is held: the bus shows
// Start.
func (h *Hub) started(e *pbx.Event) {
	s := h.stays[e.Channel.ID]
	if s == nil || s.to == nil {
		return
	}
	a := s.to
	s.app, s.to, s.told, s.moving = a.name, nil, true, false
	a.arriving--
	if h.apps[a.name] == a { // else the hub has stopped
		h.count(h.channel(e.Channel.ID), a, 1)
	}
}

// ended notes that a channel has left. h.mu is held: the bus shows End.
func (h *Hub) ended(e *pbx.Event) {
	s := h.stays[e.Channel.ID]
	if s == nil || s.moving {
		return
	}
	s.told = false
	delete(h.stays, e.Channel.ID)
	a, t := h.apps[s.app], h.topics.find(channels, source{id: e.Channel.ID})
	if !s.moved && a != nil && t != nil {
		h.count(t, a, -1)
	}
}

// abandon ends a stay whose Start or End could not be told. An application that
// has heard Start hears End with the channel's end, see lost.
func (h *Hub) abandon(s *stay) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.to != nil {
		s.to.arriving--
		h.unsettled = append(h.unsettled, s.to)
		s.to = nil
	}
	if !s.told && h.stays[s.c.ID()] == s {
		delete(h.stays, s.c.ID())
	}
	h.tidyUp()
}

// lost tells End for a channel that is destroyed without having told it: its
// handler has broken an invariant, or its queue was full. h.mu is held.
func (h *Hub) lost(e *pbx.Event) {
	s := h.stays[e.Channel.ID]
	if s == nil {
		return
	}
	if s.told && !s.moving {
		end := *e
		end.Type, end.Data, end.Cause, end.TechCause = End, &Entry{App: s.app, Args: []string{}}, 0, 0
		h.route(&end)
	}
	if s.to != nil {
		s.to.arriving--
		h.unsettled = append(h.unsettled, s.to)
	}
	delete(h.stays, e.Channel.ID)
}

// In gives the application that has a channel, false if none has.
func (h *Hub) In(channelID string) (app string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stays[channelID]
	if s == nil || !s.told {
		return "", false
	}
	return s.app, true
}

// wait carries out what is ordered until the channel leaves.
func (h *Hub) wait(ctx context.Context, s *stay) departure {
	for {
		select {
		case <-ctx.Done():
			return departure{}
		case o := <-s.orders:
			if o.move == nil {
				return o.departure
			}
			o.reply <- h.move(s, o.move)
		}
	}
}

// leave tells End. A channel that lives leaves its bridge before.
func (h *Hub) leave(s *stay, d departure) {
	if id := s.c.Snapshot().Bridge; id != "" && s.c.Context().Err() == nil {
		if b, ok := h.sw.Bridge(id); ok {
			_ = b.Remove(s.c) // it has left, or hung up
		}
	}
	h.mu.Lock()
	app, between := s.app, s.moving
	h.mu.Unlock()
	if !between { // else the last application has heard End, and the next one no Start
		_ = s.c.Tell(pbx.Event{Type: End, Data: &Entry{App: app, Args: []string{}}}) // ErrGone: see lost
	}
	close(s.over)
	if d.reply != nil {
		d.reply <- nil
	}
}
