// Package devstate is the live table of what devices are doing: phones, trunks,
// extensions reached by Local, and devices that somebody sets by hand (Custom:,
// Stasis:). It tells every change on the bus of the switch.
//
//	channel events ──observe──►┐
//	Endpoint (sip) ───────────►┤ table ──change──► queue ──goroutine──► Switch.Tell, watchers
//	Set, SetCustom, Delete ───►┘        (bounded, coalescing)
//
// # How a state comes about
//
// The state of a phone or trunk follows from the states of its channels and,
// without any, from whether it can be reached:
//
//	channels                            state
//	none, or only undialled and dialling ones   NOT_INUSE, UNAVAILABLE when offline
//	one rings (Ringing)                 RINGING
//	one is up or calls us (Up, Ring)    INUSE
//	all that are up are held by it      ONHOLD
//	rings beside one in use             RINGINUSE
//
// A phone that is only dialled is not in use until it rings (Asterisk:
// chan_pjsip.c chan_pjsip_devicestate, devicestate.c
// ast_devstate_aggregate_add; observed: Asterisk 22.10, spec vectors 01c).
//
// # Order
//
// The table follows the events of the switch while the bus is locked, so a
// change is noted in the order of its causes and told after them, by one
// goroutine. The queue in between never blocks: beyond its bound a newer state
// of a device replaces the one that waits. States are levels, so what is lost
// then are moments in between, never the last state.
//
// # What it keeps
//
// Devices set by hand live in AstDB, where Asterisk keeps them, and survive a
// restart. Everything else is in memory only and follows from live channels and
// from what the technologies tell. A device that is neither an endpoint nor in
// use is not in the table; its state is asked for when somebody wants it.
package devstate
