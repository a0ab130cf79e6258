package sip

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

func TestD7_PhoneCallsInAfterItsDigest(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) { c.Phones[0].Context, c.Phones[0].Account = "internal", "sales" })
	phone := newPeer(t, peerOptions{})
	pc := phone.callAs(s, "101", "+49%2030", pcmu)
	c := s.nextIncoming()
	sn := c.Snapshot()
	if sn.Dialled != "+49 30" || sn.Context != "internal" || sn.Account != "sales" || sn.Phone != "101" ||
		sn.Caller != (call.CallerID{Name: "Alice", Number: "101"}) || !sn.Incoming {
		t.Errorf("snapshot %+v", sn)
	}
	if err := c.Ring(); err != nil {
		t.Fatal(err)
	}
	pc.await(ua.EventRinging)
	if err := c.Progress(); err != nil {
		t.Fatal(err)
	}
	if e := pc.await(ua.EventProgress); e.Status != 183 || !strings.Contains(string(e.SDP), "m=audio") {
		t.Errorf("progress %d with %q", e.Status, e.SDP)
	}
	if err := c.Answer(); err != nil {
		t.Fatal(err)
	}
	if e := pc.await(ua.EventAnswered); !strings.Contains(string(e.SDP), "RTP/AVP 0 101") {
		t.Errorf("answer:\n%s", e.SDP)
	}
	if got := s.tech.DeviceState("101"); got != pbx.DeviceInUse {
		t.Errorf("device state %s", got)
	}
	if l := c.Leg().Ladder(); len(l) == 0 || !strings.HasPrefix(l[0].First, "INVITE") {
		t.Errorf("ladder %+v", l)
	}
	pc.c.Hangup(cause.NormalClearing)
	if r := s.ended(c); !r.ByPeer || r.Cause != cause.NormalClearing {
		t.Errorf("result %+v", r)
	}
}

func TestD7_WrongPasswordNeitherCallsNorRegisters(t *testing.T) {
	s := start(t, nil)
	phone := newPeer(t, peerOptions{})
	if st := phone.tryRegister(s, "101", "wrong"); st.Registered {
		t.Error("registered with a wrong password")
	}
	pc := phone.call(s, ua.InviteOptions{SDP: []byte(pcmu), Auth: &ua.Credentials{User: "101", Password: "wrong"}}, "102")
	if e := pc.await(ua.EventEnded); e.Status != 401 && e.Status != 403 {
		t.Errorf("ended with %d", e.Status)
	}
	select {
	case c := <-s.incoming:
		t.Errorf("channel %s", c.Name())
	default:
	}
}

func TestStrangersCannotFindOutWhichPhonesExist(t *testing.T) {
	s := start(t, nil)
	stranger := newPeer(t, peerOptions{})
	var statuses []int
	for _, user := range []string{"101", "nobody"} {
		pc := stranger.call(s, ua.InviteOptions{From: ua.Identity{User: user, Host: "pbx.test"}, SDP: []byte(pcmu)}, "102")
		statuses = append(statuses, pc.await(ua.EventEnded).Status)
	}
	for _, user := range []string{"101", "nobody"} {
		pc := stranger.call(s, ua.InviteOptions{
			From: ua.Identity{User: user, Host: "pbx.test"}, SDP: []byte(pcmu), Auth: &ua.Credentials{User: user, Password: "guess"},
		}, "102")
		statuses = append(statuses, pc.await(ua.EventEnded).Status)
	}
	if statuses[0] != 401 || statuses[0] != statuses[1] || statuses[2] != statuses[3] {
		t.Errorf("statuses %v differ between a phone and nobody", statuses)
	}
}

