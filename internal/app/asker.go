package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/route"
)

// asker is somebody who dials on the switch by remote control (ARI, AMI, the CLI
// dialect): what it dials passes the guard and leaves a record, but is not queued.
type asker struct {
	a         *App
	door      string // of the record and the audit trail: "ari"
	principal string // "ari:crm"
	remote    string // address of the client, "" = this machine
	account   call.AccountID
}

func (k asker) origin() call.Origin {
	return call.Origin{Door: k.door, Principal: k.principal, Remote: k.remote}
}

// dial gives what the switch dials for an endpoint and on whose account, or a
// *call.Failure: unknown (Permanent), denied by the guard, or too much at once.
func (k asker) dial(ctx context.Context, endpoint string, callerID call.CallerID) (call.Endpoint, call.AccountID, error) {
	to, err := k.a.router.table.Load().Route(k.account, call.Endpoint(endpoint))
	if re, ok := errors.AsType[*route.Error](err); ok {
		return "", "", &call.Failure{Disposition: call.Failed, Cause: int(unroutable(endpoint)), Permanent: true, Text: re.Error()}
	}
	if err != nil {
		return "", "", err
	}
	err = k.a.judge(ctx, k.a.originator.JudgeRequest, call.Request{
		Origin: k.origin(), Account: k.account, First: to.Endpoint, CallerID: callerID,
	})
	if err == nil {
		err = k.a.room(to.Trunk)
	}
	if err == nil {
		err = k.line()
	}
	return to.Endpoint, k.account, err
}

// media gives on whose account there may be a channel to a program. Nobody is dialled,
// so that only the account itself is judged.
func (k asker) media(ctx context.Context) (call.AccountID, error) {
	if err := k.dialplan(ctx, ""); err != nil {
		return "", err
	}
	return k.account, k.line()
}

// dialplan refuses a context that the account may not send calls into.
func (k asker) dialplan(ctx context.Context, context string) error {
	return refused(k.a.originator.JudgeEntry(ctx, k.origin(), k.account, context))
}

// line refuses a channel on an account all of whose channels are in use.
func (k asker) line() error {
	most := k.a.Config().Accounts[string(k.account)].Channels
	if most <= 0 {
		return nil
	}
	n := 0
	for _, sn := range k.a.pbx.Channels() {
		if sn.Account == k.account && !sn.Incoming && !sn.HungUp {
			n++
		}
	}
	if n < most {
		return nil
	}
	return &call.Failure{
		Disposition: call.Congestion, Cause: int(cause.CircuitCongestion),
		Text: fmt.Sprintf("all %d channels of account %s are in use", most, k.account),
	}
}

// record keeps a call record of a channel, right before it is dialled.
func (k asker) record(c *pbx.Channel, endpoint string, callerID call.CallerID) {
	sn := c.Snapshot()
	_, resource, _ := strings.Cut(endpoint, "/")
	k.a.ledger.follow(c, call.CDR{
		Account: k.account, Door: k.door, Reference: sn.ID, First: call.Endpoint(sn.Technology + "/" + sn.Endpoint), Dialled: resource,
		Source: callerID,
	})
}

// callerFor gives whom a phone is shown that is dialled on an account: asked, unless
// that is nobody or the account may not name others.
func (a *App) callerFor(account call.AccountID, asked call.CallerID) call.CallerID {
	c := a.Config().Accounts[string(account)]
	if !c.FixedCallerID && (asked.Name != "" || asked.Number != "") {
		return asked
	}
	own := callerID(c.CallerID)
	own.Private = own.Private || asked.Private
	return own
}

// callerFixed says whether the calls of an account show the account's caller ID only.
func (a *App) callerFixed(account call.AccountID) bool {
	return a.Config().Accounts[string(cmp.Or(account, a.DefaultAccount()))].FixedCallerID
}
