package dialplan

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// TestPatternOrder has the order of spec: dialplan 2.2 in one list.
func TestPatternOrder(t *testing.T) {
	ordered := []string{
		"100", "12X", "12.", "12!", "12", "1[23]X", "1[29]X", "1[35]X", "1[2-8]X", "1[1-8]X", "1NX", "1ZX", "1XX", "1.", "1!", "1",
		"[12]", "[13]", "[23]", "[1-8]", "N", "Z", "X", "[0-9a]", ".", "!", "", "[",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			pa, pb := parsePattern(a), parsePattern(b)
			if got, want := sign(comparePatterns(&pa, &pb)), cmp.Compare(i, j); got != want {
				t.Errorf("compare %q with %q: %d, want %d", a, b, got, want)
			}
		}
	}
}

func sign(n int) int { return cmp.Compare(n, 0) }

func TestPatternsThatMeanTheSame(t *testing.T) {
	for _, same := range [][]string{
		{"N00", "n00", "[2-9]00", "[98765432][0]0", "N-0-0", "N[]00"},
		{"x", "[0-9]", "[90-8]"},
		{"1.", "1-.", "[1]."},
	} {
		for _, b := range same[1:] {
			pa, pb := parsePattern(same[0]), parsePattern(b)
			if comparePatterns(&pa, &pb) != 0 || pa.key(same[0]) != pb.key(b) {
				t.Errorf("%q and %q differ", same[0], b)
			}
		}
	}
}

func TestShrink(t *testing.T) {
	for in, want := range map[string]string{
		"555-1234": "5551234", "(030) 12.34": "0301234", "_555[1-3]-X.": "_555[1-3]X.", "": "", "_X.": "_X.",
	} {
		if got := shrink(in); got != want {
			t.Errorf("shrink(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzPattern: patterns have one order, and matching agrees with the question
// for more digits.
func FuzzPattern(f *testing.F) {
	f.Add("1[2-4]X.", "N!", "[a-]", "1234")
	f.Add("X", "[0-9]", "", "5")
	f.Add("[]", "[z", "Z", "")
	f.Fuzz(func(t *testing.T, a, b, c, digits string) {
		digits = noDashes(digits)
		all := []string{a, b, c}
		patterns := []pattern{parsePattern(a), parsePattern(b), parsePattern(c)}
		for i := range patterns {
			p := &patterns[i]
			for j := range patterns {
				d := comparePatterns(p, &patterns[j])
				if sign(d) != -sign(comparePatterns(&patterns[j], p)) {
					t.Fatalf("%q and %q have no order", all[i], all[j])
				}
				if p.wrong == "" && patterns[j].wrong == "" && (d == 0) != (p.key(all[i]) == patterns[j].key(all[j])) {
					t.Fatalf("%q and %q: order and key disagree", all[i], all[j])
				}
			}
			if p.match(digits, false) != matches || p.wild() {
				continue
			}
			if p.match(digits, true) != differs {
				t.Fatalf("%q wants more than %q", all[i], digits)
			}
			for n := range len(digits) {
				if p.match(digits[:n], true) != matches || p.match(digits[:n], false) != differs {
					t.Fatalf("%q matches %q, but %q is no beginning of it", all[i], digits, digits[:n])
				}
			}
		}
		slices.SortFunc(patterns, func(a, b pattern) int { return comparePatterns(&a, &b) })
		if comparePatterns(&patterns[0], &patterns[2]) > 0 {
			t.Fatalf("the order of %q is not transitive", strings.Join(all, " "))
		}
	})
}

// wild says whether a pattern ends with a "." or "!".
func (p *pattern) wild() bool {
	return slices.ContainsFunc(p.elements, func(e element) bool { return e.wild != 0 })
}
