package pbx

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
)

// Technology makes the legs of one kind of channel: "PJSIP", "Local",
// "Pretend". It is the only thing that a new kind of channel has to bring; the
// suite pbxtest.Run says whether it does so correctly.
//
// All methods are called from many goroutines at once.
type Technology interface {
	// Name is the part of an endpoint before the slash, as Asterisk writes it.
	Name() string

	// Request prepares an undialled leg for a resource (the part of the endpoint
	// after the slash). Nothing is sent. It must not call o.OnEvent before it
	// has returned. A refusal is a *call.Failure: an unknown endpoint has cause
	// 3 (trunk, route) or 1 (phone) and is Permanent, a phone that is not
	// registered has cause 20.
	Request(ctx context.Context, resource string, o RequestOptions) (Leg, error)

	// DeviceState says what the resource is doing now.
	DeviceState(resource string) DeviceState

	// Endpoints lists the phones and trunks of the technology with their
	// states. Channels may be left 0; the switch counts them.
	Endpoints() []call.EndpointState
}

// RequestOptions is what a technology is told about a leg that it is to prepare.
type RequestOptions struct {
	ChannelID  string         // id of the channel that the leg will belong to
	OtherID    string         // wanted id of the second half of a Local channel, "" = ChannelID + ";2"
	Sequence   uint32         // the number in the channel's name, for names of further channels (";2")
	Port       *media.Port    // the channel's end of the media plane; the switch closes it
	CallerID   call.CallerID  // caller ID of the channel; DialOptions may override it
	AutoAnswer bool           // ask the phone to answer by itself
	NoForward  bool           // do not follow where the peer sends the call (302)
	Codecs     []string       // codec names in order of preference; empty = the endpoint's own
	Originator *Channel       // the channel on whose behalf this one is made, or nil
	OnEvent    func(LegEvent) // posts to the channel's actor; never blocks; may be called from any goroutine
}

// Header is one signalling header that somebody wants on a leg's first request.
type Header struct{ Name, Value string }

// DialOptions says how a created channel is dialled. The first two fields
// belong to Channel.Dial; a Leg gets the rest, filled in by the channel.
type DialOptions struct {
	// Began is called once, inside the channel's actor, when it is certain that the channel
	// is dialled and before anything tells of it; it must not call the channel's methods
	// that wait. nil = nothing.
	Began func()

	Timeout time.Duration // how long the leg may ring; then it ends with cause 19. 0 = no limit
	Caller  *Channel      // channel whose caller ID the callee sees and whose _ and __ variables it inherits, or nil

	CallerID  call.CallerID   // what the peer shall see (SIP From); zero = anonymous
	Connected call.CallerID   // connected line of the channel, for completeness
	Hold      bool            // what becomes of the dial is told after Channel.Proceed, which must follow
	Headers   []Header        // extra headers of the INVITE
	Variables []call.Variable // variables of the channel, for technologies that carry them on (Local)
}

// Leg is the technology's side of a channel. All methods return at once and
// are safe concurrently; their results come as LegEvents.
//
// Promise of every leg: exactly one LegEnded is posted for each leg that was
// dialled or came in, as its last event. It also comes after Hangup, when the
// peer has confirmed or the technology has given up waiting; the channel does
// not wait for it.
type Leg interface {
	Dial(DialOptions) error // outgoing only, once

	Ring() error                  // incoming only: 180
	Progress() error              // incoming only: 183 with media
	Answer() error                // incoming only: 200; a second one has no effect
	Reject(cause.Code) error      // incoming only: final refusal
	Redirect(target string) error // incoming only: 302

	Hangup(cause.Code)                              // any state: CANCEL, BYE or a refusal; before Dial it only frees the leg
	Hold(on bool) error                             // we hold the party
	SendDTMFInfo(digit rune, d time.Duration) error // when the media has no telephone-event
	Transfer(target string) error                   // REFER
	UpdateCallerID(call.CallerID)                   // the connected line has changed
	Describe() LegInfo                              // what is known now
	Ladder() []call.SIPMessage                      // messages so far, credentials removed; also after the end
	Header(name string) string                      // of the peer's INVITE or answer, "" if absent
}

// Renegotiator is a Leg whose party can be asked to speak another codec.
type Renegotiator interface {
	// Renegotiate asks for one of the codecs, the first preferred; a leg that
	// speaks one of them already stays as it is. It returns at once. A leg that
	// is not answered follows in its answer, or right after it. Success is
	// reported as LegMedia, with the new format in the port; a party that
	// refuses keeps its codec and nothing is reported. An error means that it
	// will never come to anything.
	Renegotiate(codecs []string) error
}

