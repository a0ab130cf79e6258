package vodia_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

func TestParseFrame(t *testing.T) {
	for text, want := range map[string]vodia.Frame{
		`{"action":"get-calls"}`:                                                vodia.GetCalls{},
		` {"extra":[1],"action":"get-calls"} `:                                  vodia.GetCalls{},
		`{"action":"make-call","to":"(617) 399-8147"}`:                          vodia.MakeCall{To: "(617) 399-8147"},
		`{"action":"make-call","to":200,"name":"Joe\nDoe"}`:                     vodia.MakeCall{To: "200", Name: "Joe Doe"},
		`{"action":"clear-call","id":"12"}`:                                     vodia.ClearCall{ID: "12"},
		`{"action":"clear-call","id":12,"connected":"true"}`:                    vodia.ClearCall{ID: "12"}, // older portals
		`{"action":"wskeepalive"}`:                                              vodia.KeepAlive{},
		`{"action":"avoid-disconnect"}`:                                         vodia.KeepAlive{},
		`{"action":"accept-call","id":"12"}`:                                    vodia.AcceptCall{ID: "12"},
		`{"action":"hold-call","id":"12"}`:                                      vodia.HoldCall{ID: "12"},
		`{"action":"rec-call","id":"12","startstop":"on"}`:                      vodia.RecordCall{ID: "12", On: true},
		`{"action":"rec-call","id":"12","startstop":"off"}`:                     vodia.RecordCall{ID: "12"},
		`{"action":"blind-transfer","id":"12","from":"123","to":"200"}`:         vodia.BlindTransfer{ID: "12", From: "123", To: "200"},
		`{"action":"blind-transfer","id":"12","to":200}`:                        vodia.BlindTransfer{ID: "12", To: "200"},
		`{"action":"blind-transfer2","id":"a@b","from":"123","to":"200"}`:       vodia.BlindTransfer{ID: "a@b", From: "123", To: "200", ByCallID: true},
		`{"action":"att-transfer","id":"12","from":"123","id2":"13","to":"20"}`: vodia.AttendedTransfer{ID: "12", From: "123", ID2: "13", To: "20"},
		`{"action":"att-transfer","id":"12","id2":13}`:                          vodia.AttendedTransfer{ID: "12", ID2: "13"},
		`{"action":"att-transfer","id":"12","to":"20"}`:                         vodia.AttendedTransfer{ID: "12", To: "20"},
		`{"action":"own-calls","subscribe":true}`:                               vodia.OwnCalls{Subscribe: true},
		`{"action":"own-calls","subscribe":false}`:                              vodia.OwnCalls{},
		`{"action":"domain-calls","subscribe":true}`:                            vodia.DomainCalls{Subscribe: true},
		`{"action":"domain-calls","subscribe":"false"}`:                         vodia.DomainCalls{},
		`{"action":"orbit-calls","subscribe":true}`:                             vodia.OrbitCalls{Subscribe: true},
		`{"action":"blf","add":["500","502"]}`:                                  vodia.Lamps{Add: []string{"500", "502"}},
		`{"action":"blf","add":null,"remove":[500]}`:                            vodia.Lamps{Remove: []string{"500"}},
		`{"action":"get-users"}`:                                                vodia.GetUsers{},
		`{"action":"ringtones"}`:                                                vodia.RingTones{},
		`{"action":"dtmf","id":"12","digits":"12#"}`:                            vodia.DTMF{ID: "12", Digits: "12#"},
		`{"action":"dtmf","id":"12","digits":0}`:                                vodia.DTMF{ID: "12", Digits: "0"},
	} {
		action, got, err := vodia.ParseFrame([]byte(text))
		if err != nil || !strings.Contains(text, `"action":"`+action+`"`) {
			t.Errorf("%s: %q, %v", text, action, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	}
}

// TestParseFrameUnsupported lists the actions of the specification that this server knows and does
// not carry out (spec: vodia 8.3).
func TestParseFrameUnsupported(t *testing.T) {
	for _, a := range strings.Fields("chat add-to-crm sip-register sdp-packet sdp-200ok ice-candidate sip-ringing sip-busy sip-ack sip-bye bye-response cancel-response wrtc-hold mute") {
		action, f, err := vodia.ParseFrame([]byte(`{"action":"` + a + `","sdp":{"type":"answer"}}`))
		if action != a || f != (vodia.Unsupported{Action: a}) || err != nil {
			t.Errorf("%s: %q, %#v, %v", a, action, f, err)
		}
	}
}

func TestParseFrameRefuses(t *testing.T) {
	list := func(n int) string { return `["` + strings.Join(slices.Repeat([]string{"1"}, n), `","`) + `"]` }
	for _, c := range []struct{ text, action string }{
		{``, ""}, {`{not json`, ""}, {`null`, ""}, {`[]`, ""}, {`[{"action":"get-calls"}]`, ""}, {`"get-calls"`, ""}, {`{"action":"get-calls"} x`, ""},
		{`{"action":"get-calls","action":"get-calls"}`, ""}, {"{\"action\":\"get-calls\",\"x\":\"\xff\"}", ""},
		{`{}`, ""}, {`{"action":""}`, ""}, {`{"action":null}`, ""}, {`{"action":1}`, ""}, {`{"action":["get-calls"]}`, ""}, {`{"Action":"get-calls"}`, ""},
		{`{"sdp":"x"}`, ""}, // the reserved names are the server's
		{`{"action":"` + strings.Repeat("x", 65) + `"}`, ""},
		{`{"action":"no-such-action"}`, "no-such-action"}, {`{"action":"GET-CALLS"}`, "GET-CALLS"},
		{`{"action":"make-call"}`, "make-call"}, {`{"action":"make-call","to":""}`, "make-call"}, {`{"action":"make-call","to":null}`, "make-call"},
		{`{"action":"make-call","to":["1"]}`, "make-call"}, {`{"action":"make-call","to":-1}`, "make-call"}, {`{"action":"make-call","to":"1","name":{}}`, "make-call"},
		{`{"action":"clear-call"}`, "clear-call"}, {`{"action":"clear-call","id":""}`, "clear-call"}, {`{"action":"clear-call","id":{}}`, "clear-call"},
		{`{"action":"accept-call"}`, "accept-call"}, {`{"action":"hold-call","id":true}`, "hold-call"},
		{`{"action":"rec-call","id":"12"}`, "rec-call"}, {`{"action":"rec-call","id":"12","startstop":"maybe"}`, "rec-call"}, {`{"action":"rec-call","startstop":"on"}`, "rec-call"},
		{`{"action":"blind-transfer","id":"12"}`, "blind-transfer"}, {`{"action":"blind-transfer","to":"12"}`, "blind-transfer"}, {`{"action":"blind-transfer2","id":"12","to":""}`, "blind-transfer2"},
		{`{"action":"att-transfer","id":"12"}`, "att-transfer"}, {`{"action":"att-transfer","id":"12","id2":[13]}`, "att-transfer"}, {`{"action":"att-transfer","id2":"13"}`, "att-transfer"},
		{`{"action":"own-calls"}`, "own-calls"}, {`{"action":"own-calls","subscribe":null}`, "own-calls"}, {`{"action":"domain-calls","subscribe":[]}`, "domain-calls"}, {`{"action":"orbit-calls","subscribe":"x"}`, "orbit-calls"},
		{`{"action":"blf"}`, "blf"}, {`{"action":"blf","add":[]}`, "blf"}, {`{"action":"blf","add":"500"}`, "blf"}, {`{"action":"blf","add":[""]}`, "blf"},
		{`{"action":"blf","add":[["500"]]}`, "blf"}, {`{"action":"blf","add":[null]}`, "blf"}, {`{"action":"blf","add":` + list(999) + `,"remove":["1","2"]}`, "blf"},
		{`{"action":"dtmf","id":"12"}`, "dtmf"}, {`{"action":"dtmf","id":"12","digits":"1 2"}`, "dtmf"}, {`{"action":"dtmf","id":"12","digits":"` + strings.Repeat("1", 65) + `"}`, "dtmf"}, {`{"action":"dtmf","digits":"1"}`, "dtmf"},
		{`{"action":"get-calls","x":"` + strings.Repeat("x", vodia.MaxFrame) + `"}`, ""},
	} {
		action, f, err := vodia.ParseFrame([]byte(c.text))
		e, ok := errors.AsType[*vodia.Error](err)
		if !ok || e.Code != vodia.BadRequest || f != nil || action != c.action {
			t.Errorf("%.100s gives %q, %#v, %v", c.text, action, f, err)
		}
	}
	if _, f, err := vodia.ParseFrame([]byte(`{"action":"blf","add":` + list(1000) + `}`)); err != nil {
		t.Errorf("as many lamps as may be: %#v, %v", f, err)
	}
}

// TestParseFrameOfVectors reads every message that a client sends in the vectors.
func TestParseFrameOfVectors(t *testing.T) {
	n := 0
	for _, v := range vectors(t) {
		for _, s := range v.Steps {
			if s.Send == nil {
				continue
			}
			n++
			text := string(s.Send)
			refused := strings.Contains(text, "no-such-action") || strings.Contains(text, `"to": ""`)
			if _, f, err := vodia.ParseFrame(s.Send); (err != nil) != refused {
				t.Errorf("%s: %s gives %v, %v", v.ID, text, f, err)
			}
		}
	}
	if n == 0 {
		t.Error("no messages")
	}
}

func ExampleParseFrame() {
	for _, text := range []string{`{"action":"make-call","to":"(617) 399-8147"}`, `{"action":"clear-call"}`, `{"action":"dance"}`} {
		action, f, err := vodia.ParseFrame([]byte(text))
		if err != nil {
			fmt.Printf("%s\n", vodia.Encode(vodia.Refused{Request: action, Code: 400, Message: err.Error()}))
			continue
		}
		if m, ok := f.(vodia.MakeCall); ok {
			dest, err := vodia.CleanDest(m.To, false)
			fmt.Println("dial", dest, err)
		}
	}
	// Output:
	// dial 6173998147 <nil>
	// {"action":"error","request":"clear-call","code":400,"message":"The ID of the call (id) is missing."}
	// {"action":"error","request":"dance","code":400,"message":"This action is not known."}
}
