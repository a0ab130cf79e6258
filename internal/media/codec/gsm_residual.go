package codec

// The residual of GSM 06.10: what the short term filter leaves is predicted from
// its own past (long term prediction), and the rest is sent as thirteen pulses
// on one of four grids (regular pulse excitation).

// history is the reconstructed residual: 120 samples of the past, then the 40
// of the present.
type history [160]int16

// shift makes the present the past.
func (h *history) shift() { copy(h[:120], h[40:]) }

// lag finds where in the past d is most like now, and the gain (4.2.11).
func (h *history) lag(d []int16) (nc, bc int16) {
	var top int16
	for _, v := range d {
		top = max(top, size16(v))
	}
	scale := 0
	if top != 0 {
		scale = max(0, 6-norm(int32(top)<<16))
	}
	var wt [40]int32
	for i, v := range d {
		wt[i] = int32(v >> scale)
	}
	var best int32
	nc = 40
	for lag := 40; lag <= 120; lag++ {
		var sum int32
		past := h[120-lag:][:40]
		for i, v := range past {
			sum += wt[i] * int32(v)
		}
		if sum > best {
			nc, best = int16(lag), sum
		}
	}
	best = best << 1 >> (6 - scale)
	var power int32
	for _, v := range h[120-int(nc):][:40] {
		power += int32(v>>3) * int32(v>>3)
	}
	power <<= 1
	switch {
	case best <= 0:
		return nc, 0
	case best >= power:
		return nc, 3
	}
	n := norm(power)
	r, s := int16(best<<n>>16), int16(power<<n>>16)
	for bc < 3 && r > mult(s, ltpLevel[bc]) {
		bc++
	}
	return nc, bc
}

// predict gives the 40 samples that lag and gain promise (4.2.12, 4.3.2).
func (h *history) predict(nc, bc int16) (p [40]int16) {
	for i, v := range h[120-int(nc):][:40] {
		p[i] = multR(ltpGain[bc], v)
	}
	return p
}

// pulses encodes what the prediction has left of a quarter (4.2.13-4.2.15).
func (s *gsmSub) pulses(e *[40]int16) {
	x := weigh(e)
	var best int32 = -1
	for m := range int16(4) {
		var sum int32
		for i := range int16(13) {
			v := int32(x[m+3*i] >> 2)
			sum += v * v
		}
		if sum > best {
			s.mc, best = m, sum
		}
	}
	var top int16
	for i := range s.xmc {
		top = max(top, size16(x[int(s.mc)+3*i]))
	}
	exp := int16(0)
	for t := top >> 9; t > 0 && exp < 6; t >>= 1 {
		exp++
	}
	s.xmaxc = add(top>>(exp+5), exp<<3)
	shift, mant := s.scale()
	for i := range s.xmc {
		v := shl(x[int(s.mc)+3*i], shift)
		s.xmc[i] = mult(v, inverseMantissa[mant])>>12 + 4
	}
}

// weigh is the weighting filter (4.2.13).
func weigh(e *[40]int16) (x [40]int16) {
	var wide [50]int32
	for i, v := range e {
		wide[i+5] = int32(v)
	}
	for k := range x {
		sum := int32(4096)
		for i, h := range weighting {
			sum += wide[k+i] * int32(h)
		}
		x[k] = clamp(sum >> 13)
	}
	return x
}

// scale takes the size of the pulses apart: shift is 6 - exponent (4.2.15).
func (s *gsmSub) scale() (shift int, mant int16) {
	exp := 0
	if s.xmaxc > 15 {
		exp = int(s.xmaxc>>3) - 1
	}
	mant = s.xmaxc - int16(exp<<3)
	if mant == 0 {
		return 6 + 4, 7
	}
	for mant <= 7 {
		mant = mant<<1 | 1
		exp--
	}
	return 6 - exp, mant - 8
}

// rebuild gives the pulses as the receiver sees them (4.2.16, 4.2.17).
func (s *gsmSub) rebuild() (e [40]int16) {
	shift, mant := s.scale()
	half := shl(1, shift-1)
	for i, c := range s.xmc {
		v := multR(mantissa[mant], (c<<1-7)<<12)
		e[int(s.mc)+3*i] = shl(add(v, half), -shift)
	}
	return e
}
