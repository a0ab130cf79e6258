package extmedia

import (
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/media/codec"
)

// format is an audio format by Asterisk's name for it.
type format struct {
	name  string // "ulaw"
	codec string // as package media calls it
	clock int    // Hz of RTP timestamps
	rate  int    // Hz of the audio
	pt    uint8  // RTP payload type (Asterisk: rtp_engine.c static_RTP_PT)
	frame int    // octets of 20 ms
}

// formats are those that the media engine converts. Linear audio is sent big-endian
// over RTP (RFC 3551 §4.5.11) and little-endian everywhere else, as Asterisk does.
var formats = [...]format{
	{"ulaw", "PCMU", 8000, 8000, 0, 160},
	{"alaw", "PCMA", 8000, 8000, 8, 160},
	{"gsm", "GSM", 8000, 8000, 3, 33},
	{"g722", "G722", 8000, 16000, 9, 160},
	{"slin", "L16", 8000, 8000, 10, 320},
	{"slin16", "L16", 16000, 16000, 118, 640},
}

// altLinear is the other payload type that means 8 kHz linear audio to Asterisk.
const altLinear = 11

// Formats lists the names that Options.Format knows.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// lookup finds a format by its name in any case.
func lookup(name string) (format, bool) {
	i := slices.IndexFunc(formats[:], func(f format) bool { return strings.EqualFold(f.name, name) })
	if i < 0 {
		return format{}, false
	}
	return formats[i], true
}

// spoken is the format as a port has it. Telephone-events are none of it: digits
// go by messages of their own, or as tones where there are none.
func (f format) spoken() media.Format {
	return media.Format{Codec: f.codec, ClockRate: f.clock, PTime: frameTime}
}

// frameTime is what is said at a time, in ms.
const frameTime = 20

// units is the length of n octets on the RTP clock.
func (f format) units(n int) uint32 { return uint32(n * f.clock * frameTime / 1000 / f.frame) }

// silence is a frame of it.
func (f format) silence() []byte {
	name := f.codec
	if f.clock == 16000 {
		name += "/16000"
	}
	c, ok := codec.Lookup(name)
	if !ok { // the table above names known codecs only
		return make([]byte, f.frame)
	}
	return c.NewEncoder().Encode(nil, make([]int16, f.rate*frameTime/1000))
}

// swap turns linear audio from one byte order into the other, appended to dst; other
// codecs have none.
func (f format) swap(dst, b []byte) []byte {
	if f.codec != "L16" {
		return append(dst, b...)
	}
	for ; len(b) >= 2; b = b[2:] {
		dst = append(dst, b[1], b[0])
	}
	return dst
}
