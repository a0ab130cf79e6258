package sdp

import (
	"errors"
	"io"
	"net/netip"
)

// Policy says whether a stream is encrypted (design rule S6).
type Policy int

// The policies.
const (
	Off      Policy = iota // plain RTP; offers of encrypted streams are refused
	Optional               // RTP/AVP with a=crypto is offered; encrypted if the peer can
	Required               // RTP/SAVP only
)

// Local is what our side of an audio stream wants and can do.
type Local struct {
	Addr      netip.Addr        // advertised address
	Port      int               // RTP port; RTCP is on the next unless multiplexed
	Codecs    []string          // "PCMU", "PCMA", "G722", "GSM", "L16", "opus", "telephone-event", order = preference
	FMTP      map[string]string // own a=fmtp parameters by codec name, e.g. "opus": "useinbandfec=1"
	SRTP      Policy
	PTime     int       // milliseconds that we like to get; 0 = 20
	PreferOwn bool      // an answer follows our order, not the offerer's (design rule S5)
	RTCPMux   bool      // offer a=rtcp-mux; when the peer offers it, it is always accepted
	Rand      io.Reader // for keys and session id; nil = crypto/rand
}

// Agreed is the outcome of an offer and its answer.
type Agreed struct {
	Codec                    string         // as in Local.Codecs: "PCMU"
	ClockRate, Channels      int            // RTP clock rate in Hz (8000 for G722) and channels
	SendPT, RecvPT           uint8          // payload type numbers towards the peer and from it
	EventSendPT, EventRecvPT uint8          // telephone-event, 0 = none
	EventRate                int            // clock rate of telephone-event
	RemoteAddr               netip.AddrPort // where to send; the address is invalid when RemoteHost is to be resolved
	RemoteHost               string         // host name of c=, "" when it was an address
	RemoteRTCP               netip.AddrPort // where to send RTCP
	RTCPMux                  bool
	Direction                Direction // ours: what we may send and will receive
	RemoteHold               bool      // the peer put us on hold
	PTime                    int       // milliseconds per packet that we shall send, 10-60
	FMTP                     string    // the peer's parameters of the codec
	SRTP                     *SRTP     // nil = plain RTP
	Codecs                   []AgreedCodec
}

// AgreedCodec is one codec that both sides listed.
type AgreedCodec struct {
	Name                string
	ClockRate, Channels int
	SendPT, RecvPT      uint8
	FMTP                string // the peer's
}

// SRTP holds the keys of an encrypted stream.
type SRTP struct {
	Suite     string // AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32 or AEAD_AES_128_GCM
	LocalKey  []byte // master key and salt with which we encrypt (30 bytes; 28 for GCM)
	RemoteKey []byte // the peer's
	RemoteMKI []byte // identifier that the peer puts into its packets; nil = none
}

// Negotiator keeps one side of the offer/answer state of one audio stream.
type Negotiator struct{}

// NewNegotiator returns a Negotiator with nothing agreed.
func NewNegotiator(l Local) *Negotiator { return &Negotiator{} }

// Offer gives our new offer.
func (n *Negotiator) Offer() ([]byte, error) { return nil, errors.New("not built yet") }

// SetAnswer takes the peer's answer to our last offer.
func (n *Negotiator) SetAnswer(body []byte) (Agreed, error) {
	return Agreed{}, errors.New("not built yet")
}

// Answer takes the peer's offer and gives our answer.
func (n *Negotiator) Answer(offer []byte) ([]byte, Agreed, error) {
	return nil, Agreed{}, errors.New("not built yet")
}

// SetHold sets the direction that we want from the next offer or answer on.
func (n *Negotiator) SetHold(d Direction) {}

// SetCodecs replaces Local.Codecs from the next offer or answer on.
func (n *Negotiator) SetCodecs(names []string) {}

// Agreed gives the last outcome.
func (n *Negotiator) Agreed() (Agreed, bool) { return Agreed{}, false }
