package ua

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
)

// readRequest reads one request of a stream.
func readRequest(t *testing.T, c net.Conn, m sip.RequestMethod) *sip.Request {
	t.Helper()
	buf := make([]byte, 65536)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := sip.NewParser().ParseSIP(buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	req, ok := msg.(*sip.Request)
	if !ok || req.Method != m {
		t.Fatalf("want %s, got\n%s", m, msg)
	}
	return req
}

// A call over TCP stays on its connection, and finds a new one when that
// breaks.
func TestN6_CallOverTCP(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		ln, err := r.wire.ListenStream("tcp", "10.0.0.4:5060")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		l := r.dial(func(o *InviteOptions) {
			o.Target = sip.Uri{Scheme: "sip", User: "bob", Host: "10.0.0.4", UriParams: sip.HeaderParams{{K: "transport", V: "tcp"}}}
		})
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		inv := readRequest(t, conn, sip.INVITE)
		if inv.Contact().Address.String() != "sip:100@10.0.0.1:5060;transport=tcp" {
			t.Errorf("Contact %s", inv.Contact())
		}
		res := siptest.Answer(inv, 200, "OK", "bob")
		contact("sip:bob@10.0.0.4;transport=tcp")(res)
		setSDP(res, []byte(answerSDP))
		write(t, conn, res.String())
		readRequest(t, conn, sip.ACK)
		sleep(10 * time.Minute) // longer than idle connections live
		if !l.call.Flow().Alive() {
			t.Fatal("the connection of a standing call was closed")
		}
		conn.Close()
		synctest.Wait()
		l.call.Hangup(0)
		again, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		bye := readRequest(t, again, sip.BYE)
		write(t, again, siptest.Answer(bye, 200, "OK", "").String())
		synctest.Wait()
		again.Close()
	})
}

// A phone behind NAT is reached on its flow, whatever its Contact says.
func TestN6_PeerBehindNAT(t *testing.T) {
	for _, uri := range []string{"sip:bob@192.168.1.5:5060", "sip:bob@df7jal23ls0d.invalid;transport=ws", "sip:bob@0.0.0.0"} {
		bubble(t, Config{}, func(r *rig) {
			public := siptest.NewPeer(r.t, r.wire, "203.0.113.9:1024")
			l := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
			inv := invite("nat", body(answerSDP), contact(uri))
			public.SendMessage(r.here, inv)
			ok, _ := public.Response(200)
			public.SendMessage(r.here, ackFor(inv, ok))
			l.all()
			l.call.Hangup(0)
			bye, _ := public.Request(sip.BYE)
			if bye.Recipient.String() != uri {
				t.Errorf("BYE to %s", bye.Recipient.String())
			}
			public.SendMessage(r.here, siptest.Answer(bye, 200, "OK", ""))
		})
	}
}

// A registered phone is called down the flow that it registered on.
func TestN6_CallToBinding(t *testing.T) {
	registrarBubble(t, Config{}, func(r *registrarRig) {
		r.register(200, contact("sip:101@192.168.7.7:5060"), header("Path", "<sip:10.0.0.2;lr>"))
		b := r.agent.Registrar().Lookup("101")[0]
		l := r.dial(func(o *InviteOptions) { o.Target, o.Flow, o.Route = b.Contact, b.Flow, b.Path })
		inv, _ := r.peer.Request(sip.INVITE)
		if inv.Recipient.String() != "sip:101@192.168.7.7:5060" || inv.Route() == nil {
			t.Errorf("INVITE:\n%s", inv)
		}
		r.answer(inv, 200, "bob", body(answerSDP), contact("sip:101@192.168.7.7:5060"))
		r.peer.Request(sip.ACK)
		r.hangup(l)
		r.agent.Registrar().Unregister("101")
	})
}

func TestBehindNAT(t *testing.T) {
	for _, tt := range []struct {
		contact string
		want    bool
	}{
		{"sip:a@10.0.0.2", false}, {"sip:a@10.0.0.77", false}, {"sip:a@host.example", false}, {"sip:a@x.invalid", true},
		{"sip:a@0.0.0.0", true}, {"sip:a@[::]", true}, {"sip:a@198.51.100.1", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{})
			f, err := r.net.Flow(t.Context(), sipnet.Target{Transport: sipnet.UDP, Addr: netip.MustParseAddrPort("10.0.0.2:5060")})
			if err != nil {
				t.Fatal(err)
			}
			var u sip.Uri
			if err := sip.ParseUri(tt.contact, &u); err != nil {
				t.Fatal(err)
			}
			if got := behindNAT(u, f); got != tt.want {
				t.Errorf("behindNAT(%s) = %v", tt.contact, got)
			}
		})
	}
}

func TestD6_IncomingCallWithAuthForBye(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.ringing(func(c *Call) {
			c.SetAuth(&Credentials{User: "trunk", Password: "pw"})
			c.Answer([]byte(offerSDP))
		})
		inv := invite("tr", body(answerSDP))
		r.peer.SendMessage(r.here, inv)
		ok, _ := r.peer.Response(200)
		r.peer.SendMessage(r.here, ackFor(inv, ok))
		l.all()
		l.call.Hangup(0)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 407, "", header("Proxy-Authenticate", `Digest realm="p", nonce="n", qop="auth"`))
		bye, _ = r.peer.Request(sip.BYE)
		checkDigest(t, bye, "Proxy-Authorization", "trunk", "pw")
		r.answer(bye, 200, "")
	})
}

// A re-INVITE of the peer that it never acknowledges ends the call after 32 s.
func TestD4_ReinviteWithoutAck(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		l.on(func(e Event) {
			if e.Kind == EventOffer {
				l.call.AcceptOffer([]byte(offerSDP))
			}
		})
		r.peer.SendMessage(r.here, inDialog(sip.INVITE, 2, inv, res, body(laterSDP)))
		r.until(sip.BYE, func(bye *sip.Request) { r.answer(bye, 200, "") })
		l.want(t, "trying 180, ringing 180, answered 200, offer, ended 408 cause 18")
	})
}
