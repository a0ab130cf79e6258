package ua

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// 183 and 200 back to back: the order must survive (mandatory peer).
func TestD8_ProgressAndAnswerBackToBack(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 183, "bob", body(answerSDP))
		r.answer(inv, 200, "bob", body(laterSDP))
		ack, _ := r.peer.Request(sip.ACK)
		l.want(t, "trying 183, progress 183, answered 200")
		if ev := l.all(); string(ev[1].SDP) != answerSDP || string(ev[2].SDP) != laterSDP {
			t.Error("SDP of 183 or 200 is wrong")
		}
		if ack.CSeq().SeqNo != inv.CSeq().SeqNo || ack.Recipient.String() != "sip:bob@10.0.0.2:5060" || ack.Via().Params.GetOr("branch", "") == inv.Via().Params.GetOr("branch", "") {
			t.Errorf("ACK:\n%s", ack)
		}
		r.hangup(l)
		l.want(t, "trying 183, progress 183, answered 200, ended cause 16")
	})
}

func TestD8_AnswerWithoutSDPUsesEarlySDPOfItsDialog(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 183, "one", body(answerSDP))
		r.answer(inv, 183, "two", body(laterSDP))
		r.answer(inv, 200, "one")
		r.peer.Request(sip.ACK)
		if ev := l.last(); ev.Kind != EventAnswered || string(ev.SDP) != answerSDP || ev.DialogTag != "one" {
			t.Errorf("answered with %+v", ev)
		}
		r.hangup(l)
	})
}

func TestD1_ForkedAnswersSecondGetsAckAndBye(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 180, "one")
		r.answer(inv, 180, "two")
		r.answer(inv, 200, "one", body(answerSDP))
		ack1, _ := r.peer.Request(sip.ACK)
		r.answer(inv, 200, "two", body(laterSDP))
		ack2, _ := r.peer.Request(sip.ACK)
		bye, _ := r.peer.Request(sip.BYE)
		if toTag(ack1) != "one" || toTag(ack2) != "two" || toTag(bye) != "two" {
			t.Errorf("tags: ACK %s, ACK %s, BYE %s", toTag(ack1), toTag(ack2), toTag(bye))
		}
		r.answer(bye, 200, "")
		r.answer(inv, 200, "two", body(laterSDP)) // repeated: ACK again, no second BYE
		again, _ := r.peer.Request(sip.ACK)
		if again.String() != ack2.String() {
			t.Error("repeated 200 of the fork got another ACK")
		}
		r.silent(5 * time.Second)
		l.want(t, "trying 180, ringing 180, ringing 180, answered 200")
		r.hangup(l)
	})
}

func TestD1_TwelveForksAndThe13th(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		for i := range 13 {
			r.answer(inv, 180, fmt.Sprint("fork", i))
		}
		if n := len(l.all()); n != 13 { // trying and 12 ringing
			t.Errorf("%d events of 13 forks, want trying and 12 ringing", n)
		}
		r.answer(inv, 200, "fork12", body(answerSDP)) // the one too many may still win
		ack, _ := r.peer.Request(sip.ACK)
		if toTag(ack) != "fork12" {
			t.Errorf("ACK to %s", toTag(ack))
		}
		r.hangup(l)
	})
}

func TestD2_AnyNumberOfProvisionals(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		for range 13 {
			r.answer(inv, 180, "bob")
			sleep(time.Minute) // 13 minutes of ringing: each restarts the three
		}
		if n := len(l.all()); n != 14 {
			t.Errorf("%d events of 13 provisionals, want trying and 13 ringing", n)
		}
		r.answer(inv, 200, "bob", body(answerSDP))
		r.peer.Request(sip.ACK)
		r.hangup(l)
	})
}

func TestD2_ProceedingTimerCancels(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 180, "bob")
		sleep(3*time.Minute + time.Millisecond)
		cancel, _ := r.peer.Request(sip.CANCEL)
		r.answer(cancel, 200, "bob")
		r.answer(inv, 487, "bob")
		r.peer.Request(sip.ACK)
		l.want(t, "trying 180, ringing 180, ended 408 cause 18")
		if ev := l.last(); !errors.Is(ev.Err, ErrNoAnswer) {
			t.Errorf("Err = %v", ev.Err)
		}
	})
}

