package sip

import (
	"errors"
	"fmt"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// fork is one INVITE of an outgoing leg: to one contact of a phone, or to a
// trunk. Its fields are touched only inside the leg's queue.
type fork struct {
	call   *ua.Call
	prof   *profile // whose settings it uses; differs from the leg's after a 302
	ln     *line
	str    *stream // that its media takes; nil once the leg has ended
	neg    *sdp.Negotiator
	hops   int // 302s on the way to it
	ended  bool
	losing bool // another fork has answered: it is being cancelled
	early  bool // its device has answered provisionally, and said what it can
}

// forkEvent is what one INVITE reports.
func (l *leg) forkEvent(f *fork, e ua.Event) {
	if f.ended {
		return
	}
	switch e.Kind {
	case ua.EventEnded:
		f.ended = true
		l.live--
		l.forkEnded(f, e)
		l.pressKeys()
	case ua.EventAnswered:
		l.forkAnswered(f, e)
	case ua.EventTrying, ua.EventRinging, ua.EventProgress:
		if l.state == legCalling && !f.losing {
			l.forkProgress(f, e)
		}
	default:
		if l.conn == f.call && l.state == legUp {
			l.dialogEvent(e)
		}
	}
}

func (l *leg) forkProgress(f *fork, e ua.Event) {
	switch {
	case e.Kind == ua.EventTrying:
		return // 100 only says that the next hop has the INVITE
	case e.Status == 180 && !l.rang:
		l.rang = true
		f.ln.set(l, phaseRinging)
		l.emit(pbx.LegEvent{Kind: pbx.LegRinging, SIPStatus: 180, Text: e.Reason})
	case e.Status == 181 || e.Status == 182 || (e.Status == 183 && len(e.SDP) == 0):
		l.emit(pbx.LegEvent{Kind: pbx.LegProceeding, SIPStatus: e.Status, Text: e.Reason})
	}
	if len(e.SDP) > 0 {
		l.earlyAnswer(f, e)
	}
	f.early = true
	l.pressKeys()
}

// earlyAnswer configures early media. Rule D8: of several early dialogs and
// forks the newest description is used until the answer.
func (l *leg) earlyAnswer(f *fork, e ua.Event) {
	ag, err := f.neg.SetAnswer(e.SDP)
	if err != nil {
		// Not fatal: the answer may bring a better one (RFC 6337 §3.1.1).
		l.t.log.Info("early media is not usable", "leg", l.o.ChannelID, "err", err)
		return
	}
	l.apply(f.str, f.call, ag, func(err error) {
		if err != nil {
			l.t.log.Info("early media is not usable", "leg", l.o.ChannelID, "err", err)
			return
		}
		if l.state == legCalling {
			l.agreed = ag
			l.emit(pbx.LegEvent{Kind: pbx.LegProgress, SIPStatus: e.Status, Text: e.Reason})
		}
	})
}

// forkAnswered makes the first fork that answers the leg, and cancels the
// others. Rule D1: a later 2xx is acknowledged and hung up.
func (l *leg) forkAnswered(f *fork, e ua.Event) {
	if l.state != legCalling || l.conn != nil {
		c := cause.AnsweredElsewhere
		if l.state == legEnding {
			c = l.hungUp
		}
		f.call.Hangup(c)
		return
	}
	l.connect(f.call, f.call.ResponseHeader)
	l.neg, l.str = f.neg, f.str
	for _, o := range l.forks {
		if o != f && !o.ended {
			o.losing = true
			o.call.Hangup(cause.AnsweredElsewhere) // RFC 3326 §1: Reason says that it was answered elsewhere
		}
	}
	l.closeOthers(f.str)
	if len(e.SDP) == 0 {
		l.refuseMedia(errors.New("the answer has no session description"))
		return
	}
	ag, err := f.neg.SetAnswer(e.SDP)
	if err != nil {
		l.refuseMedia(err)
		return
	}
	l.apply(f.str, f.call, ag, func(err error) {
		switch {
		case l.state != legCalling:
		case err != nil:
			l.refuseMedia(err)
		default:
			l.up(ag, f.ln)
		}
	})
}

// up makes an outgoing leg answered.
func (l *leg) up(ag sdp.Agreed, n *line) {
	l.state, l.agreed = legUp, ag
	if n != l.ln {
		n.set(l, 0)
	}
	l.ln.set(l, phaseUp)
	l.ln.fail("")
	l.emit(pbx.LegEvent{Kind: pbx.LegAnswered, SIPStatus: 200})
	l.tellSpeech()
	l.pressKeys()
}

// refuseMedia hangs up a call that was answered without media that we can use
// (rule S6: ACK, BYE, cause 58).
func (l *leg) refuseMedia(err error) {
	l.failure = mediaFailure(err)
	l.ln.fail(l.failure.Error())
	l.hangup(cause.Code(l.failure.Cause))
}

// forkEnded ends the leg with its last fork.
func (l *leg) forkEnded(f *fork, e ua.Event) {
	if f.call == l.conn && l.state == legUp {
		l.ended(e)
		return
	}
	switch {
	case l.state != legCalling:
	case f.call == l.conn: // answered, but gone before its media was ready
		l.failure = refusal(e)
	case l.conn == nil:
		if e.Status >= 300 && e.Status < 400 && l.forward(f, e) {
			return
		}
		if e.Status >= 300 && e.Status < 400 {
			l.moved = forwardTarget(e.Contact)
		}
		l.failure = worse(l.failure, refusal(e))
		if e.Status >= 600 {
			l.cancelForks(e.Cause) // RFC 3261 §16.7 step 5: a 6xx ends the search
		}
	}
	l.endIfIdle()
}

func (l *leg) cancelForks(c cause.Code) {
	for _, o := range l.forks {
		if !o.ended {
			o.losing = true
			o.call.Hangup(c)
		}
	}
}

// endIfIdle reports the end of a leg that has neither dialogs nor open
// questions any more.
func (l *leg) endIfIdle() {
	if l.incoming || l.live > 0 || l.pending > 0 {
		return
	}
	switch l.state {
	case legCalling:
		if l.failure == nil {
			l.failure = notRegistered(l.prof.name, "gone")
		}
		l.fail(l.failure)
	case legEnding:
		l.conclude(pbx.LegEvent{Cause: l.hungUp, Failure: l.failure})
	}
}

// fail ends a leg that could not be connected.
func (l *leg) fail(err error) {
	f, ok := errors.AsType[*call.Failure](err)
	if !ok {
		f = &call.Failure{Disposition: call.Failed, Cause: int(cause.TemporaryFailure), Text: "cannot place the call", Err: err}
	}
	l.ln.fail(f.Error())
	end := pbx.LegEvent{Failure: f, Cause: cause.Code(f.Cause), SIPStatus: f.SIPStatus, Text: f.Peer, ByPeer: f.SIPStatus >= 300}
	if f.SIPStatus >= 300 && f.SIPStatus < 400 {
		end.Target = l.moved
	}
	l.finish(end)
}

// refusal makes the failure of an INVITE that ended without an answer.
func refusal(e ua.Event) *call.Failure {
	f := &call.Failure{
		Disposition: call.Disposition(e.Cause.Disposition()), Cause: int(e.Cause), SIPStatus: e.Status,
		Peer: e.Reason, Permanent: e.Cause.Permanent(), Err: e.Err,
	}
	if e.Status == 0 {
		f.Text = fmt.Sprintf("no answer from the peer: %v", e.Cause)
	}
	return f
}

// worse chooses which of two refusals stands for the leg. Follows RFC 3261
// §16.7 step 6 (a 6xx first, then the lowest class), but prefers busy among
// the rest: a person on one device says more than another device being off.
func worse(a, b *call.Failure) *call.Failure {
	if a == nil || rank(b.SIPStatus) < rank(a.SIPStatus) {
		return b
	}
	return a
}

func rank(status int) int {
	switch {
	case status >= 600:
		return 0
	case status == 486:
		return 1
	case status == 408 || status == 0:
		return 9 // nobody was there
	default:
		return 2 + status/100
	}
}
