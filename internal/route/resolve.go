package route

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/number"
)

// maxHops bounds how often one endpoint may lead to another (Local channels,
// inbound rules).
const maxHops = 8

// Route resolves an endpoint or a number for an account. The error is an
// *Error.
func (t *Table) Route(account call.AccountID, e call.Endpoint) (call.Route, error) {
	tr := t.Explain(account, string(e))
	if tr.Err != nil {
		return call.Route{}, tr.Err
	}
	return tr.Route, nil
}

// Explain resolves typed for an account and tells each step on the way.
func (t *Table) Explain(account call.AccountID, typed string) Trace {
	tr := Trace{Typed: typed}
	typed = strings.TrimSpace(typed)
	if strings.ContainsFunc(typed, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		tr.fail("control characters are not allowed in an endpoint")
		return tr
	}
	t.resolve(account, call.Endpoint(typed), &tr)
	if tr.Err == nil {
		tr.Route.Typed = tr.Typed
	}
	return tr
}

func (t *Table) resolve(account call.AccountID, e call.Endpoint, tr *Trace) {
	if t.resolveAlias(string(e), tr) {
		return
	}
	switch tech, res := e.Tech(), e.Resource(); {
	case res == "":
		tr.fail("nothing to dial: give a number, a phone's name, or TECH/resource")
	case tech == "":
		t.resolveNumber(account, res, tr)
	case tech == "PJSIP":
		t.resolveSIP(res, tr)
	case tech == "LOCAL":
		t.resolveLocal(account, res, tr)
	case tech == "PRETEND":
		if !t.allowPretend {
			tr.fail("pretend endpoints are off: set sip.allow_pretend = true to use them")
			return
		}
		digits, _, _ := strings.Cut(res, "?")
		tr.step("pretend", res, "Pretend/"+res, "no phone is rung")
		tr.Route = call.Route{Endpoint: call.Endpoint("Pretend/" + res), Number: digits}
	default:
		name := string(e[:strings.IndexByte(string(e), '/')])
		tr.fail("technology %q is not known: PJSIP, SIP, Local and plain numbers are; dialplan.aliases can map %q to a trunk", name, name+"/…")
	}
}

// resolveNumber follows a bare number: a phone's extension, then the rules.
func (t *Table) resolveNumber(account call.AccountID, typed string, tr *Trace) {
	if t.phones[typed] {
		tr.step("phone", typed, "PJSIP/"+typed, "extension of a phone")
		tr.Route = call.Route{Endpoint: call.Endpoint("PJSIP/" + typed), Number: typed, Phone: typed}
		return
	}
	n := number.Compact(typed)
	if n != typed {
		tr.step("compact", typed, n, "blanks and punctuation removed")
	}
	if t.phones[n] {
		tr.step("phone", n, "PJSIP/"+n, "extension of a phone")
		tr.Route = call.Route{Endpoint: call.Endpoint("PJSIP/" + n), Number: n, Phone: n}
		return
	}
	if !number.IsDialable(n) {
		tr.fail("not a phone's name and not a number: digits, * and #, with + only in front")
		return
	}
	for _, r := range t.rules {
		if !r.match.match(n) || !r.serves(account) {
			continue
		}
		if r.Strip > len(n) {
			tr.fail("rule %q strips %d digits, but %q has only %d", r.Name, r.Strip, n, len(n))
			return
		}
		dialled := r.Prepend + n[r.Strip:]
		if !number.IsDialable(dialled) {
			tr.fail("rule %q makes %q of %q, which cannot be dialled", r.Name, dialled, n)
			return
		}
		tr.step(r.Name, n, dialled, "by trunk "+r.Trunk)
		id := r.CallerID
		if id == (call.CallerID{}) {
			id = t.trunks[r.Trunk].CallerID
		}
		tr.Route = call.Route{
			Endpoint: call.Endpoint("PJSIP/" + dialled + "@" + r.Trunk),
			Number:   dialled, Trunk: r.Trunk, Private: t.trunks[r.Trunk].Private, CallerID: id,
		}
		return
	}
	tr.fail("no phone has this extension and no route matches %q: add a route to the configuration", n)
}

func (r rule) serves(account call.AccountID) bool {
	if len(r.Accounts) == 0 {
		return true
	}
	for _, a := range r.Accounts {
		if a == account {
			return true
		}
	}
	return false
}

// resolveSIP takes the three forms of a PJSIP resource: phone, number@trunk,
// and trunk/sip:uri or phone/sip:uri (Asterisk: chan_pjsip.c request).
func (t *Table) resolveSIP(res string, tr *Trace) {
	whole := "PJSIP/" + res
	if name, uri, ok := strings.Cut(res, "/"); ok {
		t.resolveURI(name, uri, tr)
		return
	}
	if user, name, ok := strings.Cut(res, "@"); ok {
		trunk, known := t.trunks[name]
		if !known {
			tr.fail("no trunk is named %q", name)
			return
		}
		n, ok := trunkUser(user)
		if !ok {
			tr.fail("%q is not a number that can be dialled by trunk %s", user, name)
			return
		}
		tr.step("endpoint", res, "PJSIP/"+n+"@"+name, "by trunk "+name)
		tr.Route = call.Route{Endpoint: call.Endpoint("PJSIP/" + n + "@" + name), Number: n, Trunk: name, Private: trunk.Private, CallerID: trunk.CallerID}
		return
	}
	if !t.phones[res] {
		if t.trunks[res].Name != "" {
			tr.fail("%q is a trunk: say which number, as PJSIP/NUMBER@%s", res, res)
			return
		}
		tr.fail("no phone is named %q: see dialwright phones", res)
		return
	}
	tr.step("phone", res, whole, "registered phone")
	tr.Route = call.Route{Endpoint: call.Endpoint(whole), Number: res, Phone: res}
}

