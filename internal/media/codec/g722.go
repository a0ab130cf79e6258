package codec

// wideband is ITU-T G.722 at 64 kbit/s: 16 kHz audio, one byte per two
// samples.
//
//	16 kHz ──► QMF ─┬─ 0-4 kHz at 8 kHz ──► ADPCM, 6 bits ─┐
//	                └─ 4-8 kHz at 8 kHz ──► ADPCM, 2 bits ─┴─► byte: hhllllll
//
// Both bands run the same adaptive predictor (band.update) on the signal that
// the decoder will see, so that encoder and decoder stay in step without any
// side information. The 64 kbit/s mode is the only one that RTP has
// (RFC 3551 §4.5.2).
type wideband struct{}

func (wideband) Name() string            { return "G722" }
func (wideband) ClockRate() int          { return 8000 } // RFC 3551 §4.5.2: an error of old that all keep
func (wideband) SampleRate() int         { return 16000 }
func (wideband) StaticPT() (uint8, bool) { return 9, true }
func (wideband) NewEncoder() Encoder     { return NewG722Encoder() }
func (wideband) NewDecoder() Decoder     { return NewG722Decoder() }

// delayLine is the memory of a band splitting filter: the last 24 samples.
// They stand twice, so that they are in one piece wherever the oldest is and
// nothing has to be moved.
type delayLine struct {
	at      int // of the oldest: 0, 2, … 22
	samples [48]int32
}

// filter takes two samples in and gives the sums over the even and the odd of
// the last 24. The 24 taps are symmetric (ITU-T G.722 table 11/G.722, scaled
// by 8192).
func (l *delayLine) filter(first, second int32) (even, odd int32) {
	at := l.at
	if uint(at) > 22 {
		at = 0
	}
	l.samples[at], l.samples[at+1] = first, second
	l.samples[at+24], l.samples[at+25] = first, second
	if at += 2; at == 24 {
		at = 0
	}
	l.at = at
	x := (*[24]int32)(l.samples[at : at+24])
	even = 3*x[0] - 11*x[2] + 12*x[4] + 32*x[6] - 210*x[8] + 951*x[10] +
		3876*x[12] - 805*x[14] + 362*x[16] - 156*x[18] + 53*x[20] - 11*x[22]
	odd = 3*x[23] - 11*x[21] + 12*x[19] + 32*x[17] - 210*x[15] + 951*x[13] +
		3876*x[11] - 805*x[9] + 362*x[7] - 156*x[5] + 53*x[3] - 11*x[1]
	return even, odd
}

// G722Encoder is the sending half of a G.722 stream.
type G722Encoder struct {
	low, high band
	odd       bool // pending is a sample without its partner
	pending   int16
	past      delayLine
}

// NewG722Encoder returns an encoder at the start of a stream.
func NewG722Encoder() *G722Encoder {
	return &G722Encoder{low: band{scale: 32}, high: band{scale: 8}}
}

// Encode appends one byte per two samples of 16 kHz audio.
func (e *G722Encoder) Encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		if !e.odd {
			e.pending, e.odd = s, true
			continue
		}
		e.odd = false
		low, high := e.split(int32(e.pending), int32(s))
		dst = append(dst, e.encodeHigh(high)<<6|e.encodeLow(low))
	}
	return dst
}

// split passes two samples through the transmit QMF and gives one sample of
// each band, 15 bits (G.722 §3.1).
func (e *G722Encoder) split(first, second int32) (low, high int32) {
	even, odd := e.past.filter(first, second)
	return (odd + even) >> 14, (odd - even) >> 14
}

// encodeLow quantises the lower band to 6 bits (G.722 §3.2, blocks SUBTRA,
// QUANTL, INVQAL).
func (e *G722Encoder) encodeLow(sample int32) byte {
	diff := clip16(sample - e.low.predicted)
	code := quantiseLow(diff, e.low.scale)
	e.low.adaptLow(code >> 2)
	return code
}

// quantiseLow finds the interval of diff among the 60 of the lower band.
func quantiseLow(diff, scale int32) byte {
	size := magnitude(diff)
	// lowLevels rises, so that the search halves.
	from, to := 1, len(lowLevels)
	for from < to {
		middle := (from + to) / 2
		if size < lowLevels[middle]*scale>>12 {
			to = middle
		} else {
			from = middle + 1
		}
	}
	if diff < 0 {
		return lowNegative[from]
	}
	return lowPositive[from]
}

// encodeHigh quantises the higher band to 2 bits (blocks QUANTH, INVQAH).
func (e *G722Encoder) encodeHigh(sample int32) byte {
	diff := clip16(sample - e.high.predicted)
	outer := magnitude(diff) >= 564*e.high.scale>>12
	var code byte
	switch {
	case diff < 0 && outer:
		code = 0
	case diff < 0:
		code = 1
	case outer:
		code = 2
	default:
		code = 3
	}
	e.high.adaptHigh(code)
	return code
}

// magnitude maps n to its size as the one's complement does: -1 is as small
// as 0.
func magnitude(n int32) int32 {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

// G722Decoder is the receiving half of a G.722 stream.
type G722Decoder struct {
	low, high band
	past      delayLine
}

// NewG722Decoder returns a decoder at the start of a stream.
func NewG722Decoder() *G722Decoder {
	return &G722Decoder{low: band{scale: 32}, high: band{scale: 8}}
}

// Decode appends two samples of 16 kHz audio per byte.
func (d *G722Decoder) Decode(dst []int16, payload []byte) []int16 {
	for _, b := range payload {
		low, high := d.decodeLow(b&63), d.decodeHigh(b>>6)
		first, second := d.join(low, high)
		dst = append(dst, first, second)
	}
	return dst
}

// decodeLow reconstructs a sample of the lower band from all 6 bits (blocks
// INVQBL, RECONS, LIMIT); the predictor follows the upper 4 of them only.
func (d *G722Decoder) decodeLow(code byte) int32 {
	sample := clip15(d.low.predicted + d.low.scale*lowValues6[code]>>15)
	d.low.adaptLow(code >> 2)
	return sample
}

// decodeHigh reconstructs a sample of the higher band.
func (d *G722Decoder) decodeHigh(code byte) int32 {
	sample := clip15(d.high.predicted + d.high.scale*highValues[code]>>15)
	d.high.adaptHigh(code)
	return sample
}

// join passes a sample of each band through the receive QMF and gives two
// samples (G.722 §4.4).
func (d *G722Decoder) join(low, high int32) (first, second int16) {
	even, odd := d.past.filter(low+high, low-high)
	return int16(clip16(odd >> 11)), int16(clip16(even >> 11))
}
