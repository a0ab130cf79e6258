package txn

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
)

func TestN3_Validation(t *testing.T) {
	without := func(header string) string {
		var out []string
		for line := range strings.Lines(incoming("INVITE", "v")) {
			if !strings.HasPrefix(line, header+":") {
				out = append(out, line)
			}
		}
		return strings.Join(out, "")
	}
	plus := func(lines string) string { return incoming("INVITE", "v", lines) }
	swap := func(old, with string) string { return strings.Replace(incoming("INVITE", "v"), old, with, 1) }
	for _, c := range []struct {
		name, message string
		want          int // 0: handed up; -1: dropped
		header        string
	}{
		{"good", plus(""), 0, ""},
		{"no From", without("From"), 400, ""},
		{"no To", without("To"), 400, ""},
		{"no Call-ID", without("Call-ID"), 400, ""},
		{"no CSeq", without("CSeq"), 400, ""},
		{"no Via", without("Via"), -1, ""},
		{"no branch", swap(";branch=z9hG4bKv", ""), 400, ""},
		{"no Max-Forwards", without("Max-Forwards"), 0, ""},
		{"CSeq of another method", swap("CSeq: 3 INVITE", "CSeq: 3 OPTIONS"), 400, ""},
		{"method in lower case is another", swap("INVITE sip", "invite sip"), 400, ""},
		{"version 3", swap("SIP/2.0\n", "SIP/3.0\n"), 505, ""},
		{"version in lower case", swap("SIP/2.0\n", "sip/2.0\n"), 0, ""},
		{"tel URI", swap("INVITE sip:alice@10.0.0.1", "INVITE tel:+4930"), 416, ""},
		{"http URI", swap("INVITE sip:alice@10.0.0.1", "INVITE http://x"), 416, ""},
		{"sips URI", swap("INVITE sip:", "INVITE sips:"), 0, ""},
		{"Require known", plus("Require: 100rel , Timer\n"), 0, ""},
		{"Require unknown", plus("Require: 100rel,gruu\nRequire: sec-agree\n"), 420, "Unsupported: gruu, sec-agree"},
		{"Max-Forwards 0", swap("Max-Forwards: 70", "Max-Forwards: 0"), 483, ""},
		{"Max-Forwards 0 in REGISTER", strings.ReplaceAll(swap("Max-Forwards: 70", "Max-Forwards: 0"), "INVITE", "REGISTER"), 0, ""},
		{"two From", plus("From: <sip:x@y>;tag=1\n"), 400, ""},
		{"two To", plus("t: <sip:x@y>\n"), 400, ""},
		{"two Call-ID", plus("i: x\n"), 400, ""},
		{"two CSeq", plus("CSeq: 3 INVITE\n"), 400, ""},
		{"two Max-Forwards", plus("Max-Forwards: 3\n"), 400, ""},
		{"two Content-Length", plus("l: 0\n"), 400, ""},
		{"two Content-Type", plus("c: a/b\nContent-Type: c/d\n"), 400, ""},
		{"two Expires", plus("Expires: 1\nExpires: 2\n"), 400, ""},
		{"two Vias", plus("Via: SIP/2.0/UDP next;branch=z9hG4bKx\n"), 0, ""},
		{"ACK with a fault", strings.ReplaceAll(swap("SIP/2.0\n", "SIP/3.0\n"), "INVITE", "ACK"), -1, ""},
		{"ACK with Require", strings.ReplaceAll(plus("Require: x\n"), "INVITE", "ACK"), -1, ""},
		{"CANCEL with Require", strings.ReplaceAll(plus("Require: x\n"), "INVITE", "CANCEL"), 481, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				got := 0
				r.layer.OnRequest(func(s *ServerTx) {
					got++
					_ = s.Respond(NewResponse(s.Request(), 299, "Heard", "h"))
				})
				for range 2 { // the answer to a repetition is the same
					r.peer.Send(r.here, c.message)
				}
				synctest.Wait()
				packets := slices.DeleteFunc(r.wire.Packets(), func(p siptest.Packet) bool { return p.From != r.here })
				switch {
				case c.want < 0:
					if len(packets) != 0 || got != 0 {
						t.Errorf("not dropped: %v", packets)
					}
				case c.want == 0:
					if got != 1 {
						t.Errorf("not handed up: %v", packets)
					}
				default:
					if got != 0 || len(packets) != 2 || !bytes.Equal(packets[0].Data, packets[1].Data) {
						t.Fatalf("want two equal answers, got %d", len(packets))
					}
					res, _ := r.peer.Response(c.want)
					if c.header != "" && !strings.Contains(res.String(), "\r\n"+c.header+"\r\n") {
						t.Errorf("no %q in\n%s", c.header, res)
					}
				}
				if c.want == 0 {
					r.peer.Response(299)
				}
				stop(t, r)
			})
		})
	}
}

