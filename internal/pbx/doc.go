// Package pbx is the embedded switch: channels, bridges, playbacks,
// recordings, variables and events, live and in memory. It knows nothing of
// queues, retries or SQL above it, nor of SIP below it.
//
// # The main object
//
// A Channel is the switch's handle on one party. A Technology makes the
// party's side of it, a Leg. A channel is requested first and dialled later,
// as ARI's create and dial are; originating is the two in a row:
//
//	             Create          Dial             180             200
//	outgoing:   ────────► Down ────────► Down ────────► Ringing ───────► Up ─┐
//	                       │              │ └──183, early media──┘ │     │   │ hangup, from any side,
//	             Incoming  └──────────────┴────────────────────────┴─────┤   │ at any moment
//	incoming:   ────────► Ring ──────────────Answer────────────────► Up ─┘   ▼
//	                       └─────────────────────────────────────────► ChannelDestroyed, once
//
// An undialled channel takes variables, a caller ID, a bridge like any other;
// early media flows through a bridge with no special case.
//
// What a channel does is decided by whoever controls it: the Engine for the
// queue's attempts, a Handler (the built-in routing of calls that come in; a
// dialplan; a remote-control application) for the rest. They drive it by
// methods that wait for their effect (Answer, PlayAndWait, ReadDigits, Echo)
// under a context that ends with the channel.
//
// A dialplan is made on a switch and given to it by SetDialplan: what calls that
// come in do, what can follow an answer, the functions that a variable's name may
// call. Its applications control several channels from one goroutine through a
// Queue of their events. Pseudo makes a channel without a party for a dialplan
// to run on: the extension failed of an attempt that nobody answered.
//
// # How it runs
//
// Each channel is an actor with a mailbox (mailbox.go). Legs, timers, media
// and commands post to it and never wait; its state is touched only inside it.
// An idle channel has no goroutine. A mailbox holds 256 commands; a channel
// that gets more ends with cause 42.
//
// A Bridge is a list of members under a mutex (bridge.go) and a wiring that
// follows from it (wiring.go): two members are linked, more are mixed, a
// holding bridge plays music. Members come and go inside their own actors. A bridge
// of a remote application (class "stasis") has nobody who watches its members: there
// the switch itself carries out what a phone's REFER asks for (transfer.go).
//
// Locks are taken in this order: Bridge.mu, Switch.mu, bus.mu, and the ones
// of variables, playbacks and recordings alone. Nothing under a lock waits for
// an actor.
//
// # Events
//
// Events carry immutable snapshots of what they are about. Those of one
// channel come in the order in which things happened, and in the order that
// ARI's clients expect (spec: ari 5.2-5.5): Dial "", ChannelStateChange
// Ringing, Dial RINGING, Dial PROGRESS, ChannelStateChange Up, Dial ANSWER.
// Subscribers have bounded buffers and are told where and how much they missed.
//
// The end of a channel is told in this order: how its media was (rtpvars.go),
// ChannelHangupRequest, the failure of its dial, the ends of its playbacks and
// recordings, ChannelLeftBridge, and when its handler has returned
// ChannelDestroyed.
//
// # When things fail
//
//   - A refusal is one *call.Failure, from whatever depth it comes.
//   - A hangup is never lost and never waits: it passes the mailbox's bound, and
//     the technology cleans up in the background (CANCEL, 200 crossing it, BYE).
//   - A command, handler or callback that panics is logged and counted, and
//     ends its own channel with cause 41.
//   - After Stop no channel, bridge, timer or goroutine is left.
package pbx