func TestD2_RepeatedAnswerGetsStoredAck(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		res := r.answer(inv, 200, "bob", body(answerSDP))
		first, _ := r.peer.Request(sip.ACK)
		for range 9 { // over 31 s
			sleep(3400 * time.Millisecond)
			r.peer.SendMessage(r.here, res)
			again, _ := r.peer.Request(sip.ACK)
			if again.String() != first.String() {
				t.Fatalf("ACK changed:\n%s\n%s", first, again)
			}
		}
		r.hangup(l)
		l.want(t, "answered 200, ended cause 16")
	})
}

func TestD3_CancelOnlyAfterProvisional(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(func(o *InviteOptions) {
			o.Route = []sip.Uri{{Scheme: "sip", Host: "10.0.0.2", UriParams: sip.HeaderParams{{K: "lr"}}}}
		})
		inv, _ := r.peer.Request(sip.INVITE)
		l.call.Hangup(cause.AnsweredElsewhere)
		l.want(t, "ended 487 cause 26")
		r.peer.Request(sip.INVITE) // only repeated, no CANCEL
		r.answer(inv, 180, "bob")
		cancel, _ := r.peer.Request(sip.CANCEL)
		if cancel.Recipient.String() != inv.Recipient.String() || cancel.Via().String() != inv.Via().String() || toTag(cancel) != "" ||
			cancel.CSeq().SeqNo != inv.CSeq().SeqNo || cancel.Contact() != nil || cancel.Route().String() != inv.Route().String() {
			t.Errorf("CANCEL:\n%s\nof INVITE:\n%s", cancel, inv)
		}
		if got := headerValue(cancel, "Reason"); !strings.Contains(got, "SIP;cause=200") || !strings.Contains(got, "Q.850;cause=26") {
			t.Errorf("Reason: %s", got)
		}
		r.answer(cancel, 200, "bob")
		r.answer(inv, 487, "bob")
		r.peer.Request(sip.ACK)
		l.want(t, "ended 487 cause 26")
	})
}

// CANCEL crossing 200: ACK, BYE, cause 16 (mandatory peer).
func TestD3_CancelGlare(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 180, "bob")
		l.all()
		l.call.Hangup(0)
		cancel, _ := r.peer.Request(sip.CANCEL)
		r.answer(inv, 200, "bob", body(answerSDP)) // it had left already
		r.answer(cancel, 200, "bob")
		ack, _ := r.peer.Request(sip.ACK)
		bye, _ := r.peer.Request(sip.BYE)
		if toTag(ack) != "bob" || toTag(bye) != "bob" || bye.CSeq().SeqNo <= inv.CSeq().SeqNo {
			t.Errorf("ACK:\n%sBYE:\n%s", ack, bye)
		}
		r.answer(bye, 200, "")
		l.want(t, "trying 180, ringing 180, ended 487 cause 16")
	})
}

func TestD3_SilenceAfterCancelEndsAfter32s(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 180, "bob")
		l.all()
		l.call.Hangup(0)
		cancel, _ := r.peer.Request(sip.CANCEL)
		r.answer(cancel, 200, "bob")
		sleep(33 * time.Second)
		select {
		case <-l.call.Done():
		default:
			t.Error("call is not cleaned up 33 s after CANCEL")
		}
	})
}

func TestD3_HangupBeforeAnythingIsSent(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(func(o *InviteOptions) { o.Target.Host = "two.example" })
		l.call.Hangup(0)
		l.want(t, "ended 487 cause 16")
	})
}

func TestD5_LooseAndStrictRouters(t *testing.T) {
	rr := func(uri string) extra {
		return func(m sip.Message) {
			h := &sip.RecordRouteHeader{}
			sip.ParseUri(uri, &h.Address)
			m.AppendHeader(h)
		}
	}
	for _, tt := range []struct{ name, first, second, ruri, routes string }{
		{"loose", "sip:p1@10.0.0.2;lr", "sip:p2@10.0.0.9;lr", "sip:bob@10.0.0.8:5070", "sip:p1@10.0.0.2;lr sip:p2@10.0.0.9;lr"},
		{"strict", "sip:p1@10.0.0.2", "sip:p2@10.0.0.9;lr", "sip:p1@10.0.0.2", "sip:p2@10.0.0.9;lr sip:bob@10.0.0.8:5070"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(r *rig) {
				l := r.dial()
				inv, _ := r.peer.Request(sip.INVITE)
				r.answer(inv, 200, "bob", rr(tt.second), rr(tt.first), contact("sip:bob@10.0.0.8:5070"), body(answerSDP))
				check := func(m *sip.Request) {
					t.Helper()
					var routes []string
					for _, h := range m.GetHeaders("Route") {
						u := h.(*sip.RouteHeader).Address
						routes = append(routes, u.String())
					}
					if m.Recipient.String() != tt.ruri || strings.Join(routes, " ") != tt.routes {
						t.Errorf("%s to %s by %v", m.Method, m.Recipient.String(), routes)
					}
				}
				ack, _ := r.peer.Request(sip.ACK)
				check(ack)
				l.call.Hangup(0)
				bye, _ := r.peer.Request(sip.BYE)
				check(bye)
				r.answer(bye, 200, "")
			})
		})
	}
}

