package pbx

// EnterApplication says that a remote-control application has the channel: app is
// "Stasis", data "lab,arg". ChannelDialplan is emitted only if no application was
// in progress before: a created channel tells of it, an originated one, which shows
// AppDial2 until then, does not (observed: Asterisk 22.10, vectors 01a, 03a). On a
// channel that has hung up it has no effect. Errors: ErrGone.
func (c *Channel) EnterApplication(app, data string) error {
	return c.do(func() error {
		if c.snap.Load().App == "" {
			c.setPosition("", "", 0, app, data)
			return nil
		}
		c.update(func(s *Snapshot) { s.App, s.AppData = app, data })
		return nil
	})
}

// HasChannel says whether there is a live channel of this id, or one that is being
// made: its ChannelDestroyed has not been published yet. (The switch forgets a
// channel before it says so.)
func (s *Switch) HasChannel(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, used := s.channels[id]
	return used
}
