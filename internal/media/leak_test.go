package media

import (
	"runtime"
	"testing"
	"time"
)

// TestNothingIsLeft opens and closes 1,000 bridged calls of every kind. A timer
// or goroutine that stayed would keep the bubble from ending, or be counted.
func TestNothingIsLeft(t *testing.T) {
	inLab(t, func(l *lab) {
		pass(time.Second)
		before := runtime.NumGoroutine()
		x, y := l.phone("192.0.2.1:4000"), l.phone("192.0.2.2:4000")
		for i := range 1000 {
			pa, _ := l.call(x, nil)
			pb, _ := l.call(y, func(c *RTPConfig) {
				if i%2 == 0 {
					c.Codec = "PCMA"
				}
			})
			link := Connect(pa, pb)
			switch i % 5 {
			case 0:
				pa.Play(Silence(0), nil)
			case 1:
				pa.SendDTMF("123", DTMFOptions{}, nil)
			case 2:
				pb.Tap(NewToneMeter(), TapOptions{In: true, Out: true})
				pb.DetectInBand(true)
			case 3:
				pa.OnTimeout(time.Second, func() {})
				m := l.e.NewMixer(0)
				if _, err := m.Add(pa, MemberOptions{}); err != nil {
					t.Fatal(err)
				}
				defer m.Close()
			}
			x.talk(1, 1)
			x.heard()
			y.heard()
			if i%3 == 0 {
				link.Close()
			}
			pa.Close()
			pb.Close()
		}
		pass(time.Second)
		if after := runtime.NumGoroutine(); after > before+20 { // of 1,000 calls; the process has a few of its own
			t.Errorf("%d goroutines, %d before", after, before)
		}
		if s := l.e.Stats(); s.Sessions != 0 || s.Ports != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestPipe(t *testing.T) {
	inLab(t, func(l *lab) {
		// phone a - port pa ═ link ═ p1 ~pipe~ p2 ═ link ═ pb - phone b
		a, b := l.phone("192.0.2.1:4000"), l.phone("192.0.2.2:4000")
		pa, _ := l.call(a, nil)
		pb, _ := l.call(b, nil)
		x, y := NewPipe()
		p1, p2 := l.e.NewPort(";1"), l.e.NewPort(";2")
		f := Format{Codec: "PCMU", EventPT: true}
		p1.SetLeg(x, f)
		p2.SetLeg(y, f)
		Connect(pa, p1)
		Connect(p2, pb)
		a.talk(5, 1)
		b.talk(5, 2)
		if n := len(a.heard()); n != 5 {
			t.Errorf("a heard %d packets", n)
		}
		if n := len(b.heard()); n != 5 {
			t.Errorf("b heard %d packets", n)
		}
		for _, p := range []*Port{pa, pb, p1, p2} {
			p.Close()
		}
		if err := x.Send(&Packet{}); err != ErrClosed {
			t.Errorf("Send after Close: %v", err)
		}
	})
}

// TestPipeInARing joins the two ends of a pipe by a link: a Local channel that
// was bridged with itself. Nothing locks up and nothing turns for ever.
func TestPipeInARing(t *testing.T) {
	inLab(t, func(l *lab) {
		x, y := NewPipe()
		p1, p2 := l.e.NewPort(";1"), l.e.NewPort(";2")
		p1.SetLeg(x, Format{Codec: "PCMU"})
		p2.SetLeg(y, Format{Codec: "PCMU"})
		link := Connect(p1, p2)
		ended := false
		p1.Play(Silence(time.Second), func(error) { ended = true })
		pass(2 * time.Second)
		if !ended {
			t.Error("the playout hangs")
		}
		link.Close()
		p1.Close()
		p2.Close()
	})
}
