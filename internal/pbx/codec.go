package pbx

import (
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
)

// What happens to a party whose codec is only passed on (Opus: media has no
// encoder and no decoder for it). Between two such parties it stays; whenever
// the party is to hear something else, it is asked to speak another codec:
//
//	fits ─► what it is to hear needs another codec ─► asked ─► LegMedia ─► fits
//	                                                    └─► 5 s ─► hung up, cause 58
//
// Failing promise: no call stays connected in silence. A party that cannot be
// asked, or has not changed after fitTime, ends with cause 58, and so does the
// one that it is linked with. Playbacks and tones wait meanwhile, so that
// nothing of them is lost.

// fitTime is how long an answered party may take to change its codec.
const fitTime = 5 * time.Second

// fitting is one request for another codec.
type fitting struct {
	asked []string
	timer *time.Timer // nil until the party is up
}

// ownCodecs are those that we can make ourselves, the best first.
func ownCodecs() []string { return []string{"G722", "PCMU", "PCMA"} }

// codecsFor gives the codecs of which the party must speak one for what it is
// to hear now, best first, and with whom it is linked. No codecs: any will do.
func (c *Channel) codecsFor() (codecs []string, other *Channel) {
	if c.bridge != nil {
		codecs, other = c.bridge.codecsFor(c)
	}
	if len(c.playing) > 0 || c.sounding > 0 || c.back.uri != "" {
		codecs = ownCodecs() // hold music alone is not worth the other's codec
	}
	return codecs, other
}

// codecsFor is the bridge's part of it: a mixer needs our own codecs, a link
// the codec of the other member or, if that can be converted, one of our own.
func (b *Bridge) codecsFor(c *Channel) ([]string, *Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.mixer != nil:
		return ownCodecs(), nil
	case b.link == nil:
		return nil, nil
	}
	other := b.linked[0].c
	if other == c {
		other = b.linked[1].c
	}
	f, ok := other.port.Format()
	if !ok {
		return nil, other
	}
	own := slices.DeleteFunc(ownCodecs(), func(name string) bool { return strings.EqualFold(name, f.Codec) })
	return append([]string{f.Codec}, own...), other
}

// lookAtCodecs lets the members that cannot be converted see whether that
// matters. It runs under the bridge's mutex.
func (b *Bridge) lookAtCodecs() {
	for _, m := range b.members {
		if m.c.port == nil {
			continue
		}
		if f, ok := m.c.port.Format(); ok && !f.Convertible() {
			m.c.box.post(m.c.fitCodec)
		}
	}
}

// unfit reports whether the party speaks a codec in which it cannot get what
// it is to hear.
func (c *Channel) unfit() bool {
	if c.port == nil || c.hungUp {
		return false
	}
	f, ok := c.port.Format()
	if !ok || f.Convertible() {
		return false
	}
	codecs, _ := c.codecsFor()
	return codecs != nil && !slices.ContainsFunc(codecs, func(name string) bool { return strings.EqualFold(name, f.Codec) })
}

// fitCodec asks the party for another codec if it needs one, and goes on with
// what waits if it does not. It runs in the actor.
func (c *Channel) fitCodec() {
	if c.hungUp {
		return
	}
	if !c.unfit() {
		c.fits()
		return
	}
	if c.fitting == nil {
		c.fitting = &fitting{}
	}
	codecs, _ := c.codecsFor()
	up := c.snap.Load().State == Up
	if !slices.Equal(c.fitting.asked, codecs) {
		r, ok := c.leg.(Renegotiator)
		if !ok || r.Renegotiate(codecs) != nil {
			if up {
				c.unheard()
			}
			return // before the answer it may still choose another one
		}
		c.fitting.asked = codecs
	}
	if up && c.fitting.timer == nil {
		f := c.fitting
		f.timer = time.AfterFunc(fitTime, func() {
			c.box.post(func() {
				if c.fitting == f && c.unfit() {
					c.unheard()
				}
			})
		})
	}
}

// fits ends the waiting.
func (c *Channel) fits() {
	if c.fitting == nil {
		return
	}
	if c.fitting.timer != nil {
		c.fitting.timer.Stop()
	}
	c.fitting = nil
	if len(c.playing) > 0 {
		c.beginFirst()
		return
	}
	c.startBackground()
}

// unheard ends a party that can neither hear nor be heard, and the one that it
// is linked with.
func (c *Channel) unheard() {
	f, _ := c.port.Format()
	codecs, other := c.codecsFor()
	c.sw.log.Warn("channel ended: no codec in which it can hear anything", "channel", c.id, "codec", f.Codec, "needed", codecs)
	h := hangup{cause: cause.BearerNotAvail, soft: true, by: byServer, text: "no common codec"}
	if other != nil {
		other.end(h)
	}
	c.hang(h)
}

// narrow limits the answer to a party that came in to codecs in which it can
// get what it is to hear; local says that it will be ours.
func (c *Channel) narrow(local bool) {
	if !c.incoming || c.port == nil {
		return
	}
	codecs, _ := c.codecsFor()
	if local {
		codecs = ownCodecs()
	}
	if r, ok := c.leg.(Renegotiator); ok && codecs != nil {
		if err := r.Renegotiate(codecs); err != nil {
			c.sw.log.Debug("answer not limited", "channel", c.id, "codecs", codecs, "error", err)
		}
	}
}

// beginFirst begins the first playback, or lets it wait for another codec.
func (c *Channel) beginFirst() {
	p := c.playing[0]
	if p.waits = c.unfit(); p.waits {
		c.fitCodec()
		return
	}
	if !p.begun {
		p.begun = true
		p.begin()
	}
}

// sound counts the applications that play to the party by themselves.
func (c *Channel) sound(n int) error {
	return c.do(func() error {
		c.sounding += n
		c.fitCodec()
		return nil
	})
}
