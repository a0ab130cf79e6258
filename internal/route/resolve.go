package route

import (
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
		tr.fail("technology %q is not known: PJSIP, Local and plain numbers are", string(e[:strings.IndexByte(string(e), '/')]))
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
			Number:   dialled, Trunk: r.Trunk, CallerID: id,
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
		r := call.Route{Endpoint: call.Endpoint(whole), Number: userOf(uri)}
		switch {
		case !strings.HasPrefix(uri, "sip:") && !strings.HasPrefix(uri, "sips:"):
			tr.fail("after PJSIP/%s/ a SIP address is needed: sip:user@host", name)
			return
		case t.phones[name]:
			r.Phone = name
		case t.trunks[name].Name != "":
			r.Trunk, r.CallerID = name, t.trunks[name].CallerID
		default:
			tr.fail("no phone and no trunk is named %q", name)
			return
		}
		tr.step("endpoint", res, whole, "address given by the request")
		tr.Route = r
		return
	}
	if user, name, ok := strings.Cut(res, "@"); ok {
		n := number.Compact(user)
		trunk, known := t.trunks[name]
		switch {
		case !known:
			tr.fail("no trunk is named %q", name)
			return
		case n == "" || strings.ContainsAny(n, "<>\"@;?& "):
			tr.fail("%q is not a number that can be dialled by trunk %s", user, name)
			return
		}
		tr.step("endpoint", res, "PJSIP/"+n+"@"+name, "by trunk "+name)
		tr.Route = call.Route{Endpoint: call.Endpoint("PJSIP/" + n + "@" + name), Number: n, Trunk: name, CallerID: trunk.CallerID}
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

// userOf gives the user part of a SIP address, for the guard.
func userOf(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	user, _, ok := strings.Cut(rest, "@")
	if !ok {
		return ""
	}
	user, _, _ = strings.Cut(user, ";")
	return number.Compact(user)
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
