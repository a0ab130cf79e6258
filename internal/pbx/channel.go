package pbx

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
)

// Channel is the switch's handle on one party. It is an actor: everything
// that happens to it is posted to its mailbox and done there one after the
// other. Its methods are safe from any goroutine except the channel's own
// watchers; those that change something wait until the actor has done it and
// give ErrGone once the channel has hung up.
type Channel struct {
	sw   *Switch
	id   string
	box  mailbox
	snap atomic.Pointer[Snapshot]
	vars variables
	port *media.Port // nil without a media engine
	leg  Leg         // set before the channel is in the registry

	order uint64 // in which channels came into the registry; set before it is there

	handlers atomic.Int32 // that have it

	ctx    context.Context // ends when the channel hangs up
	cancel context.CancelCauseFunc
	gone   chan struct{} // closed after ChannelDestroyed

	destroyedCtx context.Context // ends with gone
	destroyedEnd context.CancelFunc
	legEnded     chan struct{} // closed by the leg's last event
	legOnce      sync.Once

	watchMu  sync.Mutex // guards watchers
	watchers []*watcher

	result atomic.Pointer[Result] // set when the channel hangs up

	succeeded   atomic.Bool              // see Succeeded
	dialledLegs dialledLegs              // how the channels that it dialled have ended
	lent        atomic.Pointer[[]Header] // incoming channels: headers for those that are dialled on its behalf

	// What follows belongs to the actor.
	incoming    bool
	created     bool          // by Create: may be dialled
	called      bool          // CreateOptions.Called was given; set before it is in the registry
	own         call.CallerID // of the party itself, as the channel has shown it from its creation; zero = not so
	originated  bool          // by Originate: failures are told as Dial events
	dialled     bool
	dialEnded   bool        // by GiveUp
	held        *[]LegEvent // of a dial with DialOptions.Hold; nil = nothing is held back
	handling    int         // handlers that have not returned
	begun       atomic.Bool // it has been a call, see BeginCall
	next        Handler     // takes over when the present one returns
	stopHandle  context.CancelCauseFunc
	onAnswer    Handler // takes the channel when it is answered
	earlyAnswer bool    // early media counts as the answer
	dialString  string
	headers     []Header
	caller      *Channel // of DialOptions
	ringTimer   *time.Timer
	bridge      *Bridge
	bridged     bool        // it has been in one, and left
	playing     []*Playback // first is playing, the others wait
	back        background  // heard while nothing plays
	muteIn      bool        // by Mute
	muteOut     bool
	muteBridge  bool // by its bridge
	phoneHolds  bool // its phone has put us on hold
	holdsHere   bool // by HoldOther
	otherHolds  bool // the party on the other side of the bridge holds us
	hushed      bool // an announcer of its holding bridge is heard instead of the background
	recordings  []*Recording
	talk        *detection // nil: nobody wants to know
	tones       []*detection
	digits      []*digitReader
	sounding    int      // applications that play by themselves (Echo)
	fitting     *fitting // the party is asked for another codec
	hungUp      bool
	outside     bool // hung up from outside
	bare        bool // by HangupBare
	destroyed   bool
	timeline    timeline
}

// timeline notes when a channel reached its stages.
type timeline struct{ started, ringing, progress, answered, ended time.Time }

// watcher is one function that sees a channel's events inside its actor.
type watcher struct{ f func(*Event) }

// Result says how a channel ended. It exists from the hangup on.
type Result struct {
	Cause      cause.Code
	SIPStatus  int
	Failure    *call.Failure // not nil if an outgoing leg was refused or timed out
	Peer       string        // peer's own reason text
	ByPeer     bool          // the peer hung up, or refused
	ByServer   bool          // the switch stopped or defended itself
	StartedAt  time.Time     // created
	RingingAt  time.Time     // zero: never rang
	ProgressAt time.Time     // zero: no early media
	AnsweredAt time.Time     // zero: never answered
	EndedAt    time.Time
	Media      media.Stats
	Codec      string
}

// ID gives the channel's id.
func (c *Channel) ID() string { return c.id }

// Name gives the channel's name, "PJSIP/101-0000001a".
func (c *Channel) Name() string { return c.snap.Load().Name }

// Snapshot gives the channel as it is now. The result is shared and must not
// be changed.
func (c *Channel) Snapshot() *Snapshot { return c.snap.Load() }

// State gives the channel's state.
func (c *Channel) State() State { return c.snap.Load().State }

// Port gives the channel's end of the media plane, nil without a media engine.
func (c *Channel) Port() *media.Port { return c.port }

// Leg gives the technology's side.
func (c *Channel) Leg() Leg { return c.leg }

// Switch gives the switch that the channel belongs to.
func (c *Channel) Switch() *Switch { return c.sw }

// Context ends when the channel hangs up; context.Cause is then ErrHungUp.
func (c *Channel) Context() context.Context { return c.ctx }

// Gone is closed after the channel's ChannelDestroyed event.
func (c *Channel) Gone() <-chan struct{} { return c.gone }

