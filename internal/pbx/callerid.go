package pbx

import (
	"strings"

	"github.com/dialwright/dialwright/internal/call"
)

// maxCallerID is how much of a written caller ID counts, in bytes.
const maxCallerID = 255

// ParseCallerID reads a caller ID as people write it (spec: ami 4.2, ari 6.4; observed:
// Asterisk 22.10):
//
//	"Web Call" <555-1234>   name Web Call, number 5551234
//	+49 89 123              number +4989123
//	sip:101@host            name sip:101@host
//
// What is absent is "", and Private is never set. More than 255 bytes are cut off.
func ParseCallerID(s string) call.CallerID {
	s = s[:min(len(s), maxCallerID)]
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		if n := strings.IndexByte(s[open:], '>'); n >= 0 {
			return call.CallerID{Name: unquote(s[:open]), Number: shrinkNumber(s[open+1 : open+n])}
		}
	}
	if n := shrinkNumber(s); n != "" && strings.Trim(n, "0123456789*#+") == "" {
		return call.CallerID{Number: n}
	}
	return call.CallerID{Name: unquote(s)}
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
