package pbx

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// end takes everything down that an attempt has made. When it returns no
// channel of the attempt is left.
func (p *placement) end(ctx context.Context) {
	code := cause.NormalClearing
	if ctx.Err() != nil {
		code = cancelCause(ctx)
	}
	if p.b != nil {
		p.b.Hangup(p.endCause(p.a, code))
	}
	if p.a != nil {
		p.a.Hangup(p.endCause(p.b, code))
	}
	if p.bridge != nil {
		p.bridge.Destroy()
	}
	for _, c := range [...]*Channel{p.b, p.a} {
		if c != nil {
			<-c.gone
		}
	}
	p.linger()
}

// endCause is the cause with which one leg is hung up because of the other.
func (p *placement) endCause(other *Channel, otherwise cause.Code) cause.Code {
	if other != nil && other.ctx.Err() != nil {
		return endCause(other)
	}
	return otherwise
}

// linger waits until the peers have confirmed our hangups (200 to BYE, 487 to
// INVITE), so that the ladders are complete and the phones free; but not long.
func (p *placement) linger() {
	if p.s.o.Linger < 0 {
		return
	}
	t := time.NewTimer(p.s.o.Linger)
	defer t.Stop()
	for _, c := range [...]*Channel{p.b, p.a} {
		if c == nil {
			continue
		}
		select {
		case <-c.legEnded:
		case <-t.C:
			return
		}
	}
}

// outcome puts together how the attempt ended.
func (p *placement) outcome(ctx context.Context) call.Outcome {
	o := call.Outcome{
		Disposition: call.Answered, ConnectedAt: p.connectedAt, EndedAt: now(), HangupBy: p.hangupBy,
		A:        p.legOutcome(p.a, p.at.RouteA, p.at.Request.First, p.at.StartedAt),
		Dialplan: p.dialplan,
	}
	if p.b != nil {
		b := p.legOutcome(p.b, p.second, p.second.Endpoint, o.A.AnsweredAt)
		o.B = &b
	}
	if p.err == nil {
		o.Reason = cause.ReasonAnswered
		o.Detail = cmp.Or(p.detail, call.Completed)
		return o
	}
	o.Failure = p.failure(ctx)
	if p.at.Request.Lenient { // spec: callfile 6.2: no distinction is made
		o.Failure.Permanent = false
	}
	o.Reason = p.reason(o)
	if errors.Is(p.err, errNotConfirmed) {
		o.Detail = call.NotConfirmed
	}
	o.Disposition = o.Failure.Disposition
	if o.HangupBy == "" {
		o.HangupBy = p.failedBy(ctx)
	}
	// A leg that our own end cut off while it rang is cancelled, not unanswered.
	p.markCancelled(&o.A, p.a, o.Failure)
	if o.B != nil {
		p.markCancelled(o.B, p.b, o.Failure)
	} else if p.a != nil && o.Failure.Leg == "b" { // B could not even be requested
		o.B = &call.LegOutcome{
			Endpoint: p.second.Endpoint, StartedAt: o.EndedAt, EndedAt: o.EndedAt,
			Disposition: o.Failure.Disposition, Cause: o.Failure.Cause, SIPStatus: o.Failure.SIPStatus, Peer: o.Failure.Peer,
		}
	}
	if p.a == nil {
		o.A.Disposition, o.A.Cause, o.A.SIPStatus, o.A.Peer = o.Failure.Disposition, o.Failure.Cause, o.Failure.SIPStatus, o.Failure.Peer
	}
	return o
}

// failure turns the reason for which Then was not reached into the one Failure.
func (p *placement) failure(ctx context.Context) *call.Failure {
	leg := "a"
	if p.answeredA() && p.bridge != nil { // leg B was begun
		leg = "b"
	}
	switch f, ok := asFailure(p.err); {
	case ctx.Err() != nil && errors.Is(p.err, context.Cause(ctx)):
		return p.cancelled(ctx, leg)
	case ok:
		out := *f // the technology keeps its own
		out.Leg = leg
		if out.Disposition == "" || out.Disposition == call.Answered {
			out.Disposition = call.Failed
		}
		return &out
	case errors.Is(p.err, errAGone):
		f := &call.Failure{
			Leg: "a", Disposition: call.Cancelled, Cause: int(endCause(p.a)), Text: "leg A hung up before the call was connected",
		}
		if p.failedBy(ctx) == "server" {
			f.Disposition, f.Text = call.Interrupted, "the server ended leg A before the call was connected"
		}
		return f
	case errors.Is(p.err, errNotConfirmed):
		return &call.Failure{Leg: "a", Disposition: call.NoAnswer, Cause: int(cause.NoAnswer), Text: "answered, but 1 was not pressed"}
	case errors.Is(p.err, ErrStopping):
		return &call.Failure{Leg: leg, Disposition: call.Interrupted, Cause: int(cause.SwitchCongestion), Text: "the server is stopping", Err: p.err}
	}
	return &call.Failure{Leg: leg, Disposition: call.Failed, Cause: int(cause.TemporaryFailure), Text: "the switch could not place the call", Err: p.err}
}

