package expr

import "strings"

// token is one word or operator.
type token struct {
	op  string // operator as the grammar knows it ("|" for "||"); "" = a word; "end"
	val value  // of a word
}

const endOfText = "end"

// operators, longest first, with what they stand for (Asterisk: ast_expr2.fl).
var operators = [...][2]string{
	{"||", "|"}, {"&&", "&"}, {"==", "="}, {"=~", "=~"}, {"~~", "~~"}, {">=", ">="}, {"<=", "<="}, {"!=", "!="}, {"::", "::"},
	{"|", "|"}, {"&", "&"}, {"=", "="}, {">", ">"}, {"<", "<"}, {"+", "+"}, {",", ","}, {"-", "-"}, {"*", "*"}, {"/", "/"},
	{"%", "%"}, {"?", "?"}, {"!", "!"}, {":", ":"}, {"(", "("}, {")", ")"},
}

// lex splits a text into tokens, the last of which is the end. Blanks
// separate. A byte that is none of these is left out and reported.
func lex(s string, f Functions) []token {
	var out []token
	for s != "" {
		switch s[0] {
		case ' ', '\t', '\r', '\n':
			s = s[1:]
			continue
		case '"':
			if i := strings.IndexByte(s[1:], '"'); i >= 0 {
				out = append(out, token{val: value{kind: text, s: s[:i+2]}})
				s = s[i+2:]
				continue
			}
		}
		if n := wordLen(s); n > 0 {
			out = append(out, token{val: wordValue(s[:n])})
			s = s[n:]
			continue
		}
		if op, n := operator(s); n > 0 {
			out = append(out, token{op: op})
			s = s[n:]
			continue
		}
		f.Warn("the character %q has no meaning in an expression and is left out", s[:1])
		s = s[1:]
	}
	return append(out, token{op: endOfText})
}

func operator(s string) (op string, n int) {
	for _, o := range operators {
		if strings.HasPrefix(s, o[0]) {
			return o[1], len(o[0])
		}
	}
	return "", 0
}

// wordLen is the length of the bare word or number at the beginning of s. A
// dollar takes the next byte with it, or a whole ${…} that came out of a value.
func wordLen(s string) int {
	i := 0
	for i < len(s) {
		switch {
		case isWordByte(s[i]):
			i++
		case s[i] == '$' && i+1 < len(s) && s[i+1] == '{':
			i += 2 + braces(s[i+2:])
		case s[i] == '$' && i+1 < len(s) && s[i+1] != '\n':
			i += 2
		default:
			return i
		}
	}
	return i
}

// braces is the length of a text up to and with the } that closes it.
func braces(s string) int {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c >= 0x80 || strings.IndexByte(`.';\_^#@`, c) >= 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// wordValue tells numbers, 12 and 1.5, from words; ".5", "5." and "1e3" are words.
func wordValue(w string) value {
	whole, frac, dot := strings.Cut(w, ".")
	if allDigits(whole) && (!dot || allDigits(frac)) {
		return value{kind: numericText, s: w}
	}
	return value{kind: text, s: w}
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
