// Package sip is the SIP technology of the switch ("PJSIP" in endpoints, as in
// Asterisk). It joins three packages that know nothing of each other: ua
// (dialogs), wire/sdp (offer and answer) and media (RTP), and shows them to
// pbx as legs of channels.
//
// # What it owns
//
// The phones and trunks of the configuration (endpoints.go, reload.go), what
// they are doing (devicestate.go, qualify.go), who they are shown as
// (identity.go, autoanswer.go), and the legs.
//
// # The life of a leg
//
//	Request ─► new ─Dial─► calling ─200─► up ─┐
//	                          │               ├─ BYE of the peer ───────────► ended
//	            refused, 3xx ─┘               └─ Hangup ─► ending ─confirmed─► ended
//	INVITE ──► early ─Answer─► up …
//
// An outgoing leg to a phone is one INVITE per contact (dial.go, fork.go),
// all with the same RTP socket. The first 200 makes the leg; the other forks
// are cancelled with Reason "answered elsewhere". If all are refused, the most
// telling refusal becomes the leg's (worse).
//
// Everything that happens to a leg, be it a command of its channel or an event
// of the network, runs in its queue (serial.go), one thing after another,
// without a goroutine of its own. Nothing in the queue blocks; what takes time
// (a host name in c=, routing of a 302) runs beside it and posts its result.
//
// # Promises
//
// Exactly one LegEnded per leg that was dialled or came in, after everything
// else. A leg that is hung up in any state sends what RFC 3261 wants in the
// background: CANCEL, ACK and BYE for a crossing 200, BYE, or a refusal.
// Each negotiation configures the RTP session and the channel's port before
// the event that tells of it. An INVITE that we cannot serve (no RTP port, no
// common codec, encryption required and missing) is refused before a channel
// exists. Strangers get the same 401 as phones. What is refused is logged once
// and shown as the endpoint's last error; credentials are in neither.
//
// # What it does not do
//
// It plays nothing (music on hold, tones and prompts are pbx's), routes
// nothing (an incoming call goes to pbx with a context and a number; a 302 is
// asked about), and retries nothing.
package sip
