package vodia

import (
	"iter"
	"strings"
	"unicode"
)

// Link is a request for a call by a link: the parameters of /remote_call.htm (spec: vodia
// 4.2). Values are decoded and otherwise as they were sent; what was not sent is "".
type Link struct {
	User      string // whose phone rings: "123" or "123@tenant.com"
	Dest      string // as sent: see CleanDest for what is dialled
	Name      string // of the destination, for people: see CleanName
	Auth      string // signature or credentials
	HasAuth   bool   // auth was sent, though it may be empty
	Extension bool   // auth is a signature
	Time      string // of signing, seconds since 1970
	Duration  string // for which it is valid, seconds
	Nonce     string // of a v2 signature
	Connect   bool   // dial without asking to press 1
}

// ParseQuery reads the raw query of a link, or a form that was posted in its place. Unknown
// parameters are ignored; a known one that occurs twice is ErrDuplicate (spec: vodia Q4).
// Nothing else is checked here.
func ParseQuery(raw string) (Link, error) {
	var l Link
	seen := 0
	for name, value := range Pairs(raw) {
		i := l.set(name, value)
		if i == 0 {
			continue
		}
		if seen&i != 0 {
			return Link{}, ErrDuplicate
		}
		seen |= i
	}
	return l, nil
}

// set sets a parameter, and gives its own bit; 0 is an unknown one. Names are
// case-sensitive.
func (l *Link) set(name, value string) int {
	switch name {
	case "user":
		l.User = value
		return 1 << 0
	case "dest":
		l.Dest = value
		return 1 << 1
	case "name":
		l.Name = CleanName(value)
		return 1 << 2
	case "auth":
		l.Auth, l.HasAuth = value, true
		return 1 << 3
	case "extension":
		l.Extension = flag(value)
		return 1 << 4
	case "time":
		l.Time = value
		return 1 << 5
	case "duration":
		l.Duration = value
		return 1 << 6
	case "nonce":
		l.Nonce = value
		return 1 << 7
	case "connect":
		l.Connect = flag(value)
		return 1 << 8
	}
	return 0
}

// flag reads true or 1; all else is false (spec: vodia 4.2).
func flag(s string) bool { return s == "1" || strings.EqualFold(s, "true") }

// Pairs gives the parameters of a raw query in their order, decoded (spec: vodia Q1-Q3).
// Fields end at & alone: net/url drops those with a semicolon, which the vendor's own
// example has. A % without two hexadecimal digits stays as it is.
func Pairs(raw string) iter.Seq2[string, string] {
	if !strings.ContainsAny(raw, "=&") && (strings.Contains(raw, "%3D") || strings.Contains(raw, "%3d")) {
		raw = unescape(raw)
	}
	return func(yield func(name, value string) bool) {
		for field := range strings.SplitSeq(raw, "&") {
			field = strings.TrimPrefix(field, "amp;")
			field = strings.TrimPrefix(field, ";")
			if field == "" {
				continue
			}
			name, value, _ := strings.Cut(field, "=")
			if !yield(unescape(name), unescape(value)) {
				return
			}
		}
	}
}

// unescape decodes + and %XX, and replaces bytes that are not UTF-8 (spec: vodia Q2).
func unescape(s string) string {
	if strings.ContainsAny(s, "+%") {
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			c := s[i]
			switch {
			case c == '+':
				c = ' '
			case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
				c = unhex(s[i+1])<<4 | unhex(s[i+2])
				i += 2
			}
			b = append(b, c)
		}
		s = string(b)
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// unhex gives the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// maxName bounds the characters of a name: phones show fewer.
const maxName = 80

// CleanName makes a display name fit for a phone's screen and a SIP header: one line
// without control characters, blanks around it, or more than 80 characters. Ours.
func CleanName(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.TrimFunc(s, hidden) {
		if n++; n > maxName {
			break
		}
		if hidden(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), " ")
}

// hidden says whether a character shows nothing, or changes how its neighbours show.
func hidden(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
