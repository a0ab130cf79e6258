package pbx

import (
	"cmp"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// Dial dials a channel that Create has made. It returns when the first
// request is on its way; what becomes of it are events. Errors: ErrDialled,
// ErrNotCreated, ErrGone, or what the technology says; in the last case the
// channel ends.
func (c *Channel) Dial(o DialOptions) error {
	return c.do(func() error { return c.dial(o) })
}

func (c *Channel) dial(o DialOptions) error {
	switch {
	case !c.created:
		return ErrNotCreated
	case c.dialled || c.snap.Load().State != Down:
		return ErrDialled
	}
	c.dialled = true
	if o.Began != nil {
		o.Began()
	}
	if o.Caller != nil {
		c.inheritFrom(o.Caller, "")
	}
	if o.CallerID == (call.CallerID{}) {
		o.CallerID = c.shown()
	}
	o.Connected = c.snap.Load().Connected
	o.Headers = slices.Concat(c.headers, lentHeaders(o.Caller), o.Headers)
	o.Variables = c.vars.all()
	if c.bridge != nil {
		c.bridge.remind(c)
	}
	if o.Timeout > 0 {
		c.ringTimer = time.AfterFunc(o.Timeout, func() {
			c.box.postFinal(c.rangTooLong)
		})
	}
	// What the leg has to say waits in the mailbox. Only the second half of a Local channel
	// is told of before the dial (observed: Asterisk 22.10, AMI trace a3).
	if o.Hold {
		c.held = new([]LegEvent)
	}
	err := c.leg.Dial(o)
	c.emitDial("", "")
	if err != nil {
		f := failureOf(err)
		c.legOnce.Do(func() { close(c.legEnded) })
		c.hang(hangup{cause: cause.Code(f.Cause), status: f.SIPStatus, failure: f, soft: true, by: byPeer})
		return err
	}
	return nil
}

// Proceed ends DialOptions.Hold: what the leg has said meanwhile is told now. Without one
// it has no effect.
func (c *Channel) Proceed() {
	c.box.postFinal(func() {
		held := c.held
		c.held = nil
		if held == nil {
			return
		}
		for _, e := range *held {
			c.handleLeg(e)
		}
	})
}

// shown is what the dialled phone sees of the caller: the connected line, else
// the channel's own caller ID. Asterisk ignores the latter on created channels
// (spec: ari 6.4); here it counts.
func (c *Channel) shown() call.CallerID {
	sn := c.snap.Load()
	switch {
	case sn.Connected != (call.CallerID{}):
		return sn.Connected
	case sn.Caller == c.own: // nobody calls himself
		return call.CallerID{}
	}
	return sn.Caller
}

// inheritFrom takes over what a dialled channel gets from its caller: _ and __
// variables, language, account, linked id, and the caller's caller ID as
// connected line (spec: ari 6.1, caller; dialplan 3.4). One that a dialplan calls is at
// the extension at then, with app running, and that is told first and with all of it
// (observed: Asterisk 22.10, AMI trace a1).
func (c *Channel) inheritFrom(from *Channel, app string) {
	if c.caller == from { // by Inherit; what was set since then counts
		return
	}
	c.caller = from
	for _, v := range from.vars.inherited() {
		c.setVariable(v.Name, v.Value)
	}
	f, old := from.Snapshot(), c.snap.Load()
	now := c.update(func(s *Snapshot) {
		s.Language, s.LinkedID = f.Language, f.LinkedID
		s.Account, s.AccountCode = cmp.Or(s.Account, f.Account), cmp.Or(s.AccountCode, f.AccountCode)
		s.Connected = cmp.Or(f.Caller, s.Connected)
		if app != "" {
			s.Extension, s.Priority, s.App, s.AppData = cmp.Or(f.Extension, "s"), 1, app, outgoingData
		}
	})
	if app != "" {
		c.emit(Event{Type: ChannelDialplan})
	}
	if now.AccountCode != old.AccountCode {
		c.emit(Event{Type: ChannelAccountCode, Value: old.AccountCode})
	}
	if now.Connected != old.Connected {
		c.emit(Event{Type: ChannelConnectedLine})
	}
}

// Inherit lets a channel that is not dialled yet have what it gets from its
// caller when it is dialled, see DialOptions.Caller, so that a subroutine can
// run on it before (Dial's b).
func (c *Channel) Inherit(from *Channel) error {
	return c.do(func() error { c.inheritFrom(from, ""); return nil })
}

// CalledBy is Inherit for a channel that a dialplan calls: it shows app as what runs, at
// the caller's extension, and DIALEDPEERNUMBER is number (Asterisk: app_dial.c).
func (c *Channel) CalledBy(from *Channel, app, number string) error {
	return c.do(func() error {
		c.setVariable("DIALEDPEERNUMBER", number)
		c.inheritFrom(from, app)
		return nil
	})
}

// rangTooLong ends a channel that was not answered in time: cause 19, without
// ChannelHangupRequest (spec: ari 5.2, 5.3). One that a remote application has
// already is told like a hangup from outside (observed: Asterisk 22.10, vectors
// 04-create-dial-*-timeout).
func (c *Channel) rangTooLong() {
	sn := c.snap.Load()
	if c.hungUp || sn.State == Up {
		return
	}
	inStasis := sn.App == stasisApp
	c.hang(hangup{
		cause: cause.NoAnswer, soft: true, by: byTimeout, quiet: !inStasis, outside: inStasis,
		failure: &call.Failure{Disposition: call.NoAnswer, Cause: int(cause.NoAnswer), Text: "no answer in time"},
	})
}

func (c *Channel) stopRingTimer() {
	if c.ringTimer != nil {
		c.ringTimer.Stop()
		c.ringTimer = nil
	}
}

// emitDial publishes a Dial event about the channel. The dial string is there
// in all events of an originated channel, and in the first of a created one
// (spec: ari 5.2).
func (c *Channel) emitDial(status, forward string) {
	e := Event{Type: Dial, Peer: c.snap.Load(), DialStatus: status, Target: forward}
	if c.originated || status == "" {
		e.DialString = c.dialString
	}
	if c.caller != nil && (c.called || c.caller.handlingDial()) {
		e.Channel = c.caller.Snapshot()
	}
	c.emit(e)
}

// handlingDial reports whether a dial on the channel's behalf names it as the
// caller: only a dialplan's Dial does (spec: ari 5.1), and that is a channel
// in a handler of the switch.
// Not a remote application that has it.
func (c *Channel) handlingDial() bool { return c.incoming && c.snap.Load().App != stasisApp }

// stasisApp is the application of a channel that a remote application has.
const stasisApp = "Stasis"

// failureOf gives the *call.Failure in err, or makes one: our own fault,
// cause 41.
func failureOf(err error) *call.Failure {
	if f, ok := asFailure(err); ok {
		return f
	}
	return &call.Failure{Disposition: call.Failed, Cause: int(cause.TemporaryFailure), Text: "cannot dial", Err: err}
}
