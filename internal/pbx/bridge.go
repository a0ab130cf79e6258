package pbx

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
)

// BridgeType says what a bridge does with its members.
type BridgeType string

// The bridge types.
const (
	Mixing  BridgeType = "mixing"  // everybody hears everybody else
	Holding BridgeType = "holding" // members hear music and not each other; an announcer is heard by all
)

// BridgeOptions says what bridge to make.
type BridgeOptions struct {
	ID         string // "" = made by the switch
	Name       string
	Type       BridgeType   // "" = Mixing
	Flags      []BridgeFlag // see ParseBridgeType
	Variables  []BridgeVariable
	ProxyMedia bool   // mix even two members, so that bridge playbacks start without a change of path
	Creator    string // "Stasis", "Dial", ...
	Class      string // "stasis", "basic", ...
}

// CreatorBridge is the creator of a bridge that joins two calls which had nothing to do with
// each other: each party is shown the other one's caller (observed: Asterisk 22.10, AMI's Bridge).
const CreatorBridge = "Bridge"

// AddOptions says how a channel joins a bridge.
type AddOptions struct {
	Role             string // "participant" (also "") or "announcer"; holding bridges only
	Mute             bool   // what it says is not heard
	AbsorbDTMF       bool   // its digits do not reach the others
	InhibitConnected bool   // its arrival does not change anybody's connected line
}

// Bridge joins channels. Two members are linked directly, by relay if they
// speak one codec; more are mixed; the bridge changes between the two as
// members come and go. A member need not be answered, nor even dialled: its
// early media flows as soon as there is any.
//
// The bridge's mutex guards its members and its wiring. Members come and go in their own
// actors, which take the mutex; nothing under it waits for an actor.
type Bridge struct {
	id, name       string
	kind           BridgeType
	creator, class string
	proxy          bool
	flags          []BridgeFlag
	vars           variables
	reported       atomic.Pointer[[]Reported]
	createdAt      time.Time
	sw             *Switch
	gone           chan struct{} // closed after BridgeDestroyed
	box            mailbox       // actor of the bridge's playbacks
	playing        []*Playback
	recordings     []*Recording
	music          *bridgeMusic

	mu        sync.Mutex // guards what follows; taken before Switch.mu and bus.mu
	members   []*member
	destroyed bool
	link      *media.Link // two members
	linked    [2]*member
	mixer     *media.Mixer // more, or a playback or recording of the bridge
	feeds     int          // playbacks and recordings that need the mixer
	tech      string       // as snapshots show it

	videoMode   string // "talker", "sfu", "single", "none"
	videoSource string // id of a channel
}

// member is a channel in a bridge.
type member struct {
	c      *Channel
	o      AddOptions
	inMix  *media.Member
	hears  bool // has been told that the other side holds
	hushed bool // its music gives way to an announcer
	joined time.Time
}

// NewBridge makes an empty bridge. Errors: ErrBridgeInUse, ErrBridgeType,
// ErrStopping.
func (s *Switch) NewBridge(o BridgeOptions) (*Bridge, error) {
	if o.Type == "" {
		o.Type = Mixing
	}
	if o.Type != Mixing && o.Type != Holding {
		return nil, fmt.Errorf("bridge type %q: %w", o.Type, ErrBridgeType)
	}
	if o.ID == "" {
		o.ID = newObjectID()
	}
	b := &Bridge{
		id: o.ID, name: o.Name, kind: o.Type, creator: o.Creator, class: o.Class, proxy: o.ProxyMedia,
		createdAt: now(), sw: s, gone: make(chan struct{}), flags: slices.Clone(o.Flags), videoMode: videoMode(o.Flags),
	}
	b.tech = b.technologyNow()
	for _, v := range o.Variables {
		b.SetVariable(v.Name, v.Value)
		if v.Report {
			b.ReportVariable(v.Name)
		}
	}
	b.box.onPanic = func(v any, stack []byte) {
		s.panics.Add(1)
		s.log.Error("bridge playback broke an invariant", "bridge", b.id, "panic", panicText(v), "stack", string(stack))
	}
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return nil, ErrStopping
	}
	if _, used := s.bridges[b.id]; used {
		s.mu.Unlock()
		return nil, fmt.Errorf("bridge id %q: %w", b.id, ErrBridgeInUse)
	}
	s.bridges[b.id] = b
	s.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish(Event{Type: BridgeCreated})
	return b, nil
}

