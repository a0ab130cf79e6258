package dsp

import (
	"math"
	"time"
)

// Tone is a cadence: what is heard, step by step.
type Tone struct {
	Segments []Segment
	Repeat   bool    // after the last segment it goes on with Segments[From], for ever
	From     int     // first segment of the part that repeats
	Gain     float64 // dB above the usual level of UsualLevel per frequency
}

// UsualLevel is how loud each frequency of a tone is unless its Gain says
// otherwise, in dBm0 (ITU-T E.180 §4: nominal power -10 dBm0 for the sum).
const UsualLevel = -13.0

// Segment is one step of a cadence.
type Segment struct {
	Freqs      []float64     // Hz, added up; none = silence
	Modulation float64       // Hz by which Freqs are modulated in amplitude, 90 %; 0 = not
	For        time.Duration // 0 = for ever
}

// ToneGen produces a tone.
type ToneGen struct {
	tone Tone
	rate int
	at   int   // current segment
	left int64 // samples left of it; -1 = for ever
	osc  []oscillator
	mod  oscillator
	peak float64
}

// NewToneGen starts the tone at rate Hz.
func NewToneGen(rate int, t Tone) *ToneGen {
	g := &ToneGen{tone: t, rate: rate, peak: amplitude(UsualLevel + t.Gain)}
	g.enter(0)
	return g
}

// enter starts segment i, each of its frequencies at phase 0.
func (g *ToneGen) enter(i int) {
	if g.at = i; i >= len(g.tone.Segments) {
		return
	}
	s := g.tone.Segments[i]
	g.left = -1
	if s.For > 0 {
		g.left = max(1, int64(math.Round(s.For.Seconds()*float64(g.rate))))
	}
	g.osc = g.osc[:0]
	for _, f := range s.Freqs {
		g.osc = append(g.osc, newOscillator(f, g.rate))
	}
	g.mod = newOscillator(s.Modulation, g.rate)
}

// Read fills pcm and returns how many samples it wrote: fewer than len(pcm)
// only at the end of a tone that does not repeat, then 0.
func (g *ToneGen) Read(pcm []int16) int {
	n := 0
	for n < len(pcm) && g.at < len(g.tone.Segments) {
		piece := pcm[n:]
		if g.left >= 0 && int64(len(piece)) > g.left {
			piece = piece[:g.left]
		}
		g.fill(piece)
		n += len(piece)
		if g.left < 0 {
			continue
		}
		if g.left -= int64(len(piece)); g.left == 0 {
			next := g.at + 1
			if next == len(g.tone.Segments) && g.tone.Repeat {
				next = g.tone.From
			}
			g.enter(next)
		}
	}
	return n
}

// fill writes len(pcm) samples of the current segment.
func (g *ToneGen) fill(pcm []int16) {
	modulated := g.tone.Segments[g.at].Modulation != 0
	for i := range pcm {
		x := 0.0
		for k := range g.osc {
			x += g.osc[k].next()
		}
		if modulated {
			x *= (1 + 0.9*g.mod.next()) / 1.9 // the peaks stay where they were
		}
		pcm[i] = sample(x * g.peak)
	}
	for k := range g.osc {
		g.osc[k].normalise()
	}
	g.mod.normalise()
}

// oscillator is a sine by rotation: four multiplications per sample.
type oscillator struct{ sin, cos, stepSin, stepCos float64 }

func newOscillator(hz float64, rate int) oscillator {
	s, c := math.Sincos(2 * math.Pi * hz / float64(rate))
	return oscillator{cos: 1, stepSin: s, stepCos: c}
}

// next gives the current value and moves on by one sample.
func (o *oscillator) next() float64 {
	now := o.sin
	o.sin, o.cos = o.sin*o.stepCos+o.cos*o.stepSin, o.cos*o.stepCos-o.sin*o.stepSin
	return now
}

// normalise takes back what rounding added to the amplitude.
func (o *oscillator) normalise() {
	k := (3 - o.sin*o.sin - o.cos*o.cos) / 2
	o.sin *= k
	o.cos *= k
}
