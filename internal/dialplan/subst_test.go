package dialplan

import (
	"fmt"
	"strings"
	"testing"
)

// mapScope is a Scope of plain variables and a few functions.
type mapScope struct {
	vars  map[string]string
	warns []string
}

func (s *mapScope) Variable(name string) string { return s.vars[name] }

func (s *mapScope) Function(name, args string) (string, bool) {
	switch name {
	case "LEN":
		return fmt.Sprint(len(args)), true
	case "ECHO":
		return args, true
	}
	s.Warn("no function %s", name)
	return "", false
}

func (s *mapScope) Warn(format string, args ...any) {
	s.warns = append(s.warns, fmt.Sprintf(format, args...))
}

func testScope() *mapScope {
	return &mapScope{vars: map[string]string{
		"A": "hello", "B": "A", "I": "7", "K_7": "seven", "O": "1", "D": "${A}", "long": strings.Repeat("x", MaxText), "a b": "blank",
	}}
}

// TestExpand holds DP-015, DP-016 and the table of spec: dialplan 3.2.
func TestExpand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		warns      int
	}{
		{text: "", want: ""},
		{text: "plain", want: "plain"},
		{text: "${A}", want: "hello"},
		{text: "${A:1}", want: "ello"},
		{text: "${A:1:3}", want: "ell"},
		{text: "${A:-2}", want: "lo"},
		{text: "${A:-3:2}", want: "ll"},
		{text: "${A:-9}", want: "hello"},
		{text: "${A:0:-1}", want: "hell"},
		{text: "${A:1:-1}", want: "ell"},
		{text: "${A:1:-9}", want: ""},
		{text: "[${A:9}]", want: "[]"},
		{text: "${A:0:99}", want: "hello"},
		{text: "${A:0:0}", want: ""},
		{text: "${A::2}", want: "hello"},
		{text: "${A:}", want: "hello"},
		{text: "${A:x:2}", want: "hello"},
		{text: "${A:1:x}", want: "ello"},
		{text: "${A: 1: 2}", want: "el"},
		{text: "${A:+1}", want: "ello"},
		{text: "${A:99999999999999999999}", want: ""},
		{text: "${B} ${${B}} ${${B}:1}", want: "A hello ello"},
		{text: "${K_${I}}", want: "seven"},
		{text: "${A:${O}:$[1+1]}", want: "el"},
		{text: "[${NOPE}] [${}] [${ A }]", want: "[] [] []"},
		{text: "${a b}", want: "blank"},
		{text: `$A x$y \${A} $${A} $`, want: `$A x$y \hello $hello $`},
		{text: "${A}${A}", want: "hellohello"},
		{text: "${LEN(${A})} ${LEN(${${B}:2})}", want: "5 3"},
		{text: "${ECHO(a:b)} ${ECHO(abc):1} ${ECHO(abc):1:1}", want: "a:b bc b"},
		{text: "${ECHO(a(b)c)}", want: "a(b)c"},
		{text: "${ECHO(a{b}c)}", want: "a{b}c"},
		{text: "${NOFUNC(1)}", want: "", warns: 1},
		{text: "$[1+${I}] $[${I}*$[1+1]]", want: "8 14"},
		{text: "$[LEN(${A})]", want: "5"},
		{text: "${D}", want: "${A}"},
		{text: "x ${A y", want: "x ", warns: 1},
		{text: "x ${A", want: "x hello", warns: 1},
		{text: "x $[1+1", want: "x 2", warns: 1},
		{text: "${A} ${", want: "hello ", warns: 1},
		{text: "}] ${A}", want: "}] hello"},
		{text: strings.Repeat("${", 70) + strings.Repeat("}", 70), want: "", warns: 1},
	} {
		s := testScope()
		if got := Expand(c.text, s); got != c.want || len(s.warns) != c.warns {
			t.Errorf("Expand(%.60q) = %q, want %q; warnings %q", c.text, got, c.want, s.warns)
		}
	}
}

// TestExpandLong cuts at MaxText and says so once (spec: dialplan D2).
func TestExpandLong(t *testing.T) {
	t.Parallel()
	s := testScope()
	if got := Expand("${long}", s); len(got) != MaxText || len(s.warns) != 0 {
		t.Errorf("a value of %d bytes gives %d, warnings %q", MaxText, len(got), s.warns)
	}
	if got := Expand("x${long}${long}", s); len(got) != MaxText || len(s.warns) != 1 {
		t.Errorf("two of them give %d, warnings %d", len(got), len(s.warns))
	}
	if got := Expand("${LEN(${long}${long})}", s); got != fmt.Sprint(MaxText-len("LEN(")) {
		t.Errorf("as an argument they have %s bytes", got) // the call counts as a whole
	}
}

// TestTrue holds DP-040 and spec: dialplan 4, truth.
func TestTrue(t *testing.T) {
	t.Parallel()
	for cond, want := range map[string]bool{
		"": false, "0": false, "1": true, "-1": true, "00": false, "0.0": false, `"0"`: false, "a": true, "no": true, "false": true, "2": true,
		"0a": false, "a0": true, `""`: false, "  ": false, " 0 ": false, `"1"`: true, "+0": false, "+": true, "-": true, "0.5": false,
		"99999999999999999999": true, `"`: true, `" "`: false,
	} {
		if True(cond) != want {
			t.Errorf("True(%q) = %v", cond, !want)
		}
	}
}

// FuzzExpand proves that no text panics, loops or grows beyond the limit.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"${A:1:-1}", "$[1+${I}]", "${LEN(${A})}", "${${${B}}}", "$[${A", "${A:${O}:$[1+1]}", `\${A} $$ $[ $[ ${`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := testScope()
		if got := Expand(text, s); len(got) > MaxText {
			t.Errorf("Expand gives %d bytes", len(got))
		}
		True(text)
		var n int
		for _, a := range SplitArgs(text) {
			n += len(a) + 1
		}
		if text != "" && n != len(text) && n != len(text)+1 {
			t.Errorf("SplitArgs(%q) loses bytes: %q", text, SplitArgs(text))
		}
	})
}