// Bridge finds a bridge by its id.
func (s *Switch) Bridge(id string) (*Bridge, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.bridges[id]
	return b, ok
}

// Bridges gives a snapshot of every bridge, oldest first.
func (s *Switch) Bridges() []*BridgeSnapshot {
	s.mu.Lock()
	all := make([]*Bridge, 0, len(s.bridges))
	for _, b := range s.bridges {
		all = append(all, b)
	}
	s.mu.Unlock()
	out := make([]*BridgeSnapshot, len(all))
	for i, b := range all {
		out[i] = b.Snapshot()
	}
	slices.SortFunc(out, func(x, y *BridgeSnapshot) int { return x.CreatedAt.Compare(y.CreatedAt) })
	return out
}

// ID gives the bridge's id.
func (b *Bridge) ID() string { return b.id }

// Snapshot gives the bridge as it is now.
func (b *Bridge) Snapshot() *BridgeSnapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.snapshot()
}

func (b *Bridge) snapshot() *BridgeSnapshot {
	s := &BridgeSnapshot{
		ID: b.id, Name: b.name, Type: b.kind, Creator: b.creator, Class: b.class, CreatedAt: b.createdAt,
		Channels: make([]string, len(b.members)), Technology: b.tech, VideoMode: b.videoMode, VideoSource: b.videoSource,
	}
	if v := b.reported.Load(); v != nil {
		s.Variables = *v
	}
	for i, m := range b.members {
		s.Channels[i] = m.c.id
	}
	return s
}

// Channels gives the members in the order in which they came.
func (b *Bridge) Channels() []*Channel {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*Channel, len(b.members))
	for i, m := range b.members {
		out[i] = m.c
	}
	return out
}

// Add lets a channel join, whatever its state; one that is in another bridge
// leaves that first. It returns when the channel is in and its
// ChannelEnteredBridge is out. Errors: ErrGone for the channel or the bridge,
// ErrRecording while the channel is being recorded.
func (b *Bridge) Add(c *Channel, o AddOptions) error {
	return c.do(func() error { return b.enter(c, o) })
}

// Remove lets a channel leave; it stays alive, and goes on ringing if it did.
// It returns when the channel is out. Errors: ErrNotMember, ErrGone.
func (b *Bridge) Remove(c *Channel) error {
	return c.do(func() error {
		if c.bridge != b {
			return ErrNotMember
		}
		b.leave(c)
		return nil
	})
}

// Destroy lets all members leave and ends the bridge. It may be called twice
// and returns when BridgeDestroyed is out. It waits for the members' actors,
// so it must not be called from one.
func (b *Bridge) Destroy() {
	b.mu.Lock()
	if b.destroyed {
		b.mu.Unlock()
		<-b.gone
		return
	}
	b.destroyed = true
	members := slices.Clone(b.members)
	b.mu.Unlock()
	for _, m := range members {
		b.evict(m.c)
	}
	b.silence()
	b.mu.Lock()
	b.unwire()
	b.publish(Event{Type: BridgeDestroyed})
	b.mu.Unlock()
	b.sw.mu.Lock()
	delete(b.sw.bridges, b.id)
	b.sw.mu.Unlock()
	close(b.gone)
}

// silence ends what the bridge plays and records and waits for that: what these have
// to say comes before BridgeDestroyed, after which nobody is interested in the bridge.
func (b *Bridge) silence() {
	done := make(chan struct{})
	posted := b.box.postFinal(func() {
		defer close(done)
		b.stopMusic()
		for _, p := range slices.Clone(b.playing) {
			p.finish(PlaybackFailed, ErrGone)
		}
		for _, r := range slices.Clone(b.recordings) {
			r.end(RecordingDone, "")
		}
	})
	if posted {
		<-done
	}
}

