package ami

import (
	"errors"
	"regexp"
	"strings"
)

// errPOSIX says that an expression cannot be one of POSIX.
var errPOSIX = errors.New("not a POSIX extended regular expression")

// compilePOSIX compiles a POSIX extended regular expression as glibc's regcomp reads it:
// a full stop fits line ends too, ^ and $ are the ends of the whole text, a backslash in
// brackets is itself, a closing parenthesis without its opening one as well, and \w \W \s \S
// \b \B \< \> are known. Go's own POSIX mode differs in the first two. Backward references
// are refused: they make matching slow without bound. The syntax that is left means the
// same to Go's regexp, and where it finds a match does not matter here.
func compilePOSIX(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("(?s)")
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '\\':
			i++
			if i == len(pattern) {
				return nil, errPOSIX
			}
			if err := escaped(&b, pattern[i]); err != nil {
				return nil, err
			}
		case '[':
			end := bracketEnd(pattern, i)
			if end < 0 {
				return nil, errPOSIX
			}
			b.WriteString(strings.ReplaceAll(pattern[i:end], `\`, `\\`))
			i = end - 1
		case '(':
			if strings.HasPrefix(pattern[i+1:], "?") {
				return nil, errPOSIX
			}
			depth++
			b.WriteByte(c)
		case ')':
			if depth == 0 {
				b.WriteByte('\\')
			} else {
				depth--
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return regexp.Compile(b.String())
}

// escaped writes what a backslash and a character mean.
func escaped(b *strings.Builder, c byte) error {
	switch {
	case strings.IndexByte("wWsSbB", c) >= 0:
		b.WriteByte('\\')
		b.WriteByte(c)
	case c == '<', c == '>':
		b.WriteString(`\b`)
	case c == '`':
		b.WriteString(`\A`)
	case c == '\'':
		b.WriteString(`\z`)
	case c >= '1' && c <= '9':
		return errPOSIX
	case c >= 0x80:
		b.WriteByte(c)
	default:
		b.WriteString(regexp.QuoteMeta(string(rune(c))))
	}
	return nil
}

// bracketEnd gives where a bracket expression that begins at i ends, -1 if it does not.
// A ] right at its beginning, and those of [:alpha:] and its like, do not end it.
func bracketEnd(s string, i int) int {
	i++
	if i < len(s) && s[i] == '^' {
		i++
	}
	for begin := i; i < len(s); i++ {
		switch {
		case s[i] == ']' && i > begin:
			return i + 1
		case s[i] == '[' && i+1 < len(s) && strings.IndexByte(":.=", s[i+1]) >= 0:
			end := strings.Index(s[i+2:], string(s[i+1])+"]")
			if end < 0 {
				return -1
			}
			i += end + 3
		}
	}
	return -1
}
