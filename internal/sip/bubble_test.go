package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/siptest"
)

// scripted is a server whose whole network, RTP too, is in memory, and one
// provider that sends what the test says. It lives in a bubble: minutes cost
// nothing.
type scripted struct {
	t    *testing.T
	sw   *pbx.Switch
	here netip.AddrPort
	peer *siptest.Peer
	ear  net.PacketConn // the provider's RTP socket

	invite   *sip.Request  // of the call that up makes
	accepted *sip.Response // its 200
}

func inBubble(t *testing.T, o pbx.Options, f func(s *scripted)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		wire := siptest.NewNet()
		engine, err := media.New(media.Config{Bind: netip.MustParseAddr("10.0.0.1"), ListenPacket: func(a netip.AddrPort) (net.PacketConn, error) {
			return wire.ListenPacket("udp", a.String())
		}})
		if err != nil {
			t.Fatal(err)
		}
		o.Media = engine
		sw := pbx.New(o)
		tech, err := New(Config{
			Domain: "pbx.test", Listen: []Listener{{Transport: "udp", Addr: "10.0.0.1:5060"}},
			Trunks: []Trunk{{Name: "carrier", Host: "10.0.0.2", Port: 5060, Transport: "udp", Context: "from-carrier"}},
		}, engine, sw, Options{PacketConn: wire.ListenPacket, Resolver: names{}})
		if err != nil {
			t.Fatal(err)
		}
		sw.Register(tech)
		for _, start := range []func(context.Context) error{engine.Start, tech.Start} {
			if err := start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ear, err := wire.ListenPacket("udp", "10.0.0.2:40000")
		if err != nil {
			t.Fatal(err)
		}
		defer ear.Close()
		f(&scripted{t: t, sw: sw, here: netip.MustParseAddrPort("10.0.0.1:5060"), peer: siptest.NewPeer(t, wire, "10.0.0.2:5060"), ear: ear})
		for name, stop := range map[string]func(context.Context) error{"switch": sw.Stop, "technology": tech.Stop, "media": engine.Stop} {
			if err := stop(t.Context()); err != nil {
				t.Errorf("stop %s: %v", name, err)
			}
		}
	})
}

// inMemory is what the provider's session descriptions say.
func inMemory(port int, format string) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio %d RTP/AVP %s\r\n", port, format)
}