// Result says how the channel ended, false while it lives.
func (c *Channel) Result() (Result, bool) {
	r := c.result.Load()
	if r == nil {
		return Result{}, false
	}
	return *r, true
}

// Deliver posts an event of the channel's leg. Technologies call it; it never
// blocks and may be called from any goroutine, also after the channel has gone.
func (c *Channel) Deliver(e LegEvent) {
	if e.Kind == LegEnded {
		c.legOnce.Do(func() { close(c.legEnded) })
		c.box.postFinal(func() { c.handleLeg(e) })
		return
	}
	c.box.post(func() { c.handleLeg(e) })
}

// Watch lets f see every later event of the channel, in order, from inside
// its actor: f must be quick and must not call the channel's methods, except
// from another goroutine. The function returned ends it.
func (c *Channel) Watch(f func(*Event)) (remove func()) {
	w := &watcher{f}
	c.watchMu.Lock()
	c.watchers = append(c.watchers, w)
	c.watchMu.Unlock()
	return func() {
		c.watchMu.Lock()
		defer c.watchMu.Unlock()
		for i, o := range c.watchers {
			if o == w {
				// A copy: emit may be walking over the old slice.
				c.watchers = append(append([]*watcher(nil), c.watchers[:i]...), c.watchers[i+1:]...)
				return
			}
		}
	}
}

// do runs f in the actor and waits for it. After the hangup it gives ErrGone
// without running f.
func (c *Channel) do(f func() error) error {
	done := make(chan error, 1)
	ok := c.box.post(func() {
		if c.hungUp {
			done <- ErrGone
			return
		}
		done <- f()
	})
	if !ok {
		select {
		case <-c.ctx.Done():
			return ErrGone
		default:
			return ErrOverloaded
		}
	}
	select {
	case err := <-done:
		return err
	case <-c.gone:
		select {
		case err := <-done:
			return err
		default:
			return ErrGone
		}
	}
}

// update replaces the snapshot by a changed copy; only the actor does that.
func (c *Channel) update(change func(*Snapshot)) *Snapshot {
	s := *c.snap.Load()
	change(&s)
	c.snap.Store(&s)
	return &s
}

// emit completes e with time and channel, shows it to the watchers and
// publishes it. Only the actor calls it.
func (c *Channel) emit(e Event) {
	e.At = now()
	if e.Channel == nil && e.Type != Dial {
		e.Channel = c.snap.Load()
	}
	c.sw.bus.publish(&e)
	c.watchMu.Lock()
	ws := c.watchers
	c.watchMu.Unlock()
	for _, w := range ws {
		w.f(&e)
	}
}

// setState moves the state and says so.
func (c *Channel) setState(s State) {
	if c.snap.Load().State == s {
		return
	}
	c.update(func(sn *Snapshot) { sn.State = s })
	c.emit(Event{Type: ChannelStateChange})
}

// Handled says whether a handler has the channel: a dialplan, the built-in routing, an
// application. Who is dialled by one of those has none.
func (c *Channel) Handled() bool { return c.handlers.Load() > 0 }

// Answer answers a channel that came in. On an answered channel it has no
// effect; on an outgoing channel that is not up it gives ErrState.
func (c *Channel) Answer() error {
	return c.do(func() error {
		if c.snap.Load().State == Up {
			return nil
		}
		if !c.incoming {
			return ErrState
		}
		c.narrow(false)
		if err := c.leg.Answer(); err != nil {
			return err
		}
		c.answered()
		return nil
	})
}

// answered is what an answer does, whichever side gave it.
func (c *Channel) answered() {
	c.stopRingTimer()
	c.timeline.answered = now()
	c.update(func(s *Snapshot) {
		s.State, s.AnsweredAt = Up, c.timeline.answered
		if d := c.leg.Describe(); d.CallID != "" {
			s.ProtocolID = d.CallID
		}
	})
	c.watchMedia()
	c.emit(Event{Type: ChannelStateChange})
	if c.called { // it is at no extension any more (observed: Asterisk 22.10, AMI trace a1)
		c.update(func(s *Snapshot) { s.Extension = "" })
	}
	if c.dialled {
		c.emitDial("ANSWER", "")
	}
	if c.bridge != nil {
		c.bridge.memberChanged(c)
	}
	c.fitCodec()
	if h := c.onAnswer; h != nil && !c.hungUp {
		c.onAnswer = nil
		c.startHandler(h)
	}
}

// watchMedia ends the channel when its media stops for too long (M11).
func (c *Channel) watchMedia() {
	d := c.sw.o.RTPTimeout
	if d <= 0 || c.port == nil || c.leg.Describe().Listens {
		return
	}
	c.port.OnTimeout(d, func() {
		c.sw.log.Info("channel ended: no media", "channel", c.id, "for", d)
		c.end(hangup{cause: cause.TimerExpiry, soft: true, by: byServer})
	})
}

