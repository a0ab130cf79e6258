package media

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// packets of all shapes; want nil = payload "pay".
var rtpCases = []struct {
	name string
	b    []byte
	want error
}{
	{"plain", []byte("\x80\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03pay"), nil},
	{"marker and payload type 101", []byte("\x80\xe5\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03pay"), nil},
	{"one CSRC", []byte("\x81\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03CSRCpay"), nil},
	{"empty extension", []byte("\x90\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\xbe\xde\x00\x00pay"), nil},
	{"padded extension", []byte("\x90\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\xbe\xde\x00\x01\x10\xaa\x00\x00pay"), nil},
	{"extension and padding", []byte("\xb0\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\xbe\xde\x00\x01\x10\xaa\x00\x00pay\x00\x00\x03"), nil},
	{"padding", []byte("\xa0\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03pay\x01"), nil},
	{"zero length", nil, errShort},
	{"one octet", []byte{0x80}, errShort},
	{"eleven octets", []byte("\x80\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00"), errShort},
	{"version 1", []byte("\x40\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03pay"), errVersion},
	{"STUN", []byte("\x00\x01\x00\x00\x21\x12\xa4\x42aaaaaaaaaaaa"), errVersion},
	{"15 CSRCs that are not there", []byte("\x8f\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03pay"), errShort},
	{"X bit without extension", []byte("\x90\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03"), errShort},
	{"extension longer than the packet", []byte("\x90\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\xbe\xde\xff\xffpay"), errShort},
	{"extension one word too long", []byte("\x90\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\xbe\xde\x00\x01pay"), errShort},
	{"padding of zero", []byte("\xa0\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03pay\x00"), errPadding},
	{"padding longer than the payload", []byte("\xa0\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03pay\x05"), errPadding},
	{"padding without payload", []byte("\xa0\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03"), errPadding},
}

func TestM2_ParseRTP(t *testing.T) {
	for _, tt := range rtpCases {
		t.Run(tt.name, func(t *testing.T) {
			var p Packet
			err := parseRTP(tt.b, &p)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error = %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			if string(p.Payload) != "pay" || p.Seq != 1 || p.TS != 2 || p.SSRC != 3 {
				t.Errorf("got %+v", p)
			}
			if p.Marker != (tt.b[1]&0x80 != 0) || p.PT != tt.b[1]&0x7f {
				t.Errorf("marker %v, payload type %d", p.Marker, p.PT)
			}
		})
	}
}

// FuzzRTP checks that no datagram panics the parser, that what it accepts lies
// inside the datagram, agrees with pion's parser, and survives our serialiser.
func FuzzRTP(f *testing.F) {
	for _, tt := range rtpCases {
		f.Add(tt.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Packet
		if parseRTP(b, &p) != nil {
			return
		}
		var other rtp.Packet
		if err := other.Unmarshal(b); err == nil && !bytes.Equal(other.Payload, p.Payload) && len(other.Payload)+len(p.Payload) > 0 {
			t.Fatalf("payload %x, pion %x", p.Payload, other.Payload)
		}
		var again Packet
		if err := parseRTP(appendRTP(nil, &p, p.PT), &again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Payload, p.Payload) || again.Seq != p.Seq || again.TS != p.TS || again.SSRC != p.SSRC || again.Marker != p.Marker || again.PT != p.PT {
			t.Fatalf("%+v became %+v", p, again)
		}
	})
}

