package vodia

import (
	"strings"
	"unicode"
)

// Longest destinations in bytes.
const (
	maxDest = 32 // without a leading + (spec: vodia Q5)
	maxSIP  = 255
)

// CleanDest gives the number to dial: a + that came as a blank is restored, and white space
// and ( ) . - / are removed. What is left is an optional + and 1 to 32 of 0-9 A-D a-d * #,
// else it is ErrDestInvalid; nothing at all is ErrDestMissing (spec: vodia Q5).
//
// sip also lets through what an operator can allow: a SIP URI, or a name of letters, digits
// and . _ - such as "reception", at most 255 bytes long.
func CleanDest(raw string, sip bool) (string, error) {
	if raw == "" {
		return "", ErrDestMissing
	}
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("().-/", r) {
			return -1
		}
		return r
	}, plus(raw))
	if isDest(s) {
		return s, nil
	}
	if s = strings.TrimSpace(raw); sip && (isSIP(s) || isWord(s)) {
		return s, nil
	}
	return "", ErrDestInvalid
}

// plus restores a + in front of a number that a query has made a blank.
func plus(s string) string {
	if len(s) > 1 && s[0] == ' ' && '0' <= s[1] && s[1] <= '9' {
		return "+" + s[1:]
	}
	return s
}

func isDest(s string) bool {
	s = strings.TrimPrefix(s, "+")
	if s == "" || len(s) > maxDest {
		return false
	}
	for _, c := range []byte(s) {
		if !isDialed(c) {
			return false
		}
	}
	return true
}

// isDialed says whether a phone has a key for a character.
func isDialed(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'D' || 'a' <= c && c <= 'd' || c == '*' || c == '#'
}

// isSIP says whether a text is a SIP URI with a user and a host, without a header part or
// anything that could end it elsewhere.
func isSIP(s string) bool {
	scheme, rest, _ := strings.Cut(s, ":")
	user, host, _ := strings.Cut(rest, "@")
	if !strings.EqualFold(scheme, "sip") && !strings.EqualFold(scheme, "sips") || user == "" || host == "" || len(s) > maxSIP {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("<>\"',&?/\\^`{}|", r)
	})
}

// isWord says whether a text is a name that could be dialled.
func isWord(s string) bool {
	if s == "" || len(s) > maxSIP {
		return false
	}
	for _, c := range []byte(s) {
		if (c|0x20 < 'a' || 'z' < c|0x20) && (c < '0' || '9' < c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
