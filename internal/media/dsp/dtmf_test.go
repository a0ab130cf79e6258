package dsp

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// digits gives what a detector at 8 kHz hears in pcm.
func digits(pcm []int16) string {
	heard := ""
	d := NewDTMFDetector(8000, func(g DTMFDigit) { heard += string(g.Rune) })
	for from := 0; from < len(pcm); from += 160 {
		d.Write(pcm[from:min(from+160, len(pcm))])
	}
	d.Flush()
	return heard
}

const allDigits = "1234567890*#ABCD"

// pair is a digit with its two frequencies detuned and levelled by hand.
func pair(d rune, detune, rowDB, colDB float64, on time.Duration) []int16 {
	row, col, _ := dtmfFrequencies(d)
	a := render(Tone{Segments: []Segment{{Freqs: []float64{row * (1 + detune)}, For: on}}, Gain: rowDB - UsualLevel}, on)
	b := render(Tone{Segments: []Segment{{Freqs: []float64{col * (1 + detune)}, For: on}}, Gain: colDB - UsualLevel}, on)
	for i := range a {
		a[i] += b[i]
	}
	return append(a, make([]int16, 400)...)
}

func TestM9_InBandDigits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	clean := render(DTMFTone(allDigits+"a", 100*time.Millisecond, 80*time.Millisecond), 10*time.Second)
	for name, pcm := range map[string][]int16{
		"clean": clean, "companded": companded(clean), "noisy": noisy(clean, 1500, r),
		"as short as allowed": render(DTMFTone(allDigits+"a", 45*time.Millisecond, 45*time.Millisecond), 10*time.Second),
	} {
		if got := digits(pcm); got != allDigits+"A" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := digits(render(DTMFTone("5 5x5", 60*time.Millisecond, 50*time.Millisecond), time.Second)); got != "555" {
		t.Errorf("the same digit three times: %s", got)
	}
}

// TestM9_InBandTolerances follows ITU-T Q.24: 1.5 % off is a digit, 3.5 % off
// is none; so are levels down to -25 dBm0 and twists of 6 and 3 dB.
func TestM9_InBandTolerances(t *testing.T) {
	for _, tt := range []struct {
		name             string
		detune, row, col float64
		want             bool
	}{
		{"1.5 % high", 0.015, -7, -7, true}, {"1.5 % low", -0.015, -7, -7, true},
		{"6 % high", 0.06, -7, -7, false},
		{"quiet", 0, -25, -25, true}, {"very quiet", 0, -55, -55, false},
		{"column 6 dB up", 0, -13, -7, true}, {"row 3 dB up", 0, -7, -10, true},
		{"column 12 dB up", 0, -19, -7, false}, {"row 9 dB up", 0, -7, -16, false},
		{"row alone", 0, -7, -90, false},
	} {
		for _, d := range allDigits {
			got := digits(pair(d, tt.detune, tt.row, tt.col, 100*time.Millisecond))
			if want := string(d); got != want && tt.want || got != "" && !tt.want {
				t.Errorf("%s %c: %q", tt.name, d, got)
			}
		}
	}
}

func TestM9_InBandDurationAndRates(t *testing.T) {
	for _, rate := range []int{8000, 16000} {
		pcm := make([]int16, rate)
		n := NewToneGen(rate, DTMFTone("7", 500*time.Millisecond, 100*time.Millisecond)).Read(pcm)
		var heard []DTMFDigit
		NewDTMFDetector(rate, func(d DTMFDigit) { heard = append(heard, d) }).Write(pcm[:n])
		if len(heard) != 1 || heard[0].Rune != '7' || math.Abs(heard[0].Duration.Seconds()-0.5) > 0.026 {
			t.Errorf("%d Hz: %v", rate, heard)
		}
	}
}

func TestM9_OneBadBlockDoesNotSplitADigit(t *testing.T) {
	pcm := render(DTMFTone("4", 200*time.Millisecond, 100*time.Millisecond), time.Second)
	clear(pcm[800:850])
	if got := digits(pcm); got != "4" {
		t.Errorf("got %q", got)
	}
}

// TestM9_TalkOff speaks for three minutes: none of it may be a digit.
func TestM9_TalkOff(t *testing.T) {
	for seed := range uint64(3) {
		if got := digits(speech(time.Minute, seed)); got != "" {
			t.Errorf("voice %d was heard as %q", seed, got)
		}
	}
	r := rand.New(rand.NewPCG(8, 9))
	if got := digits(noisy(make([]int16, 60*8000), 20000, r)); got != "" {
		t.Errorf("noise was heard as %q", got)
	}
	for _, country := range Countries() {
		for _, kind := range []string{"dial", "ringback", "busy", "congestion", "sit", "milliwatt"} {
			tone, _ := CountryTone(country, kind)
			if got := digits(render(tone, 10*time.Second)); got != "" {
				t.Errorf("%s %s was heard as %q", country, kind, got)
			}
		}
	}
}

// TestM9_DigitUnderSpeech dials over a voice 10 dB below the digits.
func TestM9_DigitUnderSpeech(t *testing.T) {
	pcm := render(DTMFTone("159D", 120*time.Millisecond, 100*time.Millisecond), 5*time.Second)
	voice := speech(5*time.Second, 77)
	out := slices.Clone(pcm)
	for i := range out {
		out[i] = sample(float64(pcm[i]) + float64(voice[i])/8)
	}
	if got := digits(out); got != "159D" {
		t.Errorf("got %q", got)
	}
}
