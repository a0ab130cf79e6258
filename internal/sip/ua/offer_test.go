package ua

import (
	"errors"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// change is what Reinvite reported.
type changeResult struct {
	answer string
	err    error
	at     time.Time
}

func reinvite(c *Call, sdp string) *changeResult {
	res := &changeResult{}
	c.Reinvite([]byte(sdp), func(answer []byte, err error) { *res = changeResult{string(answer), err, time.Now()} })
	return res
}

func TestD10_ReinviteFromUs(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established()
		got := reinvite(l.call, offerSDP+"a=sendonly\r\n")
		re, _ := r.peer.Request(sip.INVITE)
		if toTag(re) != "bob" || string(re.Body()) != offerSDP+"a=sendonly\r\n" || re.Recipient.String() != "sip:bob@10.0.0.2:5060" {
			t.Errorf("re-INVITE:\n%s", re)
		}
		res := r.answer(re, 200, "", body(laterSDP), contact("sip:bob@10.0.0.2:5060"))
		ack, _ := r.peer.Request(sip.ACK)
		r.peer.SendMessage(r.here, res)
		again, _ := r.peer.Request(sip.ACK)
		if ack.CSeq().SeqNo != re.CSeq().SeqNo || again.String() != ack.String() {
			t.Errorf("ACK:\n%s", ack)
		}
		if got.err != nil || got.answer != laterSDP {
			t.Errorf("Reinvite: %+v", got)
		}

		got = reinvite(l.call, offerSDP)
		re, _ = r.peer.Request(sip.INVITE)
		r.answer(re, 488, "")
		r.peer.Request(sip.ACK)
		var status *StatusError
		l.all()
		if !errors.As(got.err, &status) || status.Status != 488 {
			t.Errorf("488 gave %v", got.err)
		}
		l.want(t, "trying 180, ringing 180, answered 200") // session unchanged
		r.hangup(l)
	})
}

func TestD10_ChangesOneAfterTheOther(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established()
		a, b := reinvite(l.call, offerSDP+"a=first\r\n"), reinvite(l.call, offerSDP+"a=second\r\n")
		for _, want := range []string{"a=first\r\n", "a=second\r\n"} {
			re, _ := r.peer.Request(sip.INVITE)
			if string(re.Body()) != offerSDP+want {
				t.Errorf("got\n%s", re)
			}
			r.silent(300 * time.Millisecond)
			r.answer(re, 200, "", body(want))
			r.peer.Request(sip.ACK)
		}
		l.all()
		if a.answer != "a=first\r\n" || b.answer != "a=second\r\n" {
			t.Errorf("answers %+v %+v", a, b)
		}
		r.hangup(l)
	})
}

// 491: the owner of the Call-ID waits 2.1-4 s, the other side 0-2 s.
func TestD10_GlareRetry(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		got := reinvite(l.call, offerSDP)
		re, _ := r.peer.Request(sip.INVITE)
		r.peer.SendMessage(r.here, inDialog(sip.INVITE, 2, inv, res, body(laterSDP))) // crossing
		r.peer.Response(491)
		r.peer.SendMessage(r.here, inDialog(sip.ACK, 2, inv, res, branchOf(sip.INVITE, 2, inv, res)))
		r.answer(re, 491, "")
		begun := time.Now()
		var again *sip.Request
		for again == nil || again.Method != sip.INVITE {
			m, _ := r.peer.Recv()
			again, _ = m.(*sip.Request)
			if again == nil {
				continue // the 491 is repeated: its ACK has another branch
			}
		}
		if d := time.Since(begun); d < 2100*time.Millisecond || d > 4*time.Second {
			t.Errorf("retried after %v", d)
		}
		r.answer(again, 200, "", body(laterSDP))
		l.all()
		if got.err != nil || got.answer != laterSDP {
			t.Errorf("Reinvite: %+v", got)
		}
		l.call.Hangup(0)
		r.until(sip.BYE, func(bye *sip.Request) { r.answer(bye, 200, "") })
	})

	bubble(t, Config{}, func(r *rig) { // incoming call: not the owner
		l := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
		inv := invite("glare", body(answerSDP))
		r.peer.SendMessage(r.here, inv)
		ok, _ := r.peer.Response(200)
		r.peer.SendMessage(r.here, ackFor(inv, ok))
		l.all()
		reinvite(l.call, offerSDP)
		re, _ := r.peer.Request(sip.INVITE)
		r.answer(re, 491, "")
		r.peer.Request(sip.ACK)
		begun := time.Now()
		re, _ = r.peer.Request(sip.INVITE)
		if d := time.Since(begun); d > 2*time.Second {
			t.Errorf("retried after %v", d)
		}
		r.answer(re, 200, "", body(laterSDP))
		r.peer.Request(sip.ACK)
		r.hangup(l)
	})
}

