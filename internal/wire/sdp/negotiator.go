package sdp

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Policy says whether a stream is encrypted (design rule S6).
type Policy int

// The policies.
const (
	Off      Policy = iota // plain RTP; offers of RTP/SAVP are refused
	Optional               // RTP/AVP with a=crypto is offered; encrypted if the peer can, plain if not
	Required               // RTP/SAVP is offered; a peer without keys is refused
)

// String gives "off", "optional" or "required".
func (p Policy) String() string { return [...]string{"off", "optional", "required"}[p] }

// ParsePolicy reads what String gives; "" is Off.
func ParsePolicy(s string) (Policy, bool) {
	switch strings.ToLower(s) {
	case "", "off":
		return Off, true
	case "optional":
		return Optional, true
	case "required":
		return Required, true
	}
	return Off, false
}

// Local is what our side of an audio stream wants and can do.
type Local struct {
	Addr      netip.Addr        // advertised address
	Port      int               // RTP port, 1-65535; RTCP is on the next unless multiplexed
	Codecs    []string          // "PCMU", "PCMA", "G722", "opus", …, "telephone-event", order = preference; unknown names are passed over
	FMTP      map[string]string // own a=fmtp parameters by codec name in lower case, e.g. "opus": "useinbandfec=1"
	SRTP      Policy
	PTime     int       // milliseconds per packet that we like to get; 0 = 20
	PreferOwn bool      // an answer follows our order of codecs, not the offerer's (design rule S5)
	Browser   *Browser  // the stream is a browser's, with this transport; SRTP and RTCPMux do not count then; nil = plain ports
	RTCPMux   bool      // offer a=rtcp-mux; a peer's offer of it is always accepted
	Rand      io.Reader // for keys and session id; nil = crypto/rand
}

// Agreed is the outcome of an offer and its answer. It is a value of its own;
// later exchanges do not change it.
type Agreed struct {
	Codec               string // as rtpmap names it: "PCMU", "G722", "opus"
	ClockRate, Channels int    // RTP clock rate in Hz (8000 for G722) and channels
	SendPT, RecvPT      uint8  // payload type towards the peer, and from it
	// EventSendPT and EventRecvPT are the payload types of telephone-event, 0 = none;
	// EventRate is its clock rate in Hz.
	EventSendPT, EventRecvPT uint8
	EventRate                int
	// RemoteAddr is where to send. Its address is invalid when RemoteHost is
	// to be resolved, and when the peer holds us with c=0.0.0.0.
	RemoteAddr netip.AddrPort
	RemoteHost string         // host name in c=, "" when it was an address
	RemoteRTCP netip.AddrPort // where to send RTCP; address invalid as in RemoteAddr
	RTCPMux    bool           // RTP and RTCP share one port on both sides
	Direction  Direction      // ours: whether we may send and shall receive
	RemoteHold bool           // the peer put us on hold
	PTime      int            // milliseconds per packet that the peer wants, 10-60
	FMTP       string         // the peer's parameters of the codec
	SRTP       *SRTP          // nil = plain RTP, or DTLS makes the keys
	Browser    *BrowserPeer   // nil = no browser's stream; RemoteAddr is then the zero value
	Codecs     []AgreedCodec  // all that both sides listed, Codec first
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
	Suite     string // one of Suites
	LocalKey  []byte // master key and salt with which we encrypt: 30 bytes, 28 for GCM
	RemoteKey []byte // the peer's
	RemoteMKI []byte // identifier that the peer puts into each of its packets; nil = none
}

// Negotiator keeps our side of the offer/answer state of one audio stream
// over the life of a dialog. One goroutine at a time.
type Negotiator struct {
	local  Local
	want   Direction // what we want, before the peer's wish
	fresh  bool      // SetCodecs was called: the codec in force has no privilege
	rand   io.Reader
	sessID uint64

	last    []byte  // our last description, printed with version 0
	version uint64  // of last
	lines   []Media // the m= lines of the last exchange, as we refuse them; lines[audio] is ours
	audio   int     // which of lines
	pts     numbers // what we receive under which number
	keys    map[string][]byte
	proto   string // of the stream in force, "" before
	offered *Media // our last offer's audio section; nil when the last offer was the peer's
	agreed  *Agreed
	peer    *BrowserPeer // the transport in force of a browser's stream; nil = none
}

// NewNegotiator returns a Negotiator with nothing agreed that wants to send
// and receive.
func NewNegotiator(l Local) *Negotiator {
	l.Codecs = slices.Clone(l.Codecs)
	if l.Browser != nil {
		b := *l.Browser // a restart of ICE changes it
		l.Browser = &b
	}
	n := &Negotiator{local: l, rand: l.Rand, lines: make([]Media, 1), pts: numbers{}, keys: map[string][]byte{}}
	if n.rand == nil {
		n.rand = rand.Reader
	}
	return n
}

