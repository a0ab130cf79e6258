package ua

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/siptest"
)

// TestLeak_ThousandCalls: of 1,000 calls of every kind nothing is left after
// their 32 s: no entry, no transaction, no timer (a timer that is left would
// keep the bubble's clock from reaching a deadlock report, so goroutines and
// tables are counted), no goroutine.
func TestLeak_ThousandCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		in := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
		_ = in
		synctest.Wait()
		before := runtime.NumGoroutine()
		go r.phone(t.Context().Done())
		var calls []*eventLog
		for i := range 1000 {
			l := r.dial(func(o *InviteOptions) {
				o.Target.User = []string{"answer", "busy", "ring", "cross", "lost"}[i%5]
				o.Auth = &Credentials{User: "a", Password: "b"}
			})
			l.on(func(e Event) {
				if e.Kind == EventAnswered {
					l.call.Hangup(cause.NormalClearing)
				}
			})
			calls = append(calls, l)
			if i%10 == 9 {
				sleep(10 * time.Millisecond)
			}
		}
		sleep(time.Second)
		for _, l := range calls {
			l.call.Hangup(cause.NormalClearing)
		}
		sleep(70 * time.Second)
		ends := map[string]int{}
		for _, l := range calls {
			n := 0
			for _, e := range l.all() {
				if e.Kind == EventEnded {
					n++
					ends[fmt.Sprint(l.call.target.User, " ", e.Cause)]++
				}
			}
			if n != 1 {
				t.Fatalf("%d ends: %s", n, l.kinds())
			}
			select {
			case <-l.call.Done():
			default:
				t.Fatal("a call is not cleaned up")
			}
			l.call.mu.Lock()
			for name, left := range map[string]bool{
				"queue": len(l.call.queue) > 0, "acks": l.call.acks != nil, "exchange": l.call.invite != nil,
				"timer": l.call.proceedT.t != nil || l.call.cancelT.t != nil || l.call.lingerT.t != nil || l.call.lateT.t != nil ||
					l.call.refT.t != nil || l.call.expT.t != nil || l.call.glareT.t != nil || l.call.relT.t != nil || l.call.provT.t != nil || l.call.referT.t != nil,
			} {
				if left {
					t.Errorf("%s left", name)
				}
			}
			l.call.mu.Unlock()
		}
		t.Log(ends)
		if n := r.agent.Pending(); n != 0 {
			t.Errorf("%d calls left", n)
		}
		if n := r.layer.Pending(); n != 0 {
			t.Errorf("%d transactions left", n)
		}
		// The phone is one; a few are of the process (the collector's workers, other
		// tests), which the count includes. A leak would be hundreds.
		if after := runtime.NumGoroutine(); after > before+20 {
			t.Errorf("%d goroutines, %d before", after, before)
		}
	})
}

// phone answers every call to the peer by the user part of its URI, until
// nothing has come for two minutes.
func (r *rig) phone(<-chan struct{}) {
	for {
		m, _, ok := r.peer.TryRecv(2 * time.Minute)
		if !ok {
			return
		}
		req, isReq := m.(*sip.Request)
		if !isReq || req.Method == sip.ACK {
			continue
		}
		switch {
		case req.Method != sip.INVITE:
			r.peer.SendMessage(r.here, siptest.Answer(req, 200, "OK", "t"))
			if req.Method == sip.CANCEL && strings.HasPrefix(req.Recipient.User, "ring") {
				inv := req.Clone()
				inv.CSeq().MethodName = sip.INVITE
				r.peer.SendMessage(r.here, siptest.Answer(inv, 487, "Request Terminated", "t"))
			}
			if req.Method == sip.CANCEL && req.Recipient.User == "cross" {
				inv := req.Clone()
				inv.CSeq().MethodName = sip.INVITE
				res := siptest.Answer(inv, 200, "OK", "t")
				contact("sip:cross@10.0.0.2:5060")(res)
				r.peer.SendMessage(r.here, res)
			}
		case req.Recipient.User == "answer":
			res := siptest.Answer(req, 200, "OK", "t")
			contact("sip:answer@10.0.0.2:5060")(res)
			res.AppendHeader(sip.NewHeader("Session-Expires", "1800;refresher=uac"))
			setSDP(res, []byte(answerSDP))
			r.peer.SendMessage(r.here, res)
		case req.Recipient.User == "busy":
			r.peer.SendMessage(r.here, siptest.Answer(req, 486, "Busy Here", "t"))
		case req.Recipient.User != "lost":
			r.peer.SendMessage(r.here, siptest.Answer(req, 180, "Ringing", "t"))
		}
	}
}

