package ua

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Identity is who a party says it is: the parts of From, To or
// P-Asserted-Identity, in plain text (unquoted, unescaped when read).
// What is written is quoted and escaped here, so that no value can end its
// header line or its URI; a User that already holds %XX escapes keeps them.
type Identity struct {
	DisplayName string // "" = none
	User        string // number or name; "" = none
	Host        string // host, or host:port; "" = ours
}

// Header is one extra header of an outgoing message. Control characters in
// Value become blanks. Name must be a token and not one of the headers that
// transaction, dialog and body own (ErrHeader).
type Header struct{ Name, Value string }

// ErrHeader is returned for an extra header whose name is no token or belongs
// to the user agent itself.
var ErrHeader = errors.New("header may not be set")

// ErrURI is returned for a URI that cannot be written as one.
var ErrURI = errors.New("not a usable SIP URI")

// ownHeaders are written by the user agent alone.
var ownHeaders = map[string]bool{
	"via": true, "from": true, "to": true, "call-id": true, "cseq": true, "contact": true, "max-forwards": true,
	"route": true, "record-route": true, "content-length": true, "content-type": true, "authorization": true,
	"proxy-authorization": true, "www-authenticate": true, "proxy-authenticate": true, "require": true,
	"supported": true, "allow": true, "session-expires": true, "min-se": true, "rseq": true, "rack": true,
}

// checkHeaders gives the library's form of extra headers.
func checkHeaders(in []Header) ([]sip.Header, error) {
	var out []sip.Header
	for _, h := range in {
		if !isToken(h.Name) || ownHeaders[longName(strings.ToLower(h.Name))] {
			return nil, fmt.Errorf("%w: %q", ErrHeader, h.Name)
		}
		out = append(out, sip.NewHeader(h.Name, cleanText(h.Value)))
	}
	return out, nil
}

// checkURI refuses a URI whose written form could leave its place: blanks,
// controls, angle brackets, quotes, or no host.
func checkURI(u sip.Uri) error {
	s := u.String()
	if u.Host == "" && u.Raw() == "" || u.Wildcard || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '<' || r == '>' || r == '"'
	}) {
		return fmt.Errorf("%w: %q", ErrURI, s)
	}
	return nil
}

// parseURI reads a URI, with or without angle brackets and display name.
func parseURI(s string) (sip.Uri, error) {
	var u sip.Uri
	if _, err := sip.ParseAddressValue(strings.TrimSpace(s), &u, nil); err != nil {
		return u, fmt.Errorf("%w: %v", ErrURI, err)
	}
	return u, checkURI(u)
}

// cleanText makes controls blanks: no value can begin a new header line.
func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}

// quoteDisplay gives the inside of a quoted-string (RFC 3261 §25.1): the
// message library writes the quotes but escapes nothing.
func quoteDisplay(s string) string {
	return quoting.Replace(strings.TrimSpace(cleanText(s)))
}

// quoting is built once: every request writes several names.
var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// unquoteDisplay undoes quoteDisplay.
func unquoteDisplay(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// EscapeUser percent-encodes what may not stand in the user part of a SIP URI
// (RFC 3261 §25.1: unreserved and user-unreserved). Complete %XX escapes stay.
func EscapeUser(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case isAlnum(c), strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0,
			c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// UnescapeUser undoes EscapeUser; broken escapes stay as they are. Control
// characters that were hidden in escapes become blanks.
func UnescapeUser(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			b.WriteByte(byte(unhex(s[i+1])<<4 | unhex(s[i+2])))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return cleanText(b.String())
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// isToken reports whether s is a token (RFC 3261 §25.1).
func isToken(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte("-.!%*_+`'~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// cleanHost gives the host and port (0 = none) of "host", "host:port",
// "2001:db8::1" or "[2001:db8::1]:port", without anything that a host may not hold.
func cleanHost(s string) (host string, port int) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		if a.Is6() {
			return "[" + a.WithZone("").String() + "]", 0
		}
		return a.String(), 0
	}
	host, port, ok := cutPort(s)
	if !ok {
		port = 0
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && a.Is6() {
		return "[" + a.WithZone("").String() + "]", port
	}
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (isAlnum(byte(r)) || strings.ContainsRune(".-_", r)) {
			return r
		}
		return -1
	}, host), port
}

// uri gives the SIP URI of an identity.
func (id Identity) uri(scheme string) sip.Uri {
	host, port := cleanHost(id.Host)
	return sip.Uri{Scheme: scheme, User: EscapeUser(id.User), Host: host, Port: port}
}

// NameAddr writes id as a name-addr, `"Name" <sip:user@host>`: the value of
// P-Asserted-Identity, Diversion and their like (RFC 3325 §9.1).
func (id Identity) NameAddr() string {
	u := id.uri("sip")
	s := "<" + u.String() + ">"
	if d := quoteDisplay(id.DisplayName); d != "" {
		s = `"` + d + `" ` + s
	}
	return s
}

func identityOf(display string, u sip.Uri) Identity {
	id := Identity{DisplayName: unquoteDisplay(display), User: UnescapeUser(u.User), Host: u.Host}
	if raw := u.Raw(); raw != "" { // tel: and its like (RFC 3966)
		id.User, _, _ = strings.Cut(raw, ";")
	}
	return id
}

// ParseAsserted reads the values of P-Asserted-Identity headers (RFC 3325
// §9.1): at most one SIP and one tel URI, in one line or several. The SIP one
// wins; the number of a tel URI fills an empty user. ok is false when nothing
// can be read.
func ParseAsserted(values ...string) (id Identity, ok bool) {
	for _, line := range values {
		for _, v := range splitList(line) {
			var u sip.Uri
			display, err := sip.ParseAddressValue(v, &u, nil)
			if err != nil || u.Wildcard {
				continue
			}
			got := identityOf(display, u)
			if !ok || id.Host == "" && got.Host != "" {
				if got.User == "" {
					got.User = id.User
				}
				id, ok = got, true
			} else if id.User == "" {
				id.User = got.User
			}
		}
	}
	return id, ok
}
