// Package conference holds conferences: rooms with a name in which any number
// of channels talk to each other, as Asterisk's ConfBridge makes them
// (spec: dialplan 5.4 ConfBridge; Asterisk: app_confbridge.c, conf_state.c).
//
// # The main object
//
// Rooms is the register of one server. A room is made by the first who enters
// and ends when the last has left; its profile is that of the first. Enter
// runs in the goroutine that controls the channel and returns when the channel
// has left:
//
//	pin ─► say the name ─► in the room ─┬─► hangup, timeout, menu     ─► Result
//	  └── FAILED: wrong, locked, full   └─► kicked, last marked leaves ─► sound ─► Result
//
// # Who hears what
//
// A room is a mixing bridge of the switch that mixes from the first member on.
// A member that is muted, or that waits for a marked one, is not heard; one
// that waits or is alone hears music if its profile says so:
//
//	             no marked user     marked user there
//	wait_marked  waiting: music     talks
//	end_marked   talks              talks; leaves with the last marked one
//
// The room's mutex guards who is in and what each shall be. What has to be
// done to a channel is done by that channel's own Enter, which is poked; no
// lock is held while an actor is waited for.
//
// # What it does not do
//
// Volume menus are accepted and change nothing; video, jitter buffers, noise
// reduction and text messages do not exist here. Sounds that are missing are
// not heard, and nothing else happens.
package conference
