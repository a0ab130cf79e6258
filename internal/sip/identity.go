package sip

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// identity is how a caller is shown on one leg: the parts of From and the
// headers beside it (rule D15).
type identity struct {
	display string
	user    string
	host    string
	headers []pbx.Header
}

func header(name, value string) pbx.Header { return pbx.Header{Name: name, Value: value} }

// The anonymous From (RFC 3323 §4.1.1.3; Asterisk: res_pjsip_caller_id.c
// caller_id_outgoing_request).
const (
	anonymousName = "Anonymous"
	anonymousUser = "anonymous"
	anonymousHost = "anonymous.invalid"
)

// identity gives how cid is shown to the endpoint. domain is our own.
//
// Without a number From is anonymous, as Asterisk does: an identity without a
// number counts as restricted there (Asterisk: res_pjsip_caller_id.c
// caller_id_outgoing_request). A trunk's FromUser always stays in From,
// because providers tell their customers apart by it; the caller then shows in
// P-Asserted-Identity or Remote-Party-ID.
func (p *profile) identity(cid call.CallerID, domain string) identity {
	cid.Name, cid.Number = clean(cid.Name), clean(cid.Number)
	if p.kind == kindPhone {
		return phoneIdentity(p.phone, cid, domain)
	}
	return trunkIdentity(p.trunk, cid)
}

func phoneIdentity(p Phone, cid call.CallerID, domain string) identity {
	if cid.Private {
		// RFC 3325 §7: an asserted identity that is private must not reach
		// those outside the trust domain, and a phone is outside.
		return identity{display: anonymousName, user: anonymousUser, host: anonymousHost, headers: []pbx.Header{header("Privacy", "id")}}
	}
	if cid.Number == "" {
		return withoutNumber(cid)
	}
	id := identity{display: cid.Name, user: escapeUser(cid.Number), host: domain}
	id.assert(cid, domain, p.PAI, p.RPID)
	return id
}

func trunkIdentity(t Trunk, cid call.CallerID) identity {
	cid.Private = cid.Private || t.Identity.Privacy
	id := identity{display: cid.Name, user: escapeUser(cid.Number), host: t.FromDomain}
	if cid.Private || cid.Number == "" {
		id = withoutNumber(cid)
	}
	if t.FromUser != "" {
		id.user, id.host = escapeUser(t.FromUser), t.FromDomain
		if !cid.Private {
			id.display = cid.Name
		}
	}
	id.assert(cid, t.FromDomain, t.Identity.PAI, t.Identity.RPID)
	if cid.Private {
		id.headers = append(id.headers, header("Privacy", "id"))
	}
	return id
}

func withoutNumber(cid call.CallerID) identity {
	id := identity{display: anonymousName, user: anonymousUser, host: anonymousHost}
	if cid.Name != "" && !cid.Private {
		id.display = cid.Name
	}
	return id
}

// assert adds P-Asserted-Identity (RFC 3325 §9.1) and Remote-Party-ID
// (draft-ietf-sip-privacy-04 §5; Asterisk: res_pjsip_caller_id.c add_rpid_header).
// Neither is made up where there is no number.
func (id *identity) assert(cid call.CallerID, host string, pai, rpid bool) {
	if cid.Number == "" {
		return
	}
	address := nameAddr(cid.Name, escapeUser(cid.Number), host)
	if pai {
		id.headers = append(id.headers, header("P-Asserted-Identity", address))
	}
	if rpid {
		privacy := "off"
		if cid.Private {
			privacy = "full"
		}
		id.headers = append(id.headers, header("Remote-Party-ID", address+";party=calling;privacy="+privacy+";screen=yes"))
	}
}

// quoting writes the inside of a quoted-string.
var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// nameAddr writes "Name" <sip:user@host>, with the name quoted (RFC 3261 §25.1
// quoted-string). user is escaped already.
func nameAddr(name, user, host string) string {
	var b strings.Builder
	if name != "" {
		b.WriteByte('"')
		b.WriteString(quoting.Replace(name))
		b.WriteString(`" `)
	}
	b.WriteString("<sip:")
	if user != "" {
		b.WriteString(user)
		b.WriteByte('@')
	}
	b.WriteString(host)
	b.WriteByte('>')
	return b.String()
}

// clean drops control characters, so that no caller ID can begin a new header.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s))
}

// escapeUser percent-encodes what may not stand in the user part of a SIP URI.
func escapeUser(s string) string { return ua.EscapeUser(s) }

// unescapeUser undoes escapeUser; broken escapes stay as they are.
func unescapeUser(s string) string { return ua.UnescapeUser(s) }

// protectedHeaders belong to the transaction, the dialog or the body: nobody
// may set them from outside.
var protectedHeaders = map[string]bool{
	"via": true, "v": true, "from": true, "f": true, "to": true, "t": true, "call-id": true, "i": true, "cseq": true,
	"contact": true, "m": true, "max-forwards": true, "route": true, "record-route": true, "content-length": true, "l": true,
	"content-type": true, "c": true, "authorization": true, "proxy-authorization": true, "require": true, "proxy-require": true,
	"supported": true, "k": true, "allow": true, "session-expires": true, "x": true, "min-se": true, "rseq": true, "rack": true,
	"www-authenticate": true, "proxy-authenticate": true, "content-encoding": true, "e": true,
}

// extraHeaders keeps those of the requested headers that may go out: a token
// as name, not protected, and the value without control characters.
func extraHeaders(in []pbx.Header) []pbx.Header {
	var out []pbx.Header
	for _, h := range in {
		name := strings.TrimSpace(h.Name)
		if isToken(name) && !protectedHeaders[strings.ToLower(name)] {
			out = append(out, header(name, clean(h.Value)))
		}
	}
	return out
}

// isToken reports whether s is a token (RFC 3261 §25.1).
func isToken(s string) bool {
	for _, r := range s {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-.!%*_+`'~", r)) {
			return false
		}
	}
	return s != ""
}

// parseURI reads a sip: or sips: URI with a host.
func parseURI(s string) (sip.Uri, error) {
	var u sip.Uri
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '<' || r == '>' }) {
		return u, fmt.Errorf("%q is not a SIP address", s)
	}
	if err := sip.ParseUri(s, &u); err != nil {
		return u, fmt.Errorf("%q is not a SIP address: %w", s, err)
	}
	if (u.Scheme != "sip" && u.Scheme != "sips") || u.Host == "" {
		return u, fmt.Errorf("%q is not a SIP address such as sip:101@pbx.example.com", s)
	}
	return u, nil
}

// parseProxy reads an outbound proxy: a SIP URI or host[:port]. The result is
// a loose route (RFC 3261 §16.12.1.1).
func parseProxy(s string) (sip.Uri, error) {
	if !strings.HasPrefix(s, "sip:") && !strings.HasPrefix(s, "sips:") {
		s = "sip:" + s
	}
	u, err := parseURI(s)
	if err != nil {
		return u, err
	}
	if u.User == "" && u.Host == "" {
		return u, errors.New("proxy has no host")
	}
	if u.UriParams == nil {
		u.UriParams = sip.NewParams()
	}
	if !u.UriParams.Has("lr") {
		u.UriParams.Add("lr", "")
	}
	return u, nil
}
