package ami

import (
	"net/url"
	"strings"
)

// noBreaks takes out what may not be in a line.
var noBreaks = strings.NewReplacer("\r", "", "\n", "", "\x00", "")

// ParseParams makes a packet of the parameters of AMI over HTTP, in a query or in the body
// of a form: each is a header, and one that is repeated is a header that is repeated (spec:
// ami 7). Line ends in names and values are left out; what cannot be decoded stays as it
// is. Errors: ErrTooManyLines.
func ParseParams(query string) (Packet, error) {
	var p Packet
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name = unescape(name); name == "" {
			continue
		}
		if len(p.Headers) == MaxHeaders {
			return p, ErrTooManyLines
		}
		p.Headers = append(p.Headers, Header{name, trimBlanks(unescape(value))})
	}
	return p, nil
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		s = u
	}
	return noBreaks.Replace(s)
}
