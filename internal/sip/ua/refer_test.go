package ua

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/txn"
)

func TestD12_ReferFromPeer(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		r.peer.SendMessage(r.here, inDialog(sip.REFER, 2, inv, res,
			header("r", "<sip:carol@10.0.0.5?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>")))
		if acc := r.final(202); acc.Contact() == nil {
			t.Error("202 without Contact")
		}
		trying, _ := r.peer.Request(sip.NOTIFY)
		r.answer(trying, 200, "")
		if string(trying.Body()) != "SIP/2.0 100 Trying\r\n" || headerValue(trying, "Subscription-State") != "active;expires=60" || headerValue(trying, "Event") != "refer" {
			t.Errorf("NOTIFY:\n%s", trying)
		}
		ev := l.last()
		if ev.Kind != EventRefer || ev.ReferTo != "sip:carol@10.0.0.5" || ev.Replaces != "abc@x;to-tag=1;from-tag=2" {
			t.Errorf("event %+v", ev)
		}
		l.call.NotifyRefer(180, "Ringing")
		n, _ := r.peer.Request(sip.NOTIFY)
		r.answer(n, 200, "")
		l.call.NotifyRefer(200, "OK\r\nX: y")
		n, _ = r.peer.Request(sip.NOTIFY)
		r.answer(n, 200, "")
		if !strings.HasPrefix(headerValue(n, "Subscription-State"), "terminated") || strings.Count(string(n.Body()), "\n") != 1 {
			t.Errorf("NOTIFY:\n%s", n)
		}
		l.call.NotifyRefer(200, "OK") // ended: nothing
		r.silent(time.Second)
		r.peer.SendMessage(r.here, inDialog(sip.REFER, 3, inv, res))
		r.final(400)
		r.peer.SendMessage(r.here, inDialog(sip.REFER, 4, inv, res, header("Refer-To", "sip:dave@10.0.0.5"), header("Refer-Sub", "false")))
		if acc := r.final(202); headerValue(acc, "Refer-Sub") != "false" {
			t.Error("202 without Refer-Sub: false")
		}
		r.silent(time.Second)
		r.hangup(l)
	})
}

type referResult struct {
	status int
	err    error
	called int
}

func refer(c *Call, to string) *referResult {
	res := &referResult{}
	c.Refer(to, func(status int, err error) { *res = referResult{status, err, res.called + 1} })
	return res
}

func sipfrag(line, state string) []extra {
	return []extra{header("Event", "refer"), header("Subscription-State", state),
		func(m sip.Message) { setBody(m, "message/sipfrag;version=2.0", []byte(line+"\r\n")) }}
}

func TestD12_ReferEndsOurLegAfterFinalNotify(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		got := refer(l.call, "sip:carol@10.0.0.5")
		req, _ := r.peer.Request(sip.REFER)
		if headerValue(req, "Refer-To") != "<sip:carol@10.0.0.5>" || headerValue(req, "Referred-By") != "<sip:100@dialwright.example>" {
			t.Errorf("REFER:\n%s", req)
		}
		r.answer(req, 202, "")
		r.peer.SendMessage(r.here, inDialog(sip.NOTIFY, 2, inv, res, sipfrag("SIP/2.0 100 Trying", "active;expires=60")...))
		r.final(200)
		sleep(5 * time.Second)
		if got.called != 0 {
			t.Fatal("done before the final NOTIFY")
		}
		r.peer.SendMessage(r.here, inDialog(sip.NOTIFY, 3, inv, res, sipfrag("SIP/2.0 200 OK", "terminated;reason=noresource")...))
		r.final(200)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 200, "")
		l.all()
		if got.status != 200 || got.err != nil || got.called != 1 {
			t.Errorf("Refer: %+v", got)
		}
		l.want(t, "trying 180, ringing 180, answered 200, notify 100, notify 200, ended cause 16")
	})
}

func TestD12_ReferSilenceEndsOurLegAfter30s(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established()
		got := refer(l.call, "sip:carol@10.0.0.5")
		req, _ := r.peer.Request(sip.REFER)
		r.answer(req, 202, "")
		sleep(30 * time.Second)
		bye, _ := r.peer.Request(sip.BYE)
		r.answer(bye, 200, "")
		l.all()
		if !errors.Is(got.err, txn.ErrTimeout) {
			t.Errorf("Refer: %+v", got)
		}
	})
}

