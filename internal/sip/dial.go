package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// address is where a fork goes.
type address struct {
	uri   sip.Uri
	route []sip.Uri
	flow  *sipnet.Flow // nil: by look-up of uri
}

// Request prepares a leg to a phone or trunk. Nothing is sent. A name that
// does not exist is refused with cause 3 (permanent), a phone without a usable
// contact with cause 20, a trunk that does not answer OPTIONS with 27. Follows Asterisk: chan_pjsip.c request.
func (t *Technology) Request(_ context.Context, res string, o pbx.RequestOptions) (pbx.Leg, error) {
	r, err := parseResource(res)
	if err != nil {
		return nil, unknownEndpoint(res, err)
	}
	dir := t.dir.Load()
	p, ok := dir.byName[r.name]
	if !ok {
		return nil, unknownEndpoint(res, nil)
	}
	if t.stopping.Load() {
		return nil, &call.Failure{Disposition: call.Congestion, Cause: int(cause.SwitchCongestion), Text: "the server is stopping"}
	}
	if f := t.unreachable(dir, p, r); f != nil {
		return nil, f
	}
	l := t.newLeg(o, r, p, res)
	l.firstID = t.newCallID() // shown before anything is sent
	l.info.CallID = l.firstID
	t.legs.add(l)
	return l, nil
}

// unreachable is why a call would have no chance now, or nil. A phone without
// a usable contact is absent; a trunk that does not answer OPTIONS is out of
// order, which is told at once instead of after 32 s of silence.
func (t *Technology) unreachable(dir *directory, p *profile, r resource) *call.Failure {
	switch {
	case p.kind == kindTrunk && !t.lineOf(p.name).reachable("", dir.config.QualifyFailures):
		return &call.Failure{
			Disposition: call.Disposition(cause.OutOfOrder.Disposition()), Cause: int(cause.OutOfOrder),
			Text: fmt.Sprintf("trunk %s does not answer OPTIONS", p.name),
		}
	case p.kind == kindPhone && r.uri == "":
		return t.absent(dir, p)
	}
	return nil
}

// absent is why a phone cannot be called now, or nil.
func (t *Technology) absent(dir *directory, p *profile) *call.Failure {
	if len(t.bindings(p.name)) == 0 {
		return notRegistered(p.name, "not registered")
	}
	if len(t.contacts(dir, p)) == 0 {
		return notRegistered(p.name, "registered but does not answer OPTIONS")
	}
	return nil
}

// Dial sends the INVITE, or one to each contact of the phone at once. The
// first answer wins.
func (l *leg) Dial(o pbx.DialOptions) error {
	if l.incoming {
		return errDirection
	}
	var err error
	l.q.wait(func() {
		if l.state != legNew {
			err = errDialled
			return
		}
		l.dial(o)
	})
	return err
}

func (l *leg) dial(o pbx.DialOptions) {
	l.state = legCalling
	l.extra = o.Headers
	l.shown = o.CallerID
	l.ln.set(l, phaseDialling)
	if f := l.launch(l.prof, l.res, 0); f != nil {
		l.failure = f
	}
	l.endIfIdle()
}

// launch sends the INVITEs for a resource. The failure is that of the last
// address, if not a single INVITE could be sent.
func (l *leg) launch(p *profile, r resource, hops int) *call.Failure {
	addrs, err := l.t.addresses(p, r)
	if err != nil {
		f, ok := errors.AsType[*call.Failure](err)
		if !ok {
			f = &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Text: err.Error(), Err: err}
		}
		return f
	}
	var failed *call.Failure
	sent := 0
	for _, a := range addrs {
		if err := l.invite(p, a, hops); err != nil {
			failed = sendFailure(err)
			continue
		}
		sent++
	}
	if sent > 0 {
		return nil
	}
	return failed
}

// addresses says where the INVITEs for a resource go.
func (t *Technology) addresses(p *profile, r resource) ([]address, error) {
	if p.kind == kindTrunk {
		a, err := p.trunk.target(r)
		return []address{a}, err
	}
	dir := t.dir.Load()
	contacts := t.contacts(dir, p)
	if r.uri != "" {
		u, err := parseURI(r.uri)
		return []address{{uri: u}}, err
	}
	if f := t.absent(dir, p); f != nil {
		return nil, f
	}
	var out []address
	for _, b := range contacts {
		u := *b.Contact.Clone()
		if r.user != "" {
			u.User = escapeUser(r.user)
		}
		out = append(out, address{uri: u, route: b.Path, flow: t.flowTo(t.base, b)})
	}
	return out, nil
}

