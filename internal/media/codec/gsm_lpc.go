package codec

// The short term filter of GSM 06.10: eight reflection coefficients, sent as
// log area ratios.

// autocorrelation gives nine sums of products of s, which it scales so that
// nothing overflows (4.2.4).
func autocorrelation(s *[gsmSamples]int16) (acf [9]int32) {
	var top int16
	for _, v := range s {
		top = max(top, size16(v))
	}
	scale := 0
	if top != 0 {
		scale = max(0, 4-norm(int32(top)<<16))
	}
	scaled := *s
	if scale > 0 {
		factor := int16(16384 >> (scale - 1))
		for i := range scaled {
			scaled[i] = multR(scaled[i], factor)
			s[i] = scaled[i] << scale // 4.2.4 goes on with what the scaling has left
		}
	}
	for k := range acf {
		for i := k; i < len(scaled); i++ {
			acf[k] += int32(scaled[i]) * int32(scaled[i-k])
		}
		acf[k] <<= 1
	}
	return acf
}

// reflection gives the reflection coefficients by Schur's recursion (4.2.5).
func reflection(sums *[9]int32) (r [8]int16) {
	if sums[0] == 0 {
		return r
	}
	shift := norm(sums[0])
	var p, k [9]int16
	for i, v := range sums {
		p[i] = int16(v << shift >> 16)
	}
	copy(k[1:8], p[1:8])
	for n := range r {
		size := size16(p[1])
		if p[0] < size {
			return r // the rest is 0
		}
		r[n] = div(size, p[0])
		if p[1] > 0 {
			r[n] = -r[n]
		}
		if n == len(r)-1 {
			return r
		}
		p[0] = add(p[0], multR(p[1], r[n]))
		for m := 1; m < 8-n; m++ {
			next := p[m+1]
			p[m] = add(next, multR(k[m], r[n]))
			k[m] = add(k[m], multR(next, r[n]))
		}
	}
	return r
}

// logAreaRatios quantises reflection coefficients (4.2.6, 4.2.7).
func logAreaRatios(r *[8]int16) (larc [8]int16) {
	for i, v := range r {
		size := size16(v)
		switch {
		case size < 22118:
			size >>= 1
		case size < 31130:
			size -= 11059
		default:
			size = (size - 26112) << 2
		}
		if v < 0 {
			size = -size
		}
		q := add(add(mult(larA[i], size), larB[i]), 256) >> 9
		larc[i] = max(larMin[i], min(larMax[i], q)) - larMin[i]
	}
	return larc
}

// decodeRatios undoes logAreaRatios, but for the last step (4.2.8).
func decodeRatios(larc *[8]int16) (lar [8]int16) {
	for i, c := range larc {
		v := sub((c+larMin[i])<<10, larB[i]<<1)
		v = multR(larInv[i], v)
		lar[i] = add(v, v)
	}
	return lar
}

// shortTerm is what both sides remember of the short term filter.
type shortTerm struct {
	lar [8]int16 // of the frame before
	u   [8]int16 // analysis
	v   [9]int16 // synthesis
}

// filter analyses or synthesises the four parts of a frame between which the
// coefficients move from those of the last frame to the new ones (4.2.9).
func (t *shortTerm) filter(larc *[8]int16, s []int16, analysis bool) {
	now := decodeRatios(larc)
	var rp [8]int16
	for _, part := range [...]struct {
		from, to int
		blend    func(old, new int16) int16
	}{
		{0, 13, func(o, n int16) int16 { return add(add(o>>2, n>>2), o>>1) }},
		{13, 27, func(o, n int16) int16 { return add(o>>1, n>>1) }},
		{27, 40, func(o, n int16) int16 { return add(add(o>>2, n>>2), n>>1) }},
		{40, gsmSamples, func(_, n int16) int16 { return n }},
	} {
		for i := range rp {
			rp[i] = fromRatio(part.blend(t.lar[i], now[i]))
		}
		if analysis {
			t.analyse(&rp, s[part.from:part.to])
		} else {
			t.synthesise(&rp, s[part.from:part.to])
		}
	}
	t.lar = now
}

// fromRatio gives the reflection coefficient of a log area ratio (4.2.9.2).
func fromRatio(lar int16) int16 {
	size := size16(lar)
	switch {
	case size < 11059:
		size <<= 1
	case size < 20070:
		size += 11059
	default:
		size = add(size>>2, 26112)
	}
	if lar < 0 {
		return -size
	}
	return size
}

// analyse turns signal into residual, in place (4.2.10).
func (t *shortTerm) analyse(rp *[8]int16, s []int16) {
	for k, di := range s {
		save := di
		for i, r := range rp {
			u := t.u[i]
			t.u[i] = save
			save = add(u, multR(r, di))
			di = add(di, multR(r, u))
		}
		s[k] = di
	}
}

// synthesise turns residual into signal, in place (4.3.4).
func (t *shortTerm) synthesise(rp *[8]int16, s []int16) {
	for k, sri := range s {
		for i := 7; i >= 0; i-- {
			sri = sub(sri, multR(rp[i], t.v[i]))
			t.v[i+1] = add(t.v[i], multR(rp[i], sri))
		}
		t.v[0] = sri
		s[k] = sri
	}
}
