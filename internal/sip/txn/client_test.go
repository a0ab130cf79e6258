package txn

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"
)

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestX1_InviteClientTimers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		start := time.Now()
		h := r.send(r.request(sip.INVITE))
		sleep(time.Minute)
		diff(t, "timer A", []string{
			"0s INVITE", "500ms INVITE", "1.5s INVITE", "3.5s INVITE", "7.5s INVITE", "15.5s INVITE", "31.5s INVITE",
		}, r.sent(r.here, start))
		diff(t, "timer B", []string{"32s no response in time"}, h.events)
	})
}

func TestX1_NonInviteClientTimers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		start := time.Now()
		h := r.send(r.request(sip.OPTIONS))
		sleep(time.Minute)
		diff(t, "timer E", []string{
			"0s OPTIONS", "500ms OPTIONS", "1.5s OPTIONS", "3.5s OPTIONS", "7.5s OPTIONS", "11.5s OPTIONS",
			"15.5s OPTIONS", "19.5s OPTIONS", "23.5s OPTIONS", "27.5s OPTIONS", "31.5s OPTIONS",
		}, r.sent(r.here, start))
		diff(t, "timer F", []string{"32s no response in time"}, h.events)
	})
}

func TestX1_NonInviteProceedingRepeatsEveryT2(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		start := time.Now()
		h := r.send(r.request(sip.OPTIONS))
		req, from := r.peer.Request(sip.OPTIONS)
		r.peer.SendMessage(from, siptest.Answer(req, 100, "Trying", ""))
		sleep(time.Minute)
		diff(t, "timer E after 1xx", []string{
			"0s OPTIONS", "500ms OPTIONS", "4.5s OPTIONS", "8.5s OPTIONS", "12.5s OPTIONS",
			"16.5s OPTIONS", "20.5s OPTIONS", "24.5s OPTIONS", "28.5s OPTIONS",
		}, r.sent(r.here, start))
		diff(t, "timer F", []string{"0s 100", "32s no response in time"}, h.events)
	})
}

func TestX1_TimersOfTheLayer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{T1: 10 * time.Millisecond, T2: 40 * time.Millisecond, T4: 50 * time.Millisecond})
		h := r.send(r.request(sip.BYE))
		sleep(time.Second)
		diff(t, "64*T1", []string{"640ms no response in time"}, h.events)
	})
}

func TestX1_ProvisionalEndsInviteTimers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		start := time.Now()
		h := r.send(r.request(sip.INVITE))
		req, from := r.peer.Request(sip.INVITE)
		r.peer.SendMessage(from, siptest.Answer(req, 180, "Ringing", "b"))
		sleep(3 * time.Minute)
		r.peer.SendMessage(from, siptest.Answer(req, 200, "OK", "b"))
		synctest.Wait()
		diff(t, "sent", []string{"0s INVITE"}, r.sent(r.here, start))
		diff(t, "heard", []string{"0s 180", "3m0s 200"}, h.events)
	})
}

func TestX2_First2xxEndsLaterOnesAreStray(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var stray []string
		r.layer.OnStray2xx(func(f *sipnet.Flow, res *sip.Response) {
			tag, _ := res.To().Params.Get("tag")
			stray = append(stray, tag)
			if f != r.flow {
				t.Errorf("stray on flow %s", f.ID())
			}
		})
		h := r.send(r.request(sip.INVITE))
		req, from := r.peer.Request(sip.INVITE)
		for _, tag := range []string{"first", "first", "fork"} {
			r.peer.SendMessage(from, siptest.Answer(req, 200, "OK", tag))
		}
		synctest.Wait()
		diff(t, "heard", []string{"0s 200"}, h.events)
		diff(t, "stray", []string{"first", "fork"}, stray)
		if n := r.layer.Pending(); n != 0 {
			t.Errorf("pending after the 2xx: %d", n)
		}
	})
}

func TestX2_ResponsesInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		h := r.send(r.request(sip.INVITE))
		req, from := r.peer.Request(sip.INVITE)
		for _, s := range []int{100, 183, 180, 183, 200} {
			r.peer.SendMessage(from, siptest.Answer(req, s, "X", "b"))
		}
		synctest.Wait()
		diff(t, "heard", []string{"0s 100", "0s 183", "0s 180", "0s 183", "0s 200"}, h.events)
	})
}

func TestX3_AckOfNon2xx(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		invite := r.request(sip.INVITE)
		invite.AppendHeader(&sip.RouteHeader{Address: sip.Uri{Scheme: "sip", Host: "proxy", UriParams: sip.HeaderParams{{K: "lr"}}}})
		invite.AppendHeader(&sip.RouteHeader{Address: sip.Uri{Scheme: "sip", Host: "second"}})
		invite.AppendHeader(sip.NewHeader("Authorization", "Digest secret"))
		h := r.send(invite)
		req, from := r.peer.Request(sip.INVITE)
		for range 3 { // timer D: each repetition gets the same ACK
			r.peer.SendMessage(from, siptest.Answer(req, 486, "Busy Here", "b"))
			ack, _ := r.peer.Request(sip.ACK)
			diff(t, "ACK", siptest.CRLF(`ACK sip:bob@10.0.0.2 SIP/2.0
`+req.Via().String()+`
Route: <sip:proxy;lr>
Route: <sip:second>
From: <sip:alice@10.0.0.1>;tag=us
To: <sip:bob@10.0.0.2>;tag=b
Call-ID: call-INVITE
CSeq: 7 ACK
Max-Forwards: 70
Content-Length: 0

`), ack.String())
			sleep(9 * time.Second)
		}
		diff(t, "heard", []string{"0s 486"}, h.events)
		sleep(10 * time.Second)
		r.peer.SendMessage(from, siptest.Answer(req, 486, "Busy Here", "b"))
		if m, _, ok := r.peer.TryRecv(time.Second); ok {
			t.Errorf("after timer D came %s", m)
		}
	})
}