// evict waits until a member is out, even if its mailbox is full. One that has
// left or hung up in the meantime is out.
func (b *Bridge) evict(c *Channel) {
	done := make(chan struct{})
	posted := c.box.postFinal(func() {
		if c.bridge == b {
			b.leave(c)
		}
		close(done)
	})
	if !posted {
		return
	}
	select {
	case <-done:
	case <-c.gone:
	}
}

// isDestroyed reports whether Destroy has begun. What its actor is asked to do
// from then on fails.
func (b *Bridge) isDestroyed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.destroyed
}

// enter is Add in the channel's actor.
func (b *Bridge) enter(c *Channel, o AddOptions) error {
	if c.beingRecorded() {
		return ErrRecording // spec: ari 5.6
	}
	if c.bridge == b {
		return b.changeOptions(c, o)
	}
	if c.bridge != nil {
		c.bridge.leave(c)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.destroyed {
		return ErrGone
	}
	b.members = append(b.members, &member{c: c, o: o, joined: now()})
	c.bridge = b
	c.update(func(s *Snapshot) { s.Bridge = b.id })
	b.applyOptions(c, o)
	b.rewire()
	c.emit(Event{Type: ChannelEnteredBridge, Bridge: b.snapshot()}) // still with the technology of before (spec: ari 5.4)
	b.tech = b.technologyNow()
	if !o.InhibitConnected || b.class == classStasis {
		b.acquaint(c, !o.InhibitConnected)
	}
	if len(b.members) > 2 { // two are acquainted
		b.nameMembers()
	}
	return nil
}

func (b *Bridge) changeOptions(c *Channel, o AddOptions) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.members {
		if m.c == c {
			m.o = o
			b.applyOptions(c, o)
			b.rewire()
		}
	}
	return nil
}

func (b *Bridge) applyOptions(c *Channel, o AddOptions) {
	c.muteBridge = o.Mute
	c.applyMute()
	if c.port != nil {
		c.port.AbsorbDTMF(o.AbsorbDTMF)
	}
}

// leave takes a channel out; it runs in the channel's actor.
func (b *Bridge) leave(c *Channel) {
	b.mu.Lock()
	i := slices.IndexFunc(b.members, func(m *member) bool { return m.c == c })
	if i >= 0 {
		m := b.members[i]
		b.members = slices.Delete(b.members, i, i+1)
		if m.inMix != nil {
			m.inMix.Remove()
			m.inMix = nil
		}
		b.applyOptions(c, AddOptions{})
		b.rewire()
		b.nameMembers()
	}
	c.bridge, c.bridged = nil, true
	c.update(func(s *Snapshot) { s.Bridge = "" })
	for _, name := range [...]string{"BRIDGEPEER", "BRIDGEPVTCALLID"} {
		if v, _ := c.vars.get(name); v != "" {
			c.setVariable(name, "")
		}
	}
	c.emit(Event{Type: ChannelLeftBridge, Bridge: b.snapshot()})
	b.tech = b.technologyNow()
	b.mu.Unlock()
	c.setOtherHolds(false)
	if b.kind == Holding {
		c.hushed = false
		c.stopTone()
	}
}

// acquaint tells the two members of a bridge of each other: BRIDGEPEER, the
// oldest linked id and, if wanted, the connected line of each (spec: ari 5.4, 6.3).
func (b *Bridge) acquaint(c *Channel, lines bool) {
	if len(b.members) != 2 || b.kind != Mixing {
		return
	}
	other := b.members[0].c
	if other == c {
		other = b.members[1].c
	}
	mine, theirs := c.snap.Load(), other.snap.Load()
	linked := mine.LinkedID
	if theirs.CreatedAt.Before(mine.CreatedAt) {
		linked = theirs.LinkedID
	}
	name := func(who *Channel, peer *Snapshot) turn {
		return turn{who, func() {
			who.setVariable("BRIDGEPEER", peer.Name)
			who.setVariable("BRIDGEPVTCALLID", peer.ProtocolID)
			if who.snap.Load().LinkedID != linked {
				who.update(func(s *Snapshot) { s.LinkedID = linked })
			}
		}}
	}
	line := func(who *Channel, from *Channel) turn {
		return turn{who, func() { // who it is by then: LegIdentity may have come in between
			if id := b.identity(who, from, from.snap.Load()); id != (call.CallerID{}) {
				who.setConnected(id)
			}
		}}
	}
	turns := []turn{name(other, mine), name(c, theirs)}
	if lines {
		turns = append(turns, line(other, c), line(c, other))
	}
	b.inTurn(turns)
}

