// Package media is the switch's media plane: it owns the RTP sockets, joins
// parties, plays, records, mixes, and hears digits.
//
// # The main objects
//
// An Engine holds the port range, the clocks and all sessions. A channel has
// one Port from its creation to its end. When SDP is agreed the port gets a
// Leg, usually an RTP session; the leg may change, the port stays:
//
//	        NewPort         SetLeg            Connect, Play, Tap, …          Close
//	channel ───────► silent ───────► has media ─────────────────────► ended
//	                   │ Connect, Play, Tap work already: media flows as soon as the leg comes
//
// What a party hears has one owner at a time: digits being sent, a playout, or
// the bridge (a Link of two ports, or a Mixer). The port numbers all packets,
// so the peer hears one RTP stream whoever owns it.
//
// # The paths of a packet
//
//	same codec:   socket ─read goroutine─► Port.receive ► Link ► output.relay ► socket
//	else:         socket ─read goroutine─► jitterBuffer ─clock─► encode ► output.generate ► socket
//	prompt:       Source ─clock─► encode ► output.generate ► socket
//	tap:          both directions ► jitterBuffer ─clock─► Sink
//
// Relaying happens inline on the reading goroutine: no queue, no pacing, no
// allocation. Everything that has to be paced runs on the shared media clock,
// a few goroutines for all calls.
//
// # Promises
//
//   - Nothing a peer sends makes this package panic, block or grow: lengths are
//     checked, unknown payload types, foreign sources and garbage are counted
//     and dropped, queues are bounded. A mistake of ours that panics ends one
//     stream and is counted.
//   - Ports or file descriptors that run out are ErrNoPorts, to be told to the
//     caller as cause 34; calls that stand are not touched.
//   - Every done callback is called exactly once.
//   - After Close of all ports, sessions and links no goroutine and no timer is
//     left but those of Engine.Start; Engine.Stop waits for those.
//
// It does not speak SDP, does not decide who is joined, and does not decode
// Opus: Opus is relayed between parties that both speak it.
//
// The rules M1-M11 that the comments cite are those of the media chapter of
// the engine's design; RFC 3550 (RTP), 3551, 3711 (SRTP), 4568 (SDES), 4733
// (telephone-event) and 5761 (RTCP on the same port) are the standards.
package media
