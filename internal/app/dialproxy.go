package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
)

// clickCalls gives the originator the shape that the dialproxy door declares.
type clickCalls struct {
	o     *originate.Originator
	store originate.Store
	log   *slog.Logger
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
func (c clickCalls) Deny(ctx context.Context, e originate.AuditEntry) {
	if err := c.store.Deny(ctx, e); err != nil {
		c.log.Error("audit trail cannot be written", "door", e.Origin.Door, "error", err)
	}
}

// leads says whether an extension of a context is there, by the rules by which the switch
// will look for it: the dialplan's, else the built-in routing's.
func (a *App) leads(account call.AccountID, t call.Then) error {
	_, err := runner{a, a.machine.Runner()}.Runner(t)
	if errors.Is(err, pbx.ErrBuiltIn) {
		_, err = a.router.Inbound(account, t.Context, t.Extension)
	}
	return err
}
