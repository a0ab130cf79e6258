package dsp

import (
	"math"
	"time"
)

// ToneConfig configures a ToneDetector. Zero fields take their default.
type ToneConfig struct {
	Frequency float64       // Hz; 1100, the calling tone of a fax
	Duration  time.Duration // how long it has to last; 500 ms
	Above     float64       // dB by which it has to stand above all else; 16
}

// ToneDetector says when one frequency has been heard for long enough: once per
// tone, as soon as that is certain (Asterisk:
// main/dsp.c tone_detect). One missing frame in a tone, as a lost
// packet gives, does not begin it anew.
//
//	frame of 20 ms ─► Goertzel at Frequency ─► share of all energy ─► hit or miss
type ToneDetector struct {
	config  ToneConfig
	on      func()
	size, n int
	coeff   float64
	s1, s2  float64
	energy  float64
	share   float64       // of the energy that the tone must have
	heard   time.Duration // of the present tone
	missed  int           // frames without it, in a row
	told    bool          // of the present tone
}

// toneFloor is the mean square below which there is nothing, about -43 dBm0.
const toneFloor = 100 * 100

// NewToneDetector listens to audio of rate Hz; on is called from Write, once for
// each tone.
func NewToneDetector(rate int, c ToneConfig, on func()) *ToneDetector {
	if c.Frequency <= 0 {
		c.Frequency = 1100
	}
	if c.Duration <= 0 {
		c.Duration = 500 * time.Millisecond
	}
	if c.Above <= 0 {
		c.Above = 16
	}
	ratio := math.Pow(10, c.Above/10)
	return &ToneDetector{
		config: c, on: on, size: int(int64(rate) * int64(frameTime) / int64(time.Second)),
		coeff: 2 * math.Cos(2*math.Pi*c.Frequency/float64(rate)), share: ratio / (1 + ratio),
	}
}

// Write hears pcm.
func (d *ToneDetector) Write(pcm []int16) {
	for _, v := range pcm {
		x := float64(v)
		d.s1, d.s2 = x+d.coeff*d.s1-d.s2, d.s1
		d.energy += x * x
		if d.n++; d.n == d.size {
			d.frame()
			d.n, d.s1, d.s2, d.energy = 0, 0, 0, 0
		}
	}
}

// frame judges 20 ms. A tone of amplitude A has the energy n·A²/2, and the
// filter gives (n·A/2)² for it.
func (d *ToneDetector) frame() {
	power := d.s1*d.s1 + d.s2*d.s2 - d.coeff*d.s1*d.s2
	tone := power * 2 / float64(d.size)
	if d.energy/float64(d.size) < toneFloor || tone < d.share*d.energy {
		if d.missed++; d.missed > 1 {
			d.heard, d.told = 0, false
		}
		return
	}
	d.missed = 0
	d.heard += frameTime
	if !d.told && d.heard >= d.config.Duration {
		d.told = true
		d.on()
	}
}