// up makes a call that the provider answers.
func (s *scripted) up() *pbx.Channel {
	s.t.Helper()
	c, err := s.sw.Originate(s.t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: "PJSIP/1@carrier"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.invite, _ = s.peer.Request(sip.INVITE)
	s.accepted = siptest.Answer(s.invite, 200, "OK", "theirs")
	s.accepted.AppendHeader(sip.NewHeader("Contact", "<sip:1@10.0.0.2:5060>"))
	s.setBody(s.accepted, inMemory(40000, "0"))
	s.peer.SendMessage(s.here, s.accepted)
	s.peer.Request(sip.ACK)
	synctest.Wait()
	if c.State() != pbx.Up {
		s.t.Fatalf("channel is %s", c.State())
	}
	return c
}

func (s *scripted) setBody(m sip.Message, sdp []byte) {
	m.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	m.SetBody(sdp)
}

// send sends a request of the provider inside the call.
func (s *scripted) send(method sip.RequestMethod, seq int, sdp []byte) {
	s.t.Helper()
	r := sip.NewRequest(method, s.invite.Contact().Address)
	for _, h := range [][2]string{
		{"Via", fmt.Sprintf("SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK%s%d", method, seq)},
		{"From", s.accepted.To().Value()}, {"To", s.invite.From().Value()},
		{"Call-ID", s.invite.CallID().Value()}, {"CSeq", fmt.Sprintf("%d %s", seq, method)},
		{"Contact", "<sip:1@10.0.0.2:5060>"}, {"Max-Forwards", "70"},
	} {
		r.AppendHeader(sip.NewHeader(h[0], h[1]))
	}
	if sdp != nil {
		s.setBody(r, sdp)
	} else {
		r.SetBody(nil)
	}
	s.peer.SendMessage(s.here, r)
}

// talk sends n packets of 20 ms to the channel.
func (s *scripted) talk(c *pbx.Channel, n int) {
	s.t.Helper()
	to := net.UDPAddrFromAddrPort(c.Leg().(*leg).rtpSession().LocalAddr())
	packet := make([]byte, 12+160)
	packet[0] = 0x80
	for i := range n {
		packet[2], packet[3] = byte(i>>8), byte(i)
		if _, err := s.ear.WriteTo(packet, to); err != nil {
			s.t.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestM11_CallWhoseMediaStopsIsHungUp: the provider talks for a minute, then
// sends no RTP any more; 30 s later it gets our BYE. On hold it is 300 s.
func TestM11_CallWhoseMediaStopsIsHungUp(t *testing.T) {
	for _, tt := range []struct {
		name string
		hold bool
		want time.Duration
	}{{"talking", false, 30 * time.Second}, {"on hold", true, 300 * time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, pbx.Options{RTPTimeout: 30 * time.Second}, func(s *scripted) {
				c := s.up()
				s.talk(c, 50*60)
				if c.State() != pbx.Up {
					t.Fatalf("while media flows the channel is %s", c.State())
				}
				if tt.hold {
					s.send(sip.INVITE, 2, append(inMemory(40000, "0"), "a=sendonly\r\n"...))
					s.peer.Response(200)
					s.send(sip.ACK, 2, nil)
				}
				stopped := time.Now()
				m, _, ok := s.peer.TryRecv(400 * time.Second)
				bye, isRequest := m.(*sip.Request)
				if !ok || !isRequest || bye.Method != sip.BYE {
					t.Fatalf("received %v after %v; %s", m, time.Since(stopped), c.State())
				}
				if took := time.Since(stopped); took < tt.want-time.Second || took > tt.want+time.Second {
					t.Errorf("BYE after %v", took)
				}
				s.peer.SendMessage(s.here, siptest.Answer(bye, 200, "OK", ""))
				<-c.Gone()
				if r, _ := c.Result(); r.Cause != cause.TimerExpiry || !r.ByServer {
					t.Errorf("result %+v", r)
				}
			})
		})
	}
}

// TestM11_NoTimeoutUnlessConfigured: silence alone ends no call.
func TestM11_NoTimeoutUnlessConfigured(t *testing.T) {
	inBubble(t, pbx.Options{}, func(s *scripted) {
		c := s.up()
		if m, _, ok := s.peer.TryRecv(10 * time.Minute); ok {
			t.Errorf("received %s", m.String())
		}
		if c.State() != pbx.Up {
			t.Errorf("channel is %s", c.State())
		}
	})
}

// TestD10_ReinviteWithoutSDPIsAnsweredInTheACK: our 200 offers, and what the
// ACK answers is put into force.
func TestD10_ReinviteWithoutSDPIsAnsweredInTheACK(t *testing.T) {
	inBubble(t, pbx.Options{}, func(s *scripted) {
		c := s.up()
		s.send(sip.INVITE, 2, nil)
		res, _ := s.peer.Response(200)
		if offer := string(res.Body()); !strings.Contains(offer, "m=audio ") || !strings.Contains(offer, " 8") {
			t.Fatalf("the 200 offers:\n%s", offer)
		}
		s.send(sip.ACK, 2, inMemory(40002, "8"))
		synctest.Wait()
		l := c.Leg().(*leg)
		if f, ok := c.Port().Format(); !ok || f.Codec != "PCMA" || l.Describe().Codec != "PCMA" {
			t.Errorf("format %+v, %v", f, ok)
		}
		if to := l.rtpSession().Describe().Remote; to.String() != "10.0.0.2:40002" {
			t.Errorf("media goes to %v", to)
		}
		if m, _, ok := s.peer.TryRecv(40 * time.Second); ok { // the 200 is not repeated
			t.Errorf("received %s", m.String())
		}
	})
}
