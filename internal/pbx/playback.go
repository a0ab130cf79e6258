package pbx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// PlaybackState says where a playback stands (spec: ari 8).
type PlaybackState string

// The states of a playback.
const (
	PlaybackQueued     PlaybackState = "queued"     // another one is playing
	PlaybackPlaying    PlaybackState = "playing"    //
	PlaybackContinuing PlaybackState = "continuing" // between two URIs
	PlaybackPaused     PlaybackState = "paused"     //
	PlaybackDone       PlaybackState = "done"       // also when stopped
	PlaybackFailed     PlaybackState = "failed"     // a file was missing, or the party hung up
)

// PlayOptions says what is played.
type PlayOptions struct {
	ID       string        // "" = made by the switch; unique among live playbacks
	Media    []string      // media URIs: sound: tone: digits: number: characters: recording: silence:
	Language string        // "" = the channel's
	Offset   time.Duration // into the first URI
	Skip     time.Duration // step of forward and reverse, 0 = 3 s
}

// Playback is a list of media that is played to a channel or a bridge. One
// plays at a time; the others wait in the order in which they were asked for.
//
//	queued ─► playing ◄─► paused
//	             │  └─► continuing ─► playing
//	             └────► done | failed
type Playback struct {
	id     string
	sw     *Switch
	target player
	o      PlayOptions
	done   chan struct{}

	mu      sync.Mutex // guards what others may read
	state   PlaybackState
	index   int
	playout *media.Playout
	err     error

	// of the target's actor:
	failed  bool
	stopped bool
	begun   bool // its turn has come
	waits   bool // until the party speaks a codec in which it can be played
	part    int  // rises with each URI, so that a late end of another is not taken for this one's
}

// player is what a playback plays to. Its run is an actor.
type player interface {
	run(f func()) bool
	start(src media.Source, done func(error)) (*media.Playout, error)
	emitPlayback(e Event)
	targetURI() string
	playbackOver(p *Playback)
	language() string
}

// ID gives the playback's id.
func (p *Playback) ID() string { return p.id }

// Done is closed when the playback is over.
func (p *Playback) Done() <-chan struct{} { return p.done }

// Wait waits for the end. It gives nil for a playback that ended or was
// stopped, ErrNoSound and the like for one that failed, and ctx's error.
func (p *Playback) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Snapshot gives the playback as it is now.
func (p *Playback) Snapshot() PlaybackSnapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PlaybackSnapshot{
		ID: p.id, MediaURI: p.o.Media[p.index], Target: p.target.targetURI(), Language: p.o.Language, State: p.state,
	}
	if p.index+1 < len(p.o.Media) {
		s.NextURI = p.o.Media[p.index+1]
	}
	return s
}

// Stop ends the playback; it is then done. One that waits never starts.
func (p *Playback) Stop() {
	p.target.run(func() {
		if p.isOver() || p.stopped {
			return
		}
		p.stopped = true
		p.mu.Lock()
		po, waiting := p.playout, p.state == PlaybackQueued
		p.mu.Unlock()
		if waiting && !p.waits {
			return // told when its turn comes (spec: ari 5.5)
		}
		p.finish(PlaybackDone, nil)
		if po != nil {
			po.Stop()
		}
	})
}

// PlaybackOp is one way to control a playback (spec: ari 4).
type PlaybackOp string

// The operations.
const (
	PlaybackRestart PlaybackOp = "restart"
	PlaybackPause   PlaybackOp = "pause"
	PlaybackUnpause PlaybackOp = "unpause"
	PlaybackReverse PlaybackOp = "reverse"
	PlaybackForward PlaybackOp = "forward"
)

// Control controls a playback that plays or pauses, else it gives
// ErrNotPlaying. It returns when the order has been given.
func (p *Playback) Control(op PlaybackOp) error {
	result := make(chan error, 1)
	if !p.target.run(func() { result <- p.control(op) }) {
		return ErrNotPlaying
	}
	select {
	case err := <-result:
		return err
	case <-p.done:
		return ErrNotPlaying
	}
}

func (p *Playback) control(op PlaybackOp) error {
	p.mu.Lock()
	po, state := p.playout, p.state
	p.mu.Unlock()
	if po == nil || state != PlaybackPlaying && state != PlaybackPaused {
		return ErrNotPlaying
	}
	switch op {
	case PlaybackPause:
		po.Pause()
		p.setState(PlaybackPaused)
	case PlaybackUnpause:
		po.Resume()
		p.setState(PlaybackPlaying)
		if state == PlaybackPaused {
			p.emit(PlaybackStarted) // spec: ari 5.5
		}
	case PlaybackRestart:
		po.Skip(-po.Position())
	case PlaybackForward:
		po.Skip(p.o.Skip)
	case PlaybackReverse:
		po.Skip(-p.o.Skip)
	default:
		return errors.New("unknown playback operation " + string(op))
	}
	return nil
}

func (p *Playback) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state == PlaybackDone || p.state == PlaybackFailed
}

func (p *Playback) setState(s PlaybackState) {
	p.mu.Lock()
	p.state = s
	p.mu.Unlock()
}

func (p *Playback) emit(t EventType) {
	s := p.Snapshot()
	p.target.emitPlayback(Event{Type: t, Playback: &s})
}

// begin starts the first URI; the playback's turn has come.
func (p *Playback) begin() {
	if p.stopped {
		p.finish(PlaybackDone, nil)
		return
	}
	p.playPart(0)
}

