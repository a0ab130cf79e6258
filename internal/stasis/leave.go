package stasis

import (
	"context"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Continue takes a channel out of its application, into the dialplan, and returns
// when it has left: it is in no bridge then, and End is out. Without a place, a
// channel that came from a dialplan goes on behind its Stasis(); another one begins
// where its snapshot says that it is (spec: ari 5.10). What a place leaves open is
// filled in: with a context the extension s, without one where the channel is; priority 1.
// Errors: ErrNotIn; ErrLabel, the channel then stays; the cause of ctx.
func (h *Hub) Continue(ctx context.Context, c *pbx.Channel, at Position) error {
	s := h.stay(c)
	if s == nil {
		return ErrNotIn
	}
	var next pbx.Handler
	if (at != Position{} || !s.dialplan) && h.o.Resume != nil {
		var err error
		if next, err = h.o.Resume(c, complete(at, c.Snapshot())); err != nil {
			return err
		}
	}
	return s.give(ctx, order{departure: departure{next: next}})
}

// complete fills in what a place leaves open.
func complete(at Position, sn *pbx.Snapshot) Position {
	if at == (Position{}) {
		return Position{Context: sn.Context, Exten: sn.Extension, Priority: max(sn.Priority, 1)}
	}
	if at.Exten == "" {
		at.Exten = "s"
		if at.Context == "" {
			at.Exten = sn.Extension
		}
	}
	if at.Context == "" {
		at.Context = sn.Context
	}
	if at.Label == "" {
		at.Priority = max(at.Priority, 1)
	}
	return at
}

// Move gives a channel to another application, and returns when that is done. Both
// stay interested in the channel until it ends. If the other one is not connected the
// channel stays where it is, and that one is told MoveFailed (spec: ari 5.10).
// Errors: ErrNotIn; pbx.ErrGone; the cause of ctx.
func (h *Hub) Move(ctx context.Context, c *pbx.Channel, app string, args []string) error {
	s := h.stay(c)
	if s == nil {
		return ErrNotIn
	}
	if args == nil {
		args = []string{}
	}
	return s.give(ctx, order{move: &Entry{App: app, Args: args}})
}

// stay finds the stay of a channel that is in an application, nil if it is in none.
func (h *Hub) stay(c *pbx.Channel) *stay {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stays[c.ID()]
	if s == nil || s.c != c || !s.told {
		return nil
	}
	return s
}

// give hands an order to the handler of a stay and waits until it is carried out.
func (s *stay) give(ctx context.Context, o order) error {
	o.reply = make(chan error, 1)
	select {
	case s.orders <- o:
	case <-s.over:
		return ErrNotIn
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-o.reply:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// move is Move in the handler of the stay.
func (h *Hub) move(s *stay, to *Entry) error {
	from, ok := h.beginMove(s, to)
	if !ok {
		return nil
	}
	if err := s.c.Tell(pbx.Event{Type: End, Data: &Entry{App: from, Args: []string{}}}); err != nil {
		h.mu.Lock()
		s.moving = false
		h.mu.Unlock()
		h.abandon(s)
		return err
	}
	return h.enter(s, to.App, to.Args)
}

// beginMove keeps a place in the application where a channel is to go, or tells
// the present one that there is none.
func (h *Hub) beginMove(s *stay, to *Entry) (from string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.active(to.App)
	if !ok {
		e := told(MoveFailed, to)
		e.Channel = s.c.Snapshot()
		h.round++
		h.give(h.apps[s.app], e)
		h.tidyUp()
		return "", false
	}
	s.to, s.moving, s.moved = a, true, true
	a.arriving++
	return s.app, true
}
