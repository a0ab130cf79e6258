package ua

import (
	"errors"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
)

func TestIncoming_AnswerAndByeFromUs(t *testing.T) {
	bubble(t, Config{UserAgent: "Dialwright"}, func(r *rig) {
		l := r.ringing(func(c *Call) { c.Provisional(180, "Ringing", nil) })
		inv := invite("in1", body(answerSDP), header("P-Asserted-Identity", `"Bob \"B\", Jr" <sip:+4930123@carrier.example>, <tel:+4930123>`))
		r.peer.SendMessage(r.here, inv)
		ringing, _ := r.peer.Response(180)
		if id, ok := l.call.AssertedIdentity(); !ok || id.DisplayName != `Bob "B", Jr` || id.User != "+4930123" {
			t.Errorf("asserted %+v", id)
		}
		if id := l.call.RemoteIdentity(); id.User != "bob" || id.DisplayName != "Bob" {
			t.Errorf("remote %+v", id)
		}
		if err := l.call.Answer([]byte(offerSDP)); err != nil {
			t.Fatal(err)
		}
		ok, _ := r.peer.Response(200)
		if toTag(ok) != toTag(ringing) || string(ok.Body()) != offerSDP || ok.Contact() == nil || headerValue(ok, "Server") != "Dialwright" {
			t.Errorf("200:\n%s", ok)
		}
		r.peer.SendMessage(r.here, ackFor(inv, ok))
		l.want(t, "confirmed")
		l.call.Hangup(0)
		bye, _ := r.peer.Request(sip.BYE)
		if bye.Recipient.String() != "sip:bob@10.0.0.2:5060" || toTag(bye) != "bobtag" || fromTag(bye) != toTag(ok) {
			t.Errorf("BYE:\n%s", bye)
		}
		r.answer(bye, 200, "")
		l.want(t, "confirmed, ended cause 16")
	})
}

// Lost ACK: the 200 at 0.5, 1, 2, 4, 4 … s, then BYE after 32 s (mandatory peer).
func TestD4_AnswerRepeatedUntilByeAfter32s(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
		r.peer.SendMessage(r.here, invite("in2", body(answerSDP)))
		begun := time.Now()
		var at []time.Duration
		for {
			m, _ := r.peer.Recv()
			if req, ok := m.(*sip.Request); ok {
				if req.Method != sip.BYE || time.Since(begun) != 32*time.Second {
					t.Errorf("after %v:\n%s", time.Since(begun), req)
				}
				r.answer(req, 200, "")
				break
			}
			at = append(at, time.Since(begun))
		}
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond}
		for i, w := range want {
			if at[i] != w {
				t.Errorf("200 number %d after %v, want %v", i, at[i], w)
			}
		}
		if len(at) != 11 {
			t.Errorf("%d times 200, want 11: %v", len(at), at)
		}
		l.want(t, "ended 408 cause 18")
		if !errors.Is(l.last().Err, ErrNoAck) {
			t.Errorf("Err = %v", l.last().Err)
		}
	})
}

func TestD4_NoByeBeforeAck(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
		inv := invite("in3", body(answerSDP))
		r.peer.SendMessage(r.here, inv)
		ok, _ := r.peer.Response(200)
		l.call.Hangup(cause.NormalClearing)
		l.want(t, "ended cause 16")
		r.peer.Response(200) // repeated, no BYE yet
		r.peer.SendMessage(r.here, ackFor(inv, ok))
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 200, "")
	})
}

func TestIncoming_ByeBeforeAck(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
		inv := invite("in4", body(answerSDP))
		r.peer.SendMessage(r.here, inv)
		ok, _ := r.peer.Response(200)
		r.peer.SendMessage(r.here, follow(sip.BYE, 2, inv, ok))
		r.final(200)
		r.silent(40 * time.Second)
		l.want(t, "ended cause 16 by peer")
	})
}

func TestIncoming_Cancelled(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.ringing(func(c *Call) { c.Provisional(180, "Ringing", nil) })
		inv := invite("in5", body(answerSDP))
		r.peer.SendMessage(r.here, inv)
		r.peer.Response(180)
		cancel := inv.Clone()
		cancel.Method = sip.CANCEL
		cancel.CSeq().MethodName = sip.CANCEL
		cancel.RemoveHeader("Contact")
		cancel.SetBody(nil)
		cancel.AppendHeader(sip.NewHeader("Reason", `SIP;cause=200;text="Call completed elsewhere"`))
		r.peer.SendMessage(r.here, cancel)
		r.peer.Response(200)
		r.peer.Response(487)
		l.want(t, "cancelled, ended 487 cause 26 by peer")
		if err := l.call.Answer([]byte(offerSDP)); !errors.Is(err, ErrState) {
			t.Errorf("Answer after CANCEL: %v", err)
		}
	})
}

