package switchvox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

const (
	// queueTime is how long a call may wait for a free place. A phone that rings later than
	// that would surprise its owner.
	queueTime = 5 * time.Second
	// grace is how long an answer may take beyond the time that the phone may ring (spec:
	// switchvox 6.2).
	grace = 10 * time.Second
	// failTone is how long the first party hears that the second was not reached.
	failTone = 5 * time.Second
)

// call is switchvox.call and switchvox.users.call.
func (x *exchange) call(r wire.Request) []byte {
	own := !x.administers()
	c, faults := wire.ParseCall(r, own)
	if len(faults) > 0 {
		return x.fail(faults...)
	}
	if own {
		if c.Account != "" && c.Account != x.user.ID {
			return x.denied("account", "the login may not call as account "+c.Account)
		}
		c.Account = x.user.ID
	}
	as, ok := x.d.o.Users.ByID(x.c.Tenant, c.Account)
	if !ok || as.Disabled || !wire.Dialable(kind(as)) {
		return x.fail(wire.DialAs())
	}
	p := x.plan(as, c)
	if why := x.barred(p); why != "" {
		return x.denied("switchvox", why)
	}
	if err := x.d.o.Ready(); err != nil {
		x.d.log.Warn("no call can be made", "door", DoorName, "error", err)
		return x.fail(wire.Unavailable())
	}
	return x.place(p)
}

// plan is a call as it will be asked of the queue.
type plan struct {
	first, second leg
	as            string // account_id as whom it is dialled
	request       call.Request
	named         []wire.Variable // as the client has sent them
}

// leg is one party of a plan.
type leg struct {
	number    string // as dialled
	to        call.Endpoint
	extension bool // it is one of ours
}

// plan translates a call: one attempt, now or not at all.
func (x *exchange) plan(as directory.User, c wire.Call) plan {
	p := plan{as: as.ID, first: x.leg(as, c.First, c.Keep), second: x.leg(as, c.Second, c.Keep), named: c.Variables}
	phone, ok := x.phone(p.first)
	answers := c.AutoAnswer && ok && phone.AutoAnswer
	if ok && (c.IgnoreRules || answers) {
		// Only its own devices ring. A dialplan's rules for the extension would, and what
		// makes a phone answer does not pass through them.
		p.first.to = call.Endpoint("PJSIP/" + phone.Phone)
	}
	o := x.origin()
	o.Reference = c.Second
	p.request = call.Request{
		Origin:  o,
		Account: as.Account,
		First:   p.first.to,
		Then:    call.Then{Kind: call.ThenConnect, Second: p.second.to, WaitTime: c.WaitSecond, FailTone: failTone},
		// The first phone shows whom it will be connected with; the second is shown as whom the call
		// is made (spec: switchvox 6.2, 10).
		Callee:     call.CallerID{Name: c.Name, Number: p.second.number},
		CallerID:   x.d.o.Identity(as),
		Variables:  x.variables(c.Variables),
		WaitTime:   c.Wait,
		NotAfter:   time.Now().Add(queueTime), // the queue's clock, not the door's
		AutoAnswer: answers,
		NoForward:  c.IgnoreRules,
	}
	return p
}

// leg finds out what is dialled for a number, rewritten by the account's rules unless keep.
func (x *exchange) leg(as directory.User, number string, keep bool) leg {
	l := x.reach(as, number)
	if keep {
		return l
	}
	rules := make([]wire.Rule, len(as.Rules))
	for i, r := range as.Rules {
		rules[i] = wire.Rule(r)
	}
	if n := wire.Rewrite(number, l.extension, rules); n != number {
		return x.reach(as, n)
	}
	return l
}

// reach finds out where a number leads as it is.
func (x *exchange) reach(as directory.User, number string) leg {
	to, extension := x.d.o.Destination(as, number)
	u, ok := x.d.o.Users.User(directory.Name{Local: number, Tenant: x.c.Tenant})
	return leg{number: number, to: to, extension: extension || ok && u.ID != ""}
}

// phone gives whose phone rings at an extension.
func (x *exchange) phone(l leg) (directory.User, bool) {
	if !l.extension {
		return directory.User{}, false
	}
	u, ok := x.d.o.Users.User(directory.Name{Local: l.number, Tenant: x.c.Tenant})
	return u, ok && u.Phone != "" && !u.Disabled
}

// variables gives those that the configuration names, for both legs. Others are not set: a
// request must not change what the dialplan relies on (spec: switchvox 11).
func (x *exchange) variables(list []wire.Variable) []call.Variable {
	var out []call.Variable
	for _, v := range list {
		if _, known := x.c.Variables[v.Name]; known || x.passes(v.Name) {
			out = append(out, call.Variable{Name: "__" + v.Name, Value: v.Value})
		}
	}
	return out
}

// passes says whether a variable without a number is set. A name that begins with _ would be
// read as an inherited one.
func (x *exchange) passes(name string) bool {
	return slices.Contains(x.c.PassVariables, name) || slices.Contains(x.c.PassVariables, "*") && !strings.HasPrefix(name, "_")
}

