package pbx

import "slices"

// EditHeaders changes the list of headers that the channel's first request
// shall carry beside its own: edit gets a copy and gives the new list. After
// Dial it is too late and gives ErrDialled. A channel that came in is never
// dialled: its list goes to every channel that is dialled with it as
// DialOptions.Caller (Asterisk: chan_sip.c SIPAddHeader, which old dialplans
// call before Dial; PJSIP's headers reach only the channel itself).
func (c *Channel) EditHeaders(edit func([]Header) []Header) error {
	return c.do(func() error {
		if c.dialled {
			return ErrDialled
		}
		c.headers = edit(slices.Clone(c.headers))
		if c.incoming {
			list := slices.Clone(c.headers)
			c.lent.Store(&list)
		}
		return nil
	})
}

// lentHeaders gives the headers that a caller lends to those whom it dials.
func lentHeaders(caller *Channel) []Header {
	if caller == nil {
		return nil
	}
	if list := caller.lent.Load(); list != nil {
		return *list
	}
	return nil
}

// Headers gives the headers that were asked for by CreateOptions, EditHeaders
// and PJSIP_HEADER(add,…). ErrGone once the channel has hung up.
func (c *Channel) Headers() (list []Header, err error) {
	err = c.do(func() error { list = slices.Clone(c.headers); return nil })
	return list, err
}
