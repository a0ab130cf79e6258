package ua

import (
	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
)

// A browser whose WebSocket breaks opens another and registers the same Contact
// on it. Its Contact names no address (RFC 7118 §5.2), so a request of ours in
// a call that it has can reach it nowhere else.

// flowTo gives the flow on which a request in dialog d leaves, nil if that has
// to be looked up: the one in use or, where it has closed, the one on which
// the same phone has registered the dialog's Contact again. The mutex is held.
func (c *Call) flowTo(d *dialog) *sipnet.Flow {
	if f := d.knownFlow(); f != nil {
		return f
	}
	if c.phone == "" || d.flow == nil || d.flow.Alive() || len(d.routes) > 0 {
		return nil
	}
	f := c.a.registrar.flowOf(c.phone, d.target)
	if f != nil {
		d.flow = f
		c.keep(f)
	}
	return f
}

// isOf notes that the caller has proved to be phone.
func (c *Call) isOf(phone string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phone = phone
}

// flowOf gives the open flow on which aor has registered contact; nil = none.
func (r *Registrar) flowOf(aor string, contact sip.Uri) *sipnet.Flow {
	for _, b := range r.Lookup(aor) {
		if b.Flow != nil && b.Flow.Alive() && sameURI(b.Contact, contact) {
			return b.Flow
		}
	}
	return nil
}

// phoneOn gives the address of record that has registered contact on f; "" =
// none.
func (r *Registrar) phoneOn(f *sipnet.Flow, contact sip.Uri) string {
	if f == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for aor, bs := range r.bindings {
		for _, b := range bs {
			if b.Flow == f && sameURI(b.Contact, contact) {
				return aor
			}
		}
	}
	return ""
}
