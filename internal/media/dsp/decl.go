package dsp

import (
	"errors"
	"time"
)

// Resampler converts a stream between 8, 16 and 48 kHz.
type Resampler struct{}

// NewResampler makes a converter between two of 8000, 16000 and 48000 Hz.
func NewResampler(from, to int) (*Resampler, error) { return &Resampler{}, nil }

// Process appends the converted src to dst. Any length of src.
func (r *Resampler) Process(dst, src []int16) []int16 { return append(dst, src...) }

// Reset forgets the past of the stream.
func (r *Resampler) Reset() {}

// Segment is one step of a cadence.
type Segment struct {
	Freqs []float64     // Hz, added up; none = silence
	For   time.Duration // 0 = for ever
}

// Tone is a cadence.
type Tone struct {
	Segments []Segment
	Repeat   bool    // from the first segment on, for ever
	Level    float64 // dBm0 per frequency; 0 = DefaultLevel
}

// ParseTone reads "440+480/2000,0/4000".
func ParseTone(spec string) (Tone, error) { return Tone{}, errors.New("not built yet") }

// CountryTone gives a tone by country ("us") and kind ("dial", "ringback", "busy", "congestion", "sit", "milliwatt").
func CountryTone(country, kind string) (Tone, bool) { return Tone{}, false }

// Countries lists the countries of the table.
func Countries() []string { return nil }

// ToneGen produces a tone.
type ToneGen struct{}

// NewToneGen starts the tone at rate Hz.
func NewToneGen(rate int, t Tone) *ToneGen { return &ToneGen{} }

// Read fills pcm and returns how many samples it wrote; fewer than len(pcm) at the end of a tone that does not repeat.
func (g *ToneGen) Read(pcm []int16) int { clear(pcm); return len(pcm) }

// DTMFTone gives the tone of digits "0-9*#A-D", each on and off for that long; other characters are left out.
func DTMFTone(digits string, on, off time.Duration) Tone { return Tone{} }

// DTMFDigit is one digit heard.
type DTMFDigit struct {
	Rune     rune
	Duration time.Duration
}

// DTMFDetector finds DTMF digits in audio.
type DTMFDetector struct{}

// NewDTMFDetector listens to audio of rate 8000 or 16000; on is called at the end of each digit.
func NewDTMFDetector(rate int, on func(DTMFDigit)) *DTMFDetector { return &DTMFDetector{} }

// Write hears pcm.
func (d *DTMFDetector) Write(pcm []int16) {}

// TalkConfig configures a TalkDetector.
type TalkConfig struct {
	TalkAfter    time.Duration // speech this long is talk; 0 = 200 ms
	SilenceAfter time.Duration // silence this long ends talk; 0 = 2.5 s
	Threshold    int           // mean absolute amplitude that is always talk-worthy at least; 0 = 256
}

// TalkDetector says when a party starts and stops to talk.
type TalkDetector struct{}

// NewTalkDetector listens to audio of that rate; on is called at each change.
func NewTalkDetector(rate int, c TalkConfig, on func(talking bool, lasted time.Duration)) *TalkDetector {
	return &TalkDetector{}
}

// Write hears pcm.
func (d *TalkDetector) Write(pcm []int16) {}

// Talking says whether the party talks now.
func (d *TalkDetector) Talking() bool { return false }

// SpectrumPeak measures the dominant frequency of audio.
type SpectrumPeak struct{}

// NewSpectrumPeak listens to audio of that rate.
func NewSpectrumPeak(rate int) *SpectrumPeak { return &SpectrumPeak{} }

// Write hears pcm.
func (s *SpectrumPeak) Write(pcm []int16) {}

// Dominant gives the frequency in Hz and level in dBm0 of the tone heard during the last quarter second; ok is false when there was no single tone.
func (s *SpectrumPeak) Dominant() (hz, level float64, ok bool) { return 0, 0, false }

// AMDConfig holds the parameters of answering machine detection.
type AMDConfig struct {
	InitialSilence, Greeting, AfterGreetingSilence, TotalTime, MinWord, BetweenWords, MaxWordLength time.Duration
	MaxWords, SilenceThreshold                                                                      int
}

// AMDResult is what AMD says.
type AMDResult struct {
	Status string // HUMAN, MACHINE, NOTSURE, HANGUP
	Cause  string // as Asterisk writes it: "INITIALSILENCE-2500-2500"
}

// AMD is an answering machine detection.
type AMD struct{}

// NewAMD starts one on audio of that rate.
func NewAMD(rate int, c AMDConfig) *AMD { return &AMD{} }

// Write hears pcm; done once there is a result.
func (a *AMD) Write(pcm []int16) (AMDResult, bool) { return AMDResult{}, false }

// Hangup ends it because the party hung up.
func (a *AMD) Hangup() AMDResult { return AMDResult{} }
