package pbx

import (
	"sync"

	"github.com/dialwright/dialwright/internal/media"
)

// Direct access to what a mixing bridge mixes, for conferences: they record
// into files of their own and play audio that is in no file.

// Tap lets sink hear what all members say together, until remove is called or
// the bridge ends; remove may be called twice. The bridge mixes from then on,
// even two members. Errors: ErrNoMedia without a media engine, ErrBridgeType
// for a holding bridge, ErrGone.
func (b *Bridge) Tap(sink media.Sink) (remove func(), err error) {
	mixer, err := b.openMix()
	if err != nil {
		return nil, err
	}
	untap := mixer.Tap(sink)
	return sync.OnceFunc(func() { untap(); b.feed(-1) }), nil
}

// PlaySource plays src to all members, over what they say, and calls done once
// when it is over. It may be stopped; it is no Playback and has no events.
// Errors as for Tap; src is then not touched.
func (b *Bridge) PlaySource(src media.Source, done func(error)) (*media.Playout, error) {
	mixer, err := b.openMix()
	if err != nil {
		return nil, err
	}
	return mixer.Play(src, func(err error) {
		// The mixer may be in the middle of something; the bridge closes it elsewhere.
		if !b.box.post(func() { b.feed(-1); done(err) }) {
			done(err)
		}
	}), nil
}

// openMix gives the mixer and keeps it until feed(-1).
func (b *Bridge) openMix() (*media.Mixer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.sw.o.Media == nil:
		return nil, ErrNoMedia
	case b.kind != Mixing:
		return nil, ErrBridgeType
	case b.destroyed:
		return nil, ErrGone
	}
	b.feeds++
	b.rewire()
	b.tech = b.technologyNow()
	return b.mixer, nil
}
