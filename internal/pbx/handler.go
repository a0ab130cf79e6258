package pbx

import (
	"context"

	"github.com/dialwright/dialwright/internal/call"
)

// Handler controls a channel: the built-in routing (Inbound), a dialplan, an
// ARI application. One handler has a channel at a time.
type Handler interface {
	// Handle runs in a goroutine of the switch. ctx ends when the channel ends;
	// context.Cause(ctx) is then ErrHungUp. When Handle returns and has not
	// given the channel to another handler, the channel is hung up with cause
	// 16. A channel that has hung up is destroyed only after Handle has
	// returned, so that hangup handlers can still read its variables.
	Handle(ctx context.Context, c *Channel)
}

// HandlerFunc is a function as Handler.
type HandlerFunc func(ctx context.Context, c *Channel)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, c *Channel) { f(ctx, c) }

// Router finds out where a call that came in shall go. Implemented by the
// routing table; used by the built-in Inbound handler and by the built-in
// dialplan. The route's endpoint is TECH/resource; its caller ID, if there is
// one, replaces the caller's own. Errors may be *call.Failure; any other error
// is a destination without route (cause 3).
type Router interface {
	Inbound(account call.AccountID, context, dialled string) (call.Route, error)
}

// Runner runs what the switch itself does not know: dialplan positions and
// remote-control applications. nil in Options means that neither exists.
type Runner interface {
	// Runner gives the handler for t, which is of kind ThenDialplan or
	// ThenApp, or an error that says why there is none (unknown context,
	// application not connected); a *call.Failure passes through unchanged.
	Runner(t call.Then) (Handler, error)
}

// Admission is what the guard is asked about a call from inside the switch: one that a
// phone or trunk makes, or that a transfer or forward would make.
type Admission struct {
	Channel   Snapshot       // the channel that wants it
	Context   string         // where the call came in
	Account   call.AccountID // on whose behalf, "" = the context decides
	Principal string         // who asked, for a placed attempt; "" = the channel's own phone or trunk
	Dialled   string         // number as dialled
	Endpoint  call.Endpoint  // where routing would send it
	Remote    string         // address of the peer, transport:host:port
}