// Indicator is a Leg that can tell a caller that the line is busy or congested
// without being hung up: what Dial takes for BUSY, and not for a hangup with
// cause 17 (Asterisk: frame.h AST_CONTROL_BUSY). Legs without it give their
// final refusal instead.
type Indicator interface {
	// Indicate signals busy (cause 17) or congestion (34). Incoming only. The leg
	// is over with it: its LegEnded follows.
	Indicate(code cause.Code) error
}

// LegInfo describes a leg.
type LegInfo struct {
	Technology string          // "PJSIP"
	Name       string          // endpoint's part of the channel name: phone, trunk, or the resource ("101", "carrier", "5@default")
	Suffix     string          // behind the number of the channel name, ";1" for Local, else ""
	Endpoint   string          // resource as dialled, or as it came in
	Phone      string          // name of the phone, "" if it is none
	CallerID   call.CallerID   // of the phone itself, as others see it; zero = it has none
	Trunk      string          // name of the trunk, "" if it is none
	CallID     string          // SIP Call-ID, "" if the leg has none (yet)
	Codec      string          // codec in use, "" before media
	Peer       string          // transport:host:port of the peer, "" if unknown
	Context    string          // context in which calls from this endpoint start
	Extension  string          // extension that the endpoint leads to, "" = "s"
	Channel    string          // full name of the channel, for technologies with a form of their own; "" = TECH/NAME-NUMBER
	Variables  []call.Variable // set on a channel that Create makes, before all others
	Listens    bool            // the party may send no media at all: Options.RTPTimeout does not count
}

// LegEventKind says what happened on a leg.
type LegEventKind int

// The events of a leg.
const (
	LegProceeding LegEventKind = iota + 1 // the peer is looking (100 with content, 181, 182)
	LegRinging                            // the peer rings (180)
	LegProgress                           // media before the answer (18x with SDP); the port has its leg already
	LegAnswered                           // answered; the port has its leg already
	LegEnded                              // over: refused (Failure set), hung up by the peer (ByPeer), or our hangup is done
	LegDTMF                               // a digit came by signalling (SIP INFO)
	LegHeld                               // the peer has put us on hold
	LegResumed                            // and taken us back
	LegForwarded                          // the peer has sent the call elsewhere and the technology follows (302): Target
	LegTransfer                           // the peer wants the other party transferred (REFER): Target
	LegMedia                              // the format was negotiated again
	LegIdentity                           // the party is somebody else than before: CallerID
)

// String gives the event's name for logs.
func (k LegEventKind) String() string {
	names := [...]string{"", "proceeding", "ringing", "progress", "answered", "ended", "dtmf", "held", "resumed", "forwarded", "transfer", "media", "identity"}
	if k <= 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// LegEvent is one thing that happened on a leg. Only the fields that Kind
// names are set.
type LegEvent struct {
	Kind      LegEventKind
	Failure   *call.Failure // LegEnded before the answer: why
	Cause     cause.Code    // LegEnded: Q.850 cause, 0 if the peer gave none
	SIPStatus int           // LegEnded: final SIP status, 0 if there was none
	Digit     rune          // LegDTMF: 0-9 A-D * #
	Duration  time.Duration // LegDTMF: how long it was pressed, 0 if unknown
	Target    string        // LegForwarded, LegTransfer: a dial string TECH/resource, or a number; LegEnded: where a 302 pointed that was not followed
	Text      string        // peer's own reason text, for people; LegTransfer: the Replaces of an attended one
	ByPeer    bool          // LegEnded: the peer ended it; false: the answer to our own Hangup
	Stated    bool          // LegEnded: the peer said Cause itself (SIP: a Reason header), it is not the usual one
	CallerID  call.CallerID // LegIdentity: who it is
	Quiet     bool          // LegEnded: no ChannelHangupRequest is told (spec: ari 5.8, the end of a snoop channel)
}

// DeviceState is what a device is doing (Asterisk: devicestate.h).
type DeviceState string

// The device states.
const (
	DeviceUnknown     DeviceState = "UNKNOWN"
	DeviceNotInUse    DeviceState = "NOT_INUSE"
	DeviceInUse       DeviceState = "INUSE"
	DeviceBusy        DeviceState = "BUSY"
	DeviceInvalid     DeviceState = "INVALID"
	DeviceUnavailable DeviceState = "UNAVAILABLE"
	DeviceRinging     DeviceState = "RINGING"
	DeviceRingInUse   DeviceState = "RINGINUSE"
	DeviceOnHold      DeviceState = "ONHOLD"
)
