package txn

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
)

// answer makes the rig's user answer every request with these statuses.
func (r *rig) answer(statuses ...int) *[]*ServerTx {
	var got []*ServerTx
	r.layer.OnRequest(func(s *ServerTx) {
		got = append(got, s)
		for _, status := range statuses {
			if err := s.Respond(NewResponse(s.Request(), status, "X", "here")); err != nil {
				r.t.Errorf("respond %d: %v", status, err)
			}
		}
	})
	return &got
}

func TestX4_TryingAfter200ms(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		got := r.answer()
		start := time.Now()
		r.peer.Send(r.here, incoming("INVITE", "t", "Timestamp: 54\n"))
		sleep(150 * time.Millisecond)
		diff(t, "before 200 ms", []string(nil), r.sent(r.here, start))
		sleep(2 * time.Second)
		diff(t, "after", []string{"200ms SIP/2.0 100 Trying"}, r.sent(r.here, start))
		res, _ := r.peer.Response(100)
		if res.To().Params.Has("tag") || res.GetHeader("Timestamp") == nil {
			t.Errorf("a 100 has no To tag and copies Timestamp:\n%s", res)
		}
		r.peer.Send(r.here, incoming("INVITE", "t")) // repetition gets the 100 again
		r.peer.Response(100)
		synctest.Wait()
		if err := (*got)[0].Respond(NewResponse((*got)[0].Request(), 200, "OK", "here")); err != nil {
			t.Fatal(err)
		}
		if len(*got) != 1 {
			t.Errorf("%d requests handed up", len(*got))
		}
	})
}

func TestX4_NoTryingWhenAnsweredInTime(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.answer(180)
		start := time.Now()
		r.peer.Send(r.here, incoming("INVITE", "t"))
		sleep(time.Minute)
		diff(t, "sent", []string{"0s SIP/2.0 180 X"}, r.sent(r.here, start))
		stop(t, r)
	})
}

// stop ends what a test leaves ringing on purpose.
func stop(t *testing.T, r *rig) {
	t.Helper()
	if err := r.layer.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestX1_InviteServerCompleted(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var ended error
		r.layer.OnRequest(func(s *ServerTx) {
			s.OnEnd(func(err error) { ended = err })
			if err := s.Respond(NewResponse(s.Request(), 486, "Busy Here", "here")); err != nil {
				t.Error(err)
			}
			if err := s.Respond(NewResponse(s.Request(), 200, "OK", "here")); !errors.Is(err, ErrEnded) {
				t.Errorf("second final response: %v", err)
			}
		})
		start := time.Now()
		r.peer.Send(r.here, incoming("INVITE", "c"))
		sleep(time.Minute)
		diff(t, "timer G", []string{
			"0s SIP/2.0 486 Busy Here", "500ms SIP/2.0 486 Busy Here", "1.5s SIP/2.0 486 Busy Here",
			"3.5s SIP/2.0 486 Busy Here", "7.5s SIP/2.0 486 Busy Here", "11.5s SIP/2.0 486 Busy Here",
			"15.5s SIP/2.0 486 Busy Here", "19.5s SIP/2.0 486 Busy Here", "23.5s SIP/2.0 486 Busy Here",
			"27.5s SIP/2.0 486 Busy Here", "31.5s SIP/2.0 486 Busy Here",
		}, r.sent(r.here, start))
		if !errors.Is(ended, ErrNoAck) {
			t.Errorf("timer H: %v", ended)
		}
	})
}

func TestX1_InviteServerConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		got := r.answer(486)
		r.layer.OnAck(func(*sipnet.Flow, *sip.Request) { t.Error("the ACK of a 486 was handed up") })
		start := time.Now()
		r.peer.Send(r.here, incoming("INVITE", "c"))
		sleep(time.Second)
		r.peer.Send(r.here, incoming("INVITE", "c")) // gets the 486 again
		synctest.Wait()
		for range 2 {
			r.peer.Send(r.here, incoming("ACK", "c"))
			synctest.Wait()
		}
		r.peer.Send(r.here, incoming("INVITE", "c")) // confirmed: absorbed
		sleep(time.Minute)
		diff(t, "sent", []string{
			"0s SIP/2.0 486 X", "500ms SIP/2.0 486 X", "1s SIP/2.0 486 X",
		}, r.sent(r.here, start))
		if len(*got) != 1 {
			t.Errorf("%d requests handed up", len(*got))
		}
	})
}

