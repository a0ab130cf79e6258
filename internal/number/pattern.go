package number

import (
	"fmt"
	"strings"
)

// Pattern matches dial strings as Asterisk's extensions do: with a leading
// underscore X is 0-9, Z 1-9, N 2-9, [15-7] a set, "." one or more of anything,
// "!" none or more, and every other character itself. Without the underscore it
// is a literal. The zero Pattern matches only the empty string.
// Source: Asterisk: main/pbx.c ext_cmp (spec: dialplan 2.1).
type Pattern struct {
	text  string
	elems []element // nil for a literal
}

// element is one place of a pattern: the set of characters that fit there, or
// one of the two tails.
type element struct {
	set  string
	tail byte // '.', '!' or 0
}

// ParsePattern reads a pattern. Errors name the position, counted from 1.
func ParsePattern(s string) (Pattern, error) {
	p := Pattern{text: s}
	if !strings.HasPrefix(s, "_") {
		return p, nil
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '.', '!':
			if i != len(s)-1 {
				return Pattern{}, fmt.Errorf("pattern %q: %q at position %d must be the last character", s, c, i+1)
			}
			p.elems = append(p.elems, element{tail: c})
		case '[':
			end := strings.IndexByte(s[i:], ']')
			if end < 0 {
				return Pattern{}, fmt.Errorf("pattern %q: [ at position %d is not closed", s, i+1)
			}
			set, err := expandSet(s[i+1 : i+end])
			if err != nil {
				return Pattern{}, fmt.Errorf("pattern %q: %w", s, err)
			}
			p.elems = append(p.elems, element{set: set})
			i += end
		default:
			if set := setOf(c); set != "" {
				p.elems = append(p.elems, element{set: set})
			}
		}
	}
	if len(p.elems) == 0 {
		return Pattern{}, fmt.Errorf("pattern %q matches nothing", s)
	}
	return p, nil
}

// setOf gives the characters that fit pattern character c; "" for the
// separators that people write between groups.
func setOf(c byte) string {
	switch c {
	case 'X', 'x':
		return "0123456789"
	case 'Z', 'z':
		return "123456789"
	case 'N', 'n':
		return "23456789"
	case ' ', '-':
		return ""
	}
	return string(c)
}

func expandSet(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i+2 < len(s) && s[i+1] == '-' {
			if s[i] > s[i+2] {
				return "", fmt.Errorf("range %s runs backwards", s[i:i+3])
			}
			for c := int(s[i]); c <= int(s[i+2]); c++ {
				b.WriteByte(byte(c))
			}
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	if b.Len() == 0 {
		return "", fmt.Errorf("empty set []")
	}
	return b.String(), nil
}

// Match reports whether all of s fits the pattern.
func (p Pattern) Match(s string) bool {
	if p.elems == nil {
		return p.text == s
	}
	for i, e := range p.elems {
		switch e.tail {
		case '.':
			return len(s) > i
		case '!':
			return len(s) >= i
		}
		if i >= len(s) || strings.IndexByte(e.set, s[i]) < 0 {
			return false
		}
	}
	return len(s) == len(p.elems)
}

// String gives the pattern as it was written.
func (p Pattern) String() string { return p.text }
