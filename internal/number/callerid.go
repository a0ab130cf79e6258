package number

import "strings"

// SplitCallerID parses a caller ID as call files, AMI, ARI and our own API
// write it: `"Name" <number>`, `Name <number>`, `<number>`, a bare number, or a
// bare word, which is a name. Only angle brackets separate a number from a
// name. It never fails: what is not a number is a name.
// Follows Asterisk: main/callerid.c ast_callerid_parse (spec: callfile 3.1).
func SplitCallerID(s string) (name, number string) {
	s = strings.TrimSpace(s)
	if open := strings.IndexByte(s, '<'); open >= 0 {
		inner := s[open+1:]
		if end := strings.IndexByte(inner, '>'); end >= 0 {
			inner = inner[:end]
		}
		return unquote(strings.TrimSpace(s[:open])), Compact(strings.TrimSpace(inner))
	}
	if IsNumber(s) {
		return "", Compact(s)
	}
	return unquote(s), ""
}

// unquote removes one pair of double quotes around s and the backslashes inside
// them. Without a closing quote at the end s stays as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	inner := s[1 : len(s)-1]
	if !strings.Contains(inner, `\`) {
		return inner
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) {
			i++
		}
		b.WriteByte(inner[i])
	}
	return b.String()
}

// JoinCallerID writes a caller ID so that SplitCallerID gives the same pair
// back: `"Name" <number>`, or the one part that is there.
func JoinCallerID(name, number string) string {
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	switch {
	case name == "":
		return number
	case number == "":
		return quoted
	}
	return quoted + " <" + number + ">"
}
