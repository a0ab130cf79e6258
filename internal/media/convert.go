package media

import (
	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/media/dsp"
)

// Also is a further codec that both sides listed: the peer may send it at any
// time (RFC 3264 §7), although the first one is agreed.
type Also struct {
	PT        uint8 // as we receive it
	Codec     string
	ClockRate int // Hz; 0 = 8000
}

// converter turns packets of such a codec into the agreed one, on the read
// goroutine, so that nobody above has to know. It serves a peer that changes
// its mind or uses different codecs for the two directions. Few peers do, so
// what it needs is made at the first packet.
type converter struct {
	from, to codec.Codec
	dec      codec.Decoder // nil before the first packet
	enc      codec.Encoder
	rs       *dsp.Resampler // nil when the rates are equal
	pcm, out []int16
	payload  []byte
}

// newConverter gives nil when one of the codecs is unknown here or the two
// clocks differ: timestamps are passed on as they are.
func newConverter(from Also, to RTPConfig) *converter {
	f := Format{Codec: from.Codec, ClockRate: from.ClockRate}.norm()
	t := Format{Codec: to.Codec, ClockRate: to.ClockRate}.norm()
	a, okA := codec.Lookup(f.codecName())
	b, okB := codec.Lookup(t.codecName())
	if !okA || !okB || f.ClockRate != t.ClockRate {
		return nil
	}
	return &converter{from: a, to: b}
}

// begin makes the state of the conversion.
func (c *converter) begin() {
	c.dec, c.enc = c.from.NewDecoder(), c.to.NewEncoder()
	if c.from.SampleRate() != c.to.SampleRate() {
		c.rs, _ = dsp.NewResampler(c.from.SampleRate(), c.to.SampleRate()) // two of 8, 16, 48 kHz: cannot fail
	}
}

// convert replaces the payload.
func (c *converter) convert(p *Packet) {
	if c.dec == nil {
		c.begin()
	}
	c.pcm = c.dec.Decode(c.pcm[:0], p.Payload)
	pcm := c.pcm
	if c.rs != nil {
		c.out = c.rs.Process(c.out[:0], pcm)
		pcm = c.out
	}
	c.payload = c.enc.Encode(c.payload[:0], pcm)
	p.Payload = c.payload
}
