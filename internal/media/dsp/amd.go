package dsp

import (
	"fmt"
	"slices"
	"time"
)

// AMDConfig holds the parameters of answering machine detection. Zero fields
// take their default, the figure of Asterisk's amd.conf.sample (spec: dialplan,
// application AMD).
type AMDConfig struct {
	InitialSilence       time.Duration // silence before the greeting that makes a machine; 2.5 s
	Greeting             time.Duration // speech that makes a machine; 1.5 s
	AfterGreetingSilence time.Duration // silence after a greeting that makes a human; 800 ms
	TotalTime            time.Duration // after which it is not sure; 5 s
	MinWord              time.Duration // speech shorter than this is no word; 100 ms
	BetweenWords         time.Duration // silence that separates words; 50 ms
	MaxWords             int           // more words than this make a machine; 3
	SilenceThreshold     int           // mean absolute amplitude below which it is silence; 256
	MaxWordLength        time.Duration // one word of this length makes a machine; 5 s
}

// WithDefaults fills what is zero.
func (c AMDConfig) WithDefaults() AMDConfig {
	set := func(d *time.Duration, ms int) {
		if *d <= 0 {
			*d = time.Duration(ms) * time.Millisecond
		}
	}
	set(&c.InitialSilence, 2500)
	set(&c.Greeting, 1500)
	set(&c.AfterGreetingSilence, 800)
	set(&c.TotalTime, 5000)
	set(&c.MinWord, 100)
	set(&c.BetweenWords, 50)
	set(&c.MaxWordLength, 5000)
	if c.MaxWords <= 0 {
		c.MaxWords = 3
	}
	if c.SilenceThreshold <= 0 {
		c.SilenceThreshold = 256
	}
	return c
}

// The values of AMDResult.Status.
const (
	AMDHuman   = "HUMAN"
	AMDMachine = "MACHINE"
	AMDNotSure = "NOTSURE"
	AMDHangup  = "HANGUP"
)

// AMDResult is what an AMD says, in the words of Asterisk's AMDSTATUS and
// AMDCAUSE.
type AMDResult struct {
	Status string // one of the constants above
	// Cause names the rule and its figures in milliseconds: "INITIALSILENCE-2500-2500",
	// "HUMAN-800-800", "LONGGREETING-1500-1500", "MAXWORDS-4-3", "MAXWORDLENGTH-5000",
	// "TOOLONG-5000", "NOAUDIODATA-0"; "" after a hangup.
	Cause string
}

// AMD decides whether a person or a machine answered, from the pattern of
// speech and silence at the start (design rule M10). It decides frame by
// frame, 20 ms each, with the rules of Asterisk: app_amd.c isAnsweringMachine
// in their order:
//
//	long silence first ─► MACHINE   a few words, then silence ─► HUMAN
//	much speech, many words or one endless word ─► MACHINE
//	none of these within TotalTime ─► NOTSURE
type AMD struct {
	config AMDConfig
	frames loudness
	result *AMDResult

	total    time.Duration // heard so far
	silence  time.Duration // of the current silence
	voice    time.Duration // all speech
	word     time.Duration // speech since the last gap between words
	words    int
	inWord   bool
	greeting bool // the first word was heard
	segments []AMDSegment
}

// AMDSegment is a stretch of speech or of silence.
type AMDSegment struct {
	Voice bool
	Long  time.Duration
	Level int // mean absolute amplitude, 0-32768
}

// AMDStats is what an AMD has measured: the grounds of its verdict.
type AMDStats struct {
	Total    time.Duration // heard
	Voice    time.Duration // all speech in it
	Words    int           // that ended a silence
	Segments []AMDSegment  // in order; the first amdSegments
}

// amdSegments bounds what is kept of a stammering line: a segment is at least
// one frame.
const amdSegments = 256

// Stats gives the measurements so far.
func (a *AMD) Stats() AMDStats {
	return AMDStats{Total: a.total, Voice: a.voice, Words: a.words, Segments: slices.Clone(a.segments)}
}

