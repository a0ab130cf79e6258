package pbx

import "strings"

// IsFunction tells NAME(args) from a variable.
func IsFunction(name string) bool {
	return strings.HasSuffix(name, ")") && strings.Contains(name, "(")
}

// ReachesOut says whether a function reads or commands what is outside the switch:
// the machine, its files, its configuration, the network. Remote control may not use
// them, whatever the dialplan may (spec: ari 8.1 rule 5; Asterisk: pbx_functions.c,
// escalating functions). Functions within the arguments count, and so does text
// that a function would expand.
func ReachesOut(name string, write bool) bool {
	for rest := name; ; {
		i := strings.IndexByte(rest, '(')
		if i < 0 {
			return false
		}
		word := rest[:i]
		if j := strings.LastIndexFunc(word, func(r rune) bool { return !isWord(r) }); j >= 0 {
			word = word[j+1:]
		}
		rest = rest[i+1:]
		if escalates(strings.ToUpper(word), write) || strings.HasPrefix(strings.ToUpper(word), "EVAL") && strings.Contains(rest, "$") {
			return true
		}
	}
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// escalates says whether one function reaches out, in capitals.
func escalates(function string, write bool) bool {
	switch function {
	case "SHELL", "FILE", "ENV", "STAT", "FILE_COUNT_LINE", "FILE_FORMAT", "AST_CONFIG", "CURL", "CURLOPT", "DB_DELETE",
		"REALTIME", "REALTIME_STORE", "REALTIME_DESTROY", "REALTIME_FIELD", "REALTIME_HASH":
		return true
	case "DB", "SHARED", "EXPORT":
		return write
	}
	return false
}
