package dsp

import (
	"math"
	"time"
)

// The eight frequencies of DTMF in Hz (ITU-T Q.23 §6), and the digit of each
// pair.
var (
	dtmfRows   = [4]float64{697, 770, 852, 941}
	dtmfCols   = [4]float64{1209, 1336, 1477, 1633}
	dtmfDigits = [4][4]rune{{'1', '2', '3', 'A'}, {'4', '5', '6', 'B'}, {'7', '8', '9', 'C'}, {'*', '0', '#', 'D'}}
)

// DTMFTone gives the tone of digits "0-9*#A-D" (also a-d), each on and then
// off for that long; other characters are left out. Each frequency is at
// -7 dBm0 (ITU-T Q.24 annex A: phones send -9 to -3).
func DTMFTone(digits string, on, off time.Duration) Tone {
	t := Tone{Gain: -7 - UsualLevel}
	for _, d := range digits {
		row, col, ok := dtmfFrequencies(d)
		if !ok {
			continue
		}
		t.Segments = append(t.Segments, Segment{Freqs: []float64{row, col}, For: on})
		if off > 0 {
			t.Segments = append(t.Segments, Segment{For: off})
		}
	}
	return t
}

func dtmfFrequencies(d rune) (row, col float64, ok bool) {
	if d >= 'a' && d <= 'd' {
		d -= 'a' - 'A'
	}
	for r := range dtmfDigits {
		for c := range dtmfDigits[r] {
			if dtmfDigits[r][c] == d {
				return dtmfRows[r], dtmfCols[c], true
			}
		}
	}
	return 0, 0, false
}

// DTMFDigit is one digit heard.
type DTMFDigit struct {
	Rune     rune          // 0-9 * # A-D
	Duration time.Duration // to the length of one block, 12.75 ms
}

// dtmfBlock is the length of a measurement in samples at 8 kHz: long enough to
// tell 697 from 770 Hz, short enough that two of them fit into the shortest
// digit of 40 ms (ITU-T Q.24).
const dtmfBlock = 102

// DTMFDetector finds DTMF digits in audio by the Goertzel algorithm (design
// rule M9). A digit must be the same in two blocks in a row and is over after
// two blocks without it. What is not loud enough costs no measurement.
type DTMFDetector struct {
	on     func(DTMFDigit)
	coeffs [2][4]float32 // rows, columns
	block  []float32
	size   int           // samples of a block
	length time.Duration // of a block

	digit  rune // now heard, 0 = none
	last   rune // of the block before
	blocks int  // how long digit is heard
	missed int  // blocks without it since
}

// NewDTMFDetector listens to audio of rate Hz (8000 or more). on is called
// from Write, once per digit, when the digit has ended.
func NewDTMFDetector(rate int, on func(DTMFDigit)) *DTMFDetector {
	d := &DTMFDetector{on: on, size: dtmfBlock * rate / 8000}
	d.block = make([]float32, 0, d.size)
	d.length = time.Duration(d.size) * time.Second / time.Duration(rate)
	for i := range 4 {
		d.coeffs[0][i] = float32(2 * math.Cos(2*math.Pi*dtmfRows[i]/float64(rate)))
		d.coeffs[1][i] = float32(2 * math.Cos(2*math.Pi*dtmfCols[i]/float64(rate)))
	}
	return d
}

// Write hears pcm. Digital silence while nothing was heard in the block before cannot
// become a digit, whatever the block has so far, and is not looked at: that is what a
// party is who sends nothing.
func (d *DTMFDetector) Write(pcm []int16) {
	if d.digit == 0 && d.last == 0 && silent(pcm) {
		d.block = d.block[:0]
		return
	}
	for len(pcm) > 0 {
		at := len(d.block)
		n := min(len(pcm), d.size-at)
		d.block = d.block[:at+n]
		for i, s := range pcm[:n] {
			d.block[at+i] = float32(s)
		}
		pcm = pcm[n:]
		if len(d.block) == d.size {
			d.advance(d.measure())
			d.block = d.block[:0]
		}
	}
}

