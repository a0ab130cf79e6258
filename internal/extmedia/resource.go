package extmedia

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// incoming is the connection id of a WebSocket that the program opens
// (Asterisk: chan_websocket.c).
const incoming = "INCOMING"

// dialString is the options behind the last slash of a resource: letters, each
// perhaps with an argument in parentheses, as "c(ulaw)nf(json)".
type dialString struct {
	format    format
	noAnswer  bool   // n: the program answers, by ANSWER
	passed    bool   // p: messages are frames as they are
	json      bool   // f(json): control messages are JSON
	query     string // v(a=b,c=d): added to the address
	direction string // d(in), d(out), d(both); "" = both
}

// parseOptions reads options; without c() the format is def, which may be "".
func parseOptions(s, def string) (dialString, error) {
	var o dialString
	name := def
	for s != "" {
		letter, arg := s[0], ""
		s = s[1:]
		if rest, ok := strings.CutPrefix(s, "("); ok {
			if arg, s, ok = strings.Cut(rest, ")"); !ok {
				return o, fmt.Errorf("option %c: the parenthesis is not closed", letter)
			}
		}
		switch letter {
		case 'c':
			name = arg
		case 'n':
			o.noAnswer = true
		case 'p':
			o.passed = true
		case 'f':
			o.json = strings.EqualFold(arg, "json") // anything else is plain text, as in Asterisk
		case 'v':
			if !encoded(arg) {
				return o, fmt.Errorf("option v: %q is not URI encoded", arg)
			}
			o.query = strings.ReplaceAll(arg, ",", "&")
		case 'd':
			if !isDirection(arg) {
				return o, fmt.Errorf("option d: %q is not in, out or both", arg)
			}
			o.direction = arg
		default:
			return o, fmt.Errorf("option %c is unknown", letter)
		}
	}
	var ok bool
	if o.format, ok = lookup(name); !ok {
		return o, fmt.Errorf("%w: %q; it can %s", ErrFormat, name, strings.Join(Formats(), ", "))
	}
	return o, nil
}

func isDirection(s string) bool { return s == "in" || s == "out" || s == "both" }

// encoded says whether every octet may stand in a query: RFC 3986 §3.4 without the
// separators, which are ours, or a percent with two digits.
func encoded(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~=,:@/?!$'*+;", c) >= 0:
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// cutOptions parts a WebSocket's resource: an address may contain slashes, and so may
// the argument of v, so that the options begin behind the last slash outside of
// parentheses.
func cutOptions(resource string) (name, options string) {
	depth := 0
	for i := len(resource) - 1; i >= 0; i-- {
		switch resource[i] {
		case ')':
			depth++
		case '(':
			depth = max(depth-1, 0)
		case '/':
			if depth == 0 {
				return resource[:i], resource[i+1:]
			}
		}
	}
	return resource, ""
}

// checkHost looks whether s is HOST:PORT.
func checkHost(s string) error {
	host, port, err := net.SplitHostPort(s)
	n, nerr := strconv.Atoi(port)
	if err != nil || host == "" || nerr != nil || n < 1 || n > 65535 || strings.ContainsAny(host, "/()") {
		return fmt.Errorf("%w: %q", ErrHost, s)
	}
	return nil
}
