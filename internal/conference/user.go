package conference

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/media/dsp"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Result says how somebody left a conference: CONFBRIDGE_RESULT.
type Result string

// The results (Asterisk: app_confbridge.c).
const (
	Failed    Result = "FAILED"    // did not come in: wrong pin, locked, full
	HungUp    Result = "HANGUP"    //
	Kicked    Result = "KICKED"    //
	EndMarked Result = "ENDMARKED" // the last marked user left
	DTMF      Result = "DTMF"      // by the menu
	TimedOut  Result = "TIMEOUT"   // the profile's timeout
)

// Why a user's context ends before its channel.
var (
	errKicked    = errors.New("kicked out of the conference")
	errEndMarked = errors.New("the last marked user has left the conference")
	errTimeout   = errors.New("the time in the conference is over")
	errLeft      = errors.New("the channel was taken out of the conference's bridge")
	errByMenu    = errors.New("left the conference by its menu")
)

// Entry says how somebody enters.
type Entry struct {
	Bridge BridgeProfile
	User   UserProfile
	Menu   Menu
	Digits <-chan rune // what the party types
	// Exec runs the dialplan for the menu's dialplan_exec: "context,exten,priority"; nil = it cannot.
	Exec func(ctx context.Context, place string) error
	// Music starts and stops music of a class for the channel, "" = the default
	// one; nil = there is no music. It is called in Enter's goroutine.
	Music func(class string, on bool) error
}

// user is somebody in a room, or on the way in.
type user struct {
	rooms *Rooms
	room  *room
	c     *pbx.Channel
	p     UserProfile
	e     Entry
	ctx   context.Context // ends when the user shall leave
	stop  context.CancelCauseFunc
	poke  chan struct{} // has an element while want may differ from is
	talk  chan bool
	name  *clip // what the user has said its name to be

	// Guarded by room.mu.
	want    state
	inside  bool // prompts may be given: it has entered
	prompts []string

	// Of the user's own goroutine.
	is    state
	typed string
	rest  <-chan time.Time // runs while digits may go on
}

// state is what a user hears and whether it is heard.
type state struct {
	muted   bool // by itself or an admin
	waiting bool // for a marked user
	music   bool
}

// silent says that what the user says is not heard.
func (s state) silent() bool { return s.muted || s.waiting }

func (u *user) wake() {
	select {
	case u.poke <- struct{}{}:
	default:
	}
}

// Enter takes c into the room of a name until it leaves. It answers nothing.
// The error is nil unless the controller must stop: pbx.ErrGone when the party
// hung up, the cause of ctx when that ended. With Failed and no error the party
// has been told and is still there.
func (r *Rooms) Enter(ctx context.Context, c *pbx.Channel, name string, e Entry) (Result, error) {
	u := &user{rooms: r, c: c, p: e.User, e: e, poke: make(chan struct{}, 1), talk: make(chan bool, 16)}
	u.ctx, u.stop = context.WithCancelCause(ctx)
	defer u.stop(nil)
	if !u.checkPIN() {
		return u.failed(ctx)
	}
	if u.p.AnnounceJoinLeave {
		u.recordName()
	}
	first, err := r.join(name, u, e.Bridge)
	if errors.Is(err, errRefused) {
		u.say(e.Bridge.sound("sound_locked"))
		return u.failed(ctx)
	}
	if err != nil {
		r.log.Warn("conference cannot be made", "conference", name, "error", err)
		return u.failed(ctx)
	}
	if first {
		u.tell("ConfbridgeStart", "")
	}
	err = u.takePart()
	if err == nil {
		<-u.ctx.Done()
	}
	return u.left(ctx)
}

// failed is the result of who did not come in.
func (u *user) failed(ctx context.Context) (Result, error) {
	if u.c.Context().Err() != nil {
		return HungUp, pbx.ErrGone
	}
	if ctx.Err() != nil {
		return Failed, context.Cause(ctx)
	}
	return Failed, nil
}

// takePart goes into the bridge and stays until the context ends. The error
// says that the channel could not go in.
func (u *user) takePart() error {
	u.greet()
	unwatch := u.c.Watch(u.watch)
	defer unwatch()
	if err := u.goIn(); err != nil {
		u.stop(err)
		return err
	}
	defer u.goOut()
	if u.p.Timeout > 0 {
		t := time.AfterFunc(u.p.Timeout, func() { u.stop(errTimeout) })
		defer t.Stop()
	}
	if u.p.TalkEvents && u.c.Port() != nil {
		defer u.listen()()
	}
	for u.ctx.Err() == nil {
		u.next()
	}
	return nil
}

// watch ends it when somebody else moves the channel to another bridge. It runs
// in the channel's actor.
func (u *user) watch(e *pbx.Event) {
	if e.Type == pbx.ChannelLeftBridge && e.Bridge.ID == u.room.bridge.ID() {
		u.stop(errLeft) // has no effect if it is leaving anyway
	}
}

