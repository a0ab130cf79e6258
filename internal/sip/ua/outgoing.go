package ua

import (
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// defaultForks bounds the early dialogs of one INVITE (D1).
const defaultForks = 12

// InviteOptions is an outgoing call.
type InviteOptions struct {
	Target      sip.Uri      // Request-URI
	Route       []sip.Uri    // outbound proxy or path of a binding; "lr" makes it loose
	Flow        *sipnet.Flow // of a registered contact (N6); nil = find Target or the first Route
	From        Identity     // Host "" = our advertised host
	To          *Identity    // nil = Target
	ContactUser string       // user part of our Contact; "" = that of From
	CallID      string       // "" = random
	SDP         []byte       // our offer; nil lets the peer offer (see EventAnswered)
	Headers     []Header     // P-Asserted-Identity, Privacy, Diversion, Call-Info, Alert-Info, Replaces, X-…
	Auth        *Credentials // for 401 and 407 (D6); nil = such an answer ends the call
	MaxForks    int          // early dialogs at once; 0 = 12 (D1)
	Events      func(Event)  // ordered, never concurrent, on network goroutines: must not block
}

// Invite begins an outgoing call and returns at once. Errors are those found
// before anything is sent: ErrURI, ErrHeader, ErrStopped. All else comes as
// events.
func (a *Agent) Invite(o InviteOptions) (*Call, error) {
	c, err := a.newOutgoing(o)
	if err != nil {
		return nil, err
	}
	if !a.add(c) {
		return nil, ErrStopped
	}
	x := &exchange{a: a, wallet: c.wallet, flow: o.Flow, uri: nextHop(c.target, c.preloaded)}
	x.build = func(f *sipnet.Flow) *sip.Request { return c.buildInvite(f, o.SDP) }
	x.retry = c.intervalTooSmall
	x.on = c.inviteResponse
	c.mu.Lock()
	defer c.unlockAPI()
	c.invite = x
	c.localSDP = o.SDP
	c.begin()
	c.do(x.start)
	return c, nil
}

func (a *Agent) newOutgoing(o InviteOptions) (*Call, error) {
	err := checkURI(o.Target)
	for _, r := range o.Route {
		err = errors.Join(err, checkURI(r))
	}
	headers, herr := checkHeaders(o.Headers)
	if err = errors.Join(err, herr); err != nil {
		return nil, err
	}
	if o.CallID != "" && !isToken(hostless(o.CallID)) {
		return nil, ErrHeader
	}
	c := &Call{
		phone: a.registrar.phoneOn(o.Flow, o.Target),
		a:     a, dir: Outgoing, callID: o.CallID, localTag: a.token(12), wallet: newWallet(o.Auth), done: make(chan struct{}),
		contactUser: o.ContactUser, maxForks: o.MaxForks, inviteHeaders: headers, target: o.Target, preloaded: o.Route,
		fixedFlow: o.Flow != nil, handler: o.Events, acks: map[ackKey]*sentAck{},
	}
	if c.callID == "" {
		c.callID = a.token(24)
	}
	if c.contactUser == "" {
		c.contactUser = o.From.User
	}
	if c.maxForks <= 0 {
		c.maxForks = defaultForks
	}
	scheme := o.Target.Scheme
	if scheme != "sips" {
		scheme = "sip"
	}
	c.local = sip.FromHeader{DisplayName: quoteDisplay(o.From.DisplayName), Address: o.From.uri(scheme)}
	if o.To != nil {
		c.remote = sip.ToHeader{DisplayName: quoteDisplay(o.To.DisplayName), Address: o.To.uri(scheme)}
	} else {
		to := *o.Target.Clone()
		to.Headers, to.UriParams, to.Port = nil, nil, 0 // RFC 3261 §19.1.1 table 1: neither belongs in To
		c.remote = sip.ToHeader{Address: to}
	}
	c.refreshState.want = a.cfg.SessionExpires
	c.refreshState.minSE = a.cfg.MinSE
	return c, nil
}

// hostless takes the "@host" off a Call-ID, to check its characters.
func hostless(id string) string {
	for i := range len(id) {
		if id[i] == '@' {
			return id[:i] + id[i+1:]
		}
	}
	return id
}

// buildInvite makes the initial INVITE, each time anew: after a challenge or
// at the next target it has a new CSeq, and what earlier ones brought is
// forgotten (RFC 3261 §22.2, §8.1.3.5).
func (c *Call) buildInvite(f *sipnet.Flow, sdp []byte) *sip.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local.Address.Host == "" {
		c.local.Address.Host, _ = f.SentBy()
		if c.local.Address.Host == "" {
			c.local.Address.Host, _ = cleanHost(c.a.cfg.Realm)
		}
	}
	if c.remote.Address.Host == "" && c.remote.Address.Raw() == "" {
		c.remote.Address.Host = c.target.Host
	}
	c.seq++
	c.inviteSeq = c.seq
	c.early, c.provisional, c.cancelSent = nil, false, false
	ruri, routes := routeTo(c.target, c.preloaded)
	r := sip.NewRequest(sip.INVITE, ruri)
	c.addRouting(r, routes, "", c.seq)
	r.AppendHeader(c.contact(f))
	r.AppendHeader(sip.NewHeader("Allow", allowed))
	r.AppendHeader(sip.NewHeader("Supported", supported))
	c.appendEvents(r)
	c.offerInterval(r)
	for _, h := range c.inviteHeaders {
		r.AppendHeader(h)
	}
	setSDP(r, sdp)
	if len(sdp) == 0 {
		r.SetBody(nil)
	}
	return r
}

