package sip

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// ear is a phone's RTP socket.
type ear struct {
	t    *testing.T
	conn net.PacketConn
	port string
}

func newEar(t *testing.T) *ear {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, port, _ := net.SplitHostPort(c.LocalAddr().String())
	return &ear{t, c, port}
}

// say sends RTP packets of 20 ms until stop is closed.
func (e *ear) say(to netip.AddrPort, pt, sample byte, stop <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	p := make([]byte, 12+160)
	p[0], p[1] = 0x80, pt
	for i := range p[12:] {
		p[12+i] = sample
	}
	for n := uint16(1); ; n++ {
		p[2], p[3] = byte(n>>8), byte(n)
		ts := uint32(n) * 160
		p[4], p[5], p[6], p[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
		if _, err := e.conn.WriteTo(p, net.UDPAddrFromAddrPort(to)); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// hear waits for a packet that is full of sample.
func (e *ear) hear(pt, sample byte) {
	e.t.Helper()
	if err := e.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		e.t.Fatal(err)
	}
	buf := make([]byte, 2000)
	for {
		n, _, err := e.conn.ReadFrom(buf)
		if err != nil {
			e.t.Fatalf("no packet with %#x: %v", sample, err)
		}
		if n == 12+160 && buf[1]&0x7f == pt && buf[20] == sample && buf[100] == sample {
			return
		}
	}
}

func TestS5_TwoPhonesAreBridgedInTheCodecOfTheFirstAndHearEachOther(t *testing.T) {
	s := start(t, nil)
	a, b := newPeer(t, peerOptions{}), newPeer(t, peerOptions{transport: "tcp"})
	a.register(s, "101")
	b.register(s, "102")
	earA, earB := newEar(t), newEar(t)

	first := s.originate("PJSIP/101", nil)
	a.next().answer(sdpText("m=audio " + earA.port + " RTP/AVP 8"))
	s.awaitState(first, pbx.Up)
	second := s.originate("PJSIP/102", func(o *pbx.OriginateOptions) { o.Originator = first })
	pc := b.next()
	offer, err := sdp.Parse(pc.req.Body())
	if err != nil {
		t.Fatal(err)
	}
	if got := offer.Media[0].Formats[0].Name; got != "PCMA" {
		t.Errorf("the second phone is offered %s first", got)
	}
	pc.answer(sdpText("m=audio " + earB.port + " RTP/AVP 8"))
	s.awaitState(second, pbx.Up)
	bridge, err := s.sw.NewBridge(pbx.BridgeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*pbx.Channel{first, second} {
		if err := bridge.Add(c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go earA.say(first.Leg().(*leg).rtpSession().LocalAddr(), 8, 0x55, stop)
	go earB.say(second.Leg().(*leg).rtpSession().LocalAddr(), 8, 0x2a, stop)
	earB.hear(8, 0x55)
	earA.hear(8, 0x2a)
}

// TestS2_PeerThatSendsAnotherAgreedCodecIsHeard: the phone lists PCMA and PCMU
// and sends the second. The other party, who speaks PCMA, hears it as PCMA.
func TestS2_PeerThatSendsAnotherAgreedCodecIsHeard(t *testing.T) {
	s := start(t, nil)
	a, b := newPeer(t, peerOptions{}), newPeer(t, peerOptions{})
	a.register(s, "101")
	b.register(s, "102")
	earA, earB := newEar(t), newEar(t)
	first := s.originate("PJSIP/101", nil)
	a.next().answer(sdpText("m=audio " + earA.port + " RTP/AVP 8 0"))
	s.awaitState(first, pbx.Up)
	second := s.originate("PJSIP/102", nil)
	b.next().answer(sdpText("m=audio " + earB.port + " RTP/AVP 8"))
	s.awaitState(second, pbx.Up)
	bridge, err := s.sw.NewBridge(pbx.BridgeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*pbx.Channel{first, second} {
		if err := bridge.Add(c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	const loudest, loudestA = 0x80, 0xaa // 32124 in PCMU, and the PCMA octet nearest to it
	go earA.say(first.Leg().(*leg).rtpSession().LocalAddr(), 0, loudest, stop)
	earB.hear(8, loudestA)
}

func TestPhoneBehindNATGetsItsMediaWhereItsSignallingComesFrom(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) { c.Phones[0].NAT = true })
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	e := newEar(t)
	c := s.originate("PJSIP/101", nil)
	private := strings.ReplaceAll(sdpText("m=audio "+e.port+" RTP/AVP 8"), "127.0.0.1", "192.168.7.7")
	phone.next().answer(private)
	s.awaitState(c, pbx.Up)
	if got := c.Leg().(*leg).rtpSession().Describe().Remote; got.String() != "127.0.0.1:"+e.port {
		t.Errorf("media goes to %v", got)
	}
}