// SetHold sets the direction that we want from the next offer or answer on:
// SendOnly to hold the peer (music may be sent), Inactive to hold it silently,
// SendRecv to resume.
func (n *Negotiator) SetHold(d Direction) { n.want = d }

// SetCodecs replaces Local.Codecs from the next offer or answer on. That
// exchange then follows the new order even if the codec in force is in it.
func (n *Negotiator) SetCodecs(names []string) {
	n.local.Codecs, n.fresh = slices.Clone(names), true
}

// SetAddr moves our end, for instance after the network changed.
func (n *Negotiator) SetAddr(a netip.AddrPort) {
	n.local.Addr, n.local.Port = a.Addr(), int(a.Port())
}

// Agreed gives the last outcome; ok is false before the first.
func (n *Negotiator) Agreed() (a Agreed, ok bool) {
	if n.agreed == nil {
		return Agreed{}, false
	}
	return n.agreed.clone(), true
}

// clone copies what a caller could write into.
func (a Agreed) clone() Agreed {
	a.Codecs = slices.Clone(a.Codecs)
	if a.Browser != nil {
		p := *a.Browser
		p.Fingerprints = slices.Clone(p.Fingerprints)
		a.Browser = &p
	}
	if a.SRTP != nil {
		a.SRTP = &SRTP{a.SRTP.Suite, bytes.Clone(a.SRTP.LocalKey), bytes.Clone(a.SRTP.RemoteKey), bytes.Clone(a.SRTP.RemoteMKI)}
	}
	return a
}

// formats describes what Local.Codecs names, in its order, and telephone-event
// at each clock rate that those have, last. Numbers are still wishes.
func (n *Negotiator) formats() []Format {
	var out []Format
	events := false
	for _, name := range n.local.Codecs {
		if equalFold(name, telephoneEvent) {
			events = true
			continue
		}
		e, ok := encodings[strings.ToLower(name)]
		if !ok || slices.ContainsFunc(out, func(f Format) bool { return f.Is(e.name, e.rate, e.channels) }) {
			continue
		}
		out = append(out, Format{PT: e.pt, Name: e.name, Rate: e.rate, Channels: e.channels, FMTP: n.local.FMTP[strings.ToLower(name)]})
	}
	if !events {
		return out
	}
	rates := map[int]bool{8000: true} // what every phone understands
	for _, f := range out {
		rates[f.Rate] = true
	}
	for _, rate := range slices.Sorted(maps.Keys(rates)) {
		out = append(out, Format{PT: eventPTs[rate], Name: telephoneEvent, Rate: rate, Channels: 1, FMTP: eventCodes})
	}
	return out
}

// describe prints our description with audio as our section, and counts the
// version up if it differs from the last one (RFC 3264 §8, design rule S4).
func (n *Negotiator) describe(lines []Media, at int, audio Media) ([]byte, error) {
	if n.sessID == 0 {
		var b [4]byte
		if _, err := io.ReadFull(n.rand, b[:]); err != nil {
			return nil, err
		}
		// 31 bits: some phones read it with atoi.
		n.sessID = uint64(binary.BigEndian.Uint32(b[:])>>1) | 1
	}
	addr := n.local.Addr.String()
	if !n.local.Addr.IsValid() {
		addr = "0.0.0.0"
	}
	s := Session{
		Origin: Origin{SessID: n.sessID, Addr: addr}, Connection: addr, Media: slices.Clone(lines),
		Attributes: n.sessionLines(attr(audio.Attributes, "mid")),
	}
	s.Media[at] = audio
	if body := s.Bytes(); !bytes.Equal(body, n.last) {
		n.last = body
		n.version++
	}
	s.Origin.Version = n.version
	return s.Bytes(), nil
}

// section is our audio section without formats and keys.
func (n *Negotiator) section(proto string) Media {
	return Media{Type: "audio", Port: n.local.Port, Proto: proto, PTime: n.ownPTime(), Direction: n.want}
}

func (n *Negotiator) ownPTime() int {
	if n.local.PTime == 0 {
		return 20 // RFC 3551 §4.5
	}
	return n.local.PTime
}

// key gives our key for a suite, the same for the life of the dialog (design
// rule S6).
func (n *Negotiator) key(suite string) ([]byte, error) {
	if k, ok := n.keys[suite]; ok {
		return k, nil
	}
	_, size := suiteSize(suite)
	k := make([]byte, size)
	if _, err := io.ReadFull(n.rand, k); err != nil {
		return nil, err
	}
	n.keys[suite] = k
	return k, nil
}
