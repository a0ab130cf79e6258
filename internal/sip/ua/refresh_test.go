package ua

import (
	"errors"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

func TestD11_422RaisesTheInterval(t *testing.T) {
	bubble(t, Config{SessionExpires: 100 * time.Second}, func(r *rig) {
		l := r.dial()
		inv, _ := r.peer.Request(sip.INVITE)
		if headerValue(inv, "Session-Expires") != "100" || headerValue(inv, "Min-SE") != "90" || !hasOption(inv, "Supported", "timer") {
			t.Errorf("INVITE:\n%s", inv)
		}
		r.answer(inv, 422, "bob", header("Min-SE", "1800"))
		r.peer.Request(sip.ACK)
		again, _ := r.peer.Request(sip.INVITE)
		if headerValue(again, "Session-Expires") != "1800" || headerValue(again, "Min-SE") != "1800" || again.CSeq().SeqNo != 2 {
			t.Errorf("INVITE:\n%s", again)
		}
		r.answer(again, 200, "bob", body(answerSDP))
		r.peer.Request(sip.ACK)
		l.want(t, "answered 200")
		r.hangup(l)
	})
}

func TestD11_EndlessRaisingEndsTheCall(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial()
		for range maxRaises + 1 {
			inv, _ := r.peer.Request(sip.INVITE)
			r.answer(inv, 422, "bob", header("Min-SE", "4294967295"))
			r.peer.Request(sip.ACK)
		}
		l.want(t, "ended 422 cause 127 by peer")
	})
}

func TestD11_RefreshByUpdateAtHalf(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established(header("Session-Expires", "1800;refresher=uac"), header("Allow", "INVITE, ACK, BYE, UPDATE"))
		for range 3 {
			sleep(899 * time.Second)
			r.silent(500 * time.Millisecond)
			sleep(500 * time.Millisecond)
			up, _ := r.peer.Request(sip.UPDATE)
			if headerValue(up, "Session-Expires") != "1800;refresher=uac" || len(up.Body()) != 0 {
				t.Errorf("UPDATE:\n%s", up)
			}
			r.answer(up, 200, "", header("Session-Expires", "1800;refresher=uac"))
		}
		r.hangup(l)
		l.want(t, "trying 180, ringing 180, answered 200, ended cause 16")
	})
}

func TestD11_RefreshByReinvite(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established(header("x", "200;refresher=uac"), header("Allow", "INVITE, ACK, BYE"))
		sleep(100 * time.Second)
		re, _ := r.peer.Request(sip.INVITE)
		if string(re.Body()) != offerSDP {
			t.Errorf("refresh without the SDP in force:\n%s", re)
		}
		r.answer(re, 200, "", body(answerSDP), header("Session-Expires", "200;refresher=uac"))
		r.peer.Request(sip.ACK)
		l.want(t, "trying 180, ringing 180, answered 200") // same answer: nobody needs to know
		sleep(100 * time.Second)
		re, _ = r.peer.Request(sip.INVITE)
		r.answer(re, 200, "", body(laterSDP), header("Session-Expires", "200;refresher=uac"))
		r.peer.Request(sip.ACK)
		l.want(t, "trying 180, ringing 180, answered 200, answer-to-our-offer")
		r.hangup(l)
	})
}

func TestD11_UpdateNotAllowedAfterAll(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, _, _ := r.established(header("Session-Expires", "200;refresher=uac"), header("Allow", "UPDATE"))
		sleep(100 * time.Second)
		up, _ := r.peer.Request(sip.UPDATE)
		r.answer(up, 405, "")
		re, _ := r.peer.Request(sip.INVITE)
		r.answer(re, 200, "", body(answerSDP), header("Session-Expires", "200;refresher=uac"))
		r.peer.Request(sip.ACK)
		r.hangup(l)
	})
}

func TestD11_ExpiryWithoutRefresh(t *testing.T) {
	for _, tt := range []struct {
		expires string
		after   time.Duration
	}{
		{"1800;refresher=uas", 1768 * time.Second}, // minus 32 s
		{"90;refresher=uas", 60 * time.Second},     // minus a third
	} {
		bubble(t, Config{}, func(r *rig) {
			l, _, _ := r.established(header("Session-Expires", tt.expires))
			sleep(tt.after - time.Millisecond)
			r.silent(0)
			sleep(2 * time.Millisecond)
			bye, _ := r.peer.Request(sip.BYE)
			r.answer(bye, 200, "")
			l.want(t, "trying 180, ringing 180, answered 200, ended cause 102")
			if !errors.Is(l.last().Err, ErrExpired) {
				t.Errorf("Err = %v", l.last().Err)
			}
		})
	}
}

func TestD11_PeerRefreshes(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l, inv, res := r.established(header("Session-Expires", "300;refresher=uas"))
		for i := range 5 {
			sleep(150 * time.Second)
			r.peer.SendMessage(r.here, inDialog(sip.UPDATE, uint32(i+2), inv, res, header("Session-Expires", "300;refresher=uac"), header("Supported", "timer")))
			ok := r.final(200)
			if headerValue(ok, "Session-Expires") != "300;refresher=uac" {
				t.Errorf("200:\n%s", ok)
			}
		}
		l.want(t, "trying 180, ringing 180, answered 200")
		sleep(300 * time.Second)
		r.until(sip.BYE, func(bye *sip.Request) { r.answer(bye, 200, "") })
	})
}

// What we agree on as UAS (RFC 4028 table 2).
func TestD11_AsUAS(t *testing.T) {
	for _, tt := range []struct {
		name   string
		extras []extra
		want   string
	}{
		{"peer knows timers", []extra{header("Supported", "timer"), header("Session-Expires", "600")}, "600;refresher=uac"},
		{"peer wants us to refresh", []extra{header("k", "timer"), header("Session-Expires", "600;refresher=uas")}, "600;refresher=uas"},
		{"a proxy asks, the peer cannot", []extra{header("Session-Expires", "600")}, "600;refresher=uas"},
		{"longer than ours", []extra{header("Supported", "timer"), header("Session-Expires", "7200")}, "1800;refresher=uac"},
		{"peer's least above ours", []extra{header("Supported", "timer"), header("Session-Expires", "7200"), header("Min-SE", "3600")}, "3600;refresher=uac"},
		{"supported only", []extra{header("Supported", "timer")}, "1800;refresher=uac"},
		{"nothing", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(r *rig) {
				l := r.ringing(func(c *Call) { c.Answer([]byte(offerSDP)) })
				inv := invite("t", append([]extra{body(answerSDP)}, tt.extras...)...)
				r.peer.SendMessage(r.here, inv)
				ok := r.final(200)
				if got := headerValue(ok, "Session-Expires"); got != tt.want {
					t.Errorf("Session-Expires: %q, want %q", got, tt.want)
				}
				r.peer.SendMessage(r.here, ackFor(inv, ok))
				l.all()
				l.call.Hangup(0)
				bye, _ := r.peer.Request(sip.BYE)
				r.answer(bye, 200, "")
			})
		})
	}
	bubble(t, Config{}, func(r *rig) {
		r.ringing(nil)
		inv := invite("small", header("Supported", "timer"), header("Session-Expires", "30"), body(answerSDP))
		r.peer.SendMessage(r.here, inv)
		if res := r.final(422); headerValue(res, "Min-SE") != "90" {
			t.Errorf("422:\n%s", res)
		}
	})
}
