package sip

import (
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// dialogEvent is what happens inside the leg's dialog, in either direction.
func (l *leg) dialogEvent(e ua.Event) {
	switch e.Kind {
	case ua.EventOffer:
		l.reoffered(e.SDP)
	case ua.EventAnswerToOurOffer:
		l.answeredOurOffer(e.SDP)
	case ua.EventInfo:
		if digit, d, ok := ua.ParseDTMF(e.ContentType, e.Body); ok {
			l.emit(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: digit, Duration: d})
		}
	case ua.EventRefer:
		l.refer = true
		l.emit(pbx.LegEvent{Kind: pbx.LegTransfer, Target: l.transferTarget(e.ReferTo), Text: e.Replaces})
	}
}

// reoffered answers a re-INVITE or UPDATE (rule D10). What we cannot accept is
// refused and the session stays as it was.
func (l *leg) reoffered(offer []byte) {
	if len(offer) == 0 {
		l.offerAnew()
		return
	}
	answer, ag, err := l.neg.Answer(offer)
	if err != nil {
		l.t.log.Info("re-INVITE refused", "leg", l.o.ChannelID, "err", err)
		l.conn.RejectOffer(sdpStatus(err))
		return
	}
	if err := l.conn.AcceptOffer(answer); err != nil {
		l.t.log.Info("cannot answer the re-INVITE", "leg", l.o.ChannelID, "err", err)
		return
	}
	l.renegotiated(ag)
}

// offerAnew puts our offer into the 200 of a re-INVITE that has none.
func (l *leg) offerAnew() {
	offer, err := l.neg.Offer()
	if err == nil {
		err = l.conn.AcceptOffer(offer)
	}
	if err != nil {
		l.t.log.Info("cannot answer the re-INVITE", "leg", l.o.ChannelID, "err", err)
		l.conn.RejectOffer(488)
	}
}

// answeredOurOffer takes the answer in an ACK.
func (l *leg) answeredOurOffer(answer []byte) {
	if l.state != legUp && l.state != legEarly {
		return
	}
	ag, err := l.neg.SetAnswer(answer)
	if err != nil {
		l.t.log.Info("the answer in the ACK is not usable", "leg", l.o.ChannelID, "err", err)
		if _, ok := l.neg.Agreed(); !ok {
			l.refuseMedia(err)
		}
		return
	}
	l.renegotiated(ag)
}

// renegotiated makes the media follow a new agreement and tells what changed.
func (l *leg) renegotiated(ag sdp.Agreed) {
	l.agreed = ag
	l.apply(l.str, l.conn, ag, func(err error) {
		if err != nil {
			l.t.log.Warn("cannot change media", "leg", l.o.ChannelID, "err", err)
			return
		}
		if l.state != legUp && l.state != legEarly {
			return
		}
		l.emit(pbx.LegEvent{Kind: pbx.LegMedia})
		l.holdChanged(ag.RemoteHold)
	})
}

// holdChanged tells that the peer has put us on hold or taken us back.
func (l *leg) holdChanged(held bool) {
	if held == l.held {
		return
	}
	l.held = held
	kind, p := pbx.LegResumed, phaseUp
	if held {
		kind, p = pbx.LegHeld, phaseHeld
	}
	l.ln.set(l, p)
	l.emit(pbx.LegEvent{Kind: kind})
}

// transferTarget makes a number of a Refer-To at this server, and leaves other
// addresses as they are.
func (l *leg) transferTarget(referTo string) string {
	u, err := parseURI(referTo)
	if err != nil || u.User == "" {
		return referTo
	}
	return unescapeUser(u.User)
}

// uriFor makes the SIP URI that we name to the peer in Refer-To and Contact.
// target is a SIP URI, a dial string of this technology, or a number at our
// own server.
func (l *leg) uriFor(target string) string {
	if strings.HasPrefix(target, "sip:") || strings.HasPrefix(target, "sips:") {
		return target
	}
	r, err := parseResource(call.Endpoint(target).Resource())
	if err == nil && r.uri != "" {
		return r.uri
	}
	dir := l.t.dir.Load()
	if p, ok := dir.byName[r.name]; ok && err == nil && p.kind == kindTrunk {
		u := p.trunk.uri(r.user)
		return u.String()
	}
	user := r.user
	if user == "" {
		user = r.name
	}
	return "sip:" + escapeUser(user) + "@" + l.t.ownHost(l.conn.Flow())
}
