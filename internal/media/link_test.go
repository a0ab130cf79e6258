package media

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// twoPhones are joined by a link.
func twoPhones(l *lab, editA, editB func(*RTPConfig)) (a, b *phone, pa, pb *Port, link *Link) {
	a, b = l.phone("192.0.2.1:4000"), l.phone("192.0.2.2:4100")
	pa, _ = l.call(a, editA)
	pb, _ = l.call(b, editB)
	return a, b, pa, pb, Connect(pa, pb)
}

func TestM4_RelayKeepsTheSendersTiming(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, link := twoPhones(l,
			func(c *RTPConfig) { c.SendPT, c.RecvPT, c.EventRecvPT, c.EventSendPT = 0, 96, 126, 101 },
			func(c *RTPConfig) { c.EventSendPT, c.EventRecvPT = 100, 96 })
		if link.Mode() != LinkRelay {
			t.Fatalf("mode %v", link.Mode())
		}
		a.step = 240 // 30 ms packets
		for range 4 {
			a.send(bytesOf(7, 240))
			pass(30 * time.Millisecond)
		}
		a.seq++ // one lost on the way
		a.ts += 240
		a.send(bytesOf(7, 240))
		a.pt = 126
		a.send(event{code: 5, duration: 160}.append(nil))
		pass(time.Millisecond)
		got := b.heard()
		if len(got) != 6 {
			t.Fatalf("%d packets", len(got))
		}
		if !got[0].Marker || got[1].Marker {
			t.Error("the first packet of the source has the marker, the next has not")
		}
		for i, want := range []uint32{240, 240, 240, 480, 240} {
			if d := got[i+1].Timestamp - got[i].Timestamp; d != want {
				t.Errorf("timestamp step %d is %d, want %d", i, d, want)
			}
		}
		if d := got[4].SequenceNumber - got[3].SequenceNumber; d != 2 {
			t.Errorf("loss became a sequence step of %d", d)
		}
		if got[0].PayloadType != 0 || got[5].PayloadType != 100 {
			t.Errorf("payload types %d and %d, want 0 and 100", got[0].PayloadType, got[5].PayloadType)
		}
		if got[0].SSRC == a.ssrc {
			t.Error("the sender's SSRC was passed on")
		}
		if l.e.Stats().Clocked != 0 {
			t.Error("a relay needs no clock")
		}
		link.Close()
		pa.Close()
		pb.Close()
	})
}

func TestM4_ReorderedPacketsPass(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, _ := twoPhones(l, nil, nil)
		a.talk(3, 1)
		base := rtp.Header{Version: 2, SSRC: a.ssrc}
		for _, n := range []uint16{1, 0, 2} {
			h := base
			h.SequenceNumber, h.Timestamp = a.seq+n, a.ts+160*uint32(n)
			a.packet(a.conn, rtp.Packet{Header: h, Payload: bytesOf(byte(n), 160)})
		}
		pass(time.Millisecond)
		got := b.heard()
		if len(got) != 6 {
			t.Fatalf("%d packets", len(got))
		}
		for i, want := range []uint16{3, 4, 3, 5} {
			if i > 0 && got[i+2].SequenceNumber-got[0].SequenceNumber != want {
				t.Errorf("packet %d has sequence +%d, want +%d", i+2, got[i+2].SequenceNumber-got[0].SequenceNumber, want)
			}
		}
		pa.Close()
		pb.Close()
	})
}

func TestM4_NewSourceContinuesTheStream(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, _ := twoPhones(l, nil, nil)
		a.talk(5, 1)
		a.ssrc, a.seq, a.ts = 0xabcdef, 60000, 1<<31 // another announcement server behind the same address
		a.talk(5, 2)
		a.seq, a.ts = 5, 77 // restarted under the same SSRC
		a.talk(5, 3)
		a.seq, a.ts = 65000, 1<<20 // and once more, a little before where it was
		a.talk(5, 4)
		a.seq -= 500
		a.talk(5, 5)
		got := b.heard()
		if len(got) != 25 {
			t.Fatalf("%d packets", len(got))
		}
		checkStream(t, got)
		for i, p := range got {
			if want := i%5 == 0; p.Marker != want {
				t.Errorf("packet %d: marker %v", i, p.Marker)
			}
			if i > 0 && got[i].Timestamp-got[i-1].Timestamp != 160 {
				t.Errorf("packet %d: step %d", i, got[i].Timestamp-got[i-1].Timestamp)
			}
		}
		pa.Close()
		pb.Close()
	})
}

func TestM4_EarlyMediaFlowsWhenItComes(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b := l.phone("192.0.2.1:4000"), l.phone("192.0.2.2:4100")
		pa, _ := l.call(a, nil)
		pb := l.e.NewPort("b")
		link := Connect(pa, pb)
		if link.Mode() != LinkWaiting {
			t.Fatalf("mode %v before b has a leg", link.Mode())
		}
		a.talk(3, 1) // nobody there yet
		l.answer(pb, b, nil)
		b.talk(3, 2)
		a.talk(3, 1)
		if n := len(a.heard()); n != 3 {
			t.Errorf("a heard %d packets of early media", n)
		}
		if n := len(b.heard()); n != 3 {
			t.Errorf("b heard %d packets", n)
		}
		link.Close()
		a.talk(2, 1)
		if n := len(b.heard()); n != 0 {
			t.Errorf("b heard %d packets after the link was closed", n)
		}
		pa.Close()
		pb.Close()
	})
}

