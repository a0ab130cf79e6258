package usercall

import (
	"cmp"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// entry is one call of a phone: a channel of the phone, or an attempt of the queue whose
// first leg the phone is, with its channel once there is one.
type entry struct {
	call  Call     // as Of shows it
	shown bool     // it is in its phone's line
	p     *party   // the phone's channel, nil = not yet
	at    *attempt // nil: no attempt
	fresh bool     // p has come since it was looked at last
	left  bool     // the phone's channel has hung up
}

// attempt is what the table knows of an attempt of the queue.
type attempt struct {
	a         *call.Attempt
	connected bool // leg B has answered, or what follows has begun
	over      bool
}

// begin shows an attempt that has begun.
func (t *Table) begin(a *call.Attempt) {
	if old := t.attempts[a.Call]; old != nil { // another try: the one before has ended
		old.at.over = true
		t.changes(old)
	}
	e := &entry{at: &attempt{a: a}}
	t.attempts[a.Call] = e
	t.changes(e)
}

// assign gives a new channel the call that it belongs to: that of its attempt if it is
// leg A, else its own if it is a phone's.
func (t *Table) assign(p *party) {
	if p.sn.Phone == "" {
		return
	}
	if p.sn.Call != "" && p.sn.CallLeg == "a" {
		if e := t.attempts[p.sn.Call]; e != nil && e.p == nil {
			e.p, e.fresh, p.call = p, true, e
			return
		}
	}
	p.call = &entry{p: p}
}

// changes notes that a call may look otherwise, or be over.
func (t *Table) changes(e *entry) { t.doubtful[e] = struct{}{} }

// settle looks at all calls that may have changed, and gives the phones whose have.
func (t *Table) settle() map[string]struct{} {
	for p := range t.touched {
		if p.call != nil {
			t.changes(p.call)
		}
	}
	changed := map[string]struct{}{}
	for e := range t.doubtful {
		if t.review(e) {
			changed[e.call.Phone] = struct{}{}
		}
	}
	clear(t.touched)
	clear(t.doubtful)
	return changed
}

// review makes the picture of a call anew, and says whether its line has changed.
func (t *Table) review(e *entry) bool {
	if e.left || e.at != nil && e.at.over {
		return t.remove(e)
	}
	now := t.picture(e)
	if e.shown && !e.fresh && same(&e.call, &now) {
		return false
	}
	e.call, e.fresh = now, false
	if !e.shown {
		e.shown = true
		line := t.lines[now.Phone]
		i, _ := slices.BinarySearchFunc(line, e, older)
		t.lines[now.Phone] = slices.Insert(line, i, e)
	}
	return true
}

// remove takes a call out of its line, and says whether it was there.
func (t *Table) remove(e *entry) bool {
	if e.at != nil && e.at.over && t.attempts[e.at.a.Call] == e {
		delete(t.attempts, e.at.a.Call)
	}
	if !e.shown {
		return false
	}
	e.shown = false
	line := slices.DeleteFunc(t.lines[e.call.Phone], func(o *entry) bool { return o == e })
	if len(line) == 0 {
		delete(t.lines, e.call.Phone)
	} else {
		t.lines[e.call.Phone] = line
	}
	return true
}

// same compares all that Of shows.
func same(a, b *Call) bool {
	return a.ID == b.ID && a.Phone == b.Phone && a.State == b.State && a.Incoming == b.Incoming && a.From == b.From && a.To == b.To &&
		a.Reference == b.Reference && a.Start.Equal(b.Start) && a.Connected.Equal(b.Connected) && a.Recording == b.Recording &&
		a.Parked == b.Parked && a.Account == b.Account && a.Trunk == b.Trunk && a.Codecs == b.Codecs && slices.Equal(a.CallIDs, b.CallIDs)
}

// picture is a call as the person sees it now.
func (t *Table) picture(e *entry) Call {
	var c Call
	if e.at != nil {
		c = t.clicked(e)
	} else {
		c = t.plain(e.p)
	}
	c.Connected = e.call.Connected
	if p := e.p; p != nil {
		far := t.opposite(p)
		if far == nil {
			far = t.parties[p.caller]
		}
		t.sides(&c, p, far)
		c.Recording = p.tapes > 0
		_, c.Parked = t.holdingBridge(p)
		if c.Connected.IsZero() && c.State.talks() {
			c.Connected = talkBegan(p, far)
		}
	}
	return c
}

// talks says whether both have talked in the state.
func (s State) talks() bool { return s == Connected || s == Holding || s == OnHold }

// sides fills in what is known of the channels of both sides.
func (t *Table) sides(c *Call, p, far *party) {
	c.Account = cmp.Or(p.sn.Account, c.Account)
	c.Codecs[0] = p.codec
	if p.sn.ProtocolID != "" {
		c.CallIDs = append(c.CallIDs, p.sn.ProtocolID)
	}
	if far == nil {
		return
	}
	c.Codecs[1] = far.codec
	c.Trunk = cmp.Or(far.sn.Trunk, c.Trunk)
	if far.sn.ProtocolID != "" {
		c.CallIDs = append(c.CallIDs, far.sn.ProtocolID)
	}
}

// talkBegan is when the later of both has answered.
func talkBegan(p, far *party) (at time.Time) {
	at = p.sn.AnsweredAt
	if far != nil && far.sn.AnsweredAt.After(at) {
		at = far.sn.AnsweredAt
	}
	return at
}

// clicked is a call of the queue, as who has asked for it sees it.
func (t *Table) clicked(e *entry) Call {
	a := e.at.a
	c := Call{
		ID: string(a.Call), Phone: a.RouteA.Phone, State: Alerting, From: t.o.Self(a.RouteA.Phone), Start: a.StartedAt,
		Door: a.Request.Origin.Door, Reference: a.Request.Origin.Reference, Account: a.Request.Account, Trunk: a.RouteB.Trunk,
		To: call.CallerID{Name: a.Request.Callee.Name, Number: destination(a)},
	}
	switch p := e.p; {
	case p == nil || !p.up():
	case a.Request.Then.Kind == call.ThenConnect && !e.at.connected:
		c.State = Ringback
	default:
		c.State = t.talk(p)
	}
	return c
}

// destination is the number that an attempt dials after the answer.
func destination(a *call.Attempt) string {
	return cmp.Or(a.RouteB.Number, a.Request.Callee.Number, a.RouteB.Phone, a.Request.Then.Extension, a.RouteB.Typed, string(a.Request.Then.Second))
}

// plain is the call of a phone's channel that no attempt has begun.
func (t *Table) plain(p *party) Call {
	sn, self := p.sn, t.o.Self(p.sn.Phone)
	c := Call{ID: sn.ID, Phone: sn.Phone, Incoming: !sn.Incoming, Start: sn.CreatedAt}
	switch {
	case p.up():
		c.State = t.talk(p)
	case sn.Incoming:
		c.State = Ringback
	default:
		c.State = Alerting
	}
	if !sn.Incoming {
		c.From, c.To = sn.Connected, self
		if sn.CallLeg == "b" { // its connected line is what leg A was shown
			c.From = sn.Caller
		}
		if c.From == (call.CallerID{}) {
			if caller := t.parties[p.caller]; caller != nil {
				c.From = caller.sn.Caller
			}
		}
		return c
	}
	c.From, c.To = cmp.Or(sn.Caller, self), call.CallerID{Number: sn.Dialled}
	if sn.Connected.Number == c.To.Number {
		c.To.Name = sn.Connected.Name
	}
	return c
}

// talk is the state of a phone that has answered, or was answered.
func (t *Table) talk(p *party) State {
	far := t.opposite(p)
	waits, _ := t.holdingBridge(p)
	switch {
	case p.sn.Held:
		return Holding
	case waits, far != nil && far.sn.Held:
		return OnHold
	case far != nil && far.dialled(), far == nil && t.dialling(p):
		return Ringback
	}
	return Connected
}
