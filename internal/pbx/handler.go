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

// Runner runs what the switch itself does not know: dialplan positions,
// applications, and remote-control applications. nil in Options means that
// none exists.
type Runner interface {
	// Runner gives the handler for t, which is of kind ThenDialplan,
	// ThenApplication or ThenApp, or an error that says why it cannot be carried
	// out (unknown context or application, application not connected); a
	// *call.Failure passes through unchanged, ErrBuiltIn leaves it to what the switch
	// would do without a runner. A handler beside an error is what
	// runs all the same for a request that is Lenient.
	Runner(t call.Then) (Handler, error)
}

// FailedRunner is a Runner with a place for attempts that failed: the extension
// "failed" of the context in which they would have gone on (spec: callfile 6.3).
type FailedRunner interface {
	// Failed gives the handler of that extension, false if the context has none
	// for this caller.
	Failed(context, callerNumber string) (Handler, bool)
}

// Recorder is a Runner that knows what its handlers have said about the record
// of a call.
type Recorder interface {
	// Record gives what was said on a channel, false if it never ran there. It
	// is called inside the channel's actor, right before the channel is gone: it
	// must not wait, nor call the channel's methods that do.
	Record(c *Channel) (call.DialplanRecord, bool)
}

// Functions are the functions of a dialplan, for whoever sets a variable named
// "CDR(userfield)" without running one: the engine, ARI, AMI. Both methods may
// wait for the channel's actor. ok is false if there is no function of the name.
type Functions interface {
	WriteFunction(ctx context.Context, c *Channel, name, args, value string) (ok bool, err error)
	ReadFunction(ctx context.Context, c *Channel, name, args string) (value string, ok bool, err error)
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