func TestIncoming_RejectRedirectHangup(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		for i, tt := range []struct {
			do     func(c *Call)
			status int
			want   string
		}{
			{func(c *Call) { c.Reject(486, "Busy\r\nX-Evil: 1") }, 486, "ended 486 cause 17"},
			{func(c *Call) { c.Redirect("sip:carol@10.0.0.5") }, 302, "ended 302 cause 23"},
			{func(c *Call) { c.Hangup(cause.NoAnswer) }, 480, "ended 480 cause 19"},
			{func(c *Call) { c.Provisional(183, "Session Progress", []byte(offerSDP)); c.Hangup(cause.Unallocated) }, 404, "ended 404 cause 1"},
		} {
			l := r.ringing(tt.do)
			inv := invite("rej"+string(rune('a'+i)), body(answerSDP))
			r.peer.SendMessage(r.here, inv)
			res := r.final(tt.status)
			if headerValue(res, "X-Evil") != "" {
				t.Error("header injected by a reason phrase")
			}
			if tt.status == 302 && (res.Contact() == nil || res.Contact().Address.User != "carol") {
				t.Errorf("302:\n%s", res)
			}
			ack := ackFor(inv, r.withContact(res))
			ack.Via().Params.Add("branch", inv.Via().Params.GetOr("branch", ""))
			r.peer.SendMessage(r.here, ack)
			l.want(t, tt.want)
		}
	})
}

func (r *rig) withContact(res *sip.Response) *sip.Response {
	if res.Contact() == nil {
		contact("sip:101@10.0.0.1")(res)
	}
	return res
}

func TestIncoming_NoHandlerNoContactBadBody(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		r.peer.SendMessage(r.here, invite("n1", body(answerSDP)))
		r.final(480)
		r.ringing(nil)
		noContact := invite("n2", body(answerSDP))
		noContact.RemoveHeader("Contact")
		r.peer.SendMessage(r.here, noContact)
		r.final2(400)
		r.peer.SendMessage(r.here, invite("n3", func(m sip.Message) { setBody(m, "text/plain", []byte("hello")) }))
		r.final2(415)
	})
}

// final2 is final that also skips repetitions of earlier refusals, which the
// test does not acknowledge.
func (r *rig) final2(status int) *sip.Response {
	r.t.Helper()
	for range 100 {
		if m, _ := r.peer.Recv(); m != nil {
			if res, ok := m.(*sip.Response); ok && res.StatusCode == status {
				return res
			}
		}
	}
	r.t.Fatalf("no %d", status)
	return nil
}

// INVITE without SDP: our 200 offers, the ACK answers (mandatory peer, from the other side).
func TestIncoming_LateOffer(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
		inv := invite("late")
		r.peer.SendMessage(r.here, inv)
		ok, _ := r.peer.Response(200)
		r.peer.SendMessage(r.here, ackFor(inv, ok, body(answerSDP)))
		l.want(t, "confirmed, answer-to-our-offer")
		if string(l.last().SDP) != answerSDP {
			t.Error("answer is not that of the ACK")
		}
		l.call.Hangup(0)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 200, "")
	})
}

func TestD9_ReliableProvisionalAsUAS(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.ringing(func(c *Call) {
			c.Provisional(183, "Session Progress", []byte(offerSDP))
			c.Provisional(180, "Ringing", nil)
			c.Answer(nil)
		})
		inv := invite("rel", header("Require", "100rel"), body(answerSDP))
		r.peer.SendMessage(r.here, inv)
		p1, _ := r.peer.Response(183)
		again, _ := r.peer.Response(183) // repeated until PRACK; 180 and 200 wait
		if again.String() != p1.String() || !hasOption(p1, "Require", "100rel") {
			t.Errorf("183:\n%s", p1)
		}
		bad := follow(sip.PRACK, 2, inv, p1, header("RAck", "1 1 INVITE"))
		r.peer.SendMessage(r.here, bad)
		r.final(481)
		r.peer.SendMessage(r.here, follow(sip.PRACK, 3, inv, p1, header("RAck", headerValue(p1, "RSeq")+" 1 INVITE")))
		r.peer.Response(200)
		p2, _ := r.peer.Response(180)
		ok := p2
		r.peer.SendMessage(r.here, follow(sip.PRACK, 4, inv, p2, header("RAck", headerValue(p2, "RSeq")+" 1 INVITE")))
		for ok.StatusCode != 200 || ok.CSeq().MethodName != sip.INVITE {
			m, _ := r.peer.Recv()
			ok = m.(*sip.Response)
		}
		if string(ok.Body()) != offerSDP {
			t.Error("200 lacks the SDP of the 183")
		}
		r.peer.SendMessage(r.here, ackFor(inv, ok))
		l.want(t, "confirmed")
		l.call.Hangup(0)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 200, "")
	})
}

