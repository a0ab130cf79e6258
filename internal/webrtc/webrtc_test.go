package webrtc

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/stun/v4"
	pion "github.com/pion/webrtc/v4"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// talk runs a media session on the leg and has both sides hear each other.
func talk(t *testing.T, l *leg, b *browser, a sdp.Agreed) *media.RTP {
	t.Helper()
	e, err := media.New(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Stop(context.WithoutCancel(t.Context())) })
	r, err := e.OpenRTP(media.RTPOptions{ID: t.Name(), Socket: l.conn})
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 100)
	r.SetSink(func(p *media.Packet) {
		select {
		case heard <- string(p.Payload):
		default:
		}
	})
	var keys *media.SRTPKeys
	select {
	case keys = <-l.keys:
	case err := <-l.errs:
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("not connected")
	}
	if err := r.Configure(media.RTPConfig{
		Remote: l.conn.Peer(), RTCPMux: true, Codec: a.Codec, SendPT: a.SendPT, RecvPT: a.RecvPT, SendOK: true, RecvOK: true, SRTP: keys,
	}); err != nil {
		t.Fatal(err)
	}
	exchange(t, r, b, heard)
	return r
}

// exchange sends both ways until both have heard something.
func exchange(t *testing.T, r *media.RTP, b *browser, heard chan string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var seq uint16
	us, them := false, false
	for end := time.After(patience); !us || !them; {
		select {
		case <-end:
			t.Fatalf("server heard the browser: %v; the browser heard the server: %v", us, them)
		case got := <-heard:
			us = us || got == "from the browser"
		case got := <-b.heard:
			them = them || got == "from the server"
		case <-tick.C:
			seq++
			if err := b.out.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * 160}, Payload: []byte("from the browser")}); err != nil {
				t.Fatal(err)
			}
			if err := r.Send(&media.Packet{Seq: seq, TS: uint32(seq) * 160, SSRC: 7, Payload: []byte("from the server")}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestBrowserOffers(t *testing.T) {
	s := newServer(t, Config{})
	b, l := newBrowser(t), newLeg(t, s)
	a := l.answer(b)
	if a.Browser.Client {
		t.Error("we open although the browser may")
	}
	talk(t, l, b, a)
	if st := s.Stats(); st.Connected != 1 || st.Opened != 1 || st.Legs != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestWeOffer(t *testing.T) {
	s := newServer(t, Config{})
	b, l := newBrowser(t), newLeg(t, s)
	offer, err := l.neg.Offer()
	if err != nil {
		t.Fatal(err)
	}
	b.remote(pion.SDPTypeOffer, offer)
	d, err := b.pc.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.neg.SetAnswer([]byte(b.local(d)))
	if err != nil {
		t.Fatal(err)
	}
	l.connect(a)
	talk(t, l, b, a)
}

// TestWeAreTheClient: a browser that will only be called by DTLS is called.
func TestWeAreTheClient(t *testing.T) {
	s := newServer(t, Config{})
	b, l := newBrowser(t), newLeg(t, s)
	offer, err := l.neg.Offer()
	if err != nil {
		t.Fatal(err)
	}
	b.remote(pion.SDPTypeOffer, []byte(withLine(string(offer), "a=setup:actpass", "a=setup:active")))
	d, err := b.pc.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.neg.SetAnswer([]byte(b.local(d)))
	if err != nil {
		t.Fatal(err)
	}
	if !a.Browser.Client {
		t.Fatal("the browser is not passive")
	}
	l.connect(a)
	talk(t, l, b, a)
}

func TestRestartOfICE(t *testing.T) {
	s := newServer(t, Config{})
	b, l := newBrowser(t), newLeg(t, s)
	a := l.answer(b)
	r := talk(t, l, b, a)
	before, _ := l.conn.Credentials()
	text, again, err := l.neg.Answer([]byte(b.offer(&pion.OfferOptions{ICERestart: true})))
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := l.conn.Credentials(); after == before || !strings.Contains(string(text), "a=ice-ufrag:"+after) {
		t.Errorf("restarted with %q again, or another than said:\n%s", before, text)
	}
	b.remote(pion.SDPTypeAnswer, text)
	if again.Browser.Ufrag == a.Browser.Ufrag {
		t.Error("the browser has not restarted")
	}
	heard := make(chan string, 100)
	r.SetSink(func(p *media.Packet) {
		select {
		case heard <- string(p.Payload):
		default:
		}
	})
	exchange(t, r, b, heard)
}

func TestBrowserSaysGoodbye(t *testing.T) {
	s := newServer(t, Config{})
	b, l := newBrowser(t), newLeg(t, s)
	talk(t, l, b, l.answer(b))
	if err := b.pc.Close(); err != nil {
		t.Fatal(err)
	}
	if err := get(t, l.lost); !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	if n := s.Stats().Failed[Gone]; n != 1 {
		t.Errorf("%d gone", n)
	}
}

// failure is the reason of an *Error.
func failure(t *testing.T, err error) Reason {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("not an *Error: %v", err)
	}
	return e.Reason
}

func TestImpostor(t *testing.T) {
	s := newServer(t, Config{})
	b, l := newBrowser(t), newLeg(t, s)
	text, a, err := l.neg.Answer([]byte(b.offer(nil)))
	if err != nil {
		t.Fatal(err)
	}
	a.Browser.Fingerprints = []string{s.Fingerprint()}
	l.connect(a)
	b.remote(pion.SDPTypeAnswer, text)
	if err := get(t, l.errs); failure(t, err) != Impostor {
		t.Error(err)
	}
}

func TestNobodyComes(t *testing.T) {
	s := newServer(t, Config{Connect: 50 * time.Millisecond})
	l := newLeg(t, s)
	l.connect(sdp.Agreed{Browser: &sdp.BrowserPeer{Fingerprints: []string{s.Fingerprint()}}})
	err := get(t, l.errs)
	if failure(t, err) != NoPath || !strings.HasPrefix(err.Error(), "the browser's media did not connect: ") {
		t.Error(err)
	}
}

// TestClosedWhileConnecting: whoever hangs up is told nothing more.
func TestClosedWhileConnecting(t *testing.T) {
	s := newServer(t, Config{})
	l := newLeg(t, s)
	l.connect(sdp.Agreed{Browser: &sdp.BrowserPeer{}})
	if err := l.conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil { // waits for the handshake's goroutine
		t.Fatal(err)
	}
	select {
	case err := <-l.errs:
		t.Error(err)
	default:
	}
}

func TestTooMany(t *testing.T) {
	s := newServer(t, Config{MaxLegs: 1})
	l := newLeg(t, s)
	if _, err := s.Open("second"); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	if err := l.conn.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := s.Open("third")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if s.Stats().Refused != 1 {
		t.Error(s.Stats())
	}
}

// check is a connectivity check as a browser sends it.
func check(ufrag, pwd string, more ...stun.Setter) []byte {
	all := append([]stun.Setter{stun.BindingRequest, stun.TransactionID, stun.NewUsername(ufrag + ":them")}, more...)
	return stun.MustBuild(append(all, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)...).Raw
}

// from gives a check to the server as if it had come from there.
func (s *Server) given(b []byte, from string) {
	var r reader
	s.datagram(&r, b, netip.MustParseAddrPort(from))
}

var useCandidate = stun.RawAttribute{Type: stun.AttrUseCandidate}

func TestChecks(t *testing.T) {
	s := newServer(t, Config{})
	l := newLeg(t, s)
	ufrag, pwd := l.conn.Credentials()
	way := func() string {
		if p := l.conn.way.Load(); p != nil {
			return p.to.String()
		}
		return ""
	}
	for _, step := range []struct {
		name  string
		check []byte
		from  string
		want  string // where we send then
	}{
		{"a stranger's name", check("nobody", pwd), "127.0.0.1:9", ""},
		{"a wrong password", check(ufrag, "guess"), "127.0.0.1:9", ""},
		{"its role is ours", check(ufrag, pwd, stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}), "127.0.0.1:9", ""},
		{"a first way", check(ufrag, pwd), "127.0.0.1:10", "127.0.0.1:10"},
		{"another", check(ufrag, pwd), "127.0.0.1:11", "127.0.0.1:11"},
		{"nominated", check(ufrag, pwd, useCandidate), "127.0.0.1:10", "127.0.0.1:10"},
		{"another is checked on", check(ufrag, pwd), "127.0.0.1:11", "127.0.0.1:10"},
		{"another is nominated", check(ufrag, pwd, useCandidate), "127.0.0.1:12", "127.0.0.1:12"},
	} {
		s.given(step.check, step.from)
		if got := way(); got != step.want {
			t.Errorf("%s: we send to %q, want %q", step.name, got, step.want)
		}
	}
	if n := s.Stats().Checks; n != 2 {
		t.Errorf("%d refused checks", n)
	}
}

