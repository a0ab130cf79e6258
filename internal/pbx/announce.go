package pbx

import (
	"slices"

	"github.com/dialwright/dialwright/internal/media"
)

// Announcers in holding bridges: what they say is heard by all participants in
// place of their music, for as long as an announcer is there, or something is
// played to the bridge or recorded of it (Asterisk: bridge_holding.c). Participants are never heard.

// announcer says whether the member is one.
func (m *member) announcer() bool { return m.o.Role == "announcer" }

// announce makes the mix, or takes it away, and hushes or lets sound the
// participants' music; b.mu is held.
func (b *Bridge) announce() {
	on := b.feeds > 0 || slices.ContainsFunc(b.members, (*member).announcer)
	if !on {
		b.unmix()
	} else if b.mixer == nil {
		b.mixer = b.sw.o.Media.NewMixer(0)
	}
	for _, m := range b.members {
		if on && m.inMix == nil && m.c.port != nil {
			in, err := b.mixer.Add(m.c.port, media.MemberOptions{Mute: !m.announcer(), Deaf: m.announcer()})
			if err != nil {
				b.sw.log.Warn("member does not hear the announcer", "bridge", b.id, "channel", m.c.id, "error", err)
				continue
			}
			m.inMix = in
		}
		if m.hushed != on && !m.announcer() {
			m.hushed = on
			m.c.box.post(func() {
				if m.c.bridge == b {
					m.c.hush(on)
				}
			})
		}
	}
}

// hush stops what is heard in the background while something else is to be
// heard, and lets it sound again; it runs in the actor.
func (c *Channel) hush(on bool) {
	c.hushed = on
	if on {
		c.stopBackground()
		return
	}
	c.startBackground()
}
