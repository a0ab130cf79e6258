package media

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
)

// reports takes the RTCP compound packets that arrived at a socket.
func reports(t *testing.T, c *fakeConn) (list [][]rtcp.Packet) {
	t.Helper()
	for {
		select {
		case d := <-c.in:
			if !isRTCP(d.b) {
				continue
			}
			p, err := rtcp.Unmarshal(d.b)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, p)
		default:
			return list
		}
	}
}

func TestM11_Reports(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		ctl := l.phone("192.0.2.1:4001").conn
		p, r := l.call(ph, nil)
		ph.talk(10, 1)
		ph.seq += 10 // ten lost
		ph.ts += 1600
		ph.talk(10, 1)
		pass(5 * time.Second)
		got := reports(t, ctl)
		if len(got) != 2 {
			t.Fatalf("%d reports, want one at the beginning and one after 5 s", len(got))
		}
		got = got[1:]
		rr, ok := got[0][0].(*rtcp.ReceiverReport)
		if !ok || len(rr.Reports) != 1 {
			t.Fatalf("first report %v", got[0][0])
		}
		if x := rr.Reports[0]; x.SSRC != ph.ssrc || x.TotalLost != 10 || x.FractionLost < 85 || x.LastSequenceNumber != 1<<16+uint32(ph.seq)-1 {
			t.Errorf("report %+v", x)
		}
		if _, ok := got[0][1].(*rtcp.SourceDescription); !ok {
			t.Errorf("no SDES: %v", got[0][1])
		}

		p.Play(Silence(time.Second), nil)
		pass(4900 * time.Millisecond)
		got = reports(t, ctl)
		sr, ok := got[0][0].(*rtcp.SenderReport)
		if len(got) != 1 || !ok {
			t.Fatalf("reports after sending: %v", got)
		}
		media := ph.heard()
		if sr.PacketCount != 50 || sr.OctetCount != 8000 || sr.SSRC != media[0].SSRC {
			t.Errorf("sender report %+v", sr)
		}
		if d := int32(sr.RTPTime - media[len(media)-1].Timestamp); d < 0 || d > 5*8000 {
			t.Errorf("the report's RTP time is %d after the last packet's", d)
		}

		// The peer answers after 100 ms and says it took 50 ms to do so.
		pass(100 * time.Millisecond)
		b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: ph.ssrc, NTPTime: ntpTime(time.Now()), Reports: []rtcp.ReceptionReport{
			{SSRC: sr.SSRC, TotalLost: 7, Jitter: 80, LastSenderReport: uint32(sr.NTPTime >> 16), Delay: 65536 / 20}}}})
		if err != nil {
			t.Fatal(err)
		}
		ctl.WriteTo(b, net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.local.Addr(), r.local.Port()+1)))
		pass(time.Millisecond)
		s := p.Stats()
		if s.RTT <= 0 || s.RTT > 500*time.Millisecond || s.RemoteLost != 7 || s.RemoteJitter != 10*time.Millisecond || s.Lost != 10 || s.PacketsIn != 20 {
			t.Errorf("stats %+v", s)
		}
		if s.MOS < 1 || s.MOS > 3.5 {
			t.Errorf("MOS %.2f with a third lost", s.MOS)
		}

		ctl.WriteTo([]byte("\x81\xc8\xff\xffgarbage"), net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.local.Addr(), r.local.Port()+1)))
		pass(time.Millisecond)
		if n := l.e.Stats().Invalid; n != 1 {
			t.Errorf("%d invalid", n)
		}
		reports(t, ctl)
		p.Close()
		got = reports(t, ctl)
		if len(got) != 1 {
			t.Fatalf("%d reports at the end", len(got))
		}
		if bye, ok := got[0][len(got[0])-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != media[0].SSRC {
			t.Errorf("the last packet is %v, not BYE", got[0])
		}
	})
}

