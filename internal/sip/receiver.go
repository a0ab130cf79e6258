package sip

import (
	"cmp"
	"errors"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// receiver is whom a request outside calls goes to.
type receiver struct {
	prof  *profile  // nil: an address that is no endpoint
	addrs []address // at least one
}

// withoutTech takes "pjsip:", "PJSIP/" or angle brackets off.
func withoutTech(s string) string {
	s = strings.TrimSpace(s)
	if n := len(techName) + 1; len(s) > n && strings.EqualFold(s[:n-1], techName) && (s[n-1] == ':' || s[n-1] == '/') {
		s = s[n:]
	}
	if _, inside, ok := strings.Cut(s, "<"); ok {
		s, _, _ = strings.Cut(inside, ">")
	}
	return s
}

func isSIP(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	return ok && (strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips"))
}

// receiver finds out what Message and Refer mean by to.
func (t *Technology) receiver(to string) (receiver, error) {
	dir, s := t.dir.Load(), withoutTech(to)
	if t.stopping.Load() {
		return receiver{}, &call.Failure{Disposition: call.Congestion, Cause: int(cause.SwitchCongestion), Text: "the server is stopping"}
	}
	r, err := parseResource(s)
	p, ok := dir.byName[r.name]
	if !ok || isSIP(s) {
		uri := s
		if !isSIP(s) {
			uri = "sip:" + s // "102@pbx.example.com", as TextMessage.To writes it
		}
		u, uriErr := parseURI(uri)
		switch {
		case uriErr == nil && t.ours(dir, u):
			p, r = dir.byName[unescapeUser(u.User)], resource{name: unescapeUser(u.User)}
		case uriErr == nil && isSIP(s):
			return receiver{addrs: []address{{uri: u}}}, nil
		default:
			return receiver{}, unknownEndpoint(s, err)
		}
	}
	addrs, err := t.addresses(p, r)
	if err != nil {
		return receiver{}, asFailure(err)
	}
	return receiver{prof: p, addrs: addrs}, nil
}

// ours reports whether an address is that of a phone at this server.
func (t *Technology) ours(dir *directory, u sip.Uri) bool {
	p, ok := dir.phone(unescapeUser(u.User))
	if !ok {
		return false
	}
	host := strings.Trim(u.Host, "[]")
	if strings.EqualFold(host, t.config.Domain) {
		return true
	}
	for _, l := range t.Listeners() {
		if l.Addr.Addr().String() == host && (u.Port == 0 || u.Port == int(l.Addr.Port())) {
			return true
		}
	}
	for _, b := range t.bindings(p.name) { // as the phone itself knows us
		if b.Flow != nil {
			if own, _ := b.Flow.SentBy(); strings.EqualFold(strings.Trim(own, "[]"), host) {
				return true
			}
		}
	}
	return false
}

// sender reads the from of a request outside calls.
func sender(from string) (name, user, host string) {
	if display, _, ok := strings.Cut(from, "<"); ok {
		name = clean(strings.Trim(strings.TrimSpace(display), `"`))
	}
	s := withoutTech(from)
	if !isSIP(s) {
		s = "sip:" + s
	}
	u, err := parseURI(s)
	switch {
	case err != nil: // a bare name with blanks, or nothing
		return name, clean(strings.TrimPrefix(s, "sip:")), ""
	case u.User == "": // "101": a name, not a host
		return name, clean(u.Host), ""
	}
	return name, clean(unescapeUser(u.User)), hostPort(u)
}

// referTarget writes the address that Refer names, for the receiver at a.
func (t *Technology) referTarget(referTo string, toSelf bool, a *address) (string, error) {
	s := withoutTech(referTo)
	if isSIP(s) {
		u, err := parseURI(s)
		if err != nil {
			return "", unknownEndpoint(s, err)
		}
		return u.String(), nil
	}
	r, err := parseResource(s)
	if err != nil {
		return "", unknownEndpoint(s, err)
	}
	dir := t.dir.Load()
	if p, ok := dir.byName[r.name]; ok && !toSelf {
		if addrs, err := t.addresses(p, r); err == nil && len(addrs) > 0 {
			return addrs[0].uri.String(), nil
		}
	}
	own := t.config.Domain
	if a != nil && a.flow != nil {
		own = t.ownHost(a.flow)
	}
	return "sip:" + escapeUser(cmp.Or(r.user, r.name)) + "@" + own, nil
}

// asFailure gives an error of addresses as what it is.
func asFailure(err error) *call.Failure {
	if f, ok := errors.AsType[*call.Failure](err); ok {
		return f
	}
	return &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Permanent: true, Text: err.Error(), Err: err}
}
