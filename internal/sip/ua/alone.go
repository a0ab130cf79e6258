package ua

import (
	"context"
	"errors"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// RequestOptions is a request outside a call: MESSAGE, REFER, NOTIFY.
type RequestOptions struct {
	Method      sip.RequestMethod
	Target      sip.Uri      // Request-URI
	Route       []sip.Uri    // outbound proxy or path of a binding
	Flow        *sipnet.Flow // of a registered contact (N6); nil = find Target or the first Route
	From        Identity     // Host "" = our advertised host
	To          *Identity    // nil = Target
	Headers     []Header     // as in InviteOptions
	ContentType string       // of Body
	Body        []byte       // nil = none
	Auth        *Credentials // for 401 and 407 (D6)
}

// Request sends a request outside calls and waits for its final answer, at the
// latest until ctx ends. A refusal is no error here: status and reason say it.
// Errors are those of a request that cannot be written (ErrURI, ErrHeader), and
// those of one that nobody has answered (txn.ErrTimeout, txn.ErrTransport).
func (a *Agent) Request(ctx context.Context, o RequestOptions) (status int, reason string, err error) {
	build, err := a.requestAlone(o)
	if err != nil {
		return 0, "", err
	}
	type result struct {
		r   *sip.Response
		err error
	}
	got := make(chan result, 1)
	ruri, routes := routeTo(o.Target, o.Route)
	x := &exchange{a: a, wallet: newWallet(o.Auth), flow: o.Flow, uri: nextHop(ruri, routes), build: build}
	if len(o.Route) > 0 && !isLoose(o.Route[0]) {
		x.uri = ruri
	}
	x.on = func(r *sip.Response, err error) {
		if err != nil || r.StatusCode >= 200 {
			got <- result{r, err}
		}
	}
	x.start()
	select {
	case g := <-got:
		if g.err != nil {
			return 0, "", g.err
		}
		return g.r.StatusCode, cleanText(g.r.Reason), nil
	case <-ctx.Done():
		x.abandon()
		return 0, "", context.Cause(ctx)
	}
}

// requestAlone checks o and gives what makes the request: each time anew, with
// the next CSeq, after a challenge or at another address (RFC 3261 §8.1.3.5).
// It runs on one goroutine at a time.
func (a *Agent) requestAlone(o RequestOptions) (func(*sipnet.Flow) *sip.Request, error) {
	err := checkURI(o.Target)
	for _, r := range o.Route {
		err = errors.Join(err, checkURI(r))
	}
	headers, herr := checkHeaders(o.Headers)
	if err = errors.Join(err, herr); err != nil {
		return nil, err
	}
	ruri, routes := routeTo(o.Target, o.Route)
	callID, tag, seq := sip.CallIDHeader(a.token(24)), a.token(12), uint32(0)
	return func(f *sipnet.Flow) *sip.Request {
		seq++
		r := sip.NewRequest(o.Method, ruri)
		for _, u := range routes {
			r.AppendHeader(&sip.RouteHeader{Address: u})
		}
		maxForwards := sip.MaxForwardsHeader(70)
		r.AppendHeader(&maxForwards)
		from, to := a.partiesAlone(o, f)
		from.Params = sip.HeaderParams{{K: "tag", V: tag}}
		r.AppendHeader(from)
		r.AppendHeader(to)
		r.AppendHeader(&callID)
		r.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: o.Method})
		if o.Method != sip.MESSAGE { // RFC 3428 §4: no Contact in MESSAGE
			r.AppendHeader(&sip.ContactHeader{Address: contactFor(f, o.From.User)})
			r.AppendHeader(sip.NewHeader("Supported", supported))
		}
		r.AppendHeader(sip.NewHeader("Allow", allowed))
		if a.cfg.UserAgent != "" {
			r.AppendHeader(sip.NewHeader("User-Agent", cleanText(a.cfg.UserAgent)))
		}
		for _, h := range headers {
			r.AppendHeader(h)
		}
		setBody(r, o.ContentType, o.Body)
		if len(o.Body) == 0 {
			r.SetBody(nil)
		}
		return r
	}, nil
}

// partiesAlone gives From, without its tag, and To.
func (a *Agent) partiesAlone(o RequestOptions, f *sipnet.Flow) (*sip.FromHeader, *sip.ToHeader) {
	scheme := "sip"
	if o.Target.Scheme == "sips" {
		scheme = "sips"
	}
	from := &sip.FromHeader{DisplayName: quoteDisplay(o.From.DisplayName), Address: o.From.uri(scheme)}
	if from.Address.Host == "" {
		from.Address.Host, _ = f.SentBy()
		if from.Address.Host == "" {
			from.Address.Host, _ = cleanHost(a.cfg.Realm)
		}
	}
	if o.To != nil {
		return from, &sip.ToHeader{DisplayName: quoteDisplay(o.To.DisplayName), Address: o.To.uri(scheme)}
	}
	to := *o.Target.Clone()
	to.Headers, to.UriParams, to.Port = nil, nil, 0 // RFC 3261 §19.1.1 table 1: neither belongs in To
	return from, &sip.ToHeader{Address: to}
}

// Respond answers a request outside calls (OnMessage, OnOptions). Headers that
// may not be set are left out.
func (a *Agent) Respond(tx *txn.ServerTx, status int, reason string, headers ...Header) {
	var extra []sip.Header
	for _, h := range headers {
		if checked, err := checkHeaders([]Header{h}); err == nil {
			extra = append(extra, checked...)
		}
	}
	a.respond(tx, status, reason, extra...)
}
