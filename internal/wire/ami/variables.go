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

// ParseCallerID reads a caller ID as Originate takes it (spec: ami 4.2):
//
//	"Web Call" <555-1234>   name Web Call, number 5551234
//	+49 89 123              number +4989123
//	sip:101@host            name sip:101@host
//
// More than 255 bytes are cut off. An empty one is absent.
func ParseCallerID(s string) (name, number string) {
	s = s[:min(len(s), maxCallerIDBytes)]
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		if n := strings.IndexByte(s[open:], '>'); n >= 0 {
			return unquote(s[:open]), shrinkNumber(s[open+1 : open+n])
		}
	}
	if n := shrinkNumber(s); n != "" && strings.Trim(n, "0123456789*#+") == "" {
		return "", n
	}
	return unquote(s), ""
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	return s
}

// shrinkNumber drops what people write between digits: blanks, parentheses, hyphens, and
// full stops that are not the last character (Asterisk: callerid.c ast_shrink_phone_number).
func shrinkNumber(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ', c == '(', c == ')', c == '-', c == '.' && i+1 < len(s):
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
