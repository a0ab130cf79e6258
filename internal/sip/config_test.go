package sip

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestValidateReportsEveryMistakeWithItsKeyPath(t *testing.T) {
	c := Config{
		Listen:  []Listener{{Transport: "sctp", Addr: "127.0.0.1:0"}, {Transport: "tls", Addr: ""}},
		Qualify: time.Millisecond,
		Phones: []Phone{
			{Name: "101", Password: "x", AutoAnswer: "toaster", Codecs: []string{"G729"}},
			{Name: "1 02", SRTP: "maybe"},
		},
		Trunks: []Trunk{
			{Name: "101", Host: "a b", Transport: "smoke", DTMF: "drum", Register: true, Port: 70000, OutboundProxy: "sip:"},
		},
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`sip.listen[0].transport: "sctp"`, "sip.listen[1].tls:", "sip.listen[1].addr:", "sip.qualify:",
		`phones[0] "101".auto_answer: "toaster"`, `phones[0] "101".codecs: "G729"`,
		`phones[1] "1 02".name:`, `phones[1] "1 02".password:`, `phones[1] "1 02".srtp:`,
		`trunks[0] "101".name: already the name of a phone`, `trunks[0] "101".host:`, `trunks[0] "101".port:`,
		`trunks[0] "101".transport:`, `trunks[0] "101".user:`, `trunks[0] "101".outbound_proxy:`, `trunks[0] "101".dtmf:`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported in:\n%v", want, err)
		}
	}
}

func TestSmallConfigurationIsCompletedByDefaults(t *testing.T) {
	c := Config{
		Listen: []Listener{{Transport: "udp", Addr: "127.0.0.1:0"}},
		Phones: []Phone{{Name: "101", Password: "s"}},
		Trunks: []Trunk{{Name: "carrier", Host: "sip.example.com", User: "u", Codecs: []string{"ulaw", "PCMA", "pcmu"}}},
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	d := c.withDefaults()
	if got := d.Phones[0].Codecs; !cmp.Equal(got, []string{"G722", "PCMU", "PCMA"}) {
		t.Errorf("phone codecs %v", got)
	}
	tr := d.Trunks[0]
	if !cmp.Equal(tr.Codecs, []string{"PCMU", "PCMA"}) || tr.AuthUser != "u" || tr.FromDomain != "sip.example.com" || tr.Context != "from-trunk" {
		t.Errorf("trunk %+v", tr)
	}
	if c.Phones[0].Context != "" {
		t.Error("the caller's configuration was changed")
	}
}

func TestParseResource(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want resource
		bad  bool
	}{
		{in: "101", want: resource{name: "101"}},
		{in: "+4930123456@carrier", want: resource{name: "carrier", user: "+4930123456"}},
		{in: "a@b@carrier", want: resource{name: "carrier", user: "a@b"}},
		{in: "carrier/sip:7@192.0.2.1:5070", want: resource{name: "carrier", uri: "sip:7@192.0.2.1:5070"}},
		{in: "101/sips:x@example.com", want: resource{name: "101", uri: "sips:x@example.com"}},
		{in: "", bad: true},
		{in: "@carrier", bad: true},
		{in: "12@", bad: true},
		{in: "1 2@carrier", bad: true},
		{in: "1\r\nX: y@carrier", bad: true},
		{in: "carrier/http://x", bad: true},
		{in: "carrier/sip:x@y z", bad: true},
		{in: "carrier/", bad: true},
	} {
		got, err := parseResource(tc.in)
		if (err != nil) != tc.bad || !tc.bad && got != tc.want {
			t.Errorf("parseResource(%q) = %+v, %v", tc.in, got, err)
		}
	}
}

func FuzzParseResource(f *testing.F) {
	for _, s := range []string{"101", "1@carrier", "carrier/sip:7@192.0.2.1", "@", "a/b/c", "x/sip:%@[::1]:99999;;=?&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseResource(s)
		if err == nil && strings.ContainsAny(r.user+r.uri, "\r\n<>") {
			t.Errorf("parseResource(%q) lets a delimiter through: %+v", s, r)
		}
	})
}

func TestS5_CodecOrderPrefersWhatIsWantedOfWhatIsAllowed(t *testing.T) {
	own := []string{"opus", "G722", "PCMU", "PCMA"}
	for _, tc := range []struct{ wanted, want []string }{
		{nil, own},
		{[]string{"alaw"}, []string{"PCMA", "opus", "G722", "PCMU"}},
		{[]string{"PCMU", "G722"}, []string{"PCMU", "G722", "opus", "PCMA"}},
		{[]string{"G729"}, own},
	} {
		if got := chooseCodecs(own, tc.wanted); !cmp.Equal(got, tc.want) {
			t.Errorf("chooseCodecs(%v) = %v, want %v", tc.wanted, got, tc.want)
		}
	}
}

func TestTrunkIsKnownByItsSource(t *testing.T) {
	c := Config{Trunks: []Trunk{
		{Name: "wide", Host: "wide.example.com", Match: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		{Name: "narrow", Host: "198.51.100.7"},
		{Name: "port", Host: "203.0.113.1", Port: 5080},
		{Name: "named", Host: "sip.example.com"},
	}}.withDefaults()
	d := newDirectory(c)
	resolved := map[string][]netip.Addr{"sip.example.com": {netip.MustParseAddr("203.0.113.9")}}
	for _, tc := range []struct {
		from     string
		datagram bool
		want     string
	}{
		{"198.51.100.1:5060", true, "wide"},
		{"198.51.100.7:5062", true, "narrow"},
		{"[::ffff:198.51.100.7]:5062", true, "narrow"},
		{"203.0.113.1:5080", true, "port"},
		{"203.0.113.1:5060", true, ""},
		{"203.0.113.1:40000", false, "port"},
		{"203.0.113.9:5060", true, "named"},
		{"192.0.2.1:5060", true, ""},
	} {
		got := ""
		if p, ok := d.trunkBySource(netip.MustParseAddrPort(tc.from), tc.datagram, resolved); ok {
			got = p.name
		}
		if got != tc.want {
			t.Errorf("from %s: trunk %q, want %q", tc.from, got, tc.want)
		}
	}
}
