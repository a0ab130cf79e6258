package dsp

import (
	"fmt"
	"math"
)

// Resampler converts a stream between two of 8, 16 and 48 kHz with a
// polyphase FIR filter: linear phase, flat to 0.40 of the lower rate (3.2 kHz
// of 8), 60 dB down from 0.52 of it on. It delays by 2 ms at 8 kHz.
type Resampler struct {
	up, down int         // one of them is 1
	taps     [][]float32 // by phase; oldest sample first
	past     []float32   // the samples that the next output still needs
	skip     int         // input samples until the next output when down > 1
}

// span is how many samples at the lower rate each output looks at.
const span = 32

// NewResampler makes a converter from one rate to another, both of 8000, 16000
// and 48000 Hz. Equal rates are allowed and cost a copy.
func NewResampler(from, to int) (*Resampler, error) {
	for _, rate := range []int{from, to} {
		if rate != 8000 && rate != 16000 && rate != 48000 {
			return nil, fmt.Errorf("resample %d to %d Hz: only 8000, 16000 and 48000 are possible", from, to)
		}
	}
	r := &Resampler{up: max(to/from, 1), down: max(from/to, 1)}
	ratio := max(r.up, r.down)
	if ratio == 1 {
		return r, nil
	}
	prototype := lowPass(span*ratio, 0.46/float64(ratio))
	perPhase := len(prototype) / r.up
	r.taps = make([][]float32, r.up)
	for p := range r.taps {
		r.taps[p] = make([]float32, perPhase)
		for k := range perPhase {
			r.taps[p][perPhase-1-k] = float32(prototype[p+k*r.up] * float64(r.up))
		}
	}
	r.Reset()
	return r, nil
}

// lowPass designs a filter of n taps with the -6 dB point at cutoff (in
// fractions of the rate) by a Kaiser window of 60 dB; its taps add up to 1.
func lowPass(n int, cutoff float64) []float64 {
	const beta = 5.65
	taps := make([]float64, n)
	sum := 0.0
	for i := range taps {
		x := float64(i) - float64(n-1)/2
		ideal := 2 * cutoff
		if x != 0 {
			ideal = math.Sin(2*math.Pi*cutoff*x) / (math.Pi * x)
		}
		edge := 2 * x / float64(n-1)
		taps[i] = ideal * bessel(beta*math.Sqrt(1-edge*edge)) / bessel(beta)
		sum += taps[i]
	}
	for i := range taps {
		taps[i] /= sum
	}
	return taps
}

// bessel is the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}

// Process appends the converted src to dst and returns it. Going down, a
// piece that is no multiple of the ratio gives its last sample later.
func (r *Resampler) Process(dst, src []int16) []int16 {
	if r.taps == nil {
		return append(dst, src...)
	}
	for _, s := range src {
		r.past = append(r.past, float32(s))
	}
	width := len(r.taps[0])
	at := 0
	for ; at+width <= len(r.past); at++ {
		if r.skip > 0 {
			r.skip--
			continue
		}
		r.skip = r.down - 1
		window := r.past[at : at+width]
		for _, taps := range r.taps {
			dst = append(dst, sample(float64(dot(window, taps))))
		}
	}
	n := copy(r.past, r.past[at:])
	r.past = r.past[:n]
	return dst
}

// dot is the sum of products of two slices of the same length, a multiple of
// four.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	return s0 + s1 + s2 + s3
}

// Reset forgets the past of the stream.
func (r *Resampler) Reset() {
	if r.taps == nil {
		return
	}
	r.skip = 0
	r.past = append(r.past[:0], make([]float32, len(r.taps[0])-1)...)
}
