package pbx

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Engine places the attempts of the queue on the switch. It has the method set
// of the originator's Engine, and promises what that one asks for:
//
//   - events come in order, from the goroutine that called Place, and never
//     after Place has returned;
//   - when Place returns, no leg is up, whatever happened, and the dialplan's
//     extension failed has run if there was reason to;
//   - a leg that was refused is an Outcome with exactly one Failure; an error
//     means that the switch itself is broken.
//
// The stages of an attempt, and what may end it:
//
//	dial A ─► (press 1) ─► dial B ─► connected
//	   │          │           │          │
//	   └──────────┴───────────┴──────────┴─► refusal, hangup of A or B, end of ctx, MaxTime
type Engine struct {
	s *Switch
	o EngineOptions
}

// EngineOptions tune an Engine.
type EngineOptions struct {
	// EndedBy says who ended an attempt whose ctx ended with this cause:
	// "request", "server" or "limit". nil: errors with a method HangupBy()
	// string say it themselves, a deadline is "limit", all else "request".
	EndedBy func(cause error) string

	RingTime time.Duration // how long a leg rings when the request does not say; 0 = 45 s

	// FailTone lets a waiting leg A hear busy or congestion for so long when B
	// was refused; 0 = A is hung up at once.
	FailTone time.Duration

	// Compat is Asterisk 22's way where ours is better: REASON 0 for every refusal
	// that was not signalled, and nothing but REASON for extension failed (spec:
	// callfile 6.3, 10).
	Compat bool

	Prompts int           // how often the press-1 prompt is played, 0 = 3
	Confirm time.Duration // how long a digit is waited for after each, 0 = 5 s
}

// NewEngine gives an engine on s with default options.
func NewEngine(s *Switch) *Engine { return NewEngineWith(s, EngineOptions{}) }

// NewEngineWith gives an engine on s.
func NewEngineWith(s *Switch, o EngineOptions) *Engine {
	if o.EndedBy == nil {
		o.EndedBy = endedBy
	}
	if o.RingTime <= 0 {
		o.RingTime = 45 * time.Second
	}
	if o.Prompts <= 0 {
		o.Prompts = 3
	}
	if o.Confirm <= 0 {
		o.Confirm = 5 * time.Second
	}
	return &Engine{s: s, o: o}
}

// endedBy is the default of EngineOptions.EndedBy.
func endedBy(err error) string {
	var e interface{ HangupBy() string }
	switch {
	case errors.As(err, &e):
		return e.HangupBy()
	case errors.Is(err, context.DeadlineExceeded):
		return "limit"
	case errors.Is(err, ErrStopping):
		return "server"
	}
	return "request"
}

// Endpoints lists phones and trunks with their states.
func (e *Engine) Endpoints(context.Context) ([]call.EndpointState, error) {
	return e.s.Endpoints(), nil
}

// Hooks let whoever places an attempt have a word in it; nil ones are not asked.
type Hooks struct {
	// Resolve gives the endpoint of leg A in the place of the route's. An error is
	// the refusal of the leg, a *call.Failure as it is.
	Resolve func(context.Context) (call.Endpoint, error)
	// Prepare is called with leg A, made and not yet dialled. An error ends it.
	Prepare func(context.Context, *Channel) error
	// Ended is told how the attempt has ended, before extension failed runs.
	Ended func(call.Outcome)
}

// Place rings leg A and carries out Then. See Engine.
func (e *Engine) Place(ctx context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error) {
	return e.PlaceWith(ctx, a, Hooks{}, events)
}

// PlaceWith is Place with hooks: the dialplan's Originate.
func (e *Engine) PlaceWith(ctx context.Context, a call.Attempt, h Hooks, events func(call.Event)) (call.Outcome, error) {
	p := &placement{e: e, s: e.s, at: a, hooks: h, events: events, in: newInbox()}
	p.err = p.run(ctx)
	p.end(ctx)
	out := p.outcome(ctx)
	if h.Ended != nil {
		h.Ended(out)
	}
	if d := p.failed(ctx, out); d != nil { // what it says about the record counts: nobody else could
		out.Dialplan = d
	}
	return out, nil
}
