package vodia_test

import (
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

func TestCleanDest(t *testing.T) {
	long := strings.Repeat("1", 32)
	for _, c := range []struct {
		raw  string
		sip  bool
		want string
		err  error
	}{
		{"6173998147", false, "6173998147", nil},
		{"+16173998147", false, "+16173998147", nil},
		{" 16173998147", false, "+16173998147", nil}, // a + that was not encoded
		{"(617) 399-8147", false, "6173998147", nil},
		{"+49 (30) 12/34.56", false, "+4930123456", nil},
		{" (617) 399", false, "617399", nil}, // a blank before no digit was none
		{"  1", false, "1", nil},
		{"6173998147 ", false, "6173998147", nil},
		{"1\u00a02\u20093\t4\r\n", false, "1234", nil},
		{"*97#", false, "*97#", nil},
		{"12ABCDabcd", false, "12ABCDabcd", nil},
		{long, false, long, nil},
		{"+" + long, false, "+" + long, nil},
		{long + "1", false, "", vodia.ErrDestInvalid},
		{"", false, "", vodia.ErrDestMissing},
		{"", true, "", vodia.ErrDestMissing},
		{" ", false, "", vodia.ErrDestInvalid},
		{"()", true, "", vodia.ErrDestInvalid},
		{"+", false, "", vodia.ErrDestInvalid},
		{"1+2", false, "", vodia.ErrDestInvalid},
		{"++12", false, "", vodia.ErrDestInvalid},
		{"call me", false, "", vodia.ErrDestInvalid},
		{"12e", false, "", vodia.ErrDestInvalid},
		{"12\x00", false, "", vodia.ErrDestInvalid},
		{"１２", false, "", vodia.ErrDestInvalid}, // full-width digits
		{"1,2", false, "", vodia.ErrDestInvalid},
		{"1\u200b2", false, "", vodia.ErrDestInvalid}, // a blank that is not white space
		{"1;ext=2", false, "", vodia.ErrDestInvalid},

		// What the operator can allow.
		{"sip:joe@example.com", false, "", vodia.ErrDestInvalid},
		{"reception", false, "", vodia.ErrDestInvalid},
		{"sip:joe@example.com", true, "sip:joe@example.com", nil},
		{"SIPS:joe@example.com:5061;transport=tls", true, "SIPS:joe@example.com:5061;transport=tls", nil},
		{" sip:joe@[2001:db8::1] ", true, "sip:joe@[2001:db8::1]", nil},
		{"reception", true, "reception", nil},
		{"Front_desk.2-a", true, "Front_desk.2-a", nil},
		{"(617) 399-8147", true, "6173998147", nil}, // numbers stay numbers
		{"call me", true, "", vodia.ErrDestInvalid},
		{"sip:example.com", true, "", vodia.ErrDestInvalid},
		{"sip:@example.com", true, "", vodia.ErrDestInvalid},
		{"sip:joe@", true, "", vodia.ErrDestInvalid},
		{"sip:joe@example.com?Replaces=x", true, "", vodia.ErrDestInvalid},
		{"sip:joe@example.com>,<sip:a@b", true, "", vodia.ErrDestInvalid},
		{"sip:joe@example.com/n", true, "", vodia.ErrDestInvalid},
		{"sip:j\r\noe@example.com", true, "", vodia.ErrDestInvalid},
		{"sip:jö@example.com", true, "", vodia.ErrDestInvalid},
		{"tel:123", true, "", vodia.ErrDestInvalid},
		{"http://example.com/a@b", true, "", vodia.ErrDestInvalid},
		{"sip:a@" + strings.Repeat("x", 250), true, "", vodia.ErrDestInvalid},
		{strings.Repeat("x", 256), true, "", vodia.ErrDestInvalid},
	} {
		if got, err := vodia.CleanDest(c.raw, c.sip); got != c.want || err != c.err {
			t.Errorf("%q (SIP: %v) gives %q, %v; want %q, %v", c.raw, c.sip, got, err, c.want, c.err)
		}
	}
}