// Incoming calls leave nothing either, answered or not, acknowledged or not.
func TestLeak_IncomingCalls(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		i := 0
		var logs []*eventLog
		r.agent.OnInvite(func(c *Call, _ *sip.Request) {
			l := &eventLog{call: c}
			logs = append(logs, l)
			c.Handle(l.add)
			switch i++; i % 4 {
			case 0:
				c.Provisional(180, "Ringing", nil)
			case 1:
				c.Answer([]byte(offerSDP))
			case 2:
				c.Reject(603, "Decline")
			}
		})
		for n := range 100 {
			r.peer.SendMessage(r.here, invite(fmt.Sprint("leak", n), body(answerSDP)))
		}
		sleep(100 * time.Millisecond)
		for _, l := range logs {
			l.call.Hangup(cause.NormalClearing)
		}
		sleep(70 * time.Second) // the BYEs are never answered
		for _, l := range logs {
			if n := strings.Count(l.kinds(), "ended"); n != 1 {
				t.Errorf("%d ends: %s", n, l.kinds())
			}
		}
		for {
			if _, _, ok := r.peer.TryRecv(0); !ok {
				break
			}
		}
	})
}

// Stop hangs up, waits for the answers, and drops what does not answer.
func TestStop_HangsUpUnregistersAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		l, _, _ := r.established()
		reg, _ := r.enrol()
		req, _ := r.peer.Request(sip.REGISTER)
		r.answer(req, 200, "x")
		synctest.Wait()
		stopped := make(chan error, 1)
		go func() { stopped <- r.agent.Stop(t.Context()) }()
		for range 2 {
			m, _ := r.peer.Recv()
			r.answer(m.(*sip.Request), 200, "")
		}
		if err := <-stopped; err != nil {
			t.Errorf("Stop: %v", err)
		}
		if reg.State().Registered || l.last().Kind != EventEnded || r.agent.Pending() != 0 {
			t.Error("something is left")
		}
		if _, err := r.agent.Invite(InviteOptions{Target: sip.Uri{Scheme: "sip", User: "x", Host: "10.0.0.2"}}); err != ErrStopped {
			t.Errorf("Invite after Stop: %v", err)
		}
		r.peer.SendMessage(r.here, invite("late", body(answerSDP)))
		sleep(time.Second)
	})
}

func TestStop_SilentPeerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		l, _, _ := r.established()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.agent.Stop(ctx); err == nil {
			t.Error("Stop against a silent peer should say that it gave up")
		}
		if r.agent.Pending() != 0 || l.last().Kind != EventEnded {
			t.Error("something is left")
		}
	})
}

// Done says when the wire is quiet, long before the entry goes.
func TestCall_DoneWhenByeIsAnswered(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established()
		l.call.Hangup(0)
		bye, _ := r.peer.Request(sip.BYE)
		synctest.Wait()
		select {
		case <-l.call.Done():
			t.Error("done before BYE is answered")
		default:
		}
		r.answer(bye, 200, "")
		synctest.Wait()
		select {
		case <-l.call.Done():
		default:
			t.Error("not done although BYE is answered")
		}
		if r.agent.Pending() != 1 {
			t.Error("a repeated 200 would find nobody")
		}
	})
}

// All methods at once, from everywhere, on calls in every state.
func TestCall_MethodsConcurrently(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		logs, _ := r.inEachState()
		var wg sync.WaitGroup
		for _, l := range logs {
			c := l.call
			for _, f := range []func(){
				func() { c.Provisional(183, "x", []byte(offerSDP)) }, func() { c.Answer([]byte(offerSDP)) }, func() { c.Reject(486, "Busy") },
				func() { c.Redirect("sip:a@b") }, func() { c.Reinvite([]byte(offerSDP), nil) }, func() { c.AcceptOffer([]byte(offerSDP)) },
				func() { c.RejectOffer(0) }, func() { c.Info("text/plain", []byte("x"), nil) }, func() { c.Refer("sip:a@10.0.0.2", nil) },
				func() { c.NotifyRefer(200, "OK") }, func() { c.Notify("talk", "", nil, nil) }, func() { c.Flow() }, func() { c.Replaces() },
				func() { c.ResponseHeader("Via") }, func() { c.AssertedIdentity() }, func() { c.RemoteIdentity() }, func() { c.Source() },
				func() { c.Hangup(cause.UserBusy) }, func() { c.Hangup(0) }, func() { r.agent.Pending() }, func() { c.ReferCall(logs[0].call, nil) },
			} {
				wg.Go(f)
			}
		}
		wg.Wait()
		sleep(5 * time.Minute)
		for i, l := range logs {
			if n := strings.Count(l.kinds(), "ended"); n != 1 {
				t.Errorf("call %d: %s", i, l.kinds())
			}
		}
		for {
			if _, _, ok := r.peer.TryRecv(0); !ok {
				break
			}
		}
	})
}
