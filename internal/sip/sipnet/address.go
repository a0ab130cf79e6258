package sipnet

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// lws is the white space that may stand between tokens once lines are
// unfolded (RFC 3261 §25.1, LWS).
const lws = " \t"

// address is a name-addr or addr-spec with the header parameters after it.
type address struct {
	display string // without its quotes, escapes kept
	uri     sip.Uri
	params  sip.HeaderParams // names in lower case, values as they stand, quotes included
}

// oneAddress reads a header that holds exactly one address.
func oneAddress(text string) (address, error) {
	a, rest, err := readAddress(text)
	if err == nil && rest != "" {
		err = errors.New("text after the address")
	}
	return a, err
}

// readAddress reads the first address of text (RFC 3261 §20.10) and gives
// what follows its comma; rest is empty when there is no comma.
//
//	"J. \"Q\" User" <sip:user@example.com;lr>;tag=7;x="a,b" , <sip:next@…>
func readAddress(text string) (a address, rest string, err error) {
	s := strings.Trim(text, lws)
	if end := commaOutside(s); end >= 0 {
		if rest = s[end+1:]; rest == "" {
			rest = lws // an empty second value is still a list
		}
		s = strings.TrimRight(s[:end], lws)
	}
	s, a.display, err = readDisplay(s)
	if err != nil {
		return a, rest, err
	}
	var spec, params string
	if strings.HasPrefix(s, "<") {
		end := strings.IndexByte(s, '>')
		if end < 0 {
			return a, rest, errors.New("address without its closing bracket")
		}
		spec, params = s[1:end], strings.TrimLeft(s[end+1:], lws)
		if params != "" && params[0] != ';' {
			return a, rest, errors.New("text after the closing bracket")
		}
		params = strings.TrimPrefix(params, ";")
	} else {
		// Without brackets all parameters are the header's, and a question
		// mark is an error (RFC 3261 §20.10; RFC 4475 §3.1.2.13).
		spec, params, _ = strings.Cut(s, ";")
		spec = strings.TrimRight(spec, lws)
		if strings.Contains(spec, "?") {
			return a, rest, errors.New("headers in an address without brackets")
		}
	}
	if err := parseURI(spec, &a.uri); err != nil {
		return a, rest, err
	}
	a.params, err = readParams(params)
	return a, rest, err
}

// readDisplay takes the display name off s. What is left starts with "<",
// or is a bare URI if there was no display name.
func readDisplay(s string) (rest, display string, err error) {
	if strings.HasPrefix(s, `"`) {
		end := quoteEnd(s)
		if end < 0 {
			return "", "", errors.New("display name without its closing quote")
		}
		rest = strings.TrimLeft(s[end+1:], lws)
		if !strings.HasPrefix(rest, "<") {
			return "", "", errors.New("display name without an address in brackets")
		}
		return rest, s[1:end], nil
	}
	open := strings.IndexByte(s, '<')
	if open < 0 {
		return s, "", nil
	}
	display = strings.TrimRight(s[:open], lws)
	// Only tokens and white space may stand unquoted (RFC 3261 §25.1), but
	// dots and other letters are common and harmless.
	if strings.ContainsAny(display, "\"\\,;:@>()[]") {
		return "", "", fmt.Errorf("display name %q needs quotes", display)
	}
	return s[open:], display, nil
}

// parseURI is the library's parser behind the checks that it leaves out.
func parseURI(s string, u *sip.Uri) error {
	if strings.ContainsAny(s, " \t\r\n<>\"") || s == "" {
		return fmt.Errorf("URI %q", s)
	}
	if err := sip.ParseUri(s, u); err != nil {
		return fmt.Errorf("URI %q: %w", s, err)
	}
	if u.Scheme != "sip" && u.Scheme != "sips" {
		return nil
	}
	if u.Host == "" || u.Wildcard || u.Port < 0 || u.Port > 65535 {
		return fmt.Errorf("URI %q has no usable host and port", s)
	}
	return nil
}

// readParams reads "a=1;b;C = \"x;y\"". Names become lower case
// (RFC 3261 §7.3.1: they compare case-insensitively); a repeated name keeps
// its last value.
func readParams(s string) (sip.HeaderParams, error) {
	if strings.Trim(s, lws) == "" {
		return nil, nil
	}
	p := make(sip.HeaderParams, 0, strings.Count(s, ";")+1)
	for s != "" {
		var part string
		if part, s = cutOutside(s, ';'); strings.Count(part, `"`)%2 != 0 && quoteEnd(part[strings.IndexByte(part, '"'):]) < 0 {
			return nil, errors.New("parameter without its closing quote")
		}
		name, value, _ := strings.Cut(part, "=")
		name = strings.Trim(name, lws)
		if name == "" {
			continue
		}
		p.Add(lowerToken(name), strings.Trim(value, lws))
	}
	return p, nil
}

// lowerToken is strings.ToLower without an allocation for the usual case.
func lowerToken(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// quoteEnd is the index of the quote that closes the one at s[0], or -1.
func quoteEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// cutOutside cuts s at the first sep that is in no quoted string.
func cutOutside(s string, sep byte) (before, after string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case sep:
			return s[:i], s[i+1:]
		case '"':
			end := quoteEnd(s[i:])
			if end < 0 {
				return s, ""
			}
			i += end
		}
	}
	return s, ""
}

// commaOutside is the index of the first comma that is neither in quotes nor
// in angle brackets, or -1.
func commaOutside(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',':
			return i
		case '"', '<':
			end := -1
			if s[i] == '"' {
				end = quoteEnd(s[i:])
			} else {
				end = strings.IndexByte(s[i:], '>')
			}
			if end < 0 {
				return -1
			}
			i += end
		}
	}
	return -1
}

// isToken reports whether s is a token of RFC 3261 §25.1.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-.!%*_+`'~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
