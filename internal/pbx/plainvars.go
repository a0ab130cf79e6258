package pbx

import "context"

// PlainVariable reads a channel variable and nothing else: no functions, no
// built-ins. False if it is unset.
func (c *Channel) PlainVariable(name string) (string, bool) { return c.vars.get(name) }

// SetDeadVariable sets a variable on a channel that has hung up, for the
// dialplan that still runs on it (extension h). No event tells of it.
func (c *Channel) SetDeadVariable(name, value string) { c.vars.set(name, value) }

// UnsetDeadVariable removes a variable from a channel that has hung up.
func (c *Channel) UnsetDeadVariable(name string) { c.vars.unset(name) }

// Destroyed ends when the channel's ChannelDestroyed has been published.
func (c *Channel) Destroyed() context.Context { return c.destroyedCtx }

// OpenDigits gives the digits that the party presses from now on, up to 64
// that wait, until stop is called. Several readers get each digit each.
func (c *Channel) OpenDigits() (digits <-chan rune, stop func(), err error) {
	r, stop, err := c.openDigits()
	if err != nil {
		return nil, nil, err
	}
	return r.ch, stop, nil
}

// doUntilDestroyed is do that also runs f between the hangup and
// ChannelDestroyed, while a handler holds the channel.
func (c *Channel) doUntilDestroyed(f func() error) error {
	done := make(chan error, 1)
	if !c.box.post(func() {
		if c.destroyed {
			done <- ErrGone
			return
		}
		done <- f()
	}) {
		return ErrGone
	}
	select {
	case err := <-done:
		return err
	case <-c.gone:
		return ErrGone
	}
}
