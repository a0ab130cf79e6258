package ari

import "strings"

// SplitArgs splits the arguments of an application at commas (spec: ari 6.5). Double
// quotes protect what is between them, a backslash the character after it, and both
// are taken out; commas within () and [] stay too (Asterisk: main/app.c
// __ast_app_separate_args). "" gives none.
//
//	"a,b",c\,d,,e   →   a,b | c,d | | e
func SplitArgs(s string) []string {
	if s == "" {
		return nil
	}
	var (
		args             []string
		arg              strings.Builder
		parens, brackets int
		quoted           bool
	)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
			continue
		case c == '\\':
			if i++; i < len(s) {
				arg.WriteByte(s[i])
			}
			continue
		case c == '(':
			parens++
		case c == ')':
			parens = max(parens-1, 0)
		case c == '[':
			brackets++
		case c == ']':
			brackets = max(brackets-1, 0)
		case c == ',' && parens == 0 && brackets == 0 && !quoted:
			args = append(args, arg.String())
			arg.Reset()
			continue
		}
		arg.WriteByte(s[i])
	}
	return append(args, arg.String())
}

// JoinArgs gives a text that SplitArgs splits into args again, with a backslash before
// each character that would mean something. One empty argument becomes "", which stands
// for none.
func JoinArgs(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = argEscaper.Replace(a)
	}
	return strings.Join(quoted, ",")
}

var argEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `,`, `\,`, `(`, `\(`, `)`, `\)`, `[`, `\[`, `]`, `\]`)
