package ua

import (
	"strconv"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
)

// EventKind says what happened to a call.
type EventKind int

// The kinds of event. Of one call, EventEnded is the last, and there is
// exactly one, whoever ended it.
const (
	// EventTrying: outgoing; the first 100 (or any other first provisional).
	EventTrying EventKind = iota + 1
	// EventRinging: outgoing; a 180 without SDP.
	EventRinging
	// EventProgress: outgoing; any 18x with SDP (early media, D8), or a 181-199 without.
	EventProgress
	// EventAnswered: outgoing; the first 2xx. SDP is that of the 2xx or, where it has
	// none, the newest of the same dialog (D8). If the INVITE had no SDP, SDP is the
	// peer's offer, Offer is true, and AcceptOffer gives the answer that goes in the ACK.
	EventAnswered
	// EventEnded: the call is over; Cause, Status, Reason, ByPeer, Contact (3xx), Err.
	EventEnded
	// EventOffer: the peer offers a new session (re-INVITE, UPDATE, PRACK); SDP is its
	// offer. An empty SDP asks for our offer. Answer with AcceptOffer or RejectOffer.
	EventOffer
	// EventAnswerToOurOffer: the answer to an offer that we made in a response (SDP in
	// ACK or PRACK), or a changed answer to a session refresh.
	EventAnswerToOurOffer
	// EventConfirmed: incoming; our 200 to the initial INVITE was acknowledged.
	EventConfirmed
	// EventInfo: INFO in the dialog, already answered 200; ContentType, Body. See ParseDTMF.
	EventInfo
	// EventRefer: the peer asks for a transfer; already answered 202. ReferTo and, for an
	// attended one, Replaces. Report with Call.NotifyRefer.
	EventRefer
	// EventNotify: NOTIFY in the dialog, already answered 200. For a transfer that we
	// asked for, Status and Reason are those of the sipfrag.
	EventNotify
	// EventCancelled: incoming; the caller gave up. EventEnded follows at once.
	EventCancelled
)

var kindNames = [...]string{"", "trying", "ringing", "progress", "answered", "ended", "offer", "answer-to-our-offer",
	"confirmed", "info", "refer", "notify", "cancelled"}

// String gives the kind in words, for logs.
func (k EventKind) String() string {
	if k > 0 && int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "event " + strconv.Itoa(int(k))
}

// Event is one thing that happened to a call. Fields that say nothing about a
// kind are zero. SDP, Body and Response belong to the receiver but must not be
// changed.
type Event struct {
	Kind        EventKind
	Status      int           // SIP status that caused the event; 0 if none (BYE, our own hang-up after the answer)
	Reason      string        // the peer's reason phrase or Reason text, for people
	SDP         []byte        // the peer's session description
	Offer       bool          // SDP is an offer that AcceptOffer must answer
	DialogTag   string        // remote tag of the dialog that this came from (forks differ)
	Cause       cause.Code    // EventEnded, EventCancelled: Q.850 cause (D16)
	ByPeer      bool          // EventEnded: the peer's doing
	Stated      bool          // EventEnded by a BYE: Cause is from its Reason header (RFC 3326)
	Contact     string        // EventEnded with 3xx: the first Contact URI
	ContentType string        // EventInfo, EventNotify
	Body        []byte        // EventInfo, EventNotify
	ReferTo     string        // EventRefer: URI without its Replaces header
	Replaces    string        // EventRefer: "call-id;to-tag=…;from-tag=…", unescaped; "" for a blind transfer
	Err         error         // EventEnded: what went wrong on our side (ErrNoAck, txn.ErrTimeout, …); nil for a plain end
	Response    *sip.Response // the response behind an event of an outgoing call, read only; nil if none
}
