package media

import (
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/media/dsp"
)

func TestM7_GapsAreSilence(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, _ := twoPhones(l, nil, nil)
		in, both := &collector{}, &collector{}
		pa.Tap(in, TapOptions{In: true})
		remove := pa.Tap(both, TapOptions{In: true, Out: true})
		a.talk(50, 0x80)      // a second of a
		a.ts += 8000          // a pause, told by the timestamp
		pass(time.Second / 2) // …
		b.talk(25, 0x80)      // half a second of b meanwhile
		for range 25 {        // a again, with every fifth packet lost
			a.send(bytesOf(0x80, 160))
			if a.seq%5 == 0 {
				a.seq++
				a.ts += 160
				pass(20 * time.Millisecond)
			}
			pass(20 * time.Millisecond)
		}
		pass(time.Second)
		remove()
		remove()
		pass(20 * time.Millisecond)
		heard := map[*collector][]int16{in: in.taken(), both: both.taken()}
		second := func(c *collector, from, to int) int { return energy(heard[c][from*8 : to*8]) } // ms
		if n := len(heard[in]); n < 3500*8 || n%160 != 0 {
			t.Fatalf("%d samples", n)
		}
		for _, tt := range []struct {
			what          string
			c             *collector
			from, to      int
			least, atMost int
		}{
			{"a talks", in, 100, 1000, 20000, 33000},
			{"pause in a", in, 1150, 1950, 0, 50},
			{"b is not in a's own tap", in, 1500, 1950, 0, 50},
			{"b is in the mix", both, 1600, 1950, 20000, 33000},
			{"a with losses", in, 2100, 2500, 15000, 31000},
			{"the end", in, 3000, 3400, 0, 50},
		} {
			if e := second(tt.c, tt.from, tt.to); e < tt.least || e > tt.atMost {
				t.Errorf("%s: mean amplitude %d, want %d to %d", tt.what, e, tt.least, tt.atMost)
			}
		}
		pa.Close()
		pb.Close()
		if n := l.e.Stats().Clocked; n != 0 {
			t.Errorf("%d clients on the clock", n)
		}
	})
}

func TestM10_DetectorsHearAPort(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p, _ := l.call(ph, nil)
		meter := NewToneMeter()
		if _, _, ok := meter.Dominant(); ok {
			t.Error("a meter that heard nothing reports a tone")
		}
		p.Tap(meter, TapOptions{In: true})
		var talk []bool
		p.Tap(NewTalkSink(dsp.TalkConfig{TalkAfter: 100 * time.Millisecond, SilenceAfter: 500 * time.Millisecond},
			func(on bool, _ time.Duration) { talk = append(talk, on) }), TapOptions{In: true})
		var amd []dsp.AMDResult
		machine := NewAMDSink(dsp.AMDConfig{}, func(r dsp.AMDResult) { amd = append(amd, r) })
		p.Tap(machine, TapOptions{In: true})
		var digits []Digit
		p.OnDTMF(func(d Digit) { digits = append(digits, d) })
		p.DetectInBand(true)
		for _, f := range toneOf(t, "PCMU", "1000", 100) {
			ph.send(f)
			pass(20 * time.Millisecond)
		}
		if hz, _, ok := meter.Dominant(); !ok || hz < 985 || hz > 1015 {
			t.Errorf("meter says %.0f Hz, %v", hz, ok)
		}
		ph.talk(100, 0xff)
		for _, f := range toneOf(t, "PCMU", "770+1336/100,0/100", 10) { // a 5, once
			ph.send(f)
			pass(20 * time.Millisecond)
		}
		ph.talk(100, 0xff)
		if len(talk) < 2 || !talk[0] || talk[1] {
			t.Errorf("talk changes %v", talk)
		}
		if len(digits) != 1 || digits[0].Rune != '5' || !digits[0].InBand {
			t.Errorf("digits %+v", digits)
		}
		if len(amd) != 1 {
			t.Errorf("AMD results %+v", amd)
		}
		machine.Hangup()
		if len(amd) != 1 {
			t.Error("a second result after the first")
		}
		late := NewAMDSink(dsp.AMDConfig{}, func(r dsp.AMDResult) { amd = append(amd, r) })
		late.Hangup()
		if len(amd) != 2 || amd[1].Status != "HANGUP" {
			t.Errorf("hang-up before any audio: %+v", amd)
		}
		p.DetectInBand(false)
		p.Close()
	})
}
