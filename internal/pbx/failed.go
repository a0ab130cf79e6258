package pbx

import (
	"context"
	"strconv"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// failedChannel is the name of the channel on which extension "failed" runs.
const failedChannel = "OutgoingSpoolFailed"

// failed runs the extension "failed" of the context in which an attempt whose
// leg A was not answered would have gone on, on a channel without a party
// (spec: callfile 6.3; Asterisk: pbx.c pbx_outgoing_attempt). It returns when
// that has ended, with what it said about the record: nil if there is none. A
// withdrawn or interrupted attempt has not failed.
func (p *placement) failed(ctx context.Context, out call.Outcome) *call.DialplanRecord {
	r := p.at.Request
	if out.Failure == nil || r.Then.Kind != call.ThenDialplan || r.Then.Context == "" || p.answeredA() {
		return nil
	}
	if d := out.Disposition; d == call.Cancelled || d == call.Interrupted {
		return nil
	}
	fr, ok := p.s.o.Runner.(FailedRunner)
	if !ok {
		return nil
	}
	h, ok := fr.Failed(r.Then.Context, r.CallerID.Number)
	if !ok {
		return nil
	}
	var record *call.DialplanRecord // written by the handler, read when the channel has gone
	recorded := HandlerFunc(func(ctx context.Context, c *Channel) {
		h.Handle(ctx, c)
		if r, ok := p.s.o.Runner.(Recorder); ok {
			if d, ok := r.Record(c); ok {
				record = &d
			}
		}
	})
	c, err := p.s.Pseudo(ctx, PseudoOptions{
		Name: failedChannel, CallerID: r.CallerID, Account: r.Account, AccountCode: r.AccountCode,
		Context: r.Then.Context, Extension: "failed", Variables: p.failedVariables(out), Handler: recorded,
	})
	if err != nil {
		p.s.log.Info("extension failed not run", "context", r.Then.Context, "error", err)
		return nil
	}
	select {
	case <-c.gone:
	case <-ctx.Done():
		c.Hangup(cancelCause(ctx))
		<-c.gone
	}
	return record
}

// failedVariables are those of the extension "failed". REASON comes first, so
// that the request can replace it; the number of the attempt last, so that it
// cannot.
func (p *placement) failedVariables(out call.Outcome) []call.Variable {
	vars := []call.Variable{{Name: "REASON", Value: strconv.Itoa(out.Reason)}}
	vars = append(vars, p.variables()...)
	if p.e.o.Compat {
		return vars
	}
	f := out.Failure
	vars = append(vars,
		call.Variable{Name: "HANGUPCAUSE", Value: strconv.Itoa(f.Cause)},
		call.Variable{Name: "DIALSTATUS", Value: cause.Code(f.Cause).DialStatus()})
	if f.SIPStatus != 0 {
		vars = append(vars, call.Variable{Name: "SIP_CODE", Value: strconv.Itoa(f.SIPStatus)})
	}
	return vars
}

// variables are the request's and AST_OUTGOING_ATTEMPT: set last, it cannot be
// replaced by the request (spec: callfile 5.2). An attempt without a number is
// none of the queue's and has none.
func (p *placement) variables() []call.Variable {
	vars := p.at.Request.Variables
	if p.at.Number == 0 {
		return vars
	}
	number := strconv.Itoa(p.at.Request.AttemptBase + p.at.Number)
	return append(vars[:len(vars):len(vars)], call.Variable{Name: "AST_OUTGOING_ATTEMPT", Value: number})
}

// reason is REASON for the end of an attempt (spec: callfile 6.3, the table).
// Compat follows what Asterisk 22 does in place of what it intends: only a
// signalled busy or congestion and our own time-out are told apart.
func (p *placement) reason(out call.Outcome) int {
	f := out.Failure
	if f == nil || p.answeredA() {
		return cause.ReasonAnswered
	}
	switch {
	case f.Disposition == call.Cancelled, f.Disposition == call.Interrupted:
		return cause.ReasonFailure
	case p.timedOut():
		return cause.ReasonNoAnswer
	case (p.e.o.Compat || p.at.Request.EarlyMedia) && !f.Indicated:
		// With Early_media ours is Asterisk's 0 too: vector CF-106.
		return cause.ReasonFailure
	case f.Err != nil: // our own trouble on the way to the peer, and no word of the peer's
		return cause.ReasonFailure
	}
	return cause.Code(f.Cause).Reason()
}

// timedOut says that leg A was ended because it rang too long.
func (p *placement) timedOut() bool {
	if p.a == nil {
		return false
	}
	r, ok := p.a.Result()
	return ok && r.Failure != nil && !r.ByPeer && r.Cause == cause.NoAnswer
}
