package sip

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// talk connects a server's channel with a phone that speaks PCMU.
func talk(t *testing.T, change func(*Config, *Options)) (*server, *pbx.Channel, *peerCall) {
	t.Helper()
	s := start(t, change)
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	pc := phone.next()
	pc.answer(pcmu)
	s.awaitState(c, pbx.Up)
	return s, c, pc
}

func (c *peerCall) reinvite(sdp string) (string, error) {
	c.t.Helper()
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	c.c.Reinvite([]byte(sdp), func(answer []byte, err error) { done <- result{answer, err} })
	r := receive(c.t, "answer to the re-INVITE", done)
	return string(r.answer), r.err
}

func TestD10_HoldAndResumeFromThePhone(t *testing.T) {
	s, c, pc := talk(t, nil)
	for name, hold := range map[string]string{
		"sendonly": held,
		"inactive": strings.Replace(held, "sendonly", "inactive", 1),
		"0.0.0.0":  strings.Replace(pcmu, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1),
	} {
		answer, err := pc.reinvite(hold)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := map[string]string{"sendonly": "a=recvonly", "inactive": "a=inactive", "0.0.0.0": "m=audio"}[name]
		if !strings.Contains(answer, want) {
			t.Errorf("%s is answered without %s:\n%s", name, want, answer)
		}
		s.await(c, pbx.ChannelHold)
		if got := s.tech.DeviceState("101"); got != pbx.DeviceOnHold {
			t.Errorf("%s: device state %s", name, got)
		}
		if _, err := pc.reinvite(pcmu); err != nil {
			t.Fatal(err)
		}
		s.await(c, pbx.ChannelUnhold)
		if got := s.tech.DeviceState("101"); got != pbx.DeviceInUse {
			t.Errorf("%s: device state %s after", name, got)
		}
	}
}

func TestD10_UnusableReinviteLeavesTheSessionAsItWas(t *testing.T) {
	_, c, pc := talk(t, nil)
	_, err := pc.reinvite(sdpText("m=audio 40000 RTP/AVP 18"))
	if err == nil || !strings.Contains(err.Error(), "488") {
		t.Fatalf("answer %v", err)
	}
	if f, ok := c.Port().Format(); !ok || f.Codec != "PCMU" {
		t.Errorf("format %+v, %v", f, ok)
	}
}

func TestCodecChangesByReinvite(t *testing.T) {
	_, c, pc := talk(t, nil)
	if _, err := pc.reinvite(pcma); err != nil {
		t.Fatal(err)
	}
	if f, _ := c.Port().Format(); f.Codec != "PCMA" || f.EventPT {
		t.Errorf("format %+v", f)
	}
	if got := c.Leg().Describe().Codec; got != "PCMA" {
		t.Errorf("codec %q", got)
	}
}

func TestReinviteWithoutSDPGetsOurOfferAndAnACKWithoutAnswerChangesNothing(t *testing.T) {
	_, c, pc := talk(t, nil)
	offer, err := pc.reinvite("")
	if err != nil || !strings.Contains(offer, "m=audio") {
		t.Fatalf("offer %q, %v", offer, err)
	}
	if f, ok := c.Port().Format(); !ok || f.Codec != "PCMU" {
		t.Errorf("format %+v, %v", f, ok)
	}
}

