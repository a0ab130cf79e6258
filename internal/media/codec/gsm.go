package codec

import "slices"

// gsm is GSM 06.10 full rate, RPE-LTP at 13.2 kbit/s: 20 ms of audio in a frame
// of 33 octets (RFC 3551 §4.5.8). The section numbers in these files are those
// of I-ETS 300 036; 3GPP TS 46.010 counts the same steps from 5.2. What a frame
// holds, in the order in which it is packed:
//
//	LARc   8 log area ratios, 6 6 5 5 4 4 3 3 bits    the short term filter
//	4 × {  Nc 7 bits, bc 2 bits                       lag and gain of the long term predictor
//	       Mc 2 bits, xmaxc 6 bits, xMc 13 × 3 bits } grid, size and pulses of the residual
//
// That is 260 bits. In a frame of 33 octets they stand behind the nibble 1101,
// the highest bit first; Microsoft packs two frames without that nibble into 65
// octets, the lowest bit first (format 0x31 of RFC 2361, Asterisk's wav49).
type gsm struct{ ms bool }

// Sizes of a frame.
const (
	gsmSamples  = 160
	gsmOctets   = 33
	gsmMSOctets = 65 // of two frames
	gsmMagic    = 0xd
)

func (g gsm) Name() string {
	if g.ms {
		return "GSM-MS"
	}
	return "GSM"
}
func (gsm) ClockRate() int            { return 8000 }
func (gsm) SampleRate() int           { return 8000 }
func (g gsm) StaticPT() (uint8, bool) { return 3, !g.ms }
func (g gsm) NewEncoder() Encoder     { return &gsmEncoder{ms: g.ms} }
func (g gsm) NewDecoder() Decoder     { return &gsmDecoder{ms: g.ms, nrp: 40} }

// gsmFrame is what is sent for 20 ms.
type gsmFrame struct {
	larc [8]int16
	sub  [4]gsmSub
}

// gsmSub is a quarter of it: 40 samples.
type gsmSub struct {
	nc, bc, mc, xmaxc int16
	xmc               [13]int16
}

// larBits are the widths of the log area ratios.
var larBits = [8]uint{6, 6, 5, 5, 4, 4, 3, 3}

// walk shows every parameter with its width, in the order of packing.
func (f *gsmFrame) walk(each func(v *int16, bits uint)) {
	for i := range f.larc {
		each(&f.larc[i], larBits[i])
	}
	for i := range f.sub {
		s := &f.sub[i]
		each(&s.nc, 7)
		each(&s.bc, 2)
		each(&s.mc, 2)
		each(&s.xmaxc, 6)
		for j := range s.xmc {
			each(&s.xmc[j], 3)
		}
	}
}

// pack appends the 33 octets.
func (f *gsmFrame) pack(dst []byte) []byte {
	acc, have := uint32(gsmMagic), uint(4)
	f.walk(func(v *int16, bits uint) {
		acc = acc<<bits | uint32(*v)&(1<<bits-1)
		have += bits
		for have >= 8 {
			have -= 8
			dst = append(dst, byte(acc>>have))
		}
	})
	return dst
}

// unpack reads 33 octets; false if they do not begin with the nibble.
func (f *gsmFrame) unpack(b []byte) bool {
	if b[0]>>4 != gsmMagic {
		return false
	}
	acc, have, at := uint32(b[0]&0xf), uint(4), 1
	f.walk(func(v *int16, bits uint) {
		for have < bits {
			acc, have, at = acc<<8|uint32(b[at]), have+8, at+1
		}
		have -= bits
		*v = int16(acc >> have & (1<<bits - 1))
	})
	return true
}

// packMS appends the 65 octets of two frames.
func packMS(dst []byte, pair *[2]gsmFrame) []byte {
	acc, have := uint32(0), uint(0)
	for i := range pair {
		pair[i].walk(func(v *int16, bits uint) {
			acc |= uint32(*v) & (1<<bits - 1) << have
			have += bits
			for have >= 8 {
				dst = append(dst, byte(acc))
				acc, have = acc>>8, have-8
			}
		})
	}
	return dst
}

// unpackMS reads the 65 octets of two frames.
func unpackMS(b []byte, pair *[2]gsmFrame) {
	acc, have, at := uint32(0), uint(0), 0
	for i := range pair {
		pair[i].walk(func(v *int16, bits uint) {
			for have < bits {
				acc, have, at = acc|uint32(b[at])<<have, have+8, at+1
			}
			*v = int16(acc & (1<<bits - 1))
			acc, have = acc>>bits, have-bits
		})
	}
}

// Encode takes any number of samples; those beyond whole frames wait for the
// next call.
func (e *gsmEncoder) Encode(dst []byte, pcm []int16) []byte {
	e.rest = append(e.rest, pcm...)
	step, at := e.step(), 0
	for ; len(e.rest)-at >= step; at += step {
		if e.ms {
			e.frame(&e.pair[0], e.rest[at:at+gsmSamples])
			e.frame(&e.pair[1], e.rest[at+gsmSamples:at+step])
			dst = packMS(dst, &e.pair)
			continue
		}
		e.frame(&e.pair[0], e.rest[at:at+step])
		dst = e.pair[0].pack(dst)
	}
	e.rest = append(e.rest[:0], e.rest[at:]...)
	return dst
}

// step is how many samples are encoded at a time.
func (e *gsmEncoder) step() int {
	if e.ms {
		return 2 * gsmSamples
	}
	return gsmSamples
}

// Flush encodes what is left over, with silence behind it.
func (e *gsmEncoder) Flush(dst []byte) []byte {
	if len(e.rest) == 0 {
		return dst
	}
	return e.Encode(dst, make([]int16, e.step()-len(e.rest)))
}

// Decode reads whole frames and ignores what is left over. A frame that is
// none becomes silence.
func (d *gsmDecoder) Decode(dst []int16, payload []byte) []int16 {
	if d.ms {
		for ; len(payload) >= gsmMSOctets; payload = payload[gsmMSOctets:] {
			unpackMS(payload, &d.pair)
			dst = d.frame(d.frame(dst, &d.pair[0]), &d.pair[1])
		}
		return dst
	}
	for ; len(payload) >= gsmOctets; payload = payload[gsmOctets:] {
		if d.pair[0].unpack(payload) {
			dst = d.frame(dst, &d.pair[0])
			continue
		}
		n := len(dst)
		dst = slices.Grow(dst, gsmSamples)[:n+gsmSamples]
		clear(dst[n:])
	}
	return dst
}