func TestInboundFromTrunkBySourceAddress(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	pc := provider.call(s, ua.InviteOptions{
		From: ua.Identity{DisplayName: "Display", User: "anonymous", Host: "carrier.test"}, SDP: []byte(pcma),
		Headers: []ua.Header{
			{Name: "P-Asserted-Identity", Value: `"Bob" <sip:+4940777@carrier.test>`},
			{Name: "Diversion", Value: `"Desk" <sip:300@carrier.test>;reason=no-answer`},
		},
	}, "+4930100")
	c := s.nextIncoming()
	sn := c.Snapshot()
	if sn.Dialled != "+4930100" || sn.Context != "from-carrier" || sn.Account != "sales" || sn.Trunk != "carrier" || sn.RDNIS != "300" ||
		sn.Caller != (call.CallerID{Name: "Bob", Number: "+4940777"}) {
		t.Errorf("snapshot %+v", sn)
	}
	if err := c.Answer(); err != nil {
		t.Fatal(err)
	}
	pc.await(ua.EventAnswered)
	if got := c.Leg().Describe().Codec; got != "PCMA" {
		t.Errorf("codec %q", got)
	}
	if got := c.Leg().Header("P-Asserted-Identity"); !strings.Contains(got, "+4940777") {
		t.Errorf("header %q", got)
	}
}

func TestInboundFromTrunkByPrefix(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) {
		c.Trunks = []Trunk{{Name: "wide", Host: "192.0.2.1", Match: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	})
	provider := newPeer(t, peerOptions{})
	provider.call(s, ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}, SDP: []byte(pcmu)}, "555")
	if sn := s.nextIncoming().Snapshot(); sn.Trunk != "wide" || sn.Caller.Number != "1" {
		t.Errorf("snapshot %+v", sn)
	}
}

func TestRegisteredPhoneAtATrunksAddressIsStillAPhone(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) {
		c.Trunks = []Trunk{{Name: "wide", Host: "192.0.2.1", Match: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	})
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	phone.callAs(s, "101", "102", pcmu)
	if sn := s.nextIncoming().Snapshot(); sn.Phone != "101" {
		t.Errorf("snapshot %+v", sn)
	}
}

func TestRejectedIncomingCallHasTheStatusOfItsCause(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	for code, want := range map[cause.Code]int{cause.Unallocated: 404, cause.UserBusy: 486, cause.CircuitCongestion: 503, cause.NoAnswer: 480} {
		pc := provider.call(s, ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}, SDP: []byte(pcmu)}, "555")
		c := s.nextIncoming()
		c.Hangup(code)
		if e := pc.await(ua.EventEnded); e.Status != want {
			t.Errorf("%v: %d, want %d", code, e.Status, want)
		}
		s.ended(c)
	}
}

func TestCallerGivesUp(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	pc := provider.call(s, ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}, SDP: []byte(pcmu)}, "555")
	c := s.nextIncoming()
	if err := c.Ring(); err != nil {
		t.Fatal(err)
	}
	pc.await(ua.EventRinging)
	pc.c.Hangup(cause.NormalClearing)
	if r := s.ended(c); !r.ByPeer {
		t.Errorf("result %+v", r)
	}
}

func TestInviteWithoutSDPGetsOurOfferInTheAnswer(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	pc := provider.call(s, ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}}, "555")
	c := s.nextIncoming()
	if err := c.Answer(); err != nil {
		t.Fatal(err)
	}
	e := pc.await(ua.EventAnswered)
	if !e.Offer || !strings.Contains(string(e.SDP), "m=audio") {
		t.Fatalf("answer %+v", e)
	}
	media := legMedia(s, c)
	if err := pc.c.AcceptOffer([]byte(pcma)); err != nil {
		t.Fatal(err)
	}
	receive(t, "media", media)
	if f, ok := c.Port().Format(); !ok || f.Codec != "PCMA" {
		t.Errorf("format %+v, %v", f, ok)
	}
}

// legMedia tells when the port of the channel has a format.
func legMedia(s *server, c *pbx.Channel) <-chan struct{} {
	ready := make(chan struct{}, 1)
	stop := make(chan struct{})
	s.t.Cleanup(func() { close(stop) })
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, ok := c.Port().Format(); ok {
				ready <- struct{}{}
				return
			}
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return ready
}

