package ami

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendXML writes packets as /mxml shows them. dest and element are the parameters ajaxdest
// and ajaxobjtype, "" = not given (spec: ami 7; observed: Asterisk 22.10, vector h1). Unlike
// Asterisk's it is well formed whatever the packets hold: a header's name that does not begin
// with a letter gets an underscore before it, and an element's name that is none is not used.
//
//	<ajax-response>
//	<response type='object' id='unknown'><generic response='Success' ping='Pong' /></response>
//	</ajax-response>
func AppendXML(b []byte, dest, element string, packets []*Message) []byte {
	if dest == "" {
		dest = "unknown"
	}
	if !isName(element) {
		element = "generic"
	}
	b = append(b, "<ajax-response>\n"...)
	for _, m := range packets {
		b = append(b, "<response type='object' id='"...)
		b = appendXMLText(b, dest)
		b = append(b, "'><"...)
		b = append(b, element...)
		seen := make(map[string]int, len(m.Headers))
		for _, h := range m.Headers {
			name := xmlName(h.Name)
			seen[name]++
			b = append(append(b, ' '), name...)
			if n := seen[name]; n > 1 {
				b = strconv.AppendInt(append(b, '-'), int64(n), 10)
			}
			b = append(appendXMLText(append(b, "='"...), h.Value), '\'')
		}
		b = append(b, " /></response>\n"...)
	}
	return append(b, "</ajax-response>\n"...)
}

// xmlName makes an attribute of a header's name: lower case, and underscores for what is
// neither letter nor digit.
func xmlName(s string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, s)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}

// isName says whether an element may be called so.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if c < 'a' || c > 'z' {
			if i == 0 || s[i] != '_' && (s[i] < '0' || s[i] > '9') {
				return false
			}
		}
	}
	return s != ""
}

var xmlEscapes = strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;", `"`, "&quot;", "'", "&apos;")

// appendXMLText escapes a value. What XML cannot hold is left out.
func appendXMLText(b []byte, s string) []byte {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, s)
	return append(b, xmlEscapes.Replace(s)...)
}
