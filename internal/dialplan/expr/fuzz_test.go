package expr

import (
	"regexp"
	"testing"
)

// FuzzEval proves that no text panics or grows without bound.
func FuzzEval(f *testing.F) {
	for _, s := range []string{
		"1+2*3", `"a" =~ "(b)[^]a-z]{2,3}"`, "POW(10,4931)*10", "EXP(11000)*EXP(11000)", "1?2::3", "-(!a) ~~ b", "LOG(0)-LOG(0)", "0.0000001%7", "ATAN2(0-1,0)",
		"REMAINDER(5,0)", "1e", `a : "\`, "99999999999999999999*9", "((1", "SQRT(0-1)=1", "ROUND(0-0.5)", "TAN(1000000000000)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Eval(text, new(functions))
		if len(got) > 2*len(text)+32 {
			t.Errorf("Eval(%q) = %q", text, got)
		}
	})
}

// FuzzCompile proves that what is translated is understood: only bounds can
// be refused, or the size.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{"^a.c$", "[]a-z-]+", "(a|b)**?", `\w\.\1`, "a{2,3}", "[[:alpha:][.-.]]", ")(", "[z-a]", "x{,3}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		p, err := Compile(pattern)
		if err != nil {
			return
		}
		loc := p.Find(pattern)
		for _, at := range loc {
			if at > len(pattern) {
				t.Errorf("%q matches up to %d", pattern, at)
			}
		}
		if quoted, err := Compile(regexp.QuoteMeta(pattern)); err == nil && quoted.Find(pattern) == nil {
			t.Errorf("%q quoted does not match itself", pattern)
		}
	})
}
