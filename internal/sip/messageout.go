package sip

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// Message sends a text (RFC 3428) and waits for the final answer, at the latest
// until ctx ends. To a phone it goes to all its contacts at once; the first that
// takes it is enough. to is, with or without "pjsip:" or "PJSIP/" before it
// (Asterisk: res_pjsip_messaging.c get_outbound_endpoint):
//
//	101                     phone 101
//	4930@carrier            4930 at a trunk
//	carrier/sip:user@host   this address, with the trunk's settings
//	sip:101@pbx.example.com one of our own phones, by our domain
//	sip:user@host           any other address, with no account
//
// from is shown to the receiver: "101", "sip:101@host", `"Alice" <sip:101@host>`,
// "" = nobody. A trunk's FromUser and FromDomain stand in the place of what it
// says. Headers that belong to the request itself are left out. The text is
// UTF-8, at most 8192 bytes.
//
// The error is a *call.Failure: Permanent for somebody who does not exist (cause
// 3) or a text that cannot be sent (127), cause 20 for a phone that is not
// registered, with SIPStatus for a refusal.
//
// The guard is not asked: a text is no call. Who lets strangers send texts
// through trunks looks at that first.
func (t *Technology) Message(ctx context.Context, to, from, body string, headers []pbx.Header) error {
	if len(body) > maxMessage || !utf8.ValidString(body) {
		return &call.Failure{Disposition: call.Failed, Cause: int(cause.Interworking), Permanent: true, Text: fmt.Sprintf("a text has at most %d bytes of UTF-8", maxMessage)}
	}
	d, err := t.receiver(to)
	if err != nil {
		return err
	}
	return t.sendAlone(ctx, d, from, func(a address) ua.RequestOptions {
		return ua.RequestOptions{Method: sip.MESSAGE, ContentType: "text/plain;charset=utf-8", Body: []byte(body), Headers: uaHeaders(extraHeaders(headers))}
	})
}

// Refer asks a phone or trunk, outside any call, to call referTo (RFC 3515), and
// waits for its answer; how that call goes is not heard of (RFC 4488). to, from
// and the error are as in Message. referTo is a SIP address, an endpoint as in
// to, or a number. An endpoint is named by where it is registered; with toSelf
// by its address at this server, so that the call comes through us (spec: ari 4
// endpoints).
//
// The guard is not asked, although a call may follow: a phone that calls us is
// judged then, where a call goes past us there is nothing to judge. Who lets
// strangers do this asks first whether they may dial both.
func (t *Technology) Refer(ctx context.Context, to, from, referTo string, toSelf bool, headers []pbx.Header) error {
	d, err := t.receiver(to)
	if err != nil {
		return err
	}
	if _, err := t.referTarget(referTo, toSelf, nil); err != nil {
		return err
	}
	return t.sendAlone(ctx, d, from, func(a address) ua.RequestOptions {
		target, _ := t.referTarget(referTo, toSelf, &a) // was looked at already
		all := append([]pbx.Header{header("Refer-To", "<"+target+">"), header("Refer-Sub", "false")}, extraHeaders(headers)...)
		return ua.RequestOptions{Method: sip.REFER, Headers: uaHeaders(all)}
	})
}

// CanReach says, without sending anything, why Message and Refer would have no
// address to send to: the same *call.Failure, or nil. A door that answers before
// the message is delivered, as Asterisk's ARI does (observed: Asterisk 22.10,
// spec vectors 19), asks it first.
func (t *Technology) CanReach(to string) error {
	_, err := t.receiver(to)
	return err
}

// sendAlone sends what ask makes to every address and gives nil as soon as one
// has accepted it, else the failure that says most.
func (t *Technology) sendAlone(ctx context.Context, d receiver, from string, ask func(address) ua.RequestOptions) error {
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop() // before the wait
	results := make(chan *call.Failure, len(d.addrs))
	for _, a := range d.addrs {
		o := ask(a)
		o.Target, o.Route, o.Flow = a.uri, a.route, a.flow
		t.identify(&o, d.prof, from)
		wg.Go(func() { results <- t.askAlone(ctx, o) })
	}
	var failed *call.Failure
	for range d.addrs {
		f := <-results
		if f == nil {
			return nil
		}
		failed = worse(failed, f)
	}
	return failed
}

// askAlone sends one request; nil = accepted.
func (t *Technology) askAlone(ctx context.Context, o ua.RequestOptions) *call.Failure {
	status, reason, err := t.agent.Request(ctx, o)
	switch {
	case err != nil:
		return &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Text: fmt.Sprintf("no answer to %s", o.Method), Err: err}
	case status >= 300:
		code := cause.FromSIP(status)
		return &call.Failure{Disposition: call.Disposition(code.Disposition()), Cause: int(code), SIPStatus: status, Peer: reason, Text: fmt.Sprintf("%s was refused", o.Method)}
	}
	return nil
}

// identify fills in who sends a request: as calls to the endpoint show a caller.
func (t *Technology) identify(o *ua.RequestOptions, p *profile, from string) {
	name, user, host := sender(from)
	if p == nil {
		o.From = ua.Identity{DisplayName: name, User: user, Host: cmp.Or(host, t.config.Domain)}
		return
	}
	id := p.identity(call.CallerID{Name: name, Number: user}, t.domain(o.Flow))
	if p.kind == kindPhone && host != "" && user != "" {
		id.host = host
	}
	o.From = ua.Identity{DisplayName: id.display, User: id.user, Host: id.host}
	o.Headers = append(o.Headers, uaHeaders(id.headers)...)
	if o.Method == sip.REFER { // RFC 3892
		o.Headers = append(o.Headers, ua.Header{Name: "Referred-By", Value: o.From.NameAddr()})
	}
	if p.kind == kindTrunk && p.trunk.User != "" {
		o.Auth = &ua.Credentials{User: p.trunk.AuthUser, Password: p.trunk.Password}
	}
}

func uaHeaders(in []pbx.Header) []ua.Header {
	out := make([]ua.Header, len(in))
	for i, h := range in {
		out[i] = ua.Header{Name: h.Name, Value: h.Value}
	}
	return out
}