// branchOf gives a request the branch of another.
func branchOf(m sip.RequestMethod, seq uint32, inv *sip.Request, res *sip.Response) extra {
	return func(msg sip.Message) {
		msg.Via().Params.Add("branch", inDialog(m, seq, inv, res).Via().Params.GetOr("branch", ""))
	}
}

// until skips messages until a request with a method comes.
func (r *rig) until(m sip.RequestMethod, f func(*sip.Request)) {
	r.t.Helper()
	for range 100 {
		msg, _ := r.peer.Recv()
		if req, ok := msg.(*sip.Request); ok && req.Method == m {
			f(req)
			return
		}
	}
	r.t.Fatalf("no %s", m)
}

func TestD10_GlareGivesUp(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established()
		got := reinvite(l.call, offerSDP)
		for range maxGlare {
			re, _ := r.peer.Request(sip.INVITE)
			r.answer(re, 491, "")
			r.peer.Request(sip.ACK)
		}
		l.all()
		if !errors.Is(got.err, ErrGlare) {
			t.Errorf("Reinvite: %v", got.err)
		}
		r.hangup(l)
	})
}

func TestD10_OfferFromPeer(t *testing.T) {
	for _, method := range []sip.RequestMethod{sip.INVITE, sip.UPDATE} {
		t.Run(string(method), func(t *testing.T) {
			bubble(t, Config{}, func(r *rig) {
				l, inv, res := r.established()
				r.peer.SendMessage(r.here, inDialog(method, 2, inv, res, body(laterSDP)))
				ev := l.last()
				if ev.Kind != EventOffer || string(ev.SDP) != laterSDP || !ev.Offer {
					t.Fatalf("event %+v", ev)
				}
				second := inDialog(method, 3, inv, res, body(answerSDP)) // our answer is pending
				r.peer.SendMessage(r.here, second)
				busy := r.final(500)
				if headerValue(busy, "Retry-After") == "" {
					t.Error("500 without Retry-After")
				}
				if method == sip.INVITE {
					r.peer.SendMessage(r.here, inDialog(sip.ACK, 3, inv, res, branchOf(method, 3, inv, res)))
				}
				if err := l.call.AcceptOffer([]byte(offerSDP)); err != nil {
					t.Fatal(err)
				}
				ok := r.final2(200)
				if string(ok.Body()) != offerSDP || ok.Contact() == nil {
					t.Errorf("200:\n%s", ok)
				}
				if method == sip.INVITE {
					r.peer.SendMessage(r.here, inDialog(sip.ACK, 2, inv, res))
				}
				r.peer.SendMessage(r.here, inDialog(method, 4, inv, res, body(laterSDP)))
				l.all()
				l.call.RejectOffer(0)
				r.final2(488)
				if method == sip.INVITE {
					r.peer.SendMessage(r.here, inDialog(sip.ACK, 4, inv, res, branchOf(method, 4, inv, res)))
				}
				l.want(t, "trying 180, ringing 180, answered 200, offer, offer") // still standing
				l.call.Hangup(0)
				r.until(sip.BYE, func(bye *sip.Request) { r.answer(bye, 200, "") })
			})
		})
	}
}

// A re-INVITE without SDP: we offer in the 200, the ACK answers.
func TestD10_ReinviteWithoutSDP(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		r.peer.SendMessage(r.here, inDialog(sip.INVITE, 2, inv, res))
		if ev := l.last(); ev.Kind != EventOffer || len(ev.SDP) != 0 || ev.Offer {
			t.Fatalf("event %+v", ev)
		}
		l.call.AcceptOffer([]byte(offerSDP))
		ok := r.final(200)
		if string(ok.Body()) != offerSDP {
			t.Errorf("200:\n%s", ok)
		}
		r.peer.SendMessage(r.here, inDialog(sip.ACK, 2, inv, res, body(laterSDP)))
		if ev := l.last(); ev.Kind != EventAnswerToOurOffer || string(ev.SDP) != laterSDP {
			t.Errorf("event %+v", ev)
		}
		r.hangup(l)
	})
}

