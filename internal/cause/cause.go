// Package cause knows why calls end. Its one value is the Q.850 hangup cause;
// every other vocabulary (SIP status, AMI reason, dial status, disposition) is
// a table from or to it, each with its source. The package imports the
// standard library only and holds no state.
package cause

import "strconv"

// Code is a Q.850 hangup cause, 1-127. 0 means that the peer gave none.
type Code int

// The causes that the server itself uses (ITU-T Q.850; Asterisk: causes.h).
const (
	Unknown           Code = 0
	Unallocated       Code = 1
	NoRouteTransit    Code = 2
	NoRoute           Code = 3
	NormalClearing    Code = 16
	UserBusy          Code = 17
	NoUserResponse    Code = 18
	NoAnswer          Code = 19
	SubscriberAbsent  Code = 20
	Rejected          Code = 21
	NumberChanged     Code = 22
	Redirected        Code = 23
	AnsweredElsewhere Code = 26
	OutOfOrder        Code = 27
	InvalidNumber     Code = 28
	FacilityRejected  Code = 29
	NormalUnspecified Code = 31
	CircuitCongestion Code = 34
	NetworkOutOfOrder Code = 38
	TemporaryFailure  Code = 41
	SwitchCongestion  Code = 42
	ChannelNotAvail   Code = 44
	OutgoingBarred    Code = 52
	BearerNotAvail    Code = 58
	TimerExpiry       Code = 102
	Interworking      Code = 127
)

// names holds the texts as Asterisk shows them (Asterisk: main/channel.c
// causes[]; spec: ami 5.6).
var names = map[Code]string{
	0: "Unknown", 1: "Unallocated (unassigned) number", 2: "No route to specified transmit network",
	3: "No route to destination", 16: "Normal Clearing", 17: "User busy", 18: "No user responding",
	19: "User alerting, no answer", 20: "Subscriber absent", 21: "Call Rejected", 22: "Number changed",
	23: "Redirected to new destination", 26: "Answered elsewhere", 27: "Destination out of order",
	28: "Invalid number format", 29: "Facility rejected", 30: "Response to STATus ENQuiry",
	31: "Normal, unspecified", 34: "Circuit/channel congestion", 38: "Network out of order",
	41: "Temporary failure", 42: "Switching equipment congestion", 43: "Access information discarded",
	44: "Requested channel not available", 50: "Facility not subscribed", 52: "Outgoing call barred",
	54: "Incoming call barred", 57: "Bearer capability not authorized", 58: "Bearer capability not available",
	65: "Bearer capability not implemented", 66: "Channel not implemented", 69: "Facility not implemented",
	81: "Invalid call reference value", 88: "Incompatible destination", 95: "Invalid message unspecified",
	96: "Mandatory information element is missing", 97: "Message type nonexist.", 98: "Wrong message",
	99: "Info. element nonexist or not implemented", 100: "Invalid information element contents",
	101: "Wrong call state", 102: "Recover on timer expiry", 103: "Mandatory information element length error",
	111: "Protocol error, unspecified", 127: "Interworking, unspecified",
}

// String gives the text of c as Asterisk shows it ("User busy"), or "cause N"
// for a number without one.
func (c Code) String() string {
	if s, ok := names[c]; ok {
		return s
	}
	return "cause " + strconv.Itoa(int(c))
}

// FromSIP gives the cause for a final SIP status (300-699) whose response has
// no Q.850 Reason header. Unlisted 4xx and 6xx give 127, 5xx 34, else 16.
// Follows Asterisk: res_pjsip.c ast_sip_hangup_sip2cause, so that doors report
// what Asterisk users expect. RFC 3398 differs: 480 is 19 here, 18 there.
func FromSIP(status int) Code {
	switch status {
	case 301, 302:
		return Redirected
	case 401, 403, 407, 603:
		return Rejected
	case 404:
		return Unallocated
	case 408:
		return NoUserResponse
	case 409:
		return TemporaryFailure
	case 410:
		return NumberChanged
	case 420:
		return NoRoute
	case 480, 483:
		return NoAnswer
	case 484:
		return InvalidNumber
	case 485, 604:
		return Unallocated
	case 486, 600:
		return UserBusy
	case 488, 606:
		return BearerNotAvail
	case 500:
		return NetworkOutOfOrder
	case 501:
		return FacilityRejected
	case 502:
		return OutOfOrder
	case 503:
		return CircuitCongestion
	case 504:
		return TimerExpiry
	case 505: // observed: not 34 like other 5xx (spec: ami 5.6, dialplan 5.2)
		return Interworking
	}
	switch {
	case status >= 500 && status < 600:
		return CircuitCongestion
	case status >= 400 && status < 700:
		return Interworking
	}
	return NormalClearing
}

// SIPStatus gives the final SIP status with which we end a leg before its
// answer, and its reason phrase. Follows Asterisk: chan_pjsip.c hangup_cause2sip.
// Causes without an entry give 603.
func (c Code) SIPStatus() (int, string) {
	switch c {
	case Unallocated, NoRouteTransit, NoRoute:
		return 404, "Not Found"
	case UserBusy:
		return 486, "Busy Here"
	case NoUserResponse:
		return 408, "Request Timeout"
	case NoAnswer, SubscriberAbsent, NormalUnspecified:
		return 480, "Temporarily Unavailable"
	case Rejected:
		return 403, "Forbidden"
	case NumberChanged:
		return 410, "Gone"
	case Redirected:
		return 302, "Moved Temporarily"
	case OutOfOrder:
		return 502, "Bad Gateway"
	case InvalidNumber:
		return 484, "Address Incomplete"
	case FacilityRejected:
		return 501, "Not Implemented"
	case CircuitCongestion, SwitchCongestion, 66:
		return 503, "Service Unavailable"
	case NetworkOutOfOrder, Interworking:
		return 500, "Server Internal Error"
	case BearerNotAvail:
		return 488, "Not Acceptable Here"
	}
	return 603, "Decline"
}