func TestM11_ReportsOnTheSamePort(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p, r := l.call(ph, func(c *RTPConfig) { c.RTCPMux = true })
		ph.talk(5, 1)
		pass(5 * time.Second)
		if n := len(reports(t, ph.conn)); n != 2 {
			t.Errorf("%d reports on the RTP port in 5 s", n)
		}
		b, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{TotalLost: 3}}}})
		ph.raw(ph.conn, b)
		stranger := l.phone("198.51.100.1:9")
		ph.raw(stranger.conn, b[:8])
		pass(time.Millisecond)
		if s := r.Stats(); s.RemoteLost != 3 || s.Dropped != 1 {
			t.Errorf("stats %+v", s)
		}
		p.Close()
	})
}

func TestM11_JitterAndLoss(t *testing.T) {
	at := time.Unix(1000, 0)
	var c receiver
	seen := func(seq uint16, after time.Duration) {
		at = at.Add(after)
		c.seen(&Packet{Seq: seq, TS: 160 * uint32(seq), SSRC: 1, At: at}, 8000, true)
	}
	for seq := range uint16(200) {
		seen(65500+seq, 20*time.Millisecond) // wraps
	}
	if c.lost() != 0 || c.expected() != 200 || c.jitterTime(8000) > time.Millisecond {
		t.Errorf("steady stream: lost %d of %d, jitter %v", c.lost(), c.expected(), c.jitterTime(8000))
	}
	seq := c.highest
	for i := range uint32(200) {
		seen(uint16(seq+1+i), time.Duration(10+20*(i%2))*time.Millisecond)
	}
	if j := c.jitterTime(8000); j < 8*time.Millisecond || j > 12*time.Millisecond {
		t.Errorf("packets alternately 10 ms early and late: jitter %v", j)
	}
	seen(uint16(c.highest)+5, 0) // four lost
	seen(uint16(c.highest)-2, 0) // one of them comes late
	if c.lost() != 3 {
		t.Errorf("lost %d, want 3", c.lost())
	}
	if f := c.fraction(); f != uint8(3*256/405) {
		t.Errorf("fraction %d", f)
	}
	c.seen(&Packet{Seq: 9, SSRC: 2, At: at}, 8000, true) // another sender
	if c.lost() != 3 || c.expected() != 1 {
		t.Errorf("after a new SSRC: lost %d of %d", c.lost(), c.expected())
	}
}

func TestM11_MOS(t *testing.T) {
	tests := []struct {
		loss        float64
		jitter, rtt time.Duration
		min, max    float64
	}{
		{0, 0, 0, 4.3, 4.5},
		{0, 20 * time.Millisecond, 100 * time.Millisecond, 4.2, 4.4},
		{3, 0, 0, 3.9, 4.3},
		{10, 30 * time.Millisecond, 400 * time.Millisecond, 2.0, 3.2},
		{100, time.Second, 10 * time.Second, 1, 1},
	}
	for _, tt := range tests {
		if got := mos(tt.loss, tt.jitter, tt.rtt); got < tt.min || got > tt.max {
			t.Errorf("mos(%v %%, %v, %v) = %.2f, want %v to %v", tt.loss, tt.jitter, tt.rtt, got, tt.min, tt.max)
		}
	}
}

func TestM11_Timeout(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p := l.e.NewPort("x")
		var fired atomic.Int32
		p.OnTimeout(30*time.Second, func() { fired.Add(1) })
		pass(time.Hour)
		if fired.Load() != 0 {
			t.Fatal("fired without a leg")
		}
		r := l.answer(p, ph, nil)
		expect := func(what string, after time.Duration, want int32) {
			t.Helper()
			pass(after)
			if got := fired.Load(); got != want {
				t.Fatalf("%s: fired %d times, want %d", what, got, want)
			}
		}
		expect("nothing came yet", 29*time.Second, 0)
		ph.talk(5, 1)
		expect("29 s after the last packet", 29*time.Second, 0)
		expect("31 s after it", 2*time.Second, 1)
		expect("once per silence", time.Hour, 1)
		ph.talk(5, 1)
		p.SetHold(true)
		expect("on hold", 295*time.Second, 1)
		expect("on hold too long", 10*time.Second, 2)
		p.SetHold(false)
		ph.talk(5, 1)
		if err := r.Configure(RTPConfig{Remote: ph.conn.addr, SendOK: true}); err != nil { // sendonly
			t.Fatal(err)
		}
		expect("the direction lets nothing come", 200*time.Second, 2)
		p.OnTimeout(0, nil)
		expect("turned off", time.Hour, 2)
		p.Close()
	})
}

