package codec

import "slices"

// gsmEncoder is the sending half.
type gsmEncoder struct {
	ms   bool
	rest []int16     // less than a frame, waiting
	pair [2]gsmFrame // in work

	z1  int16 // offset compensation
	z2  int32
	mp  int16 // pre-emphasis
	st  shortTerm
	dps history
}

// frame encodes 160 samples.
func (e *gsmEncoder) frame(f *gsmFrame, pcm []int16) {
	s := e.prepare(pcm)
	acf := autocorrelation(&s)
	r := reflection(&acf)
	f.larc = logAreaRatios(&r)
	e.st.filter(&f.larc, s[:], true)
	for i := range f.sub {
		q := &f.sub[i]
		d := s[40*i:][:40]
		q.nc, q.bc = e.dps.lag(d)
		p := e.dps.predict(q.nc, q.bc)
		var rest [40]int16
		for k := range rest {
			rest[k] = sub(d[k], p[k])
		}
		q.pulses(&rest)
		for k, v := range q.rebuild() {
			e.dps[120+k] = add(v, p[k])
		}
		e.dps.shift()
	}
}

// prepare scales to 13 bits, takes away a constant offset and lifts the high
// frequencies (4.2.1-4.2.3).
func (e *gsmEncoder) prepare(pcm []int16) (s [gsmSamples]int16) {
	for i, v := range pcm {
		so := v >> 3 << 2
		s1 := so - e.z1
		e.z1 = so
		high := int16(e.z2 >> 15)
		low := int16(e.z2 - int32(high)<<15)
		s2 := int64(s1)<<15 + int64(multR(low, 32735))
		e.z2 = sat32(int64(high)*32735 + s2)
		sof := int16(sat32(int64(e.z2)+16384) >> 15)
		s[i] = add(sof, multR(e.mp, -28180))
		e.mp = sof
	}
	return s
}

// gsmDecoder is the receiving half.
type gsmDecoder struct {
	ms   bool
	pair [2]gsmFrame // in work
	drp  history
	nrp  int16 // last lag that was one
	st   shortTerm
	msr  int16 // de-emphasis
}

// frame decodes a frame and appends its 160 samples.
func (d *gsmDecoder) frame(dst []int16, f *gsmFrame) []int16 {
	n := len(dst)
	dst = slices.Grow(dst, gsmSamples)[:n+gsmSamples]
	out := dst[n:]
	for i := range f.sub {
		q := &f.sub[i]
		if q.nc >= 40 && q.nc <= 120 {
			d.nrp = q.nc
		}
		p := d.drp.predict(d.nrp, q.bc)
		for k, v := range q.rebuild() {
			d.drp[120+k] = add(v, p[k])
		}
		copy(out[40*i:], d.drp[120:])
		d.drp.shift()
	}
	d.st.filter(&f.larc, out, false)
	for i, v := range out { // 4.3.5-4.3.7
		d.msr = add(v, multR(d.msr, 28180))
		out[i] = add(d.msr, d.msr) &^ 7
	}
	return dst
}