// cancelled is the failure of an attempt that was withdrawn.
func (p *placement) cancelled(ctx context.Context, leg string) *call.Failure {
	why := context.Cause(ctx)
	f := &call.Failure{Leg: leg, Disposition: call.Cancelled, Cause: int(cancelCause(ctx)), Text: why.Error(), Err: why}
	if p.e.o.EndedBy(why) == "server" {
		f.Disposition = call.Interrupted
	}
	return f
}

// failedBy says who ended an attempt that did not reach its Then.
func (p *placement) failedBy(ctx context.Context) string {
	switch {
	case ctx.Err() != nil && errors.Is(p.err, context.Cause(ctx)):
		return p.e.o.EndedBy(context.Cause(ctx))
	case errors.Is(p.err, errAGone):
		return endedByLeg(p.a, "a")
	case errors.Is(p.err, errNotConfirmed), errors.Is(p.err, ErrStopping):
		return "server"
	}
	for leg, c := range map[string]*Channel{"a": p.a, "b": p.b} {
		if c == nil {
			continue
		}
		switch r, ok := c.Result(); {
		case !ok || !r.AnsweredAt.IsZero():
		case r.ByPeer:
			return leg
		case r.Failure == nil && !r.ByServer && p.err != nil:
			if f, ok := asFailure(p.err); ok && f.Disposition == call.Cancelled {
				return "request"
			}
		}
	}
	return "server" // it rang too long, or could not be dialled
}

func (p *placement) answeredA() bool {
	if p.a == nil {
		return false
	}
	r, ok := p.a.Result()
	return ok && !r.AnsweredAt.IsZero()
}

// legOutcome says how one leg fared; c is nil if there never was a channel.
func (p *placement) legOutcome(c *Channel, route call.Route, typed call.Endpoint, begun time.Time) call.LegOutcome {
	o := call.LegOutcome{Endpoint: route.Endpoint, StartedAt: begun, EndedAt: now(), Disposition: call.Failed}
	if o.Endpoint == "" {
		o.Endpoint = typed
	}
	if c == nil {
		return o
	}
	r, _ := c.Result()
	d := c.leg.Describe()
	o.Channel, o.ChannelID, o.CallID = c.Name(), c.id, d.CallID
	o.StartedAt, o.RingingAt, o.AnsweredAt, o.EndedAt = r.StartedAt, r.RingingAt, r.AnsweredAt, r.EndedAt
	o.Cause, o.SIPStatus, o.Peer = int(r.Cause), r.SIPStatus, r.Peer
	o.Codec = r.Codec
	o.PacketsIn, o.PacketsOut, o.LostIn, o.Jitter = r.Media.PacketsIn, r.Media.PacketsOut, r.Media.Lost, r.Media.Jitter
	o.Ladder = c.leg.Ladder()
	switch {
	case !r.AnsweredAt.IsZero():
		o.Disposition = call.Answered
	case r.Failure != nil && r.Failure.Disposition != "":
		o.Disposition = r.Failure.Disposition
	default:
		o.Disposition = call.Disposition(r.Cause.Disposition())
	}
	return o
}

// markCancelled corrects the disposition of a leg that we ended while it rang.
func (p *placement) markCancelled(o *call.LegOutcome, c *Channel, f *call.Failure) {
	if c == nil {
		return
	}
	if r, ok := c.Result(); ok && r.AnsweredAt.IsZero() && !r.ByPeer && r.Failure == nil {
		o.Disposition = call.Cancelled
		if f.Disposition == call.Interrupted {
			o.Disposition = call.Interrupted
		}
	}
}
