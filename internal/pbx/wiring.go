package pbx

import (
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
)

// How a bridge's media is wired. All functions but those of the playback
// actor run under the bridge's mutex.
//
//	members   no feed              a playback or recording of the bridge
//	0, 1      nothing              mixer
//	2         link (relay first)   mixer
//	3 …       mixer                mixer

// rewire makes the wiring fit the members, and lets those look at their codec
// who cannot be converted.
func (b *Bridge) rewire() {
	b.tellHolds()
	defer b.lookAtCodecs()
	if b.sw.o.Media == nil {
		return
	}
	if b.kind == Holding {
		b.holdAll()
		return
	}
	n := len(b.members)
	switch {
	case b.feeds > 0 || n > 2 || b.proxy && n > 0:
		b.mix()
	case n == 2:
		b.connect(b.members[0], b.members[1])
	default:
		b.unwire()
	}
}

// unwire takes all wires out.
func (b *Bridge) unwire() {
	b.unlink()
	b.unmix()
}

func (b *Bridge) unlink() {
	if b.link != nil {
		b.link.Close()
		b.link = nil
		b.linked = [2]*member{}
	}
}

func (b *Bridge) unmix() {
	if b.mixer == nil {
		return
	}
	for _, m := range b.members {
		if m.inMix != nil {
			m.inMix.Remove()
			m.inMix = nil
		}
	}
	b.mixer.Close()
	b.mixer = nil
}

// connect links two members directly.
func (b *Bridge) connect(x, y *member) {
	if b.link != nil && b.linked == [2]*member{x, y} {
		return
	}
	b.unwire()
	if x.c.port == nil || y.c.port == nil {
		return
	}
	b.link = media.Connect(x.c.port, y.c.port)
	b.linked = [2]*member{x, y}
	b.link.OnMode(func(m media.LinkMode) {
		if m == media.LinkIncompatible {
			x.c.box.post(x.c.fitCodec)
			y.c.box.post(y.c.fitCodec)
		}
	})
	// Digits that one side's media cannot carry go by signalling (M4, D13).
	b.link.OnDTMF(func(to *media.Port, d media.Digit) {
		for _, m := range [...]*member{x, y} {
			if m.c.port == to {
				m.c.box.post(func() { m.c.sendInfo(d.Rune, d.Duration) })
			}
		}
	})
}

// mix puts every member into the mixer.
func (b *Bridge) mix() {
	b.unlink()
	if b.mixer == nil {
		b.mixer = b.sw.o.Media.NewMixer(0) // at the rate of the best member (M8)
	}
	for _, m := range b.members {
		if m.inMix != nil || m.c.port == nil {
			continue
		}
		in, err := b.mixer.Add(m.c.port, media.MemberOptions{})
		if err != nil {
			b.sw.log.Warn("member is not heard", "bridge", b.id, "channel", m.c.id, "error", err)
			continue
		}
		m.inMix = in
	}
}

// holdAll lets every participant of a holding bridge hear music.
func (b *Bridge) holdAll() {
	b.announce()
	for _, m := range b.members {
		if m.hears || m.announcer() {
			continue
		}
		m.hears = true
		m.c.box.post(func() {
			if m.c.bridge == b && !m.c.hungUp && m.c.back.uri == "" && b.sw.o.MusicOn != "" {
				if err := m.c.setBackground(b.sw.o.MusicOn, m.c.opener(b.sw.o.MusicOn)); err != nil {
					b.sw.log.Info("no music", "bridge", b.id, "error", err)
				}
			}
		})
	}
}

// tellHolds lets each of two members know whether the other one's phone holds
// the call, so that it hears music meanwhile. In a conference the others go on.
func (b *Bridge) tellHolds() {
	for i, m := range b.members {
		held := false
		if b.kind == Mixing && len(b.members) == 2 {
			held = b.members[1-i].c.snap.Load().Held
		}
		if m.hears == held || b.kind != Mixing {
			continue
		}
		m.hears = held
		m.c.box.post(func() {
			if m.c.bridge == b {
				m.c.setOtherHolds(held)
			}
		})
	}
}

// memberChanged looks at the wiring again when a member has media, holds, or
// speaks another format; it runs in the member's actor.
func (b *Bridge) memberChanged(*Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rewire()
}

// forwardDigit passes a digit that came by signalling on to the other side of
// a two-party bridge; one that came with the media has been passed already and is only
// told. In a conference digits stay with who pressed them.
func (b *Bridge) forwardDigit(from *Channel, d rune, long time.Duration, bySignalling bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.members) != 2 || b.kind != Mixing {
		return
	}
	for _, m := range b.members {
		if m.c == from && m.o.AbsorbDTMF {
			return
		}
	}
	for _, m := range b.members {
		if m.c != from {
			pass := m.c.digitSent
			if bySignalling {
				pass = m.c.sendDigit
			}
			m.c.box.post(func() { pass(d, long) })
		}
	}
}

// identity is what others see as the connected line of a channel: its caller
// ID if it called us, else who was dialled.
func identity(s *Snapshot) call.CallerID {
	if s.Incoming && s.Caller != (call.CallerID{}) {
		return s.Caller
	}
	if s.Phone != "" {
		return call.CallerID{Number: s.Phone}
	}
	return call.CallerID{}
}

// Play plays media to all members. As Channel.Play; the target is "bridge:ID".
func (b *Bridge) Play(o PlayOptions) (*Playback, error) {
	if b.sw.o.Media == nil {
		return nil, ErrNoMedia
	}
	p, err := b.sw.newPlayback(b, o)
	if err != nil {
		return nil, err
	}
	begun := make(chan struct{})
	ok := b.box.post(func() {
		defer close(begun)
		if b.isDestroyed() {
			p.finish(PlaybackFailed, ErrGone)
			return
		}
		b.playing = append(b.playing, p)
		if len(b.playing) == 1 {
			b.feed(1)
			p.begin()
		}
	})
	if !ok {
		b.sw.forgetPlayback(p.id)
		return nil, b.refusal()
	}
	<-begun
	return p, nil
}

// feed counts what needs the mixer, and rewires.
func (b *Bridge) feed(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feeds += n
	if !b.destroyed {
		b.rewire()
		b.tech = b.technologyNow()
	}
}

// The bridge as target of playbacks.

func (b *Bridge) run(f func()) bool { return b.box.post(f) }

func (b *Bridge) start(src media.Source, done func(error)) (*media.Playout, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kind == Mixing && !b.destroyed && b.mixer == nil {
		b.mix()
	}
	if b.mixer == nil {
		return nil, ErrNoMedia
	}
	return b.mixer.Play(src, done), nil
}

func (b *Bridge) emitPlayback(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish(e)
}

func (b *Bridge) targetURI() string { return "bridge:" + b.id }
func (b *Bridge) language() string  { return b.sw.o.Language }

func (b *Bridge) playbackOver(p *Playback) {
	before := len(b.playing)
	b.playing = slices.DeleteFunc(b.playing, func(o *Playback) bool { return o == p })
	switch {
	case len(b.playing) == before: // it never was in line
	case b.isDestroyed():
	case len(b.playing) > 0:
		b.playing[0].begin()
	default:
		b.feed(-1)
	}
}