// Ring tells a party that came in that it is ringing at the other end (180).
func (c *Channel) Ring() error {
	return c.do(func() error {
		if !c.incoming || c.snap.Load().State == Up {
			return nil // Asterisk: answered channels get a tone instead, which StartTone gives
		}
		return c.leg.Ring()
	})
}

// Progress opens early media towards a party that came in (183). On other
// channels it has no effect.
func (c *Channel) Progress() error {
	return c.do(func() error { return c.progress(false) })
}

// progress opens early media; local says that it is to be ours.
func (c *Channel) progress(local bool) error {
	if !c.incoming || c.snap.Load().State == Up {
		return nil
	}
	c.narrow(local)
	return c.leg.Progress()
}

// Redirect sends a party that came in elsewhere before the answer (302), and
// transfers an answered one (REFER).
func (c *Channel) Redirect(target string) error {
	return c.do(func() error {
		if c.incoming && c.snap.Load().State != Up {
			return c.leg.Redirect(target)
		}
		return c.leg.Transfer(target)
	})
}

// Hold puts the party on hold or takes it back, as ARI's hold does: by
// signalling, without events.
func (c *Channel) Hold(on bool) error {
	return c.do(func() error { return c.leg.Hold(on) })
}

// Mute stops the media of the party: in = what it says, out = what it hears.
// Each call sets both directions.
func (c *Channel) Mute(in, out bool) error {
	return c.do(func() error {
		c.muteIn, c.muteOut = in, out
		c.applyMute()
		return nil
	})
}

// applyMute mutes what the channel or its bridge wants muted.
func (c *Channel) applyMute() {
	if c.port != nil {
		c.port.Mute(c.muteIn || c.muteBridge || c.holdsHere, c.muteOut)
	}
}

// SetCallerID sets the caller ID of the channel. Before Dial it decides what
// the dialled phone sees, unless a connected line is set.
func (c *Channel) SetCallerID(id call.CallerID) error {
	return c.do(func() error { c.setCallerID(id); return nil })
}

func (c *Channel) setCallerID(id call.CallerID) {
	if c.snap.Load().Caller == id {
		return
	}
	c.update(func(s *Snapshot) { s.Caller = id })
	c.emit(Event{Type: ChannelCallerID})
}

// SetConnected sets the connected line: who the party is talking to. An
// answered phone is told, if its technology can.
func (c *Channel) SetConnected(id call.CallerID) error {
	return c.do(func() error { c.setConnected(id); return nil })
}

func (c *Channel) setConnected(id call.CallerID) {
	if c.snap.Load().Connected == id {
		return
	}
	c.update(func(s *Snapshot) { s.Connected = id })
	c.emit(Event{Type: ChannelConnectedLine})
	if c.dialled || c.incoming {
		c.leg.UpdateCallerID(id)
	}
}

// SetPosition says where in a dialplan, or in which application, the channel
// is, and emits ChannelDialplan. priority 0 leaves context, extension and
// priority as they are.
func (c *Channel) SetPosition(context, extension string, priority int, app, data string) error {
	return c.do(func() error { c.setPosition(context, extension, priority, app, data); return nil })
}

func (c *Channel) setPosition(context, extension string, priority int, app, data string) {
	if priority == 0 && app == outgoingApp && c.snap.Load().App == app {
		return // it has been told
	}
	c.update(func(s *Snapshot) {
		if priority != 0 {
			s.Context, s.Extension, s.Priority = context, extension, priority
		}
		s.App, s.AppData = app, data
	})
	c.emit(Event{Type: ChannelDialplan})
}

// SetLanguage sets the language in which sounds are looked for.
func (c *Channel) SetLanguage(lang string) error {
	return c.do(func() error { c.update(func(s *Snapshot) { s.Language = lang }); return nil })
}

// SetAccount sets the account on whose behalf the channel acts.
func (c *Channel) SetAccount(a call.AccountID) error {
	return c.do(func() error { c.update(func(s *Snapshot) { s.Account = a }); return nil })
}

// SetAccountCode sets the text that the record shows as account code. Channels
// that this one dials get it too. Nobody's rights depend on it; see SetAccount.
func (c *Channel) SetAccountCode(code string) error {
	return c.do(func() error { c.setAccountCode(code); return nil })
}

func (c *Channel) setAccountCode(code string) {
	old := c.snap.Load().AccountCode
	if old == code {
		return
	}
	c.update(func(s *Snapshot) { s.AccountCode = code })
	c.emit(Event{Type: ChannelAccountCode, Value: old})
}

// UserEvent publishes a custom event about the channel. It works until the
// channel is destroyed: extension h tells of a call's end.
func (c *Channel) UserEvent(name, value string) error {
	return c.doUntilDestroyed(func() error {
		c.emit(Event{Type: ChannelUserEvent, Variable: name, Value: value})
		return nil
	})
}

// MediaStats gives the media statistics so far.
func (c *Channel) MediaStats() media.Stats {
	if r := c.result.Load(); r != nil {
		return r.Media
	}
	if c.port == nil {
		return media.Stats{}
	}
	return c.port.Stats()
}