// playPart plays the URI at index i.
func (p *Playback) playPart(i int) {
	p.mu.Lock()
	p.index, p.state, p.playout = i, PlaybackPlaying, nil
	p.mu.Unlock()
	p.part++
	part := p.part
	p.emit(PlaybackStarted)
	src, err := p.sw.openMedia(p.o.Media[i], p.o.Language)
	if err != nil {
		p.partOver(part, err)
		return
	}
	po, err := p.target.start(src, func(err error) {
		p.target.run(func() { p.partOver(part, err) })
	})
	if err != nil {
		p.partOver(part, err)
		return
	}
	p.mu.Lock()
	p.playout = po
	p.mu.Unlock()
	if i == 0 && p.o.Offset > 0 {
		po.Skip(p.o.Offset)
	}
}

// partOver goes on with the next URI, or finishes. A part that could not be
// played does not keep the next from being played (spec: dialplan 5.1, Playback).
func (p *Playback) partOver(part int, err error) {
	if part != p.part || p.isOver() {
		return
	}
	if err != nil && !errors.Is(err, media.ErrStopped) {
		p.failed = true
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		p.sw.log.Info("playback failed", "media", p.o.Media[p.index], "target", p.target.targetURI(), "error", err)
	}
	if next := p.index + 1; next < len(p.o.Media) && !p.stopped {
		p.setState(PlaybackContinuing)
		p.emit(PlaybackContinues) // with the one that is over and the next (observed: Asterisk 22.10, vector 05d)
		p.playPart(next)
		return
	}
	if p.failed {
		p.finish(PlaybackFailed, p.err)
		return
	}
	p.finish(PlaybackDone, nil)
}

// finish ends the playback once.
func (p *Playback) finish(s PlaybackState, err error) {
	if p.isOver() {
		return
	}
	p.mu.Lock()
	p.state, p.err = s, err
	p.mu.Unlock()
	p.sw.forgetPlayback(p.id)
	p.emit(PlaybackFinished)
	close(p.done)
	p.target.playbackOver(p)
}

// Playback finds a playback that is not over.
func (s *Switch) Playback(id string) (*Playback, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.playbacks[id]
	return p, ok
}

func (s *Switch) forgetPlayback(id string) {
	s.mu.Lock()
	delete(s.playbacks, id)
	s.mu.Unlock()
}

// newPlayback makes a playback and registers it under its id. Errors:
// ErrMediaURI, ErrPlaybackInUse.
func (s *Switch) newPlayback(target player, o PlayOptions) (*Playback, error) {
	if len(o.Media) == 0 {
		return nil, ErrMediaURI
	}
	o.Media = slices.Clone(o.Media)
	if o.ID == "" {
		o.ID = newObjectID()
	}
	if o.Skip <= 0 {
		o.Skip = 3 * time.Second
	}
	if o.Language == "" {
		o.Language = target.language()
	}
	p := &Playback{id: o.ID, sw: s, target: target, o: o, state: PlaybackQueued, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, used := s.playbacks[p.id]; used { // spec: ari 10, D8
		return nil, fmt.Errorf("playback id %q: %w", p.id, ErrPlaybackInUse)
	}
	s.playbacks[p.id] = p
	return p, nil
}

// Play plays media to the party. It returns when the playback has begun or
// waits in line. A party that came in and is not answered gets early media
// (183) first. Errors: ErrGone, ErrNoMedia, ErrMediaURI for an empty list,
// ErrPlaybackInUse; a file that is missing, or a URI that nobody knows, makes the
// playback fail instead.
func (c *Channel) Play(o PlayOptions) (*Playback, error) {
	if c.port == nil {
		return nil, ErrNoMedia
	}
	p, err := c.sw.newPlayback(c, o)
	if err != nil {
		return nil, err
	}
	err = c.do(func() error {
		if err := c.progress(true); err != nil {
			return err
		}
		c.playing = append(c.playing, p)
		if len(c.playing) == 1 {
			c.stopBackground()
			c.beginFirst()
		}
		return nil
	})
	if err != nil {
		c.sw.forgetPlayback(p.id)
		return nil, err
	}
	return p, nil
}

// PlayAndWait plays media and waits for its end, the party's hangup, or ctx.
func (c *Channel) PlayAndWait(ctx context.Context, o PlayOptions) error {
	p, err := c.Play(o)
	if err != nil {
		return err
	}
	defer p.Stop()
	select {
	case <-p.done:
		if c.ctx.Err() != nil {
			return ErrGone
		}
		return p.Wait(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// The channel as target of playbacks.

func (c *Channel) run(f func()) bool { return c.box.post(f) }

func (c *Channel) start(src media.Source, done func(error)) (*media.Playout, error) {
	if c.port == nil {
		return nil, ErrNoMedia
	}
	return c.port.Play(src, done), nil
}

func (c *Channel) emitPlayback(e Event) { c.emit(e) }
func (c *Channel) targetURI() string    { return "channel:" + c.id }
func (c *Channel) language() string     { return c.snap.Load().Language }

func (c *Channel) playbackOver(p *Playback) {
	c.playing = slices.DeleteFunc(c.playing, func(o *Playback) bool { return o == p })
	if c.hungUp {
		return
	}
	if len(c.playing) > 0 {
		c.beginFirst()
		return
	}
	c.startBackground()
}
