package ua

import (
	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
)

// exchange prepares a request in dialog d; the caller sets on. fill may add
// headers and a body. The mutex is held.
func (c *Call) exchange(d *dialog, m sip.RequestMethod, fill func(*sip.Request)) *exchange {
	ruri, routes := d.path()
	x := &exchange{a: c.a, wallet: c.wallet, flow: c.flowTo(d), uri: nextHop(ruri, routes), backup: d.flow}
	if len(d.routes) > 0 && !isLoose(d.routes[0]) {
		x.uri = ruri
	}
	x.build = func(f *sipnet.Flow) *sip.Request {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seq++
		r := c.inDialogRequest(d, m, c.seq, f)
		if fill != nil {
			fill(r)
		}
		if r.ContentLength() == nil {
			r.SetBody(nil)
		}
		return r
	}
	return x
}

// inDialogRequest makes a request without Via, Content and credentials
// (RFC 3261 §12.2.1.1). The mutex is held.
func (c *Call) inDialogRequest(d *dialog, m sip.RequestMethod, seq uint32, f *sipnet.Flow) *sip.Request {
	ruri, routes := d.path()
	r := sip.NewRequest(m, ruri)
	c.addRouting(r, routes, d.remoteTag, seq)
	switch m {
	case sip.INVITE, sip.UPDATE, sip.REFER, sip.NOTIFY: // target refresh requests (RFC 3261 §12.2, RFC 3311, RFC 6665 §3.1)
		r.AppendHeader(c.contact(f))
		r.AppendHeader(sip.NewHeader("Allow", allowed))
		r.AppendHeader(sip.NewHeader("Supported", supported))
	}
	return r
}

// addRouting adds the headers that every request of the call has.
func (c *Call) addRouting(r *sip.Request, routes []sip.Uri, remoteTag string, seq uint32) {
	for _, u := range routes {
		r.AppendHeader(&sip.RouteHeader{Address: u})
	}
	maxForwards := sip.MaxForwardsHeader(70)
	r.AppendHeader(&maxForwards)
	from := c.local
	from.Params = withTag(c.local.Params, c.localTag)
	r.AppendHeader(&from)
	to := c.remote
	to.Params = withTag(c.remote.Params, remoteTag)
	r.AppendHeader(&to)
	id := sip.CallIDHeader(c.callID)
	r.AppendHeader(&id)
	r.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: r.Method})
	if c.a.cfg.UserAgent != "" {
		r.AppendHeader(sip.NewHeader("User-Agent", cleanText(c.a.cfg.UserAgent)))
	}
}

// contact is our Contact towards the peer of f; sips where the peer was called
// or calls so (RFC 3261 §8.1.1.8, §12.1.1).
func (c *Call) contact(f *sipnet.Flow) *sip.ContactHeader {
	u := contactFor(f, c.contactUser)
	if c.dir == Outgoing && c.target.Scheme == "sips" || c.dir == Incoming && c.request.Recipient.Scheme == "sips" {
		u.Scheme, u.UriParams = "sips", nil
	}
	return &sip.ContactHeader{Address: u}
}

func withTag(p sip.HeaderParams, tag string) sip.HeaderParams {
	out := withoutTag(p)
	if tag != "" {
		out = append(out, sip.HeaderKV{K: "tag", V: tag})
	}
	return out
}

func withoutTag(p sip.HeaderParams) sip.HeaderParams {
	var out sip.HeaderParams
	for _, kv := range p {
		if tagOf(sip.HeaderParams{kv}) == "" {
			out = append(out, kv)
		}
	}
	return out
}

// setBody gives a message a session description.
func setSDP(m sip.Message, sdp []byte) { setBody(m, "application/sdp", sdp) }

func setBody(m sip.Message, contentType string, body []byte) {
	if len(body) > 0 {
		ct := sip.ContentTypeHeader(cleanText(contentType))
		m.AppendHeader(&ct)
		m.SetBody(body)
	}
}

// dialogOf finds the dialog with a remote tag. The mutex is held.
func (c *Call) dialogOf(tag string) *dialog {
	if c.dlg != nil && c.dlg.remoteTag == tag {
		return c.dlg
	}
	for _, d := range c.early {
		if d.remoteTag == tag {
			return d
		}
	}
	return nil
}
