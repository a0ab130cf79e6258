package sip

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// opusSDP describes a phone at port that speaks opus and nothing else.
func opusSDP(port string, more ...string) string {
	pts := strings.Join(append([]string{"111"}, more...), " ")
	return sdpText("m=audio "+port+" RTP/AVP "+pts, "a=rtpmap:111 opus/48000/2")
}

// withOpus configures phone 101 for opus; phone 102 keeps the defaults.
func withOpus(c *Config, _ *Options) { c.Phones[0].Codecs = []string{"opus", "PCMU", "PCMA"} }

// offeredCodecs gives the names in an offer, without telephone-event.
func offeredCodecs(t *testing.T, body []byte) string {
	t.Helper()
	s, err := sdp.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range s.Media[0].Formats {
		if f.Name != "telephone-event" {
			out = append(out, f.Name)
		}
	}
	return strings.Join(out, " ")
}

// rtpSession gives a leg's RTP session, read where the leg writes it.
func (l *leg) rtpSession() *media.RTP {
	got := make(chan *media.RTP, 1)
	l.q.post(func() { got <- l.str.rtp })
	return <-got
}

// rtpOf is where a channel's leg listens.
func rtpOf(c *pbx.Channel) netip.AddrPort { return c.Leg().(*leg).rtpSession().LocalAddr() }