// target is the Request-URI and the route for a number at a trunk.
func (tr Trunk) target(r resource) (address, error) {
	var a address
	if r.uri != "" {
		u, err := parseURI(r.uri)
		if err != nil {
			return a, err
		}
		a.uri = u
	} else {
		a.uri = tr.uri(r.user)
	}
	if tr.OutboundProxy != "" {
		proxy, err := parseProxy(tr.OutboundProxy)
		if err != nil {
			return a, err
		}
		a.route = []sip.Uri{proxy}
	}
	return a, nil
}

// uri is a SIP URI at the trunk's server; user may be empty.
func (tr Trunk) uri(user string) sip.Uri {
	u := sip.Uri{Scheme: "sip", User: escapeUser(user), Host: strings.Trim(tr.Host, "[]"), Port: tr.Port}
	if tr.Transport != "" && tr.Transport != "udp" {
		u.UriParams = sip.NewParams()
		u.UriParams.Add("transport", tr.Transport)
	}
	return u
}

// address is how the trunk is shown to people: "sip:host:port;transport=tcp".
func (tr Trunk) address() string {
	u := tr.uri("")
	return u.String()
}

// invite sends one INVITE.
func (l *leg) invite(p *profile, a address, hops int) error {
	str, err := l.openStream(l.t.browserFlow(a.flow), a.flow)
	if err != nil {
		return err
	}
	f := &fork{prof: p, ln: l.t.lineOf(p.name), hops: hops, str: str, neg: l.negotiator(str, p, a.flow)}
	offer, err := f.neg.Offer()
	if err != nil {
		return err
	}
	id := p.identity(l.shown, l.t.domain(a.flow))
	o := ua.InviteOptions{
		Target: a.uri, Route: a.route, Flow: a.flow,
		From:    ua.Identity{DisplayName: id.display, User: id.user, Host: id.host},
		CallID:  l.callID(),
		SDP:     offer,
		Headers: l.headers(p, id, a.flow),
		Events:  func(e ua.Event) { l.q.post(func() { l.forkEvent(f, e) }) },
	}
	if p.kind == kindTrunk {
		o.ContactUser = p.trunk.User
		if p.trunk.User != "" {
			o.Auth = &ua.Credentials{User: p.trunk.AuthUser, Password: p.trunk.Password}
		}
	}
	l.claim(o.CallID)
	f.call, err = l.t.agent.Invite(o)
	if err != nil {
		return err
	}
	l.forks = append(l.forks, f)
	l.live++
	return nil
}

// callID gives the Call-ID of the next INVITE: of the first what the channel has
// shown since it was made.
func (l *leg) callID() string {
	id := l.firstID
	l.firstID = ""
	if id == "" {
		id = l.t.newCallID()
	}
	return id
}

// headers are those beside the ones of the dialog: the caller's identity, auto
// answer, and what the request asked for.
func (l *leg) headers(p *profile, id identity, flow *sipnet.Flow) []ua.Header {
	all := id.headers
	if l.o.AutoAnswer && p.kind == kindPhone {
		all = append(all, AutoAnswerHeaders(p.phone.AutoAnswer, l.t.ownHost(flow))...)
	}
	all = append(all, extraHeaders(l.extra)...)
	out := make([]ua.Header, len(all))
	for i, h := range all {
		out[i] = ua.Header{Name: h.Name, Value: h.Value}
	}
	return out
}

// sendFailure is why an INVITE could not be sent at all.
func sendFailure(err error) *call.Failure {
	if f, ok := errors.AsType[*call.Failure](err); ok {
		return f
	}
	return &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Text: "cannot send the INVITE", Err: err}
}

// dialFollowed sends the INVITEs to where a 302 pointed.
func (l *leg) dialFollowed(endpoint call.Endpoint, hops int) *call.Failure {
	r, err := parseResource(endpoint.Resource())
	if err != nil {
		return unknownEndpoint(endpoint.Resource(), err)
	}
	p, ok := l.t.dir.Load().byName[r.name]
	if !ok {
		return unknownEndpoint(endpoint.Resource(), nil)
	}
	return l.launch(p, r, hops)
}
