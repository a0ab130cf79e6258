package sdp

import "fmt"

// Reason says in one word why a description cannot be used.
type Reason string

// The reasons of an Error.
const (
	TooBig        Reason = "too big"            // more than MaxSize bytes or MaxMedia m= lines
	NoAudio       Reason = "no audio"           // no m=audio, or it was refused
	BadAddress    Reason = "unusable address"   // no address to send to
	NoCodec       Reason = "no common codec"    // nothing that both sides speak
	NoEncryption  Reason = "no encryption"      // we require SRTP and the peer has none that we know
	NotEncryption Reason = "encryption refused" // the peer requires SRTP and we have it off
	BadTransport  Reason = "unusable transport" // a browser's ICE or DTLS lines are missing, wrong or not those in force
	WrongState    Reason = "wrong state"        // an answer without an offer
)

// Error is why Parse or a Negotiator could not use what it was given. It is
// the only error type of this package.
type Error struct {
	Reason Reason
	Status int    // SIP status to refuse an offer with: 488, or 400 when the text itself is bad
	Detail string // for people only
}

// Error gives "sdp: no common codec: peer offers G729".
func (e *Error) Error() string {
	if e.Detail == "" {
		return "sdp: " + string(e.Reason)
	}
	return "sdp: " + string(e.Reason) + ": " + e.Detail
}

func refuse(r Reason, format string, args ...any) *Error {
	status := 488 // RFC 3261 §21.4.26
	if r == TooBig {
		status = 400
	}
	return &Error{Reason: r, Status: status, Detail: fmt.Sprintf(format, args...)}
}
