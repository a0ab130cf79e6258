package dsp_test

import (
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/media/dsp"
)

// A tone is told once, when it has lasted long enough; other tones, the dial
// tone's two and silence are not it.
func TestToneDetector(t *testing.T) {
	for name, c := range map[string]struct {
		freqs []float64
		long  time.Duration
		gap   int // samples of silence in the middle
		want  int
	}{
		"the tone":               {freqs: []float64{1100}, long: time.Second, want: 1},
		"too short":              {freqs: []float64{1100}, long: 300 * time.Millisecond},
		"another tone":           {freqs: []float64{1300}, long: time.Second},
		"two tones":              {freqs: []float64{1100, 700}, long: time.Second},
		"silence":                {long: time.Second},
		"a lost packet within":   {freqs: []float64{1100}, long: 800 * time.Millisecond, gap: 160, want: 1},
		"twice, a pause between": {freqs: []float64{1100}, long: 1600 * time.Millisecond, gap: 1600, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			heard := 0
			d := dsp.NewToneDetector(8000, dsp.ToneConfig{Frequency: 1100, Duration: 400 * time.Millisecond}, func() { heard++ })
			pcm := make([]int16, int(c.long.Seconds()*8000))
			dsp.NewToneGen(8000, dsp.Tone{Segments: []dsp.Segment{{Freqs: c.freqs}}}).Read(pcm)
			half := len(pcm) / 2
			clear(pcm[half : half+c.gap])
			for len(pcm) > 0 { // in pieces that are no frames
				n := min(len(pcm), 93)
				d.Write(pcm[:n])
				pcm = pcm[n:]
			}
			if heard != c.want {
				t.Errorf("told %d times, want %d", heard, c.want)
			}
		})
	}
}
