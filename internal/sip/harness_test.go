package sip

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// patience is how long a test waits for something that must come; reaching it
// is always a failure, so its length costs nothing.
const patience = 10 * time.Second

// server is the technology under test, in a real switch, on loopback.
type server struct {
	t        *testing.T
	sw       *pbx.Switch
	tech     *Technology
	media    *media.Engine
	events   <-chan pbx.Event
	incoming chan *pbx.Channel // calls that came in; they live until hung up
}

// start runs a server with phones 101, 102 and what change adds.
func start(t *testing.T, change func(*Config, *Options)) *server {
	t.Helper()
	s := &server{t: t, incoming: make(chan *pbx.Channel, 16)}
	var err error
	// Not the default range: servers under test beside this one take long runs
	// of pairs from that.
	s.media, err = media.New(media.Config{Bind: loopback, PortMin: 20000, PortMax: 32766})
	if err != nil {
		t.Fatal(err)
	}
	return s.run(change)
}

var loopback = netip.MustParseAddr("127.0.0.1")

func (s *server) run(change func(*Config, *Options)) *server {
	t := s.t
	t.Helper()
	ctx := context.Background() // t.Context ends before the clean-up runs
	if err := s.media.Start(ctx); err != nil {
		t.Fatal(err)
	}
	s.sw = pbx.New(pbx.Options{Media: s.media, Inbound: pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		s.incoming <- c
		<-ctx.Done()
	})})
	c := Config{
		Domain: "pbx.test",
		Listen: []Listener{{Transport: "udp", Addr: "127.0.0.1:0"}, {Transport: "tcp", Addr: "127.0.0.1:0"}},
		Phones: []Phone{{Name: "101", Password: "secret101", DisplayName: "Alice"}, {Name: "102", Password: "secret102"}},
	}
	o := Options{T1: 50 * time.Millisecond, T2: 400 * time.Millisecond, T4: 500 * time.Millisecond}
	if change != nil {
		change(&c, &o)
	}
	var err error
	s.tech, err = New(c, s.media, s.sw, o)
	if err != nil {
		t.Fatal(err)
	}
	s.sw.Register(s.tech)
	events, cancel := s.sw.Subscribe(pbx.EventFilter{}, 1000)
	s.events = events
	if err := s.tech.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), patience)
		defer stop()
		cancel()
		if err := s.sw.Stop(ctx); err != nil {
			t.Errorf("stop switch: %v", err)
		}
		stopCtx, stopNow := context.WithTimeout(ctx, 100*time.Millisecond)
		defer stopNow()
		_ = s.tech.Stop(stopCtx) // dialogs that wait for repeated 200s are dropped at the deadline
		_ = s.media.Stop(ctx)
	})
	return s
}

func (s *server) addr(transport string) netip.AddrPort {
	s.t.Helper()
	for _, l := range s.tech.Listeners() {
		if string(l.Transport) == transport {
			return l.Addr
		}
	}
	s.t.Fatalf("no %s listener", transport)
	return netip.AddrPort{}
}

// originate makes a channel and dials it.
func (s *server) originate(endpoint string, change func(*pbx.OriginateOptions)) *pbx.Channel {
	s.t.Helper()
	o := pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint(endpoint), CallerID: call.CallerID{Name: "Anna", Number: "4711"}}}
	if change != nil {
		change(&o)
	}
	c, err := s.sw.Originate(s.t.Context(), o)
	if err != nil {
		s.t.Fatalf("originate %s: %v", endpoint, err)
	}
	return c
}

// await waits for a channel's event of the type.
func (s *server) await(c *pbx.Channel, typ pbx.EventType) pbx.Event {
	s.t.Helper()
	return s.awaitEvent(string(typ), func(e pbx.Event) bool {
		return e.Type == typ && e.Channel != nil && e.Channel.ID == c.ID()
	})
}

func (s *server) awaitState(c *pbx.Channel, state pbx.State) {
	s.t.Helper()
	s.awaitEvent("state "+string(state), func(e pbx.Event) bool {
		return e.Type == pbx.ChannelStateChange && e.Channel.ID == c.ID() && e.Channel.State == state
	})
}

func (s *server) awaitEvent(what string, match func(pbx.Event) bool) pbx.Event {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e, ok := <-s.events:
			if !ok {
				s.t.Fatalf("events ended before %s", what)
			}
			if match(e) {
				return e
			}
		case <-timeout:
			s.t.Fatalf("no %s", what)
		}
	}
}