func TestWeHoldAndResumeThePhone(t *testing.T) {
	_, c, pc := talk(t, nil)
	for _, tc := range []struct {
		on   bool
		want string
	}{{true, "a=sendonly"}, {false, "a=sendrecv"}} {
		if err := c.Hold(tc.on); err != nil {
			t.Fatal(err)
		}
		e := pc.await(ua.EventOffer)
		if got := string(e.SDP); !strings.Contains(got, tc.want) && (tc.on || strings.Contains(got, "a=sendonly")) {
			t.Errorf("hold %v offers without %s:\n%s", tc.on, tc.want, got)
		}
		answer := pcmu
		if tc.on {
			answer = strings.Replace(held, "sendonly", "recvonly", 1)
		}
		if err := pc.c.AcceptOffer([]byte(answer)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestD13_DigitsBySIPInfoInBothDirections(t *testing.T) {
	s, c, pc := talk(t, func(c *Config, _ *Options) { c.Phones[0].DTMF = DTMFInfo })
	for _, tc := range []struct{ contentType, body string }{
		{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"}, {"application/dtmf", "5"},
	} {
		pc.c.Info(tc.contentType, []byte(tc.body), nil)
		if e := s.await(c, pbx.ChannelDTMF); e.Digit != '5' {
			t.Errorf("%s: digit %q", tc.contentType, e.Digit)
		}
	}
	if f, _ := c.Port().Format(); f.EventPT {
		t.Error("telephone-event was negotiated for a phone that wants INFO")
	}
	if err := c.SendDTMF("7", pbx.DTMFOptions{}); err != nil {
		t.Fatal(err)
	}
	e := pc.await(ua.EventInfo)
	if digit, _, ok := ua.ParseDTMF(e.ContentType, e.Body); !ok || digit != '7' {
		t.Errorf("INFO %s %q", e.ContentType, e.Body)
	}
}

func TestD12_TransferInBothDirections(t *testing.T) {
	s, c, pc := talk(t, nil)
	if err := c.Redirect("102"); err != nil {
		t.Fatal(err)
	}
	if e := pc.await(ua.EventRefer); !strings.HasPrefix(e.ReferTo, "sip:102@127.0.0.1") {
		t.Errorf("Refer-To %q", e.ReferTo)
	}
	pc.c.Refer("sip:%2B4930555@pbx.test", nil)
	if e := s.await(c, pbx.ChannelTransfer); e.Target != "+4930555" {
		t.Errorf("target %q", e.Target)
	}
	c.Hangup(cause.NormalClearing)
	pc.await(ua.EventEnded)
}

const cryptoLine = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"

func TestS6_SRTPRequiredAndAbsentEndsWithCause58(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) { c.Phones[0].SRTP = SRTPRequired })
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	pc := phone.next()
	if offer := string(pc.req.Body()); !strings.Contains(offer, "RTP/SAVP") || !strings.Contains(offer, "a=crypto:") {
		t.Errorf("offer:\n%s", offer)
	}
	pc.answer(pcmu)
	pc.await(ua.EventConfirmed) // ACK,
	pc.await(ua.EventEnded)     // then BYE
	if r := s.ended(c); r.Cause != cause.BearerNotAvail || !r.AnsweredAt.IsZero() {
		t.Errorf("result %+v", r)
	}
}

func TestS6_SRTPRequiredAndPresentIsEncrypted(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) { c.Phones[0].SRTP = SRTPRequired })
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	phone.next().answer(sdpText("m=audio 40000 RTP/SAVP 0", cryptoLine))
	s.awaitState(c, pbx.Up)
	l := c.Leg().(*leg)
	if l.rtpSession().Describe().Kind != "srtp" {
		t.Error("the media is not encrypted")
	}
}

func TestS6_TheMKIOfThePeersKeyReachesTheMedia(t *testing.T) {
	n := sdp.NewNegotiator(sdp.Local{Addr: loopback, Port: 4000, Codecs: []string{"PCMU"}, SRTP: sdp.Required})
	_, ag, err := n.Answer([]byte(sdpText("m=audio 40000 RTP/SAVP 0", cryptoLine+"|2^31|5:2")))
	if err != nil {
		t.Fatal(err)
	}
	if k := rtpConfig(ag).SRTP; k == nil || string(k.RemoteMKI) != "\x00\x05" {
		t.Errorf("keys %+v", k)
	}
}

func TestS6_SRTPOptionalTakesBothAndOffRefusesIncoming(t *testing.T) {
	for _, tc := range []struct {
		policy, offer string
		status        int // 0 = answered
		secure        bool
	}{
		{SRTPOptional, sdpText("m=audio 40000 RTP/SAVP 0", cryptoLine), 0, true},
		{SRTPOptional, pcmu, 0, false},
		{SRTPRequired, pcmu, 488, false},
		{SRTPOff, sdpText("m=audio 40000 RTP/SAVP 0", cryptoLine), 488, false},
	} {
		s, provider := startWithTrunk(t, func(tr *Trunk) { tr.SRTP = tc.policy })
		pc := provider.call(s, ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}, SDP: []byte(tc.offer)}, "5")
		if tc.status != 0 {
			if e := pc.await(ua.EventEnded); e.Status != tc.status {
				t.Errorf("%s: %d", tc.policy, e.Status)
			}
			continue
		}
		c := s.nextIncoming()
		if err := c.Answer(); err != nil {
			t.Fatal(err)
		}
		pc.await(ua.EventAnswered)
		if got := c.Leg().(*leg).rtpSession().Describe().Kind == "srtp"; got != tc.secure {
			t.Errorf("%s: secure %v", tc.policy, got)
		}
	}
}