func TestN3_StrayResponsesAreDropped(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.layer.OnStray2xx(func(*sipnet.Flow, *sip.Response) { t.Error("handed up") })
		good := "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>\nCall-ID: x\nCSeq: 1 INVITE\n\n"
		for _, s := range []string{
			strings.Replace(good, "INVITE", "BYE", 1),
			strings.Replace(good, "200 OK", "486 Busy", 1),
			strings.Replace(good, "200 OK", "99 Low", 1),
			strings.Replace(good, "200 OK", "700 High", 1),
			strings.Replace(good, "From", "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKy\nFrom", 1), // RFC 3261 §8.1.3.3
			strings.Replace(good, "CSeq", "X", 1),
		} {
			r.peer.Send(r.here, s)
		}
		synctest.Wait()
		if n := len(r.wire.Packets()); n != 6 {
			t.Errorf("%d packets, six of them the peer's", n)
		}
	})
}

func TestOverload_NoHandlerAndAfterStop(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.peer.Send(r.here, incoming("INVITE", "o"))
		res, _ := r.peer.Response(503)
		if res.GetHeader("Retry-After") == nil {
			t.Errorf("no Retry-After in\n%s", res)
		}
		r.answer(200)
		stop(t, r)
		r.peer.Send(r.here, incoming("INVITE", "o"))
		r.peer.Response(503)
	})
}

// FuzzDispatch sends one datagram through a Net and a Layer with a user that
// answers, cancels and panics, followed by a good request.
func FuzzDispatch(f *testing.F) {
	for _, m := range []string{"INVITE", "ACK", "CANCEL", "BYE", "REGISTER"} {
		f.Add([]byte(siptest.CRLF(incoming(m, "f"))))
	}
	f.Add([]byte(siptest.CRLF("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>\nCall-ID: x\nCSeq: 1 INVITE\n\n")))
	for _, c := range tortures {
		f.Add(c.bytes(f))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		wire := siptest.NewNet()
		n, err := sipnet.New(sipnet.Config{
			Listen:      []sipnet.ListenConfig{{Transport: sipnet.UDP, Addr: "10.0.0.1:5060"}},
			PacketConn:  wire.ListenPacket,
			KnownSource: func(netip.Addr) bool { return true },
			Trace:       func(sipnet.TraceRecord) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		l := New(n, Config{})
		l.OnRequest(func(s *ServerTx) {
			s.OnCancel(func(*sip.Request) { _ = s.Respond(NewResponse(s.Request(), 487, "Gone", "t")) })
			_ = s.Respond(NewResponse(s.Request(), 180, "Ringing", "t"))
			if s.Request().Method != sip.INVITE {
				_ = s.Respond(NewResponse(s.Request(), 200, "OK", "t"))
			}
		})
		l.OnAck(func(_ *sipnet.Flow, ack *sip.Request) { _ = ack.String() })
		l.OnStray2xx(func(_ *sipnet.Flow, r *sip.Response) { _ = r.String() })
		if err := n.Start(t.Context(), l.Handle); err != nil {
			t.Fatal(err)
		}
		peer := siptest.NewPeer(t, wire, "10.0.0.2:5060")
		peer.Send(netip.MustParseAddrPort("10.0.0.1:5060"), string(data))
		probe := incoming("OPTIONS", "probe")
		peer.Send(netip.MustParseAddrPort("10.0.0.1:5060"), probe)
		for {
			if s := peer.RecvRaw(); strings.HasPrefix(s, "SIP/2.0 200 ") && strings.Contains(s, "z9hG4bKprobe") {
				break
			}
		}
		if p := l.Stats().Panics + n.Stats().Panics; p != 0 {
			t.Errorf("%d panics", p)
		}
		if err := l.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := n.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