func (s *server) bridge(all ...*pbx.Channel) {
	s.t.Helper()
	b, err := s.sw.NewBridge(pbx.BridgeOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range all {
		if err := b.Add(c, pbx.AddOptions{}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// opusAndPCMA connects 101, which has chosen opus, with 102, which speaks PCMA.
func opusAndPCMA(t *testing.T) (s *server, a, b *pbx.Channel, phoneA *peerCall, earA, earB *ear) {
	s = start(t, withOpus)
	pa, pb := newPeer(t, peerOptions{}), newPeer(t, peerOptions{})
	pa.register(s, "101")
	pb.register(s, "102")
	earA, earB = newEar(t), newEar(t)
	a = s.originate("PJSIP/101", nil)
	phoneA = pa.next()
	if got := offeredCodecs(t, phoneA.req.Body()); got != "opus PCMU PCMA" {
		t.Errorf("101 is offered %s", got)
	}
	phoneA.answer(opusSDP(earA.port))
	s.awaitState(a, pbx.Up)
	b = s.originate("PJSIP/102", nil)
	phoneB := pb.next()
	if got := offeredCodecs(t, phoneB.req.Body()); got != "G722 PCMU PCMA" {
		t.Errorf("102 is offered %s", got)
	}
	phoneB.answer(sdpText("m=audio " + earB.port + " RTP/AVP 8"))
	s.awaitState(b, pbx.Up)
	s.bridge(a, b)
	return s, a, b, phoneA, earA, earB
}

func TestM5_OpusPhoneIsAskedToChangeAndBothHear(t *testing.T) {
	_, a, b, phoneA, earA, earB := opusAndPCMA(t)
	offer := phoneA.await(ua.EventOffer)
	if got := offeredCodecs(t, offer.SDP); got != "PCMA PCMU" {
		t.Errorf("re-INVITE offers %q", got) // G722 is not configured for the phone
	}
	if err := phoneA.c.AcceptOffer([]byte(sdpText("m=audio " + earA.port + " RTP/AVP 8"))); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go earA.say(rtpOf(a), 8, 0x55, stop)
	go earB.say(rtpOf(b), 8, 0x2a, stop)
	earB.hear(8, 0x55)
	earA.hear(8, 0x2a)
	if got := a.Leg().Describe().Codec; got != "PCMA" {
		t.Errorf("codec %s", got)
	}
}

func TestM5_OpusPhoneThatRefusesToChangeEndsBoth(t *testing.T) {
	s, a, b, phoneA, _, _ := opusAndPCMA(t)
	phoneA.await(ua.EventOffer)
	phoneA.c.RejectOffer(488)
	for _, c := range []*pbx.Channel{a, b} {
		if r := s.ended(c); r.Cause != cause.BearerNotAvail || !r.ByServer {
			t.Errorf("%s ended with %v, by the server: %v", c.Name(), r.Cause, r.ByServer)
		}
	}
	if got := a.Leg().Describe().Codec; got != "opus" {
		t.Errorf("the refused codec %s was taken", got)
	}
}

// TestM5_CallerIsAnsweredInACodecThatTheOtherCanHear: no re-INVITE is needed
// while our answer is not out.
func TestM5_CallerIsAnsweredInACodecThatTheOtherCanHear(t *testing.T) {
	s := start(t, withOpus)
	pa, pb := newPeer(t, peerOptions{}), newPeer(t, peerOptions{})
	pb.register(s, "102")
	earA, earB := newEar(t), newEar(t)
	phoneA := pa.callAs(s, "101", "102", opusSDP(earA.port, "0"))
	a := s.nextIncoming()
	b := s.originate("PJSIP/102", func(o *pbx.OriginateOptions) { o.Originator = a })
	pb.next().answer(sdpText("m=audio " + earB.port + " RTP/AVP 0"))
	s.awaitState(b, pbx.Up)
	s.bridge(a, b)
	if err := a.Answer(); err != nil {
		t.Fatal(err)
	}
	if got := offeredCodecs(t, phoneA.await(ua.EventAnswered).SDP); got != "PCMU" {
		t.Errorf("answered with %s", got)
	}
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go earA.say(rtpOf(a), 0, 0x55, stop)
	go earB.say(rtpOf(b), 0, 0x2a, stop)
	earB.hear(0, 0x55)
	earA.hear(0, 0x2a)
}

// TestM5_OpusCallerHearsAPrompt: the answer went out with opus; the
// application comes afterwards.
func TestM5_OpusCallerHearsAPrompt(t *testing.T) {
	s := start(t, withOpus)
	phone := newPeer(t, peerOptions{})
	e := newEar(t)
	pc := phone.callAs(s, "101", "500", opusSDP(e.port, "0"))
	c := s.nextIncoming()
	if err := c.Answer(); err != nil {
		t.Fatal(err)
	}
	if got := offeredCodecs(t, pc.await(ua.EventAnswered).SDP); got != "opus" {
		t.Errorf("answered with %s", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.RunApplication(ctx, "Echo", "") }()
	t.Cleanup(func() { stop(); <-done })
	if got := offeredCodecs(t, pc.await(ua.EventOffer).SDP); got != "PCMU PCMA" {
		t.Errorf("re-INVITE offers %s", got)
	}
	if err := pc.c.AcceptOffer([]byte(sdpText("m=audio " + e.port + " RTP/AVP 0"))); err != nil {
		t.Fatal(err)
	}
	quiet := make(chan struct{})
	t.Cleanup(func() { close(quiet) })
	go e.say(rtpOf(c), 0, 0x55, quiet)
	e.hear(0, 0x55)
}

// TestD10_HoldWaitsForTheCodec: two wishes of ours are two re-INVITEs, one
// after the other, and neither is lost.
func TestD10_HoldWaitsForTheCodec(t *testing.T) {
	_, a, _, phoneA, earA, _ := opusAndPCMA(t)
	phoneA.await(ua.EventOffer)
	if err := a.Hold(true); err != nil {
		t.Fatal(err)
	}
	answer := sdpText("m=audio " + earA.port + " RTP/AVP 8")
	if err := phoneA.c.AcceptOffer([]byte(answer)); err != nil {
		t.Fatal(err)
	}
	hold := phoneA.await(ua.EventOffer)
	if !strings.Contains(string(hold.SDP), "a=sendonly") || offeredCodecs(t, hold.SDP) != "PCMA PCMU" {
		t.Errorf("second offer:\n%s", hold.SDP)
	}
	if err := phoneA.c.AcceptOffer([]byte(answer + "a=recvonly\r\n")); err != nil {
		t.Fatal(err)
	}
}
