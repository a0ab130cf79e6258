package dialplan

import "strings"

// SplitArgs splits an argument string at commas outside parentheses, brackets
// and double quotes, and not at one behind a backslash (spec: dialplan 3.3;
// Asterisk: app.c __ast_app_separate_args). Quotes and backslashes stay: see
// Plain. Empty arguments count, but not one behind a comma at the very end; ""
// gives no arguments.
func SplitArgs(text string) []string { return SplitArgsN(text, -1) }

// SplitArgsN is SplitArgs into at most n arguments; the last one is all that
// is left, commas included. A negative n is no limit.
func SplitArgsN(text string, n int) []string { return SplitAtN(text, ',', n) }

// SplitAtN is SplitArgsN at another byte than the comma, which can be a quote.
func SplitAtN(text string, sep byte, n int) []string {
	var out []string
	for text != "" {
		if n > 0 && len(out) == n-1 {
			return append(out, text)
		}
		i := argEnd(text, sep)
		out = append(out, text[:i])
		if i == len(text) {
			break
		}
		text = text[i+1:]
	}
	return out
}

// argEnd finds the separator that ends the first argument, or the end.
func argEnd(text string, sep byte) int {
	var parens, brackets int
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '(':
			parens++
		case ')':
			parens = max(0, parens-1)
		case '[':
			brackets++
		case ']':
			brackets = max(0, brackets-1)
		case '\\':
			i++
		case sep:
			if parens == 0 && brackets == 0 && !quoted {
				return i
			}
		case '"':
			quoted = !quoted
		}
	}
	return len(text)
}

// Plain removes the quotes from an argument, and the backslash before any
// byte, as MSet, CUT and others do with what SplitArgs gave them.
func Plain(arg string) string {
	if !strings.ContainsAny(arg, `"\`) {
		return arg
	}
	var b strings.Builder
	for i := 0; i < len(arg); i++ {
		switch c := arg[i]; {
		case c == '\\':
			if i++; i < len(arg) {
				b.WriteByte(arg[i])
			}
		case c != '"':
			b.WriteByte(c)
		}
	}
	return b.String()
}
