package pbx

import (
	"context"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// Who ends a channel.
const (
	byRequest = iota // somebody in this server
	byPeer           // the party itself
	byServer         // the switch stops, or defends itself
	byTimeout        // it rang too long
)

// hangup says how and by whom a channel is ended.
type hangup struct {
	cause   cause.Code
	status  int // SIP status of the peer's refusal
	failure *call.Failure
	text    string
	soft    bool   // asked for by us
	quiet   bool   // no ChannelHangupRequest
	outside bool   // asked for from outside: told as cause 32
	bare    bool   // without a cause: 16, but the last event tells none
	early   bool   // told before the statistics
	untold  bool   // the peer gave no cause: none is told in ChannelHangupRequest
	forward string // where the peer has sent the call instead (302), "" = nowhere
	by      int
}

// Hangup ends the channel with a cause, in any state and at any moment. It
// returns at once; ChannelDestroyed follows. A second one has no effect.
// Cause 0 becomes 16.
func (c *Channel) Hangup(code cause.Code) {
	if code == cause.Unknown {
		code = cause.NormalClearing
	}
	c.end(hangup{cause: code, soft: true, by: byRequest})
}

// Refuse ends a channel that was dialled and is not answered as if its party had refused
// the call with a cause: whoever dials it hears of that and not of a hangup. The phone
// gets a CANCEL. A channel that is answered, or that came in, is hung up with the cause.
func (c *Channel) Refuse(code cause.Code) {
	h := hangup{cause: code, soft: true, by: byRequest}
	if !c.incoming {
		h.failure = &call.Failure{
			Disposition: call.Disposition(code.Disposition()), Cause: int(code), Permanent: code.Permanent(), Text: "refused on behalf of its party",
		}
	}
	c.box.postFinal(func() {
		if c.snap.Load().State == Up {
			h.failure = nil
		}
		c.hang(h)
	})
}

// HangupBare is Hangup for who has no cause to give: the Result says 16, and
// ChannelDestroyed 0, as Asterisk does for a program that merely ends and for a called
// party that is given up (observed: Asterisk 22.10, AMI traces c3, d1, t9). quiet: there
// was no dialplan, and no ChannelHangupRequest tells of its end.
func (c *Channel) HangupBare(quiet bool) {
	c.end(hangup{cause: cause.NormalClearing, soft: true, by: byRequest, bare: true, quiet: quiet})
}

// HangupFromOutside is Hangup for a door's client (ARI's DELETE, AMI's Hangup).
// ChannelHangupRequest then tells the flag of such a hangup, 32, in the place of the
// cause (Asterisk: channel.h AST_SOFTHANGUP_EXPLICIT; spec: ari 5.1); the channel
// ends with the cause all the same. Cause 0 becomes 16.
func (c *Channel) HangupFromOutside(code cause.Code) {
	if code == cause.Unknown {
		code = cause.NormalClearing
	}
	c.end(hangup{cause: code, soft: true, by: byRequest, outside: true})
}

// HangupByManager is HangupFromOutside for AMI and the command line, which need not give
// a cause: 0 is told as 0 of a channel that has never been in a bridge. The request is told
// before the statistics (observed: Asterisk 22.10, AMI traces e7, t2, t3, t6, t7).
func (c *Channel) HangupByManager(code cause.Code) {
	c.box.postFinal(func() {
		h := hangup{cause: code, soft: true, by: byRequest, outside: true, early: true}
		if code == cause.Unknown {
			h.cause, h.bare = cause.NormalClearing, c.bridge == nil && !c.bridged
		}
		c.hang(h)
	})
}

// softHangupExplicit is what Asterisk tells as the cause of a hangup that
// somebody has asked for from outside. It is no Q.850 cause.
const softHangupExplicit cause.Code = 32

// end posts a hangup. It passes the mailbox's bound: an end always arrives.
func (c *Channel) end(h hangup) { c.box.postFinal(func() { c.hang(h) }) }

// hang ends the channel in its actor. The order of events is ARI's
// (spec: ari 5.3): ChannelVarset with how the media was, ChannelHangupRequest, Dial with the failure (originated
// channels only), what its playbacks, recording and bridge have to say, and after the
// handler has returned ChannelDestroyed.
func (c *Channel) hang(h hangup) {
	if c.hungUp {
		return
	}
	// A program of ours that hangs up is heard of before the statistics, everybody
	// else after them (observed: Asterisk 22.10, vectors 02b and 01a).
	own := h.early || h.soft && !h.outside && h.by == byRequest
	if !own {
		c.setRTPVariables()
	}
	c.hungUp, c.outside, c.bare = true, h.outside, h.bare
	c.stopRingTimer()
	state := c.snap.Load().State
	c.timeline.ended = now()
	c.update(func(s *Snapshot) { s.HungUp, s.HangupCause = true, int(h.cause) })
	c.vars.setPlain("HANGUPCAUSE", itoa(int(h.cause)))

	if !h.quiet {
		c.emitHangup(h, state)
	}
	if own {
		c.setRTPVariables()
	}
	c.stopMedia()
	if c.bridge != nil {
		c.bridge.leave(c)
	}
	c.storeResult(h)
	c.tellCaller()
	c.cancel(ErrHungUp)
	c.releaseLeg(h, state)
	if c.port != nil {
		c.port.Close()
	}
	c.maybeDestroy()
}

// emitHangup tells of the hangup, and of what it means for a dial in progress. A
// forward that is not followed comes before it, or in the place of the failure
// of an originated channel (observed: Asterisk 22.10, vectors 04).
func (c *Channel) emitHangup(h hangup, state State) {
	e := Event{Type: ChannelHangupRequest, Cause: h.cause, TechCause: h.status, Soft: h.soft}
	switch {
	case h.outside:
		e.Cause = softHangupExplicit
	case h.untold:
		e.Cause = cause.Unknown
	}
	status := h.cause.DialEventStatus()
	if h.forward != "" {
		status = "CANCEL"
		c.sentOn()
		if !c.originated {
			c.emitDial(status, h.forward)
		}
	}
	c.emit(e)
	switch {
	case !c.dialled || state == Up || c.dialEnded:
	case c.originated:
		c.emitDial(status, h.forward)
	case c.called && h.forward == "": // else it has been told
		c.emitDial(status, "")
	}
}

// GiveUp hangs up a called channel for something that is not its own doing, and tells
// first how its dial ends: NOANSWER when the time is over, CANCEL when the caller has
// left, or another one has answered (Asterisk: app_dial.c publish_dial_end_event). That is
// one step, so that no ringing and no answer is told between the two. Cause 16 is that of
// a quiet HangupBare.
func (c *Channel) GiveUp(status string, code cause.Code) {
	bare := code == cause.NormalClearing
	h := hangup{cause: code, soft: true, by: byRequest, bare: bare, quiet: bare}
	c.box.postFinal(func() {
		if c.called && c.dialled && !c.hungUp && c.snap.Load().State != Up {
			c.dialEnded = true
			c.emitDial(status, "")
		}
		c.hang(h)
	})
}

// storeResult keeps how the channel ended for whoever asks later.
func (c *Channel) storeResult(h hangup) {
	d := c.leg.Describe()
	r := &Result{
		Cause: h.cause, SIPStatus: h.status, Failure: h.failure, Peer: h.text, ByPeer: h.by == byPeer, ByServer: h.by == byServer,
		StartedAt: c.timeline.started, RingingAt: c.timeline.ringing, ProgressAt: c.timeline.progress,
		AnsweredAt: c.timeline.answered, EndedAt: c.timeline.ended, Codec: d.Codec,
	}
	if c.port != nil {
		r.Media = c.port.Stats()
		if f, ok := c.port.Format(); ok && r.Codec == "" {
			r.Codec = f.Codec
		}
	}
	c.result.Store(r)
}

// releaseLeg ends the technology's side, unless the peer has done that.
func (c *Channel) releaseLeg(h hangup, state State) {
	switch {
	case h.by == byPeer:
	case c.incoming && state != Up:
		if err := c.leg.Reject(h.cause); err != nil {
			c.sw.log.Debug("refusal not sent", "channel", c.id, "error", err)
		}
	default:
		c.leg.Hangup(h.cause)
		if !c.incoming && !c.dialled { // an undialled leg has nothing to confirm
			c.legOnce.Do(func() { close(c.legEnded) })
		}
	}
}

// maybeDestroy ends a channel that has hung up and that no handler holds.
func (c *Channel) maybeDestroy() {
	if !c.hungUp || c.handling > 0 || c.destroyed {
		return
	}
	c.destroyed = true
	r := c.result.Load()
	if c.neverDialled() && c.outside { // a second time (observed: Asterisk 22.10, vector 04-create-never-dialed)
		c.emit(Event{Type: ChannelHangupRequest, Cause: r.Cause, TechCause: c.techCause(r)})
	}
	c.sw.forget(c.id) // the id is free from here on (spec: ari 6.3)
	told := r.Cause
	if c.bare {
		told = cause.Unknown
	}
	c.emit(Event{Type: ChannelDestroyed, Channel: c.atEnd(), Cause: told, TechCause: c.techCause(r)})
	c.box.close() // and then left
}

// left is the last act of the channel's actor: the command that destroyed it
// has returned.
func (c *Channel) left() {
	close(c.gone)
	c.destroyedEnd()
	c.sw.channelGone()
}

// techCause is the SIP status of an end that was not normal: the peer's own,
// or what our cause means towards a phone, answered or not (spec: ari 4.2, 5.2;
// observed: Asterisk 22.10, AMI traces b3, g2, t4). Channels that are no phone have none.
func (c *Channel) techCause(r *Result) int {
	switch {
	case r.SIPStatus != 0:
		return r.SIPStatus
	case c.neverDialled() && r.Cause == cause.NormalClearing:
		return 603 // observed: Asterisk 22.10, vector 04-create-never-dialed
	}
	if r.Cause == cause.NormalClearing || r.Cause == cause.Unknown || r.ByPeer || c.snap.Load().ProtocolID == "" || c.bare {
		return 0
	}
	status, _ := r.Cause.SIPStatus()
	if !r.AnsweredAt.IsZero() && status == 603 { // the cause means none, and no refusal is owed
		return 0
	}
	return status
}

// neverDialled says that the channel was made by Create, for SIP, and has not
// been dialled.
func (c *Channel) neverDialled() bool {
	return c.created && !c.dialled && c.snap.Load().ProtocolID != ""
}

// atEnd is the channel as ChannelDestroyed shows it: without the application that
// ran, an originated one with that which it was made with (observed: Asterisk
// 22.10, vectors 01, 03). Channel.Snapshot goes on telling what ran last.
func (c *Channel) atEnd() *Snapshot {
	s := *c.snap.Load()
	s.App, s.AppData = "", ""
	if c.originated {
		s.App, s.AppData = outgoingApp, outgoingData
	}
	return &s
}

// What an originated channel shows as its application before it is answered
// (Asterisk: dial.c).
const (
	outgoingApp  = "AppDial2"
	outgoingData = "(Outgoing Line)"
)

// Run gives the channel to h. If another handler has it, that one's context
// ends with cause ErrReplaced and h follows when it has returned. Only the
// newest waiting handler counts.
func (c *Channel) Run(h Handler) error {
	return c.do(func() error {
		if c.handling > 0 {
			c.next = h
			c.stopHandle(ErrReplaced)
			return nil
		}
		c.startHandler(h)
		return nil
	})
}

// startHandler runs h in a goroutine that the channel waits for before it is
// destroyed.
func (c *Channel) startHandler(h Handler) {
	c.handling++
	c.handlers.Add(1)
	ctx, stop := context.WithCancelCause(c.ctx)
	c.stopHandle = stop
	c.emit(Event{Type: ChannelHandlerStarted})
	go func() {
		defer c.box.postFinal(func() { c.handlerDone() })
		defer stop(nil)
		defer c.recoverHandler()
		h.Handle(ctx, c)
	}()
}

// recoverHandler ends a channel whose handler has broken an invariant.
func (c *Channel) recoverHandler() {
	if v := recover(); v != nil {
		c.panicked(v, nil)
	}
}

// handlerDone starts the next handler, or hangs up.
func (c *Channel) handlerDone() {
	c.handling--
	c.handlers.Add(-1)
	c.emit(Event{Type: ChannelHandlerEnded})
	if h := c.next; h != nil && !c.hungUp {
		c.next = nil
		c.succeeded.Store(false)
		c.startHandler(h)
		return
	}
	if !c.hungUp {
		c.hang(hangup{cause: cause.NormalClearing, soft: true, by: byRequest})
	}
	c.maybeDestroy()
}

// panicked is called when a command or handler of the channel has panicked:
// it is counted and logged, and costs this channel only (design: concurrency 5).
func (c *Channel) panicked(v any, stack []byte) {
	c.sw.panics.Add(1)
	c.sw.log.Error("channel ended by a broken invariant", "channel", c.id, "panic", panicText(v), "stack", string(stack))
	c.end(hangup{cause: cause.TemporaryFailure, soft: true, by: byServer})
}

// overflowed is called when more commands wait for the channel than may
// (design: concurrency 2).
func (c *Channel) overflowed() {
	c.sw.log.Warn("channel ended: too many events at once", "channel", c.id, "bound", mailboxBound)
	c.hang(hangup{cause: cause.SwitchCongestion, soft: true, by: byServer})
}
