package pbx

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// connect confirms, dials B and keeps the two connected.
func (p *placement) connect(ctx context.Context) error {
	if p.at.Request.Then.Confirm {
		if err := p.confirm(ctx); err != nil {
			return err
		}
	}
	wait := p.at.Request.Then.WaitTime
	if wait <= 0 {
		wait = p.e.o.RingTime
	}
	p.emit(call.EvConnecting, "b", nil, string(p.second.Endpoint))
	k := &connector{s: p.s, a: p.a, in: p.in, target: p.second.Endpoint, callerID: p.callerForB(), wait: wait, call: p.at.Call}
	k.progress = func(sig signal) { p.b = k.b; p.progressB(sig) }
	err := k.run(ctx)
	p.b, p.bridge = k.b, k.bridge
	if err != nil {
		p.failTone(ctx, err)
		return err
	}
	p.connectedAt = now()
	p.emit(call.EvConnected, "", nil, "")
	return p.talk(ctx)
}

// progressB reports a step of leg B.
func (p *placement) progressB(sig signal) {
	if p.held(sig) || sig.leg != "b" || sig.e.Type != Dial {
		return
	}
	switch sig.e.DialStatus {
	case "RINGING":
		p.emit(call.EvBRinging, "b", p.b, "")
	case "PROGRESS":
		p.emit(call.EvBProgress, "b", p.b, "")
	}
}

// failTone lets A hear why there is no B.
func (p *placement) failTone(ctx context.Context, err error) {
	f, ok := asFailure(err)
	length := cmp.Or(p.at.Request.Then.FailTone, p.e.o.FailTone)
	if !ok || length <= 0 || ctx.Err() != nil {
		return
	}
	tone := "tone:congestion"
	if f.Cause == int(cause.UserBusy) {
		tone = "tone:busy"
	}
	_ = p.a.toneUntilHangup(ctx, tone, length) // however it ends, A is hung up next
}

// talk keeps A and B connected until somebody ends it.
func (p *placement) talk(ctx context.Context) error {
	var limit <-chan time.Time
	if d := p.at.Request.Then.MaxTime; d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		limit = t.C
	}
	for {
		select {
		case <-p.in.c:
			for sig, ok := p.in.take(); ok; sig, ok = p.in.take() {
				if sig.e.Type == ChannelTransfer {
					return p.transferred(ctx, sig, limit)
				}
				p.held(sig)
			}
		case <-p.a.ctx.Done():
			if p.b.Handled() { // it was sent elsewhere, and goes on there
				return p.outlive(ctx, p.b, "b", limit)
			}
			p.hangupBy = endedByLeg(p.a, "a")
			return nil
		case <-p.b.ctx.Done():
			if p.a.Handled() {
				return p.outlive(ctx, p.a, "a", limit)
			}
			p.hangupBy = endedByLeg(p.b, "b")
			return nil
		case <-limit:
			p.hangupBy = "limit"
			return nil
		case <-ctx.Done():
			p.hangupBy = p.e.o.EndedBy(context.Cause(ctx))
			return nil
		}
	}
}

// transferred waits for the end of the party that the other one has
// transferred: the attempt lasts as long as one of its legs.
func (p *placement) transferred(ctx context.Context, sig signal, limit <-chan time.Time) error {
	by, other, leg := p.a, p.b, "b"
	if sig.e.Channel.ID == p.b.id {
		by, other, leg = p.b, p.a, "a"
	}
	p.s.blindTransfer(by, other, sig.e.Target)
	return p.outlive(ctx, other, leg, limit)
}

// outlive waits for the end of the leg that is left of the two.
func (p *placement) outlive(ctx context.Context, other *Channel, leg string, limit <-chan time.Time) error {
	select {
	case <-other.ctx.Done():
		p.hangupBy = endedByLeg(other, leg)
	case <-limit:
		p.hangupBy = "limit"
	case <-ctx.Done():
		p.hangupBy = p.e.o.EndedBy(context.Cause(ctx))
	}
	return nil
}

// application runs one of the built-in applications on A.
func (p *placement) application(ctx context.Context) error {
	p.connectedAt = now()
	p.emit(call.EvConnected, "a", p.a, p.at.Request.Then.Name)
	err := p.runApplication(ctx)
	switch {
	case ctx.Err() != nil:
		p.hangupBy = p.e.o.EndedBy(context.Cause(ctx))
	case errors.Is(err, ErrGone):
		p.hangupBy = endedByLeg(p.a, "a")
	default:
		p.hangupBy = "server"
		if !isOurEnd(err) { // a missing sound: the call took place all the same
			p.s.log.Info("application ended early", "channel", p.a.id, "application", p.at.Request.Then.Name, "error", err)
		}
	}
	return nil
}

// runApplication runs the application of Then and reports meanwhile what the
// phone does.
func (p *placement) runApplication(ctx context.Context) error {
	t := p.at.Request.Then
	done := make(chan error, 1)
	go func() { done <- p.a.RunApplication(ctx, t.Name, t.Data) }()
	for {
		select {
		case err := <-done:
			return err
		case <-p.in.c:
			for sig, ok := p.in.take(); ok; sig, ok = p.in.take() {
				p.held(sig)
			}
		}
	}
}

// handOver gives A to the dialplan or remote application until it hangs up.
func (p *placement) handOver(ctx context.Context) error {
	p.connectedAt = now()
	t := p.at.Request.Then
	p.emit(call.EvConnected, "a", p.a, cmp.Or(t.Name, t.Extension+"@"+t.Context))
	if err := p.a.Run(p.then); err != nil {
		p.hangupBy = p.endedByHandler()
		return nil
	}
	for {
		select {
		case <-p.in.c:
			for sig, ok := p.in.take(); ok; sig, ok = p.in.take() {
				p.held(sig)
			}
		case <-p.a.ctx.Done():
			p.hangupBy = p.endedByHandler()
			return nil
		case <-ctx.Done():
			p.hangupBy = p.e.o.EndedBy(context.Cause(ctx))
			return nil
		}
	}
}

// endedByHandler says who ended leg A while a handler had it: the party, the server,
// or the handler itself.
func (p *placement) endedByHandler() string {
	by := endedByLeg(p.a, "a")
	if by == "request" && p.at.Request.Then.Kind == call.ThenDialplan {
		return "dialplan"
	}
	return by
}

// endedByLeg says who ended a leg: its party, or somebody in this server.
func endedByLeg(c *Channel, leg string) string {
	r, ok := c.Result()
	switch {
	case !ok || r.ByPeer:
		return leg
	case r.ByServer:
		return "server"
	}
	return "request"
}
