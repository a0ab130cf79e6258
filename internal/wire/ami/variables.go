package ami

import (
	"slices"
	"strings"
)

// ParseVariables reads the values of the headers Variable: name=value[,name=value…]. They
// come in the order in which they are set, which is the reverse of that of the packet, so
// that of two with the same name the first wins (spec: ami 4.3). Pairs without = or without
// a name do not count.
func ParseVariables(headers []string) []Variable {
	var out []Variable
	for _, h := range headers {
		for _, pair := range SplitArgs(h) {
			if name, value, ok := strings.Cut(pair, "="); ok && name != "" {
				out = append(out, Variable{name, value})
			}
		}
	}
	slices.Reverse(out)
	return out
}

// SplitArgs splits at commas as Asterisk splits the arguments of applications: not in
// quotes, parentheses or brackets; quotes go, and a backslash keeps the next character as
// it is (Asterisk: app.c __ast_separate_app_args).
func SplitArgs(s string) []string {
	if s == "" {
		return nil
	}
	var out []string
	var arg strings.Builder
	parens, brackets, quoted := 0, 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '(':
			parens++
		case c == ')' && parens > 0:
			parens--
		case c == '[':
			brackets++
		case c == ']' && brackets > 0:
			brackets--
		case c == '"':
			quoted = !quoted
			continue
		case c == '\\' && i+1 < len(s):
			i++
			c = s[i]
		case c == '\\':
			continue
		case c == ',' && parens == 0 && brackets == 0 && !quoted:
			out = append(out, arg.String())
			arg.Reset()
			continue
		}
		arg.WriteByte(c)
	}
	return append(out, arg.String())
}