func TestM4_HoldAndMute(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, _ := twoPhones(l, nil, nil)
		count := func() int { a.talk(4, 0x10); return len(b.heard()) }
		pb.SetHold(true)
		if n := count(); n != 0 {
			t.Errorf("on hold b heard %d packets of the bridge", n)
		}
		pb.SetHold(false)
		if n := count(); n != 4 {
			t.Errorf("after hold b heard %d packets", n)
		}
		silentIn := func() bool {
			a.talk(4, 0x10)
			got := b.heard()
			for _, p := range got {
				if p.Payload[0] != 0xff || len(p.Payload) != 160 {
					return false
				}
			}
			return len(got) == 4
		}
		pa.Mute(true, false)
		if !silentIn() {
			t.Error("muted a is not silence at b")
		}
		pa.Mute(false, false)
		pb.Mute(false, true)
		if !silentIn() {
			t.Error("b that shall hear nothing does not get silence")
		}
		pb.Mute(false, false)
		if silentIn() {
			t.Error("still silent after the mute was taken back")
		}
		pa.Close()
		pb.Close()
	})
}

// press sends one RFC 4733 event of the given length as a phone would.
func (ph *phone) press(code uint8, ms int) {
	pt, ts := ph.pt, ph.ts
	ph.pt = 101
	for d := 20; d <= ms; d += 20 {
		ph.ts = ts
		ph.send(event{code: code, duration: uint16(d * 8)}.append(nil))
		pass(20 * time.Millisecond)
	}
	for range 3 {
		ph.ts = ts
		ph.send(event{code: code, end: true, duration: uint16(ms * 8)}.append(nil))
	}
	ph.pt, ph.ts = pt, ts+uint32(ms*8)
	pass(time.Millisecond)
}

func TestM4_DigitsForALegWithoutEvents(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, link := twoPhones(l, nil, func(c *RTPConfig) { c.EventSendPT, c.EventRecvPT = 0, 0 })
		var got []Digit
		var to *Port
		link.OnDTMF(func(p *Port, d Digit) { to, got = p, append(got, d) })
		a.talk(3, 1)
		a.press(7, 120)
		if len(got) != 1 || got[0].Rune != '7' || got[0].Duration != 120*time.Millisecond || to != pb {
			t.Errorf("digits for INFO: %+v", got)
		}
		for _, p := range b.heard() {
			if p.PayloadType != 0 {
				t.Errorf("payload type %d was never agreed with b", p.PayloadType)
			}
		}
		link.OnDTMF(nil) // nobody sends INFO: tones
		a.press(5, 100)
		pass(300 * time.Millisecond)
		if n := len(b.heard()); n < 5 {
			t.Errorf("%d packets of tones", n)
		}
		pa.AbsorbDTMF(true)
		a.press(5, 100)
		pass(300 * time.Millisecond)
		if n := len(b.heard()); n != 0 {
			t.Errorf("%d packets although digits are absorbed", n)
		}
		pa.Close()
		pb.Close()
	})
}

func TestM5_TranscodesOnTheClock(t *testing.T) {
	for _, codecs := range [][2]string{{"PCMU", "PCMA"}, {"PCMU", "G722"}, {"G722", "PCMA"}} {
		t.Run(codecs[0]+" to "+codecs[1], func(t *testing.T) {
			inLab(t, func(l *lab) {
				a, b, pa, pb, link := twoPhones(l,
					func(c *RTPConfig) { c.Codec = codecs[0] },
					func(c *RTPConfig) { c.Codec, c.PTime = codecs[1], 30 })
				if link.Mode() != LinkTranscode {
					t.Fatalf("mode %v", link.Mode())
				}
				a.talk(100, 0x80)
				got := b.heard()
				checkStream(t, got)
				if len(got) < 60 || len(got) > 67 {
					t.Errorf("2 s of audio became %d packets of 30 ms", len(got))
				}
				for i, p := range got {
					if len(p.Payload) != 240 {
						t.Fatalf("packet %d has %d octets", i, len(p.Payload))
					}
					if i > 0 && p.Timestamp-got[i-1].Timestamp != 240 {
						t.Errorf("packet %d: timestamp step %d", i, p.Timestamp-got[i-1].Timestamp)
					}
				}
				a.press(9, 100)
				events := 0
				for _, p := range b.heard() {
					if p.PayloadType == 101 {
						events++
					}
				}
				if events != 8 {
					t.Errorf("%d event packets of 8", events)
				}
				link.Close()
				if n := l.e.Stats().Clocked; n != 0 {
					t.Errorf("%d clients on the clock after the link", n)
				}
				pa.Close()
				pb.Close()
			})
		})
	}
}

