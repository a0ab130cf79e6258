package pbx

import (
	"context"
	"errors"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// inbound is the built-in handler of calls that come in: the router says
// where they go, the guard whether they may, and a connector does the rest.
type inbound struct{ s *Switch }

// NewInbound gives the built-in handler of calls from phones and trunks. The
// call is routed by Options.Router, admitted by Options.Admit, and the
// destination dialled; its ringing, early media and answer are passed back. A
// refusal ends the caller with the cause that the destination gave.
func NewInbound(s *Switch) Handler { return inbound{s} }

// Handle routes one call.
func (h inbound) Handle(ctx context.Context, a *Channel) {
	sn := a.Snapshot()
	h.connect(ctx, a, Admission{Channel: *sn, Context: sn.Context, Account: sn.Account, Dialled: sn.Dialled})
}

// NewRouted gives a handler that sends a channel, whoever made it, to an extension by
// the built-in routing: what NewInbound does for a call that came in with that number.
func NewRouted(s *Switch, in, extension string) Handler {
	return HandlerFunc(func(ctx context.Context, c *Channel) {
		sn := c.Snapshot()
		inbound{s}.connect(ctx, c, Admission{Channel: *sn, Context: in, Account: sn.Account, Dialled: extension})
	})
}

// connect finds out where a party may go, dials that, and keeps the two
// together until one hangs up, is transferred, or another handler takes A.
func (h inbound) connect(ctx context.Context, a *Channel, want Admission) {
	defer a.BeginCall()()
	to, err := h.route(ctx, want)
	if err != nil {
		h.refuse(a, err)
		return
	}
	in := newInbox()
	defer a.Watch(in.watcher("a"))()
	k := &connector{s: h.s, a: a, in: in, target: to.Endpoint, wait: h.s.o.RingTime, callerID: firstID(to.CallerID, identity(a.Snapshot()))}
	if err := k.run(ctx); err != nil {
		h.refuse(a, err)
		return
	}
	defer k.bridge.Destroy()
	for {
		select {
		case <-in.c:
			for sig, ok := in.take(); ok; sig, ok = in.take() {
				switch {
				case sig.e.Type != ChannelTransfer:
				case sig.e.Channel.ID == a.id: // B goes on without us
					h.s.blindTransfer(a, k.b, sig.e.Target)
					return
				default: // another handler takes A: ctx ends
					h.s.blindTransfer(k.b, a, sig.e.Target)
				}
			}
			continue
		case <-a.ctx.Done():
			if k.b.Handled() { // another handler has it, and it goes on without us
				return
			}
			k.b.Hangup(endCause(a))
		case <-k.b.ctx.Done():
			if context.Cause(ctx) == nil {
				a.Hangup(endCause(k.b))
			}
		case <-ctx.Done(): // another handler takes A, or the switch stops
			if k.b.Handled() { // and another one B
				return
			}
			k.b.Hangup(cause.NormalClearing)
		}
		<-k.b.gone
		return
	}
}

// blindTransfer sends other where by wants it, with by's rights, and hangs
// up by: that is the answer to its REFER (D12). A transfer that leads nowhere
// ends other, as blind transfers do.
func (s *Switch) blindTransfer(by, other *Channel, target string) {
	if err := other.Run(s.transferred(by, target)); err != nil {
		s.log.Info("nobody to transfer", "by", by.id, "channel", other.id, "error", err)
	}
	by.Hangup(cause.NormalClearing)
}

// transferred gives what runs on a party that by has sent to a target: the routing, with
// the rights that by has now.
func (s *Switch) transferred(by *Channel, target string) Handler {
	sn := by.Snapshot()
	return HandlerFunc(func(ctx context.Context, c *Channel) {
		inbound{s}.connect(ctx, c, Admission{Channel: *sn, Context: sn.Context, Account: sn.Account, Dialled: target})
	})
}

// route asks the router and the guard.
func (h inbound) route(ctx context.Context, want Admission) (call.Route, error) {
	if h.s.o.Router == nil {
		return call.Route{}, &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Text: "no routing for incoming calls"}
	}
	to, err := h.s.o.Router.Inbound(want.Account, want.Context, want.Dialled)
	if err != nil {
		return call.Route{}, err
	}
	want.Endpoint = to.Endpoint
	if h.s.o.Admit == nil {
		return to, nil
	}
	return to, h.s.admit(ctx, want)
}

// admit asks the guard. A denial without a cause of its own is "call rejected".
func (s *Switch) admit(ctx context.Context, ad Admission) error {
	if c, ok := s.Channel(ad.Channel.ID); ok {
		ad.Remote = c.leg.Describe().Peer
	}
	err := s.o.Admit(ctx, ad)
	if err == nil {
		return nil
	}
	if f, ok := asFailure(err); ok {
		return f
	}
	return &call.Failure{Disposition: call.Failed, Cause: int(cause.Rejected), Text: "not allowed", Err: err}
}

// refuse ends A with the cause that err means.
func (h inbound) refuse(a *Channel, err error) {
	code := cause.NoRoute
	if f, ok := asFailure(err); ok {
		code = cause.Code(f.Cause)
	} else if errors.Is(err, errAGone) || errors.Is(err, ErrHungUp) || errors.Is(err, ErrReplaced) {
		return // it has ended, or another handler has it
	} else if errors.Is(err, ErrStopping) {
		code = cause.SwitchCongestion
	}
	h.s.log.Info("call not connected", "channel", a.id, "cause", int(code), "reason", err)
	a.Hangup(code)
}

// endCause is the cause with which one party's end ends the other.
func endCause(c *Channel) cause.Code {
	if r, ok := c.Result(); ok && r.Cause != cause.Unknown && !r.AnsweredAt.IsZero() {
		return r.Cause
	}
	return cause.NormalClearing
}
