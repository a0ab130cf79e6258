package stasis

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// offer is a channel that several applications may have (dialplan StasisBroadcast).
// It is remembered after it has been claimed, so that those who come late hear that,
// until the channel ends or is offered again.
type offer struct {
	c      *pbx.Channel
	to     map[*application]struct{}
	winner string        // "" = open
	done   chan struct{} // closed when there is a winner
}

// Broadcast offers a channel to all connected applications whose name matches a
// regular expression, "" for all, and waits until one has claimed it. The others
// hear Claimed. The caller then gives the channel to the winner (Dialplan). Errors:
// ErrNoApp if there is none to offer it to, ErrUnclaimed after timeout, a pattern that
// cannot be read, the cause of ctx.
func (h *Hub) Broadcast(ctx context.Context, c *pbx.Channel, pattern string, timeout time.Duration) (winner string, err error) {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return "", fmt.Errorf("applications to offer a channel to: %w", err)
	}
	o := &offer{c: c, to: make(map[*application]struct{}), done: make(chan struct{})}
	if !h.offer(o, match) {
		return "", ErrNoApp
	}
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case <-o.done:
		return o.winner, nil
	case <-t.C:
		err = ErrUnclaimed
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return h.withdraw(o, err)
}

// offer tells the applications of a channel.
func (h *Hub) offer(o *offer, match *regexp.Regexp) bool {
	e := told(Broadcast, nil)
	e.Channel = o.c.Snapshot()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.round++
	for _, a := range h.apps {
		if a.session != nil && match.MatchString(a.name) {
			o.to[a] = struct{}{}
			h.give(a, e)
		}
	}
	if len(o.to) > 0 {
		h.offers[o.c.ID()] = o
	}
	h.tidyUp()
	return len(o.to) > 0
}

// withdraw ends an offer, unless somebody has been faster.
func (h *Hub) withdraw(o *offer, why error) (winner string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.winner != "" {
		return o.winner, nil
	}
	if h.offers[o.c.ID()] == o {
		delete(h.offers, o.c.ID())
	}
	return "", why
}

// Claim gives a broadcast channel to an application that it was offered to.
// Errors: ErrNoApp, ErrNotIn (it is not offered), ErrClaimed (another one was faster).
func (h *Hub) Claim(channelID, app string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.active(app)
	if !ok {
		return ErrNoApp
	}
	o := h.offers[channelID]
	switch {
	case o == nil:
		return ErrNotIn
	case o.winner != "":
		return ErrClaimed
	}
	if _, offered := o.to[a]; !offered {
		return ErrNotIn
	}
	o.winner = app
	close(o.done)
	e := told(Claimed, &Entry{App: app, Args: []string{}})
	e.Channel = o.c.Snapshot()
	h.round++
	for a := range o.to {
		if h.apps[a.name] == a {
			h.give(a, e)
		}
	}
	h.tidyUp()
	return nil
}