func silent(pcm []int16) bool {
	for _, s := range pcm {
		if s != 0 {
			return false
		}
	}
	return true
}

// Flush ends a digit that is still heard, because the audio has ended.
func (d *DTMFDetector) Flush() {
	d.advance(0)
	d.advance(0)
}

// What makes a block a digit. Levels are relative to a full-scale block.
const (
	dtmfQuiet   = 100.0 * 100 / 2 // mean square below which nobody dials: a sine of -47 dBm0
	dtmfPurity  = 0.70            // share of the block's energy in the two frequencies; speech has less
	dtmfOthers  = 6.3             // how much stronger than the others of its group (8 dB)
	dtmfNormal  = 6.3             // column above row at most: 8 dB (ITU-T Q.24 annex A)
	dtmfReverse = 2.5             // row above column at most: 4 dB
)

// measure gives the digit of the full block, 0 for none.
func (d *DTMFDetector) measure() rune {
	var energy float32
	for _, s := range d.block {
		energy += s * s
	}
	if energy < dtmfQuiet*float32(d.size) {
		return 0
	}
	// A sine has the power (amplitude × size / 2)² below and amplitude² × size / 2 above.
	pure := dtmfPurity * energy * float32(d.size) / 2
	rows := goertzel(d.block, &d.coeffs[0])
	r, row, clear := strongest(&rows)
	if !clear || row*(1+dtmfNormal) < pure {
		return 0 // no column could make up for it; this is where speech mostly ends
	}
	cols := goertzel(d.block, &d.coeffs[1])
	c, col, clear := strongest(&cols)
	switch {
	case !clear:
	case col > row*dtmfNormal, row > col*dtmfReverse:
	case row+col < pure:
	default:
		return dtmfDigits[r][c]
	}
	return 0
}

// goertzel gives the power of x at four frequencies at once, which keeps the
// adders busy that one chain of dependent sums would leave idle.
func goertzel(x []float32, coeff *[4]float32) [4]float32 {
	k0, k1, k2, k3 := coeff[0], coeff[1], coeff[2], coeff[3]
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	for _, s := range x {
		a0, b0 = k0*a0+(s-b0), a0
		a1, b1 = k1*a1+(s-b1), a1
		a2, b2 = k2*a2+(s-b2), a2
		a3, b3 = k3*a3+(s-b3), a3
	}
	return [4]float32{
		a0*a0 + b0*b0 - k0*a0*b0, a1*a1 + b1*b1 - k1*a1*b1,
		a2*a2 + b2*b2 - k2*a2*b2, a3*a3 + b3*b3 - k3*a3*b3,
	}
}

// strongest gives the place and power of the largest; clear says whether it
// stands out from the rest of its group.
func strongest(p *[4]float32) (at int, power float32, clear bool) {
	for i := range p {
		if p[i] > p[at] {
			at = i
		}
	}
	clear = true
	for i := range p {
		if i != at && p[i]*dtmfOthers > p[at] {
			clear = false
		}
	}
	return at, p[at], clear
}

// advance takes what a block held into account.
func (d *DTMFDetector) advance(heard rune) {
	if d.digit != 0 {
		d.follow(heard)
	}
	if d.digit == 0 && heard != 0 && heard == d.last {
		d.digit, d.blocks, d.missed = heard, 2, 0
	}
	d.last = heard
}

// follow looks whether the digit goes on; one block without it is forgiven.
func (d *DTMFDetector) follow(heard rune) {
	if heard == d.digit {
		d.blocks += 1 + d.missed
		d.missed = 0
		return
	}
	if d.missed++; d.missed < 2 {
		return
	}
	ended := DTMFDigit{Rune: d.digit, Duration: time.Duration(d.blocks) * d.length}
	d.digit = 0
	if d.on != nil {
		d.on(ended)
	}
}
