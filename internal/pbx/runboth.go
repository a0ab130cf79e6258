package pbx

import "errors"

// RunBoth gives two channels to two handlers, as Run does with one. They may be in a call
// with each other: the program that has the one, and would hang up the other when it
// loses it, or its own, lets both go (Asterisk: manager.c action_redirect with
// ExtraChannel). Errors: ErrGone for one that has hung up; the other one goes on.
//
//	caller, in a Dial   what follows is known ──────────► Dial ends ─► its handler
//	called party                  its handler has it ─┘
func RunBoth(a *Channel, ha Handler, b *Channel, hb Handler) error {
	stopA, errA := a.precede(ha)
	stopB, errB := b.precede(hb)
	// Who has no handler is taken first: then the handler of the other one knows.
	for _, x := range [...]struct {
		c    *Channel
		h    Handler
		stop func()
		err  *error
	}{{a, ha, stopA, &errA}, {b, hb, stopB, &errB}} {
		if x.stop == nil && *x.err == nil {
			*x.err = x.c.Run(x.h)
		}
	}
	for _, stop := range [...]func(){stopA, stopB} {
		if stop != nil {
			stop()
		}
	}
	return errors.Join(errA, errB)
}

// precede lets h follow the handler that has the channel, whose end does not end the
// channel any more; stop ends that handler. It is nil if there is none.
func (c *Channel) precede(h Handler) (stop func(), err error) {
	taken := false
	err = c.do(func() error {
		if c.handling == 0 {
			return nil
		}
		c.succeeded.Store(true)
		c.next = h
		taken = true
		return nil
	})
	if !taken {
		return nil, err
	}
	return func() {
		_ = c.do(func() error { // ErrGone: there is nothing to stop
			if c.succeeded.Load() && c.handling > 0 { // else h has begun already
				c.stopHandle(ErrReplaced)
			}
			return nil
		})
	}, nil
}

// Succeeded says whether another handler is to have the channel when the present one
// returns, which therefore does not hang up.
func (c *Channel) Succeeded() bool { return c.succeeded.Load() }
