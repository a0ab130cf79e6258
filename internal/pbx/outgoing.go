package pbx

import (
	"context"
	"errors"
	"fmt"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// OutgoingOptions say what call to place.
type OutgoingOptions struct {
	OriginateOptions // Handler does not count: see Then

	Then       call.Then // what has the channel when it is answered, of kind ThenDialplan or ThenApplication
	EarlyMedia bool      // early media counts as the answer: Then begins with it (Asterisk: pbx.c, early_media)
	PreDial    string    // "context,exten,priority(args)": a subroutine on the channel before it is dialled, "" = none
	Compat     bool      // Reason is 0 for every refusal that was not signalled, as Asterisk 22 has it

	// Next is Then for who has it already; nil = Switch.Follow finds it.
	Next Handler
	// Told is called once with the result: of an answered call before Then begins, of
	// another one when it has ended, and extension failed with it. It may wait. nil = nobody.
	Told func(OutgoingResult)
}

// OutgoingResult is what became of a call that was placed.
type OutgoingResult struct {
	Answered bool
	Reason   int       // as REASON and AMI have it: cause.ReasonAnswered …
	Channel  *Snapshot // as it is now; nil if none was made
	Failure  error     // why it was not answered, or not made; nil = answered, or hung up by somebody here
}

// Outgoing is a call that was placed from outside. It goes on whoever waits for it.
type Outgoing struct {
	s      *Switch
	o      OutgoingOptions
	c      *Channel
	result OutgoingResult
	done   chan struct{} // closed when result is there
}

// Done is closed when the call was answered, or cannot be any more.
func (g *Outgoing) Done() <-chan struct{} { return g.done }

// Result gives the result, once Done is closed.
func (g *Outgoing) Result() OutgoingResult { return g.result }

// Channel gives the channel, nil if none was made.
func (g *Outgoing) Channel() *Channel { return g.c }

// Outgoing places a call for a door: it makes a channel, dials it, and gives it to what
// is to follow when it is answered (Asterisk: pbx.c ast_pbx_outgoing_exten). It returns
// when the channel is made or could not be, and waits for nobody's answer.
//
//	made ─► PreDial ─► dialled ─► answered ─► Told ─► Then
//	  │        │          │
//	  └────────┴──────────┴─► ended ─► extension failed of Then's context ─► Told
//
// The extension failed runs for a channel that there was (spec: ami 4.7).
func (s *Switch) Outgoing(ctx context.Context, o OutgoingOptions) *Outgoing {
	g := &Outgoing{s: s, o: o, done: make(chan struct{})}
	c, err := s.create(ctx, o.CreateOptions, true)
	if err != nil {
		g.settle(OutgoingResult{Failure: err})
		return g
	}
	g.c = c
	if o.Created != nil {
		o.Created(c)
	}
	if o.PreDial == "" {
		g.dial()
		go g.wait()
		return g
	}
	go func() {
		if err := s.subroutine(c, o.PreDial); err != nil { // the call goes on (Asterisk: dial.c begin_dial_prerun)
			s.log.Warn("subroutine before the dial", "channel", c.id, "place", o.PreDial, "error", err)
		}
		g.dial()
		g.wait()
	}()
	return g
}

// NotPlaced gives the handle of a call that is not placed, because of what a guard has
// against it. It is told like one whose channel could not be made.
func (s *Switch) NotPlaced(o OutgoingOptions, why error) *Outgoing {
	g := &Outgoing{s: s, o: o, done: make(chan struct{})}
	g.settle(OutgoingResult{Failure: why})
	return g
}

// dial dials. One that cannot be dialled ends by itself.
func (g *Outgoing) dial() {
	_ = g.c.do(func() error { // ErrGone, or a refusal: seen by wait
		g.c.onAnswer, g.c.earlyAnswer = HandlerFunc(g.answered), g.o.EarlyMedia
		return g.c.dial(DialOptions{Timeout: g.o.Timeout})
	})
}

// answered has the channel: it tells of the answer, and lets follow what is to.
func (g *Outgoing) answered(ctx context.Context, c *Channel) {
	g.settle(OutgoingResult{Answered: true, Reason: cause.ReasonAnswered, Channel: c.Snapshot()})
	next := g.o.Next
	if next == nil {
		var err error
		if next, err = g.s.Follow(c.Snapshot().Account, g.o.Then); err != nil {
			g.s.log.Info("answered, and there is nothing that follows", "channel", c.id, "error", err)
		}
	}
	next.Handle(ctx, c)
}

// wait tells of a call that has ended without an answer.
func (g *Outgoing) wait() {
	select {
	case <-g.done:
		return
	case <-g.c.gone:
	}
	select {
	case <-g.done: // its handler has told that, before it was gone
		return
	default:
	}
	r, _ := g.c.Result()
	out := OutgoingResult{Reason: reasonOf(&r, g.o.Compat), Channel: g.c.Snapshot()}
	if r.Failure != nil {
		out.Failure = r.Failure
	}
	if g.o.Then.Kind == call.ThenDialplan && !r.ByServer {
		g.s.runFailed(g.s.base, failedRun{
			context: g.o.Then.Context, caller: g.o.CallerID, account: g.o.Account, accountCode: g.o.AccountCode,
			variables: g.failedVariables(&r, out.Reason),
		})
	}
	g.settle(out)
}

// failedVariables are those of the extension "failed", as a call of the queue has them.
func (g *Outgoing) failedVariables(r *Result, reason int) []call.Variable {
	f := r.Failure
	if f == nil {
		f = &call.Failure{Cause: int(r.Cause), SIPStatus: r.SIPStatus}
	}
	return failedVariables(f, reason, g.o.Variables, g.o.Compat)
}

// settle notes the result and tells it.
func (g *Outgoing) settle(r OutgoingResult) {
	g.result = r
	if g.o.Told != nil {
		g.o.Told(r)
	}
	close(g.done)
}

// reasonOf is REASON for the end of a leg that was not answered (spec: ami 4.6).
func reasonOf(r *Result, compat bool) int {
	f := r.Failure
	switch {
	case f == nil: // hung up by somebody here
		return cause.ReasonFailure
	case rangOut(r):
		return cause.ReasonNoAnswer
	case compat && !f.Indicated, f.Err != nil: // not the peer's word
		return cause.ReasonFailure
	}
	return cause.Code(f.Cause).Reason()
}

// rangOut says that a leg was ended because it rang too long.
func rangOut(r *Result) bool { return r.Failure != nil && !r.ByPeer && r.Cause == cause.NoAnswer }

// Follow gives what has a channel of an account when it is answered: the dialplan's
// handler, one of the switch's own applications, or the built-in routing. It is never
// nil. An error says that t is not there; the handler beside it does what the rules are
// for that: the dialplan's own, or the end of the call.
func (s *Switch) Follow(account call.AccountID, t call.Then) (Handler, error) {
	var h Handler
	err := error(ErrBuiltIn)
	if s.o.Runner != nil {
		h, err = s.o.Runner.Runner(t)
	}
	_, own := knownApplication(t.Name)
	switch {
	case t.Kind == call.ThenApplication && own && (err != nil || h == nil):
		return HandlerFunc(func(ctx context.Context, c *Channel) {
			if err := c.RunApplication(ctx, t.Name, t.Data); !isOurEnd(err) {
				s.log.Info("application ended early", "channel", c.id, "application", t.Name, "error", err)
			}
		}), nil
	case errors.Is(err, ErrBuiltIn) && t.Kind == call.ThenDialplan:
		return s.followRouting(account, t)
	case errors.Is(err, ErrBuiltIn):
		err = unknownApplication(t.Name)
	}
	if h == nil {
		h = HandlerFunc(func(context.Context, *Channel) {})
	}
	return h, err
}

// followRouting is Follow for an extension that the built-in routing knows, or not.
func (s *Switch) followRouting(account call.AccountID, t call.Then) (Handler, error) {
	h := NewRouted(s, t.Context, t.Extension)
	if s.o.Router == nil {
		return h, permanent("no dialplan: this server has neither a dialplan nor routes")
	}
	if t.Priority != "" && t.Priority != "1" {
		return h, permanent(fmt.Sprintf("extension %q has one priority, and not %q", t.Extension, t.Priority))
	}
	_, err := s.o.Router.Inbound(account, t.Context, t.Extension)
	return h, err
}

// Subroutines are Functions of a dialplan that can also run a subroutine.
type Subroutines interface {
	// Subroutine runs "[[context,]exten,]priority[(args)]" to its Return on a channel that
	// nobody controls yet: one that is not dialled.
	Subroutine(ctx context.Context, c *Channel, target string) error
}

// subroutine runs one on a channel that is not dialled yet.
func (s *Switch) subroutine(c *Channel, target string) error {
	r, ok := s.o.Functions.(Subroutines)
	if !ok {
		return ErrNotSupported
	}
	return r.Subroutine(c.ctx, c, target)
}
