package number

import "testing"

func TestPatternMatch(t *testing.T) {
	cases := []struct {
		pattern string
		yes, no []string
	}{
		{"101", []string{"101"}, []string{"10", "1011", ""}},
		{"_1XX", []string{"100", "199"}, []string{"10", "1000", "1a0"}},
		{"_ZN", []string{"12", "99"}, []string{"02", "11"}},
		{"_0.", []string{"01", "0123"}, []string{"0", "1"}},
		{"_0!", []string{"0", "01"}, []string{"1", ""}},
		{"_[15-7]X", []string{"10", "59", "60", "71"}, []string{"20", "80"}},
		{"_+49.", []string{"+4930"}, []string{"+49", "4930"}},
		{"_NXX-XXXX", []string{"5551234"}, []string{"555-1234", "1551234"}},
	}
	for _, c := range cases {
		p, err := ParsePattern(c.pattern)
		if err != nil {
			t.Errorf("ParsePattern(%q): %v", c.pattern, err)
			continue
		}
		for _, s := range c.yes {
			if !p.Match(s) {
				t.Errorf("%q does not match %q", c.pattern, s)
			}
		}
		for _, s := range c.no {
			if p.Match(s) {
				t.Errorf("%q matches %q", c.pattern, s)
			}
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for _, s := range []string{"_", "_0.1", "_!X", "_[12", "_[]", "_[9-1]"} {
		if p, err := ParsePattern(s); err == nil {
			t.Errorf("ParsePattern(%q) = %v, want an error", s, p)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"_1XX", "_[15-7]X.", "_0!", "101", "_["} {
		f.Add(s, "123")
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if p, err := ParsePattern(pattern); err == nil {
			p.Match(s)
		}
	})
}