func TestD9_UnacknowledgedProvisionalEndsTheCall(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.ringing(func(c *Call) { c.Provisional(180, "Ringing", nil) })
		r.peer.SendMessage(r.here, invite("rel2", header("Require", "100rel"), body(answerSDP)))
		r.final(504)
		l.want(t, "ended 504 cause 102")
	})
}

func TestD9_PrackAsUAC(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		if !hasOption(inv, "Supported", "100rel") {
			t.Error("INVITE does not support 100rel")
		}
		r.answer(inv, 183, "bob", header("Require", "100rel"), header("RSeq", "41"), body(answerSDP))
		prack, _ := r.peer.Request(sip.PRACK)
		if got := headerValue(prack, "RAck"); got != "41 1 INVITE" || toTag(prack) != "bob" {
			t.Errorf("RAck: %s", got)
		}
		r.answer(inv, 183, "bob", header("Require", "100rel"), header("RSeq", "41"), body(answerSDP)) // repeated
		r.answer(inv, 180, "bob", header("Require", "100rel"), header("RSeq", "43"))                  // out of order
		r.answer(prack, 200, "")
		r.silent(time.Second)
		r.answer(inv, 180, "bob", header("Require", "100rel"), header("RSeq", "42"))
		prack, _ = r.peer.Request(sip.PRACK)
		r.answer(prack, 200, "")
		l.want(t, "trying 183, progress 183, ringing 180")
		r.answer(inv, 200, "bob")
		r.peer.Request(sip.ACK)
		if string(l.last().SDP) != answerSDP {
			t.Error("200 without SDP did not use that of the 183")
		}
		r.hangup(l)
	})
}

func TestIncoming_Replaces(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		nl := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
		in := invite("repl", header("Replaces", inv.CallID().Value()+";to-tag="+fromTag(inv)+";from-tag="+toTag(res)), body(answerSDP))
		r.peer.SendMessage(r.here, in)
		ok := r.final(200)
		if nl.call.ReplacedCall() != l.call {
			t.Error("Replaces does not find the call")
		}
		r.peer.SendMessage(r.here, ackFor(in, ok))
		nl.all()
		nl.call.ReplacedCall().Hangup(cause.NormalClearing)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 200, "")
		nl.call.Hangup(0)
		bye, _ = r.peer.Request(sip.BYE)
		r.answer(bye, 200, "")

		r.peer.SendMessage(r.here, invite("repl2", header("Replaces", "nobody;to-tag=1;from-tag=2"), body(answerSDP)))
		r.final(481)
	})
}

func TestD13_OptionsInAndOutOfDialog(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		opt := invite("opt")
		opt.Method = sip.OPTIONS
		opt.CSeq().MethodName = sip.OPTIONS
		r.peer.SendMessage(r.here, opt)
		res := r.final(200)
		if !hasOption(res, "Allow", "INVITE") || toTag(res) == "" {
			t.Errorf("OPTIONS answer:\n%s", res)
		}
		l, inv, ok := r.established()
		r.peer.SendMessage(r.here, inDialog(sip.OPTIONS, 2, inv, ok))
		r.final(200)
		r.hangup(l)

		done := make(chan int, 1)
		go func() {
			status, rtt, err := r.agent.Options(r.t.Context(), sip.Uri{Scheme: "sip", Host: "10.0.0.2"}, nil)
			if err != nil || rtt != time.Second {
				t.Errorf("OPTIONS: %v after %v", err, rtt)
			}
			done <- status
		}()
		req, _ := r.peer.Request(sip.OPTIONS)
		r.peer.Request(sip.OPTIONS) // repeated after T1
		sleep(500 * time.Millisecond)
		r.answer(req, 405, "x")
		if s := <-done; s != 405 {
			t.Errorf("OPTIONS gave %d", s)
		}
	})
}
