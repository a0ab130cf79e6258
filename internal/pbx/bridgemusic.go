package pbx

import "github.com/dialwright/dialwright/internal/media"

// bridgeMusic is music on hold that is played to a whole bridge. It belongs to
// the bridge's actor.
type bridgeMusic struct{ playout *media.Playout }

// StartMusic lets all members hear music on hold of a class, "" = the default
// one, until StopMusic; in a mixing bridge over what they say, in a holding one
// in the place of its own music. Music that plays already is replaced. Errors:
// ErrNoMedia; ErrGone; what opening the class gives.
func (b *Bridge) StartMusic(class string) error {
	if b.sw.o.Media == nil {
		return ErrNoMedia
	}
	src, err := b.sw.openMedia("music:"+class, b.language())
	if err != nil {
		return err
	}
	return b.do(func() error {
		b.stopMusic()
		b.feed(1)
		playout, err := b.start(media.Loop(src), func(error) {})
		if err != nil {
			b.feed(-1)
			return err
		}
		b.music = &bridgeMusic{playout: playout}
		return nil
	})
}

// StopMusic ends StartMusic. Errors: ErrNoMusic when none plays, ErrGone.
func (b *Bridge) StopMusic() error {
	return b.do(func() error {
		if b.music == nil {
			return ErrNoMusic
		}
		b.stopMusic()
		return nil
	})
}

// stopMusic runs in the bridge's actor.
func (b *Bridge) stopMusic() {
	if m := b.music; m != nil {
		b.music = nil
		m.playout.Stop()
		b.feed(-1)
	}
}

// do runs f in the bridge's actor and waits for it. Errors: ErrGone, ErrOverloaded, f's.
func (b *Bridge) do(f func() error) error {
	done := make(chan error, 1)
	ok := b.box.post(func() {
		if b.isDestroyed() {
			done <- ErrGone
			return
		}
		done <- f()
	})
	if !ok {
		return b.refusal()
	}
	return <-done
}

// refusal says why the bridge's actor has not taken a command.
func (b *Bridge) refusal() error {
	if b.isDestroyed() {
		return ErrGone
	}
	return ErrOverloaded
}
