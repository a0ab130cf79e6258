package dialproxy

import "strings"

// MaxFields bounds the fields of one form (PHP: max_input_vars).
const MaxFields = 1000

// Form is one source of parameters, a query or a body, as PHP keeps it: the last of
// a repeated name wins. A nil Form has no fields; Set needs one that was made.
type Form map[string]string

// ParseForm reads application/x-www-form-urlencoded text as PHP reads it: fields end
// at "&" alone, a field without "=" is empty, a "%" without two hexadecimal digits
// stays as it is. Fields beyond MaxFields are left out (spec: dialproxy 3).
func ParseForm(s string) Form {
	f := Form{}
	for n := 0; s != "" && n < MaxFields; n++ {
		var field string
		field, s, _ = strings.Cut(s, "&")
		name, value, _ := strings.Cut(field, "=")
		f.Set(unescape(name), unescape(value))
	}
	return f
}

// Set adds a field. Blanks before a name are dropped; "name[…" makes an array of it,
// which counts as present and empty: the original crashes on one (spec: dialproxy 3).
func (f Form) Set(name, value string) {
	name = strings.TrimLeft(name, " ")
	name, _, _ = strings.Cut(name, "\x00")
	if i := strings.IndexByte(name, '['); i > 0 && strings.IndexByte(name[i:], ']') > 0 {
		name, value = name[:i], ""
	}
	if name != "" {
		f[name] = value
	}
}

// unescape decodes + and %XX.
func unescape(s string) string {
	if !strings.ContainsAny(s, "+%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s):
			high, ok1 := hexDigit(s[i+1])
			low, ok2 := hexDigit(s[i+2])
			if ok1 && ok2 {
				c = high<<4 | low
				i += 2
			}
		}
		b = append(b, c)
	}
	return string(b)
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// Query is what a request asks for.
type Query struct {
	Number string // as given, "" = none
	Label  string // as given, "" = none
	Debug  bool   // only the number is wanted
}

// Select picks the parameters out of the fields of a POST's body and of the query. The
// first that is present wins, even if it is empty (spec: dialproxy 3).
func Select(post, get Form) Query {
	_, debugPost := post["debug"]
	_, debugGet := get["debug"]
	return Query{
		Number: first(post, get, "num", "phone"),
		Label:  first(post, get, "ext", "exten"),
		Debug:  debugPost || debugGet,
	}
}

func first(post, get Form, names ...string) string {
	for _, f := range []Form{post, get} {
		for _, name := range names {
			if v, ok := f[name]; ok {
				return v
			}
		}
	}
	return ""
}
