package ua

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// incomingState is what a call needs as UAS of an INVITE: the initial one or
// a re-INVITE. Guarded by the call's mutex.
type incomingState struct {
	lastProvisional *sip.Response // repeated each minute
	provT           timer
	final           bool          // the initial INVITE has its final answer
	unackedOK       *successState // a 2xx of ours that waits for its ACK
	byeAfterAck     bool          // hung up meanwhile
	byeCause        cause.Code
	reliableState   // reliable.go
}

// successState repeats a 2xx until its ACK (D4).
type successState struct {
	tx     *txn.ServerTx
	resp   *sip.Response
	seq    uint32
	offer  bool // the 2xx carries our offer: the ACK must answer
	repeat timer
	wait   time.Duration
	since  time.Time
}

// incoming takes a new INVITE outside dialogs.
func (a *Agent) incoming(tx *txn.ServerTx) {
	req := tx.Request()
	if _, ok := contactOf(req); !ok { // RFC 3261 §8.1.1.8: one usable Contact
		a.respond(tx, sip.StatusBadRequest, "Missing Contact")
		return
	}
	a.mu.Lock()
	f := a.onInvite
	a.mu.Unlock()
	if f == nil {
		a.respond(tx, sip.StatusTemporarilyUnavailable, "Temporarily Unavailable")
		return
	}
	c := a.newIncoming(tx)
	if status, reason, headers := c.admit(); status != 0 {
		a.respond(tx, status, reason, headers...)
		return
	}
	if !a.add(c) {
		a.respond(tx, sip.StatusServiceUnavailable, "Service Unavailable", sip.NewHeader("Retry-After", "60"))
		return
	}
	c.mu.Lock()
	c.keep(tx.Flow())
	c.mu.Unlock()
	tx.OnCancel(c.onCancel)
	tx.OnEnd(c.onInviteEnd)
	f(c, req)
}

func (a *Agent) newIncoming(tx *txn.ServerTx) *Call {
	req := tx.Request()
	from, to := req.From(), req.To()
	c := &Call{
		a: a, dir: Incoming, callID: callIDOf(req), localTag: a.token(12), wallet: newWallet(nil), done: make(chan struct{}),
		request: req, stx: tx, state: offered, acks: map[ackKey]*sentAck{},
		local:       sip.FromHeader{DisplayName: to.DisplayName, Address: *to.Address.Clone(), Params: withoutTag(to.Params)},
		remote:      sip.ToHeader{DisplayName: from.DisplayName, Address: *from.Address.Clone(), Params: withoutTag(from.Params)},
		contactUser: req.Recipient.User,
	}
	d := &dialog{remoteTag: fromTag(req), routes: recordRoutes(req, false)}
	d.accept(cseqOf(req))
	d.refresh(req, tx.Flow())
	d.sticky = d.sticky || a.registrar.owns(tx.Flow())
	d.allowUpdate = hasOption(req, "Allow", string(sip.UPDATE))
	c.dlg = d
	c.peerSDP = sdpOf(req)
	c.weOffer = len(c.peerSDP) == 0
	c.mustReliable = hasOption(req, "Require", "100rel") // D9: only when the peer requires it
	c.refreshState.want, c.refreshState.minSE = a.cfg.SessionExpires, a.cfg.MinSE
	c.begin() // until the INVITE has its final answer
	return c
}

// admit checks what an INVITE asks for; status 0 means that it may pass.
func (c *Call) admit() (status int, reason string, headers []sip.Header) {
	if ct, _ := splitParams(headerValue(c.request, "Content-Type")); len(c.request.Body()) > 0 && len(c.peerSDP) == 0 && ct != "" {
		return sip.StatusUnsupportedMediaType, "Unsupported Media Type", []sip.Header{sip.NewHeader("Accept", "application/sdp, multipart/mixed")} // RFC 3261 §8.2.3
	}
	if low := c.refreshTooSmall(c.request); low != nil {
		return 422, "Session Interval Too Small", []sip.Header{low}
	}
	v := headerValue(c.request, "Replaces")
	if v == "" {
		return 0, "", nil
	}
	return c.findReplaced(v)
}