// ended waits for the end of a channel and says how it ended.
func (s *server) ended(c *pbx.Channel) pbx.Result {
	s.t.Helper()
	select {
	case <-c.Gone():
	case <-time.After(patience):
		s.t.Fatal("channel does not end")
	}
	r, _ := c.Result()
	return r
}

func (s *server) nextIncoming() *pbx.Channel {
	s.t.Helper()
	return receive(s.t, "incoming channel", s.incoming)
}

func receive[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// peer is a phone or provider made of the same parts as the server.
type peer struct {
	t         *testing.T
	transport string
	net       *sipnet.Net
	agent     *ua.Agent
	calls     chan *peerCall
	secrets   map[string]string // whom it lets in, when it plays a provider

	mu    sync.Mutex
	wire  []sipnet.TraceRecord
	fresh chan struct{} // closed and replaced at each message
	mute  bool
}

type peerOptions struct {
	transport string
	secrets   map[string]string
	tls       *tls.Config // of the listener
	roots     *tls.Config // towards the server
}

func newPeer(t *testing.T, o peerOptions) *peer {
	t.Helper()
	if o.transport == "" {
		o.transport = "udp"
	}
	p := &peer{t: t, transport: o.transport, calls: make(chan *peerCall, 16), secrets: o.secrets, fresh: make(chan struct{})}
	var err error
	p.net, err = sipnet.New(sipnet.Config{
		Listen:    []sipnet.ListenConfig{{Transport: sipnet.Transport(o.transport), Addr: "127.0.0.1:0", TLS: o.tls}},
		ClientTLS: func(string) *tls.Config { return o.roots },
		// The server is no stranger: N2's limit is not what these tests are about.
		KnownSource: func(netip.Addr) bool { return true },
		Trace: func(r sipnet.TraceRecord) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.wire = append(p.wire, r)
			close(p.fresh)
			p.fresh = make(chan struct{})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	layer := txn.New(p.net, txn.Config{T1: 50 * time.Millisecond, T2: 400 * time.Millisecond, T4: 500 * time.Millisecond})
	c := ua.Config{Layer: layer, Net: p.net, Realm: "peer.test", T1: 50 * time.Millisecond}
	if o.secrets != nil {
		c.Authenticate = func(user, _ string) (ua.Secret, bool) {
			pw, ok := o.secrets[user]
			return ua.Secret{Password: pw}, ok
		}
	}
	p.agent = ua.New(c)
	p.agent.OnInvite(p.invited)
	ctx := context.Background() // the clean-up stops it
	if err := p.agent.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := p.net.Start(ctx, func(f *sipnet.Flow, m sip.Message) {
		p.mu.Lock()
		mute := p.mute
		p.mu.Unlock()
		if !mute {
			layer.Handle(f, m)
		}
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer stop()
		_ = p.agent.Stop(ctx) // the server may be gone already
		_ = layer.Stop(ctx)
		_ = p.net.Stop(ctx)
	})
	return p
}

func (p *peer) addr() netip.AddrPort { return p.net.Listeners()[0].Addr }

// silence makes the peer deaf: it does not answer anything any more.
func (p *peer) silence(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = on
}

func (p *peer) invited(c *ua.Call, req *sip.Request) {
	pc := &peerCall{t: p.t, c: c, req: req, events: make(chan ua.Event, 64)}
	c.Handle(func(e ua.Event) { pc.events <- e })
	if p.secrets != nil {
		if _, ok := p.agent.Authorize(c); !ok {
			return
		}
	}
	p.calls <- pc
}

// next waits for a call to the peer.
func (p *peer) next() *peerCall {
	p.t.Helper()
	return receive(p.t, "call at the peer", p.calls)
}

// noCall checks that no call waits at the peer.
func (p *peer) noCall() {
	p.t.Helper()
	select {
	case c := <-p.calls:
		p.t.Fatalf("unexpected call %s", c.req.Recipient.String())
	default:
	}
}

func (p *peer) serverURI(s *server, user string) sip.Uri {
	a := s.addr(p.transport)
	u := sip.Uri{Scheme: "sip", User: user, Host: a.Addr().String(), Port: int(a.Port())}
	if p.transport != "udp" {
		u.UriParams = sip.NewParams()
		u.UriParams.Add("transport", p.transport)
	}
	return u
}

// tryRegister registers and gives the first state that is final.
func (p *peer) tryRegister(s *server, user, password string) ua.RegState {
	p.t.Helper()
	states := make(chan ua.RegState, 16)
	_, err := p.agent.Register(context.Background(), ua.RegisterOptions{
		AOR:       sip.Uri{Scheme: "sip", User: user, Host: "pbx.test"},
		Registrar: p.serverURI(s, ""), ContactUser: user,
		Auth:    ua.Credentials{User: user, Password: password},
		OnState: func(st ua.RegState) { states <- st },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	for {
		st := receive(p.t, "registration state", states)
		if st.Registered || st.LastError != "" {
			return st
		}
	}
}

func (p *peer) register(s *server, user string) {
	p.t.Helper()
	if st := p.tryRegister(s, user, "secret"+user); !st.Registered {
		p.t.Fatalf("%s is not registered: %d %s", user, st.Status, st.LastError)
	}
}

// call invites the server.
func (p *peer) call(s *server, o ua.InviteOptions, number string) *peerCall {
	p.t.Helper()
	pc := &peerCall{t: p.t, events: make(chan ua.Event, 64)}
	o.Target = p.serverURI(s, number)
	o.Events = func(e ua.Event) { pc.events <- e }
	if o.From.User == "" {
		o.From = ua.Identity{User: "101", Host: "pbx.test"}
	}
	var err error
	if pc.c, err = p.agent.Invite(o); err != nil {
		p.t.Fatal(err)
	}
	return pc
}

// callAs invites the server as a phone with its password.
func (p *peer) callAs(s *server, user, number, sdp string) *peerCall {
	p.t.Helper()
	return p.call(s, ua.InviteOptions{
		From: ua.Identity{User: user, Host: "pbx.test"}, SDP: []byte(sdp), Auth: &ua.Credentials{User: user, Password: "secret" + user},
	}, number)
}

// received waits for a message from the server whose first line begins so.
func (p *peer) received(first string) sipnet.TraceRecord {
	p.t.Helper()
	return p.receivedTimes(first, 1)
}

// receivedTimes waits for the nth such message.
func (p *peer) receivedTimes(first string, n int) sipnet.TraceRecord {
	p.t.Helper()
	return p.seen(first, n, func(r sipnet.TraceRecord) bool { return !r.Sent && strings.HasPrefix(r.First, first) })
}

// answered waits until the peer has answered a request of the method.
func (p *peer) answered(method string) {
	p.t.Helper()
	p.seen("answer to "+method, 1, func(r sipnet.TraceRecord) bool { return r.Sent && strings.HasSuffix(r.CSeq, method) })
}

// seen waits for the nth message that match accepts.
func (p *peer) seen(what string, n int, match func(sipnet.TraceRecord) bool) sipnet.TraceRecord {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		fresh, left := p.fresh, n
		for _, r := range p.wire {
			if !match(r) {
				continue
			}
			if left--; left == 0 {
				p.mu.Unlock()
				return r
			}
		}
		p.mu.Unlock()
		select {
		case <-fresh:
		case <-timeout:
			p.t.Fatalf("no %q at the peer", what)
		}
	}
}

// peerCall is one call at a peer, in either direction.
type peerCall struct {
	t      *testing.T
	c      *ua.Call
	req    *sip.Request
	events chan ua.Event
}

// await waits for an event of the kind, passing over others.
func (c *peerCall) await(kind ua.EventKind) ua.Event {
	c.t.Helper()
	timeout := time.After(patience)
	var seen []string
	for {
		select {
		case e := <-c.events:
			if e.Kind == kind {
				return e
			}
			seen = append(seen, fmt.Sprintf("%v %d", e.Kind, e.Status))
		case <-timeout:
			c.t.Fatalf("no %v at the peer, only %v", kind, seen)
		}
	}
}

func (c *peerCall) ring() {
	c.t.Helper()
	if err := c.c.Provisional(180, "Ringing", nil); err != nil {
		c.t.Fatal(err)
	}
}

func (c *peerCall) answer(sdp string) {
	c.t.Helper()
	if err := c.c.Answer([]byte(sdp)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *peerCall) refuse(status int, reason string) {
	c.t.Helper()
	if err := c.c.Reject(status, reason); err != nil {
		c.t.Fatal(err)
	}
}

func (c *peerCall) header(name string) string { return c.c.RequestHeader(name) }

// Session descriptions that peers use. Port 9 swallows what is sent there.
func sdpText(lines ...string) string {
	return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" + strings.Join(lines, "\r\n") + "\r\n"
}

var (
	pcmu = sdpText("m=audio 40000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000")
	pcma = sdpText("m=audio 40002 RTP/AVP 8")
	held = sdpText("m=audio 40000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=sendonly")
)