// TestAudioReachesThePhone plays a tone to a phone whose RTP socket is real.
func TestAudioReachesThePhone(t *testing.T) {
	s := start(t, nil)
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	sock, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close() })
	c := s.originate("PJSIP/101", nil)
	_, port, _ := net.SplitHostPort(sock.LocalAddr().String())
	phone.next().answer(sdpText("m=audio " + port + " RTP/AVP 8"))
	s.awaitState(c, pbx.Up)
	tone, err := media.Tone("milliwatt")
	if err != nil {
		t.Fatal(err)
	}
	c.Port().Play(tone, func(error) {})
	if err := sock.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2000)
	n, from, err := sock.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	if n != 12+160 || buf[1]&0x7f != 8 || from.(*net.UDPAddr).AddrPort() != c.Leg().(*leg).rtpSession().LocalAddr() {
		t.Errorf("%d bytes of payload type %d from %v", n, buf[1]&0x7f, from)
	}
}

// names resolves what the test says, and nothing else.
type names map[string]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := n[strings.TrimSuffix(host, ".")]; ok {
		return []netip.Addr{a}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (n names) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func TestS1_HostNameOfTheMediaIsResolved(t *testing.T) {
	s := start(t, func(_ *Config, o *Options) { o.Resolver = names{"media.example.com": loopback} })
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	phone.next().answer(strings.Replace(pcma, "c=IN IP4 127.0.0.1", "c=IN IP4 media.example.com", 1))
	s.awaitState(c, pbx.Up)
	if got := c.Leg().(*leg).rtpSession().Describe().Remote.String(); got != "127.0.0.1:40002" {
		t.Errorf("media goes to %s", got)
	}
	c = s.originate("PJSIP/101", nil)
	pc := phone.next()
	pc.answer(strings.Replace(pcma, "c=IN IP4 127.0.0.1", "c=IN IP4 nowhere.example.com", 1))
	pc.await(ua.EventEnded)
	if r := s.ended(c); r.Cause != cause.BearerNotAvail {
		t.Errorf("result %+v", r)
	}
}

func TestD3_AnswerThatCrossesTheHangupIsAcknowledgedAndEnded(t *testing.T) {
	s := start(t, nil)
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	pc := phone.next()
	c.Hangup(cause.NormalClearing) // no provisional yet: the CANCEL has to wait
	s.ended(c)
	pc.answer(pcmu)
	pc.await(ua.EventConfirmed)
	pc.await(ua.EventEnded)
	eventually(t, "the leg has gone", func() bool { return s.tech.Stats().Legs == 0 })
	if r, _ := c.Result(); r.Cause != cause.NormalClearing || !r.AnsweredAt.IsZero() {
		t.Errorf("result %+v", r)
	}
}

func TestReplacesIsRefusedAndRingsNobody(t *testing.T) {
	s, c, pc := talk(t, nil)
	other := newPeer(t, peerOptions{})
	o := other.call(s, ua.InviteOptions{
		From: ua.Identity{User: "102", Host: "pbx.test"}, Auth: &ua.Credentials{User: "102", Password: "secret102"}, SDP: []byte(pcmu),
		Headers: []ua.Header{{Name: "Replaces", Value: pc.c.Replaces()}},
	}, "4711")
	if e := o.await(ua.EventEnded); e.Status != 501 && e.Status != 481 {
		t.Errorf("ended with %d", e.Status)
	}
	if c.State() != pbx.Up || len(s.sw.Channels()) != 1 {
		t.Errorf("channel is %s, %d channels", c.State(), len(s.sw.Channels()))
	}
}
