package pbx

import "strings"

// What remote-control applications want of a channel, beside what a dialplan does.

// Runner gives what runs dialplan positions and applications: Options.Runner, or what
// SetDialplan has put in its place; nil if there is none.
func (s *Switch) Runner() Runner { return s.o.Runner }

// ChangeMute mutes the directions that are named, or lets them be heard again, and
// leaves the others as they are: in = what the party says, out = what it hears.
func (c *Channel) ChangeMute(on, in, out bool) error {
	return c.do(func() error {
		if in {
			c.muteIn = on
		}
		if out {
			c.muteOut = on
		}
		c.applyMute()
		return nil
	})
}

// StopToneIf is StopTone if what StartTone or StartMusic began has a media URI that
// begins with prefix ("tone:ring", "music:"); else it has no effect.
func (c *Channel) StopToneIf(prefix string) error {
	return c.do(func() error {
		if c.back.uri != "" && strings.HasPrefix(c.back.uri, prefix) {
			c.stopTone()
		}
		return nil
	})
}

// Background gives the media URI of what StartTone or StartMusic has begun, "" if there
// is none.
func (c *Channel) Background() (uri string, err error) {
	err = c.do(func() error {
		uri = c.back.uri
		return nil
	})
	return uri, err
}
