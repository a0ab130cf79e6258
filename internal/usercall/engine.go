package usercall

import (
	"context"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Engine gives an engine that does what e does and lets the table see the attempts: the
// phone that is to ring shows a call before there is a channel.
func (t *Table) Engine(e originate.Engine) originate.Engine { return watched{e, t} }

type watched struct {
	originate.Engine
	t *Table
}

// Place implements originate.Engine.
func (w watched) Place(ctx context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error) {
	if a.RouteA.Phone == "" { // nobody's
		return w.Engine.Place(ctx, a, events)
	}
	f := &w.t.feed
	f.attempt(a.Call, func(n *attemptNews) { *n = attemptNews{begun: &a} })
	defer f.attempt(a.Call, func(n *attemptNews) { n.over = true })
	return w.Engine.Place(ctx, a, func(e call.Event) {
		if e.Type == call.EvConnected {
			f.attempt(a.Call, func(n *attemptNews) { n.connected = true })
		}
		events(e)
	})
}
