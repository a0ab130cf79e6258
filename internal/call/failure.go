package call

import (
	"fmt"
	"strings"
)

// Failure says why a leg was not answered or was torn down. It is the one
// error the originator looks into; any other error is our own fault.
type Failure struct {
	Leg         string      `json:"leg"`                  // "a" or "b"
	Disposition Disposition `json:"disposition"`          // never ANSWERED
	Cause       int         `json:"cause"`                // Q.850 cause, 1-127; 0 when the peer gave none
	SIPStatus   int         `json:"sip_status,omitempty"` // final SIP status, 300-699; 0 when the leg never reached SIP
	Peer        string      `json:"peer,omitempty"`       // peer's reason text, for people only: never parsed
	Permanent   bool        `json:"permanent,omitempty"`  // no retry can help (unallocated number, unknown endpoint, blocked)
	Indicated   bool        `json:"indicated,omitempty"`  // the far side signalled busy or congestion instead of hanging up (Local + Busy)
	Text        string      `json:"text,omitempty"`       // what happened, in words
	Err         error       `json:"-"`                    // underlying error, nil for a plain refusal
}

// Error describes the failure with its leg, SIP status and cause.
func (f *Failure) Error() string {
	var b strings.Builder
	if f.Leg != "" {
		fmt.Fprintf(&b, "leg %s: ", strings.ToUpper(f.Leg))
	}
	switch {
	case f.Text != "":
		b.WriteString(f.Text)
	case f.Peer != "":
		b.WriteString(f.Peer)
	default:
		b.WriteString(strings.ToLower(string(f.Disposition)))
	}
	if f.SIPStatus != 0 {
		fmt.Fprintf(&b, " (SIP %d)", f.SIPStatus)
	}
	if f.Cause != 0 {
		fmt.Fprintf(&b, " (cause %d)", f.Cause)
	}
	if f.Err != nil {
		fmt.Fprintf(&b, ": %v", f.Err)
	}
	return b.String()
}

// Unwrap gives the underlying error.
func (f *Failure) Unwrap() error { return f.Err }
