package app

import (
	"cmp"
	"context"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/door/ami"
	"github.com/dialwright/dialwright/internal/door/cli"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
)

// startAMI opens the door of the Asterisk Manager Interface.
func (a *App) startAMI(ctx context.Context) error {
	c := a.amiConfig.Load()
	if !a.Config().AMI.Enabled || len(c.Users) == 0 {
		return nil
	}
	var err error
	a.ami, err = ami.New(ami.Options{
		Switch: a.pbx, Log: a.log, Config: a.amiConfig.Load, Dial: amiDialler{a}, Globals: globals{a}, DB: a.store,
		Parking: func() (*parking.Config, *parking.Lots) { return apps.Parking(a.machine) }, Plan: a.machine.Plan, Apps: amiApps{a},
		Version: asteriskVersion, SystemName: a.Config().Server.Node, Started: a.started, Reloaded: a.lastReload,
		MaxCalls: a.budget.MaxLive, Busy: a.busy, Command: a.amiCommand, Reload: a.amiReload,
		Devices: a.devices, Hints: a.hints, Mailboxes: mailboxes{a.store}, Contacts: amiContacts{a},
		Phones: ariPhones{a, make(chan struct{}, textsAtOnce)},
	})
	if err != nil {
		return err
	}
	a.stack.push("ami", a.ami.Stop)
	return a.ami.Start(ctx)
}

// amiCommand carries out a line of the CLI dialect for a user of AMI.
func (a *App) amiCommand(ctx context.Context, ask ami.Ask, line string) (output string, ok bool) {
	by := cli.Caller{Name: "ami", Remote: ask.Remote, Account: a.DefaultAccount()}
	if u := ask.User; u != nil {
		by.Name, by.Account = "ami:"+u.Name, cmp.Or(u.Account, by.Account)
	}
	by.MayRun = func(app, data string) bool { return a.ami.MayRun(ask.User, app, data) }
	r := a.shell.Run(ctx, by, line)
	return r.Output, r.Outcome == cli.Done
}

// useAMI puts a configuration in force.
func (a *App) useAMI(ctx context.Context, c *ami.Config) {
	a.amiConfig.Store(c)
	if a.ami == nil {
		return
	}
	if err := a.ami.Reload(); err != nil {
		a.log.ErrorContext(ctx, "certificate of ami.tls_listen not loaded; the old one stays in force", "error", err)
	}
}

// amiDialler is door/ami.Dialler.
type amiDialler struct{ a *App }

// asker says who asks.
func (d amiDialler) asker(ask ami.Ask) asker {
	who := asker{a: d.a, door: "ami", principal: "ami", remote: ask.Remote, account: d.a.DefaultAccount()}
	if ask.User != nil {
		who.principal = "ami:" + ask.User.Name
		who.account = cmp.Or(ask.User.Account, who.account)
	}
	return who
}

func (d amiDialler) Dial(ctx context.Context, ask ami.Ask) (call.Endpoint, call.AccountID, error) {
	return d.asker(ask).dial(ctx, ask.Endpoint, ask.CallerID)
}

func (d amiDialler) Caller(account call.AccountID, asked call.CallerID) call.CallerID {
	return d.a.callerFor(account, asked)
}

func (d amiDialler) Dialplan(ctx context.Context, ask ami.Ask, context string) error {
	return d.asker(ask).dialplan(ctx, context)
}

func (d amiDialler) Record(c *pbx.Channel, ask ami.Ask) {
	d.asker(ask).record(c, ask.Endpoint, ask.CallerID)
}

// amiApps is door/ami.Applications.
type amiApps struct{ a *App }

func (x amiApps) Beside(ctx context.Context, c *pbx.Channel, name, data string) error {
	return apps.Beside(ctx, x.a.machine, c, name, data)
}

func (x amiApps) MuteRecordings(c *pbx.Channel, id string, in, out, on bool) bool {
	return apps.MuteRecordings(x.a.machine, c, id, in, out, on) > 0
}

func (x amiApps) StopRecordings(c *pbx.Channel, id string) bool {
	return apps.StopRecordings(x.a.machine, c, id) > 0
}