// resolveURI takes trunk/sip:uri and phone/sip:uri, and trunk/number as
// Asterisk's chan_sip wrote it. Either may lead to a
// carrier, so that the user part must be what the guard can judge.
func (t *Table) resolveURI(name, uri string, tr *Trace) {
	whole := "PJSIP/" + name + "/" + uri
	if !strings.HasPrefix(uri, "sip:") && !strings.HasPrefix(uri, "sips:") {
		if t.trunks[name].Name != "" && !strings.ContainsAny(uri, "@/") {
			t.resolveSIP(uri+"@"+name, tr)
			return
		}
		if !t.phones[name] && t.trunks[name].Name == "" {
			tr.fail("no phone and no trunk is named %q", name)
			return
		}
		tr.fail("after PJSIP/%s/ a SIP address is needed: sip:user@host", name)
		return
	}
	r := call.Route{Endpoint: call.Endpoint(whole)}
	trunk, ok := t.trunks[name]
	switch {
	case t.phones[name]:
		r.Phone = name
	case ok:
		r.Trunk, r.Private, r.CallerID = name, trunk.Private, trunk.CallerID
	default:
		tr.fail("no phone and no trunk is named %q", name)
		return
	}
	user, ok := userOf(uri)
	if !ok {
		tr.fail("%q does not name one number or name: sip:user@host, without password, parameters of the user and headers", uri)
		return
	}
	r.Number = user
	tr.step("endpoint", name+"/"+uri, whole, "address given by the request")
	tr.Route = r
}

// userOf gives the user part of a SIP address as its receiver understands it
// (RFC 3261 §19.1.4: an escaped character equals the plain one). False: it is
// nothing that trunkUser takes, or the address has headers (§19.1.1), which could
// name another one.
func userOf(uri string) (string, bool) {
	_, rest, _ := strings.Cut(uri, ":")
	user, host, ok := strings.Cut(rest, "@")
	if !ok || host == "" || strings.ContainsAny(host, "@?") {
		return "", false
	}
	plain, err := url.PathUnescape(user)
	if err != nil {
		return "", false
	}
	return trunkUser(plain)
}

// trunkUser gives what s is on a trunk: a compacted number, or a name of ASCII
// letters, digits, dots, hyphens and underscores. A name leaves the guard
// without a class, so that only trusted accounts and private trunks get so far.
func trunkUser(s string) (string, bool) {
	if n := number.Compact(s); number.IsDialable(n) {
		return n, true
	}
	letter := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			letter = true
		case c >= '0' && c <= '9', c == '.', c == '-', c == '_':
		default:
			return "", false
		}
	}
	return s, letter && len(s) <= number.MaxLength
}

// resolveLocal looks through a Local channel to what it will reach, so that
// guard and caps see the number behind it.
func (t *Table) resolveLocal(account call.AccountID, res string, tr *Trace) {
	whole := "Local/" + res
	spec, _, _ := strings.Cut(res, "/")
	exten, context, _ := strings.Cut(spec, "@")
	if exten == "" {
		tr.fail("Local/ needs an extension: Local/EXTENSION@CONTEXT")
		return
	}
	if t.dialplan(cmp.Or(context, "default")) {
		tr.step("local", res, whole, "into the dialplan")
		tr.Route = call.Route{Endpoint: call.Endpoint(whole)}
		return
	}
	inner := Trace{Typed: tr.Typed}
	target, err := t.inboundTarget(context, exten)
	if err == nil {
		t.resolveHop(account, target, &inner, 1)
		err = inner.Err
	}
	if err != nil {
		tr.fail("Local/%s: %s", res, err.Text)
		return
	}
	tr.Steps = append(tr.Steps, inner.Steps...)
	tr.step("local", string(inner.Route.Endpoint), whole, "through a Local channel")
	tr.Route = inner.Route
	tr.Route.Endpoint = call.Endpoint(whole)
}

func (t *Table) resolveHop(account call.AccountID, e call.Endpoint, tr *Trace, hop int) {
	if hop > maxHops {
		tr.fail("leads in a circle")
		return
	}
	if e.Tech() != "LOCAL" {
		t.resolve(account, e, tr)
		return
	}
	spec, _, _ := strings.Cut(e.Resource(), "/")
	exten, context, _ := strings.Cut(spec, "@")
	target, err := t.inboundTarget(context, exten)
	if err != nil {
		tr.Err = err
		return
	}
	t.resolveHop(account, target, tr, hop+1)
}

// Inbound resolves what a phone or trunk (or a Local channel) dialled in a
// context, on behalf of an account. Contexts that are not for outbound calls
// reach inbound rules and phones only. The error is an *Error.
func (t *Table) Inbound(account call.AccountID, context, dialled string) (call.Route, error) {
	target, err := t.inboundTarget(context, dialled)
	if err != nil {
		return call.Route{}, err
	}
	r, rerr := t.Route(account, target)
	r.Typed = dialled
	return r, rerr
}

func (t *Table) inboundTarget(context, dialled string) (call.Endpoint, *Error) {
	if context == "" {
		context = "default"
	}
	n := number.Compact(dialled)
	if !t.outbound[context] {
		for _, in := range t.inbound {
			if (in.Context == "" || in.Context == context) && in.match.match(n) {
				return in.To, nil
			}
		}
	}
	switch {
	case t.phones[dialled]:
		return call.Endpoint("PJSIP/" + dialled), nil
	case t.phones[n]:
		return call.Endpoint("PJSIP/" + n), nil
	case t.outbound[context]:
		return call.Endpoint(n), nil
	}
	return "", &Error{Typed: dialled, Text: "no phone has this extension and no inbound rule of context " + context + " matches"}
}
