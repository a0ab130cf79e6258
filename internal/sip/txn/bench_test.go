package txn

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
)

// BenchmarkCall is INVITE, 180, 200, ACK, BYE, 200 between two layers: six
// messages sent and six handled, both sides in this process. One operation is
// one call.
func BenchmarkCall(b *testing.B) {
	for _, wire := range []string{"memory", "loopback UDP", "loopback TCP"} {
		b.Run(wire, func(b *testing.B) {
			p := newPair(b, wire)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				p.call(b, i)
				i++
			}
		})
	}
}

// BenchmarkCalls keeps 64 calls going at once, so that waiting for the other
// side's goroutine costs nothing.
func BenchmarkCalls(b *testing.B) {
	p := newPair(b, "loopback UDP")
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			p.call(b, i)
		}
	})
}

// pair is two layers; the far one answers everything.
type pair struct {
	caller *Layer
	flow   *sipnet.Flow // from the caller to the far layer
}

func newPair(b *testing.B, wire string) *pair {
	b.Helper()
	listen := sipnet.ListenConfig{Transport: sipnet.UDP, Addr: "127.0.0.1:0"}
	if wire == "loopback TCP" {
		listen.Transport = sipnet.TCP
	}
	cfg := sipnet.Config{Listen: []sipnet.ListenConfig{listen}, KnownSource: func(netip.Addr) bool { return true }}
	if wire == "memory" {
		cfg.PacketConn = siptest.NewNet().ListenPacket
	}
	far, phone := openLayer(b, cfg)
	phone.OnRequest(func(s *ServerTx) {
		if s.Request().Method == sip.INVITE {
			_ = s.Respond(NewResponse(s.Request(), 180, "Ringing", "them")) // the caller would time out
		}
		_ = s.Respond(NewResponse(s.Request(), 200, "OK", "them"))
	})
	n, l := openLayer(b, cfg)
	f, err := n.Flow(b.Context(), sipnet.Target{Transport: listen.Transport, Addr: far.Listeners()[0].Addr})
	if err != nil {
		b.Fatal(err)
	}
	return &pair{l, f}
}

func openLayer(b *testing.B, cfg sipnet.Config) (*sipnet.Net, *Layer) {
	b.Helper()
	n, err := sipnet.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	l := New(n, Config{})
	if err := n.Start(b.Context(), l.Handle); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = l.Stop(context.Background()) // the benchmark's context has ended
		_ = n.Stop(context.Background())
	})
	return n, l
}

func (p *pair) call(b *testing.B, i int) {
	done := make(chan error, 1)
	callID := sip.CallIDHeader(fmt.Sprintf("bench-%p-%d", done, i))
	request := func(method sip.RequestMethod, cseq uint32) *sip.Request {
		r := sip.NewRequest(method, sip.Uri{Scheme: "sip", User: "bob", Host: "127.0.0.1"})
		r.AppendHeader(&sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "alice", Host: "127.0.0.1"}, Params: sip.HeaderParams{{K: "tag", V: "us"}}})
		r.AppendHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: "bob", Host: "127.0.0.1"}})
		r.AppendHeader(&callID)
		r.AppendHeader(&sip.CSeqHeader{SeqNo: cseq, MethodName: method})
		return r
	}
	_, err := p.caller.Send(p.flow, request(sip.INVITE, 1), func(res *sip.Response, err error) {
		if err == nil && res.StatusCode < 200 {
			return
		}
		if err == nil {
			err = p.caller.SendAck(p.flow, request(sip.ACK, 1))
		}
		if err == nil {
			_, err = p.caller.Send(p.flow, request(sip.BYE, 2), func(_ *sip.Response, err error) { done <- err })
		}
		if err != nil {
			done <- err
		}
	})
	if err == nil {
		err = <-done
	}
	if err != nil {
		b.Error(err)
	}
}
