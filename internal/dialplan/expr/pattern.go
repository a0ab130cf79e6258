package expr

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Pattern is a POSIX extended regular expression as the GNU C library reads it
// in a UTF-8 locale: leftmost-longest, ^ and $ only at the ends of the text, "."
// for any character, also a newline; but classes like [:alpha:] are those of ASCII. \w \W \s \S \b \B \` \' mean what they mean
// there; \< and \> are taken for \b. References back (\1) are not there, as no
// engine of linear time has them. It is immutable.
type Pattern struct{ re *regexp.Regexp }

// Compile reads a pattern.
func Compile(pattern string) (*Pattern, error) { return compile(pattern, "(?s)") }

// CompileFold is Compile for a match without regard to the case of letters.
func CompileFold(pattern string) (*Pattern, error) { return compile(pattern, "(?si)") }

func compile(pattern, flags string) (*Pattern, error) {
	t := translator{in: pattern}
	if err := t.run(); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(flags + string(t.out))
	if err != nil {
		return nil, fmt.Errorf("not a regular expression: %w", err)
	}
	re.Longest()
	return &Pattern{re}, nil
}

// Groups is the number of parenthesised groups.
func (p *Pattern) Groups() int { return p.re.NumSubexp() }

// Find gives the byte positions of the first, longest match and of its groups,
// in pairs; -1 for a group that took no part; nil without a match.
func (p *Pattern) Find(text string) []int { return p.re.FindStringSubmatchIndex(text) }

// Match says whether the pattern is found anywhere in text.
func (p *Pattern) Match(text string) bool { return p.re.MatchString(text) }

// translator writes a POSIX pattern in Go's words.
type translator struct {
	in     string
	at     int
	out    []byte
	groups []int // where the open groups begin in out
	atom   int   // where the last atom begins in out; -1 = there is none to repeat
	again  bool  // the atom is repeated already
}

func (t *translator) run() error {
	t.atom = -1
	for t.at < len(t.in) {
		if err := t.one(t.next()); err != nil {
			return err
		}
	}
	return nil
}

// next takes a character.
func (t *translator) next() rune {
	c, n := utf8.DecodeRuneInString(t.in[t.at:])
	t.at += n
	return c
}

func (t *translator) one(c rune) error {
	switch c {
	case '\\':
		return t.escape()
	case '[':
		return t.bracket()
	case '(':
		t.groups = append(t.groups, len(t.out))
		t.out = append(t.out, '(')
		t.atom = -1
	case ')':
		n := len(t.groups)
		if n == 0 { // an ordinary character there
			t.literal(c)
			return nil
		}
		t.atom, t.again = t.groups[n-1], false
		t.groups = t.groups[:n-1]
		t.out = append(t.out, ')')
	case '|', '^':
		t.out = append(t.out, byte(c))
		t.atom = -1
	case '$':
		t.out = append(t.out, `\z`...)
		t.atom = -1
	case '.':
		t.begin()
		t.out = append(t.out, '.')
	case '*', '+', '?':
		return t.repeat(string(c))
	case '{':
		end := strings.IndexByte(t.in[t.at:], '}')
		if end < 0 {
			return errors.New("a { without }")
		}
		bounds := t.in[t.at : t.at+end]
		t.at += end + 1
		if strings.HasPrefix(bounds, ",") {
			bounds = "0" + bounds
		}
		if strings.Trim(bounds, "0123456789,") != "" || strings.Count(bounds, ",") > 1 || bounds == "" {
			return fmt.Errorf("{%s} is no number of times", bounds)
		}
		return t.repeat("{" + bounds + "}")
	default:
		t.literal(c)
	}
	return nil
}

// begin notes that an atom begins here.
func (t *translator) begin() { t.atom, t.again = len(t.out), false }

func (t *translator) literal(c rune) {
	t.begin()
	t.out = append(t.out, regexp.QuoteMeta(string(c))...)
}

// repeat puts how often behind the last atom. What is repeated already is put in
// a group of its own: behind another * a ? would mean something else in Go.
func (t *translator) repeat(often string) error {
	if t.atom < 0 {
		return fmt.Errorf("nothing to repeat before %s", often)
	}
	if t.again {
		inner := string(t.out[t.atom:])
		t.out = append(append(append(t.out[:t.atom], "(?:"...), inner...), ')')
	}
	t.out = append(t.out, often...)
	t.again = true
	return nil
}

func (t *translator) escape() error {
	if t.at == len(t.in) {
		return errors.New("a backslash at the end")
	}
	c := t.next()
	switch {
	case '1' <= c && c <= '9':
		return fmt.Errorf(`a reference back (\%c) is not supported`, c)
	case c == 'w':
		t.begin()
		t.out = append(t.out, `[0-9A-Za-z_]`...)
	case c == 'W':
		t.begin()
		t.out = append(t.out, `[^0-9A-Za-z_]`...)
	case c == 's':
		t.begin()
		t.out = append(t.out, `[[:space:]]`...)
	case c == 'S':
		t.begin()
		t.out = append(t.out, `[^[:space:]]`...)
	case c == 'b' || c == '<' || c == '>':
		t.out = append(t.out, `\b`...)
		t.atom = -1
	case c == 'B':
		t.out = append(t.out, `\B`...)
		t.atom = -1
	case c == '`':
		t.out = append(t.out, `\A`...)
		t.atom = -1
	case c == '\'':
		t.out = append(t.out, `\z`...)
		t.atom = -1
	default:
		t.literal(c)
	}
	return nil
}

// bracket translates "[…]", where a backslash is an ordinary character and a ]
// that comes first belongs to the set.
func (t *translator) bracket() error {
	t.begin()
	t.out = append(t.out, '[')
	if t.at < len(t.in) && t.in[t.at] == '^' {
		t.out = append(t.out, '^')
		t.at++
	}
	for first := true; ; first = false {
		if t.at >= len(t.in) {
			return errors.New("a [ without ]")
		}
		c := t.next()
		switch {
		case c == ']' && !first:
			t.out = append(t.out, ']')
			return nil
		case c == '[' && t.at < len(t.in) && strings.IndexByte(":.=", t.in[t.at]) >= 0:
			if err := t.class(t.in[t.at]); err != nil {
				return err
			}
		case c == '-' && !first && t.at < len(t.in) && t.in[t.at] != ']':
			t.out = append(t.out, '-') // a range
		default:
			t.member(c)
		}
	}
}

// class translates "[:digit:]", "[.-.]" and "[=a=]".
func (t *translator) class(mark byte) error {
	end := strings.Index(t.in[t.at+1:], string(mark)+"]")
	if end < 0 {
		return fmt.Errorf("a [%c without %c]", mark, mark)
	}
	name := t.in[t.at+1 : t.at+1+end]
	t.at += end + 3
	if mark == ':' {
		t.out = append(t.out, "[:"+name+":]"...)
		return nil
	}
	c, n := utf8.DecodeRuneInString(name)
	if n == 0 || n != len(name) {
		return fmt.Errorf("%q is not one character", name)
	}
	t.member(c)
	return nil
}

// member adds one character to a set.
func (t *translator) member(c rune) {
	if c < utf8.RuneSelf && !isWordByte(byte(c)) || c == '^' || c == '\\' {
		t.out = fmt.Appendf(t.out, `\x%02x`, c)
		return
	}
	t.out = utf8.AppendRune(t.out, c)
}
