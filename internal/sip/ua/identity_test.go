package ua

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/cause"
)

// evil are values that end a line, a quoted string or a URI where nothing escapes them.
var evil = []string{
	"Eve\r\nX-Evil: 1", "Eve\nX-Evil: 1", "Eve\rX-Evil: 1", `Eve" <sip:evil@evil>;x="`, `Eve\`, "Eve\x00\x7f", "Eve>", "Eve <sip:x@y>", "ev@e;x=1?y=2", "%0d%0aX-Evil: 1", "Ève ☎",
}

func TestD15_HeaderInjectionIsImpossible(t *testing.T) {
	bubble(t, Config{UserAgent: "Dial\r\nX-Evil: 1"}, func(r *rig) {
		for _, v := range evil {
			l := r.dial(func(o *InviteOptions) {
				o.From = Identity{DisplayName: v, User: v, Host: "host" + v}
				o.To = &Identity{DisplayName: v, User: v, Host: v}
				o.ContactUser = v
				o.Headers = []Header{{"P-Asserted-Identity", Identity{v, v, "h"}.NameAddr()}, {"X-Note", v}}
			})
			m, _ := r.peer.Recv()
			inv := m.(*sip.Request)
			for _, h := range inv.Headers() {
				if strings.EqualFold(h.Name(), "X-Evil") {
					t.Errorf("%q injects a header:\n%s", v, inv)
				}
			}
			wantName := strings.TrimSpace(cleanText(v))
			if got := identityOf(inv.From().DisplayName, inv.From().Address); got.DisplayName != wantName {
				t.Errorf("%q reads back as %q", v, got.DisplayName)
			}
			if id, ok := ParseAsserted(headerValue(inv, "P-Asserted-Identity")); !ok || id.DisplayName != wantName || id.Host != "h" {
				t.Errorf("%q asserted reads back as %+v", v, id)
			}
			r.answer(inv, 486, "bob")
			r.peer.Request(sip.ACK)
			l.want(t, "ended 486 cause 17 by peer")
		}
	})
}

func TestD15_FromAndPrivacyAsGiven(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		l := r.dial(func(o *InviteOptions) {
			o.From = Identity{DisplayName: "Anonymous", User: "anonymous", Host: "anonymous.invalid"}
			o.ContactUser = "100"
			o.Headers = []Header{
				{"P-Asserted-Identity", Identity{DisplayName: "Alice", User: "+4930123", Host: "dialwright.example"}.NameAddr()},
				{"Privacy", "id"}, {"Alert-Info", "<http://localhost>;info=alert-autoanswer;delay=0"}, {"Call-Info", "<sip:10.0.0.1>;answer-after=0"},
				{"Diversion", "<sip:5@h>;reason=unconditional"},
			}
		})
		inv, _ := r.peer.Request(sip.INVITE)
		got := map[string]string{}
		for _, name := range []string{"From", "Privacy", "P-Asserted-Identity", "Alert-Info", "Call-Info", "Diversion", "Contact"} {
			got[name], _, _ = strings.Cut(headerValue(inv, name), ";tag=")
		}
		want := map[string]string{
			"From": `"Anonymous" <sip:anonymous@anonymous.invalid>`, "Privacy": "id", "P-Asserted-Identity": `"Alice" <sip:+4930123@dialwright.example>`,
			"Alert-Info": "<http://localhost>;info=alert-autoanswer;delay=0", "Call-Info": "<sip:10.0.0.1>;answer-after=0",
			"Diversion": "<sip:5@h>;reason=unconditional", "Contact": "<sip:100@10.0.0.1:5060>",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		r.answer(inv, 486, "bob")
		r.peer.Request(sip.ACK)
		l.all()
	})
}

func TestParseAsserted(t *testing.T) {
	for _, tt := range []struct {
		in   []string
		want Identity
		ok   bool
	}{
		{[]string{`"A, \"B\"" <sip:a%20b@h:5070;x=y>`}, Identity{`A, "B"`, "a b", "h"}, true},
		{[]string{`<tel:+4930123;phone-context=x>, "Z" <sip:z@h>`}, Identity{"Z", "z", "h"}, true},
		{[]string{`tel:+4930123`, `"Z" <sip:h>`}, Identity{"Z", "+4930123", "h"}, true},
		{[]string{`sip:z@h`, `tel:5`}, Identity{"", "z", "h"}, true},
		{[]string{"", "<", `"`, "*", `"x`}, Identity{}, false},
		{nil, Identity{}, false},
	} {
		got, ok := ParseAsserted(tt.in...)
		if ok != tt.ok || got != tt.want {
			t.Errorf("ParseAsserted(%q) = %+v %v, want %+v", tt.in, got, ok, tt.want)
		}
	}
}

func TestEscapeUser(t *testing.T) {
	for _, tt := range []struct{ plain, escaped, back string }{
		{"+49 30", "+49%2030", "+49 30"}, {"a%41", "a%41", "aA"}, {"50%", "50%25", "50%"}, {"a@b>", "a%40b%3E", "a@b>"},
		{"*98#", "*98%23", "*98#"}, {"é", "%C3%A9", "é"}, {"a\r\nb", "a%0D%0Ab", "a  b"},
	} {
		if got := EscapeUser(tt.plain); got != tt.escaped {
			t.Errorf("EscapeUser(%q) = %q", tt.plain, got)
		}
		if got := UnescapeUser(tt.escaped); got != tt.back {
			t.Errorf("UnescapeUser(%q) = %q", tt.escaped, got)
		}
	}
}

func TestReasonCause(t *testing.T) {
	for _, tt := range []struct {
		lines []string
		code  cause.Code
		text  string
		ok    bool
	}{
		{[]string{`Q.850;cause=17;text="User busy; really, busy"`}, 17, "User busy; really, busy", true},
		{[]string{`SIP ;cause=200 ;text="Call completed elsewhere"`}, 26, "Call completed elsewhere", true},
		{[]string{`SIP;cause=486`, `q.850;cause=34`}, 34, "", true},
		{[]string{`SIP;cause=404`}, 1, "", true},
		{[]string{`Q.850;cause=0`}, 0, "", false},
		{[]string{`Q.850;cause=-5, Q.850;cause=x, ;;;=, "`}, 0, "", false},
		{nil, 0, "", false},
	} {
		m := sip.NewResponse(500, "x")
		for _, l := range tt.lines {
			m.AppendHeader(sip.NewHeader("Reason", l))
		}
		code, text, ok := reasonCause(m)
		if code != tt.code || text != tt.text || ok != tt.ok {
			t.Errorf("%q: %d %q %v", tt.lines, code, text, ok)
		}
		if got := reasonHeader(cause.UserBusy).Value(); got != `Q.850;cause=17;text="User busy"` {
			t.Errorf("Reason: %s", got)
		}
	}
}

