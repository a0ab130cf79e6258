package sip

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

func TestD15_CallerIdentityOnTheWire(t *testing.T) {
	anna := call.CallerID{Name: "Anna", Number: "+4930123"}
	private := call.CallerID{Name: "Anna", Number: "+4930123", Private: true}
	base := Trunk{Name: "c", Host: "sip.example.com", FromDomain: "sip.example.com"}
	with := func(change func(*Trunk)) *profile {
		tr := base
		change(&tr)
		return trunkProfile(tr)
	}
	pai := func(tr *Trunk) { tr.Identity.PAI = true }
	for _, tc := range []struct {
		name    string
		prof    *profile
		cid     call.CallerID
		from    string
		headers []string
	}{
		{"trunk, plain", with(func(*Trunk) {}), anna, `"Anna" <sip:+4930123@sip.example.com>`, nil},
		{"trunk without caller ID is anonymous", with(func(*Trunk) {}), call.CallerID{}, `"Anonymous" <sip:anonymous@anonymous.invalid>`, nil},
		{"trunk with a name only", with(func(*Trunk) {}), call.CallerID{Name: "Anna"}, `"Anna" <sip:anonymous@anonymous.invalid>`, nil},
		{"trunk with FromUser, no caller ID", with(func(tr *Trunk) { tr.FromUser = "acct" }), call.CallerID{}, `<sip:acct@sip.example.com>`, nil},
		{"trunk with FromUser and asserted number", with(func(tr *Trunk) { tr.FromUser = "acct"; pai(tr) }), anna,
			`"Anna" <sip:acct@sip.example.com>`, []string{`P-Asserted-Identity: "Anna" <sip:+4930123@sip.example.com>`}},
		{"trunk, private", with(pai), private, `"Anonymous" <sip:anonymous@anonymous.invalid>`,
			[]string{`P-Asserted-Identity: "Anna" <sip:+4930123@sip.example.com>`, "Privacy: id"}},
		{"trunk that is always private", with(func(tr *Trunk) { tr.Identity.Privacy = true }), anna,
			`"Anonymous" <sip:anonymous@anonymous.invalid>`, []string{"Privacy: id"}},
		{"trunk with RPID", with(func(tr *Trunk) { tr.Identity.RPID = true }), anna, `"Anna" <sip:+4930123@sip.example.com>`,
			[]string{`Remote-Party-ID: "Anna" <sip:+4930123@sip.example.com>;party=calling;privacy=off;screen=yes`}},
		{"trunk with RPID, private", with(func(tr *Trunk) { tr.Identity.RPID = true }), private, `"Anonymous" <sip:anonymous@anonymous.invalid>`,
			[]string{`Remote-Party-ID: "Anna" <sip:+4930123@sip.example.com>;party=calling;privacy=full;screen=yes`, "Privacy: id"}},
		{"phone", phoneProfile(Phone{Name: "101", PAI: true}), anna, `"Anna" <sip:+4930123@pbx.test>`,
			[]string{`P-Asserted-Identity: "Anna" <sip:+4930123@pbx.test>`}},
		{"a private number never reaches a phone", phoneProfile(Phone{Name: "101", PAI: true, RPID: true}), private,
			`"Anonymous" <sip:anonymous@anonymous.invalid>`, []string{"Privacy: id"}},
		{"quotes and line breaks in the name", with(pai), call.CallerID{Name: "A \"x\"\\\r\nEvil: 1", Number: "1"},
			`"A \"x\"\\Evil: 1" <sip:1@sip.example.com>`, []string{`P-Asserted-Identity: "A \"x\"\\Evil: 1" <sip:1@sip.example.com>`}},
		{"odd characters in the number", with(func(*Trunk) {}), call.CallerID{Number: "1<2>@x"}, `<sip:1%3C2%3E%40x@sip.example.com>`, nil},
	} {
		id := tc.prof.identity(tc.cid, "pbx.test")
		if got := nameAddr(id.display, id.user, id.host); got != tc.from {
			t.Errorf("%s: From %s, want %s", tc.name, got, tc.from)
		}
		var got []string
		for _, h := range id.headers {
			got = append(got, h.Name+": "+h.Value)
		}
		if d := cmp.Diff(tc.headers, got); d != "" {
			t.Errorf("%s: headers (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestD15_AutoAnswerPerBrand(t *testing.T) {
	const (
		ci = "Call-Info: <sip:h>;answer-after=0"
		ai = "Alert-Info: <http://h>;info=alert-autoanswer;delay=0"
	)
	for brand, want := range map[string][]string{
		"": {ci, ai}, "both": {ci, ai}, "none": nil, "Snom": {ci}, "yealink": {ci, ai}, "polycom": {"Alert-Info: Ring Answer"},
		"grandstream": {ci, ai}, "cisco-spa": {ci}, "linksys": {ci}, "aastra": {ai}, "mitel": {ai}, "panasonic": {ci}, "fanvil": {ci, ai},
		"call-info": {ci}, "alert-info": {ai}, "toaster": nil,
	} {
		var got []string
		for _, h := range AutoAnswerHeaders(brand, "h") {
			got = append(got, h.Name+": "+h.Value)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", brand, d)
		}
	}
}

func TestExtraHeadersCannotTouchTheDialog(t *testing.T) {
	in := []pbx.Header{
		{Name: "X-Account", Value: "7\r\nVia: evil"}, {Name: "via", Value: "x"}, {Name: "Content-Length", Value: "0"},
		{Name: "bad name", Value: "x"}, {Name: "", Value: "x"}, {Name: "Diversion", Value: "<sip:1@x>"}, {Name: "l", Value: "9"},
	}
	want := []pbx.Header{{Name: "X-Account", Value: "7Via: evil"}, {Name: "Diversion", Value: "<sip:1@x>"}}
	if d := cmp.Diff(want, extraHeaders(in)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add("Anna", "+49", false)
	f.Add("\"\\\r\n", "%<>@ ", true)
	f.Fuzz(func(t *testing.T, name, number string, private bool) {
		tr := Trunk{Name: "c", FromDomain: "h", Identity: TrunkIdentity{PAI: true, RPID: true}}
		id := trunkProfile(tr).identity(call.CallerID{Name: name, Number: number, Private: private}, "d")
		for _, h := range append(id.headers, header("From", nameAddr(id.display, id.user, id.host))) {
			if strings.ContainsAny(h.Value, "\r\n") {
				t.Fatalf("line break in %q", h.Value)
			}
		}
	})
}