func TestD12_ReferFailureKeepsOurLeg(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		got := refer(l.call, "sip:carol@10.0.0.5")
		req, _ := r.peer.Request(sip.REFER)
		r.answer(req, 202, "")
		r.peer.SendMessage(r.here, inDialog(sip.NOTIFY, 2, inv, res, sipfrag("SIP/2.0 486 Busy Here", "terminated;reason=noresource")...))
		r.final(200)
		l.all()
		var status *StatusError
		if !errors.As(got.err, &status) || status.Status != 486 || l.last().Kind == EventEnded {
			t.Errorf("Refer: %+v, events %s", got, l.kinds())
		}
		got = refer(l.call, "sip:carol@10.0.0.5")
		req, _ = r.peer.Request(sip.REFER)
		r.answer(req, 603, "")
		l.all()
		if !errors.As(got.err, &status) || status.Status != 603 {
			t.Errorf("Refer: %+v", got)
		}
		r.peer.SendMessage(r.here, inDialog(sip.NOTIFY, 3, inv, res, sipfrag("SIP/2.0 200 OK", "terminated")...))
		r.final(481) // no subscription
		got = refer(l.call, "not a uri\r\n")
		l.all()
		if !errors.Is(got.err, ErrURI) {
			t.Errorf("Refer to nonsense: %+v", got)
		}
		r.hangup(l)
	})
}

func TestD12_AttendedTransferFromUs(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		a, _, _ := r.established()
		b, invB, resB := r.established()
		a.call.ReferCall(b.call, nil)
		req, _ := r.peer.Request(sip.REFER)
		to, replaces, err := parseReferTo(headerValues(req, "Refer-To"))
		want := invB.CallID().Value() + ";to-tag=" + toTag(resB) + ";from-tag=" + fromTag(invB)
		if err != nil || to != "sip:bob@10.0.0.2:5060" || replaces != want {
			t.Errorf("Refer-To %s Replaces %s (%v), want %s", to, replaces, err, want)
		}
		r.answer(req, 200, "", header("Refer-Sub", "false"))
		r.until(sip.BYE, func(bye *sip.Request) { r.answer(bye, 200, "") })
		r.hangup(b)
		a.want(t, "trying 180, ringing 180, answered 200, ended cause 16")
	})
}

func TestD13_InfoBothWays(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established()
		r.peer.SendMessage(r.here, inDialog(sip.INFO, 2, inv, res, func(m sip.Message) {
			setBody(m, "application/dtmf-relay", []byte("Signal=5\r\nDuration=100\r\n"))
		}))
		r.final(200)
		ev := l.last()
		if digit, d, ok := ParseDTMF(ev.ContentType, ev.Body); ev.Kind != EventInfo || digit != '5' || d != 100*time.Millisecond || !ok {
			t.Errorf("event %+v", ev)
		}
		var status int
		ct, b := FormatDTMF(true, '#', 160*time.Millisecond)
		l.call.Info(ct, b, func(s int, err error) { status = s })
		req, _ := r.peer.Request(sip.INFO)
		if string(req.Body()) != "Signal=#\r\nDuration=160\r\n" || headerValue(req, "Content-Type") != "application/dtmf-relay" {
			t.Errorf("INFO:\n%s", req)
		}
		r.answer(req, 200, "")
		l.all()
		if status != 200 {
			t.Errorf("INFO gave %d", status)
		}
		r.hangup(l)
		l.all()
		l.call.Info(ct, b, func(s int, err error) {
			if !errors.Is(err, ErrState) {
				t.Errorf("INFO after the end: %v", err)
			}
		})
		l.all()
	})
}

func TestD13_ParseDTMF(t *testing.T) {
	for _, tt := range []struct {
		ct, body string
		digit    rune
		d        time.Duration
		ok       bool
	}{
		{"application/dtmf-relay", "Signal=5\r\nDuration=100", '5', 100 * time.Millisecond, true},
		{"Application/DTMF-Relay; x=y", "Signal= * \nDuration= 250\n", '*', 250 * time.Millisecond, true},
		{"application/dtmf-relay", "signal=11", '#', 0, true},
		{"application/dtmf-relay", "Signal=12", 'A', 0, true},
		{"application/dtmf-relay", "Signal=16", '!', 0, true},
		{"application/dtmf", "7", '7', 0, true},
		{"application/dtmf", "d\r\n", 'D', 0, true},
		{"application/dtmf", "", 0, 0, false},
		{"application/dtmf-relay", "Signal=17", 0, 0, false},
		{"application/dtmf-relay", "5", 0, 0, false},
		{"text/plain", "5", 0, 0, false},
		{"application/dtmf", "55", 0, 0, false},
	} {
		digit, d, ok := ParseDTMF(tt.ct, []byte(tt.body))
		if digit != tt.digit || d != tt.d || ok != tt.ok {
			t.Errorf("ParseDTMF(%q, %q) = %q %v %v", tt.ct, tt.body, digit, d, ok)
		}
	}
	for _, digit := range dtmfEvents {
		for _, relay := range []bool{true, false} {
			ct, b := FormatDTMF(relay, digit, 100*time.Millisecond)
			if got, _, ok := ParseDTMF(ct, b); !ok || got != digit {
				t.Errorf("%q does not survive: %q", digit, got)
			}
		}
	}
}
