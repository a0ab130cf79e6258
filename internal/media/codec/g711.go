package codec

import (
	"slices"

	"github.com/zaf/g711"
)

// pcmu and pcma are the two laws of ITU-T G.711 (RFC 3551 §4.5.14).
var (
	pcmu = companded{name: "PCMU", pt: 0, compress: compression(g711.EncodeUlawFrame), expand: expansion(g711.DecodeUlawFrame)}
	pcma = companded{name: "PCMA", pt: 8, compress: compression(g711.EncodeAlawFrame), expand: expansion(g711.DecodeAlawFrame)}
)

// companded is one law of G.711: one byte per sample, no state. Tables make it
// several times as fast as computing each sample.
type companded struct {
	name     string
	pt       uint8
	compress *[1 << 14]uint8 // by the upper 14 bits of a sample; the laws do not look at the others
	expand   *[256]int16
}

func compression(f func(int16) uint8) *[1 << 14]uint8 {
	t := new([1 << 14]uint8)
	for i := range t {
		t[i] = f(int16(uint16(i) << 2))
	}
	return t
}

func expansion(f func(uint8) int16) *[256]int16 {
	t := new([256]int16)
	for i := range t {
		t[i] = f(uint8(i))
	}
	return t
}

func (c companded) Name() string            { return c.name }
func (c companded) ClockRate() int          { return 8000 }
func (c companded) SampleRate() int         { return 8000 }
func (c companded) StaticPT() (uint8, bool) { return c.pt, true }
func (c companded) NewEncoder() Encoder     { return c }
func (c companded) NewDecoder() Decoder     { return c }

func (c companded) Encode(dst []byte, pcm []int16) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(pcm))[:n+len(pcm)]
	out := dst[n:]
	for i, s := range pcm {
		out[i] = c.compress[uint16(s)>>2]
	}
	return dst
}

func (c companded) Decode(dst []int16, payload []byte) []int16 {
	n := len(dst)
	dst = slices.Grow(dst, len(payload))[:n+len(payload)]
	out := dst[n:]
	for i, b := range payload {
		out[i] = c.expand[b]
	}
	return dst
}
