// Package stasis lets remote applications control channels: it knows which
// applications are connected, what each is interested in, which channels each
// has, and keeps for each a journal of events from which a client can resume.
//
//	pbx bus ──observe──► Hub ──► application's journal (bounded) ──► Session ──► WebSocket
//
// A channel enters an application by its handler: from the dialplan's Stasis()
// (Hub.Dialplan), after an originate (Hub.Handler), at once after a create
// (Hub.Enter). It leaves by a hangup, Continue, another handler, or goes to another
// application by Move.
//
// The hub sees every event of the switch while the bus is locked, so what an
// application is told is in the order in which things happened, and interest that
// begins before an event is published covers it. Nothing is encoded there:
// journals hold the events, whose snapshots are shared.
//
// # Who hears what
//
//   - Interest is counted: StasisStart, originate, create and each subscription add
//     one, StasisEnd and each unsubscription take one, the end of the thing takes all.
//   - Events of a channel go to those interested in it, in its endpoint, or in all of
//     these; of a bridge to those subscribed to it, or that have a channel of interest
//     in it; its end to all that ever had.
//   - StasisStart, StasisEnd and what is sent to one application are for that one.
//   - Each event comes to an application once, if its filter lets it pass.
//
// # When things fail
//
//   - A client that goes away costs nothing: calls go on, the application stays while
//     it has channels or bridges. One that understands cursors comes back and hears what it
//     has missed, each event once and in order; if the journal does not reach back so far,
//     or the server is another one, it is told so and what there is (Resync).
//   - A client that does not read is disconnected when its queue is full.
//   - A channel whose handler breaks, or whose queue overflows, tells StasisEnd all
//     the same, before ChannelDestroyed.
//
// It has no goroutine of its own, knows no HTTP and no JSON.
package stasis
