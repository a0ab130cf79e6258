package codec

import "encoding/binary"

// linear is uncompressed audio, network byte order (RFC 3551 §4.5.11). It has
// static payload types at 44.1 kHz only, which telephony does not use.
type linear struct{ rate int }

func (linear) Name() string            { return "L16" }
func (l linear) ClockRate() int        { return l.rate }
func (l linear) SampleRate() int       { return l.rate }
func (linear) StaticPT() (uint8, bool) { return 0, false }
func (l linear) NewEncoder() Encoder   { return l }
func (l linear) NewDecoder() Decoder   { return l }

func (linear) Encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = binary.BigEndian.AppendUint16(dst, uint16(s))
	}
	return dst
}

func (linear) Decode(dst []int16, payload []byte) []int16 {
	for ; len(payload) >= 2; payload = payload[2:] {
		dst = append(dst, int16(binary.BigEndian.Uint16(payload)))
	}
	return dst
}