func TestS3_VideoAndFaxLinesAreRefusedInPlace(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	offer := sdpText("m=video 40010 RTP/AVP 96", "a=rtpmap:96 H264/90000", "m=audio 40000 RTP/AVP 8", "m=image 40020 udptl t38")
	pc := provider.call(s, ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}, SDP: []byte(offer)}, "555")
	if err := s.nextIncoming().Answer(); err != nil {
		t.Fatal(err)
	}
	answer := string(pc.await(ua.EventAnswered).SDP)
	v, a, i := strings.Index(answer, "m=video 0 "), strings.Index(answer, "m=audio "), strings.Index(answer, "m=image 0 ")
	if v < 0 || a < v || i < a || strings.Contains(answer, "m=audio 0 ") {
		t.Errorf("answer:\n%s", answer)
	}
}

func TestUnusableOffersAreRefusedBeforeAChannelExists(t *testing.T) {
	s, provider := startWithTrunk(t, func(tr *Trunk) { tr.Codecs = []string{"PCMU"} })
	for name, offer := range map[string]string{
		"no common codec": sdpText("m=audio 40000 RTP/AVP 18"),
		"no audio":        sdpText("m=image 40000 udptl t38"),
		"encryption only": sdpText("m=audio 40000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"),
	} {
		pc := provider.call(s, ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}, SDP: []byte(offer)}, "555")
		if e := pc.await(ua.EventEnded); e.Status != 488 {
			t.Errorf("%s: %d", name, e.Status)
		}
	}
	eventually(t, "all legs gone", func() bool { return s.tech.Stats().Legs == 0 })
	if n := len(s.sw.Channels()); n != 0 {
		t.Errorf("%d channels", n)
	}
}

func TestM1_NoRTPPortRefusesTheCall(t *testing.T) {
	s := &server{t: t, incoming: make(chan *pbx.Channel, 16)}
	var err error
	// One pair: the first call takes it.
	port := freePair(t)
	if s.media, err = media.New(media.Config{Bind: loopback, PortMin: port, PortMax: port + 1}); err != nil {
		t.Fatal(err)
	}
	provider := newPeer(t, peerOptions{})
	s.run(func(c *Config, _ *Options) {
		c.Trunks = []Trunk{{Name: "carrier", Host: "127.0.0.1", Port: int(provider.addr().Port())}}
	})
	o := ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}, SDP: []byte(pcmu)}
	provider.call(s, o, "1")
	s.nextIncoming()
	pc := provider.call(s, o, "2")
	if e := pc.await(ua.EventEnded); e.Status != 503 || e.Cause != cause.CircuitCongestion {
		t.Errorf("ended with %d, %v", e.Status, e.Cause)
	}
	c := s.originate("PJSIP/1@carrier", nil)
	if r := s.ended(c); r.Cause != cause.CircuitCongestion {
		t.Errorf("result %+v", r)
	}
}

// freePair finds an even port that is free together with the next one.
func freePair(t *testing.T) int {
	t.Helper()
	for range 200 {
		a, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := a.LocalAddr().(*net.UDPAddr).Port
		b, err := net.ListenPacket("udp", netip.AddrPortFrom(loopback, uint16(port+1)).String())
		a.Close()
		if err == nil {
			b.Close()
			if port%2 == 0 {
				return port
			}
		}
	}
	t.Fatal("no free pair of ports")
	return 0
}

func TestDrainRefusesNewCallsAndKeepsTheOld(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	o := ua.InviteOptions{From: ua.Identity{User: "1", Host: "x"}, SDP: []byte(pcmu)}
	old := provider.call(s, o, "1")
	c := s.nextIncoming()
	s.tech.Drain()
	if e := provider.call(s, o, "2").await(ua.EventEnded); e.Status != 503 {
		t.Errorf("ended with %d", e.Status)
	}
	if _, err := s.tech.Request(t.Context(), "1@carrier", pbx.RequestOptions{}); err == nil {
		t.Error("a new outgoing leg while draining")
	}
	if err := c.Answer(); err != nil {
		t.Fatal(err)
	}
	old.await(ua.EventAnswered)
}
