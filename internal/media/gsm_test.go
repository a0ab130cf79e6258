package media

import (
	"math"
	"strconv"
	"testing"
	"time"
)

// A phone that speaks GSM talks with one that speaks something else, in frames
// of 20 ms whatever is asked for, and hears prompts.
func TestGSMOnALeg(t *testing.T) {
	inLab(t, func(l *lab) {
		far := func(name string, p *Port, f Format) *Port {
			near, away := NewPipe()
			phone := l.e.NewPort(name)
			phone.SetLeg(away, f)
			p.SetLeg(near, f)
			t.Cleanup(func() { near.Close(); away.Close() })
			return phone
		}
		a, b := l.e.NewPort("a"), l.e.NewPort("b")
		phoneA := far("phone a", a, Format{Codec: "GSM", PTime: 30})
		phoneB := far("phone b", b, Format{Codec: "PCMU"})
		if f, _ := a.Format(); f.PTime != 20 {
			t.Errorf("GSM in packets of %d ms", f.PTime)
		}
		link := Connect(a, b)
		if link.Mode() != LinkTranscode {
			t.Errorf("mode %v", link.Mode())
		}
		say := func(p *Port, hz string) {
			src, err := Tone(hz)
			if err != nil {
				t.Fatal(err)
			}
			p.Play(src, func(error) {})
		}
		// The ear is there from the beginning: a decoder of GSM that begins in the
		// middle of a steady tone takes long to find it.
		expect := func(what string, ear, mouth *Port, hz float64) {
			t.Helper()
			m := NewToneMeter()
			remove := ear.Tap(m, TapOptions{In: true})
			defer remove()
			say(mouth, strconv.Itoa(int(hz)))
			<-time.After(time.Second)
			if got, _, ok := m.Dominant(); !ok || math.Abs(got-hz) > 10 {
				t.Errorf("%s: %v Hz, want %v", what, got, hz)
			}
		}
		expect("from GSM", phoneB, phoneA, 500)
		expect("to GSM", phoneA, phoneB, 900)
		expect("prompt in GSM", phoneA, a, 1300)
		for _, p := range []*Port{a, b, phoneA, phoneB} {
			p.Close()
		}
	})
}