func TestSDPOf(t *testing.T) {
	mixed := "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n--b--\r\n"
	for _, tt := range []struct{ ct, body, want string }{
		{"application/sdp", "v=0\r\n", "v=0\r\n"},
		{"Application/SDP;charset=x", "v=0\r\n", "v=0\r\n"},
		{"", "v=0\r\n", "v=0\r\n"},
		{"text/plain", "v=0\r\n", ""},
		{`multipart/mixed; boundary="b"`, mixed, "v=0\r\ns=-\r\n"},
		{`multipart/mixed;boundary=b`, strings.ReplaceAll(mixed, "\r\n", "\n"), "v=0\ns=-\r\n"},
		{`multipart/mixed`, mixed, ""},
		{`multipart/mixed;boundary=zz`, mixed, ""},
		{"application/sdp", "", ""},
	} {
		m := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
		if tt.ct != "" {
			m.AppendHeader(sip.NewHeader("Content-Type", tt.ct))
		}
		m.SetBody([]byte(tt.body))
		if got := string(sdpOf(m)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.ct, got, tt.want)
		}
	}
}

func FuzzHeaderValues(f *testing.F) {
	for _, s := range []string{`"A, \"B\"" <sip:a@h>;tag=x, tel:5`, `Digest realm="x", nonce="n", qop="auth,auth-int", Digest nonce=y`, `Q.850;cause=16;text="x"`, "1800;refresher=uac", "<sip:x@y?Replaces=a%3Bto-tag%3D1>", "Signal=5\r\nDuration=100", "SIP/2.0 200 OK"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := ParseAsserted(s); ok {
			if v := id.NameAddr(); strings.ContainsAny(v, "\r\n") {
				t.Errorf("%q written as %q", s, v)
			}
		}
		for _, ch := range parseChallenges(s) {
			if ch.Nonce == "" {
				t.Error("challenge without nonce")
			}
		}
		splitList(s)
		splitParams(s)
		parseReferTo([]string{s})
		parseSipfrag([]byte(s))
		multipartSDP([]byte(s), "b")
		cutPort(s)
		if digit, d, ok := ParseDTMF("application/dtmf-relay", []byte(s)); ok && (!strings.ContainsRune(dtmfEvents, digit) || d < 0 || d > time.Minute) {
			t.Errorf("%q is digit %q for %v", s, digit, d)
		}
		if e := EscapeUser(s); strings.ContainsAny(e, " \r\n<>\"@") || EscapeUser(e) != e {
			t.Errorf("EscapeUser(%q) = %q", s, e)
		}
		m := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
		m.AppendHeader(sip.NewHeader("Reason", s))
		if code, _, ok := reasonCause(m); ok && (code < 1 || code > 127) {
			t.Errorf("%q is cause %d", s, code)
		}
		if bytes.ContainsAny([]byte(cleanText(s)), "\r\n") {
			t.Errorf("cleanText(%q)", s)
		}
	})
}
