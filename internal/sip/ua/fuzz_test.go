package ua

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// inEachState sets up one call in each state and gives what stands for their
// identifiers in a fuzzed message: $C3 is the Call-ID of the third, $L3 its
// local tag, $R3 the remote one, $B3 the branch of our newest request, $Q3 its
// CSeq.
func (r *rig) inEachState() ([]*eventLog, *strings.Replacer) {
	r.t.Helper()
	var logs []*eventLog
	var names []string
	add := func(l *eventLog, remote, branch string, seq uint32) {
		i := len(logs)
		logs = append(logs, l)
		names = append(names, fmt.Sprint("$C", i), l.call.callID, fmt.Sprint("$L", i), l.call.localTag,
			fmt.Sprint("$R", i), remote, fmt.Sprint("$B", i), branch, fmt.Sprint("$Q", i), fmt.Sprint(seq))
		l.on(func(e Event) {
			switch e.Kind {
			case EventOffer:
				if strings.Contains(string(e.SDP), "reject") {
					l.call.RejectOffer(0)
				} else {
					l.call.AcceptOffer([]byte(offerSDP))
				}
			case EventRefer:
				l.call.NotifyRefer(200, e.ReferTo)
			case EventInfo:
				ParseDTMF(e.ContentType, e.Body)
			}
		})
	}
	branch := func(m *sip.Request) string { return m.Via().Params.GetOr("branch", "") }
	out := func(status int, pending func(l *eventLog) *sip.Request) {
		l := r.dial(withAuth("a", "b"))
		inv, _ := r.peer.Request(sip.INVITE)
		switch {
		case status >= 200:
			r.answer(inv, status, "bob", body(answerSDP), header("Session-Expires", "90;refresher=uac"))
			r.peer.Request(sip.ACK)
		case status > 0:
			r.answer(inv, status, "bob")
		}
		synctest.Wait()
		last := inv
		if pending != nil {
			last = pending(l)
		}
		add(l, "bob", branch(last), last.CSeq().SeqNo)
	}
	out(0, nil)                               // 0: no answer yet
	out(180, nil)                             // 1: ringing
	out(200, nil)                             // 2: confirmed
	out(180, func(l *eventLog) *sip.Request { // 3: cancelled
		l.call.Hangup(0)
		c, _ := r.peer.Request(sip.CANCEL)
		return c
	})
	out(200, func(l *eventLog) *sip.Request { // 4: our re-INVITE is pending
		reinvite(l.call, offerSDP)
		re, _ := r.peer.Request(sip.INVITE)
		return re
	})
	out(200, func(l *eventLog) *sip.Request { // 5: BYE sent
		l.call.Hangup(0)
		bye, _ := r.peer.Request(sip.BYE)
		return bye
	})
	out(200, func(l *eventLog) *sip.Request { // 6: REFER sent
		l.call.Refer("sip:carol@10.0.0.5", nil)
		ref, _ := r.peer.Request(sip.REFER)
		return ref
	})
	in := func(id string, f func(*Call), extras ...extra) {
		l := r.ringing(f)
		inv := invite(id, append(extras, body(answerSDP))...)
		r.peer.SendMessage(r.here, inv)
		synctest.Wait()
		add(l, "bobtag", branch(inv), 1)
	}
	in("offered", nil)                                                                                                      // 7
	in("answered", func(c *Call) { c.Answer([]byte(offerSDP)) })                                                            // 8
	in("reliable", func(c *Call) { c.Provisional(183, "x", []byte(offerSDP)); c.Answer(nil) }, header("Require", "100rel")) // 9
	in("refused", func(c *Call) { c.Reject(486, "x") })                                                                     // 10
	r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
	return logs, strings.NewReplacer(names...)
}

