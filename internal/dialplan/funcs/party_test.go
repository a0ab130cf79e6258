package funcs

import (
	"strings"
	"testing"
)

func TestSplitParty(t *testing.T) {
	for _, c := range []struct{ in, name, number string }{
		{"", "", ""},
		{`"Bob B" <55>`, "Bob B", "55"},
		{`Bob <55>`, "Bob", "55"},
		{`<55>`, "", "55"},
		{`"A <b>" <1>`, "A <b>", "1"},
		{`55`, "", "55"},
		{`+49 (30) 1-2`, "", "+49 (30) 1-2"},
		{`Bob`, "Bob", ""},
		{`"55"`, "55", ""},
		{`Bob <55`, "Bob <55", ""},
		{`"`, `"`, ""},
	} {
		if name, number := splitParty(c.in); name != c.name || number != c.number {
			t.Errorf("%s: %q, %q; want %q, %q", c.in, name, number, c.name, c.number)
		}
	}
}

func FuzzParseDiversion(f *testing.F) {
	f.Add(`"Front desk" <sip:300@example.com>;reason=user-busy;counter=2;privacy=full`)
	f.Add("sip:7@x;reason=unconditional")
	f.Add("<tel:+4930>;counter=-1")
	f.Fuzz(func(t *testing.T, header string) {
		r := parseDiversion(header)
		if r.count < 0 || strings.ContainsAny(r.from.number, "@;>") {
			t.Errorf("%q gives number %q, count %d", header, r.from.number, r.count)
		}
	})
}
