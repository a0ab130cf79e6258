package webrtc

import (
	"context"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/webrtc/v4"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

const patience = 10 * time.Second

// newServer starts a server, and checks at the end that nothing of it is left.
func newServer(t *testing.T, c Config) *Server {
	t.Helper()
	before := runtime.NumGoroutine()
	c.Listen = loopback
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if s.Stats().Legs != 0 || len(s.agents) != 0 || len(s.sources) != 0 {
			t.Errorf("left behind: %d legs, %d agents, %d sources", s.Stats().Legs, len(s.agents), len(s.sources))
		}
		for end := time.Now().Add(patience); runtime.NumGoroutine() > before; runtime.Gosched() {
			if time.Now().After(end) {
				b := make([]byte, 1<<16)
				t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
			}
		}
	})
	return s
}

// browser is a full WebRTC stack with one track of PCMU.
type browser struct {
	t     *testing.T
	pc    *pion.PeerConnection
	out   *pion.TrackLocalStaticRTP
	heard chan string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	var e pion.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	e.SetHandleUndeclaredSSRCWithoutAnswer(true) // this stack forgets a source that speaks before it has read the answer; browsers do not
	pc, err := pion.NewAPI(pion.WithSettingEngine(e)).NewPeerConnection(pion.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, pc: pc, heard: make(chan string, 100)}
	t.Cleanup(func() { _ = pc.Close() })
	b.out, err = pion.NewTrackLocalStaticRTP(pion.RTPCodecCapability{MimeType: pion.MimeTypePCMU, ClockRate: 8000}, "audio", "stream")
	if err == nil {
		_, err = pc.AddTrack(b.out)
	}
	if err != nil {
		t.Fatal(err)
	}
	pc.OnTrack(func(r *pion.TrackRemote, _ *pion.RTPReceiver) {
		for {
			p, _, err := r.ReadRTP()
			if err != nil {
				return
			}
			select {
			case b.heard <- string(p.Payload):
			default:
			}
		}
	})
	return b
}

func (b *browser) offer(o *pion.OfferOptions) string {
	b.t.Helper()
	d, err := b.pc.CreateOffer(o)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.local(d)
}

// local takes a description of its own and gives it with all candidates.
func (b *browser) local(d pion.SessionDescription) string {
	b.t.Helper()
	done := pion.GatheringCompletePromise(b.pc)
	if err := b.pc.SetLocalDescription(d); err != nil {
		b.t.Fatal(err)
	}
	<-done
	return b.pc.LocalDescription().SDP
}

func (b *browser) remote(kind pion.SDPType, text []byte) {
	b.t.Helper()
	if err := b.pc.SetRemoteDescription(pion.SessionDescription{Type: kind, SDP: string(text)}); err != nil {
		b.t.Fatalf("%v\n%s", err, text)
	}
}

// leg is our side of one call with a browser.
type leg struct {
	t    *testing.T
	conn *Conn
	neg  *sdp.Negotiator
	keys chan *media.SRTPKeys
	errs chan error
	lost chan error
}

func newLeg(t *testing.T, s *Server) *leg {
	t.Helper()
	c, err := s.Open(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	l := &leg{t: t, conn: c, keys: make(chan *media.SRTPKeys, 1), errs: make(chan error, 1), lost: make(chan error, 1)}
	ufrag, pwd := c.Credentials()
	l.neg = sdp.NewNegotiator(sdp.Local{
		Addr: s.Addr().Addr(), Port: int(s.Addr().Port()), Codecs: []string{"PCMU", "telephone-event"},
		Browser: &sdp.Browser{Ufrag: ufrag, Pwd: pwd, Fingerprint: s.Fingerprint(), Candidates: []netip.AddrPort{s.Addr()}, Renew: c.Renew},
	})
	c.OnLost(func(err error) { l.lost <- err })
	return l
}

func (l *leg) connect(a sdp.Agreed) {
	l.t.Helper()
	err := l.conn.Connect(Peer{Fingerprints: a.Browser.Fingerprints, Client: a.Browser.Client}, func(k *media.SRTPKeys, err error) {
		if err != nil {
			l.errs <- err
			return
		}
		l.keys <- k
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func get[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// answer takes the browser's offer; called by a browser.
func (l *leg) answer(b *browser) sdp.Agreed {
	l.t.Helper()
	text, a, err := l.neg.Answer([]byte(b.offer(nil)))
	if err != nil {
		l.t.Fatal(err)
	}
	l.connect(a)
	b.remote(pion.SDPTypeAnswer, text)
	return a
}

func withLine(text, old, new string) string { return strings.ReplaceAll(text, old, new) }
