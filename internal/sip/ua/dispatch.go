package ua

import (
	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// allowed lists the methods that we answer (RFC 3261 §20.5).
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE, SUBSCRIBE"

// supported lists our extensions (RFC 3261 §20.37).
const supported = "100rel, timer, replaces, norefersub"

// onRequest takes every request but ACK and CANCEL, on a read loop.
func (a *Agent) onRequest(tx *txn.ServerTx) {
	req := tx.Request()
	defer a.recovered("request", nil)
	if tag := toTag(req); tag != "" {
		if c := a.find(callIDOf(req), tag); c != nil && c.inDialog(tx) {
			return
		}
		a.respond(tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist") // RFC 3261 §12.2.2
		return
	}
	switch req.Method {
	case sip.INVITE:
		a.incoming(tx)
		return
	case sip.REGISTER:
		a.registrar.handle(tx)
		return
	case sip.BYE, sip.INFO, sip.PRACK, sip.UPDATE:
		a.respond(tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	}
	a.mu.Lock()
	f := a.others[req.Method]
	a.mu.Unlock()
	switch {
	case f != nil:
		f(tx)
	case req.Method == sip.OPTIONS: // D13
		a.respond(tx, sip.StatusOK, "OK", sip.NewHeader("Accept", "application/sdp"), sip.NewHeader("Supported", supported))
	case req.Method == sip.SUBSCRIBE:
		a.respond(tx, 489, "Bad Event")
	case req.Method == sip.NOTIFY:
		a.respond(tx, sip.StatusCallTransactionDoesNotExists, "Subscription Does Not Exist") // RFC 6665 §4.1.3
	default:
		a.respond(tx, sip.StatusMethodNotAllowed, "Method Not Allowed")
	}
}

// respond answers a request that belongs to no call.
func (a *Agent) respond(tx *txn.ServerTx, status int, reason string, headers ...sip.Header) {
	r := txn.NewResponse(tx.Request(), status, reason, a.token(10))
	for _, h := range headers {
		r.AppendHeader(h)
	}
	if status == sip.StatusMethodNotAllowed || status == sip.StatusOK {
		r.AppendHeader(sip.NewHeader("Allow", allowed))
	}
	a.finishResponse(r)
	a.reply(tx, r)
}

func (a *Agent) finishResponse(r *sip.Response) {
	if a.cfg.UserAgent != "" {
		r.AppendHeader(sip.NewHeader("Server", cleanText(a.cfg.UserAgent)))
	}
	if r.ContentLength() == nil {
		r.SetBody(nil)
	}
}

func (a *Agent) reply(tx *txn.ServerTx, r *sip.Response) {
	if err := tx.Respond(r); err != nil {
		a.log.Debug("response not sent", "status", r.StatusCode, "error", err)
	}
}

// onAck takes the ACK to a 2xx of ours.
func (a *Agent) onAck(_ *sipnet.Flow, ack *sip.Request) {
	defer a.recovered("ack", nil)
	if c := a.find(callIDOf(ack), toTag(ack)); c != nil {
		c.onAck(ack)
	}
}

// onStray2xx takes a 2xx to an INVITE whose transaction has ended: a
// repetition, or another fork's answer (D1, D2).
func (a *Agent) onStray2xx(f *sipnet.Flow, r *sip.Response) {
	defer a.recovered("2xx", nil)
	if c := a.find(callIDOf(r), fromTag(r)); c != nil {
		c.stray2xx(f, r)
	}
}

// Authorize checks the digest credentials of an incoming call (D7). When they
// are missing or wrong it answers the INVITE itself (401, or 403 to a source
// that failed too often) and ok is false: the call is then over, without an
// event. It is for use inside the OnInvite callback.
//
// A flow with an identity (sipnet.Flow.Identity) needs no credentials for its own
// phone and may not act for another: 403.
func (a *Agent) Authorize(c *Call) (user string, ok bool) {
	if a.auth == nil {
		c.refuse(sip.StatusForbidden, "Forbidden", nil)
		return "", false
	}
	if who := c.stx.Flow().Identity(); who != "" {
		if !speaksFor(who, c.request) {
			c.refuse(sip.StatusForbidden, "Forbidden", nil)
			return "", false
		}
		c.isOf(who)
		return who, true
	}
	source := c.stx.Flow().RemoteAddr().Addr().String()
	user, v := a.auth.check(c.request, source, false)
	switch v {
	case authOK:
		c.isOf(user)
		return user, true
	case authBlocked:
		c.refuse(sip.StatusForbidden, "Forbidden", nil)
	default:
		c.refuse(sip.StatusUnauthorized, "Unauthorized", func(r *sip.Response) { a.auth.challenge(r, v == authStale, false) })
	}
	return "", false
}

// AuthorizeRequest is Authorize for a request outside calls (MESSAGE,
// SUBSCRIBE): it answers the request itself unless ok.
func (a *Agent) AuthorizeRequest(tx *txn.ServerTx) (user string, ok bool) {
	if a.auth == nil {
		a.respond(tx, sip.StatusForbidden, "Forbidden")
		return "", false
	}
	if who := tx.Flow().Identity(); who != "" {
		if !speaksFor(who, tx.Request()) {
			a.respond(tx, sip.StatusForbidden, "Forbidden")
			return "", false
		}
		return who, true
	}
	user, v := a.auth.check(tx.Request(), tx.Flow().RemoteAddr().Addr().String(), false)
	switch v {
	case authOK:
		return user, true
	case authBlocked:
		a.respond(tx, sip.StatusForbidden, "Forbidden")
	default:
		r := txn.NewResponse(tx.Request(), sip.StatusUnauthorized, "Unauthorized", a.token(10))
		a.auth.challenge(r, v == authStale, false)
		a.finishResponse(r)
		a.reply(tx, r)
	}
	return "", false
}

// speaksFor says whether a request claims to be from the phone that its flow has
// proved to be (RFC 3261 §22.1: the identity is what From says).
func speaksFor(phone string, req *sip.Request) bool {
	return UnescapeUser(req.From().Address.User) == phone
}

// contactFor gives our Contact URI towards the peer of f.
func contactFor(f *sipnet.Flow, user string) sip.Uri {
	host, port := f.SentBy()
	host, _ = cleanHost(host)
	u := sip.Uri{Scheme: "sip", User: EscapeUser(user), Host: host, Port: port}
	switch tp := f.Transport(); tp {
	case sipnet.TCP, sipnet.TLS: // tls is deprecated by RFC 3261 §26.2.2, but phones and Asterisk write and expect it
		u.UriParams = sip.HeaderParams{{K: "transport", V: string(tp)}}
	case sipnet.WS, sipnet.WSS: // RFC 7118 §5.4.1: ws for both
		u.UriParams = sip.HeaderParams{{K: "transport", V: "ws"}}
	}
	return u
}
