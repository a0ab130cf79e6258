// Package sdp reads, prints and negotiates session descriptions (RFC 8866,
// RFC 3264) for calls with one audio stream. It has no sockets and imports the
// standard library only.
//
// # Reading
//
// Parse is lenient, because phones are: it takes LF or CRLF, a missing last
// line end, blank and unknown lines, session lines in any order or absent,
// words where o= wants numbers, c= at either level with an address of either
// family or a host name. What it cannot use it leaves out. It refuses only what
// is too big or has no m= line at all. Parse(s.Bytes()) gives s again for every
// s that Parse gave.
//
// # Negotiating
//
// A Negotiator is our side of the one audio stream of one dialog, for the
// dialog's whole life:
//
//	          Offer                       SetAnswer (may repeat: early
//	┌──────┐ ────────► ┌─────────┐        answers, forks, 200)
//	│ new  │           │ offered │ ──────────────┐
//	└──────┘ ◄──────── └─────────┘               ▼
//	    │    Answer refused   ▲             ┌────────┐ ──┐ Answer to a re-offer,
//	    │    (nothing moved)  └──────────── │ agreed │   │ refused or not
//	    └──────────────────────────────────►└────────┘ ◄─┘
//	               Answer            Offer (re-offer)
//
// What was agreed stays in force until a later exchange succeeds: a refused
// offer or a bad answer changes nothing. Over re-offers a Negotiator keeps the
// codec in use (until SetCodecs), the SRTP keys and suite, every payload type
// number, the number and order of m= lines, and the session id; the version in
// o= rises by one whenever our description differs from the last one we gave.
//
// With Local.Browser it is the stream of a browser (browser.go): the transport
// is agreed once, and re-offers keep it but for a restart of ICE.
//
// A Negotiator belongs to one goroutine. All errors are *Error; its Status is
// what an offer is to be refused with. No input makes anything here panic.
package sdp
