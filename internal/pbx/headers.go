package pbx

import "slices"

// EditHeaders changes the list of headers that the channel's first request
// shall carry beside its own: edit gets a copy and gives the new list. After
// Dial it is too late and gives ErrDialled; on a channel that came in the list is
// kept for whoever dials on its behalf (Headers).
func (c *Channel) EditHeaders(edit func([]Header) []Header) error {
	return c.do(func() error {
		if c.dialled {
			return ErrDialled
		}
		c.headers = edit(slices.Clone(c.headers))
		return nil
	})
}

// Headers gives the headers that were asked for by CreateOptions, EditHeaders
// and PJSIP_HEADER(add,…). ErrGone once the channel has hung up.
func (c *Channel) Headers() (list []Header, err error) {
	err = c.do(func() error { list = slices.Clone(c.headers); return nil })
	return list, err
}