func TestM5_OpusIsPassedThroughOnly(t *testing.T) {
	inLab(t, func(l *lab) {
		opus := func(c *RTPConfig) { c.Codec, c.ClockRate, c.SendPT, c.RecvPT = "opus", 48000, 111, 111 }
		a, b, pa, pb, link := twoPhones(l, opus, opus)
		var told []LinkMode
		link.OnMode(func(m LinkMode) {
			link.mu.Lock() // held by nobody meanwhile
			defer link.mu.Unlock()
			told = append(told, m)
		})
		a.step = 960
		a.talk(3, 1)
		if got := b.heard(); len(got) != 3 || got[1].Timestamp-got[0].Timestamp != 960 || got[0].PayloadType != 111 {
			t.Errorf("opus was not relayed: %d packets", len(got))
		}
		l.answer(pb, b, nil)
		if link.Mode() != LinkIncompatible {
			t.Errorf("mode %v between opus and PCMU", link.Mode())
		}
		l.answer(pa, a, nil)
		if want := []LinkMode{LinkRelay, LinkIncompatible, LinkRelay}; !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
		pa.Close()
		pb.Close()
	})
}

// TestM5_DelayReturnsAfterAStall stops everything for 400 ms, as a stopped
// process would, and looks at the delay of each direction through a transcoding
// link (design-engine.md §11: below 60 ms within 2 s).
func TestM5_DelayReturnsAfterAStall(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, link := twoPhones(l, nil, func(c *RTPConfig) { c.Codec = "PCMA" })
		worst := func(d *direction) time.Duration {
			j := d.work.Load().jb
			j.mu.Lock()
			defer j.mu.Unlock()
			return j.delay()
		}
		a.talk(50, 1)
		if d := worst(&link.ab); d > 60*time.Millisecond {
			t.Fatalf("delay %v before the stall", d)
		}
		l.n.hold()
		a.talk(20, 1)
		l.n.release()
		pass(time.Millisecond)
		for range 100 { // 2 s
			a.talk(1, 1)
		}
		for range 50 {
			a.talk(1, 1)
			if d := worst(&link.ab); d > 60*time.Millisecond {
				t.Fatalf("delay %v two seconds after the stall", d)
			}
		}
		b.heard()
		a.talk(50, 1)
		if n := len(b.heard()); n < 49 || n > 51 {
			t.Errorf("%d packets in a second after the stall", n)
		}
		pa.Close()
		pb.Close()
	})
}

func TestM6_OneStreamWhoeverOwnsIt(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, _ := twoPhones(l, nil, nil)
		a.talk(5, 1)
		var ended error = ErrClosed
		play := pb.Play(Silence(100*time.Millisecond), func(err error) { ended = err })
		a.talk(10, 2) // prompt first, then the bridge again
		if ended != nil || play.Position() != 100*time.Millisecond {
			t.Errorf("playout ended with %v at %v", ended, play.Position())
		}
		pb.SendDTMF("1", DTMFOptions{}, nil)
		a.talk(15, 3)
		pass(400 * time.Millisecond) // a pause in which nobody sends
		pb.Play(Silence(60*time.Millisecond), nil)
		pass(200 * time.Millisecond)
		got := b.heard()
		checkStream(t, got)
		owners := map[string]int{}
		for i, p := range got {
			switch {
			case p.PayloadType == 101:
				owners["digits"]++
			case p.Payload[0] == 0xff:
				owners["prompt"]++
			default:
				owners["bridge"]++
			}
			if i == 0 {
				continue
			}
			if d := p.Timestamp - got[i-1].Timestamp; d > 160*25 {
				t.Errorf("packet %d: timestamp jumped by %d", i, d)
			}
			if p.PayloadType != got[i-1].PayloadType && p.PayloadType == 101 && !p.Marker {
				t.Errorf("packet %d begins an event without marker", i)
			}
		}
		if owners["digits"] != 7 || owners["prompt"] != 8 || owners["bridge"] < 15 {
			t.Errorf("packets per owner: %v", owners)
		}
		// In all, timestamps moved as far as time did.
		span := got[len(got)-1].Timestamp - got[0].Timestamp
		if ms := span / 8; ms < 1020 || ms > 1120 {
			t.Errorf("timestamps span %d ms", ms)
		}
		pa.Close()
		pb.Close()
	})
}

func TestM6_SwitchToAnotherBridge(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, first := twoPhones(l, nil, nil)
		c := l.phone("192.0.2.3:4200")
		pc, _ := l.call(c, nil)
		a.talk(5, 1)
		second := Connect(pb, pc) // takes b out of the first link
		a.talk(2, 1)
		c.talk(5, 2)
		checkStream(t, b.heard())
		if n := len(a.heard()); n != 0 {
			t.Errorf("a heard %d packets", n)
		}
		first.Close()
		second.Close()
		for _, p := range []*Port{pa, pb, pc} {
			p.Close()
		}
		Connect(pa, pb).Close() // closed ports join nothing and harm nothing
	})
}
