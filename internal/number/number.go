// Package number knows how numbers are written: caller IDs as Asterisk's users
// write them, dial strings as people type them, and E.164 numbers with their
// class (premium, mobile, emergency, …). All functions are pure.
//
// A number as typed ("+49 (30) 123-456") is compacted before anything looks at
// it. Which prefix it gets on the way to a trunk is a matter of routing
// (package route), not of this package.
package number

import "strings"

// MaxLength is the most digits that a dial string may have after Compact.
// E.164 allows 15; the rest is room for prefixes, pauses and feature codes.
const MaxLength = 64

// Compact removes what people write into numbers for their own eyes: blanks,
// parentheses, dots that are not at the end, and hyphens outside brackets, where
// they are ranges. Follows Asterisk: main/callerid.c ast_shrink_phone_number.
func Compact(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	bracketed := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ', c == '(', c == ')':
		case c == '.' && i+1 < len(s):
		case c == '-' && !bracketed:
		default:
			if c == '[' {
				bracketed = true
			} else if c == ']' {
				bracketed = false
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}

// IsNumber reports whether s is made only of digits and the punctuation that
// phones use. Empty is not a number. Follows Asterisk: main/callerid.c
// ast_isphonenumber over AST_DIGIT_ANYNUM and the punctuation of Compact.
func IsNumber(s string) bool {
	digits := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '*', c == '#':
			digits = true
		case c == '+', c == ' ', c == '(', c == ')', c == '-', c == '.':
		default:
			return false
		}
	}
	return digits
}

// IsDialable reports whether s, as given by Compact, can be sent to a trunk: at
// most MaxLength digits, * and #, with + only in front.
func IsDialable(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	if digits == "" || len(digits) > MaxLength {
		return false
	}
	for i := 0; i < len(digits); i++ {
		if c := digits[i]; (c < '0' || c > '9') && c != '*' && c != '#' {
			return false
		}
	}
	return true
}