func TestX4_ClientCancel(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		invite := r.request(sip.INVITE)
		invite.AppendHeader(&sip.RouteHeader{Address: sip.Uri{Scheme: "sip", Host: "proxy"}})
		invite.AppendHeader(&sip.ContactHeader{Address: sip.Uri{Scheme: "sip", Host: "10.0.0.1"}})
		h := r.send(invite)
		if err := h.tx.Cancel(nil); !errors.Is(err, ErrNoProvisional) {
			t.Errorf("before a provisional: %v", err)
		}
		req, from := r.peer.Request(sip.INVITE)
		r.peer.SendMessage(from, siptest.Answer(req, 180, "Ringing", "b"))
		synctest.Wait()
		err := h.tx.Cancel(func(c *sip.Request) { c.AppendHeader(sip.NewHeader("Reason", "SIP;cause=200")) })
		if err != nil {
			t.Fatal(err)
		}
		cancel, _ := r.peer.Request(sip.CANCEL)
		diff(t, "CANCEL", siptest.CRLF(`CANCEL sip:bob@10.0.0.2 SIP/2.0
`+req.Via().String()+`
From: <sip:alice@10.0.0.1>;tag=us
To: <sip:bob@10.0.0.2>
Call-ID: call-INVITE
Route: <sip:proxy>
CSeq: 7 CANCEL
Reason: SIP;cause=200
Max-Forwards: 70
Content-Length: 0

`), cancel.String())
		if err := h.tx.Cancel(nil); err != nil {
			t.Errorf("second Cancel: %v", err)
		}
		r.peer.SendMessage(from, siptest.Answer(cancel, 200, "OK", "b"))
		r.peer.SendMessage(from, siptest.Answer(req, 487, "Request Terminated", "b"))
		r.peer.Request(sip.ACK)
		synctest.Wait()
		diff(t, "heard", []string{"0s 180", "0s 487"}, h.events)
		if err := h.tx.Cancel(nil); !errors.Is(err, ErrEnded) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestX4_CancelWithoutFinalResponseEnds(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		h := r.send(r.request(sip.INVITE))
		req, from := r.peer.Request(sip.INVITE)
		r.peer.SendMessage(from, siptest.Answer(req, 180, "Ringing", "b"))
		sleep(time.Minute)
		if err := h.tx.Cancel(nil); err != nil {
			t.Fatal(err)
		}
		sleep(time.Minute)
		diff(t, "heard", []string{"0s 180", "1m32s no response in time"}, h.events)
	})
}

func TestX6_RepetitionIsTheSameBytes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		invite := r.request(sip.INVITE)
		invite.SetBody([]byte("v=0\r\n"))
		r.send(invite)
		first, _ := r.peer.Request(sip.INVITE)
		invite.AppendHeader(sip.NewHeader("X-Later", "must not be sent"))
		second, from := r.peer.Request(sip.INVITE)
		diff(t, "repetition", first.String(), second.String())
		r.peer.SendMessage(from, siptest.Answer(first, 200, "OK", "b"))
	})
}

func TestSend_RefusesForgedHeaders(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		req := r.request(sip.INVITE)
		req.AppendHeader(sip.NewHeader("X-Account", "7\r\nProxy-Authorization: forged"))
		if _, err := r.layer.Send(r.flow, req, nil); !errors.Is(err, ErrUnsafe) {
			t.Errorf("want ErrUnsafe, got %v", err)
		}
	})
}

func TestSend_ReplacesTheViaOfAnEarlierTry(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		first := r.send(r.request(sip.OPTIONS))
		second := r.send(first.tx.Request().Clone())
		if first.tx.Branch() == second.tx.Branch() {
			t.Error("same branch twice")
		}
		if vias := second.tx.Request().GetHeaders("via"); len(vias) != 1 {
			t.Errorf("%d Vias", len(vias))
		}
	})
}

func TestX1_StopEndsAll(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		h := r.send(r.request(sip.INVITE))
		for range 2 {
			if err := r.layer.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		diff(t, "heard", []string{"0s transaction layer stopped"}, h.events)
		if _, err := r.layer.Send(r.flow, r.request(sip.BYE), nil); !errors.Is(err, ErrStopped) {
			t.Errorf("Send after Stop: %v", err)
		}
	})
}

func TestRule3_5_PanicInResponseFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		statuses := 0
		if _, err := r.layer.Send(r.flow, r.request(sip.INVITE), func(*sip.Response, error) {
			statuses++
			panic("user's mistake")
		}); err != nil {
			t.Fatal(err)
		}
		req, from := r.peer.Request(sip.INVITE)
		r.peer.SendMessage(from, siptest.Answer(req, 180, "Ringing", "b"))
		r.peer.SendMessage(from, siptest.Answer(req, 200, "OK", "b"))
		synctest.Wait()
		if statuses != 2 || r.layer.Stats().Panics != 2 {
			t.Errorf("%d calls, %d panics counted; want 2, 2", statuses, r.layer.Stats().Panics)
		}
	})
}
