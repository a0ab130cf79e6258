// Package parking holds parked calls: channels that wait in numbered spaces of
// a parking lot until somebody fetches them, as Asterisk's res_parking does it
// (Asterisk: res_parking.c and res/parking; observed: Asterisk 22.10).
//
// # The main objects
//
// A Lot says what a parking lot is like: its spaces, how long a call may wait,
// where it goes then. It comes from a section of res_parking.conf and is only
// read. Lots is the register of who is parked in the lots of one switch, by the
// lots' names; it outlives a change of the configuration. A Stay is one channel
// in one space:
//
//	Park ─► in the space ─┬─► Take by somebody      ─► Taken: handed over, until Release
//	  └── ErrFull         ├─► its time is over      ─► TimedOut
//	                      ├─► out of the bridge     ─► Removed
//	                      └─► hangup, other handler ─► error
//
// Whoever controls the parked channel calls Park, Wait and Leave, in one
// goroutine. A space is free again as soon as its stay has one of these ends;
// of two who want the same space, one gets it.
//
// Parked channels sit in a holding bridge of the switch, one for each lot, which
// is made with the first and ends with the last of them (creator "Parking", class
// "parking", named as the lot).
//
// Extensions gives the extensions that reach a lot without being written in any
// dialplan: the lot's own one parks, those of its spaces fetch.
//
// # What it does not do
//
// It plays and dials nothing: that is done by the dialplan's applications Park,
// ParkedCall and ParkAndAnnounce. Lots are not made while calls run
// (parkeddynamic), and hints on spaces (parkinghints) do not exist.
package parking