func TestD5_NewContactInReinviteChangesRemoteTarget(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		moved := siptest.NewPeer(r.t, r.wire, "10.0.0.7:5070")
		l.on(func(e Event) {
			if e.Kind == EventOffer {
				l.call.AcceptOffer([]byte(offerSDP))
			}
		})
		re := inDialog(sip.INVITE, 7, inv, res, contact("sip:bob@10.0.0.7:5070"), body(laterSDP))
		r.peer.SendMessage(r.here, re)
		ok := r.final(200)
		r.peer.SendMessage(r.here, inDialog(sip.ACK, 7, inv, res))
		_ = ok
		l.all()
		l.call.Hangup(0)
		bye, _ := moved.Request(sip.BYE)
		if bye.Recipient.String() != "sip:bob@10.0.0.7:5070" {
			t.Errorf("BYE to %s", bye.Recipient.String())
		}
		moved.SendMessage(r.here, siptest.Answer(bye, 200, "OK", ""))
	})
}

func TestInvite_FailoverOn503AndTimeout(t *testing.T) {
	for _, silence := range []bool{false, true} {
		t.Run(fmt.Sprint("silent=", silence), func(t *testing.T) {
			bubble(t, Config{}, func(r *rig) {
				if !silence {
					first := siptest.NewPeer(r.t, r.wire, "10.0.0.3:5060")
					go func() {
						inv, _ := first.Request(sip.INVITE)
						first.SendMessage(r.here, siptest.Answer(inv, 503, "Overloaded", "x"))
						first.TryRecv(time.Second) // ACK
					}()
				}
				l := r.dial(func(o *InviteOptions) { o.Target.Host = "two.example" })
				inv, _ := r.peer.Request(sip.INVITE)
				r.answer(inv, 200, "bob", body(answerSDP))
				r.peer.Request(sip.ACK)
				l.want(t, "answered 200")
				r.hangup(l)
			})
		})
	}
}

func TestInvite_NothingReachable(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(func(o *InviteOptions) { o.Target.Host = "nowhere.example" })
		l.want(t, "ended 503 cause 34")
		if !errors.Is(l.last().Err, txn.ErrTransport) || !errors.Is(l.last().Err, sipnet.ErrUnresolvable) {
			t.Errorf("Err = %v", l.last().Err)
		}
		silent := r.dial(func(o *InviteOptions) { o.Target.Host = "10.0.0.99" })
		sleep(33 * time.Second)
		silent.want(t, "ended 408 cause 18 by peer")
	})
}

func TestD16_FinalStatusAndReason(t *testing.T) {
	for _, tt := range []struct {
		status int
		reason string
		want   string
	}{
		{486, "", "ended 486 cause 17 by peer"},
		{404, "", "ended 404 cause 1 by peer"},
		{603, "", "ended 603 cause 21 by peer"},
		{500, `Q.850;cause=27;text="out of order"`, "ended 500 cause 27 by peer"},
		{480, `SIP;cause=486, Q.850 ;cause = 18`, "ended 480 cause 18 by peer"},
		{487, "", "ended 487 cause 127 by peer"},
		{499, "Q.850;cause=999", "ended 499 cause 127 by peer"},
	} {
		bubble(t, Config{}, func(r *rig) {
			l := r.dial()
			inv, _ := r.peer.Request(sip.INVITE)
			var ex []extra
			if tt.reason != "" {
				ex = append(ex, header("Reason", tt.reason))
			}
			r.answer(inv, tt.status, "bob", ex...)
			r.peer.Request(sip.ACK)
			l.want(t, tt.want)
		})
	}
}

