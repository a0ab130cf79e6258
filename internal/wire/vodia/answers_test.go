package vodia_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

// dialling is the call of the conversation in the specification (spec: vodia 8.7).
func dialling() vodia.Call {
	return vodia.Call{
		ID: "c1", State: "alerting", Start: time.Unix(1_700_000_101, 0), Extensions: []string{"123"},
		From: vodia.Party{Name: "Ada Moss", Number: "123", Tenant: "tenant.com"},
		To:   vodia.Party{Number: "6173998147", Tenant: "tenant.com", Outside: true},
	}
}

func TestEncode(t *testing.T) {
	alerting, connected := dialling(), dialling()
	connected.State, connected.Connect, connected.Recording, connected.Code = "connected", time.Unix(1_700_000_110, 999), true, "42"
	for name, c := range map[string]struct {
		message vodia.Message
		want    string
	}{
		"no calls": {vodia.CallState{}, `{"action":"call-state","calls":[]}`},
		"alerting": {vodia.CallState{Calls: []vodia.Call{alerting}}, `{"action":"call-state","calls":[{"id":"c1","state":"alerting","callstate":"alerting","from-number":"123","from-name":"Ada Moss",
			"to-number":"6173998147","to-name":"","from":"\"Ada Moss\" <sip:123@tenant.com>","to":"<sip:6173998147@tenant.com;user=phone>",
			"start":1700000101,"connect":"","extension":["123"],"cmc":"","rec":""}]}`},
		"connected": {vodia.CallState{Calls: []vodia.Call{connected}}, `{"action":"call-state","calls":[{"id":"c1","state":"connected","callstate":"connected","from-number":"123","from-name":"Ada Moss",
			"to-number":"6173998147","to-name":"","from":"\"Ada Moss\" <sip:123@tenant.com>","to":"<sip:6173998147@tenant.com;user=phone>",
			"start":1700000101,"connect":1700000110,"extension":["123"],"cmc":"42","rec":"adhoc"}]}`},
		"nobody takes part": {vodia.CallState{Calls: []vodia.Call{{ID: "x", Start: time.Unix(1, 0)}}}, `{"action":"call-state","calls":[{"id":"x","state":"","callstate":"","from-number":"","from-name":"",
			"to-number":"","to-name":"","from":"<sip:>","to":"<sip:>","start":1,"connect":"","extension":[],"cmc":"","rec":""}]}`},
		"ended":      {vodia.CallEnded{ID: "c1", ToNumber: "(617) 399-8147", Reason: "busy"}, `{"action":"call-ended","id":"c1","to-number":"(617) 399-8147","reason":"busy"}`},
		"error":      {vodia.Refused{Request: "make-call", Code: 404, Message: "…"}, `{"action":"error","request":"make-call","code":404,"message":"…"}`},
		"caller ID":  {vodia.CallerID{CallID: "c1", Name: "Ben", Number: "200"}, `{"action":"callerid","callid":"c1","name":"Ben","number":"200"}`},
		"rec-start":  {vodia.RecordStarted{}, `{"action":"rec-start"}`},
		"rec-stop":   {vodia.RecordStopped{}, `{"action":"rec-stop"}`},
		"presence":   {vodia.UserState{Account: "123", Name: "Ada Moss", Registered: true}, `{"action":"user-state","account":"123","name":"Ada Moss","type":"extensions","registered":true,"calls":[],"dnd":false,"chatstatus":""}`},
		"accounts":   {vodia.DomainState{Accounts: []vodia.Account{{Account: "123", Name: "Ada Moss"}}}, `{"action":"domain-state","accounts":[{"account":"123","name":"Ada Moss","type":"extensions","registered":false}]}`},
		"nobody":     {vodia.DomainState{}, `{"action":"domain-state","accounts":[]}`},
		"lamp":       {vodia.LampState{Account: "500", State: "busy"}, `{"action":"blf","account":"500","state":"busy"}`},
		"ring tones": {vodia.RingToneList{Names: []string{"internal"}}, `{"ringtones":["internal"]}`},
		"no tones":   {vodia.RingToneList{}, `{"ringtones":[]}`},
	} {
		t.Run(name, func(t *testing.T) { sameJSON(t, string(vodia.Encode(c.message)), c.want) })
	}
	if got := string(vodia.Encode(vodia.CallerID{Name: "<&>"})); got != `{"action":"callerid","callid":"","name":"<&>","number":""}` {
		t.Errorf("not as it is: %s", got)
	}
}

// sameJSON compares what two texts mean.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if d := cmp.Diff(w, g); d != "" {
		t.Errorf("%s (-want +got):\n%s", got, d)
	}
}

// TestCallNow proves that the clock is only in answers of REST (spec: vodia 5.3).
func TestCallNow(t *testing.T) {
	c := dialling()
	for _, at := range []time.Time{{}, time.Unix(1_700_000_105, 0)} {
		c.Now = at
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var o map[string]any
		if err := json.Unmarshal(b, &o); err != nil {
			t.Fatal(err)
		}
		if now, has := o["now"]; has == at.IsZero() || has && now != 1_700_000_105.0 {
			t.Errorf("now is %v", now)
		}
	}
}

func TestPartyString(t *testing.T) {
	for _, c := range []struct {
		party vodia.Party
		want  string
	}{
		{vodia.Party{Name: "Ada Moss", Number: "123", Tenant: "tenant.com"}, `"Ada Moss" <sip:123@tenant.com>`},
		{vodia.Party{Number: "6173998147", Tenant: "tenant.com", Outside: true}, `<sip:6173998147@tenant.com;user=phone>`},
		{vodia.Party{Number: "(617) 399-8147", Dialed: "6173998147", Tenant: "tenant.com", Outside: true}, `<sip:6173998147@tenant.com;user=phone>`},
		{vodia.Party{Number: "123"}, `<sip:123>`},
		{vodia.Party{Name: `"Q" \ <x>`, Number: "+49", Tenant: "t"}, `"\"Q\" \\ <x>" <sip:+49@t>`},
		{vodia.Party{Name: "a\r\nb", Number: "*97#", Tenant: "t"}, `"a  b" <sip:*97%23@t>`},
		{vodia.Party{Number: "a b<>\"@;ö", Tenant: "t"}, `<sip:a%20b%3C%3E%22%40;%C3%B6@t>`},
	} {
		if got := c.party.String(); got != c.want {
			t.Errorf("%+v is %s, want %s", c.party, got, c.want)
		}
	}
}
