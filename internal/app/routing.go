package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/route"
	"github.com/dialwright/dialwright/internal/sip"
)

// router is the route table in force, in the shapes that its users declare.
type router struct {
	table  atomic.Pointer[route.Table]
	policy func() *originate.Policy // in force; for the guard's word on a route
}

// Route is originate.Router.
func (r *router) Route(account call.AccountID, e call.Endpoint) (call.Route, error) {
	out, err := r.table.Load().Route(account, e)
	if re, ok := errors.AsType[*route.Error](err); ok {
		return out, &originate.Refusal{Code: originate.RefusedDestination, Text: re.Error()}
	}
	return out, err
}

// Inbound is pbx.Router.
func (r *router) Inbound(account call.AccountID, context, dialled string) (call.Route, error) {
	return r.table.Load().Inbound(account, context, dialled)
}

// Explain is rest.Routes.
func (a *App) Explain(account call.AccountID, typed string) rest.Trace {
	return a.router.Explain(account, typed)
}

// Explain tells the way of a number through the route table, and what the guard says.
func (r *router) Explain(account call.AccountID, typed string) rest.Trace {
	t := r.table.Load().Explain(account, typed)
	out := rest.Trace{Typed: t.Typed, Steps: []rest.Step{}}
	for _, s := range t.Steps {
		out.Steps = append(out.Steps, rest.Step(s))
	}
	if t.Err != nil {
		out.Error = t.Err.Text
		return out
	}
	out.Endpoint, out.Number, out.Phone, out.Trunk = string(t.Route.Endpoint), t.Route.Number, t.Route.Phone, t.Route.Trunk
	if refusal := originate.Destination(r.policy(), account, t.Route); refusal != nil {
		out.Denied = refusal.Error()
	}
	return out
}

// admit asks the guard about a call that a phone or trunk makes. The guard
// judges it as a request of the phone's account to dial the target, so that a
// phone cannot dial what its account may not.
func (a *App) admit(ctx context.Context, ad pbx.Admission) error {
	to, err := a.router.table.Load().Route(ad.Account, ad.Endpoint)
	if err != nil {
		return err
	}
	return a.guard(ctx, "sip", ad.Account, cmp.Or(ad.Principal, a.principal(ad.Channel.Name)), ad.Remote, to)
}

// follow routes the target of a 302 as if its phone had dialled it, and asks
// the guard. A trunk's 302 names another number of the same trunk, which the
// account of the call pays for: it must not lead to another trunk, nor to what
// that account may not call.
func (a *App) follow(ctx context.Context, f sip.Forward) (call.Route, error) {
	var to call.Route
	var err error
	account := f.Account
	if _, ok := a.Config().Trunks[f.Endpoint]; ok {
		if c, live := a.pbx.Channel(f.ChannelID); live {
			account = c.Snapshot().Account
		}
		to, err = a.router.table.Load().Route(account, call.Endpoint("PJSIP/"+f.Target+"@"+f.Endpoint))
	} else {
		to, err = a.router.Inbound(account, f.Context, f.Target)
	}
	if err != nil {
		return to, err
	}
	return to, a.guard(ctx, "sip", account, a.principal("PJSIP/"+f.Endpoint+"-"), "", to)
}

// principal names the phone or trunk of a channel ("PJSIP/101-0000001a") as the
// guard and the audit trail show it: "phone:101", "trunk:carrier".
func (a *App) principal(channel string) string {
	_, rest, _ := strings.Cut(channel, "/")
	name := rest[:max(strings.LastIndexByte(rest, '-'), 0)]
	c := a.Config()
	if _, ok := c.Phones[name]; ok {
		return "phone:" + name
	}
	if _, ok := c.Trunks[name]; ok {
		return "trunk:" + name
	}
	return channel
}

// guard asks whether account may dial to; door, who and remote are for the audit trail.
func (a *App) guard(ctx context.Context, door string, account call.AccountID, who, remote string, to call.Route) error {
	if account == "" {
		account = a.DefaultAccount()
	}
	err := a.judge(ctx, a.originator.Judge, call.Request{
		Origin: call.Origin{Door: door, Principal: who, Remote: remote}, Account: account, First: to.Endpoint,
	})
	if err != nil {
		return err
	}
	return a.room(to.Trunk)
}

// judge asks the guard about one leg, which is all that it is told of the call.
func (a *App) judge(ctx context.Context, ask func(context.Context, call.Request) error, r call.Request) error {
	r.Then = call.Then{Kind: call.ThenApplication, Name: "Wait", Data: "1"}
	return refused(ask(ctx, r))
}

// refused gives a denial of the guard as what ends a call: cause 52, or that of
// too much at once.
func refused(err error) error {
	r, ok := errors.AsType[*originate.Refusal](err)
	switch {
	case !ok:
		return err
	case r.Code == originate.RefusedRate:
		return &call.Failure{Disposition: call.Congestion, Cause: int(cause.SwitchCongestion), Text: "refused: " + r.Text}
	}
	return &call.Failure{
		Disposition: call.Failed, Cause: int(cause.OutgoingBarred), Permanent: true,
		Text: "refused: " + r.Text,
	}
}

// room refuses what phones dial by a trunk whose channels are all in use. The
// queue keeps its own attempts within the cap by waiting; a caller cannot wait.
func (a *App) room(trunk string) error {
	channels := a.Config().Trunks[trunk].Channels
	if trunk == "" || channels <= 0 {
		return nil
	}
	for _, e := range a.pbx.Endpoints() {
		if e.Kind == "trunk" && e.Name == trunk && e.Channels >= channels {
			return &call.Failure{
				Disposition: call.Congestion, Cause: int(cause.CircuitCongestion),
				Text: fmt.Sprintf("all %d channels of trunk %s are in use", channels, trunk),
			}
		}
	}
	return nil
}

// Route explains a number from the configuration alone, without a server.
// Without an account it takes the default one.
func Route(from Source, account, typed string) (rest.Trace, error) {
	l, err := from.Load()
	if err != nil {
		return rest.Trace{}, err
	}
	plan, _, err := loadPlan(&l.Config)
	if err != nil {
		return rest.Trace{}, err
	}
	table, err := routes(&l.Config, contextsOf(plan))
	if err != nil {
		return rest.Trace{}, err
	}
	if account == "" {
		account = l.Config.Originate.Account
	}
	p := policy(&l.Config)
	r := router{policy: func() *originate.Policy { return p }}
	r.table.Store(table)
	return r.Explain(call.AccountID(account), typed), nil
}

// Check loads the configuration and builds everything that can be built without
// opening anything. The error is a config.Mistakes, or says what does not fit
// together; the texts are warnings.
func Check(from Source) (files, warnings []string, err error) {
	l, err := from.Load()
	if err != nil {
		return nil, nil, err
	}
	plan, problems, err4 := loadPlan(&l.Config)
	_, err1 := routes(&l.Config, contextsOf(plan))
	sc, err2 := sipConfig(&l.Config, "")
	err = errors.Join(err1, err2, err4)
	if err2 == nil {
		err = errors.Join(err, sc.Validate())
	}
	if plan != nil {
		l.Files = append(l.Files, planPaths(&l.Config, plan)...)
		for _, p := range append(problems, lint(plan)...) {
			warnings = append(warnings, planProblem(&l.Config, p))
		}
	}
	_, err3 := auth.NewKeys(keys(&l.Config))
	for _, w := range l.Warnings {
		warnings = append(warnings, w.String())
	}
	return l.Files, warnings, errors.Join(err, err3)
}
