// Package softphone is a small real SIP phone on our own stack: ua, txn and
// sipnet for signalling, media for RTP, wire/sdp for offers and answers, and
// nothing of the switch. The demo rings it, tests judge the server by it, and
// load runs place thousands of calls on one of it.
//
// A Phone listens, registers if it is given a server, and treats each incoming
// call as its Rule says: answer, reject, ring for ever, stay silent, redirect,
// with or without early media, hanging up or holding after a while. It places
// calls with Dial. A Call sends a tone of the phone's own frequency all the
// time and measures which tone it hears, which proves audio in both
// directions:
//
//	                    ┌─ Reject, Redirect ──────────────────────────────────┐
//	        INVITE      │                                                     ▼
//	(in) ────────────► Ringing ──Answer──► Connected ◄─Hold──► Held ─BYE──► Ended
//	(out) ─► Calling ──► Ringing ─► EarlyMedia ──200──►   │                   ▲
//	             └────────────┴───────────┴─ refusal, Hangup ────────────────┘
//
// A Phone counts what it saw (Counts): INVITEs per Call-ID and per dialled
// number, answers, and the most calls that it had at once. With Config.NoMedia
// it negotiates like any phone but neither sends nor hears, so that a load run
// measures the server and not the phone.
//
// Every method may be called from any goroutine. Methods that wait take a
// context. A call that ends frees its port, its socket and its timers at once;
// Stop hangs up what is left and returns when nothing runs any more.
package softphone