// TestSourcesAreBounded: who knows the password still cannot fill our memory.
func TestSourcesAreBounded(t *testing.T) {
	s := newServer(t, Config{})
	l := newLeg(t, s)
	ufrag, pwd := l.conn.Credentials()
	s.given(check(ufrag, pwd, useCandidate), "127.0.0.1:9")
	for i := range 100 {
		s.given(check(ufrag, pwd), netip.AddrPortFrom(loopback.Addr(), uint16(1000+i)).String())
	}
	if len(s.sources) > maxSources || s.sources[netip.MustParseAddrPort("127.0.0.1:9")] != l.conn {
		t.Errorf("%d sources; the way in use is known: %v", len(s.sources), s.sources[netip.MustParseAddrPort("127.0.0.1:9")] != nil)
	}
	for range 10 {
		l.conn.Renew()
	}
	if len(s.agents) != maxAgents {
		t.Errorf("%d agents", len(s.agents))
	}
}

// TestStrangers: what is not from a browser that has proved itself goes nowhere.
func TestStrangers(t *testing.T) {
	s := newServer(t, Config{})
	l := newLeg(t, s)
	for _, b := range [][]byte{{}, {70}, {22, 254, 253}, {0x80, 0, 0, 1}, {0, 1, 0, 0}, []byte("GET / HTTP/1.1")} {
		s.given(b, "127.0.0.1:9")
	}
	if st := s.Stats(); st.Strangers != 6 || st.Overflow != 0 {
		t.Errorf("%+v", st)
	}
	_ = l
}

