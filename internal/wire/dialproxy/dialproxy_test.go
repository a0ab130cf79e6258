package dialproxy_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/dialproxy"
)

func TestParseForm(t *testing.T) {
	for _, c := range []struct {
		in   string
		want dialproxy.Form
	}{
		{"", dialproxy.Form{}},
		{"num=1&ext=office", dialproxy.Form{"num": "1", "ext": "office"}},
		{"num=%2B49+89-12&ext=a", dialproxy.Form{"num": "+49 89-12", "ext": "a"}},
		{"num=1&num=2", dialproxy.Form{"num": "2"}},
		{"num=1&num[]=2", dialproxy.Form{"num": ""}},
		{"num[x]=2&num=3", dialproxy.Form{"num": "3"}},
		{"num%5B%5D=2", dialproxy.Form{"num": ""}},
		{"num[=2", dialproxy.Form{"num[": "2"}},
		{"num=12;34", dialproxy.Form{"num": "12;34"}},
		{"num=1%&ext=%zz%4", dialproxy.Form{"num": "1%", "ext": "%zz%4"}},
		{"debug", dialproxy.Form{"debug": ""}},
		{"+num=1&=5&&", dialproxy.Form{"num": "1"}},
		{"num%00x=1", dialproxy.Form{"num": "1"}},
		{"num=a=b", dialproxy.Form{"num": "a=b"}},
	} {
		if diff := cmp.Diff(c.want, dialproxy.ParseForm(c.in)); diff != "" {
			t.Errorf("ParseForm(%q) (-want +got):\n%s", c.in, diff)
		}
	}
	if n := len(dialproxy.ParseForm(strings.Repeat("a=1&", 1) + strings.Repeat("b=1&", 2*dialproxy.MaxFields) + "num=1")); n != 2 {
		t.Errorf("%d names of too many fields, want 2", n)
	}
}