// barred says why the login may not have these numbers dialled; "" = it may (spec: switchvox 11).
func (x *exchange) barred(p plan) string {
	u := x.user
	external := x.c.AllowExternalFirst
	if u.External != nil {
		external = *u.External
	}
	switch {
	case !p.first.extension && !external:
		return "the first number is outside, which allow_external_first forbids"
	case x.administers() && len(u.Extensions) > 0 && !slices.Contains(u.Extensions, p.first.number):
		return "the first number is not among the login's extensions"
	case !dials(u, p.second.number), !p.first.extension && !dials(u, p.first.number):
		return "a number begins with none of the login's prefixes"
	}
	return ""
}

// dials says whether a login may have a number dialled, as it is after the account's rules.
func dials(u directory.User, number string) bool {
	return len(u.Numbers) == 0 || slices.ContainsFunc(u.Numbers, func(prefix string) bool { return strings.HasPrefix(number, prefix) })
}

// place asks the queue for a call, or takes part in one that was just asked for, and waits.
func (x *exchange) place(p plan) []byte {
	name := x.user.Name.String()
	leave := x.d.waits.enter(name, x.c.Pending)
	if leave == nil {
		x.d.log.Warn("too many requests wait", "door", DoorName, "login", name)
		return x.fail(wire.Unavailable())
	}
	defer leave()
	s, mine := x.d.waits.share(x.key(p), x.d.o.Now())
	if mine {
		// The call is the queue's, not the connection's: its admission does not end with the client.
		c, _, err := x.d.o.Originator.Submit(context.WithoutCancel(x.r.Context()), p.request)
		s.admit(c.ID, err)
	}
	id, err := s.admitted(x.r.Context())
	if x.r.Context().Err() != nil {
		return nil // the phone rings on, and whoever asks again has its answer
	}
	var answer []byte
	if err != nil {
		answer = x.refused(err)
	} else {
		answer = x.await(p, id)
	}
	if answer != nil {
		x.d.waits.settle(s)
	}
	return answer
}

// key gives what identical requests of one login have in common; "" = they share nothing.
func (x *exchange) key(p plan) string {
	if !x.c.Dedupe {
		return ""
	}
	r := p.request
	var b strings.Builder
	for _, s := range []string{
		r.Origin.Principal, x.method, string(r.Account), p.as, p.first.number, p.second.number, string(r.First), string(r.Then.Second), r.Callee.Name,
		r.WaitTime.String(), r.Then.WaitTime.String(), yesNo(r.AutoAnswer), yesNo(r.NoForward),
	} {
		b.WriteString(s + "\x00")
	}
	for _, v := range p.named {
		b.WriteString(v.Name + "=" + v.Value + "\x00")
	}
	return b.String()
}

func yesNo(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// refused gives the answer for a call that was not admitted. The originator has written
// it into the audit trail. What the account may not dial is said to be out of reach: a client
// takes 54222 for a typing error, and 77427 for a wrong setting of its own.
func (x *exchange) refused(err error) []byte {
	r, ok := errors.AsType[*originate.Refusal](err)
	if !ok {
		x.d.log.Error("call not submitted", "door", DoorName, "error", err)
		return x.fail(wire.Unavailable())
	}
	switch r.Code {
	case originate.RefusedAccount:
		return x.fail(wire.Denied(x.method))
	case originate.RefusedDestination, originate.RefusedGuard, originate.RefusedInvalid:
		return x.fail(wire.Originate())
	}
	return x.fail(wire.Unavailable())
}

// await waits until the first phone has answered, or has not. The client's going away ends
// the waiting, not the call (spec: switchvox 6.2).
func (x *exchange) await(p plan, id call.ID) []byte {
	limit := queueTime + p.request.WaitTime + grace
	x.deadline(limit + grace)
	ctx, cancel := context.WithTimeout(x.r.Context(), limit)
	defer cancel()
	answered, why, err := x.d.o.Originator.AwaitFirst(ctx, id)
	switch {
	case x.r.Context().Err() != nil:
		return nil
	case err != nil:
		x.d.log.Error("call not followed", "door", DoorName, "call", id, "error", err)
		return x.fail(wire.Unavailable())
	case !answered:
		x.d.log.Info("first party not reached", "door", DoorName, "call", id, "why", why)
		return x.fail(wire.Originate())
	}
	return x.result(x.info(p))
}

// info is what is said of a call (spec: switchvox 4, 6.3).
func (x *exchange) info(p plan) wire.Element {
	list := wire.Element{Name: "variables"}
	for _, v := range p.named {
		e := wire.Element{Name: "ivr_variable"}
		if n, known := x.c.Variables[v.Name]; known {
			e.Attrs = []wire.Attr{wire.N("id", n), wire.A("name", v.Name), wire.A("status", "exists")}
		} else {
			e.Attrs = []wire.Attr{wire.A("name", v.Name), wire.A("status", "not_found")}
		}
		list.Children = append(list.Children, e)
	}
	return wire.Element{
		Name: "call_info", Attrs: []wire.Attr{wire.A("dialed_first", p.first.number), wire.A("dialed_second", p.second.number)}, Children: []wire.Element{list},
	}
}
