package route

import (
	"testing"

	"github.com/dialwright/dialwright/internal/call"
)

// The guard sees the number that the carrier will see, or nothing is dialled.
func TestSpellingsAreSeenThrough(t *testing.T) {
	table, err := New(Config{Phones: []string{"101"}, Trunks: []Trunk{{Name: "carrier"}, {Name: "lab", Private: true}}})
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[call.Endpoint]string{
		"PJSIP/%2B33123456789@carrier":                    "",
		"PJSIP/%30900123456@carrier":                      "",
		"PJSIP/0900%31@carrier":                           "",
		"PJSIP/+33+1@carrier":                             "",
		"PJSIP/++33123456789@carrier":                     "",
		"PJSIP/33123456789;x=1@carrier":                   "",
		"PJSIP/33123456789,1@carrier":                     "",
		"PJSIP/０９００１２３@carrier":                           "",
		"PJSIP/0900:x@carrier":                            "",
		"PJSIP/0900!@carrier":                             "",
		"PJSIP/0900-FLOWERS@carrier":                      "0900-FLOWERS",
		"PJSIP/(0900) 12-34@carrier":                      "09001234",
		"PJSIP/carrier/sip:%30%30331234567@127.0.0.1":     "00331234567",
		"PJSIP/carrier/sip:%2b331234567@127.0.0.1":        "+331234567",
		"PJSIP/101/sip:%2b331234567@127.0.0.1":            "+331234567",
		"PJSIP/carrier/sip:%2530@127.0.0.1":               "",
		"PJSIP/carrier/sip:%3@127.0.0.1":                  "",
		"PJSIP/carrier/sip:09%0001@127.0.0.1":             "",
		"PJSIP/carrier/sip:1;phone-context=+33@h":         "",
		"PJSIP/carrier/sip:1%3Bphone-context=+33@h":       "",
		"PJSIP/carrier/sip:0900:secret@h":                 "",
		"PJSIP/carrier/sip:1@0900123456@h":                "",
		"PJSIP/carrier/sip:1@h?Route=%3Csip:0900@h%3E":    "",
		"PJSIP/carrier/sip:0900123456":                    "",
		"PJSIP/carrier/sip:@h":                            "",
		"PJSIP/lab/sip:echo@127.0.0.1:5070;transport=tcp": "echo",
	} {
		r, err := table.Route("a", typed)
		if (err == nil) != (want != "") || r.Number != want {
			t.Errorf("%s: number %q, %v; want %q", typed, r.Number, err, want)
		}
		if err == nil && r.Private != (r.Trunk == "lab") {
			t.Errorf("%s: private %v", typed, r.Private)
		}
	}
}
