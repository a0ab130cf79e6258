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
	return p.s.runFailed(ctx, failedRun{
		context: r.Then.Context, caller: r.CallerID, account: r.Account, accountCode: r.AccountCode,
		variables: failedVariables(out.Failure, out.Reason, p.variables(), p.e.o.Compat),
	})
}

// failedRun is a run of extension "failed".
type failedRun struct {
	context     string // "" = there is none
	caller      call.CallerID
	account     call.AccountID
	accountCode string
	variables   []call.Variable
}

// runFailed runs extension "failed" of a context, if there is one, and waits for its
// end. When ctx ends its channel is hung up.
func (s *Switch) runFailed(ctx context.Context, f failedRun) *call.DialplanRecord {
	fr, ok := s.o.Runner.(FailedRunner)
	if !ok || f.context == "" {
		return nil
	}
	h, ok := fr.Failed(f.context, f.caller.Number)
	if !ok {
		return nil
	}
	var record *call.DialplanRecord // written by the handler, read when the channel has gone
	recorded := HandlerFunc(func(ctx context.Context, c *Channel) {
		h.Handle(ctx, c)
		if r, ok := s.o.Runner.(Recorder); ok {
			if d, ok := r.Record(c); ok {
				record = &d
			}
		}
	})
	c, err := s.Pseudo(ctx, PseudoOptions{
		Name: failedChannel, CallerID: f.caller, Account: f.account, AccountCode: f.accountCode,
		Context: f.context, Extension: "failed", Variables: f.variables, Handler: recorded,
	})
	if err != nil {
		s.log.Info("extension failed not run", "context", f.context, "error", err)
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
func failedVariables(f *call.Failure, reason int, own []call.Variable, compat bool) []call.Variable {
	vars := []call.Variable{{Name: "REASON", Value: strconv.Itoa(reason)}}
	vars = append(vars, own...)
	if compat {
		return vars
	}
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
	return ok && rangOut(&r)
}
