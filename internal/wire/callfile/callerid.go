package callfile

import (
	"strings"
	"unicode/utf8"
)

// maxCallerID bounds the name and the number, in bytes (spec: callfile 3).
const maxCallerID = 79

// SplitCallerID takes a caller ID apart as Asterisk does (spec: callfile 3.1;
// Asterisk: main/callerid.c ast_callerid_split):
//
//	"Joe X" <1234>    Joe X, 1234
//	Joe X <1234>      Joe X, 1234
//	(555) 12-34       no name, 5551234
//	Joe               Joe, no number
//	"Joe X" 1234      all of it is the name: only brackets separate
func SplitCallerID(s string) CallerID {
	s = trimRight(trimLeft(s))
	var id CallerID
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		number, _, _ := strings.Cut(s[i+1:], ">")
		id.Number = shrink(number)
		id.Name = unquote(trimRight(s[:i]))
	} else if n := shrink(s); isPhoneNumber(n) {
		id.Number = n
	} else {
		id.Name = unquote(s)
	}
	id.Name, id.Number = clip(id.Name), clip(id.Number)
	return id
}

// clip cuts what is too long, but no character in two.
func clip(s string) string {
	if len(s) <= maxCallerID {
		return s
	}
	n := maxCallerID
	for n > maxCallerID-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// shrink removes what people write into numbers to read them.
func shrink(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ()-.", r) {
			return -1
		}
		return r
	}, s)
}

func isPhoneNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789*#+") == ""
}

// unquote removes the quotes around a name and the backslashes that protect
// quotes inside it.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
