package ua

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

const (
	offerSDP  = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
	answerSDP = "v=0\r\no=- 2 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"
	laterSDP  = "v=0\r\no=- 2 2 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"
)

// rig is an agent on an in-memory network with a scripted phone.
type rig struct {
	t     *testing.T
	wire  *siptest.Net
	net   *sipnet.Net
	layer *txn.Layer
	agent *Agent
	here  netip.AddrPort
	peer  *siptest.Peer
}

// testResolver knows two.example: first 10.0.0.3, then the peer.
type testResolver struct{}

func (testResolver) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (testResolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if host == "two.example" {
		return []netip.Addr{netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("10.0.0.2")}, nil
	}
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

// bubble runs a test in fake time with a fresh rig, and checks afterwards
// that a finished call leaves nothing.
func bubble(t *testing.T, cfg Config, fn func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cfg)
		fn(r)
		sleep(70 * time.Second)
		if n := r.agent.Pending(); n != 0 {
			t.Errorf("%d calls pending 70 s after the end", n)
		}
		if n := r.layer.Pending(); n != 0 {
			t.Errorf("%d transactions pending 70 s after the end", n)
		}
		if n := r.agent.Panics(); n != 0 {
			t.Errorf("%d panics", n)
		}
	})
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	wire := siptest.NewNet()
	wire.Record()
	n, err := sipnet.New(sipnet.Config{
		Listen: []sipnet.ListenConfig{
			{Transport: sipnet.UDP, Addr: "10.0.0.1:5060"},
			{Transport: sipnet.TCP, Addr: "10.0.0.1:5060"},
		},
		PacketConn: wire.ListenPacket, StreamListen: wire.ListenStream, StreamDial: wire.DialStream,
		KnownSource: func(netip.Addr) bool { return true },
		Resolver:    testResolver{},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := txn.New(n, txn.Config{})
	cfg.Layer, cfg.Net = l, n
	a := New(cfg)
	if err := n.Start(t.Context(), l.Handle); err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second) // t.Context has ended
		defer cancel()
		a.Stop(ctx)
		l.Stop(ctx)
		n.Stop(ctx)
	})
	return &rig{t: t, wire: wire, net: n, layer: l, agent: a, here: n.Listeners()[0].Addr, peer: siptest.NewPeer(t, wire, "10.0.0.2:5060")}
}

// sleep lets the bubble's time pass.
func sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// log collects the events of a call.
type eventLog struct {
	mu     sync.Mutex
	events []Event
	call   *Call
	react  func(Event)
}

func (l *eventLog) add(e Event) {
	l.mu.Lock()
	l.events = append(l.events, e)
	f := l.react
	l.mu.Unlock()
	if f != nil {
		f(e)
	}
}

// on sets what to do in the handler.
func (l *eventLog) on(f func(Event)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.react = f
}