// inviteResponse takes what the initial INVITE brings, in order.
func (c *Call) inviteResponse(r *sip.Response, err error) {
	c.mu.Lock()
	defer c.unlock()
	if c.released {
		return
	}
	f, req := c.invite.where()
	switch {
	case err != nil:
		c.inviteFailed(err)
	case r.StatusCode < 200:
		c.inviteProvisional(f, r)
	case r.StatusCode < 300:
		c.success(f, r, req)
		c.inviteDone()
	default:
		c.inviteRefused(r)
		c.inviteDone()
	}
}

// inviteDone ends the wait for the INVITE's final answer.
func (c *Call) inviteDone() {
	c.proceedT.stop()
	c.cancelT.stop()
	c.finish()
}

func (c *Call) inviteFailed(err error) {
	ev := Event{Cause: cause.NoUserResponse, Status: sip.StatusRequestTimeout, Err: err, ByPeer: true} // D16: 408 and our timeout
	if errors.Is(err, txn.ErrTransport) {
		// RFC 3261 §8.1.3.1: a transport error counts as 503.
		ev.Status, ev.Cause, ev.ByPeer = sip.StatusServiceUnavailable, cause.FromSIP(sip.StatusServiceUnavailable), false
	}
	c.end(ev)
	c.inviteDone()
}

func (c *Call) inviteRefused(r *sip.Response) {
	ev := Event{Status: r.StatusCode, Reason: r.Reason, Cause: causeOf(r), ByPeer: true, Response: r}
	if _, text, ok := reasonCause(r); ok && text != "" {
		ev.Reason = text
	}
	if r.StatusCode < 400 {
		if u, ok := contactOf(r); ok {
			ev.Contact = u.String()
		}
	}
	c.end(ev)
}

