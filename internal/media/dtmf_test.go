package media

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestM9_DTMFOut(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p, _ := l.call(ph, nil)
		done := 0
		p.SendDTMF("1w#x", DTMFOptions{Duration: 100 * time.Millisecond}, func(err error) {
			if err != nil {
				t.Error(err)
			}
			done++
		})
		p.SendDTMF("A", DTMFOptions{Duration: 40 * time.Millisecond}, func(error) { done++ })
		pass(3 * time.Second)
		got := ph.heard()
		if done != 2 {
			t.Errorf("done was called %d times", done)
		}
		type packet struct {
			Code, Duration int
			End, Marker    bool
		}
		var sent []packet
		stamps := map[uint32]bool{}
		for _, g := range got {
			ev, ok := parseEvent(g.Payload)
			if !ok || g.PayloadType != 101 {
				t.Fatalf("packet %+v", g)
			}
			sent = append(sent, packet{int(ev.code), int(ev.duration), ev.end, g.Marker})
			stamps[g.Timestamp] = true
		}
		var want []packet
		for _, d := range []struct{ code, frames int }{{1, 5}, {11, 5}, {12, 2}} {
			for i := 1; i < d.frames; i++ {
				want = append(want, packet{d.code, i * 160, false, i == 1})
			}
			for range 3 {
				want = append(want, packet{d.code, d.frames * 160, true, false})
			}
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("packets (-want +got):\n%s", diff)
		}
		if len(stamps) != 3 {
			t.Errorf("%d timestamps for 3 digits", len(stamps))
		}
		if l.e.Stats().Clocked != 0 {
			t.Error("the sender is still on the clock")
		}
		p.Close()
	})
}

func TestM9_DTMFOutWithoutEvents(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p, _ := l.call(ph, func(c *RTPConfig) { c.EventSendPT = 0 })
		var err error
		p.SendDTMF("1", DTMFOptions{}, func(e error) { err = e })
		if !errors.Is(err, ErrNoEvent) {
			t.Errorf("error %v, want ErrNoEvent", err)
		}
		err = ErrNoEvent
		p.SendDTMF("12", DTMFOptions{InBand: true}, func(e error) { err = e })
		pass(time.Second)
		if n := len(ph.heard()); err != nil || n != 16 {
			t.Errorf("%d packets of tones, error %v", n, err)
		}
		p.SendDTMF("12", DTMFOptions{InBand: true}, func(e error) { err = e })
		p.Close()
		if !errors.Is(err, ErrClosed) {
			t.Errorf("error %v, want ErrClosed", err)
		}
	})
}

// eventCase is what arrives, one packet each 20 ms, and which digits it makes.
type eventCase struct {
	name    string
	packets []eventPacket
	want    string
}

type eventPacket struct {
	ts    uint32
	code  int // -1 = audio
	end   bool
	after time.Duration // instead of 20 ms
}

var eventCases = []eventCase{
	{"one digit with three ends", []eventPacket{{1000, 1, false, 0}, {1000, 1, false, 0}, {1000, 1, true, 0}, {1000, 1, true, 0}, {1000, 1, true, 0}}, "1"},
	{"only one end arrives", []eventPacket{{1000, 1, true, 0}}, "1"},
	{"all ends lost, next event starts", []eventPacket{{1000, 1, false, 0}, {1000, 1, false, 0}, {4000, 2, false, 0}, {4000, 2, true, 0}}, "12"},
	{"all ends lost, audio goes on", []eventPacket{{1000, 10, false, 0}, {2000, -1, false, 0}, {3000, -1, false, 200 * time.Millisecond}}, "*"},
	{"audio in between does not end it", []eventPacket{{1000, 1, false, 0}, {1160, -1, false, 0}, {1000, 1, false, 0}, {1000, 1, true, 0}}, "1"},
	{"same digit twice", []eventPacket{{1000, 5, true, 0}, {3000, 5, false, 0}, {3000, 5, true, 0}}, "55"},
	{"late packets of the digit before", []eventPacket{{1000, 1, true, 0}, {3000, 2, false, 0}, {1000, 1, true, 0}, {3000, 2, true, 0}}, "12"},
	{"flash is no digit", []eventPacket{{1000, 16, true, 0}, {3000, 200, true, 0}, {5000, 15, true, 0}}, "D"},
	{"timestamp wraps", []eventPacket{{0xffffff00, 1, true, 0}, {0x100, 2, true, 0}}, "12"},
}

func TestM9_DTMFIn(t *testing.T) {
	for _, tt := range eventCases {
		t.Run(tt.name, func(t *testing.T) {
			var o output
			o.fmt = Format{}.norm()
			got := ""
			r := eventReader{on: func(d Digit) { got += string(d.Rune) }}
			at := time.Unix(1000, 0)
			for i, p := range tt.packets {
				if p.after == 0 {
					p.after = 20 * time.Millisecond
				}
				at = at.Add(p.after)
				pkt := Packet{Seq: uint16(i), TS: p.ts, SSRC: 1, At: at}
				if p.code >= 0 {
					pkt.Kind, pkt.Payload = KindEvent, event{code: uint8(p.code), end: p.end, duration: 800}.append(nil)
				}
				r.read(&pkt, &o)
			}
			if got != tt.want {
				t.Errorf("heard %q, want %q", got, tt.want)
			}
		})
	}
}

func TestM9_DTMFThroughAPort(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, _ := twoPhones(l, nil, nil)
		var got []Digit
		pa.OnDTMF(func(d Digit) { got = append(got, d) })
		a.talk(2, 1)
		a.press(3, 80)
		a.talk(2, 1)
		a.press(11, 160)
		want := []Digit{{Rune: '3', Duration: 80 * time.Millisecond}, {Rune: '#', Duration: 160 * time.Millisecond}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("digits (-want +got):\n%s", diff)
		}
		events := 0
		for _, p := range b.heard() {
			if p.PayloadType == 101 {
				events++
			}
		}
		if events != 4+3+8+3 {
			t.Errorf("%d event packets were forwarded", events)
		}
		pa.Close()
		pb.Close()
	})
}

// FuzzDTMF feeds telephone-event payloads and timestamps to the reader: no
// panic, and never more digits than packets.
func FuzzDTMF(f *testing.F) {
	for _, c := range eventCases {
		var b []byte
		for _, p := range c.packets {
			b = binary.BigEndian.AppendUint32(b, p.ts)
			b = event{code: uint8(p.code), end: p.end, duration: 800}.append(b)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var o output
		o.fmt = Format{}.norm()
		digits, packets := 0, 0
		r := eventReader{on: func(d Digit) {
			digits++
			if d.Duration < 0 || d.Rune == 0 {
				t.Fatalf("digit %+v", d)
			}
		}}
		at := time.Unix(1000, 0)
		for ; len(b) > 4; packets++ {
			pkt := Packet{Kind: Kind(b[0] & 1), TS: binary.BigEndian.Uint32(b), At: at}
			b = b[4:]
			n := min(len(b), 4)
			pkt.Payload = b[:n]
			b = b[n:]
			r.read(&pkt, &o)
			at = at.Add(time.Duration(pkt.TS%400) * time.Millisecond)
		}
		if digits > packets {
			t.Fatalf("%d digits of %d packets", digits, packets)
		}
	})
}
