package dsp

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// SpectrumPeak measures which single tone is heard. It keeps the last quarter
// second of audio and looks at it only when asked, so that listening costs a
// copy.
//
// Companding, noise 10 dB below the tone and lost packets (given as silence)
// up to a fifth of all do not move the answer by more than 2 Hz. Two tones
// of similar strength and noise give no answer; speech gives none either, but
// for a long vowel now and then.
type SpectrumPeak struct {
	rate int
	ring []int16 // the last samples; a power of two
	at   int     // where the next one goes
	full int     // how many are there, up to len(ring)
}

// NewSpectrumPeak listens to audio of rate Hz, 8000 to 48000.
func NewSpectrumPeak(rate int) *SpectrumPeak {
	return &SpectrumPeak{rate: rate, ring: make([]int16, 1<<bits.Len(uint(rate/4-1)))}
}

// Write hears pcm.
func (s *SpectrumPeak) Write(pcm []int16) {
	s.full = min(s.full+len(pcm), len(s.ring))
	for len(pcm) > 0 {
		n := copy(s.ring[s.at:], pcm)
		s.at = (s.at + n) % len(s.ring)
		pcm = pcm[n:]
	}
}

// Reset forgets what was heard, for instance before waiting for another tone.
func (s *SpectrumPeak) Reset() {
	clear(s.ring)
	s.at, s.full = 0, 0
}

// What makes a peak a tone.
const (
	peakLobe    = 3     // bins to each side that belong to a peak: the main lobe of the window
	peakShare   = 0.5   // of all energy that must be in it
	peakRival   = 0.5   // how strong the next peak may be, as power
	peakQuiet   = -50.0 // dBm0 below which there is nothing
	peakLowest  = 40.0  // Hz below which it is hum
	peakDrift   = 4.0   // Hz by which the halves may differ from the whole
	peakMinimum = 2     // an answer needs at least 1/peakMinimum of the ring
)

// Dominant gives the frequency in Hz and the level in dBm0 of the tone heard
// during the last quarter second. ok is false when there was no single tone,
// or too little audio so far.
func (s *SpectrumPeak) Dominant() (hz, dBm0 float64, ok bool) {
	if s.full < len(s.ring)/peakMinimum {
		return 0, 0, false
	}
	power := s.spectrum(0, len(s.ring))
	first := int(peakLowest*float64(len(s.ring))/float64(s.rate)) + peakLobe
	at := strongestBin(power, first, -1)
	if at < 0 {
		return 0, 0, false
	}
	total := 0.0
	for _, p := range power[first-peakLobe:] {
		total += p
	}
	peak := lobe(power, at)
	// Parseval with the window's mean square of 3/8.
	size := float64(len(s.ring))
	dBm0 = level(math.Sqrt(4 * peak / (size * size * 3 / 8)))
	if dBm0 < peakQuiet || peak < peakShare*total {
		return 0, 0, false
	}
	if next := strongestBin(power, first, at); next >= 0 && lobe(power, next) > peakRival*peak {
		return 0, 0, false
	}
	hz = (float64(at) + between(power, at)) * float64(s.rate) / size
	return hz, dBm0, s.steady(hz, peak/size)
}

// steady says whether both halves of the ring have their peak at hz too, as a
// tone does and the harmonics of a voice do not. A half with little in it,
// because its packets were lost, may say what it likes.
func (s *SpectrumPeak) steady(hz, strength float64) bool {
	half := len(s.ring) / 2
	for _, from := range []int{0, half} {
		power := s.spectrum(from, half)
		at := strongestBin(power, peakLobe, -1)
		if at < 0 || lobe(power, at)/float64(half) < strength/16 {
			continue
		}
		got := (float64(at) + between(power, at)) * float64(s.rate) / float64(half)
		if math.Abs(got-hz) > peakDrift {
			return false
		}
	}
	return true
}

// strongestBin finds the largest bin from first on that does not belong to the
// peak at except (-1 = none).
func strongestBin(power []float64, first, except int) int {
	best := -1
	for i := first; i < len(power)-peakLobe; i++ {
		if except >= 0 && i >= except-2*peakLobe && i <= except+2*peakLobe {
			continue
		}
		if power[i] > 0 && (best < 0 || power[i] > power[best]) {
			best = i
		}
	}
	return best
}

// lobe adds up the bins of the peak at.
func lobe(power []float64, at int) float64 {
	sum := 0.0
	for _, p := range power[at-peakLobe : at+peakLobe+1] {
		sum += p
	}
	return sum
}

// between estimates how far from bin at, -0.5 to 0.5, the true peak lies: the
// top of a parabola through three logarithms.
func between(power []float64, at int) float64 {
	const tiny = 1e-9
	l, m, r := math.Log(power[at-1]+tiny), math.Log(power[at]+tiny), math.Log(power[at+1]+tiny)
	if d := l - 2*m + r; d < 0 {
		return min(max((l-r)/2/d, -0.5), 0.5)
	}
	return 0
}

// spectrum gives the power of n samples of the ring, from the from-th oldest
// on and windowed, in bins from 0 to half the rate.
func (s *SpectrumPeak) spectrum(from, n int) []float64 {
	x := make([]complex128, n)
	for i := range x {
		window := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n))
		x[i] = complex(float64(s.ring[(s.at+from+i)%len(s.ring)])*window, 0)
	}
	fft(x)
	power := make([]float64, n/2)
	for i := range power {
		power[i] = real(x[i])*real(x[i]) + imag(x[i])*imag(x[i])
	}
	return power
}

// fft transforms x, whose length is a power of two, in place.
func fft(x []complex128) {
	n := len(x)
	shift := bits.LeadingZeros(uint(n)) + 1
	for i := range x {
		if j := int(bits.Reverse(uint(i)) >> shift); i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for half := 1; half < n; half *= 2 {
		step := cmplx.Rect(1, -math.Pi/float64(half))
		turn := complex(1, 0)
		for k := range half {
			for i := k; i < n; i += 2 * half {
				odd := x[i+half] * turn
				x[i], x[i+half] = x[i]+odd, x[i]-odd
			}
			turn *= step
		}
	}
}
