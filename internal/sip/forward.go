package sip

import (
	"cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// Forward is a 302 that a phone or trunk has sent, as the guard is asked about it.
type Forward struct {
	ChannelID string         // the channel that was dialling
	Endpoint  string         // phone or trunk that sent the 302
	Context   string         // its context: the rules by which the target is routed
	Account   call.AccountID // on whose behalf it forwards, "" = the context decides
	Target    string         // user part of the Contact, or the whole URI if it has none
	URI       string         // the Contact as sent
	Hop       int            // 1 for the first 302 of the leg
}

// forward follows a 302 under the endpoint's switch. It reports false where
// the call shall end with cause 23 instead: following is off, the hops are
// used up, or the target is unusable.
//
// A phone must not reach by a 302 what it may not dial: the new target goes
// through routing and guard (Options.Follow), which give the endpoint that is
// dialled in its place. Only endpoints of this technology can take over a leg.
func (l *leg) forward(f *fork, e ua.Event) bool {
	dir := l.t.dir.Load()
	if l.o.NoForward || !f.prof.forward || l.t.follow == nil || f.hops >= dir.config.MaxForwardsFollow {
		return false
	}
	u, err := parseURI(e.Contact)
	if err != nil {
		l.t.log.Info("302 with an unusable Contact", "leg", l.o.ChannelID, "contact", e.Contact, "err", err)
		return false
	}
	q := Forward{
		ChannelID: l.o.ChannelID, Endpoint: f.prof.name, Context: f.prof.context, Account: f.prof.account,
		Target: cmp.Or(unescapeUser(u.User), e.Contact), URI: e.Contact, Hop: f.hops + 1,
	}
	l.pending++
	l.t.wg.Go(func() {
		to, err := l.t.follow(l.ctx, q)
		l.q.post(func() { l.followed(f, q, e, to, err) })
	})
	return true
}

// forwardTarget is what a Contact points at, for people and events: its user
// part, or the whole of it.
func forwardTarget(contact string) string {
	u, err := parseURI(contact)
	if err != nil || u.User == "" {
		return contact
	}
	return unescapeUser(u.User)
}

// followed goes on when routing has decided.
func (l *leg) followed(f *fork, q Forward, e ua.Event, to call.Route, err error) {
	l.pending--
	if l.state != legCalling || l.conn != nil {
		l.endIfIdle()
		return
	}
	var failed *call.Failure
	switch {
	case err != nil:
		l.t.log.Info("forward refused", "leg", l.o.ChannelID, "endpoint", q.Endpoint, "err", err)
		failed = refusal(e)
		failed.Text, failed.Err = "forwarding to the new destination was refused", err
	case to.Endpoint.Tech() != techName:
		failed = refusal(e)
		failed.Text = "the new destination is not a phone or trunk"
	default:
		l.emit(pbx.LegEvent{Kind: pbx.LegForwarded, SIPStatus: e.Status, Target: string(to.Endpoint), Text: e.Reason})
		l.rang = false
		// RFC 5806 §5: who forwarded, and why.
		l.extra = append(l.extra, header("Diversion", nameAddr("", escapeUser(f.prof.name), l.t.domain(f.call.Flow()))+";reason=unconditional"))
		if to.CallerID != (call.CallerID{}) { // the new route shows its own
			l.shown = to.CallerID
		}
		failed = l.dialFollowed(to.Endpoint, q.Hop)
	}
	if failed != nil {
		l.failure = worse(l.failure, failed)
	}
	l.endIfIdle()
}
