package dialproxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/number"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/wire/dialproxy"
)

const (
	// queueTime is how long a call may wait for a free place. A phone that rings later
	// than that would surprise its owner.
	queueTime = 5 * time.Second
	// grace is how long an answer may take beyond the time that the phone may ring (spec:
	// dialproxy 7).
	grace = 10 * time.Second
)

// dial submits the call and waits for its first leg.
func (x *exchange) dial(conf Label, l dialproxy.Label, n dialproxy.Number) answer {
	r, err := x.request(conf, l, n)
	if err != nil {
		return x.fail(http.StatusNotFound, "Error", err.Error())
	}
	// The call is the label's, not the connection's: neither its admission nor the call ends
	// with the client (spec: dialproxy DP-5).
	ctx := context.WithoutCancel(x.r.Context())
	kept, after := x.d.limits.reserve(x.query.Label, conf, func(id call.ID) bool {
		done, err := x.d.o.Originator.Done(ctx, id)
		return done || err != nil // deleted after its time
	})
	if kept == nil {
		return x.tooMany("label", after)
	}
	c, _, err := x.d.o.Originator.Submit(ctx, r)
	kept(c.ID)
	if err != nil {
		return x.refused(err)
	}
	return x.await(c)
}

// errChannel says that a label names no phone.
var errChannel = errors.New("the label names no channel")

// request translates the action of the original into a request of the queue: one
// attempt, now or not at all. A channel that routing does not know fails as an
// attempt, as in the original (spec: dialproxy 8, No Answer).
func (x *exchange) request(conf Label, l dialproxy.Label, n dialproxy.Number) (call.Request, error) {
	o := l.Originate(n)
	wait, err := l.Wait()
	if err != nil {
		return call.Request{}, err
	}
	if strings.TrimSpace(o.Channel) == "" {
		return call.Request{}, errChannel
	}
	name, num := number.SplitCallerID(o.CallerID)
	return call.Request{
		Origin:   x.origin(),
		Account:  x.account(conf),
		First:    call.Endpoint(o.Channel),
		Then:     call.Then{Kind: call.ThenDialplan, Context: o.Context, Extension: o.Exten, Priority: o.Priority},
		CallerID: call.CallerID{Name: name, Number: num},
		WaitTime: wait,
		NotAfter: time.Now().Add(queueTime),
		Late:     true,
	}, nil
}

// origin says who asks, for the record, the guard and the audit trail.
func (x *exchange) origin() call.Origin {
	o := call.Origin{Door: DoorName, Principal: DoorName, Remote: x.client.String()}
	if dialproxy.ValidLabel(x.query.Label) {
		o.Principal += ":" + x.query.Label
	}
	return o
}

func (x *exchange) account(conf Label) call.AccountID {
	if conf.Account != "" {
		return conf.Account
	}
	return x.c.Account
}

// refused gives the answer for a call that was not admitted. The originator has written
// it into the audit trail.
func (x *exchange) refused(err error) answer {
	r, ok := errors.AsType[*originate.Refusal](err)
	if !ok {
		x.d.log.Error("call not submitted", "door", DoorName, "error", err)
		return x.fail(http.StatusBadGateway, "Error", "the call could not be submitted").audited()
	}
	switch r.Code {
	case originate.RefusedRate:
		return x.tooMany(r.Rule, r.RetryAfter)
	case originate.RefusedStopping, originate.RefusedStore:
		return x.fail(http.StatusBadGateway, "Asterisk not responding.", r.Text).audited()
	case originate.RefusedDestination:
		return x.fail(http.StatusNotFound, "Error", r.Text).audited()
	case originate.RefusedInvalid:
		return x.fail(http.StatusBadRequest, "Error", r.Text).audited()
	}
	return x.fail(http.StatusForbidden, "Error", r.Error()).audited()
}

// await waits until the phone has answered, or has not.
func (x *exchange) await(c call.Call) answer {
	limit := c.Request.WaitTime + grace
	x.deadline(limit + grace)
	ctx, cancel := context.WithTimeout(x.r.Context(), limit)
	defer cancel()
	answered, why, err := x.d.o.Originator.AwaitFirst(ctx, c.ID)
	a := answer{status: http.StatusOK, text: "Success", result: "answered", id: c.ID}
	switch {
	case x.r.Context().Err() != nil:
		return answer{gone: true}
	case err != nil && ctx.Err() != nil:
		a = x.fail(http.StatusGatewayTimeout, "Error", "the phone was not called in time").audited()
		a.result = "late"
	case err != nil:
		x.d.log.Error("call not followed", "door", DoorName, "call", c.ID, "error", err)
		a = x.fail(http.StatusBadGateway, "Error", "the call could not be followed").audited()
		a.result = "unknown"
	case !answered && why != nil && why.Cause == int(cause.OutgoingBarred) && why.SIPStatus == 0: // the guard, at the last moment
		a = x.fail(http.StatusForbidden, "Error", why.Text).audited()
		a.result = "refused"
	case !answered:
		a.text, a.result = "No Answer", result(why)
		x.d.log.Info("first party not reached", "door", DoorName, "label", x.query.Label, "call", c.ID, "result", a.result)
	}
	a.id = c.ID
	return a
}

// result says in a header of ours what the original calls "No Answer" (spec: dialproxy
// DP-6): "BUSY; cause=17; sip=486".
func result(why *call.Failure) string {
	if why == nil {
		return "unknown"
	}
	s := string(why.Disposition)
	if why.Cause != 0 {
		s += fmt.Sprintf("; cause=%d", why.Cause)
	}
	if why.SIPStatus != 0 {
		s += fmt.Sprintf("; sip=%d", why.SIPStatus)
	}
	return s
}