// all gives the events so far.
func (l *eventLog) all() []Event {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// kinds gives them in short: "trying 100", "answered 200", "ended 487 cause 16".
func (l *eventLog) kinds() string {
	var out []string
	for _, e := range l.all() {
		s := e.Kind.String()
		if e.Status != 0 {
			s += fmt.Sprint(" ", e.Status)
		}
		if e.Kind == EventEnded {
			s += fmt.Sprint(" cause ", int(e.Cause))
			if e.ByPeer {
				s += " by peer"
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func (l *eventLog) want(t *testing.T, want string) {
	t.Helper()
	if got := l.kinds(); got != want {
		t.Errorf("events:\n got %s\nwant %s", got, want)
	}
}

func (l *eventLog) last() Event {
	all := l.all()
	if len(all) == 0 {
		return Event{}
	}
	return all[len(all)-1]
}

// dial begins a call to the peer.
func (r *rig) dial(change ...func(*InviteOptions)) *eventLog {
	r.t.Helper()
	l := &eventLog{}
	o := InviteOptions{
		Target: sip.Uri{Scheme: "sip", User: "bob", Host: "10.0.0.2"},
		From:   Identity{DisplayName: "Alice", User: "100", Host: "dialwright.example"},
		SDP:    []byte(offerSDP),
		Events: l.add,
	}
	for _, f := range change {
		f(&o)
	}
	c, err := r.agent.Invite(o)
	if err != nil {
		r.t.Fatal(err)
	}
	l.call = c
	return l
}

func withAuth(user, password string) func(*InviteOptions) {
	return func(o *InviteOptions) { o.Auth = &Credentials{User: user, Password: password} }
}

// phone is what a scripted response or request needs to say of itself.
type extra func(sip.Message)

func body(sdp string) extra {
	return func(m sip.Message) { setSDP(m, []byte(sdp)) }
}

func header(name, value string) extra {
	return func(m sip.Message) { m.AppendHeader(sip.NewHeader(name, value)) }
}

func contact(uri string) extra {
	return func(m sip.Message) {
		h := &sip.ContactHeader{}
		if err := sip.ParseUri(uri, &h.Address); err != nil {
			panic(err)
		}
		m.AppendHeader(h)
	}
}

// answer sends a response of the peer with To tag tag and its usual Contact.
func (r *rig) answer(req *sip.Request, status int, tag string, extras ...extra) *sip.Response {
	r.t.Helper()
	res := siptest.Answer(req, status, "Reason", tag)
	hasContact := false
	for _, f := range extras {
		f(res)
		hasContact = hasContact || res.Contact() != nil
	}
	if !hasContact && (req.Method == sip.INVITE || req.Method == sip.UPDATE) && status > 100 && status < 300 {
		contact("sip:bob@10.0.0.2:5060")(res)
	}
	r.peer.SendMessage(r.here, res)
	return res
}

// established sets up a call from us and gives the INVITE and its answer.
func (r *rig) established(extras ...extra) (*eventLog, *sip.Request, *sip.Response) {
	r.t.Helper()
	l := r.dial()
	inv, _ := r.peer.Request(sip.INVITE)
	r.answer(inv, 180, "bob")
	res := r.answer(inv, 200, "bob", append([]extra{body(answerSDP)}, extras...)...)
	r.peer.Request(sip.ACK)
	return l, inv, res
}

// byAgent ends an established call from our side.
func (r *rig) hangup(l *eventLog) {
	r.t.Helper()
	l.call.Hangup(0)
	bye, _ := r.peer.Request(sip.BYE)
	r.answer(bye, 200, "")
}

// request makes a request of the peer in the dialog of its own answer.
func inDialog(m sip.RequestMethod, seq uint32, inv *sip.Request, res *sip.Response, extras ...extra) *sip.Request {
	to := inv.From().AsTo()
	from := res.To().AsFrom()
	return request(m, seq, inv.Contact().Address, &from, &to, inv.CallID().Value(), extras...)
}

func request(m sip.RequestMethod, seq uint32, uri sip.Uri, from *sip.FromHeader, to *sip.ToHeader, callID string, extras ...extra) *sip.Request {
	req := sip.NewRequest(m, uri)
	req.AppendHeader(&sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "10.0.0.2", Port: 5060,
		Params: sip.HeaderParams{{K: "branch", V: fmt.Sprintf("z9hG4bK%s%d%s%p", m, seq, callID, from)}}})
	seventy := sip.MaxForwardsHeader(70)
	req.AppendHeader(&seventy)
	req.AppendHeader(from)
	req.AppendHeader(to)
	id := sip.CallIDHeader(callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: m})
	for _, f := range extras {
		f(req)
	}
	if req.Contact() == nil && (m == sip.INVITE || m == sip.UPDATE || m == sip.REFER) {
		contact("sip:bob@10.0.0.2:5060")(req)
	}
	if req.ContentLength() == nil {
		req.SetBody(nil)
	}
	return req
}

// invite makes an INVITE of the peer to us.
func invite(callID string, extras ...extra) *sip.Request {
	return request(sip.INVITE, 1, sip.Uri{Scheme: "sip", User: "101", Host: "10.0.0.1"},
		&sip.FromHeader{DisplayName: "Bob", Address: sip.Uri{Scheme: "sip", User: "bob", Host: "10.0.0.2"}, Params: sip.HeaderParams{{K: "tag", V: "bobtag"}}},
		&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: "101", Host: "10.0.0.1"}}, callID, extras...)
}

// ringing makes the agent hand incoming calls to the returned log, which
// carries out f first.
func (r *rig) ringing(f func(c *Call)) *eventLog {
	l := &eventLog{}
	r.agent.OnInvite(func(c *Call, _ *sip.Request) {
		l.mu.Lock()
		l.call = c
		l.mu.Unlock()
		c.Handle(l.add)
		if f != nil {
			f(c)
		}
	})
	return l
}

// ackFor makes the ACK of the peer to our 2xx.
func ackFor(inv *sip.Request, res *sip.Response, extras ...extra) *sip.Request {
	from := *inv.From()
	to := *res.To()
	return request(sip.ACK, inv.CSeq().SeqNo, res.Contact().Address, &from, &to, inv.CallID().Value(), extras...)
}

// follow makes a later request of the peer in an incoming call's dialog.
func follow(m sip.RequestMethod, seq uint32, inv *sip.Request, res *sip.Response, extras ...extra) *sip.Request {
	from := *inv.From()
	to := *res.To()
	return request(m, seq, res.Contact().Address, &from, &to, inv.CallID().Value(), extras...)
}

// final waits for a final response with a status, skipping provisional ones
// and repetitions of other transactions.
func (r *rig) final(status int) *sip.Response {
	r.t.Helper()
	for {
		m, _ := r.peer.Recv()
		if res, ok := m.(*sip.Response); ok {
			if res.StatusCode < 200 {
				continue
			}
			if res.StatusCode == status {
				return res
			}
		}
		r.t.Fatalf("want response %d, received\n%s", status, m.String())
	}
}

// silent checks that the peer hears nothing for d.
func (r *rig) silent(d time.Duration) {
	r.t.Helper()
	if m, _, ok := r.peer.TryRecv(d); ok {
		r.t.Errorf("peer should hear nothing, received\n%s", m.String())
	}
}
