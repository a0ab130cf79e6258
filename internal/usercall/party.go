package usercall

import (
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// party is a live channel, of a phone or of anything else.
type party struct {
	sn     *pbx.Snapshot
	caller string              // channel that dials it, "" = none
	dials  map[string]struct{} // channels that it dials
	tapes  int                 // recordings of it
	codec  string
	call   *entry // that it is the user's side of, nil = none
}

// up says whether the party has answered, or was so from the beginning.
func (p *party) up() bool { return p.sn.State == pbx.Up }

// dialled says whether the party is dialled, and has not answered.
func (p *party) dialled() bool { return !p.sn.Incoming && !p.up() }

// few is up to how many members of a bridge are told of each other: more are a
// conference, where nobody is the other side.
const few = 3

// longest is how many Local channels may lie between two parties.
const longest = 20

// take puts news into the table and gives the phones whose calls have changed.
func (t *Table) take(n news) map[string]struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, a := range n.attempts {
		if a.begun != nil {
			t.begin(a.begun)
		}
		if e := t.attempts[id]; e != nil && a.connected {
			e.at.connected = true
			t.changes(e)
		}
	}
	for id, c := range n.channels {
		if !c.gone {
			t.channelIs(id, c)
		}
	}
	for id, b := range n.bridges {
		t.bridgeIs(id, b)
	}
	for id, c := range n.channels {
		if c.gone {
			t.channelGone(id)
		}
	}
	for id, a := range n.attempts {
		if e := t.attempts[id]; e != nil && a.over {
			e.at.over = true
			t.changes(e)
		}
	}
	return t.settle()
}

// channelIs takes the newest of a channel.
func (t *Table) channelIs(id string, n *channelNews) {
	if n.anew {
		t.channelGone(id)
	}
	p := t.parties[id]
	if p == nil {
		p = &party{sn: n.sn}
		t.parties[id] = p
		t.pair(n.sn, id)
		t.assign(p)
	} else {
		t.touch(p) // those that it was joined with
		p.sn = n.sn
	}
	p.tapes += n.tapes
	if n.caller != "" && p.caller == "" {
		p.caller = n.caller
		if c := t.parties[n.caller]; c != nil {
			if c.dials == nil {
				c.dials = map[string]struct{}{}
			}
			c.dials[id] = struct{}{}
		}
	}
	if p.codec == "" && p.up() {
		p.codec = t.codecOf(id)
	}
	t.touch(p)
}

// codecOf asks a channel for the codec that it speaks.
func (t *Table) codecOf(id string) string {
	c, ok := t.o.Switch.Channel(id)
	if !ok {
		return ""
	}
	if codec := c.Leg().Describe().Codec; codec != "" {
		return codec
	}
	if port := c.Port(); port != nil {
		f, _ := port.Format()
		return f.Codec
	}
	return ""
}

// channelGone forgets a channel that has hung up.
func (t *Table) channelGone(id string) {
	p := t.parties[id]
	if p == nil {
		return
	}
	t.touch(p)
	delete(t.parties, id)
	t.unpair(p.sn)
	if c := t.parties[p.caller]; c != nil {
		delete(c.dials, id)
		t.touched[c] = struct{}{}
	}
	if e := p.call; e != nil {
		e.left = true
		t.changes(e)
	}
}

// bridgeIs takes the newest of a bridge, nil = it was destroyed.
func (t *Table) bridgeIs(id string, b *pbx.BridgeSnapshot) {
	t.touchMembers(t.bridges[id])
	if b == nil {
		delete(t.bridges, id)
		return
	}
	t.bridges[id] = b
	t.touchMembers(b)
}

func (t *Table) touchMembers(b *pbx.BridgeSnapshot) {
	if b == nil || len(b.Channels) > few {
		return
	}
	for _, id := range b.Channels {
		if p := t.parties[id]; p != nil {
			t.touch(p)
		}
	}
}

// touch notes that a party, and who it is joined with, may be seen otherwise now.
func (t *Table) touch(p *party) {
	t.touched[p] = struct{}{}
	if far := t.opposite(p); far != nil {
		t.touched[far] = struct{}{}
	}
	if o := t.otherHalf(p); o != nil {
		t.touched[o] = struct{}{}
		if far := t.opposite(o); far != nil {
			t.touched[far] = struct{}{}
		}
	}
	if c := t.parties[p.caller]; c != nil {
		t.touched[c] = struct{}{}
	}
}

// mate gives the other member of a party's bridge of two, nil if there is none.
func (t *Table) mate(p *party) *party {
	b := t.bridges[p.sn.Bridge]
	if b == nil || len(b.Channels) != 2 {
		return nil
	}
	switch p.sn.ID {
	case b.Channels[0]:
		return t.parties[b.Channels[1]]
	case b.Channels[1]:
		return t.parties[b.Channels[0]]
	}
	return nil
}

// opposite gives who a party is joined with, through Local channels if need be; nil if
// nobody, or more than one.
func (t *Table) opposite(p *party) *party {
	var far *party
	for range longest {
		m := t.mate(p)
		if m == nil {
			return far
		}
		far = m
		if p = t.otherHalf(m); p == nil {
			return far
		}
	}
	return far
}

// pair notes a half of a Local channel.
func (t *Table) pair(sn *pbx.Snapshot, id string) {
	name, i, ok := half(sn)
	if !ok {
		return
	}
	both := t.locals[name]
	if both == nil {
		both = new([2]string)
		t.locals[name] = both
	}
	both[i] = id
}

func (t *Table) unpair(sn *pbx.Snapshot) {
	name, i, ok := half(sn)
	both := t.locals[name]
	if !ok || both == nil {
		return
	}
	both[i] = ""
	if both[1-i] == "" {
		delete(t.locals, name)
	}
}

// otherHalf gives the other half of a Local channel, nil of anything else.
func (t *Table) otherHalf(p *party) *party {
	name, i, ok := half(p.sn)
	if !ok {
		return nil
	}
	if both := t.locals[name]; both != nil {
		return t.parties[both[1-i]]
	}
	return nil
}

// dialling says whether somebody is dialled on the party's behalf and has not answered.
func (t *Table) dialling(p *party) bool {
	for id := range p.dials {
		if d := t.parties[id]; d != nil && d.dialled() {
			return true
		}
	}
	return false
}

// holdingBridge says whether a party waits in a bridge that plays music, and whether that
// is a parking lot's.
func (t *Table) holdingBridge(p *party) (waits, parked bool) {
	b := t.bridges[p.sn.Bridge]
	if b == nil || b.Type != pbx.Holding {
		return false, false
	}
	return true, strings.EqualFold(b.Class, "parking")
}
