package ua

import (
	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
)

func (c *Call) key() callKey { return callKey{c.callID, c.localTag} }

// CallID gives the Call-ID.
func (c *Call) CallID() string { return c.callID }

// Direction says who called.
func (c *Call) Direction() Direction { return c.dir }

// Done is closed when the call is over and the wire is quiet: the INVITE has
// its final answer, BYE or CANCEL too, and no ACK is owed. (Its entry stays up
// to 32 s longer, to acknowledge repeated 2xx.)
func (c *Call) Done() <-chan struct{} { return c.done }

// Request gives the INVITE of an incoming call, read only; nil for an outgoing one.
func (c *Call) Request() *sip.Request { return c.request }

// Flow gives the flow on which the peer was last met; nil before an outgoing
// INVITE was sent.
func (c *Call) Flow() *sipnet.Flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dlg != nil:
		return c.dlg.flow
	case c.invite != nil:
		f, _ := c.invite.where()
		return f
	case c.stx != nil:
		return c.stx.Flow()
	}
	return nil
}

// Source is the flow that an incoming call came on, Flow otherwise.
func (c *Call) Source() *sipnet.Flow {
	if c.stx != nil {
		return c.stx.Flow()
	}
	return c.Flow()
}

// RemoteIdentity gives the peer's address: From of an incoming call, To of an
// outgoing one. It is what the peer claims, not proven.
func (c *Call) RemoteIdentity() Identity {
	if c.request != nil {
		if f := c.request.From(); f != nil {
			return identityOf(f.DisplayName, f.Address)
		}
		return Identity{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return identityOf(c.remote.DisplayName, c.remote.Address)
}

// AssertedIdentity gives the P-Asserted-Identity of the INVITE, or of the
// newest answer of an outgoing call (RFC 3325). Believe it only from trusted
// peers.
func (c *Call) AssertedIdentity() (Identity, bool) {
	if m := c.peerMessage(); m != nil {
		return ParseAsserted(headerValues(m, "P-Asserted-Identity")...)
	}
	return Identity{}, false
}

func (c *Call) peerMessage() headersOf {
	if c.request != nil {
		return c.request
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil {
		return c.last
	}
	return nil
}

// RequestHeader gives the first value of a header of an incoming INVITE, by
// its long name in any case; "" if there is none.
func (c *Call) RequestHeader(name string) string {
	if c.request == nil {
		return ""
	}
	return headerValue(c.request, name)
}

// ResponseHeader is RequestHeader for the newest 18x or 2xx to an outgoing INVITE.
func (c *Call) ResponseHeader(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return ""
	}
	return headerValue(c.last, name)
}

// ReplacedCall gives the call that an incoming INVITE asks to take over
// (RFC 3891), nil if none. Whoever answers hangs that one up.
func (c *Call) ReplacedCall() *Call { return c.replaced }

// Replaces gives the value with which another call can replace this one in an
// attended transfer: "call-id;to-tag=…;from-tag=…" from the peer's view
// (RFC 3891 §3); "" without a dialog.
func (c *Call) Replaces() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dlg == nil {
		return ""
	}
	return c.callID + ";to-tag=" + c.dlg.remoteTag + ";from-tag=" + c.localTag
}

// SetAuth gives the credentials for challenges to our requests in an incoming
// call (a trunk that challenges BYE). Outgoing calls have InviteOptions.Auth.
func (c *Call) SetAuth(creds *Credentials) {
	c.wallet.mu.Lock()
	defer c.wallet.mu.Unlock()
	c.wallet.creds = creds
}

// Handle sets who gets the events of an incoming call: ordered, never
// concurrent, on network goroutines, so f must not block. Set it in the
// OnInvite callback, before anything else.
func (c *Call) Handle(f func(Event)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handler = f
}
