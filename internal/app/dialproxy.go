package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/astdb"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/dialproxy"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/dialproxy"
)

// newDialproxy makes the door of dialproxy.php, if it is switched on.
func (a *App) newDialproxy() *dialproxy.Door {
	if !a.Config().Dialproxy.Enabled {
		return nil
	}
	shape := newShape(func(c *config.Config) *dialproxy.Config {
		return dialproxyConfig(&c.Dialproxy, call.AccountID(c.Originate.Account))
	})
	return dialproxy.New(dialproxy.Options{
		Originator: clickCalls{a.originator, a.denied, a.leads}, DB: a.store, Log: a.log,
		Config: func() *dialproxy.Config { return shape.of(a.Config()) },
	})
}

// dialproxyConfig translates the section [dialproxy], which has been checked. account
// stands where none is given.
func dialproxyConfig(c *config.Dialproxy, account call.AccountID) *dialproxy.Config {
	out := &dialproxy.Config{
		Paths: c.Paths, Prefixes: c.Prefixes, Pause: c.Pause.Duration, Debug: c.Debug, Open: c.Open, Strict: c.StrictStatus, E164: c.E164,
		POSTOnly: c.POSTOnly, MaxDigits: c.MaxDigits, AllowedOrigins: c.AllowedOrigins, PerMinute: c.PerMinute, Waiting: c.Waiting,
		TrustedProxies: checked(c.TrustedProxies), Account: cmp.Or(call.AccountID(c.Account), account), Labels: map[string]dialproxy.Label{},
	}
	for name, l := range c.Labels {
		d := dialproxy.Label{Token: l.Token, POSTOnly: l.POSTOnly, Account: call.AccountID(l.Account), PerMinute: l.PerMinute, AtOnce: l.AtOnce}
		switch l.Prefixes {
		case "":
		case "none": // unset
			d.Prefixes = new(string)
		default:
			d.Prefixes = &l.Prefixes
		}
		out.Labels[name] = d
	}
	return out
}

// clickCalls gives the originator the shape that the dialproxy door declares.
type clickCalls struct {
	o      *originate.Originator
	denied func(context.Context, originate.AuditEntry)
	// leads says why what follows the answer cannot be carried out for an account; nil =
	// it can. A phone is not to ring for nothing.
	leads func(account call.AccountID, t call.Then) error
}

// Submit is dialproxy.Originator.
func (c clickCalls) Submit(ctx context.Context, r call.Request) (call.Call, bool, error) {
	if err := c.leads(r.Account, r.Then); err != nil {
		refusal := &originate.Refusal{Code: originate.RefusedDestination, Field: "then", Text: err.Error()}
		c.Deny(ctx, originate.AuditEntry{
			At: time.Now(), Origin: r.Origin, Account: r.Account, First: string(r.First), Code: refusal.Code, Rule: "dialplan", Text: refusal.Text,
		})
		return call.Call{}, false, refusal
	}
	return c.o.Submit(ctx, r)
}

// AwaitFirst is dialproxy.Originator.
func (c clickCalls) AwaitFirst(ctx context.Context, id call.ID) (answered bool, why *call.Failure, err error) {
	return c.o.AwaitFirst(ctx, id)
}

// Done is dialproxy.Originator.
func (c clickCalls) Done(ctx context.Context, id call.ID) (bool, error) {
	got, err := c.o.Get(ctx, id)
	return got.State.Done(), err
}

// Deny is dialproxy.Originator.
func (c clickCalls) Deny(ctx context.Context, e originate.AuditEntry) { c.denied(ctx, e) }

// leads says whether an extension of a context is there, by the rules by which the switch
// will look for it: the dialplan's, else the built-in routing's.
func (a *App) leads(account call.AccountID, t call.Then) error {
	_, err := runner{a, a.machine.Runner()}.Runner(t)
	if errors.Is(err, pbx.ErrBuiltIn) {
		_, err = a.router.Inbound(account, t.Context, t.Extension)
	}
	return err
}

// ExplainLabel is rest.Routes: the way of a number that a label of dialproxy.php asks for,
// with the steps that its debug shows the end of. only is the account whose labels may be
// seen; "" = all.
func (a *App) ExplainLabel(ctx context.Context, only call.AccountID, typed, label string) rest.Trace {
	out := rest.Trace{Typed: typed, Steps: []rest.Step{}}
	c := dialproxyConfig(&a.Config().Dialproxy, a.DefaultAccount())
	conf := c.Labels[label]
	account := cmp.Or(conf.Account, c.Account)
	value, ok, err := "", false, error(nil)
	if wire.ValidLabel(label) && (only == "" || only == account) {
		value, ok, err = a.store.DBGet(ctx, wire.Family, wire.KeyPrefix+label)
	}
	switch {
	case err != nil:
		out.Error = err.Error()
		return out
	case !ok:
		out.Error = fmt.Sprintf("there is no label %.80q: put %s%.80s into the family %s of AstDB", label, wire.KeyPrefix, label, wire.Family)
		return out
	}
	prefixes := c.Prefixes
	if conf.Prefixes != nil {
		prefixes = *conf.Prefixes
	}
	n := wire.ParsePrefixes(prefixes).Normalise(typed, c.E164)
	l := wire.ParseLabel(value)
	for _, s := range append(n.Steps, l.Explain(n)...) {
		out.Steps = append(out.Steps, rest.Step(s))
	}
	if n.Digits == "" {
		out.Error = "nothing is left of the number: give its digits"
		return out
	}
	a.explainThen(account, l.Originate(n), &out)
	out.Denied = cmp.Or(c.Refused(label, l, n), out.Denied)
	return out
}

// tellLabels says which labels, new here, cannot be used as they are (spec: dialproxy 11, W1).
func (a *App) tellLabels(ctx context.Context, list []astdb.Entry) {
	c := dialproxyConfig(&a.Config().Dialproxy, a.DefaultAccount())
	var all, closed []string
	for _, e := range list {
		if label, ok := strings.CutPrefix(e.Path, wire.Family+"/"+wire.KeyPrefix); ok {
			all = append(all, label)
			if c.Closed(label, wire.ParseLabel(e.Value)) {
				closed = append(closed, label)
			}
		}
	}
	switch {
	case len(all) == 0:
	case !a.Config().Dialproxy.Enabled:
		a.log.WarnContext(ctx, "AstDB has labels of dialproxy.php, which is off: set dialproxy.enabled to serve it", "labels", all)
	case len(closed) > 0:
		a.log.WarnContext(ctx, "labels without allow= are refused: give them a token in dialproxy.labels, or set dialproxy.open", "labels", closed)
	}
}

// explainThen tells where an extension leads: to the dialplan, or by the built-in routing.
func (a *App) explainThen(account call.AccountID, o wire.Originate, out *rest.Trace) {
	then := call.Then{Kind: call.ThenDialplan, Context: o.Context, Extension: o.Exten, Priority: o.Priority}
	if err := a.leads(account, then); err != nil {
		out.Error = err.Error()
		return
	}
	if a.hasContext(o.Context) {
		out.Endpoint = "Local/" + o.Exten + "@" + o.Context
		return
	}
	to, err := a.router.Inbound(account, o.Context, o.Exten)
	if err != nil {
		out.Error = err.Error()
		return
	}
	rest := a.router.Explain(account, string(to.Endpoint))
	if number := a.router.Explain(account, o.Exten); number.Endpoint == rest.Endpoint { // a number that follows the routes
		rest = number
	}
	rest.Typed, rest.Steps = out.Typed, append(out.Steps, rest.Steps...)
	*out = rest
}