// Disposition gives the CDR disposition for a leg that ended unanswered with
// cause c: "BUSY", "NO ANSWER", "CONGESTION" or "FAILED".
// Follows Asterisk: main/cdr.c, busy and no answer by hangup cause; 34 and 42
// are CONGESTION because we always run with congestion=yes.
func (c Code) Disposition() string {
	switch c {
	case UserBusy:
		return "BUSY"
	case NoAnswer, NoUserResponse, SubscriberAbsent, NormalClearing, AnsweredElsewhere:
		return "NO ANSWER"
	case CircuitCongestion, SwitchCongestion:
		return "CONGESTION"
	}
	return "FAILED"
}

// DialStatus is the DIALSTATUS of a dialplan Dial whose only leg ended
// unanswered with cause c (spec: dialplan 5.2).
func (c Code) DialStatus() string {
	switch c {
	case UserBusy:
		return "BUSY"
	case CircuitCongestion:
		return "CONGESTION"
	case NormalClearing, NoAnswer:
		return "NOANSWER"
	}
	return "CHANUNAVAIL"
}

// DialEventStatus is the dialstatus of ARI's Dial event and of AMI's DialEnd
// for an originated leg (Asterisk: main/dial.c; spec: ari 5.2).
func (c Code) DialEventStatus() string {
	switch c {
	case UserBusy:
		return "BUSY"
	case CircuitCongestion:
		return "CONGESTION"
	case NoRoute, SubscriberAbsent:
		return "CHANUNAVAIL"
	}
	return "NOANSWER"
}

// Reason codes of AMI's OriginateResponse and of call files
// (Asterisk: frame.h AST_CONTROL_*; spec: ami 4.6, callfile 6.3).
const (
	ReasonFailure    = 0
	ReasonHangup     = 1
	ReasonNoAnswer   = 3
	ReasonAnswered   = 4
	ReasonBusy       = 5
	ReasonCongestion = 8
)

// Reason gives the REASON of a leg that ended unanswered with cause c.
// Follows Asterisk: main/pbx.c pbx_dial_reason, the mapping that its source
// intends; its own PJSIP driver reports 0 for every refusal.
func (c Code) Reason() int {
	switch c {
	case UserBusy:
		return ReasonBusy
	case Rejected, OutOfOrder, CircuitCongestion, NetworkOutOfOrder, TemporaryFailure, SwitchCongestion:
		return ReasonCongestion
	case NoAnswer, AnsweredElsewhere:
		return ReasonNoAnswer
	}
	return ReasonFailure
}

// Permanent reports whether no retry can help: the number or endpoint does
// not exist, has changed, or is malformed.
func (c Code) Permanent() bool {
	switch c {
	case Unallocated, NoRouteTransit, NumberChanged, InvalidNumber, OutgoingBarred:
		return true
	}
	return false
}

// Advice says in one plain sentence what a person should do about a leg that
// ended with cause c.
func (c Code) Advice() string {
	if s, ok := advice[c]; ok {
		return s
	}
	return "See the SIP messages of the leg; the peer's own reason text says more than the cause."
}

var advice = map[Code]string{
	Unknown:           "The peer gave no reason. See the SIP messages of the leg.",
	Unallocated:       "The number does not exist at the trunk or phone. Check the number and the prefix rules with: dialwright route NUMBER",
	NoRoute:           "No route leads to this number. Check the routes in the configuration with: dialwright route NUMBER",
	NormalClearing:    "The call ended normally.",
	UserBusy:          "The party was on another call. A retry later may reach it.",
	NoUserResponse:    "The peer did not answer at all. Check its address, the network and its firewall.",
	NoAnswer:          "The phone rang but nobody answered in time, or it is unavailable. Raise the wait time or retry later.",
	SubscriberAbsent:  "The phone is not registered. Check its power, network, user name and password: dialwright phones",
	Rejected:          "The party or the provider refused the call. Check credentials and permissions of the trunk, and whether the caller ID is allowed.",
	NumberChanged:     "The number has changed. Update the number.",
	Redirected:        "The peer forwarded the call and forwarding is off for this endpoint. Allow forwarding or dial the new destination.",
	AnsweredElsewhere: "Another phone took the call.",
	OutOfOrder:        "The destination is out of order. Retry later.",
	InvalidNumber:     "The number is incomplete or malformed. Check it with: dialwright route NUMBER",
	FacilityRejected:  "The peer does not support what was asked for.",
	CircuitCongestion: "No free line at the provider or on this server. Lower the channel cap of the trunk or retry later.",
	NetworkOutOfOrder: "The peer reported an internal error. Retry later; if it stays, ask its operator.",
	TemporaryFailure:  "A temporary failure at the peer. Retry later.",
	SwitchCongestion:  "This server or the peer is overloaded. Lower the calls per second.",
	OutgoingBarred:    "The guard does not allow this destination. See the denial's rule, and allow the prefix for the account if it is wanted.",
	BearerNotAvail:    "No common codec or encryption. Compare the codecs and the SRTP policy of the endpoint with the phone's settings.",
	TimerExpiry:       "A gateway on the way timed out. Retry later.",
	Interworking:      "The peer refused the call with a code that has no exact meaning. See the SIP messages of the leg.",
}
