package txn

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
)

// bench is a layer on an in-memory network with a scripted peer.
type rig struct {
	t     *testing.T
	wire  *siptest.Net
	net   *sipnet.Net
	layer *Layer
	here  netip.AddrPort // the layer's socket
	peer  *siptest.Peer
	flow  *sipnet.Flow // from the layer to the peer
}

// bubble runs a test in fake time with a fresh rig, and checks that nothing is
// pending 64*T1 after it.
func bubble(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		fn(t, r)
		sleep(40 * time.Second)
		if n := r.layer.Pending(); n != 0 {
			t.Errorf("%d transactions pending 40 s after the end", n)
		}
		if n := r.layer.Stats().Panics + r.net.Stats().Panics; n != 0 {
			t.Errorf("%d panics", n)
		}
	})
}

func newRig(t *testing.T, c Config) *rig {
	t.Helper()
	wire := siptest.NewNet()
	wire.Record()
	n, err := sipnet.New(sipnet.Config{
		Listen: []sipnet.ListenConfig{
			{Transport: sipnet.UDP, Addr: "10.0.0.1:5060"},
			{Transport: sipnet.TCP, Addr: "10.0.0.1:5060"},
		},
		PacketConn:   wire.ListenPacket,
		StreamListen: wire.ListenStream,
		StreamDial:   wire.DialStream,
		KnownSource:  func(netip.Addr) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	l := New(n, c)
	if err := n.Start(t.Context(), l.Handle); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := n.Stop(context.Background()); err != nil { // t.Context has ended
			t.Error(err)
		}
	})
	r := &rig{t: t, wire: wire, net: n, layer: l, here: n.Listeners()[0].Addr}
	r.peer = siptest.NewPeer(t, wire, "10.0.0.2:5060")
	r.flow, err = n.Flow(t.Context(), sipnet.Target{Transport: sipnet.UDP, Addr: r.peer.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sleep lets the bubble's time pass.
func sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// request is a request of ours towards the peer.
func (r *rig) request(method sip.RequestMethod) *sip.Request {
	r.t.Helper()
	req := sip.NewRequest(method, sip.Uri{Scheme: "sip", User: "bob", Host: "10.0.0.2"})
	req.AppendHeader(&sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "alice", Host: "10.0.0.1"}, Params: sip.HeaderParams{{K: "tag", V: "us"}}})
	req.AppendHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: "bob", Host: "10.0.0.2"}})
	callID := sip.CallIDHeader("call-" + string(method))
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 7, MethodName: method})
	return req
}

// heard collects what a client transaction's function hears.
type heard struct {
	start  time.Time
	events []string
	tx     *ClientTx
}

func (r *rig) send(req *sip.Request) *heard {
	r.t.Helper()
	h := &heard{start: time.Now()}
	tx, err := r.layer.Send(r.flow, req, func(res *sip.Response, err error) {
		at := time.Since(h.start)
		if err != nil {
			h.events = append(h.events, fmt.Sprintf("%v %v", at, err))
			return
		}
		h.events = append(h.events, fmt.Sprintf("%v %d", at, res.StatusCode))
	})
	if err != nil {
		r.t.Fatal(err)
	}
	h.tx = tx
	synctest.Wait()
	return h
}

// sent lists the packets from one address since a time, as
// "delay first-line".
func (r *rig) sent(from netip.AddrPort, since time.Time) []string {
	var out []string
	for _, p := range r.wire.Packets() {
		if p.From == from && !p.At.Before(since) {
			first, _, _ := strings.Cut(p.First(), " sip:bob@10.0.0.2 SIP/2.0")
			out = append(out, fmt.Sprintf("%v %s", p.At.Sub(since), first))
		}
	}
	return out
}

// incoming is a request of the peer; extra lines end in a line feed.
func incoming(method, branch string, extra ...string) string {
	to := "<sip:alice@10.0.0.1>"
	return fmt.Sprintf(`%[1]s sip:alice@10.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK%[2]s
Max-Forwards: 70
From: "Bob" <sip:bob@10.0.0.2>;tag=them
To: %[3]s
Call-ID: in-%[2]s
CSeq: 3 %[1]s
%[4]sContent-Length: 0

`, method, branch, to, strings.Join(extra, ""))
}

func contains(s, part string) bool { return strings.Contains(s, part) }

// replace is strings.ReplaceAll that fails when there is nothing to replace.
func replace(t *testing.T, s, old, with string) string {
	t.Helper()
	if !strings.Contains(s, old) {
		t.Fatalf("no %q in\n%s", old, s)
	}
	return strings.ReplaceAll(s, old, with)
}