// turn is something that a member's actor is to do.
type turn struct {
	who *Channel
	do  func()
}

// inTurn lets members do something one after the other, each in its own actor, so
// that what they tell comes in that order. Who has left in the meantime is passed over.
func (b *Bridge) inTurn(turns []turn) {
	if len(turns) == 0 {
		return
	}
	t := turns[0]
	posted := t.who.box.post(func() {
		if !t.who.hungUp && t.who.bridge == b {
			t.do()
		}
		b.inTurn(turns[1:])
	})
	if !posted {
		b.inTurn(turns[1:])
	}
}

// identified gives the other member of a bridge of two a new connected line. It runs in
// the member's actor.
func (b *Bridge) identified(c *Channel, id call.CallerID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.members) != 2 || b.kind != Mixing || b.destroyed {
		return
	}
	for _, m := range b.members {
		if m.c != c {
			b.inTurn([]turn{{m.c, func() { m.c.setConnected(id) }}})
		}
	}
}

// remind tells the two members of an application's bridge of each other again, as
// Asterisk does when one of them is dialled there and when its media begins, early or
// with the answer (observed: Asterisk 22.10, vectors 03a to 03c). It runs in the member's actor.
func (b *Bridge) remind(c *Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.class == "stasis" && !b.destroyed {
		b.acquaint(c, false)
	}
}

// identity is what who sees of another member, whose snapshot is s, as its connected
// line: in a bridge of a remote application, and if a dialplan has called one of the
// two, the channel's own caller ID (observed: Asterisk 22.10, ARI vector 03a, AMI trace a1).
func (b *Bridge) identity(who, other *Channel, s *Snapshot) call.CallerID {
	if b.class == classStasis || b.creator == CreatorBridge || other.called || who.called && s.Caller != (call.CallerID{}) {
		return s.Caller
	}
	return identity(s)
}

// mostNamed is up to how many members BRIDGEPEER names the others (Asterisk:
// bridge.c MAX_BRIDGEPEER_CHANS, which counts the others).
const mostNamed = 11

// nameMembers gives each member of a remote application's conference the names of
// the others in BRIDGEPEER, and nobody's call in BRIDGEPVTCALLID; acquaint does it
// for two. b.mu is held.
func (b *Bridge) nameMembers() {
	if b.class != classStasis || b.kind != Mixing || len(b.members) < 2 || len(b.members) > mostNamed {
		return
	}
	var turns []turn
	for _, m := range b.members {
		var names []string
		callID := ""
		for _, o := range b.members {
			if o != m {
				sn := o.c.snap.Load()
				names, callID = append(names, sn.Name), sn.ProtocolID
			}
		}
		if len(names) > 1 {
			callID = ""
		}
		peers := strings.Join(names, ",")
		turns = append(turns, turn{m.c, func() {
			m.c.changeVariable("BRIDGEPEER", peers)
			m.c.changeVariable("BRIDGEPVTCALLID", callID)
		}})
	}
	b.inTurn(turns)
}

// changeVariable sets a variable that is not so already.
func (c *Channel) changeVariable(name, value string) {
	if v, _ := c.vars.get(name); v != value {
		c.setVariable(name, value)
	}
}

// introduce is acquaint for a member that came in with InhibitConnected: it
// leaves the connected lines alone. It runs in the member's actor.
func (b *Bridge) introduce(c *Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !c.hungUp && c.bridge == b {
		b.acquaint(c, false)
	}
}

// publish sends an event of the bridge itself; b.mu is held.
func (b *Bridge) publish(e Event) {
	e.At = now()
	e.Bridge = b.snapshot()
	b.sw.bus.publish(&e)
}