// inviteProvisional takes a 1xx. There may be any number; each restarts the
// three minutes (D2).
func (c *Call) inviteProvisional(f *sipnet.Flow, r *sip.Response) {
	first := !c.provisional
	c.provisional = true
	if c.cancelWant {
		c.sendCancel()
		return
	}
	if c.state != calling {
		return
	}
	c.arm(&c.proceedT, proceedingLimit, func() {
		c.hangup(cause.NoUserResponse, Event{Cause: cause.NoUserResponse, Status: sip.StatusRequestTimeout, Err: ErrNoAnswer})
	})
	if first {
		c.emit(Event{Kind: EventTrying, Status: r.StatusCode, Reason: r.Reason, Response: r})
	}
	if r.StatusCode == sip.StatusTrying {
		return
	}
	d := c.earlyDialog(f, r)
	if d == nil || !c.reliable(d, r) {
		return // one fork too many (D1), or a repeated reliable one (RFC 3262 §4)
	}
	c.last = r
	ev := Event{Kind: EventProgress, Status: r.StatusCode, Reason: r.Reason, SDP: sdpOf(r), DialogTag: d.remoteTag, Response: r}
	if len(ev.SDP) > 0 {
		d.earlySDP = ev.SDP // D8: the newest counts
		c.peerSDP = ev.SDP
	} else if r.StatusCode == sip.StatusRinging {
		ev.Kind = EventRinging
	}
	c.emit(ev)
}

// earlyDialog finds or makes the dialog of an 18x (RFC 3261 §12.1.2); nil when
// it would be one more than allowed (D1). A response without To tag makes no
// dialog but is as good as one for ringing: it gets one with an empty tag.
func (c *Call) earlyDialog(f *sipnet.Flow, r *sip.Response) *dialog {
	tag := toTag(r)
	d := c.dialogOf(tag)
	if d == nil {
		if len(c.early) >= c.maxForks {
			return nil
		}
		d = c.newDialog(tag, r)
		c.early = append(c.early, d)
	}
	d.refresh(r, f)
	return d
}

// newDialog makes the dialog that a response to the INVITE forms.
func (c *Call) newDialog(tag string, r *sip.Response) *dialog {
	return &dialog{remoteTag: tag, target: c.target, routes: recordRoutes(r, true), sticky: c.fixedFlow, allowUpdate: hasOption(r, "Allow", string(sip.UPDATE))}
}

// success takes a 2xx to the initial INVITE: the first one wins; a 2xx of
// another fork, or after Hangup, is acknowledged and ended with BYE (D1, D3).
func (c *Call) success(f *sipnet.Flow, r *sip.Response, req *sip.Request) {
	c.lastSuccess = time.Now()
	d := c.dialogOf(toTag(r))
	if d == nil {
		d = c.newDialog(toTag(r), r)
	}
	d.routes = recordRoutes(r, true) // RFC 3261 §13.2.2.4: recomputed from the 2xx
	d.refresh(r, f)
	if c.state != calling {
		c.acknowledge(d, c.inviteSeq, req, nil)
		code := cause.NormalClearing // D3, D1
		if c.state == ended && c.cancelCause != cause.Unknown {
			code = c.cancelCause
		}
		c.bye(d, code)
		return
	}
	c.state = confirmed
	c.dlg, c.early, c.last = d, nil, r
	c.keep(d.flow)
	c.proceedT.stop()
	c.startRefresh(r)
	ev := Event{Kind: EventAnswered, Status: r.StatusCode, Reason: r.Reason, SDP: sdpOf(r), DialogTag: d.remoteTag, Response: r}
	if len(c.localSDP) == 0 && len(ev.SDP) > 0 { // we made no offer: this is the peer's, our answer goes in the ACK
		ev.Offer = true
		c.owe(&owed{accept: func(sdp []byte) { c.acknowledge(d, c.inviteSeq, req, sdp) }, reject: func(int) {
			c.acknowledge(d, c.inviteSeq, req, nil) // RFC 3261 §13.2.2.4: an ACK there must be, then BYE
			c.hangup(cause.BearerNotAvail, Event{Cause: cause.BearerNotAvail, Status: sip.StatusNotAcceptableHere})
		}, limit: lateAnswerLimit})
	} else {
		c.acknowledge(d, c.inviteSeq, req, nil)
		if len(ev.SDP) == 0 {
			ev.SDP = d.earlySDP // D8
		}
		if len(ev.SDP) == 0 {
			ev.SDP = c.peerSDP // of an 18x without To tag
		}
		c.peerSDP = ev.SDP
	}
	c.emit(ev)
}

