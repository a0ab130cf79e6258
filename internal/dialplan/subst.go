package dialplan

import (
	"math"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/expr"
)

// Scope is where Expand finds values. Implemented by run.Exec, and by a map in
// tests and at load.
type Scope interface {
	// Variable gives a variable by its exact name: built-in, of the channel, or
	// global; "" if it is unset.
	Variable(name string) string
	// Function reads a dialplan function, without the parentheses: "LEN", "abc".
	// ok is false if there is none of that name; it has been reported then.
	Function(name, args string) (value string, ok bool)
	// Warn reports a mistake in the text; the call goes on.
	Warn(format string, args ...any)
}

// The bounds of an expansion.
const (
	// MaxText is the most bytes that an expanded text, value or function argument
	// has; what is longer is cut with a warning (spec: dialplan D2).
	MaxText = 64 << 10
	// maxNesting is how deep ${…} and $[…] can stand in one another.
	maxNesting = 64
)

// Expand replaces ${…} and $[…] in text, once: what comes out of a variable is
// not looked at again (spec: dialplan 3.2; Asterisk: pbx_variables.c). It
// never fails; mistakes are reported to s. A lone $ stays, there is no way to
// write a ${ that is not replaced.
func Expand(text string, s Scope) string {
	return (&expander{scope: s}).expand(text)
}

// expander is one expansion.
type expander struct {
	scope   Scope
	nesting int
	cut     bool // it has been reported that a text was cut
}

func (e *expander) expand(text string) string {
	if !strings.Contains(text, "$") {
		return e.bounded(text)
	}
	if e.nesting++; e.nesting > maxNesting {
		e.nesting--
		e.scope.Warn("variables are nested too deeply; the inner ones are left out")
		return ""
	}
	defer func() { e.nesting-- }()
	var out strings.Builder
	for text != "" && out.Len() <= MaxText {
		i := strings.IndexByte(text, '$')
		if i < 0 {
			out.WriteString(text)
			break
		}
		out.WriteString(text[:i])
		text = text[i:]
		switch {
		case strings.HasPrefix(text, "${"):
			inner, n := e.enclosed(text[2:], '{', '}')
			out.WriteString(e.variable(inner))
			text = text[2+n:]
		case strings.HasPrefix(text, "$["):
			inner, n := e.enclosed(text[2:], '[', ']')
			out.WriteString(expr.Eval(e.expand(inner), e.scope))
			text = text[2+n:]
		default:
			out.WriteByte('$')
			text = text[1:]
		}
	}
	return e.bounded(out.String())
}

// bounded cuts what is too long.
func (e *expander) bounded(text string) string {
	if len(text) <= MaxText {
		return text
	}
	if !e.cut {
		e.cut = true
		e.scope.Warn("a text of %d bytes is cut to %d", len(text), MaxText)
	}
	return text[:MaxText]
}

// enclosed gives what stands before the bracket that closes, and its length
// with that bracket. Brackets of the same kind nest; those of the other do not
// count. Without an end the whole rest is what it encloses: "${A y" asks for a
// variable "A y", which swallows the text as there hardly is one.
func (e *expander) enclosed(text string, open, end byte) (inner string, n int) {
	depth := 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return text[:i], i + 1
			}
		}
	}
	e.scope.Warn("error in the dialplan: a %c without %c", open, end)
	return text, len(text)
}

// variable gives the value for what stands within ${…}: a name or function,
// with the part of the value that is wanted.
func (e *expander) variable(inner string) string {
	inner = e.expand(inner)
	name, part, cut, function := splitName(inner)
	var v string
	if function {
		fn, args := splitCall(name)
		v, _ = e.scope.Function(fn, args)
	} else {
		v = e.scope.Variable(name)
	}
	if cut {
		v = slice(v, part)
	}
	return e.bounded(v)
}

// splitName separates "NAME:1:2" at the first colon outside parentheses.
func splitName(text string) (name, part string, cut, function bool) {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			function = true
			depth++
		case ')':
			depth--
		case ':':
			if depth == 0 {
				return text[:i], text[i+1:], true, function
			}
		}
	}
	return text, "", false, function
}

// splitCall separates "LEN(abc)" into name and arguments, at the first and the
// last parenthesis.
func splitCall(text string) (name, args string) {
	name, args, _ = strings.Cut(text, "(")
	if i := strings.LastIndexByte(args, ')'); i >= 0 {
		args = args[:i]
	}
	return name, args
}

// slice gives the part "offset[:length]" of a value. Negative ones count from
// the end. A missing offset is 0, and the length is not looked at then; a
// missing length is all.
func slice(v, part string) string {
	offset, rest, ok := scanInt(part)
	length := math.MaxInt
	if ok && strings.HasPrefix(rest, ":") {
		if l, _, ok := scanInt(rest[1:]); ok {
			length = l
		}
	}
	if offset < 0 {
		offset = max(0, len(v)+offset)
	}
	if offset >= len(v) {
		return ""
	}
	v = v[offset:]
	switch {
	case length < 0:
		return v[:max(0, len(v)+length)]
	case length < len(v):
		return v[:length]
	}
	return v
}

// scanInt reads a whole number as C's scanf("%30d") does: after blanks, up to
// the first byte that does not belong to it. Beyond 32 bits it is clamped.
func scanInt(s string) (n int, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	minus := strings.HasPrefix(s, "-")
	if minus || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		n = min(n*10+int(s[i]-'0'), math.MaxInt32)
		i++
	}
	if i == 0 {
		return 0, s, false
	}
	if minus {
		n = -n
	}
	return n, s[i:], true
}

// True is the truth of a condition in GotoIf, IF, ExecIf, While and their kin
// (spec: dialplan 4; Asterisk: pbx.c pbx_checkcondition): blanks and the quotes
// around it do not count; empty is false; what begins with a whole number is
// true unless that is 0 ("0.5" is false, "-1" true); any other text is true.
func True(cond string) bool {
	cond = strings.TrimSpace(cond)
	if len(cond) >= 2 && cond[0] == '"' && cond[len(cond)-1] == '"' {
		cond = strings.TrimSpace(cond[1 : len(cond)-1])
	}
	if cond == "" {
		return false
	}
	n, _, ok := scanInt(cond)
	return !ok || n != 0
}
