package codec

import (
	"math"
	"slices"
	"testing"
)

// sine is n samples of a tone at amplitude a.
func sine(n int, hz, a float64, rate int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(a * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return out
}

// speechLike is n samples of noise through a slow envelope and two resonances,
// made with integers only so that every machine gets the same.
func speechLike(n int) []int16 {
	out := make([]int16, n)
	var seed uint32 = 1
	var y1, y2 int32
	for i := range out {
		seed = seed*1664525 + 1013904223
		envelope := int32(i % 4000)
		if envelope > 2000 {
			envelope = 4000 - envelope
		}
		x := (int32(seed>>16) - 32768) * envelope / 16000
		y := x + y1*29/16 - y2*15/16 // a resonance near 900 Hz at 16 kHz
		y = min(max(y, -30000), 30000)
		y1, y2 = y, y1
		out[i] = int16(y / 2)
	}
	return out
}

// snr is the ratio of want to want-got in dB at the best delay up to max
// samples.
func snr(want, got []int16, maxDelay int) float64 {
	best := math.Inf(-1)
	for delay := range maxDelay {
		var signal, noise float64
		for i := maxDelay; i+delay < min(len(want), len(got)); i++ {
			s, e := float64(want[i]), float64(want[i])-float64(got[i+delay])
			signal += s * s
			noise += e * e
		}
		best = max(best, 10*math.Log10(signal/noise))
	}
	return best
}

func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		name        string
		clock, rate int
		pt          int // -1 = none
	}{
		{"PCMU", 8000, 8000, 0}, {"pcma", 8000, 8000, 8}, {"G722", 8000, 16000, 9},
		{"L16", 8000, 8000, -1}, {"L16/16000", 16000, 16000, -1},
	} {
		c, ok := Lookup(tt.name)
		if !ok {
			t.Fatalf("%s: unknown", tt.name)
		}
		pt, static := c.StaticPT()
		if c.ClockRate() != tt.clock || c.SampleRate() != tt.rate || static != (tt.pt >= 0) || static && int(pt) != tt.pt {
			t.Errorf("%s: clock %d, rate %d, pt %d %v", tt.name, c.ClockRate(), c.SampleRate(), pt, static)
		}
	}
	if _, ok := Lookup("opus"); ok {
		t.Error("opus has no codec here")
	}
	for _, name := range Names() {
		if _, ok := Lookup(name); !ok {
			t.Errorf("%s listed but unknown", name)
		}
	}
}

func TestEveryCodecKeepsTheSignal(t *testing.T) {
	for _, tt := range []struct {
		name string
		want float64 // dB
	}{
		{"PCMU", 35}, {"PCMA", 35}, {"G722", 25}, {"L16", 80}, {"L16/16000", 80},
	} {
		c, _ := Lookup(tt.name)
		in := sine(8000, 1000, 10000, c.SampleRate())
		out := c.NewDecoder().Decode(nil, c.NewEncoder().Encode(nil, in))
		if got := snr(in, out, 32); got < tt.want {
			t.Errorf("%s: %.1f dB, want %.0f", tt.name, got, tt.want)
		}
	}
}

func TestFramesOfAnyLengthGiveTheSameStream(t *testing.T) {
	for _, name := range Names() {
		c, _ := Lookup(name)
		in := speechLike(1001)
		whole := c.NewEncoder().Encode(nil, in)
		enc, dec := c.NewEncoder(), c.NewDecoder()
		var parts []byte
		var audio []int16
		for from, size := 0, 1; from < len(in); from, size = from+size, size+7 {
			frame := enc.Encode(nil, in[from:min(from+size, len(in))])
			parts = append(parts, frame...)
			audio = dec.Decode(audio, frame)
		}
		if !slices.Equal(whole, parts) {
			t.Errorf("%s: encoding depends on the frames", name)
		}
		if !slices.Equal(audio, c.NewDecoder().Decode(nil, whole)) {
			t.Errorf("%s: decoding depends on the frames", name)
		}
	}
}

func TestNoAllocationPerFrame(t *testing.T) {
	for _, name := range Names() {
		c, _ := Lookup(name)
		enc, dec := c.NewEncoder(), c.NewDecoder()
		in := speechLike(320)
		payload, pcm := make([]byte, 0, 640), make([]int16, 0, 640)
		if n := testing.AllocsPerRun(100, func() {
			payload = enc.Encode(payload[:0], in)
			pcm = dec.Decode(pcm[:0], payload)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, name := range Names() {
		c, _ := Lookup(name)
		in := speechLike(c.SampleRate() / 50)
		payload := c.NewEncoder().Encode(nil, in)
		b.Run(name+"/encode", func(b *testing.B) {
			enc := c.NewEncoder()
			b.ReportAllocs()
			for b.Loop() {
				payload = enc.Encode(payload[:0], in)
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			dec, pcm := c.NewDecoder(), make([]int16, 0, 2*len(in))
			b.ReportAllocs()
			for b.Loop() {
				pcm = dec.Decode(pcm[:0], payload)
			}
		})
	}
}