// ackKey finds the ACK to a 2xx of one dialog.
type ackKey struct {
	tag string
	seq uint32
}

// sentAck is a stored ACK (D2): nil bytes until it went out.
type sentAck struct {
	flow  *sipnet.Flow
	bytes []byte
}

// acknowledge sends the ACK to a 2xx with CSeq seq and stores it (D2, RFC 3261
// §13.2.2.4). It has the INVITE's credentials (RFC 3261 §22.1). The mutex is held.
func (c *Call) acknowledge(d *dialog, seq uint32, invite *sip.Request, sdp []byte) {
	ruri, routes := d.path()
	ack := sip.NewRequest(sip.ACK, ruri)
	c.addRouting(ack, routes, d.remoteTag, seq)
	if invite != nil {
		for _, name := range []string{"Authorization", "Proxy-Authorization"} {
			for _, v := range headerValues(invite, name) {
				ack.AppendHeader(sip.NewHeader(name, v))
			}
		}
	}
	setSDP(ack, sdp)
	if len(sdp) == 0 {
		ack.SetBody(nil)
	} else {
		c.localSDP = sdp
	}
	store := &sentAck{}
	c.acks[ackKey{d.remoteTag, seq}] = store
	c.begin()
	uri := nextHop(ruri, routes)
	if len(d.routes) > 0 && !isLoose(d.routes[0]) {
		uri = ruri
	}
	flow, backup := c.flowTo(d), d.flow
	c.do(func() {
		c.a.locateFlow(flow, uri, backup, func(f *sipnet.Flow) {
			if f != nil {
				if err := c.a.cfg.Layer.SendAck(f, ack); err != nil {
					c.a.log.Debug("ACK not sent", "call_id", c.callID, "error", err)
				}
			}
			c.mu.Lock()
			store.flow, store.bytes = f, []byte(ack.String())
			c.finish()
			c.unlock()
		})
	})
}

// stray2xx takes a 2xx outside its transaction: repeated, or of another fork.
func (c *Call) stray2xx(f *sipnet.Flow, r *sip.Response) {
	c.mu.Lock()
	defer c.unlock()
	if c.released {
		return
	}
	if store, ok := c.acks[ackKey{toTag(r), cseqOf(r)}]; ok {
		if store.flow != nil { // D2: the stored ACK, each time
			c.do(func() {
				if err := c.a.cfg.Layer.SendRaw(store.flow, store.bytes); err != nil {
					c.a.log.Debug("ACK not repeated", "call_id", c.callID, "error", err)
				}
			})
		}
		return
	}
	if c.dir == Outgoing && c.invite != nil && cseqOf(r) == c.inviteSeq && !c.isOwed() {
		_, req := c.invite.where()
		c.success(f, r, req)
	}
}

// cancel begins giving up an unanswered INVITE (D3). The mutex is held.
func (c *Call) cancel(code cause.Code) {
	c.cancelWant, c.cancelCause = true, code
	c.invite.abandon()
	if c.provisional {
		c.sendCancel()
	}
}

// sendCancel sends CANCEL, which the transaction makes by D3's fields, and
// waits at most 32 s for the INVITE's final answer (RFC 3261 §9.1).
func (c *Call) sendCancel() {
	if c.cancelSent {
		return
	}
	c.cancelSent = true
	c.lastSuccess = time.Now() // a 2xx may be crossing: stay reachable for it
	x, code := c.invite, c.cancelCause
	c.do(func() {
		if err := x.cancel(func(r *sip.Request) { r.AppendHeader(reasonHeader(code)) }); err != nil {
			c.a.log.Debug("CANCEL not sent", "call_id", c.callID, "error", err)
		}
	})
	c.arm(&c.cancelT, linger, func() { x.giveUp(errCancelled) })
}
