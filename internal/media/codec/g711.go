package codec

import "github.com/zaf/g711"

// pcmu and pcma are the two laws of ITU-T G.711 (RFC 3551 §4.5.14).
var (
	pcmu = companded{name: "PCMU", pt: 0, compress: g711.EncodeUlawFrame, expand: g711.DecodeUlawFrame}
	pcma = companded{name: "PCMA", pt: 8, compress: g711.EncodeAlawFrame, expand: g711.DecodeAlawFrame}
)

// companded is one law of G.711: one byte per sample, no state.
type companded struct {
	name     string
	pt       uint8
	compress func(int16) uint8
	expand   func(uint8) int16
}

func (c companded) Name() string            { return c.name }
func (c companded) ClockRate() int          { return 8000 }
func (c companded) SampleRate() int         { return 8000 }
func (c companded) StaticPT() (uint8, bool) { return c.pt, true }
func (c companded) NewEncoder() Encoder     { return c }
func (c companded) NewDecoder() Decoder     { return c }

func (c companded) Encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = append(dst, c.compress(s))
	}
	return dst
}

func (c companded) Decode(dst []int16, payload []byte) []int16 {
	for _, b := range payload {
		dst = append(dst, c.expand(b))
	}
	return dst
}
