package media

import (
	"encoding/binary"
	"errors"
	"time"
)

// Kind says what a packet carries, so that nobody above a leg needs payload
// type numbers: they differ per leg and per direction.
type Kind uint8

const (
	KindAudio Kind = iota // the negotiated audio codec
	KindEvent             // telephone-event (RFC 4733)
)

// Packet is one RTP packet between a leg and a port. A leg that delivers it
// reuses the struct and the payload after the sink returns: copy what must
// stay. A leg that is asked to send it uses Kind to choose its own payload
// type number and ignores PT.
type Packet struct {
	Kind    Kind
	PT      uint8 // as received; for Send without meaning
	Marker  bool
	Seq     uint16
	TS      uint32 // units of the codec's RTP clock
	SSRC    uint32
	Payload []byte
	At      time.Time // when it was read or made

	hops uint8 // pipes it went through
}

const (
	headerSize = 12   // of RTP without CSRCs and extension
	maxPacket  = 2048 // largest datagram read; longer ones are cut and then fail to parse or to authenticate
)

// The reasons why a datagram is no usable RTP packet.
var (
	errShort   = errors.New("shorter than its header says")
	errVersion = errors.New("not RTP version 2")
	errPadding = errors.New("padding longer than the payload")
)

// parseRTP reads b into p without copying; p.Payload points into b. Every
// length the packet claims is checked against what arrived (rule M2).
//
//	RFC 3550 §5.1
//	 0                   1                   2                   3
//	|V=2|P|X|  CC   |M|     PT      |       sequence number         |
//	|                           timestamp                           |
//	|           synchronization source (SSRC) identifier            |
//	|            contributing source (CSRC) identifiers, CC of them |
//	|  profile's own (if X)         |    words of extension         |
//	|  extension …                                                  |
//	|  payload …                    | padding … | count (if P)      |
func parseRTP(b []byte, p *Packet) error {
	if len(b) < headerSize {
		return errShort
	}
	if b[0]>>6 != 2 {
		return errVersion
	}
	start, err := headerLen(b)
	if err != nil {
		return err
	}
	end := len(b)
	if b[0]&0x20 != 0 { // RFC 3550 §5.1: the last octet counts the padding, itself included
		pad := int(b[end-1])
		if pad == 0 || pad > end-start {
			return errPadding
		}
		end -= pad
	}
	p.Marker = b[1]&0x80 != 0
	p.PT = b[1] & 0x7f
	p.Seq = binary.BigEndian.Uint16(b[2:])
	p.TS = binary.BigEndian.Uint32(b[4:])
	p.SSRC = binary.BigEndian.Uint32(b[8:])
	p.Payload = b[start:end]
	return nil
}

// headerLen gives the length of header, CSRCs and extension of b, which has
// at least headerSize octets.
func headerLen(b []byte) (int, error) {
	n := headerSize + 4*int(b[0]&0x0f)
	if b[0]&0x10 == 0 {
		if n > len(b) {
			return 0, errShort
		}
		return n, nil
	}
	if n+4 > len(b) {
		return 0, errShort
	}
	n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	if n > len(b) {
		return 0, errShort
	}
	return n, nil
}

// appendRTP appends the wire form of p with payload type pt to b. Our packets
// carry no CSRC, extension or padding: what a relayed one had is left out.
func appendRTP(b []byte, p *Packet, pt uint8) []byte {
	if p.Marker {
		pt |= 0x80
	}
	b = append(b, 0x80, pt)
	b = binary.BigEndian.AppendUint16(b, p.Seq)
	b = binary.BigEndian.AppendUint32(b, p.TS)
	b = binary.BigEndian.AppendUint32(b, p.SSRC)
	return append(b, p.Payload...)
}

// isRTCP tells RTCP from RTP on one port: RFC 5761 §4 keeps payload types
// 64-95 free of RTP, which is 192-223 in the second octet.
func isRTCP(b []byte) bool {
	return len(b) >= 8 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223
}
