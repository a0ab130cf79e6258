package dsp

import "time"

// frameTime is the piece of audio that TalkDetector and AMD judge at once.
const frameTime = 20 * time.Millisecond

// loudness cuts audio into frames and gives each one's mean absolute
// amplitude (0-32768), the measure that Asterisk's thresholds are in
// (Asterisk: main/dsp.c __ast_dsp_silence_noise).
type loudness struct {
	size, n int
	sum     int64
}

func newLoudness(rate int) loudness {
	return loudness{size: int(int64(rate) * int64(frameTime) / int64(time.Second))}
}

// take eats from pcm and returns the rest. full says that a frame is complete
// and mean is its loudness; otherwise pcm was eaten up.
func (l *loudness) take(pcm []int16) (rest []int16, mean int, full bool) {
	n := min(len(pcm), l.size-l.n)
	for _, s := range pcm[:n] {
		v := int64(s)
		l.sum += max(v, -v)
	}
	if l.n += n; l.n < l.size {
		return pcm[n:], 0, false
	}
	mean = int(l.sum / int64(l.size))
	l.n, l.sum = 0, 0
	return pcm[n:], mean, true
}

// TalkConfig configures a TalkDetector. Zero fields take their default.
type TalkConfig struct {
	TalkAfter    time.Duration // speech this long is talk; 200 ms
	SilenceAfter time.Duration // silence this long ends talk; 2.5 s
	Threshold    int           // mean absolute amplitude below which nothing is speech; 256 as in Asterisk's dsp.conf
}

// TalkDetector says when a party starts and stops to talk. Speech is what is
// louder than the threshold and than 2.5 times the noise floor; the floor
// follows the quietest moments down at once and rises by about 2 dB a second,
// so that a noisy line is silence after some seconds.
//
//	          speech for TalkAfter
//	silent ─────────────────────────► talking
//	       ◄─────────────────────────
//	         silence for SilenceAfter
type TalkDetector struct {
	config  TalkConfig
	on      func(talking bool, lasted time.Duration)
	frames  loudness
	floor   float64
	talking bool
	loud    bool          // last frame, for hysteresis
	state   time.Duration // how long the current state lasts
	against time.Duration // how much of late speaks for the other state
}

// Bounds of the noise floor, as mean absolute amplitude. Above the upper one
// somebody shouts.
const (
	minFloor = 16
	maxFloor = 1500
)

// NewTalkDetector listens to audio of rate Hz. It begins silent; on is called
// from Write at each change, with how long the state before lasted: the
// silence up to the first word, then the talk up to its last.
func NewTalkDetector(rate int, c TalkConfig, on func(talking bool, lasted time.Duration)) *TalkDetector {
	if c.TalkAfter <= 0 {
		c.TalkAfter = 200 * time.Millisecond
	}
	if c.SilenceAfter <= 0 {
		c.SilenceAfter = 2500 * time.Millisecond
	}
	if c.Threshold <= 0 {
		c.Threshold = 256
	}
	return &TalkDetector{config: c, on: on, frames: newLoudness(rate), floor: minFloor}
}

// Write hears pcm.
func (d *TalkDetector) Write(pcm []int16) {
	for len(pcm) > 0 {
		rest, mean, full := d.frames.take(pcm)
		pcm = rest
		if full {
			d.frame(float64(mean))
		}
	}
}

// Talking says whether the party talks now.
func (d *TalkDetector) Talking() bool { return d.talking }

func (d *TalkDetector) frame(mean float64) {
	d.loud = d.isLoud(mean)
	d.state += frameTime
	if d.talking {
		d.listenForSilence()
	} else {
		d.listenForTalk()
	}
}

// isLoud compares a frame with the threshold and the floor, and moves the
// floor. A frame after a loud one may be 3 dB quieter.
func (d *TalkDetector) isLoud(mean float64) bool {
	limit := max(float64(d.config.Threshold), 2.5*d.floor)
	if d.loud {
		limit *= 0.7
	}
	if mean < d.floor {
		d.floor += (mean - d.floor) * 0.3
	} else {
		d.floor *= 1.005
	}
	d.floor = min(max(d.floor, minFloor), maxFloor)
	return mean >= limit
}

// listenForTalk counts loud frames up and quiet ones down, so that a word may
// have holes and a click is not a word.
func (d *TalkDetector) listenForTalk() {
	if d.loud {
		d.against += frameTime
	} else {
		d.against = max(0, d.against-frameTime)
	}
	if d.against >= d.config.TalkAfter {
		d.change()
	}
}

func (d *TalkDetector) listenForSilence() {
	if d.loud {
		d.against = 0
	} else {
		d.against += frameTime
	}
	if d.against >= d.config.SilenceAfter {
		d.change()
	}
}

// change enters the other state, which began when the evidence for it did.
func (d *TalkDetector) change() {
	lasted := d.state - d.against
	d.talking, d.state, d.against = !d.talking, d.against, 0
	if d.on != nil {
		d.on(d.talking, lasted)
	}
}