// findReplaced finds the call that Replaces names (RFC 3891 §3). The tags are
// from the view of the call's peer: to-tag is ours.
func (c *Call) findReplaced(v string) (status int, reason string, headers []sip.Header) {
	id, p := splitParams(v)
	old := c.a.find(id, p["to-tag"])
	if old == nil {
		return sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist", nil
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	_, earlyOnly := p["early-only"]
	switch {
	case old.dialogOf(p["from-tag"]) == nil:
		return sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist", nil
	case old.state == ended:
		return sip.StatusGlobalDecline, "Declined", nil
	case earlyOnly && old.state >= answered:
		return sip.StatusBusyHere, "Busy Here", nil
	case old.state == offered: // RFC 3891 §3: an early dialog that we did not initiate
		return sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist", nil
	}
	c.replaced, c.replaces = old, v
	return 0, "", nil
}

// response makes a response to a request of the peer in this call.
func (c *Call) response(tx *txn.ServerTx, status int, reason string) *sip.Response {
	req := tx.Request()
	r := txn.NewResponse(req, status, cleanText(reason), c.localTag)
	if (req.Method == sip.INVITE || req.Method == sip.UPDATE) && status < 300 {
		r.AppendHeader(c.contact(tx.Flow()))
		r.AppendHeader(sip.NewHeader("Allow", allowed))
		r.AppendHeader(sip.NewHeader("Supported", supported))
		c.appendEvents(r)
	}
	return r
}

// send queues a response. The mutex is held.
func (c *Call) send(tx *txn.ServerTx, r *sip.Response) {
	c.a.finishResponse(r)
	c.do(func() { c.a.reply(tx, r) })
}

// simple queues a response without a body. The mutex is held.
func (c *Call) simple(tx *txn.ServerTx, status int, reason string, headers ...sip.Header) {
	r := c.response(tx, status, reason)
	for _, h := range headers {
		r.AppendHeader(h)
	}
	c.send(tx, r)
}

// Provisional answers an incoming call with 101-199, with a session
// description (early media) or without. Reliably if the caller requires it (D9).
func (c *Call) Provisional(status int, reason string, sdp []byte) error {
	if status <= 100 || status > 199 {
		return ErrState
	}
	c.mu.Lock()
	defer c.unlockAPI()
	if c.dir != Incoming || c.state != offered || c.final {
		return ErrState
	}
	r := c.response(c.stx, status, reason)
	setSDP(r, sdp)
	if len(sdp) > 0 {
		c.localSDP = sdp
	}
	if c.mustReliable {
		c.sendReliable(r)
		return nil
	}
	c.lastProvisional = r
	c.send(c.stx, r)
	c.tickProvisional()
	return nil
}

// tickProvisional repeats the last provisional each minute, so that proxies
// between us keep waiting (RFC 3261 §13.3.1.1).
func (c *Call) tickProvisional() {
	c.arm(&c.provT, provisionalTick, func() {
		if c.state == offered && c.lastProvisional != nil {
			r := c.lastProvisional
			c.do(func() { c.a.reply(c.stx, r) })
			c.tickProvisional()
		}
	})
}

// Answer accepts an incoming call with 200. An empty sdp means the one of the
// last Provisional.
func (c *Call) Answer(sdp []byte, headers ...Header) error {
	extra, err := checkHeaders(headers)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.unlockAPI()
	if c.dir != Incoming || c.state != offered || c.final {
		return ErrState
	}
	if len(sdp) == 0 {
		sdp = c.localSDP
	}
	c.localSDP = sdp
	c.final = true
	r := c.response(c.stx, sip.StatusOK, "OK")
	for _, h := range extra {
		r.AppendHeader(h)
	}
	c.answerRefresh(c.request, r)
	setSDP(r, sdp)
	c.afterReliable(func() { c.answerNow(r) }) // RFC 3262 §3: not while a provisional with SDP is unacknowledged
	return nil
}

func (c *Call) answerNow(r *sip.Response) {
	if c.state != offered {
		return
	}
	c.state = answered
	c.provT.stop()
	c.sendSuccess(c.stx, r, c.weOffer)
	c.finish() // sendSuccess counts for itself
}

// sendSuccess sends a 2xx to an INVITE and repeats it until the ACK (D4).
func (c *Call) sendSuccess(tx *txn.ServerTx, r *sip.Response, offer bool) {
	s := &successState{tx: tx, resp: r, seq: cseqOf(tx.Request()), offer: offer, wait: c.a.cfg.T1, since: time.Now()}
	if c.unackedOK != nil {
		c.unackedOK.repeat.stop()
		c.finish()
	}
	c.unackedOK = s
	c.begin()
	c.send(tx, r)
	c.repeatSuccess(s)
}

// repeatSuccess: 0.5, 1, 2, 4, 4 … s, and BYE after 32 s (D4, RFC 3261 §13.3.1.4).
func (c *Call) repeatSuccess(s *successState) {
	limit := 64 * c.a.cfg.T1
	rest := limit - time.Since(s.since)
	c.arm(&s.repeat, min(s.wait, rest), func() {
		if c.unackedOK != s {
			return
		}
		if time.Since(s.since) >= limit {
			c.noAck()
			return
		}
		c.do(func() { c.a.reply(s.tx, s.resp) })
		s.wait = min(2*s.wait, c.a.cfg.T2)
		c.repeatSuccess(s)
	})
}

// noAck ends a call whose 2xx nobody acknowledged.
func (c *Call) noAck() {
	code := c.byeCause
	if c.state != ended {
		code = cause.NoUserResponse // D16: our timeout
	}
	c.unackedOK = nil
	c.bye(c.dlg, code)
	c.end(Event{Cause: code, Status: sip.StatusRequestTimeout, Err: ErrNoAck})
	c.finish()
}

// onAck takes the ACK to a 2xx of ours.
func (c *Call) onAck(ack *sip.Request) {
	c.mu.Lock()
	defer c.unlock()
	s := c.unackedOK
	if s == nil || s.seq != cseqOf(ack) || c.dlg == nil || fromTag(ack) != c.dlg.remoteTag {
		return
	}
	c.unackedOK = nil
	s.repeat.stop()
	if c.byeAfterAck {
		c.byeAfterAck = false
		c.bye(c.dlg, c.byeCause)
		c.finish()
		return
	}
	if c.state == ended {
		c.finish()
		return
	}
	sdp := sdpOf(ack)
	if c.state == answered {
		c.state = confirmed
		c.beginRefresh()
		c.emit(Event{Kind: EventConfirmed, DialogTag: c.dlg.remoteTag})
	}
	if s.offer {
		c.weOffer = false
		if len(sdp) > 0 {
			c.peerSDP = sdp
		}
		c.emit(Event{Kind: EventAnswerToOurOffer, SDP: sdp, DialogTag: c.dlg.remoteTag})
	}
	c.nextOffer()
	c.finish()
}

// Reject refuses an incoming call with a final status of 300-699.
func (c *Call) Reject(status int, reason string, headers ...Header) error {
	extra, err := checkHeaders(headers)
	if err != nil {
		return err
	}
	if status < 300 || status > 699 {
		return ErrState
	}
	c.mu.Lock()
	defer c.unlockAPI()
	if c.dir != Incoming || c.state != offered || c.final {
		return ErrState
	}
	c.refuseLocked(status, reason, extra)
	c.end(Event{Status: status, Reason: reason, Cause: cause.FromSIP(status)})
	return nil
}

// Redirect answers an incoming call with 302 to contact, a SIP URI.
func (c *Call) Redirect(contact string) error {
	u, err := parseURI(contact)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.unlockAPI()
	if c.dir != Incoming || c.state != offered || c.final {
		return ErrState
	}
	c.refuseLocked(sip.StatusMovedTemporarily, "Moved Temporarily", []sip.Header{&sip.ContactHeader{Address: u}})
	c.end(Event{Status: sip.StatusMovedTemporarily, Contact: u.String(), Cause: cause.Redirected})
	return nil
}

// refuseLocked sends a final refusal of the initial INVITE, once.
func (c *Call) refuseLocked(status int, reason string, headers []sip.Header) {
	if c.final && c.unackedOK != nil || c.stx == nil || c.refused {
		return
	}
	c.final, c.refused = true, true
	c.stopReliable()
	c.provT.stop()
	c.simple(c.stx, status, reason, headers...)
	c.finish()
}

// refuse is for refusals before the call reached its user: no event.
func (c *Call) refuse(status int, reason string, fill func(*sip.Response)) {
	c.mu.Lock()
	defer c.unlockAPI()
	if c.state != offered || c.final {
		return
	}
	c.final, c.refused = true, true
	c.handler = nil
	r := c.response(c.stx, status, reason)
	if fill != nil {
		fill(r)
	}
	c.send(c.stx, r)
	c.end(Event{Status: status})
	c.finish()
}

// onCancel: the caller gave up (the CANCEL has its 200 already).
func (c *Call) onCancel(cancel *sip.Request) {
	c.mu.Lock()
	defer c.unlock()
	if c.state != offered || c.refused {
		return // RFC 3261 §9.2: no effect after a final answer
	}
	code, text, ok := reasonCause(cancel)
	if !ok {
		code = cause.NormalClearing
	}
	c.refuseLocked(sip.StatusRequestTerminated, "Request Terminated", nil)
	c.emit(Event{Kind: EventCancelled, Cause: code, Reason: text, ByPeer: true})
	c.end(Event{Status: sip.StatusRequestTerminated, Cause: code, Reason: strings.TrimSpace(text), ByPeer: true})
}

// onInviteEnd: the INVITE's transaction broke (no ACK to a refusal, connection
// lost). Only an unanswered call suffers.
func (c *Call) onInviteEnd(err error) {
	c.mu.Lock()
	defer c.unlock()
	if err == nil || c.state != offered || c.final {
		return
	}
	c.final, c.refused = true, true
	c.end(Event{Status: sip.StatusServiceUnavailable, Cause: cause.NetworkOutOfOrder, Err: err})
	c.finish()
}

func (c *Call) stopIncoming() {
	c.provT.stop()
	c.stopReliable()
	if c.unackedOK != nil {
		c.unackedOK.repeat.stop()
		c.unackedOK = nil
	}
}
