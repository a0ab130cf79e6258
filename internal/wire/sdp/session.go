package sdp

import "slices"

// Limits of what Parse accepts (design rule S1).
const (
	MaxSize  = 16 << 10 // bytes of one session description
	MaxMedia = 32       // m= lines of one session description
)

// Session is one session description, as parsed or to be printed. It is a
// plain value: the caller owns it, nothing in it is shared.
type Session struct {
	Origin     Origin      // o=
	Name       string      // s=; printed as "-" when empty
	Connection string      // host of the session-level c=: "192.0.2.1", "2001:db8::1", "media.example.com"; "" = no such line
	Attributes []Attribute // session-level a= lines that have no field of their own, in order
	Media      []Media     // m= sections, in order
}

// Origin is the o= line.
type Origin struct {
	Username string // "-" when empty
	SessID   uint64 // 0 when it was not a number
	Version  uint64 // 0 when it was not a number
	Addr     string // host as written, without its type: "192.0.2.1"
}

// Attribute is one a= line: "a=name:value", or "a=name" with an empty Value.
type Attribute struct{ Name, Value string }

// Media is one m= section.
type Media struct {
	Type      string   // "audio", "video", "image", …, lower case
	Port      int      // 0-65535; 0 = this stream is refused or not wanted
	Proto     string   // "RTP/AVP", "RTP/SAVP", "udptl", … as written
	Tokens    []string // the formats of the m= line as written: "0", "101", "t38"
	Formats   []Format // the formats that are RTP payload types, in order of preference
	Direction Direction
	// Connection is the host of the media-level c=, "" when the session's counts.
	Connection string
	PTime      int         // a=ptime in milliseconds; 0 = none
	MaxPTime   int         // a=maxptime in milliseconds; 0 = none
	Crypto     []Crypto    // usable a=crypto lines in order; unusable ones are left out
	RTCPPort   int         // a=rtcp; 0 = none
	RTCPHost   string      // address in a=rtcp, "" = that of the media
	RTCPMux    bool        // a=rtcp-mux (RFC 5761)
	Attributes []Attribute // other a= lines, in order
}

// Format is one RTP payload type of an m= section with what describes it.
type Format struct {
	PT       uint8  // 0-127
	Name     string // encoding name as written, "PCMU"; "" for a dynamic number without rtpmap
	Rate     int    // RTP clock rate in Hz
	Channels int    // 1 or more
	FMTP     string // a=fmtp parameters as written; "" = none
}

// Is says whether f carries the encoding: name compared without case, clock
// rate and channels exactly (design rule S2).
func (f Format) Is(name string, rate, channels int) bool {
	return equalFold(f.Name, name) && f.Rate == rate && f.Channels == channels
}

// Host gives the address at which the media section wants its packets:
// its own c=, else the session's; "" when neither says.
func (s *Session) Host(m *Media) string {
	if m.Connection != "" {
		return m.Connection
	}
	return s.Connection
}

// Attr gives the value of the first attribute of that name that has no field.
func (m *Media) Attr(name string) (value string, ok bool) {
	i := slices.IndexFunc(m.Attributes, func(a Attribute) bool { return equalFold(a.Name, name) })
	if i < 0 {
		return "", false
	}
	return m.Attributes[i].Value, true
}

// Direction says which way media flows, seen from the side whose description
// it is (RFC 3264 §5.1). The zero value is the default of SDP.
type Direction int

// The four directions.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

// String gives the attribute's name: "sendrecv", "sendonly", "recvonly", "inactive".
func (d Direction) String() string {
	switch d {
	case SendOnly:
		return "sendonly"
	case RecvOnly:
		return "recvonly"
	case Inactive:
		return "inactive"
	}
	return "sendrecv"
}

// Sends says whether the side that says d wants to send.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives says whether the side that says d wants to receive.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// Reverse is the same flow seen from the other side.
func (d Direction) Reverse() Direction { return direction(d.Receives(), d.Sends()) }

// And is what both d and o allow, both seen from the same side.
func (d Direction) And(o Direction) Direction {
	return direction(d.Sends() && o.Sends(), d.Receives() && o.Receives())
}

// direction is the direction that sends and receives as told.
func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}
