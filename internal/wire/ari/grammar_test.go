package ari

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitArgs(t *testing.T) {
	for text, want := range map[string][]string{
		"":                nil,
		"a":               {"a"},
		",":               {"", ""},
		`"a,b",c\,d,,e`:   {"a,b", "c,d", "", "e"}, // spec: ari 6.5
		` a , b `:         {" a ", " b "},
		`x(1,2)[3,4],y`:   {"x(1,2)[3,4]", "y"},
		`)a,b`:            {")a", "b"},
		`"open,still`:     {"open,still"},
		`end\`:            {"end"},
		`a\"b,\\`:         {`a"b`, `\`},
		"umlaut ü,\u00a0": {"umlaut ü", "\u00a0"},
	} {
		if diff := cmp.Diff(want, SplitArgs(text)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	}
}

func TestSplitEndpoint(t *testing.T) {
	for text, want := range map[string][3]string{
		"PJSIP/100@trunk":              {"PJSIP", "100@trunk", ""},
		"PJSIP/trunk/sip:100@10.0.0.1": {"PJSIP", "trunk/sip:100@10.0.0.1", ""},
		"Local/5@ctx/n":                {"Local", "5@ctx/n", ""},
		"":                             {"", "", "Endpoint must be specified"},
		"PJSIP":                        {"", "", "Invalid endpoint specified"},
		"PJSIP/":                       {"", "", "Invalid endpoint specified"},
		"/100":                         {"", "", "Invalid endpoint specified"},
	} {
		tech, resource, err := SplitEndpoint(text)
		if got := [3]string{tech, resource, refusal(err)}; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseSource(t *testing.T) {
	for text, want := range map[string]Source{
		"channel:c1":             {SourceChannel, "c1"},
		"channel:":               {SourceChannel, ""},
		"bridge:b:1":             {SourceBridge, "b:1"},
		"endpoint:PJSIP/100":     {SourceEndpoint, "PJSIP/100"},
		"deviceState:Stasis:foo": {SourceDevice, "Stasis:foo"},
	} {
		got, err := ParseSource(text)
		if got != want || err != nil || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "bogus:x", "channel", "Channel:x", "devicestate:x"} {
		if _, err := ParseSource(text); refusal(err) != "Invalid event source URI scheme" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseBridgeKind(t *testing.T) {
	for text, want := range map[string]BridgeKind{
		"":                                 {VideoMode: "talker"},
		"mixing":                           {VideoMode: "talker"},
		"holding":                          {Holding: true, VideoMode: "talker"},
		"mixing,dtmf_events, proxy_media":  {DTMFEvents: true, ProxyMedia: true, VideoMode: "talker"},
		"video_sfu,sdp_label":              {SDPLabel: true, VideoMode: "sfu"},
		"mixing,video_single":              {VideoMode: "single"},
		"mixing,new_in_some_later_version": {VideoMode: "talker"},
	} {
		got, err := ParseBridgeKind(text)
		if got != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"mixing,holding", "bogus", ",", " "} {
		if _, err := ParseBridgeKind(text); refusal(err) == "" {
			t.Errorf("%q is taken", text)
		}
	}
	if (BridgeKind{}).Type() != "mixing" || (BridgeKind{Holding: true}).Type() != "holding" {
		t.Error("types")
	}
}

func TestPresentation(t *testing.T) {
	for n, want := range map[int]string{
		0:    "Presentation Allowed, Not Screened", // observed: Asterisk 22.10
		3:    "Presentation Allowed, Network Number",
		0x21: "Presentation Prohibited, Passed Screen",
		0x22: "Presentation Prohibited, Failed Screen",
		0x43: "Number Unavailable",
		0x60: "unknown",
		-1:   "unknown",
	} {
		if got := Presentation(n); got != want {
			t.Errorf("%#x: %q, want %q", n, got, want)
		}
	}
}

func TestHangupCause(t *testing.T) {
	for query, want := range map[string]int{
		"": 16, "reason=busy": 17, "reason=answered_elsewhere": 26, "reason_code=17": 17, "reason_code=0": 0,
		"reason=&reason_code=21": 21, "reason_code=500": 127, "reason_code=-1": 127,
	} {
		if got, err := HangupCause(given(t, query, "")); got != want || err != nil {
			t.Errorf("%q: %d, %v", query, got, err)
		}
	}
	for query, want := range map[string]string{ // vectors 18
		"reason=bogus":               "Invalid reason for hangup reason provided",
		"reason=busy&reason_code=17": "The reason and reason_code can't both be specified",
		"reason_code=abc":            "Invalid reason for hangup reason code provided",
	} {
		if _, err := HangupCause(given(t, query, "")); refusal(err) != want {
			t.Errorf("%q: %v", query, err)
		}
	}
	if got, err := HangupCause(given(t, "", `{"reason_code":17}`)); got != 17 || err != nil {
		t.Errorf("number in a body: %d, %v", got, err)
	}
}

func TestDate(t *testing.T) {
	const text = `"2026-11-22T04:02:59.355+0000"`
	var d Date
	if err := d.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if b, err := d.MarshalJSON(); string(b) != text || err != nil {
		t.Errorf("%s, %v", b, err)
	}
	if err := d.UnmarshalJSON([]byte(`"2026-11-22T04:02:59.355+00:00"`)); err == nil {
		t.Error("a zone with a colon is taken")
	}
}
