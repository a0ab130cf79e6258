package softphone

import (
	"context"
	"errors"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/ua"
)

// Dial calls target: a SIP URI, or a number at our server. It returns when the
// INVITE is on its way; the call tells the rest. The rule's HangupAfter,
// HoldAfter and Press count for calls that we place, too.
func (p *Phone) Dial(ctx context.Context, target string, headers ...ua.Header) (*Call, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	started, rule := p.started, p.rule
	p.mu.Unlock()
	if !started {
		return nil, ErrNotStarted
	}
	to, err := p.target(target)
	if err != nil {
		return nil, err
	}
	c, err := p.newCall(rule, ua.UnescapeUser(to.User), true)
	if err != nil {
		return nil, err
	}
	offer, err := c.audio.offer()
	if err == nil {
		err = c.invite(to, offer, headers)
	}
	if err != nil {
		c.audio.close()
		return nil, err
	}
	p.count(func(n *Counts) { n.Dialled++ })
	return c, nil
}

// invite sends the INVITE. Events wait until the call knows its handle.
func (c *Call) invite(to sip.Uri, offer []byte, headers []ua.Header) error {
	p := c.phone
	o := ua.InviteOptions{
		Target: to, SDP: offer, Headers: headers, ContactUser: p.cfg.User,
		From: ua.Identity{DisplayName: p.cfg.DisplayName, User: p.cfg.User, Host: p.cfg.Domain},
		Auth: &ua.Credentials{User: p.cfg.User, Password: p.cfg.Password},
	}
	if p.cfg.Server != "" {
		proxy, err := p.server("", p.cfg.Server)
		if err != nil {
			return err
		}
		if proxy.Host != to.Host || proxy.Port != to.Port {
			proxy.UriParams.Add("lr", "")
			o.Route = []sip.Uri{proxy}
		}
	}
	known := make(chan struct{})
	o.Events = func(e ua.Event) {
		<-known // for the moment between Invite and the line after it
		c.event(e)
	}
	s, err := p.agent.Invite(o)
	if err != nil {
		return err
	}
	c.sip = s
	c.info.CallID, c.info.Remote = s.CallID(), s.RemoteIdentity()
	p.began(c)
	close(known)
	return nil
}

// target reads what somebody wants to call: a URI, or a number at the server.
func (p *Phone) target(text string) (sip.Uri, error) {
	if strings.HasPrefix(text, "sip:") || strings.HasPrefix(text, "sips:") {
		return parseURI(text)
	}
	if p.cfg.Server == "" {
		return sip.Uri{}, errors.New("softphone: a number needs a server to call it at")
	}
	return p.server(text, p.cfg.Server)
}

// context gives one that ends with the call.
func (c *Call) context() (context.Context, context.CancelFunc) {
	// A timer starts this work, there is no caller's context; the call's end is
	// its limit.
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case <-c.done:
			cancel(ErrEnded)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}