func TestSRTP(t *testing.T) {
	for suite, n := range map[string]int{"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30, "AEAD_AES_128_GCM": 28} {
		t.Run(suite, func(t *testing.T) {
			inLab(t, func(l *lab) {
				ours, theirs := bytes.Repeat([]byte{1}, n), bytes.Repeat([]byte{2}, n)
				ph := l.phone("192.0.2.1:4000")
				keys := func(c *RTPConfig) {
					c.SRTP, c.RTCPMux = &SRTPKeys{Suite: suite, Local: ours, Remote: theirs}, true
				}
				p, r := l.call(ph, keys)
				profile, err := srtpProfile(suite)
				if err != nil {
					t.Fatal(err)
				}
				enc, err := srtp.CreateContext(theirs[:16], theirs[16:], profile)
				if err != nil {
					t.Fatal(err)
				}
				dec, err := srtp.CreateContext(ours[:16], ours[16:], profile)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				r.SetSink(func(p *Packet) { got = append(got, string(p.Payload)) })
				var last []byte
				for i := range 3 {
					pkt := Packet{Seq: uint16(i), TS: uint32(i) * 160, SSRC: 7, Payload: []byte{'a' + byte(i)}}
					if last, err = enc.EncryptRTP(nil, appendRTP(nil, &pkt, 0), nil); err != nil {
						t.Fatal(err)
					}
					ph.raw(ph.conn, last)
				}
				ph.raw(ph.conn, last) // replayed
				forged := bytes.Clone(last)
				forged[len(forged)-1] ^= 1
				ph.raw(ph.conn, forged)
				ph.raw(ph.conn, []byte("\x80\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x07plain")) // not encrypted
				ph.raw(ph.conn, []byte("\x9f\x00"))
				pass(time.Millisecond)
				if len(got) != 3 || got[2] != "c" {
					t.Errorf("heard %q", got)
				}
				if s := r.Stats(); s.Dropped != 4 {
					t.Errorf("dropped %d of 4", s.Dropped)
				}
				if r.Describe().Kind != "srtp" {
					t.Errorf("kind %q", r.Describe().Kind)
				}
				play := func() {
					t.Helper()
					p.Play(Silence(60*time.Millisecond), nil)
					pass(100 * time.Millisecond)
					count := 0
					for len(ph.conn.in) > 0 {
						d := <-ph.conn.in
						if isRTCP(d.b) {
							continue
						}
						b, err := dec.DecryptRTP(nil, d.b, nil)
						if err != nil || !bytes.Equal(b[12:], bytesOf(0xff, 160)) {
							t.Fatalf("our packet: %v", err)
						}
						count++
					}
					if count != 3 {
						t.Errorf("%d packets", count)
					}
				}
				play()
				c := RTPConfig{Remote: ph.conn.addr, Codec: "PCMU", SendOK: true, RecvOK: true}
				keys(&c)
				if err := r.Configure(c); err != nil { // refreshed: keys stay in force
					t.Fatal(err)
				}
				play()
				c.SRTP = &SRTPKeys{Suite: suite, Local: ours[:5], Remote: theirs}
				if err := r.Configure(c); err == nil {
					t.Error("a short key was accepted")
				}
				c.SRTP = &SRTPKeys{Suite: "F8_128_HMAC_SHA1_80", Local: ours, Remote: theirs}
				if err := r.Configure(c); err == nil {
					t.Error("an unknown suite was accepted")
				}
				play()
				p.Close()
				if err := r.Configure(c); !errors.Is(err, ErrClosed) {
					t.Errorf("Configure after Close: %v", err)
				}
			})
		})
	}
}

