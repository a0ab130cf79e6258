package codec

// band is the state of one sub-band, the same in encoder and decoder: a
// predictor with two poles and six zeros, and the quantiser's scale. Names in
// brackets are those of ITU-T G.722 §6.2.
type band struct {
	predicted int32    // the next sample as predicted [S]
	zeros     int32    // the zeros' part of it [SZ]
	scale     int32    // of the quantiser [DET]
	logScale  int32    // [NB]
	poles     [2]int32 // [A1, A2]
	taps      [6]int32 // [B1 … B6]
	diffs     [6]int32 // last quantised differences, doubled and clipped, newest first [D1 … D6]
	rebuilt   int32    // last reconstructed sample [R1]
	parts     [2]int32 // last partially reconstructed signals, newest first [P1, P2]
}

// adaptLow follows the 4 upper bits of a lower band code (blocks INVQAL,
// LOGSCL, SCALEL, then the predictor).
func (b *band) adaptLow(code byte) {
	diff := b.scale * lowValues4[code] >> 15
	b.rescale(lowSteps[code], 18432, 8)
	b.update(diff)
}

// adaptHigh follows a higher band code (blocks INVQAH, LOGSCH, SCALEH).
func (b *band) adaptHigh(code byte) {
	diff := b.scale * highValues[code] >> 15
	b.rescale(highSteps[code], 22528, 10)
	b.update(diff)
}

// rescale moves the logarithmic scale by step, with a leak, and raises 2 to
// it: five bits of fraction by table, the rest by shifts.
func (b *band) rescale(step, limit, exponent int32) {
	b.logScale = min(max(b.logScale*127>>7+step, 0), limit)
	mantissa := powers[b.logScale>>6&31]
	if shift := exponent - b.logScale>>11; shift < 0 {
		b.scale = mantissa << -shift << 2
	} else {
		b.scale = mantissa >> shift << 2
	}
}

// update takes the quantised difference into the predictor and predicts the
// next sample (block 4 of the recommendation).
func (b *band) update(diff int32) {
	rebuilt := clip16(b.predicted + diff) // RECONS
	part := clip16(b.zeros + diff)        // PARREC
	b.adaptPoles(part)
	zeros := b.adaptZeros(clip16(2 * diff))
	b.parts[1], b.parts[0] = b.parts[0], part

	// FILTEP, FILTEZ, PREDIC
	first := b.poles[0] * clip16(2*rebuilt) >> 15
	second := b.poles[1] * clip16(2*b.rebuilt) >> 15
	b.rebuilt = rebuilt
	b.zeros = clip16(zeros)
	b.predicted = clip16(clip16(first+second) + b.zeros)
}

// adaptPoles moves the two poles by the signs of the partially reconstructed
// signal and keeps them where the filter is stable (UPPOL2, UPPOL1, LIMIT).
func (b *band) adaptPoles(part int32) {
	differ1 := (part ^ b.parts[0]) >> 31
	differ2 := (part ^ b.parts[1]) >> 31
	pull := clip16(b.poles[0] * 4)
	if differ1 == 0 {
		pull = min(-pull, 32767)
	}
	second := pull>>7 + negated(128, differ2) + b.poles[1]*32512>>15
	second = min(max(second, -12288), 12288)
	first := clip16(negated(192, differ1) + b.poles[0]*32640>>15)
	bound := clip16(15360 - second)
	b.poles = [2]int32{min(max(first, -bound), bound), second}
}

// adaptZeros moves the six zeros by the signs of the differences (UPZERO),
// takes the newest difference in, and gives what the zeros predict (FILTEZ).
// A tap stays within 16 bits: 32767·32640/32768 + 128 = 32767.
func (b *band) adaptZeros(diff int32) (zeros int32) {
	step := int32(128)
	if diff == 0 {
		step = 0
	}
	next := diff
	for i, d := range b.diffs {
		tap := negated(step, (diff^d)>>31) + b.taps[i]*32640>>15
		zeros += tap * next >> 15
		b.taps[i], b.diffs[i] = tap, next
		next = d
	}
	return zeros
}

// negated is -n when mask is -1 and n when it is 0. Signs of audio are as good
// as random: branches on them would be mispredicted half of the time.
func negated(n, mask int32) int32 { return (n ^ mask) - mask }

func clip16(n int32) int32 { return min(max(n, -32768), 32767) }

func clip15(n int32) int32 { return min(max(n, -16384), 16383) }
