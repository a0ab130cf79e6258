package route

import (
	"testing"

	"github.com/dialwright/dialwright/internal/call"
)

func TestAliases(t *testing.T) {
	table, err := New(Config{
		Phones: []string{"101"},
		Trunks: []Trunk{{Name: "carrier"}, {Name: "branch"}},
		Aliases: map[string]string{
			"DAHDI/g2": "carrier", "Zap": "carrier", "IAX2/office": "branch", "SIP/oldphone": "101", "SIP/voipms": "carrier",
		},
		Dialplan: func(context string) bool { return context == "from-internal" },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ dial, want, fail string }{
		{dial: "DAHDI/g2/4930123456", want: "PJSIP/4930123456@carrier"},
		{dial: "dahdi/g2/4930123456", want: "PJSIP/4930123456@carrier"},
		{dial: "Zap/1/4930123456", want: "PJSIP/4930123456@carrier"},
		{dial: "IAX2/office/200", want: "PJSIP/200@branch"},
		{dial: "IAX2/me@office/200", want: "PJSIP/200@branch"},
		{dial: "SIP/oldphone", want: "PJSIP/101"},
		{dial: "SIP/101", want: "PJSIP/101"},
		{dial: "SIP/18885551234@voipms", want: "PJSIP/18885551234@carrier"},
		{dial: "SIP/voipms/18885551234", want: "PJSIP/18885551234@carrier"},
		{dial: "SIP/carrier/18885551234", want: "PJSIP/18885551234@carrier"}, // chan_sip's own form
		{dial: "Local/5@from-internal", want: "Local/5@from-internal"},
		{dial: "Local/5@from-internal/n", want: "Local/5@from-internal/n"},
		{dial: "Local/5@elsewhere", fail: `"Local/5@elsewhere": Local/5@elsewhere: no phone has this extension and no inbound rule of context elsewhere matches`},
		{dial: "DAHDI/g2", fail: `"DAHDI/g2": DAHDI/g2 stands for trunk carrier: say which number, as DAHDI/g2/NUMBER`},
		{dial: "DAHDI/g3/4930", fail: `"DAHDI/g3/4930": technology "DAHDI" is not known: PJSIP, SIP, Local and plain numbers are; dialplan.aliases can map "DAHDI/…" to a trunk`},
		{dial: "SIP/peer/4930", fail: `"SIP/peer/4930": no phone and no trunk is named "peer"`},
	} {
		r, err := table.Route("default", call.Endpoint(tt.dial))
		switch {
		case tt.fail != "" && (err == nil || err.Error() != tt.fail):
			t.Errorf("%s: error %v, want %s", tt.dial, err, tt.fail)
		case tt.fail == "" && err != nil:
			t.Errorf("%s: %v", tt.dial, err)
		case tt.fail == "" && string(r.Endpoint) != tt.want:
			t.Errorf("%s: %s, want %s", tt.dial, r.Endpoint, tt.want)
		}
	}
}
