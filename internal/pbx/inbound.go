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
	to, err := h.route(ctx, sn)
	if err != nil {
		h.refuse(a, err)
		return
	}
	in := newInbox()
	defer a.Watch(in.watcher("a"))()
	k := &connector{
		s: h.s, a: a, in: in, target: to, wait: h.s.o.RingTime, callerID: sn.Caller,
	}
	if err := k.run(ctx); err != nil {
		h.refuse(a, err)
		return
	}
	defer k.bridge.Destroy()
	select {
	case <-a.ctx.Done():
		k.b.Hangup(endCause(a))
	case <-k.b.ctx.Done():
		a.Hangup(endCause(k.b))
	case <-ctx.Done(): // another handler takes A, or the switch stops
		k.b.Hangup(cause.NormalClearing)
	}
	<-k.b.gone
}

// route asks the router and the guard.
func (h inbound) route(ctx context.Context, sn *Snapshot) (call.Endpoint, error) {
	if h.s.o.Router == nil {
		return "", &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Text: "no routing for incoming calls"}
	}
	to, err := h.s.o.Router.Inbound(sn.Context, sn.Dialled)
	if err != nil {
		return "", err
	}
	if h.s.o.Admit == nil {
		return to, nil
	}
	return to, h.s.admit(ctx, Admission{
		Channel: *sn, Context: sn.Context, Account: sn.Account, Dialled: sn.Dialled, Endpoint: to,
	})
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
