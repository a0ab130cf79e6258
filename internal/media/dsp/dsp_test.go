package dsp

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/zaf/g711"
)

// render gives the first d of a tone at 8 kHz, shorter if it ends.
func render(t Tone, d time.Duration) []int16 {
	pcm := make([]int16, d*8000/time.Second)
	return pcm[:NewToneGen(8000, t).Read(pcm)]
}

// single is a tone of one frequency at dBm0.
func single(hz, dBm0 float64) Tone {
	return Tone{Segments: []Segment{{Freqs: []float64{hz}}}, Gain: dBm0 - UsualLevel}
}

// companded is what G.711 µ-law leaves of pcm.
func companded(pcm []int16) []int16 {
	out := make([]int16, len(pcm))
	for i, s := range pcm {
		out[i] = g711.DecodeUlawFrame(g711.EncodeUlawFrame(s))
	}
	return out
}

// lossy silences each 20 ms packet with the given probability.
func lossy(pcm []int16, loss float64, r *rand.Rand) []int16 {
	out := slices.Clone(pcm)
	for i := 0; i+160 <= len(out); i += 160 {
		if r.Float64() < loss {
			clear(out[i : i+160])
		}
	}
	return out
}

// noisy adds noise of that peak amplitude.
func noisy(pcm []int16, peak int, r *rand.Rand) []int16 {
	out := slices.Clone(pcm)
	for i := range out {
		out[i] = sample(float64(out[i]) + float64(r.IntN(2*peak+1)-peak))
	}
	return out
}

// speech is a synthetic voice: glottal pulses of a wandering pitch through
// three wandering resonances, in syllables with short pauses. It has what
// fools DTMF detectors: strong harmonics that slide through all frequencies.
func speech(d time.Duration, seed uint64) []int16 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]int16, d*8000/time.Second)
	pitch, glide, phase := 120.0, 0.0, 0.0
	formants := [3]float64{500, 1400, 2500}
	var y1, y2 [3]float64
	loud := 0.0
	target := 1.0
	for i := range out {
		if i%1600 == 0 { // a new syllable
			pitch, glide = 90+160*r.Float64(), (r.Float64()-0.5)*4e-4
			formants = [3]float64{300 + 600*r.Float64(), 900 + 1300*r.Float64(), 2200 + 900*r.Float64()}
			target = 1
			if r.IntN(4) == 0 {
				target = 0
			}
		}
		loud += (target - loud) * 0.003
		pitch *= 1 + glide
		if phase += pitch / 8000; phase >= 1 {
			phase--
		}
		x := -0.5 / 8
		if phase < 0.125 {
			x = 0.5
		}
		sum := 0.0
		for k, f := range formants {
			const damping = 0.96
			y := x + 2*damping*math.Cos(2*math.Pi*f/8000)*y1[k] - damping*damping*y2[k]
			y1[k], y2[k] = y, y1[k]
			sum += y
		}
		out[i] = sample(sum * loud * 1500)
	}
	return out
}

func TestToneLevelAndLength(t *testing.T) {
	pcm := render(single(1000, 0), time.Second)
	var peak int16
	for _, s := range pcm {
		peak = max(peak, s)
	}
	if peak < 22600 || peak > 22700 {
		t.Errorf("0 dBm0 has a peak of %d", peak)
	}
	once, err := ParseTone("!950/330,!1400/330,!1800/330")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(render(once, 2*time.Second)); n != 990*8 {
		t.Errorf("a tone of 990 ms has %d samples", n)
	}
	if n := NewToneGen(8000, Tone{}).Read(make([]int16, 10)); n != 0 {
		t.Errorf("the empty tone has %d samples", n)
	}
}

func TestM10_CadenceOfRingback(t *testing.T) {
	tone, ok := CountryTone("us", "ringback")
	if !ok {
		t.Fatal("no tone")
	}
	pcm := render(tone, 13*time.Second)
	if len(pcm) != 13*8000 {
		t.Fatalf("it ended after %d samples", len(pcm))
	}
	for second, want := range []bool{true, true, false, false, false, false, true, true, false, false, false, false, true} {
		got := false
		for _, s := range pcm[second*8000+10 : (second+1)*8000] {
			got = got || s != 0
		}
		if got != want {
			t.Errorf("second %d: sound %v", second, got)
		}
	}
}

