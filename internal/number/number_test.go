package number

import (
	"strings"
	"testing"
)

func TestSplitCallerID(t *testing.T) {
	// Cases of spec: callfile 3.1 and ami 4.2, verified there against Asterisk 22.
	cases := []struct{ in, name, number string }{
		{`"Joe X" <1234>`, "Joe X", "1234"},
		{`Joe X <1234>`, "Joe X", "1234"},
		{`Name<44>`, "Name", "44"},
		{`1234`, "", "1234"},
		{`<1234>`, "", "1234"},
		{`+15551234567`, "", "+15551234567"},
		{`*72`, "", "*72"},
		{`12#34`, "", "12#34"},
		{`(555) 12-34`, "", "5551234"},
		{`"N" <+1 (555) 123-4567>`, "N", "+15551234567"},
		{`12 34`, "", "1234"},
		{`Joe`, "Joe", ""},
		{`"Joe"`, "Joe", ""},
		{`abc@def`, "abc@def", ""},
		{`"Joe X" 1234`, `"Joe X" 1234`, ""},
		{`"Bob" <bob>`, "Bob", "bob"},
		{`<sip:bob@example.org>`, "", "sip:bob@exampleorg"},
		{`Bob <1234`, "Bob", "1234"},
		{`5551234 <>`, "5551234", ""},
		{`""`, "", ""},
		{`<>`, "", ""},
		{``, "", ""},
		{`"Say \"hi\"" <5>`, `Say "hi"`, "5"},
		{`1-800-FLOWERS`, "1-800-FLOWERS", ""},
		{`"A, B" <(800) 555-1212>`, "A, B", "8005551212"},
		{`+49 89 123`, "", "+4989123"},
		{`"X" <+49(89)12-3>`, "X", "+4989123"},
	}
	for _, c := range cases {
		name, number := SplitCallerID(c.in)
		if name != c.name || number != c.number {
			t.Errorf("SplitCallerID(%q) = %q, %q; want %q, %q", c.in, name, number, c.name, c.number)
		}
	}
}

func TestCompactKeepsRangesAndTrailingDot(t *testing.T) {
	for in, want := range map[string]string{
		"[2-9]11":   "[2-9]11",
		"12.34.":    "1234.",
		"+1 (2)3-4": "+1234",
		"":          "",
	} {
		if got := Compact(in); got != want {
			t.Errorf("Compact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIsDialable(t *testing.T) {
	for in, want := range map[string]bool{
		"101": true, "+4930123": true, "*72": true, "12#": true,
		"": false, "+": false, "1+2": false, "12a": false, "1\r\n2": false,
		strings.Repeat("1", MaxLength): true, strings.Repeat("1", MaxLength+1): false,
	} {
		if got := IsDialable(in); got != want {
			t.Errorf("IsDialable(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestInspect(t *testing.T) {
	cases := []struct {
		in, home, e164 string
		class          Class
		international  bool
	}{
		{"101", "DE", "", Internal, false},
		{"*72", "DE", "", Internal, false},
		{"112", "DE", "", Emergency, false},
		{"911", "US", "", Emergency, false},
		{"030 901820", "DE", "+4930901820", Fixed, false},
		{"+49 151 23456789", "DE", "+4915123456789", Mobile, false},
		{"0900 1 234567", "DE", "+499001234567", Premium, false},
		{"0800 3301000", "DE", "+498003301000", TollFree, false},
		{"0044 20 7946 0018", "DE", "+442079460018", Fixed, true},
		{"011 49 30 901820", "US", "+4930901820", Fixed, true},
		{"+1 900 555 1234", "DE", "+19005551234", Premium, true},
	}
	for _, c := range cases {
		got := Inspect(c.in, c.home)
		if got.E164 != c.e164 || got.Class != c.class || got.International != c.international {
			t.Errorf("Inspect(%q, %q) = %+v; want %q %s international %v", c.in, c.home, got, c.e164, c.class, c.international)
		}
	}
}

func FuzzSplitCallerID(f *testing.F) {
	for _, s := range []string{`"Joe X" <1234>`, `Bob <1234`, `"Say \"hi\"" <5>`, `<>`, `"`, `\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, number := SplitCallerID(s)
		if strings.ContainsAny(name, "<>") {
			return // cannot be written back: brackets have no escape
		}
		if strings.TrimSpace(name) != name || strings.Contains(number, "<") || number != Compact(number) || strings.TrimSpace(number) != number {
			return
		}
		if IsNumber(name) || name == "" && !IsNumber(number) {
			return // a bare word is a name, whatever it was before
		}
		n2, d2 := SplitCallerID(JoinCallerID(name, number))
		if n2 != name || d2 != number {
			t.Fatalf("%q gave %q, %q; written back and read again %q, %q", s, name, number, n2, d2)
		}
	})
}