func TestSilence(t *testing.T) {
	s := newServer(t, Config{})
	l := newLeg(t, s)
	ufrag, pwd := l.conn.Credentials()
	s.given(check(ufrag, pwd, useCandidate), "127.0.0.1:9")
	now := time.Now()
	s.lose(now.Add(time.Hour)) // not connected: Connect's own time counts
	l.conn.limit.Store(int64(s.cfg.Consent))
	s.lose(now.Add(29 * time.Second))
	l.conn.Doubt()
	s.lose(now.Add(9 * time.Second))
	select {
	case err := <-l.lost:
		t.Fatal("lost too early:", err)
	default:
	}
	s.lose(now.Add(11 * time.Second))
	if err := get(t, l.lost); failure(t, err) != Gone {
		t.Error(err)
	}
	s.lose(now.Add(time.Hour)) // told once
	if n := s.Stats().Failed[Gone]; n != 1 {
		t.Errorf("told %d times", n)
	}
}

// TestFlood: a leg that does not read costs a bounded buffer.
func TestFlood(t *testing.T) {
	s := newServer(t, Config{})
	l := newLeg(t, s)
	ufrag, pwd := l.conn.Credentials()
	s.given(check(ufrag, pwd, useCandidate), "127.0.0.1:9")
	packet := append([]byte{0x80}, make([]byte, 1000)...)
	for range 1000 {
		s.given(packet, "127.0.0.1:9")
	}
	if n := s.Stats().Overflow; n < 900 {
		t.Errorf("%d dropped", n)
	}
}

func FuzzDatagram(f *testing.F) {
	s, err := New(Config{Listen: loopback})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Start(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Stop(context.WithoutCancel(f.Context())) })
	c, err := s.Open("fuzz")
	if err != nil {
		f.Fatal(err)
	}
	ufrag, pwd := c.Credentials()
	f.Add(check("nobody", "nothing"))
	f.Add(check(ufrag, pwd, useCandidate))
	f.Add([]byte{22, 254, 253, 0})
	f.Add([]byte{0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		s.given(b, "127.0.0.1:9")
		if s.Stats().Panics != 0 {
			t.Fatal("a broken invariant")
		}
		b2 := make([]byte, maxDatagram)
		for c.rtp.Count() > 0 {
			_, _ = c.rtp.Read(b2)
		}
		for c.dtls.Count() > 0 {
			_, _ = c.dtls.Read(b2)
		}
	})
}
