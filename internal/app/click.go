package app

import (
	"cmp"
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
)

// clickTime is how long a click may wait for a free place. A phone that rings later would
// surprise its owner.
const clickTime = 5 * time.Second

// clicker is click.Placer.
type clicker struct{ a *App }

// Place is click.Placer.
func (k clicker) Place(ctx context.Context, in click.Intent) (call.Call, error) {
	phone, ok := k.a.Config().Phones[in.User.Phone]
	if in.User.Phone == "" || !ok {
		return call.Call{}, click.ErrNoPhone
	}
	if !k.a.reachable(in.User.Phone) {
		return call.Call{}, click.ErrNoDevice
	}
	to, _ := k.a.destination(in.User, in.Dest)
	r := call.Request{
		Key: in.Key, Origin: in.Origin, Account: in.User.Account,
		First: call.Endpoint("PJSIP/" + in.User.Phone),
		Then: call.Then{
			Kind: call.ThenConnect, Second: to, Confirm: in.Confirm, Prompts: in.Prompts, PromptWait: in.Interval, FailTone: in.FailTone,
		},
		CallerID: k.a.identity(in.User, phone),
		Callee:   call.CallerID{Name: in.DestName, Number: in.Dest},
		NotAfter: in.NotAfter,
	}
	if r.NotAfter.IsZero() {
		r.NotAfter = time.Now().Add(clickTime)
	}
	c, _, err := k.a.originator.Submit(ctx, r)
	return c, err
}

// identity is what the other side of a user's calls is shown: the account's caller ID if it
// is fixed, else the phone's, else the account's, else the user's name and extension.
func (a *App) identity(u directory.User, phone config.Phone) call.CallerID {
	account := a.Config().Accounts[string(u.Account)]
	own := callerID(phone.CallerID)
	switch {
	case account.FixedCallerID:
		return call.CallerID{}
	case own.Name != "" || own.Number != "":
		return own
	case account.CallerID != "":
		return call.CallerID{}
	}
	return call.CallerID{Name: cmp.Or(phone.DisplayName, u.Display()), Number: cmp.Or(u.Phone, u.Name.Local)}
}

// reachable says whether a device of a phone is registered.
func (a *App) reachable(phone string) bool {
	state := a.pbx.DeviceState(call.Endpoint("PJSIP/" + phone))
	return state != pbx.DeviceUnavailable && state != pbx.DeviceInvalid
}

// destination gives the endpoint by which a number is dialled on behalf of a user, as if
// its phone had dialled it: in the dialplan's context if it has the phone's, else by the
// built-in routing, as far as that context lets out. extension says whether the number is an
// extension of this system: a phone, a user, or one that the dialplan has by name.
func (a *App) destination(u directory.User, number string) (to call.Endpoint, extension bool) {
	c := a.Config()
	context := cmp.Or(c.Phones[u.Phone].Context, "default")
	into := call.Endpoint("Local/" + number + "@" + context)
	_, phone := c.Phones[number]
	extension = phone || a.isUser(u.Name.Tenant, number)
	if p := a.contexts.Load(); p != nil && p.HasContext(context) {
		step := p.Find(context, number, 1, dialplan.Caller{})
		return into, extension || step != nil && step.Exten == number
	}
	out, err := a.router.Inbound(u.Account, context, number)
	if err != nil {
		return into, extension // which is refused with the reason
	}
	for _, direct := range []call.Endpoint{call.Endpoint("PJSIP/" + number), call.Endpoint(number)} {
		if r, err := a.router.Route(u.Account, direct); err == nil && r.Endpoint == out.Endpoint && (direct.Tech() == "" || phone) {
			return direct, extension
		}
	}
	return into, extension
}

// isUser says whether somebody has a number in a tenant.
func (a *App) isUser(tenant, number string) bool {
	_, ok := a.people.User(directory.Name{Local: number, Tenant: tenant})
	return ok
}

// denied writes into the audit trail that a door has refused a request. It does not fail:
// what cannot be written is logged.
func (a *App) denied(ctx context.Context, e originate.AuditEntry) {
	if err := a.store.Deny(ctx, e); err != nil {
		a.log.Error("audit trail cannot be written", "door", e.Origin.Door, "error", err)
	}
}
