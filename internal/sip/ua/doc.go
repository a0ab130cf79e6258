// Package ua is the SIP user agent: everything between transactions (package
// txn) and the switch. It owns calls (dialogs and their offers and answers),
// both sides of digest authentication, the registrar for phones, and the
// registrations that we keep at others. It knows no media: session
// descriptions are bytes that its user makes and reads, but it knows who owes
// the next one.
//
// # A call
//
// [Agent.Invite] makes an outgoing [Call], the callback of [Agent.OnInvite]
// gets incoming ones. What happens to a call comes as [Event] values, in
// order, never two at a time; what the user wants of it are methods, which
// all return at once and may be called from anywhere, event callbacks too.
//
//	                 1xx             2xx: ACK
//	Invite ─► calling ──► calling ──────────────► confirmed ── BYE ──► ended
//	             │ 3xx-6xx, silence, Hangup (CANCEL)              ▲
//	             └───────────────────────────────────────────────►┤
//	INVITE ─► offered ─ Answer ─► answered ─ ACK ─► confirmed ────┤
//	             │ Reject, CANCEL      │ no ACK within 32 s       │
//	             └─────────────────────┴─────────────────────────►┘
//
// EventEnded is the last event, and there is exactly one. After it the call
// may still have something to do: wait for the answer to its CANCEL or BYE,
// acknowledge a 2xx that crossed the CANCEL and end that too (rule D3), repeat
// a stored ACK (D2), repeat its 200 until the ACK comes (D4). [Call.Done]
// closes when the wire is quiet; 32 s after the last 2xx nothing of the call is
// left in memory.
//
// # One mutex, one queue
//
// A call has no goroutine. Its mutex guards its state; messages to send and
// events to deliver that follow from a change of state are put in the call's
// queue under the mutex and carried out after it was released, by whoever
// released it, one at a time and in order. So a transaction that fails at once
// or a callback that calls back finds the mutex free. Callers of methods send
// messages on their own goroutine but never run callbacks: they may hold locks
// that the callback wants.
//
// # Requests
//
// Every request of ours is an exchange: it finds the next hop (RFC 3263),
// answers challenges (D6), goes on to the next address on 503, silence and
// lost connections, and raises intervals that are too small (422, 423).
// Within dialogs it goes where the route set and the refreshed remote target
// lead (D5), except to peers that registered on a flow or are behind NAT:
// those are reached on the flow that they opened (N6).
//
// # When things fail
//
//   - Input never panics: messages are checked by txn, what is optional is read
//     with defaults. If something does panic, also in a callback, it is logged,
//     counted ([Agent.Panics]) and ends that call only.
//   - Nothing grows without bound: 12 early dialogs for one INVITE (D1), 16
//     reliable provisionals and 8 session changes in a row, 10 bindings of one
//     address of record, 10,000 nonces and sources of failed logins.
//   - Names and numbers cannot leave their place: display names, user parts,
//     reason phrases and extra headers are quoted, escaped and freed of line ends
//     here, whatever they hold.
//   - A user that does not answer an offer (EventOffer) within 20 s has refused it.
//   - [Agent.Stop] hangs up, unregisters, waits for the clean-up until its context
//     ends, and drops the rest.
//
// The package does not follow redirects (the switch decides), does not fork or
// proxy, and keeps no bindings on disk ([Registrar.OnUpdate] and
// [Registrar.Restore] are for whoever does).
package ua