// fuzzSeeds are messages for each kind of handling; a fuzzer mixes them.
func fuzzSeeds() []string {
	var out []string
	response := func(i int, status, method string, lines ...string) {
		out = append(out, fmt.Sprintf("SIP/2.0 %s\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=$B%d\nFrom: <sip:100@x>;tag=$L%d\nTo: <sip:bob@y>;tag=$R%d\nCall-ID: $C%d\nCSeq: $Q%d %s\n%s\n\n", status, i, i, i, i, i, method, strings.Join(append(lines, "Content-Length: 0"), "\n")))
	}
	request := func(i, seq int, method string, lines ...string) {
		out = append(out, fmt.Sprintf("%s sip:100@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKf%d%d%s\nMax-Forwards: 70\nFrom: <sip:bob@y>;tag=$R%d\nTo: <sip:100@x>;tag=$L%d\nCall-ID: $C%d\nCSeq: %d %s\n%s\n\n", method, i, seq, method, i, i, i, seq, method, strings.Join(append(lines, "Content-Length: 0"), "\n")))
	}
	for i := range 7 {
		for _, status := range []string{"100 Trying", "183 Progress", "200 OK", "302 Moved", "401 Unauthorized", "422 Small", "487 Gone", "491 Pending", "503 No", "699 ?"} {
			method := []string{"INVITE", "INVITE", "INVITE", "INVITE", "INVITE", "BYE", "REFER"}[i]
			response(i, status, method, "Contact: <sip:bob@10.0.0.2>", "WWW-Authenticate: Digest realm=x, nonce=\"y\", qop=\"auth\"", "Min-SE: 4294967295", "Require: 100rel", "RSeq: 1", "Session-Expires: 90;refresher=uas", "Record-Route: <sip:p;lr>, <sip:q>")
		}
	}
	for i := range 11 {
		for seq, method := range []string{"INVITE", "UPDATE", "BYE", "INFO", "PRACK", "REFER", "NOTIFY", "OPTIONS", "MESSAGE", "ACK", "CANCEL", "SUBSCRIBE", "FOO"} {
			request(i, seq+2, method, "Contact: <sip:bob@10.0.0.9;transport=tcp>", "Refer-To: <sip:c@d?Replaces=a%3Bto-tag%3Db>", "Event: refer", "Subscription-State: terminated", "RAck: 1 1 INVITE", "Session-Expires: 90", "Supported: timer", "Replaces: $C2;to-tag=$L2;from-tag=$R2", "Expires: 0")
		}
	}
	out = append(out,
		invite("new", body(answerSDP), header("Replaces", "$C2;to-tag=$L2;from-tag=$R2"), header("Require", "100rel, timer")).String(),
		registerRequest("101", 1, contact("sip:101@10.0.0.2"), header("Authorization", `Digest username="101", realm="dw", nonce="x", uri="y", response="z", qop=auth, nc=00000001, cnonce="c"`)).String(),
		"\r\n\r\n", "INVITE", "SIP/2.0 200 OK\r\n\r\n")
	return out
}

// FuzzAgent feeds an arbitrary message into an agent with one call in each
// state. Nothing may panic, each call ends exactly once, and nothing is left.
func FuzzAgent(f *testing.F) {
	for _, s := range fuzzSeeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			t.Skip("longer than what is interesting")
		}
		synctest.Test(t, func(t *testing.T) { fuzzOne(t, text) })
	})
}

func fuzzOne(t *testing.T, text string) {
	r := newRig(t, Config{Realm: "dw", Authenticate: secrets})
	logs, names := r.inEachState()
	text = names.Replace(text)
	r.peer.Send(r.here, text)
	synctest.Wait()
	r.peer.Send(r.here, text) // and repeated
	sleep(2 * time.Second)
	for _, l := range logs {
		l.call.Hangup(0)
	}
	sleep(10 * time.Minute) // timers of every kind, and of calls that the message began
	r.agent.Stop(done())
	for i, l := range logs {
		if n := strings.Count(l.kinds(), "ended"); n != 1 {
			t.Errorf("call %d ended %d times: %s", i, n, l.kinds())
		}
	}
	if n := r.agent.Pending(); n != 0 {
		t.Errorf("%d calls left", n)
	}
	if n := r.agent.Panics(); n != 0 {
		t.Errorf("%d panics", n)
	}
	if n := r.layer.Stats().Panics; n != 0 {
		t.Errorf("%d panics below", n)
	}
}

// done is a context that has ended: Stop drops what is left.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
