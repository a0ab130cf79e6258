package softphone

import "time"

// Action is what a phone does with an incoming call.
type Action int

// The actions.
const (
	Answer   Action = iota // 200 after Rule.After
	Reject                 // Rule.Status after Rule.After
	Ring                   // 180, and nothing more
	Silent                 // nothing at all but the automatic 100
	Redirect               // 302 to Rule.Target after Rule.After
)

// String gives the action's name, for logs.
func (a Action) String() string {
	return [...]string{"answer", "reject", "ring", "silent", "redirect"}[a]
}

// Rule says how a phone treats an incoming call. The zero value answers at
// once and waits for the caller to hang up.
type Rule struct {
	Action Action
	Status int    // Reject: 300-699; 0 = 486
	Reason string // Reject: phrase; "" = the usual one
	Target string // Redirect: SIP URI or number at our own server

	After      time.Duration // how long it rings (180, or 183 with EarlyMedia) before it acts; 0 = not at all
	EarlyMedia bool          // 183 with audio instead of 180: the caller hears the tone while it rings
	AutoAnswer bool          // answer at once when the INVITE asks for it (Call-Info, Alert-Info)

	HangupAfter time.Duration // after the answer; 0 = never
	HoldAfter   time.Duration // after the answer; 0 = never
	HoldFor     time.Duration // then resume; 0 = never
	Press       string        // digits to send after the answer
	PressAfter  time.Duration // how long after it
	PressInfo   bool          // by SIP INFO instead of RFC 4733
}

// rejection gives the status and phrase of a Reject.
func (r Rule) rejection() (int, string) {
	status := r.Status
	if status == 0 {
		status = 486
	}
	if r.Reason != "" {
		return status, r.Reason
	}
	switch status {
	case 404:
		return status, "Not Found"
	case 480:
		return status, "Temporarily Unavailable"
	case 486:
		return status, "Busy Here"
	case 503:
		return status, "Service Unavailable"
	case 603:
		return status, "Decline"
	}
	return status, "Refused"
}