func TestInvite_RedirectGivesContact(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		r.answer(inv, 302, "bob", contact("sip:carol@10.0.0.5"))
		r.peer.Request(sip.ACK)
		l.want(t, "ended 302 cause 23 by peer")
		if c := l.last().Contact; c != "sip:carol@10.0.0.5" {
			t.Errorf("Contact %q", c)
		}
	})
}

func TestBye_FromEachSide(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		r.peer.SendMessage(r.here, inDialog(sip.BYE, 2, inv, res, header("Reason", "Q.850;cause=31;text=\"done\"")))
		r.final(200)
		l.want(t, "trying 180, ringing 180, answered 200, ended cause 31 by peer")
		r.peer.SendMessage(r.here, inDialog(sip.INFO, 3, inv, res))
		r.final(481)

		l, inv, _ = r.established()
		l.call.Hangup(cause.UserBusy)
		bye, _ := r.peer.Request(sip.BYE)
		if got := headerValue(bye, "Reason"); got != `Q.850;cause=17;text="User busy"` {
			t.Errorf("Reason: %s", got)
		}
		if bye.CSeq().SeqNo <= inv.CSeq().SeqNo || toTag(bye) != "bob" || fromTag(bye) != fromTag(inv) {
			t.Errorf("BYE:\n%s", bye)
		}
		r.answer(bye, 200, "")
		l.want(t, "trying 180, ringing 180, answered 200, ended cause 17")
	})
}

func TestBye_Crossing(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		l.call.Hangup(0)
		bye, _ := r.peer.Request(sip.BYE)
		r.peer.SendMessage(r.here, inDialog(sip.BYE, 2, inv, res))
		r.final(200)
		r.answer(bye, 200, "")
		l.want(t, "trying 180, ringing 180, answered 200, ended cause 16")
	})
}

func TestInvite_LateOffer(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(func(o *InviteOptions) { o.SDP = nil })
		inv, _ := r.peer.Request(sip.INVITE)
		if len(inv.Body()) != 0 {
			t.Error("INVITE has a body")
		}
		r.answer(inv, 200, "bob", body(answerSDP))
		if ev := l.last(); ev.Kind != EventAnswered || !ev.Offer {
			t.Fatalf("event %+v", ev)
		}
		if err := l.call.AcceptOffer([]byte(offerSDP)); err != nil {
			t.Fatal(err)
		}
		ack, _ := r.peer.Request(sip.ACK)
		if string(ack.Body()) != offerSDP {
			t.Errorf("ACK without our answer:\n%s", ack)
		}
		r.hangup(l)

		l = r.dial(func(o *InviteOptions) { o.SDP = nil })
		inv, _ = r.peer.Request(sip.INVITE)
		r.answer(inv, 200, "bob", body(answerSDP))
		l.all()
		l.call.RejectOffer(488)
		r.peer.Request(sip.ACK)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 200, "")
		l.want(t, "answered 200, ended 488 cause 58")
	})
}

func TestInvite_RefusesUnsafeInput(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		ok := sip.Uri{Scheme: "sip", User: "bob", Host: "10.0.0.2"}
		for _, o := range []InviteOptions{
			{Target: sip.Uri{Scheme: "sip", User: "bob\r\nX: y", Host: "10.0.0.2"}},
			{Target: sip.Uri{Scheme: "sip", User: "bob", Host: ""}},
			{Target: ok, Route: []sip.Uri{{Scheme: "sip", Host: "a b"}}},
			{Target: ok, Headers: []Header{{"Via", "x"}}},
			{Target: ok, Headers: []Header{{"k", "x"}}},
			{Target: ok, Headers: []Header{{"X-A: b\r\nX-C", "x"}}},
			{Target: ok, CallID: "a\r\nb"},
		} {
			if _, err := r.agent.Invite(o); !errors.Is(err, ErrHeader) && !errors.Is(err, ErrURI) {
				t.Errorf("Invite(%+v): %v", o, err)
			}
		}
		if r.agent.Pending() != 0 {
			t.Error("refused calls are kept")
		}
	})
}

func TestInvite_CallIDOfOurs(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(func(o *InviteOptions) { o.CallID = "abc@dialwright" })
		inv, _ := r.peer.Request(sip.INVITE)
		if l.call.CallID() != "abc@dialwright" || inv.CallID().Value() != "abc@dialwright" {
			t.Error("Call-ID not kept")
		}
		r.answer(inv, 486, "bob")
		r.peer.Request(sip.ACK)
	})
}