func TestSelect(t *testing.T) {
	form := dialproxy.ParseForm
	for _, c := range []struct {
		name      string
		post, get string
		want      dialproxy.Query
	}{
		{"the body wins", "num=1&ext=a", "num=2&ext=b", dialproxy.Query{Number: "1", Label: "a"}},
		{"for each parameter", "num=1", "num=2&ext=b", dialproxy.Query{Number: "1", Label: "b"}},
		{"a synonym in the body before the query", "phone=1&exten=a", "num=2&ext=b", dialproxy.Query{Number: "1", Label: "a"}},
		{"present and empty wins", "num=&phone=1", "num=2", dialproxy.Query{}},
		{"synonyms in the query", "", "phone=2&exten=b", dialproxy.Query{Number: "2", Label: "b"}},
		{"debug in the body", "debug=", "", dialproxy.Query{Debug: true}},
		{"debug in the query", "", "debug=0", dialproxy.Query{Debug: true}},
		{"names are case-sensitive", "NUM=1", "Ext=a", dialproxy.Query{}},
	} {
		if got := dialproxy.Select(form(c.post), form(c.get)); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// In E.164 mode the trunk prefix is removed only where it is meant (spec: dialproxy W12).
func TestNormaliseE164(t *testing.T) {
	p := dialproxy.ParsePrefixes("00~0~44~")
	for _, c := range []struct{ in, plain, e164 string }{
		{"(0)20 7946", "207946", "0207946"}, // N56
		{"+44 (0)20 7946", "0207946", "0207946"},
		{"+49 (0)89 12", "00498912", "00498912"},
		{"+44 20 (0) 7946", "0207946", "02007946"},
		{"tel:+44(0)20", "020", "020"},
		{"0049 (0)89 12", "00498912", "004908912"},
	} {
		if n := p.Normalise(c.in, false); n.Digits != c.plain {
			t.Errorf("%q gives %q, want %q", c.in, n.Digits, c.plain)
		}
		if n := p.Normalise(c.in, true); n.Digits != c.e164 {
			t.Errorf("%q in E.164 mode gives %q, want %q", c.in, n.Digits, c.e164)
		}
	}
}

func TestDoubts(t *testing.T) {
	p := dialproxy.ParsePrefixes("00~0~44~")
	for in, want := range map[string]int{"(0)20 7946": 1, "+44 (0)20": 0, "1+2": 1, "(0)1+2": 2, "+44": 0} {
		if n := p.Normalise(in, false); len(n.Doubts) != want {
			t.Errorf("%q raises %q, want %d", in, n.Doubts, want)
		}
	}
}

func TestSteps(t *testing.T) {
	n := dialproxy.ParsePrefixes("00~0~49~9").Normalise("+49 (0)89-1", false)
	l := dialproxy.ParseLabel("SIP/1~context=out~dialprefix=8")
	got := append(n.Steps, l.Explain(n)...)
	want := []dialproxy.Step{
		{"trunk prefix", "+49 (0)89-1", "+49 89-1", "(0) is left out"},
		{"punctuation", "+49 89-1", "+49891", "only 0-9 * # + are dialled"},
		{"country prefix", "+49891", "0891", "+49 is our own country: 0 stands for it"},
		{"dial prefix", "0891", "80891", "dialprefix= of the label"},
		{"label", "80891", "80891@out", "when SIP/1 has answered; caller ID DialProxy <80891>"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestParseLabel(t *testing.T) {
	empty, nine := "", "9"
	def := func(f func(*dialproxy.Label)) dialproxy.Label {
		l := dialproxy.Label{Channel: "SIP/1", Context: "default", Timeout: "30", Allow: "0.0.0.0"}
		f(&l)
		return l
	}
	for _, c := range []struct {
		in   string
		want dialproxy.Label
	}{
		{"SIP/1", def(func(*dialproxy.Label) {})},
		{"  SIP/1\t\r\n", def(func(*dialproxy.Label) {})},
		{"SIP/1\nSIP/2~context=x", def(func(*dialproxy.Label) {})},
		{"SIP/1~dialprefix=", def(func(l *dialproxy.Label) { l.DialPrefix = &empty })},
		{"SIP/1~dialprefix=8~dialprefix=9", def(func(l *dialproxy.Label) { l.DialPrefix = &nine })},
		{"SIP/1~Timeout=20~x~", def(func(l *dialproxy.Label) { l.Unknown = []string{"Timeout", "x", ""} })},
		{"SIP/1~allow=", def(func(l *dialproxy.Label) { l.Allow = "" })},
		{"SIP/1~callerid=A <1>~localcallerid=B <2>", def(func(l *dialproxy.Label) { l.CallerID, l.LocalCallerID = "A <1>", "B <2>" })},
		{"", def(func(l *dialproxy.Label) { l.Channel = "" })},
	} {
		if diff := cmp.Diff(c.want, dialproxy.ParseLabel(c.in)); diff != "" {
			t.Errorf("ParseLabel(%q) (-want +got):\n%s", c.in, diff)
		}
	}
}

func TestWait(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "2.5": 2500 * time.Millisecond, " 7 ": 7 * time.Second, "20s": 20 * time.Second, "99999999999999999999": time.Hour,
	} {
		l := dialproxy.Label{Timeout: in}
		if got, err := l.Wait(); got != want || err != nil {
			t.Errorf("timeout=%s is %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"abc", "-5", ".", "+3"} {
		l := dialproxy.Label{Timeout: in}
		if got, err := l.Wait(); !errors.Is(err, dialproxy.ErrTimeout) {
			t.Errorf("timeout=%s is %v, %v; want ErrTimeout", in, got, err)
		}
	}
}

func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		allow, client string
		want          bool
	}{
		{"0.0.0.0", "192.0.2.1", true},
		{"", "192.0.2.1", false},
		{" , ", "192.0.2.1", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.10", false},
		{" 10.0.0.1,192.0.2.1 ", "192.0.2.1", true},
		{"0.0.0.0 10.0.0.1", "192.0.2.1", false},
		{"0.0.0.0,", "192.0.2.1", false},
		{"192.0.2.0/24", "192.0.2.77", true},
		{"192.0.2.0/24", "192.0.3.77", false},
		{"::ffff:192.0.2.0/120", "192.0.2.9", true},
		{"2001:DB8:0:0::1", "2001:db8::1", true},
		{"2001:db8::/32", "2001:db8:1::1", true},
		{"fe80::1", "fe80::1%eth0", true},
		{"localhost", "127.0.0.1", false},
		{"127.*", "127.0.0.1", false},
		{"10.0.0.1\t192.0.2.1", "192.0.2.1", false}, // blanks and commas only
	} {
		l := dialproxy.Label{Allow: c.allow}
		if got := l.Allowed(netip.MustParseAddr(c.client)); got != c.want {
			t.Errorf("allow=%q lets %s in: %v, want %v", c.allow, c.client, got, c.want)
		}
	}
}

func TestRestricted(t *testing.T) {
	for allow, want := range map[string]bool{
		"0.0.0.0": false, "": true, "10.0.0.0/8": true, "localhost": true, "0.0.0.0 10.0.0.1": true, "0.0.0.0/0": false, "10.0.0.1, ::/0": false,
	} {
		if l := (dialproxy.Label{Allow: allow}); l.Restricted() != want {
			t.Errorf("allow=%q keeps somebody out: %v", allow, !want)
		}
	}
}

func TestValidLabel(t *testing.T) {
	for in, want := range map[string]bool{
		"office": true, "A-1_b.c": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a b": false, "a\r\nAction: Ping": false, "é": false, "a/b": false, "a\x00": false,
	} {
		if got := dialproxy.ValidLabel(in); got != want {
			t.Errorf("ValidLabel(%q) = %v", in, got)
		}
	}
}

// What is dialled never holds anything but the keys of a phone and the plus sign.
func FuzzNormalise(f *testing.F) {
	for _, v := range vectors[numberVector](f, "dialproxy_numbers.json") {
		f.Add(v.Prefixes, v.Num, false)
	}
	f.Add("+~+~+~+", "(+)++", true)
	f.Fuzz(func(t *testing.T, prefixes, num string, e164 bool) {
		p := dialproxy.ParsePrefixes(prefixes)
		n := p.Normalise(num, e164)
		configured := p.National + p.International
		for _, c := range []byte(n.Digits) {
			if !strings.ContainsRune("0123456789*#+", rune(c)) && !strings.Contains(configured, string([]byte{c})) {
				t.Fatalf("%q with %q holds %q", num, prefixes, c)
			}
		}
		if !p.Set && strings.Contains(n.Digits, "+") {
			t.Fatalf("%q keeps its plus sign without prefixes", num)
		}
		if len(n.Steps) > 0 && n.Steps[len(n.Steps)-1].After != n.Digits {
			t.Fatalf("steps %+v do not lead to %q", n.Steps, n.Digits)
		}
		if again := p.Normalise(num, e164); again.Digits != n.Digits {
			t.Fatalf("%q gives %q, then %q", num, n.Digits, again.Digits)
		}
	})
}

// A label's value gives a channel without "~", and options as often as they are there.
func FuzzLabel(f *testing.F) {
	for _, v := range vectors[requestVector](f, "dialproxy_requests.json") {
		if v.Value != nil {
			f.Add(*v.Value, v.Num)
		}
	}
	f.Fuzz(func(t *testing.T, value, num string) {
		l := dialproxy.ParseLabel(value)
		if slices.ContainsFunc([]string{l.Channel, l.Context, l.Timeout, l.CallerID, l.LocalCallerID, l.Allow}, func(s string) bool {
			return strings.ContainsAny(s, "~\n")
		}) {
			t.Fatalf("%q gives %+v", value, l)
		}
		if wait, err := l.Wait(); err == nil && (wait < 0 || wait > time.Hour) {
			t.Fatalf("timeout=%q is %v", l.Timeout, wait)
		}
		n := dialproxy.Prefixes{}.Normalise(num, false)
		if o := l.Originate(n); !strings.HasSuffix(o.Exten, n.Digits) {
			t.Fatalf("%q of %q gives the extension %q", num, value, o.Exten)
		}
		l.Allowed(netip.IPv4Unspecified())
	})
}

func FuzzForm(f *testing.F) {
	f.Add("num=%2B49+89&ext=office&debug")
	f.Add("num[]=1&num%5b=2")
	f.Fuzz(func(t *testing.T, s string) {
		form := dialproxy.ParseForm(s)
		if len(form) > dialproxy.MaxFields {
			t.Fatalf("%d fields", len(form))
		}
		for name := range form {
			if name == "" || name[0] == ' ' {
				t.Fatalf("%q has a field %q", s, name)
			}
		}
		dialproxy.Select(form, form)
	})
}
