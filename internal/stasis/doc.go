// Package stasis lets remote applications control channels: it knows which
// applications are connected, what each is interested in, which channels each
// has, and keeps for each a journal of events from which a client can resume.
//
//	pbx bus ──observe──► Hub ──► application's journal (bounded) ──► Session ──► WebSocket
//
// A channel enters an application by its handler (Hub.Handler): from the
// dialplan's Stasis(), after an originate, at once after a create. It leaves by a
// hangup, Continue or Move.
//
// The hub sees every event of the switch while the bus is locked, so what an
// application is told is in the order in which things happened, and interest that
// begins before an event is published covers it. Nothing is encoded there:
// journals hold the events, whose snapshots are shared.
package stasis