// note adds a frame to the segments.
func (a *AMD) note(mean int, voice bool) {
	n := len(a.segments)
	if n == 0 || a.segments[n-1].Voice != voice {
		if n < amdSegments {
			a.segments = append(a.segments, AMDSegment{voice, frameTime, mean})
		}
		return
	}
	s := &a.segments[n-1]
	frames := int(s.Long / frameTime)
	s.Level = (s.Level*frames + mean) / (frames + 1)
	s.Long += frameTime
}

// NewAMD starts one on audio of rate Hz.
func NewAMD(rate int, c AMDConfig) *AMD {
	// As in Asterisk it starts as if within a word: speech from the first
	// moment counts as a word only after a gap.
	return &AMD{config: c.WithDefaults(), frames: newLoudness(rate), inWord: true}
}

// Write hears pcm. done is true once there is a result, which then stays.
func (a *AMD) Write(pcm []int16) (r AMDResult, done bool) {
	for len(pcm) > 0 && a.result == nil {
		rest, mean, full := a.frames.take(pcm)
		pcm = rest
		if full {
			a.frame(mean)
		}
	}
	if a.result == nil {
		return AMDResult{}, false
	}
	return *a.result, true
}

// Hangup ends it because the party hung up.
func (a *AMD) Hangup() AMDResult {
	if a.result == nil {
		a.decide(AMDHangup, "")
	}
	return *a.result
}

// Timeout ends it because TotalTime has passed on the clock, which happens
// when no or too little audio came.
func (a *AMD) Timeout() AMDResult {
	switch {
	case a.result != nil:
	case a.total == 0:
		a.decide(AMDNotSure, "NOAUDIODATA-%d", 0)
	default:
		a.decide(AMDNotSure, "TOOLONG-%d", a.total.Milliseconds())
	}
	return *a.result
}

func (a *AMD) decide(status, cause string, figures ...any) {
	a.result = &AMDResult{Status: status, Cause: fmt.Sprintf(cause, figures...)}
}

func (a *AMD) frame(mean int) {
	a.total += frameTime
	a.note(mean, mean >= a.config.SilenceThreshold)
	switch {
	case a.total >= a.config.TotalTime:
		a.decide(AMDNotSure, "TOOLONG-%d", a.total.Milliseconds())
	case mean < a.config.SilenceThreshold:
		a.silence += frameTime
		a.hearSilence()
	default:
		a.silence = 0
		a.hearVoice()
	}
}

func (a *AMD) hearSilence() {
	if a.silence >= a.config.BetweenWords {
		a.inWord, a.word = false, 0
	}
	switch {
	case !a.greeting && a.silence >= a.config.InitialSilence:
		a.decide(AMDMachine, "INITIALSILENCE-%d-%d", a.silence.Milliseconds(), a.config.InitialSilence.Milliseconds())
	case a.greeting && a.silence >= a.config.AfterGreetingSilence:
		a.decide(AMDHuman, "HUMAN-%d-%d", a.silence.Milliseconds(), a.config.AfterGreetingSilence.Milliseconds())
	}
}

func (a *AMD) hearVoice() {
	a.word += frameTime
	a.voice += frameTime
	if a.word >= a.config.MinWord && !a.inWord {
		a.words++
		a.inWord = true
	}
	switch {
	case a.word >= a.config.MaxWordLength:
		a.decide(AMDMachine, "MAXWORDLENGTH-%d", a.word.Milliseconds())
	case a.words > a.config.MaxWords:
		a.decide(AMDMachine, "MAXWORDS-%d-%d", a.words, a.config.MaxWords)
	case a.greeting && a.voice >= a.config.Greeting:
		a.decide(AMDMachine, "LONGGREETING-%d-%d", a.voice.Milliseconds(), a.config.Greeting.Milliseconds())
	}
	if a.word >= a.config.MinWord {
		a.greeting = true
	}
}
