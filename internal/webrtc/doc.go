// Package webrtc carries the media of browsers: an ICE agent, DTLS, and a
// socket that is made of both, on which a media session runs as on any other.
//
// One [Server] has one UDP port for all browsers. Each leg has a [Conn]:
//
//	       Open            first check          nomination, handshake
//	┌─────┐     ┌─────────┐            ┌────────┐                   ┌───────────┐
//	│ leg │ ──► │ waiting │ ─────────► │ reached│ ────────────────► │ connected │
//	└─────┘     └─────────┘            └────────┘                   └───────────┘
//	                 └── Connect's time is over ──┴──► done(error)        │
//	                              no checks any more, or the browser says goodbye
//	                                                                      ▼
//	                                                                 OnLost(error)
//
// What arrives is told apart by its first octet (RFC 7983 §7), by the name in a
// connectivity check, and by its source:
//
//	  0-3    STUN     the user name says which Conn; its password proves it
//	 20-63   DTLS     from an address that has proved itself, to its Conn
//	128-191  SRTP     the same
//
// The agent is lite (RFC 8445 §2.5): it is on an address that the browser can
// reach, answers checks, and sends none. So it has no timers, no candidates of
// the browser, and no goroutine of its own; docs/decisions/0017 says why it is
// ours. An answer is never larger than what it answers by much, and goes only to
// who knows the password of a live leg: strangers get nothing at all.
//
// A browser proves itself by the fingerprint that its session description
// names (RFC 5763 §5); without it no keys are made. What a page does later is
// seen in its checks (RFC 7675): no checks for 30 seconds and the leg is lost.
//
// Not here: sending checks (full ICE), ICE over TCP, STUN and TURN servers, video,
// data channels.
package webrtc
