package sip

import (
	"errors"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// invited is a new incoming call. It runs on a network goroutine.
//
//	source                                  becomes
//	a flow on which a phone registered      that phone, after its digest
//	a flow on which a trunk is registered   that trunk
//	an address of a trunk                   that trunk
//	anything else                           a phone, after its digest: 401
//
// Strangers get the same 401 as phones, whatever name they use, so that
// nobody can find out which phones exist.
func (t *Technology) invited(c *ua.Call, req *sip.Request) {
	c.Handle(func(ua.Event) {}) // until the leg takes over: a refused call has nothing to report
	if t.stopping.Load() {
		t.refuse(c, 503, "Service Unavailable", "the server is stopping")
		return
	}
	dir := t.dir.Load()
	p, ok := t.trunkOf(dir, c.Flow(), req)
	if !ok {
		user, allowed := t.agent.Authorize(c)
		if !allowed {
			return // Authorize has sent the challenge or the refusal
		}
		if p, ok = dir.phone(user); !ok {
			t.refuse(c, 403, "Forbidden", "the phone was removed")
			return
		}
	}
	if c.RequestHeader("Replaces") != "" {
		// Taking over a call (RFC 3891, the end of an attended transfer) needs a
		// switch that can exchange a channel in the middle of its handler. Routing
		// the INVITE as a new call instead would ring somebody by mistake.
		t.refuse(c, 501, "Not Implemented", "Replaces")
		return
	}
	t.accept(c, req, p)
}

func (t *Technology) refuse(c *ua.Call, status int, reason, why string) {
	t.log.Info("incoming call refused", "call_id", c.CallID(), "peer", peerText(c), "status", status, "why", why)
	if err := c.Reject(status, reason); err != nil {
		t.log.Debug("cannot send the refusal", "call_id", c.CallID(), "err", err)
	}
}

// trunkOf finds the trunk that a request outside dialogs comes from.
func (t *Technology) trunkOf(dir *directory, f *sipnet.Flow, req *sip.Request) (*profile, bool) {
	if f == nil || f.Transport() == sipnet.WS || f.Transport() == sipnet.WSS { // no trunk speaks that
		return nil, false
	}
	if t.known.registered(f.RemoteAddr()) {
		return nil, false
	}
	if p, ok := t.registrations.byFlow(dir, f, req.Recipient.User); ok {
		return p, true
	}
	return dir.trunkBySource(f.RemoteAddr(), f.Transport() == sipnet.UDP, t.known.resolved())
}

// accept makes the leg and the channel of a call whose caller is known.
func (t *Technology) accept(c *ua.Call, req *sip.Request, p *profile) {
	dialled := dialledNumber(req, p)
	l := t.newLeg(pbx.RequestOptions{Port: t.media.NewPort(c.CallID())}, resource{name: p.name}, p, p.name)
	l.incoming, l.state = true, legEarly
	l.claim(c.CallID())
	l.connect(c, c.RequestHeader)
	t.legs.add(l)
	c.Handle(func(e ua.Event) { l.q.post(func() { l.incomingEvent(e) }) })
	usable := false
	l.q.wait(func() {
		// The caller may have given up already: its event was first then.
		if usable = l.state == legEarly && l.offered(req.Body()); usable {
			l.ln.set(l, phaseUp)
		}
	})
	if !usable {
		return
	}
	ch, err := t.sw.Incoming(l, pbx.IncomingOptions{
		Port: l.o.Port, Endpoint: p.name, CallerID: callerOf(c, p), Dialled: dialled, Context: p.context, Account: p.account,
		RDNIS: divertedBy(c),
	})
	if err != nil {
		t.log.Info("incoming call refused", "call_id", c.CallID(), "err", err)
		return // Incoming has rejected the leg
	}
	l.attach(ch.ID(), ch.Deliver)
}

// offered takes the caller's offer and makes our answer, so that a call whose
// media we cannot have is refused at once: 503 without a port (rule M1), 488
// or 400 for the description. It reports whether the call goes on.
func (l *leg) offered(body []byte) bool {
	flow := l.conn.Flow()
	browser := sdp.OffersBrowser(body) || len(body) == 0 && l.t.browserFlow(flow)
	var err error
	if l.str, err = l.openStream(browser, flow); err != nil {
		status, reason := 503, "Service Unavailable"
		if e, ok := errors.AsType[*sdp.Error](err); ok {
			status, reason = e.Status, "Not Acceptable Here"
		}
		l.decline(status, reason, err)
		return false
	}
	l.neg = l.negotiator(l.str, l.prof, flow)
	if len(body) == 0 {
		return true // RFC 3261 §13.2.1: our offer goes into the answer
	}
	answer, ag, err := l.neg.Answer(body)
	if err != nil {
		l.decline(sdpStatus(err), "Not Acceptable Here", err)
		return false
	}
	l.answer, l.agreed, l.speech.offer = answer, ag, body
	return true
}

// decline refuses a call for which there is no channel yet.
func (l *leg) decline(status int, reason string, err error) {
	l.ln.fail(err.Error())
	l.t.refuse(l.conn, status, reason, err.Error())
	l.finish(pbx.LegEvent{})
	l.o.Port.Close()
}

// sdpStatus is the SIP status that refuses an offer.
func sdpStatus(err error) int {
	if e, ok := errors.AsType[*sdp.Error](err); ok {
		return e.Status
	}
	return 488
}

// dialledNumber is what the caller asked for: the user part of the Request-URI.
// A provider that calls the Contact of our registration puts the number into
// To instead.
func dialledNumber(req *sip.Request, p *profile) string {
	user := req.Recipient.User
	to := ""
	if h := req.To(); h != nil {
		to = h.Address.User
	}
	if to != "" && (user == "" || p.kind == kindTrunk && user == p.trunk.User) {
		user = to
	}
	if user == "" {
		return "s" // Asterisk: res_pjsip_session.c, no user part
	}
	return clean(unescapeUser(user))
}

// self is what the configuration calls the phone's own caller ID.
func (p Phone) self() call.CallerID {
	id := p.CallerID
	if id.Name == "" {
		id.Name = p.DisplayName
	}
	return id
}

// callerOf is the caller ID of an incoming call. A phone shows what the
// configuration says, whatever its From claims; a trunk is believed, and
// P-Asserted-Identity goes before From (RFC 3325 §9.1).
func callerOf(c *ua.Call, p *profile) call.CallerID {
	if p.kind == kindPhone {
		id := p.phone.self()
		if id.Number == "" {
			id.Number = p.phone.Name
		}
		id.Private = id.Private || wantsPrivacy(c)
		return id
	}
	from := c.RemoteIdentity()
	if asserted, ok := c.AssertedIdentity(); ok {
		from = asserted
	}
	id := call.CallerID{Name: clean(from.DisplayName), Number: clean(unescapeUser(from.User)), Private: wantsPrivacy(c)}
	if strings.EqualFold(id.Number, anonymousUser) {
		id = call.CallerID{Private: true}
	}
	return id
}

// divertedBy is the number that has sent the call here (RFC 5806), "" if nobody did.
func divertedBy(c *ua.Call) string {
	id, _ := ua.ParseAsserted(c.RequestHeader("Diversion")) // the form is the same
	return clean(unescapeUser(id.User))
}

// wantsPrivacy reports whether the caller asked not to be shown (RFC 3323 §4.2).
func wantsPrivacy(c *ua.Call) bool {
	for v := range strings.FieldsFuncSeq(strings.ToLower(c.RequestHeader("Privacy")), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
		if v == "id" || v == "user" || v == "header" || v == "full" {
			return true
		}
	}
	return false
}

// incomingEvent is what the dialog of an incoming leg reports.
func (l *leg) incomingEvent(e ua.Event) {
	switch e.Kind {
	case ua.EventEnded:
		l.ended(e)
	case ua.EventAnswerToOurOffer:
		l.answeredOurOffer(e.SDP)
	default:
		if l.state == legEarly || l.state == legUp {
			l.dialogEvent(e)
		}
	}
}

// session gives our side's description for 183 and 200, and makes the media
// follow it.
func (l *leg) session() ([]byte, error) {
	if l.answer != nil {
		l.apply(l.str, l.conn, l.agreed, func(err error) {
			if err != nil {
				l.t.log.Warn("cannot open media", "leg", l.o.ChannelID, "err", err)
				l.refuseMedia(err)
				return
			}
			l.emit(pbx.LegEvent{Kind: pbx.LegMedia}) // may be later than the answer: a host name was looked up, or a browser has connected
		})
		return l.answer, nil
	}
	return l.neg.Offer()
}

// accept answers an incoming call.
func (l *leg) accept() {
	sdpText, err := l.session()
	if err == nil && l.state == legEarly {
		l.state = legUp
		err = l.conn.Answer(sdpText, l.connectedHeaders()...)
	}
	if err != nil {
		l.t.log.Warn("cannot answer", "leg", l.o.ChannelID, "err", err)
		l.hangup(cause.TemporaryFailure)
		return
	}
	l.ln.fail("")
	l.tellSpeech()
}

// connectedHeaders show the caller who has answered (RFC 3325 §9.1), if its
// endpoint is to see that.
func (l *leg) connectedHeaders() []ua.Header {
	if l.shown.Number == "" {
		return nil
	}
	var out []ua.Header
	for _, h := range l.prof.identity(l.shown, l.t.domain(l.conn.Flow())).headers {
		out = append(out, ua.Header{Name: h.Name, Value: h.Value})
	}
	return out
}

// earlyMedia sends 183. Without an offer there is nothing to open media with
// yet: then a plain 183 goes out.
func (l *leg) earlyMedia() {
	var sdpText []byte
	if l.answer != nil {
		sdpText, _ = l.session() // an answer that is made already cannot fail
	}
	if l.state != legEarly {
		return
	}
	l.speech.fixed = l.speech.fixed || sdpText != nil
	if err := l.conn.Provisional(183, "Session Progress", sdpText); err != nil {
		l.t.log.Debug("cannot send 183", "leg", l.o.ChannelID, "err", err)
	}
}

// ended ends a leg whose one dialog has ended.
func (l *leg) ended(e ua.Event) {
	out := pbx.LegEvent{Cause: e.Cause, SIPStatus: e.Status, Text: e.Reason, ByPeer: e.ByPeer, Stated: e.Stated}
	if l.state == legEnding {
		if l.hungUp != cause.Unknown {
			out.Cause = l.hungUp
		}
		out.ByPeer, out.Failure = false, l.failure
		l.conclude(out)
		return
	}
	l.finish(out)
}
