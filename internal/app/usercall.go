package app

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/usercall"
)

// newUsercalls makes the table of the calls of every phone. The originator gets the engine
// through it.
func (a *App) newUsercalls() {
	a.usercalls = usercall.New(usercall.Options{
		Switch: a.pbx, Log: a.log, Self: a.phoneSelf, Recordings: filepath.Join(a.spoolDir(), "monitor"), Check: a.mayTransfer,
	})
}

// startUsercalls begins to look, before there can be a call of the queue.
func (a *App) startUsercalls(ctx context.Context) error {
	a.usercalls.SetQueue(a.originator)
	if err := a.usercalls.Start(ctx); err != nil {
		return err
	}
	a.stack.push("calls of phones", a.usercalls.Stop)
	return nil
}

// phoneSelf is how a phone shows itself to those whom it calls.
func (a *App) phoneSelf(phone string) call.CallerID {
	p, ok := a.Config().Phones[phone]
	if !ok {
		return call.CallerID{Number: phone}
	}
	id := callerID(p.CallerID)
	id.Name, id.Number = cmp.Or(id.Name, p.DisplayName), cmp.Or(id.Number, phone)
	return id
}

// mayTransfer tells why a phone may not send a call to a number: nothing leads there, or
// the guard forbids it. Where a dialplan goes on, its own dialling is what the guard sees.
func (a *App) mayTransfer(_ context.Context, phone pbx.Snapshot, number string) error {
	if r := a.pbx.Runner(); r != nil {
		h, err := r.Runner(call.Then{Kind: call.ThenDialplan, Context: phone.Context, Extension: number})
		if err == nil && h != nil {
			return nil
		}
	}
	account := cmp.Or(phone.Account, a.DefaultAccount())
	to, err := a.router.Inbound(account, phone.Context, number)
	if err != nil {
		return err
	}
	if refusal := originate.Destination(a.policy.Load(), account, to); refusal != nil {
		return fmt.Errorf("not allowed: %w", refusal)
	}
	return nil
}