// TestS6_PeerWithMKI: packets that carry the announced identifier, and those of
// a peer that announces one and leaves it out, are heard; other identifiers
// are not. Ours carry none.
func TestS6_PeerWithMKI(t *testing.T) {
	mki := []byte{0, 0, 0, 1}
	for suite, n := range map[string]int{"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30, "AEAD_AES_128_GCM": 28} {
		for name, sends := range map[string][]byte{"with": mki, "without": nil} {
			t.Run(suite+" "+name, func(t *testing.T) {
				inLab(t, func(l *lab) { peerWithMKI(t, l, suite, bytes.Repeat([]byte{2}, n), mki, sends) })
			})
		}
	}
}

func peerWithMKI(t *testing.T, l *lab, suite string, key, mki, sends []byte) {
	ph := l.phone("192.0.2.1:4000")
	p, r := l.call(ph, func(c *RTPConfig) {
		c.SRTP, c.RTCPMux = &SRTPKeys{Suite: suite, Local: key, Remote: key, RemoteMKI: mki}, true
	})
	profile, err := srtpProfile(suite)
	if err != nil {
		t.Fatal(err)
	}
	context := func(mki []byte) *srtp.Context {
		c, err := srtp.CreateContext(key[:16], key[16:], profile, srtp.MasterKeyIndicator(mki))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	enc, other := context(sends), context([]byte{9, 9, 9, 9})
	heard := ""
	r.SetSink(func(p *Packet) { heard += string(p.Payload) })
	say := func(c *srtp.Context, seq uint16, payload string) {
		pkt := Packet{Seq: seq, SSRC: 7, Payload: []byte(payload)}
		b, err := c.EncryptRTP(nil, appendRTP(nil, &pkt, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		ph.raw(ph.conn, b)
	}
	say(enc, 1, "a")
	say(other, 2, "x")
	say(enc, 3, "b")
	report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{{SSRC: r.out.ssrc, TotalLost: 5}}}})
	if err != nil {
		t.Fatal(err)
	}
	if report, err = enc.EncryptRTCP(nil, report, nil); err != nil {
		t.Fatal(err)
	}
	ph.raw(ph.conn, report)
	pass(time.Millisecond)
	if s := r.Stats(); heard != "ab" || s.Dropped != 1 || s.RemoteLost != 5 {
		t.Errorf("heard %q, %+v", heard, s)
	}
	p.Play(Silence(20*time.Millisecond), nil)
	pass(50 * time.Millisecond)
	if d := <-ph.conn.in; len(d.b) == 0 {
		t.Error("nothing sent")
	} else if _, err := context(nil).DecryptRTP(nil, d.b, nil); err != nil && !isRTCP(d.b) {
		t.Errorf("our packet: %v", err)
	}
	p.Close()
}

func TestReaderPanicEndsOneSession(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b := l.phone("192.0.2.1:4000"), l.phone("192.0.2.2:4000")
		pa, ra := l.call(a, nil)
		pb, rb := l.call(b, nil)
		ra.SetSink(func(*Packet) { panic("mistake") })
		a.talk(2, 1)
		b.talk(2, 1)
		if s := l.e.Stats(); s.Panics != 1 || s.Sessions != 1 {
			t.Errorf("stats %+v", s)
		}
		if rb.Stats().PacketsIn != 2 {
			t.Error("the other session was hurt")
		}
		l.e.panics.Store(0)
		pa.Close()
		pb.Close()
	})
}

// TestM11_ReportsOverSockets: on real sockets the slow clock collects the
// peer's reports, and the round trip does not contain the time they waited.
func TestM11_ReportsOverSockets(t *testing.T) {
	e := startEngine(t)
	defer stopEngine(t, e)
	peer := listenLoopback(t)
	p, r := socketCall(t, e, localAddr(peer), "PCMU")
	if err := r.Configure(RTPConfig{Remote: localAddr(peer), RemoteRTCP: localAddr(peer), Codec: "PCMU", SendOK: true, RecvOK: true}); err != nil {
		t.Fatal(err)
	}
	lsr := uint32(ntpTime(time.Now()) >> 16)
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{LastSenderReport: lsr, TotalLost: 5}}}})
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(r.local.Addr(), r.local.Port()+1)
	if _, err := peer.WriteToUDPAddrPort(b, to); err != nil {
		t.Fatal(err)
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for r.Stats().RemoteLost == 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("the report was never read")
		case <-poll.C:
		}
	}
	p.Close()
}