func TestM10_EveryCountryHasEveryTone(t *testing.T) {
	for _, want := range []string{"us", "uk", "de", "fr", "it", "es", "nl", "se", "au", "jp", "br", "in"} {
		if !slices.Contains(Countries(), want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, country := range append(Countries(), "GB") {
		for _, kind := range []string{"dial", "ringback", "ring", "busy", "congestion", "sit", "info", "milliwatt"} {
			tone, ok := CountryTone(country, kind)
			if !ok || len(tone.Segments) == 0 {
				t.Errorf("%s %s: %v", country, kind, tone)
			}
		}
	}
	if _, ok := CountryTone("xx", "dial"); ok {
		t.Error("xx has a tone")
	}
	if _, ok := CountryTone("us", "song"); ok {
		t.Error("us has a song")
	}
}

// TestM10_TonesAreWhatTheyAreNamed listens to the tones of one frequency.
func TestM10_TonesAreWhatTheyAreNamed(t *testing.T) {
	for _, tt := range []struct {
		country, kind string
		hz            float64
	}{{"de", "dial", 425}, {"fr", "dial", 440}, {"jp", "dial", 400}, {"cn", "dial", 450}, {"at", "dial", 420}, {"us", "milliwatt", 1004}, {"de", "ringback", 425}} {
		tone, _ := CountryTone(tt.country, tt.kind)
		if hz, _, ok := hear(render(tone, 300*time.Millisecond)); !ok || math.Abs(hz-tt.hz) > 1 {
			t.Errorf("%s %s: %.1f Hz %v", tt.country, tt.kind, hz, ok)
		}
	}
}

func TestParseTone(t *testing.T) {
	for _, tt := range []struct {
		spec     string
		segments int
		repeat   bool
		from     int
	}{
		{"440+480/2000,0/4000", 2, true, 0}, {"425", 1, true, 0}, {" 400*25/400 , 0/200 ", 2, true, 0},
		{"!350/100,!0/100,440", 3, true, 2}, {"!1000/50", 1, false, 0},
	} {
		got, err := ParseTone(tt.spec)
		if err != nil || len(got.Segments) != tt.segments || got.Repeat != tt.repeat || got.From != tt.from {
			t.Errorf("%q: %+v %v", tt.spec, got, err)
		}
	}
	for _, bad := range []string{"", "x", "440/", "440/0", "440/-1", "440+", "-5", "NaN", "440/99999999999", "1+2+3+4+5+6+7+8+9", "440*x", "1e9"} {
		if _, err := ParseTone(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzParseTone(f *testing.F) {
	f.Add("440+480/2000,0/4000")
	f.Add("!950/330,!1400/330,400*25")
	f.Fuzz(func(t *testing.T, spec string) {
		if tone, err := ParseTone(spec); err == nil {
			pcm := make([]int16, 1000)
			if n := NewToneGen(8000, tone).Read(pcm); n < len(pcm) && tone.Repeat {
				t.Fatalf("a tone for ever ended after %d", n)
			}
		}
	})
}

func TestToneIsTheSameInAnyPieces(t *testing.T) {
	tone, _ := CountryTone("uk", "sit")
	whole := render(tone, 3*time.Second)
	g := NewToneGen(8000, tone)
	var parts []int16
	for size := 1; len(parts) < len(whole); size += 13 {
		buf := make([]int16, min(size, len(whole)-len(parts)))
		parts = append(parts, buf[:g.Read(buf)]...)
	}
	for i := range whole {
		if d := int(whole[i]) - int(parts[i]); d > 1 || d < -1 {
			t.Fatalf("sample %d: %d and %d", i, whole[i], parts[i])
		}
	}
}

func TestResamplerKeepsTones(t *testing.T) {
	for _, tt := range []struct{ from, to int }{{8000, 16000}, {16000, 8000}, {8000, 48000}, {48000, 8000}, {16000, 48000}, {48000, 16000}, {8000, 8000}} {
		for _, hz := range []float64{200, 1000, 3000} {
			in := make([]int16, tt.from)
			NewToneGen(tt.from, single(hz, -6)).Read(in)
			r, err := NewResampler(tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			out := r.Process(nil, in)
			if len(out) != tt.to {
				t.Errorf("%v: a second has %d samples", tt, len(out))
			}
			p := NewSpectrumPeak(tt.to)
			p.Write(out)
			got, level, ok := p.Dominant()
			if !ok || math.Abs(got-hz) > 1 || math.Abs(level+6) > 0.3 {
				t.Errorf("%v: %v Hz came out as %.1f Hz %.2f dBm0 %v", tt, hz, got, level, ok)
			}
		}
	}
	if _, err := NewResampler(44100, 8000); err == nil {
		t.Error("44100 was accepted")
	}
}

func TestResamplerRemovesWhatTheLowerRateCannotHold(t *testing.T) {
	in := make([]int16, 48000)
	NewToneGen(48000, single(5000, 0)).Read(in)
	r, _ := NewResampler(48000, 8000)
	for i, s := range r.Process(nil, in)[100:] {
		if s > 50 || s < -50 {
			t.Fatalf("alias of %d at %d", s, i)
		}
	}
}

func TestResamplerIsTheSameInAnyPieces(t *testing.T) {
	in := speech(time.Second, 3)
	for _, tt := range []struct{ from, to int }{{8000, 16000}, {16000, 8000}, {48000, 8000}} {
		whole, _ := NewResampler(tt.from, tt.to)
		want := whole.Process(nil, in)
		r, _ := NewResampler(tt.from, tt.to)
		var got []int16
		for from, size := 0, 1; from < len(in); from, size = from+size, size+5 {
			got = r.Process(got, in[from:min(from+size, len(in))])
		}
		if !slices.Equal(want, got) {
			t.Errorf("%v: differs", tt)
		}
		r.Reset()
		if !slices.Equal(want, r.Process(nil, in)) {
			t.Errorf("%v: differs after Reset", tt)
		}
	}
}

// hear measures the tone in pcm of 8 kHz.
func hear(pcm []int16) (hz, dBm0 float64, ok bool) {
	p := NewSpectrumPeak(8000)
	p.Write(pcm)
	return p.Dominant()
}

func TestSpectrumPeak(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	both := Tone{Segments: []Segment{{Freqs: []float64{440, 480}}}}
	white := noisy(make([]int16, 8000), 5000, r)
	for hz := 100.0; hz < 3500; hz += 77.7 {
		pure := render(single(hz, -13), time.Second)
		for name, pcm := range map[string][]int16{
			"pure": pure, "companded": companded(pure), "noisy": noisy(pure, 1500, r),
			"a fifth lost": companded(lossy(pure, 0.2, r)), "quiet": render(single(hz, -40), time.Second),
		} {
			if got, _, ok := hear(pcm); !ok || math.Abs(got-hz) > 2 {
				t.Errorf("%s %.1f Hz: got %.1f %v", name, hz, got, ok)
			}
		}
	}
	for name, pcm := range map[string][]int16{
		"nothing": nil, "silence": make([]int16, 8000), "noise": white, "two tones": render(both, time.Second),
		"too short": render(single(1000, -13), 50*time.Millisecond), "speech": speech(time.Second, 5), "more speech": speech(time.Second, 9),
	} {
		if hz, _, ok := hear(pcm); ok {
			t.Errorf("%s: heard %.1f Hz", name, hz)
		}
	}
	p := NewSpectrumPeak(8000)
	p.Write(render(single(1000, -13), time.Second))
	p.Write(render(single(700, -13), 300*time.Millisecond))
	if hz, level, ok := p.Dominant(); !ok || math.Abs(hz-700) > 1 || math.Abs(level+13) > 0.5 {
		t.Errorf("after a change: %.1f Hz %.1f dBm0 %v", hz, level, ok)
	}
	p.Reset()
	if _, _, ok := p.Dominant(); ok {
		t.Error("an answer after Reset")
	}
}

func TestNothingAllocatesPerFrame(t *testing.T) {
	pcm, out := speech(20*time.Millisecond, 1), make([]int16, 0, 960)
	up, _ := NewResampler(8000, 16000)
	gen := NewToneGen(8000, single(440, -13))
	dtmf, talk, peak := NewDTMFDetector(8000, nil), NewTalkDetector(8000, TalkConfig{}, nil), NewSpectrumPeak(8000)
	out = up.Process(out[:0], pcm)
	if n := testing.AllocsPerRun(200, func() {
		out = up.Process(out[:0], pcm)
		gen.Read(pcm)
		dtmf.Write(pcm)
		talk.Write(pcm)
		peak.Write(pcm)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	voice := speech(20*time.Millisecond, 1)
	digit := render(DTMFTone("5", time.Second, 0), 20*time.Millisecond)
	buf, out := make([]int16, 160), make([]int16, 0, 960)
	up, _ := NewResampler(8000, 16000)
	gen := NewToneGen(8000, Tone{Segments: []Segment{{Freqs: []float64{440, 480}}}})
	dtmf, talk, peak := NewDTMFDetector(8000, nil), NewTalkDetector(8000, TalkConfig{}, nil), NewSpectrumPeak(8000)
	for _, bench := range []struct {
		name string
		run  func()
	}{
		{"resample 8 to 16", func() { out = up.Process(out[:0], voice) }},
		{"tone", func() { gen.Read(buf) }},
		{"DTMF silence", func() { dtmf.Write(buf[:0:0]); dtmf.Write(make([]int16, 160)) }},
		{"DTMF digit", func() { dtmf.Write(digit) }},
		{"DTMF speech", func() { dtmf.Write(voice) }},
		{"talk", func() { talk.Write(voice) }},
		{"spectrum write", func() { peak.Write(voice) }},
		{"spectrum answer", func() { peak.Dominant() }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.run()
			}
		})
	}
}
