package pbx

// HoldOther puts who the channel talks to on hold, or takes it back, without the phone
// having a part in it: the other party hears music, the channel's own party nothing, and
// nothing that it says is heard. It is told as if its phone had done it: ChannelHold,
// ChannelUnhold, Snapshot.Held. A phone that holds by itself goes on holding whatever is
// asked for here. Errors: ErrState before the answer, ErrGone.
func (c *Channel) HoldOther(on bool) error {
	return c.do(func() error {
		if c.snap.Load().State != Up {
			return ErrState
		}
		c.holdsHere = on
		c.applyMute()
		c.holdChanged()
		return nil
	})
}

// heldByPhone notes that the phone has put us on hold, or taken us back.
func (c *Channel) heldByPhone(on bool) {
	c.phoneHolds = on
	c.holdChanged()
}

// holdChanged tells of a hold, and of its end, whoever holds.
func (c *Channel) holdChanged() {
	on, sn := c.phoneHolds || c.holdsHere, c.snap.Load()
	if sn.Held == on {
		if sn.PhoneHeld != c.phoneHolds {
			c.update(func(s *Snapshot) { s.PhoneHeld = c.phoneHolds })
		}
		return
	}
	c.update(func(s *Snapshot) { s.Held, s.PhoneHeld = on, c.phoneHolds })
	if c.port != nil {
		c.port.SetHold(on)
	}
	if on {
		c.emit(Event{Type: ChannelHold})
	} else {
		c.emit(Event{Type: ChannelUnhold})
	}
	c.toldBridge()
}