func TestD10_NobodyAnswersTheOffer(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		r.peer.SendMessage(r.here, inDialog(sip.UPDATE, 2, inv, res, body(laterSDP)))
		sleep(lateAnswerLimit)
		r.final(500)
		if err := l.call.AcceptOffer([]byte(offerSDP)); !errors.Is(err, ErrState) {
			t.Errorf("AcceptOffer: %v", err)
		}
		r.hangup(l)
	})
}

func TestD10_PendingChangesEndWithTheCall(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		a, b := reinvite(l.call, offerSDP), reinvite(l.call, offerSDP)
		re, _ := r.peer.Request(sip.INVITE)
		r.answer(re, 100, "")
		r.peer.SendMessage(r.here, inDialog(sip.BYE, 2, inv, res))
		r.final2(200)
		l.all()
		if !errors.Is(a.err, ErrState) || !errors.Is(b.err, ErrState) {
			t.Errorf("changes ended with %v and %v", a.err, b.err)
		}
		c := reinvite(l.call, offerSDP)
		l.all()
		if !errors.Is(c.err, ErrState) {
			t.Errorf("change after the end: %v", c.err)
		}
	})
}

func TestD10_CSeqOutOfOrder(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		r.peer.SendMessage(r.here, inDialog(sip.INFO, 9, inv, res))
		r.final(200)
		r.peer.SendMessage(r.here, inDialog(sip.INFO, 8, inv, res))
		r.final(500)
		r.hangup(l)
	})
}

func TestD10_DialogUnknownToPeerEndsTheCall(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established()
		reinvite(l.call, offerSDP)
		re, _ := r.peer.Request(sip.INVITE)
		r.answer(re, 481, "")
		r.peer.Request(sip.ACK)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 481, "")
		l.want(t, "trying 180, ringing 180, answered 200, ended 481 cause 127 by peer")
	})
}

// UPDATE before the answer (RFC 3311), from each side.
func TestD10_UpdateInEarlyDialog(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		early := r.answer(inv, 183, "bob", body(answerSDP), header("Allow", "INVITE, UPDATE"))
		l.all()
		got := reinvite(l.call, offerSDP)
		up, _ := r.peer.Request(sip.UPDATE)
		r.answer(up, 200, "", body(laterSDP))
		l.all()
		if got.err != nil || got.answer != laterSDP {
			t.Errorf("UPDATE: %+v", got)
		}
		r.peer.SendMessage(r.here, inDialog(sip.UPDATE, 1, inv, early, body(answerSDP)))
		if l.last().Kind != EventOffer {
			t.Fatal(l.kinds())
		}
		l.call.AcceptOffer([]byte(offerSDP))
		r.final(200)
		r.answer(inv, 200, "bob")
		r.peer.Request(sip.ACK)
		r.hangup(l)
	})
}

// A callback may call back into its call, and take a lock that a caller of
// its methods holds.
func TestCall_CallbacksMayReenter(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		held := make(chan struct{}, 1)
		l.on(func(e Event) {
			held <- struct{}{}
			l.call.ResponseHeader("Contact")
			l.call.Flow()
			if e.Kind == EventRinging {
				l.call.Hangup(0)
			}
			<-held
		})
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 180, "bob")
		cancel, _ := r.peer.Request(sip.CANCEL)
		r.answer(cancel, 200, "bob")
		r.answer(inv, 487, "bob")
		r.peer.Request(sip.ACK)
		l.want(t, "trying 180, ringing 180, ended 487 cause 16")

		l = r.dial()
		l.on(func(Event) { held <- struct{}{}; <-held })
		held <- struct{}{}
		l.call.Hangup(0) // must not wait for the handler
		<-held
		inv, _ = r.peer.Request(sip.INVITE)
		r.answer(inv, 486, "bob")
		r.peer.Request(sip.ACK)
	})
}

// A panic in a callback ends that call, nothing else.
func TestCall_PanicInCallbackEndsThatCallOnly(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		l.on(func(e Event) {
			if e.Kind == EventRinging {
				panic("user code")
			}
		})
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 180, "bob")
		cancel, _ := r.peer.Request(sip.CANCEL)
		r.answer(cancel, 200, "bob")
		r.answer(inv, 487, "bob")
		r.peer.Request(sip.ACK)
		if l.last().Kind != EventEnded || r.agent.Panics() != 1 {
			t.Errorf("%s, %d panics", l.kinds(), r.agent.Panics())
		}
		r.agent.mu.Lock()
		r.agent.panics = 0
		r.agent.mu.Unlock()
	})
}
