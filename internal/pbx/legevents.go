package pbx

import (
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// handleLeg takes an event of the leg in the actor. The order of what it
// publishes is fixed: Dial "", ChannelStateChange Ringing, Dial RINGING, Dial
// PROGRESS, ChannelStateChange Up, Dial ANSWER (spec: ari 5.2).
func (c *Channel) handleLeg(e LegEvent) {
	if c.hungUp {
		return
	}
	if c.held != nil {
		*c.held = append(*c.held, e)
		return
	}
	state := c.snap.Load().State
	if _, err := nextState(state, c.incoming, e.Kind); err != nil {
		c.sw.log.Debug("leg event ignored", "channel", c.id, "event", e.Kind.String(), "reason", err)
		return
	}
	switch e.Kind {
	case LegProceeding:
		c.emitDial("PROCEEDING", "")
	case LegRinging:
		if c.timeline.ringing.IsZero() {
			c.timeline.ringing = now()
		}
		c.setState(Ringing)
		c.emitDial("RINGING", "")
		c.toldBridge()
	case LegProgress:
		if c.timeline.progress.IsZero() {
			c.timeline.progress = now()
		}
		if c.bridge != nil {
			c.bridge.remind(c)
		}
		c.emitDial("PROGRESS", "")
		c.toldBridge()
		if c.earlyAnswer {
			c.answered()
		}
	case LegAnswered:
		if c.bridge != nil && c.timeline.progress.IsZero() {
			c.bridge.remind(c)
		}
		c.answered()
	case LegEnded:
		c.legIsOver(e)
	case LegDTMF:
		c.digitReceived(e.Digit, e.Duration, true)
	case LegHeld, LegResumed:
		c.heldByPhone(e.Kind == LegHeld)
	case LegForwarded:
		c.sentOn()
		c.emitDial("CANCEL", e.Target)
	case LegTransfer:
		c.emit(Event{Type: ChannelTransfer, Target: e.Target})
		c.transferAsked(e.Target, e.Text)
	case LegMedia:
		c.toldBridge()
		c.fitCodec()
	case LegIdentity:
		c.identified(e.CallerID)
	}
}

// identified takes over who the party is, and tells whom it talks to. A call that
// withholds its number goes on doing so.
func (c *Channel) identified(id call.CallerID) {
	if id == (call.CallerID{}) {
		return
	}
	id.Private = id.Private || c.snap.Load().Caller.Private
	c.setCallerID(id)
	if c.bridge != nil {
		c.bridge.identified(c, id)
	}
}

// sentOn notes who has sent the call elsewhere: the number that was dialled
// (observed: Asterisk 22.10, vectors 04-*-forward).
func (c *Channel) sentOn() {
	number, _, _ := strings.Cut(c.dialString, "@")
	c.update(func(s *Snapshot) { s.RDNIS = number })
}

// toldBridge lets the channel's bridge look at its media again.
func (c *Channel) toldBridge() {
	if c.bridge != nil {
		c.bridge.memberChanged(c)
	}
}

// legIsOver ends a channel whose leg has ended: refused, or hung up by the
// peer. A plain BYE is cause 16, whether bridged or not (spec: ari 5.2, where
// Asterisk says 0 for the one).
func (c *Channel) legIsOver(e LegEvent) {
	code := e.Cause
	if e.Failure != nil && code == cause.Unknown {
		code = cause.Code(e.Failure.Cause)
	}
	answered := c.snap.Load().State == Up
	if code == cause.Unknown && (answered || c.incoming) {
		code = cause.NormalClearing
	}
	// A plain BYE tells no cause (spec: ari 5.1); technologies give 16 for it. One with
	// a Reason header does (observed: Asterisk 22.10).
	untold := !e.Stated && (answered || c.incoming) && code == cause.NormalClearing && e.SIPStatus == 0 && c.snap.Load().ProtocolID != ""
	f := e.Failure
	if f == nil && !answered && !c.incoming {
		f = &call.Failure{
			Disposition: call.Disposition(code.Disposition()), Cause: int(code), SIPStatus: e.SIPStatus,
			Peer: e.Text, Permanent: code.Permanent(),
		}
	}
	c.hang(hangup{cause: code, status: e.SIPStatus, failure: f, text: e.Text, quiet: e.Quiet, by: byPeer, untold: untold, forward: e.Target})
}

// asFailure finds the *call.Failure in an error.
func asFailure(err error) (*call.Failure, bool) { return errors.AsType[*call.Failure](err) }
