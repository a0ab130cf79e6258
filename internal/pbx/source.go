package pbx

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// limited is the beginning of an endless source.
type limited struct {
	src  media.Source
	left time.Duration
}

func (l *limited) Rate() int { return l.src.Rate() }

func (l *limited) ReadFrame(pcm []int16) (int, error) {
	want := int(l.left * time.Duration(l.src.Rate()) / time.Second)
	if want <= 0 {
		return 0, io.EOF
	}
	short := want < len(pcm)
	n, err := l.src.ReadFrame(pcm[:min(len(pcm), want)])
	l.left -= time.Duration(n) * time.Second / time.Duration(l.src.Rate())
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// background is what a party hears while no playback runs: a tone, music, or
// nothing.
type background struct {
	uri     string // media URI; its end starts it again
	open    opener // of uri
	playout *media.Playout
	round   int
	begunAt time.Time
}

// opener opens a source, each time that it is to be heard from its beginning.
type opener func() (media.Source, error)

// StartMusic is StartTone with a source of the caller's: open is asked for it
// now, and again whenever it has ended or was interrupted. name stands for it in
// the log. Errors: those of open; ErrGone.
func (c *Channel) StartMusic(name string, open func() (media.Source, error)) error {
	return c.do(func() error {
		if err := c.progress(true); err != nil {
			return err
		}
		return c.setBackground("music:"+name, open)
	})
}

// StartTone lets the party hear an endless tone or other media ("tone:ring",
// "tone:busy", "sound:music/hold"): until StopTone, another StartTone, or the
// hangup. Playbacks interrupt it. It is what ARI's moh and silence
// ("silence:0") and the dialplan's Playtones do.
func (c *Channel) StartTone(uri string) error {
	return c.do(func() error {
		if err := c.progress(true); err != nil {
			return err
		}
		return c.setBackground(uri, c.opener(uri))
	})
}

// opener opens a media URI in the channel's language.
func (c *Channel) opener(uri string) opener {
	return func() (media.Source, error) { return c.sw.openMedia(uri, c.language()) }
}

// StopTone ends what StartTone began.
func (c *Channel) StopTone() error {
	return c.do(func() error { c.stopTone(); return nil })
}

// setBackground changes what is heard in the background.
func (c *Channel) setBackground(uri string, open opener) error {
	if c.port != nil {
		src, err := open()
		if err != nil {
			return err
		}
		if f, ok := src.(io.Closer); ok {
			_ = f.Close() // only read
		}
	}
	c.stopBackground()
	c.musicChanges(c.back.uri, uri)
	c.back.uri, c.back.open = uri, open
	c.startBackground()
	return nil
}

// stopTone forgets the background that was asked for; hold music comes back
// into its place if the other party still holds.
func (c *Channel) stopTone() {
	c.stopBackground()
	c.musicChanges(c.back.uri, "")
	c.back.uri = ""
	c.startBackground()
}

// musicChanges tells where music on hold ends and begins.
func (c *Channel) musicChanges(from, to string) {
	if _, music := musicClass(from); music {
		c.emit(Event{Type: ChannelMusicStopped})
	}
	if class, music := musicClass(to); music {
		c.emit(Event{Type: ChannelMusicStarted, Value: class})
	}
}

// musicClass gives the class of a media URI "music:CLASS", false for others.
func musicClass(uri string) (class string, music bool) {
	class, music = strings.CutPrefix(uri, "music:")
	return cmp.Or(class, "default"), music
}

// startBackground plays the background unless a playback runs.
func (c *Channel) startBackground() {
	uri, open := c.back.uri, c.back.open
	if uri == "" && c.otherHolds {
		uri, open = c.sw.o.MusicOn, c.opener(c.sw.o.MusicOn)
	}
	if c.port == nil || uri == "" || len(c.playing) > 0 || c.back.playout != nil || c.hungUp || c.hushed {
		return
	}
	if c.unfit() {
		c.fitCodec() // and then again
		return
	}
	src, err := open()
	if err != nil {
		c.sw.log.Info("background not played", "channel", c.id, "media", uri, "error", err)
		return
	}
	c.back.round++
	c.back.begunAt = time.Now()
	round := c.back.round
	c.back.playout = c.port.Play(media.Loop(src), func(err error) {
		if err != nil {
			return // stopped or replaced
		}
		c.box.post(func() { c.backgroundOver(round) })
	})
}

// backgroundOver starts music again from its beginning.
func (c *Channel) backgroundOver(round int) {
	if round != c.back.round || c.back.playout == nil {
		return
	}
	c.back.playout = nil
	if time.Since(c.back.begunAt) < shortestMusic {
		return // an empty file: do not spin
	}
	c.startBackground()
}

// shortestMusic is the length below which a background is not started again.
const shortestMusic = 100 * time.Millisecond

func (c *Channel) stopBackground() {
	if po := c.back.playout; po != nil {
		c.back.playout = nil
		c.back.round++
		po.Stop()
	}
}

// setOtherHolds says whether the party that this one is bridged with has put
// it on hold: it then hears music.
func (c *Channel) setOtherHolds(on bool) {
	if c.otherHolds == on || c.hungUp {
		return
	}
	c.otherHolds = on
	if c.back.uri == "" {
		if on {
			c.musicChanges("", c.sw.o.MusicOn)
		} else {
			c.musicChanges(c.sw.o.MusicOn, "")
		}
		c.stopBackground()
		c.startBackground()
	}
}

// stopMedia ends everything that is played to or recorded from a channel that
// hangs up.
func (c *Channel) stopMedia() {
	if c.stopBackground(); c.back.uri != "" {
		c.musicChanges(c.back.uri, "")
	} else if c.otherHolds {
		c.musicChanges(c.sw.o.MusicOn, "")
	}
	for _, p := range slices.Clone(c.playing) {
		p.mu.Lock()
		po := p.playout
		p.mu.Unlock()
		p.finish(PlaybackFailed, ErrGone) // spec: ari 5.5, hangup while playing
		if po != nil {
			po.Stop()
		}
	}
	for _, r := range slices.Clone(c.recordings) {
		r.end(RecordingDone, "")
	}
}