func TestX1_InviteServerAccepted(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		got := r.answer(180, 200)
		acks := 0
		r.layer.OnAck(func(_ *sipnet.Flow, ack *sip.Request) { acks++ })
		start := time.Now()
		r.peer.Send(r.here, incoming("INVITE", "a"))
		synctest.Wait()
		r.peer.Send(r.here, incoming("INVITE", "a")) // absorbed (RFC 6026 §7.1)
		sleep(time.Second)
		s := (*got)[0]
		if err := s.Respond(s.lastRes); err != nil { // the user repeats its 2xx
			t.Error(err)
		}
		if err := s.Respond(NewResponse(s.Request(), 486, "Busy", "here")); !errors.Is(err, ErrEnded) {
			t.Errorf("486 after 200: %v", err)
		}
		r.peer.Send(r.here, incoming("ACK", "a"))     // with the INVITE's branch
		r.peer.Send(r.here, incoming("ACK", "other")) // as it should be
		synctest.Wait()
		diff(t, "sent", []string{"0s SIP/2.0 180 X", "0s SIP/2.0 200 X", "1s SIP/2.0 200 X"}, r.sent(r.here, start))
		if acks != 2 || len(*got) != 1 {
			t.Errorf("%d ACKs and %d requests handed up; want 2, 1", acks, len(*got))
		}
	})
}

func TestX4_Cancel(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var order []string
		r.layer.OnRequest(func(s *ServerTx) {
			order = append(order, "INVITE")
			if err := s.Respond(NewResponse(s.Request(), 180, "Ringing", "here")); err != nil {
				t.Error(err)
			}
			s.OnCancel(func(c *sip.Request) {
				order = append(order, string(c.Method))
				if err := s.Respond(NewResponse(s.Request(), 487, "Request Terminated", "here")); err != nil {
					t.Error(err)
				}
			})
		})
		// Both wait in the socket before either is handled.
		r.peer.Send(r.here, incoming("INVITE", "k"))
		r.peer.Send(r.here, incoming("CANCEL", "k"))
		r.peer.Response(180)
		ok, _ := r.peer.Response(200)
		if ok.CSeq().MethodName != sip.CANCEL || ok.To().Params.GetOr("tag", "") != "here" {
			t.Errorf("answer to the CANCEL:\n%s", ok)
		}
		r.peer.Response(487)
		r.peer.Send(r.here, incoming("ACK", "k"))
		r.peer.Send(r.here, incoming("CANCEL", "k")) // repetition
		r.peer.Response(200)
		r.peer.Send(r.here, incoming("CANCEL", "nobody"))
		r.peer.Response(481)
		synctest.Wait()
		diff(t, "order", []string{"INVITE", "CANCEL"}, order)
	})
}

func TestX4_CancelAfterFinalResponseIsNotHandedUp(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.layer.OnRequest(func(s *ServerTx) {
			s.OnCancel(func(*sip.Request) { t.Error("CANCEL after 200 handed up") })
			if err := s.Respond(NewResponse(s.Request(), 200, "OK", "here")); err != nil {
				t.Error(err)
			}
		})
		r.peer.Send(r.here, incoming("INVITE", "k"))
		r.peer.Response(200)
		r.peer.Send(r.here, incoming("CANCEL", "k"))
		r.peer.Response(200)
	})
}

func TestX5_FinishedTransactionAnswersFromBytes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		got := r.answer(200)
		start := time.Now()
		r.peer.Send(r.here, incoming("OPTIONS", "o"))
		first, _ := r.peer.Response(200)
		sleep(31 * time.Second)
		synctest.Wait()
		if l, f := len(r.layer.servers), len(r.layer.finished); l != 0 || f != 1 {
			t.Errorf("%d live, %d finished; want 0, 1", l, f)
		}
		r.peer.Send(r.here, incoming("OPTIONS", "o"))
		again, _ := r.peer.Response(200)
		diff(t, "repetition", first.String(), again.String())
		sleep(2 * time.Second) // timer J is over
		r.peer.Send(r.here, incoming("OPTIONS", "o"))
		r.peer.Response(200)
		synctest.Wait()
		if len(*got) != 2 {
			t.Errorf("%d requests handed up; want 2, the last after timer J", len(*got))
		}
		diff(t, "sent", []string{"0s SIP/2.0 200 X", "31s SIP/2.0 200 X", "33s SIP/2.0 200 X"}, r.sent(r.here, start))
	})
}

func TestX5_ManyFinishedTransactionsNoGoroutines(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.answer(200)
		for i := range 1000 {
			r.peer.Send(r.here, incoming("OPTIONS", fmt.Sprint("m", i)))
			r.peer.Response(200)
		}
		synctest.Wait()
		if n := r.layer.Pending(); n != 1000 {
			t.Errorf("%d pending; want 1000", n)
		}
	})
}

