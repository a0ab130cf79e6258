package dialplan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitArgs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		n    int
		want []string
	}{
		{"", -1, nil},
		{"a", -1, []string{"a"}},
		{"a,b,c", -1, []string{"a", "b", "c"}},
		{"a,,c", -1, []string{"a", "", "c"}},
		{",a", -1, []string{"", "a"}},
		{"a,", -1, []string{"a"}},
		{",", -1, []string{""}},
		{" a , b ", -1, []string{" a ", " b "}},
		{"f(a,b),c", -1, []string{"f(a,b)", "c"}},
		{"[a,b],c", -1, []string{"[a,b]", "c"}},
		{"((a,),b),c", -1, []string{"((a,),b)", "c"}},
		{"a),b", -1, []string{"a)", "b"}},
		{"(a,b", -1, []string{"(a,b"}},
		{`"a,b",c`, -1, []string{`"a,b"`, "c"}},
		{`a\,b,c`, -1, []string{`a\,b`, "c"}},
		{`a\`, -1, []string{`a\`}},
		{"a|b", -1, []string{"a|b"}},
		{"a,b,c", 2, []string{"a", "b,c"}},
		{"a,b", 2, []string{"a", "b"}},
		{"a", 2, []string{"a"}},
		{"a,b,c", 1, []string{"a,b,c"}},
	} {
		if diff := cmp.Diff(c.want, SplitArgsN(c.text, c.n)); diff != "" {
			t.Errorf("SplitArgsN(%q, %d) %s", c.text, c.n, diff)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a": "a", `"a b"`: "a b", `a\,b`: "a,b", `a\\b`: `a\b`, `a"b"c`: "abc", `a\"`: `a"`, `a\`: "a",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}