// FuzzRTCP feeds compound packets to a session's report reader.
func FuzzRTCP(f *testing.F) {
	rr := rtcp.ReceptionReport{SSRC: 1, LastSenderReport: 5, Delay: 1, TotalLost: 1<<24 - 1, Jitter: 9}
	for _, list := range [][]rtcp.Packet{
		{&rtcp.SenderReport{SSRC: 1, NTPTime: 1 << 40, Reports: []rtcp.ReceptionReport{rr}}, rtcp.NewCNAMESourceDescription(1, "a@b")},
		{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{rr}}},
		{&rtcp.ReceiverReport{SSRC: 1}, &rtcp.Goodbye{Sources: []uint32{1}, Reason: "bye"}},
	} {
		b, err := rtcp.Marshal(list)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint16(8000))
	}
	f.Add([]byte("\x81\xc8\x00\x00"), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, rate uint16) {
		var p peerReport
		p.read(b, time.Unix(1e9, 0), int(rate)) //nolint:errcheck // any error is fine
		if p.rtt < 0 || p.rtt > time.Minute || p.jitter < 0 {
			t.Fatalf("absurd report %+v", p)
		}
	})
}

func TestM2_UnknownPayloadTypeIsCountedAndDropped(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p, r := l.call(ph, nil)
		got := 0
		r.SetSink(func(*Packet) { got++ })
		ph.talk(3, 1)
		ph.pt = 18 // not negotiated
		ph.talk(2, 1)
		ph.raw(ph.conn, []byte("garbage that is no RTP"))
		ph.raw(ph.conn, nil)
		pass(time.Second)
		s := l.e.Stats()
		if got != 3 || s.UnknownPT != 2 || s.Invalid != 2 || s.PacketsIn != 3 {
			t.Errorf("%d delivered, stats %+v", got, s)
		}
		if d := p.Stats().Dropped; d != 4 {
			t.Errorf("port counts %d dropped", d)
		}
		p.Close()
	})
}

// TestM2_PeerSendsAnotherAgreedCodec: whatever of the agreed codecs arrives, the
// other side gets the one that it was told.
func TestM2_PeerSendsAnotherAgreedCodec(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b, pa, pb, link := twoPhones(l, func(c *RTPConfig) {
			c.Also = []Also{{PT: 8, Codec: "PCMA"}, {PT: 9, Codec: "G722"}, {PT: 111, Codec: "opus", ClockRate: 48000}, {PT: 0, Codec: "PCMU"}, {PT: 200}}
		}, nil)
		for _, tt := range []struct {
			pt   uint8
			name string
		}{{0, "PCMU"}, {8, "PCMA"}, {9, "G722"}, {0, "PCMU"}} {
			a.pt = tt.pt
			for _, f := range toneOf(t, tt.name, "1000", 25) {
				a.send(f)
				pass(20 * time.Millisecond)
			}
			var payloads [][]byte
			for _, p := range b.heard() {
				if p.PayloadType != 0 || len(p.Payload) != 160 {
					t.Fatalf("%s: payload type %d with %d octets", tt.name, p.PayloadType, len(p.Payload))
				}
				payloads = append(payloads, p.Payload)
			}
			if n := len(payloads); n != 25 {
				t.Fatalf("%s: %d packets", tt.name, n)
			}
			if lv := levels("PCMU", payloads[5:], 1000, 1500); lv[0] < 0.02 || lv[1] > lv[0]/10 {
				t.Errorf("%s: levels %.3f", tt.name, lv)
			}
		}
		a.pt = 111 // cannot be converted
		a.talk(2, 1)
		if s := l.e.Stats(); s.UnknownPT != 2 || link.Mode() != LinkRelay {
			t.Errorf("stats %+v, mode %v", s, link.Mode())
		}
		pa.Close()
		pb.Close()
	})
}