func TestX5_UnansweredRequestEnds(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var ended error
		r.layer.OnRequest(func(s *ServerTx) { s.OnEnd(func(err error) { ended = err }) })
		r.peer.Send(r.here, incoming("MESSAGE", "u"))
		sleep(33 * time.Second)
		if !errors.Is(ended, ErrTimeout) {
			t.Errorf("ended %v", ended)
		}
	})
}

func TestMerged_482(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		got := r.answer(180)
		r.peer.Send(r.here, incoming("INVITE", "path1"))
		r.peer.Response(180)
		copied := siptest.CRLF(incoming("INVITE", "path2"))
		copied = replace(t, copied, "in-path2", "in-path1") // same Call-ID
		r.peer.Send(r.here, copied)
		r.peer.Response(482)
		other := replace(t, replace(t, copied, "path2", "path3"), "tag=them", "tag=other")
		r.peer.Send(r.here, other) // another From tag is another request
		r.peer.Response(180)
		synctest.Wait()
		if len(*got) != 2 {
			t.Errorf("%d requests handed up; want 2", len(*got))
		}
		stop(t, r)
	})
}

func TestMerged_NotAfterChallenge(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.answer(401)
		r.peer.Send(r.here, incoming("REGISTER", "path1"))
		r.peer.Response(401)
		r.peer.Send(r.here, replace(t, incoming("REGISTER", "path2"), "in-path2", "in-path1"))
		r.peer.Response(401)
	})
}

func TestRule3_5_PanicInRequestFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.layer.OnRequest(func(*ServerTx) { panic("user's mistake") })
		r.peer.Send(r.here, incoming("INVITE", "p"))
		r.peer.Response(500)
		r.peer.Send(r.here, incoming("ACK", "p"))
		r.peer.Send(r.here, incoming("OPTIONS", "q")) // the next one is still heard
		r.peer.Response(500)
		synctest.Wait()
		if n := r.layer.Stats().Panics; n != 2 {
			t.Errorf("%d panics counted", n)
		}
	})
}

func TestRule3_1_OrderIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var order []string
		r.layer.OnRequest(func(s *ServerTx) {
			order = append(order, s.key.branch)
			_ = s.Respond(NewResponse(s.Request(), 200, "OK", "here"))
		})
		var want []string
		for i := range 200 {
			want = append(want, fmt.Sprintf("z9hG4bK%d", i))
			r.peer.Send(r.here, incoming("INFO", fmt.Sprint(i)))
		}
		synctest.Wait()
		diff(t, "order", want, order)
	})
}

func TestRule3_4_NoTimerAfterEnd(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.answer(180, 200)
		r.peer.Send(r.here, incoming("INVITE", "z"))
		r.peer.Response(180)
		r.peer.Response(200)
		h := r.send(r.request(sip.INVITE))
		req, from := r.peer.Request(sip.INVITE)
		r.peer.SendMessage(from, siptest.Answer(req, 200, "OK", "b"))
		synctest.Wait()
		if h.tx.timer.Stop() {
			t.Error("the client's timer was still running")
		}
	})
}

func TestRFC2543_ClientIsMatchedByItsFields(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		got := r.answer(486)
		old := func(method string) string {
			return replace(t, incoming(method, "old"), "branch=z9hG4bKold", "branch=1")
		}
		r.peer.Send(r.here, old("INVITE"))
		r.peer.Send(r.here, old("INVITE"))
		r.peer.Response(486)
		r.peer.Response(486)
		r.peer.Send(r.here, old("ACK"))
		synctest.Wait()
		if len(*got) != 1 || len(r.layer.servers) != 0 {
			t.Errorf("%d requests, %d live; want 1, 0", len(*got), len(r.layer.servers))
		}
	})
}

func TestNewResponse(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		got := r.answer()
		r.peer.Send(r.here, incoming("INVITE", "n", "Record-Route: <sip:p1;lr>\nRecord-Route: <sip:p2;lr>\nTimestamp: 3\n"))
		synctest.Wait()
		req := (*got)[0].Request()
		for _, c := range []struct {
			status int
			want   string
		}{
			{100, "To: <sip:alice@10.0.0.1>\nCall-ID: in-n\nCSeq: 3 INVITE\nTimestamp: 3\n"},
			{180, "Record-Route: <sip:p1;lr>\nRecord-Route: <sip:p2;lr>\n"},
			{404, "To: <sip:alice@10.0.0.1>;tag=T\nCall-ID: in-n\nCSeq: 3 INVITE\nContent-Length: 0\n"},
		} {
			res := NewResponse(req, c.status, "X", "T").String()
			if !contains(res, siptest.CRLF(c.want)) {
				t.Errorf("%d lacks\n%s:\n%s", c.status, c.want, res)
			}
		}
		if req.To().Params.Has("tag") {
			t.Error("the request's To was changed")
		}
		stop(t, r)
	})
}
