package webrtc

// Reason says in one word why a leg has no media.
type Reason string

// The reasons of an Error.
const (
	NoPath      Reason = "ice"         // no connectivity check came, or none that nominates
	NoHandshake Reason = "dtls"        // the handshake did not finish
	Impostor    Reason = "fingerprint" // the certificate is not that of the session description
	Gone        Reason = "gone"        // it was connected, and the browser is gone
)

var reasons = [...]Reason{NoPath, NoHandshake, Impostor, Gone}

// Error is why a leg did not connect, or was lost.
type Error struct {
	Reason Reason
	Text   string // for people, a sentence without a stop
	Err    error  // what lies below; nil = nothing
}

// Error is the text and what lies below.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap gives what lies below.
func (e *Error) Unwrap() error { return e.Err }

// failed counts a failure.
func (s *Server) failed(r Reason) {
	for i, known := range reasons {
		if known == r {
			s.counts.failed[i].Add(1)
		}
	}
}
