package originate

import (
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// MakeCDR gives the record of an attempt with its outcome. Durations are cut
// to whole seconds (Asterisk: main/cdr.c ast_cdr_format_var, cdr duration and billsec).
func MakeCDR(a call.Attempt, out call.Outcome) call.CDR {
	r := a.Request
	c := call.CDR{
		Call: a.Call, Attempt: a.Number, Account: r.Account,
		Door: r.Origin.Door, Reference: r.Origin.Reference, Batch: r.Batch,
		Source: r.CallerID, First: a.RouteA.Endpoint, Destination: destination(a),
		Channel: out.A.Channel, StartedAt: a.StartedAt, AnsweredAt: out.A.AnsweredAt, EndedAt: out.EndedAt,
		Duration: seconds(a.StartedAt, out.EndedAt), Disposition: out.Disposition,
		Cause: out.A.Cause, SIPStatus: out.A.SIPStatus,
	}
	if !out.A.AnsweredAt.IsZero() {
		c.Billable = seconds(out.A.AnsweredAt, out.EndedAt)
	}
	if out.B != nil {
		c.DestChannel = out.B.Channel
	}
	if f := out.Failure; f != nil {
		c.Cause, c.SIPStatus = f.Cause, f.SIPStatus
	}
	c.Dialled = a.RouteA.Number
	if c.Dialled == "" {
		c.Dialled = a.RouteA.Endpoint.Resource()
	}
	c.AccountCode, c.Reason, c.Detail = r.AccountCode, out.Reason, out.Detail
	if d := out.Dialplan; d != nil {
		c.Context, c.Extension, c.LastApp, c.LastData, c.UserField = d.Context, d.Extension, d.App, d.Data, d.UserField
		if d.AccountCode != "" {
			c.AccountCode = d.AccountCode
		}
	}
	c.CauseText = cause.Code(c.Cause).String()
	return c
}

// destination names what leg A was to reach.
func destination(a call.Attempt) string {
	t := a.Request.Then
	switch t.Kind {
	case call.ThenConnect:
		return string(a.RouteB.Endpoint)
	case call.ThenDialplan:
		return t.Extension + "@" + t.Context
	}
	if t.Data != "" {
		return t.Name + "(" + t.Data + ")"
	}
	return t.Name
}

// seconds gives the whole seconds from a to b, never less than 0.
func seconds(a, b time.Time) int {
	return max(int(b.Sub(a)/time.Second), 0)
}