// goIn joins the bridge as the room wants it.
func (u *user) goIn() error {
	m := u.room
	m.mu.Lock()
	u.inside = true
	want := u.want
	m.mu.Unlock()
	if !u.p.HearOwnJoinSound {
		u.joinSound()
	}
	if err := m.bridge.Add(u.c, u.options(want)); err != nil {
		return err
	}
	if u.p.HearOwnJoinSound {
		u.joinSound()
	}
	u.is = state{muted: want.muted, waiting: want.waiting}
	u.apply()
	u.tell("ConfbridgeJoin", "")
	return nil
}

func (u *user) options(s state) pbx.AddOptions {
	return pbx.AddOptions{Mute: s.silent(), AbsorbDTMF: true, InhibitConnected: true}
}

// apply makes the channel what the room wants it to be.
func (u *user) apply() {
	m := u.room
	m.mu.Lock()
	want := u.want
	m.mu.Unlock()
	was := u.is
	u.is = want
	if was.silent() != want.silent() && u.ctx.Err() == nil {
		u.note("mute", m.bridge.Add(u.c, u.options(want))) // a member is not added again: its options change
	}
	if was.muted != want.muted {
		u.tell(map[bool]string{true: "ConfbridgeMute", false: "ConfbridgeUnmute"}[want.muted], "")
	}
	if was.music != want.music {
		u.music(want.music)
	}
}

func (u *user) music(on bool) {
	if u.e.Music != nil {
		u.note("music", u.e.Music(u.p.MusicClass, on))
	}
}

// note logs what could not be done; the conference goes on.
func (u *user) note(what string, err error) {
	if err != nil && !errors.Is(err, pbx.ErrGone) && !errors.Is(err, pbx.ErrNoMedia) {
		u.rooms.log.Info("conference: "+what, "channel", u.c.ID(), "error", err)
	}
}

// next waits for one thing and deals with it.
func (u *user) next() {
	select {
	case <-u.ctx.Done():
	case <-u.poke:
		u.apply()
		u.say(u.takePrompts()...)
	case on := <-u.talk:
		u.tell("ConfbridgeTalking", map[bool]string{true: "on", false: "off"}[on])
	case d := <-u.e.Digits:
		u.digit(d)
	case <-u.rest:
		u.rest = nil
		u.decide(false)
	}
}

func (u *user) takePrompts() []string {
	u.room.mu.Lock()
	defer u.room.mu.Unlock()
	p := u.prompts
	u.prompts = nil
	return p
}

// listen tells when the user talks.
func (u *user) listen() (remove func()) {
	level := u.p.SilenceLevel
	if level <= 0 {
		level = 160 // Asterisk: conf_config_parser.c DEFAULT_TALKING_THRESHOLD
	}
	sink := media.NewTalkSink(dsp.TalkConfig{Threshold: level, SilenceAfter: u.p.TalkThreshold}, func(on bool, _ time.Duration) {
		select {
		case u.talk <- on:
		default: // somebody stammers faster than events can be sent
		}
	})
	return u.c.Port().Tap(sink, media.TapOptions{In: true})
}

// goOut leaves the bridge.
func (u *user) goOut() {
	if u.is.music {
		u.music(false)
	}
	if err := u.room.bridge.Remove(u.c); err != nil && !errors.Is(err, pbx.ErrNotMember) {
		u.note("leave", err)
	}
}

// left takes the user off the list and tells it why.
func (u *user) left(ctx context.Context) (Result, error) {
	why := context.Cause(u.ctx)
	m := u.room
	u.tell("ConfbridgeLeave", "")
	if u.rooms.leave(u) {
		u.tell("ConfbridgeEnd", "")
	} else if !u.p.Quiet {
		u.announceLeave()
	}
	if u.c.Context().Err() != nil {
		return HungUp, pbx.ErrGone
	}
	if ctx.Err() != nil {
		return HungUp, context.Cause(ctx)
	}
	u.ctx = ctx // what is still said to the party
	switch {
	case errors.Is(why, errKicked):
		if !u.p.Quiet {
			u.say(m.p.sound("sound_kicked"))
		}
		return Kicked, u.gone()
	case errors.Is(why, errEndMarked):
		if !u.p.Quiet {
			u.say(m.p.sound("sound_leader_has_left"))
		}
		return EndMarked, u.gone()
	case errors.Is(why, errTimeout):
		return TimedOut, nil
	case errors.Is(why, errByMenu):
		return DTMF, nil
	case errors.Is(why, errLeft):
		return Kicked, nil
	}
	return Failed, nil
}

// gone says whether the party has hung up.
func (u *user) gone() error {
	if u.c.Context().Err() != nil {
		return pbx.ErrGone
	}
	return nil
}