func TestM3_Learner(t *testing.T) {
	sdp := netip.MustParseAddrPort("192.0.2.1:4000")
	nat := netip.MustParseAddrPort("203.0.113.9:61000")
	evil := netip.MustParseAddrPort("198.51.100.66:5555")
	type packet struct {
		from netip.AddrPort
		ssrc uint32
		seq  uint16
		want bool
	}
	tests := []struct {
		name    string
		strict  bool
		packets []packet
		target  netip.AddrPort
	}{
		{"SDP address is heard at once", false, []packet{{sdp, 1, 1, true}}, sdp},
		{"NAT wins with the third", false, []packet{{nat, 1, 1, false}, {nat, 1, 2, false}, {nat, 1, 3, true}, {sdp, 2, 1, false}}, nat},
		{"another SSRC starts the count again", false, []packet{{nat, 1, 1, false}, {nat, 1, 2, false}, {nat, 2, 3, false}, {nat, 2, 4, false}, {nat, 2, 5, true}}, nat},
		{"a sequence that does not rise starts it again", false, []packet{{nat, 1, 9, false}, {nat, 1, 8, false}, {nat, 1, 7, false}, {nat, 1, 6, false}}, sdp},
		{"sequence wraps", false, []packet{{nat, 1, 65534, false}, {nat, 1, 65535, false}, {nat, 1, 0, true}}, nat},
		{"hijack while the peer talks", false, []packet{{sdp, 1, 1, true}, {evil, 2, 1, false}, {evil, 2, 2, false}, {sdp, 1, 2, true}, {evil, 2, 3, false}, {evil, 2, 4, false}}, sdp},
		{"hijack after the peer was locked", false, []packet{{sdp, 1, 1, true}, {sdp, 1, 2, true}, {sdp, 1, 3, true}, {evil, 1, 4, false}, {evil, 1, 5, false}, {evil, 1, 6, false}, {evil, 1, 7, false}, {sdp, 1, 8, true}}, sdp},
		{"strict learns nothing", true, []packet{{nat, 1, 1, false}, {nat, 1, 2, false}, {nat, 1, 3, false}, {sdp, 1, 4, true}}, sdp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l learner
			l.setRemote(sdp, tt.strict)
			for i, p := range tt.packets {
				if got := l.accept(p.from, p.ssrc, p.seq); got != p.want {
					t.Fatalf("packet %d from %v: accepted %v", i, p.from, got)
				}
			}
			if l.target() != tt.target {
				t.Errorf("target %v, want %v", l.target(), tt.target)
			}
		})
	}
}

func TestM3_SDPChangeUnlocks(t *testing.T) {
	sdp := netip.MustParseAddrPort("192.0.2.1:4000")
	nat := netip.MustParseAddrPort("203.0.113.9:61000")
	var l learner
	l.setRemote(sdp, false)
	for seq := range uint16(3) {
		l.accept(nat, 1, seq)
	}
	for _, same := range []string{"192.0.2.1:4000", "0.0.0.0:4000"} { // refreshed session, old form of hold
		if l.setRemote(netip.MustParseAddrPort(same), false); l.target() != nat {
			t.Errorf("remote %s made us send to %v", same, l.target())
		}
	}
	moved := netip.MustParseAddrPort("192.0.2.7:4000")
	l.setRemote(moved, false)
	if l.target() != moved || !l.accept(moved, 5, 1) || l.accept(nat, 1, 9) {
		t.Errorf("a new address did not start anew: %+v", l)
	}
}

func TestM3_SymmetricSession(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		behind := l.phone("203.0.113.9:61000") // what the NAT makes of it
		p, r := l.call(ph, nil)
		play := p.Play(Silence(0), nil)
		for range 5 {
			ph.sendFrom(behind.conn, bytesOf(1, 160))
			pass(20 * time.Millisecond)
		}
		behind.heard()
		pass(100 * time.Millisecond)
		if n := len(behind.heard()); n < 4 {
			t.Errorf("%d packets to the learned address", n)
		}
		if got := r.Describe().Remote; got != behind.conn.addr {
			t.Errorf("remote %v", got)
		}
		ph.heard()
		ph.talk(3, 2) // the SDP address is a stranger now
		if s := l.e.Stats(); s.Foreign != 5 {
			t.Errorf("%d foreign packets, want 2 while learning and 3 after", s.Foreign)
		}
		if n := len(ph.heard()); n != 0 {
			t.Errorf("%d packets to the old address", n)
		}
		play.Stop()
		p.Close()
	})
}
