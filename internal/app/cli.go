package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/door/ami"
	"github.com/dialwright/dialwright/internal/door/ari"
	"github.com/dialwright/dialwright/internal/door/cli"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
)

// servesAMI says whether the door of AMI is opened.
func (a *App) servesAMI() bool {
	return a.Config().AMI.Enabled && len(a.amiConfig.Load().Users) > 0
}

// newShell makes the shell of the CLI dialect, which every door that takes commands
// shares. It comes after ARI's, and before AMI's, which needs it.
func (a *App) newShell() *cli.Shell {
	o := cli.Options{
		Switch: a.pbx, Log: a.log, Originate: cliOriginator{a}, DB: a.store, Plan: a.machine.Plan, Globals: globals{a}, Devices: a.devices, Hints: a.hints,
		Apps: appDocs, Functions: functionDocs, Phones: cliPhones{a}, Server: cliServer{a},
		Parking: func() (*parking.Config, *parking.Lots) { return apps.Parking(a.machine) },
		Version: asteriskVersion, Product: strings.TrimSpace("Dialwright " + a.o.Version), Started: a.started, Reloaded: a.lastReload,
		Extensions: func() bool { return a.Config().CLI.Extensions }, Contexts: a.mayEnter,
	}
	if a.ari != nil {
		o.ARI = cliARI{a}
	}
	if a.servesAMI() {
		o.Manager = cliManager{a}
	}
	return cli.New(o)
}

// mayEnter keeps managers who redirect channels by a command in the contexts of their
// accounts, as their action Redirect does. Who commands this machine is not asked.
func (a *App) mayEnter(ctx context.Context, by cli.Caller, context string) error {
	if !strings.HasPrefix(by.Name, "ami") {
		return nil
	}
	return asker{a: a, door: "ami", principal: by.Name, remote: by.Remote, account: by.Account}.dialplan(ctx, context)
}

// startAsteriskSocket serves the socket that Asterisk's own command line speaks to.
func (a *App) startAsteriskSocket(ctx context.Context) error {
	path := a.Config().CLI.Socket
	if path == "" {
		return nil
	}
	s := &cli.Socket{Path: path, Shell: a.shell, Log: a.log}
	if err := s.Start(ctx); err != nil {
		return fmt.Errorf("cli.socket: %w", err)
	}
	a.stack.push("asterisk.ctl", s.Stop)
	return nil
}

// appDocs lists the applications of the dialplan.
func appDocs() []cli.Doc {
	var out []cli.Doc
	for _, app := range apps.All() {
		d := cli.Doc{Name: app.Name}
		if app.Old != "" {
			d.Synopsis = "Old; use " + app.Old
		}
		out = append(out, d)
	}
	return out
}

// functionDocs lists the functions of the dialplan.
func functionDocs() []cli.Doc {
	var out []cli.Doc
	for _, f := range funcs.All() {
		out = append(out, cli.Doc{Name: f.Name, Synopsis: readWrite(f)})
	}
	return out
}

func readWrite(f run.Func) string {
	switch {
	case f.Read != nil && f.Write != nil:
		return "Read and written"
	case f.Write != nil:
		return "Written only"
	}
	return "Read only"
}

// Globals gives the global variables of the dialplan.
func (g globals) Globals() map[string]string { return g.a.machine.Globals() }

// cliCommands is door/rest.Commands.
type cliCommands struct{ *cli.Shell }

// Run implements door/rest.Commands.
func (c cliCommands) Run(ctx context.Context, by rest.Commander, line string) (output, outcome string) {
	who := cli.Caller{Name: "rest:" + by.Principal, Remote: by.Remote, Account: by.Account}
	if by.Remote == "" {
		who.Name = "cli"
	}
	r := c.Shell.Run(ctx, who, line)
	return r.Output, r.Outcome.String()
}

// cliOriginator is door/cli.Originator.
type cliOriginator struct{ a *App }

// Originate implements door/cli.Originator. Whether the place exists where the call goes
// on is not asked before: the phone rings and is hung up when it answers (spec: cli 3).
func (o cliOriginator) Originate(ctx context.Context, by cli.Caller, ask cli.Origination) error {
	a := o.a
	if why := a.busy(); why != "" {
		return errors.New(why)
	}
	who := asker{a: a, door: "cli", principal: by.Name, remote: by.Remote, account: cmp.Or(by.Account, a.DefaultAccount())}
	if ask.Then.Kind == call.ThenDialplan {
		if err := who.dialplan(ctx, ask.Then.Context); err != nil {
			return err
		}
	}
	endpoint, account, err := who.dial(ctx, string(ask.Endpoint), ask.CallerID)
	if err != nil {
		return err
	}
	then, err := a.pbx.Follow(account, ask.Then)
	if err != nil {
		a.log.InfoContext(ctx, "originate into a place that does not exist", "door", "cli", "by", by.Name, "then", ask.Then, "error", err)
	}
	shown := a.callerFor(account, ask.CallerID)
	_, err = a.pbx.Originate(context.WithoutCancel(ctx), pbx.OriginateOptions{ // it outlives the command
		CreateOptions: pbx.CreateOptions{Endpoint: endpoint, CallerID: shown, Variables: ask.Variables, Account: account},
		Timeout:       ask.Timeout, Handler: then,
		Created: func(c *pbx.Channel) { who.record(c, string(ask.Endpoint), shown) },
	})
	return err
}

// cliPhones is door/cli.Phones.
type cliPhones struct{ a *App }

// Endpoints implements door/cli.Phones.
func (p cliPhones) Endpoints() []cli.Endpoint {
	c := p.a.Config()
	active := map[string][]string{}
	for _, s := range p.a.pbx.Channels() {
		if name := cmp.Or(s.Phone, s.Trunk); name != "" && s.Technology == "PJSIP" {
			active[name] = append(active[name], s.Name)
		}
	}
	var out []cli.Endpoint
	for _, s := range p.a.sip.Endpoints() {
		e := cli.Endpoint{
			Name: s.Name, State: deviceWords(p.a.devices.State("PJSIP/" + s.Name)), Channels: len(active[s.Name]), Active: active[s.Name],
			AOR: s.Name, Contacts: p.contacts(s),
		}
		if s.Kind == "phone" {
			phone := c.Phones[s.Name]
			e.Auth, e.MaxContacts, e.Context, e.Codecs = s.Name, cmp.Or(phone.MaxContacts, 5), cmp.Or(phone.Context, "default"), phone.Codecs
			e.CallerID = callerID(phone.CallerID).Number
		} else {
			trunk := c.Trunks[s.Name]
			e.OutAuth, e.Transport, e.Context, e.Codecs = trunk.User, cmp.Or(trunk.Transport, "udp"), cmp.Or(trunk.Context, "from-trunk"), trunk.Codecs
			e.Bind = p.bind(e.Transport)
		}
		out = append(out, e)
	}
	return out
}

// bind gives the address of the first listener of a transport.
func (p cliPhones) bind(transport string) string {
	for _, l := range p.a.sip.Listeners() {
		if string(l.Transport) == transport {
			return l.Addr.String()
		}
	}
	return ""
}

// contacts lists where an endpoint can be reached. Which of several answers is not known.
func (p cliPhones) contacts(s call.EndpointState) []cli.Contact {
	status := "NonQual"
	rtt := time.Duration(0)
	if found, ok := p.a.devices.Find("PJSIP", s.Name); ok {
		switch found.Status {
		case "Reachable":
			status, rtt = "Avail", found.RTT
		case "Unreachable":
			status = "Unavail"
		}
	}
	var out []cli.Contact
	for _, uri := range s.Contacts {
		if !strings.HasPrefix(uri, "sip") {
			uri = "sip:" + uri
		}
		out = append(out, cli.Contact{AOR: s.Name, URI: uri, Status: status, RTT: rtt, Expires: s.ExpiresAt})
	}
	return out
}

// deviceWords names a state as Asterisk's tables do (Asterisk: devicestate.c
// ast_devstate2str).
func deviceWords(s pbx.DeviceState) string {
	switch s {
	case pbx.DeviceNotInUse:
		return "Not in use"
	case pbx.DeviceInUse:
		return "In use"
	case pbx.DeviceBusy:
		return "Busy"
	case pbx.DeviceInvalid:
		return "Invalid"
	case pbx.DeviceUnavailable:
		return "Unavailable"
	case pbx.DeviceRinging:
		return "Ringing"
	case pbx.DeviceRingInUse:
		return "Ring+Inuse"
	case pbx.DeviceOnHold:
		return "On Hold"
	}
	return "Unknown"
}

// Contacts implements door/cli.Phones.
func (p cliPhones) Contacts() []cli.Contact {
	var out []cli.Contact
	for _, s := range p.a.sip.Endpoints() {
		out = append(out, p.contacts(s)...)
	}
	return out
}

// Registrations implements door/cli.Phones.
func (p cliPhones) Registrations() []cli.Registration {
	c := p.a.Config()
	var out []cli.Registration
	for _, s := range p.a.sip.Endpoints() {
		trunk, ok := c.Trunks[s.Name]
		if s.Kind != "trunk" || !ok || !trunk.Register {
			continue
		}
		r := cli.Registration{Name: s.Name, ServerURI: "sip:" + trunk.Host, Auth: trunk.User, Status: "Unregistered", Next: s.ExpiresAt}
		if trunk.Port != 0 {
			r.ServerURI += fmt.Sprintf(":%d", trunk.Port)
		}
		switch {
		case s.Registered:
			r.Status = "Registered"
		case s.LastError != "":
			r.Status = "Rejected"
		}
		out = append(out, r)
	}
	return out
}

// cliARI is door/cli.ARI.
type cliARI struct{ a *App }

// Apps implements door/cli.ARI.
func (r cliARI) Apps() []string {
	var out []string
	for _, app := range r.a.hub.Apps() {
		out = append(out, app.Name)
	}
	return out
}

// App implements door/cli.ARI.
func (r cliARI) App(name string) ([]string, bool) {
	app, ok := r.a.hub.App(name)
	if !ok {
		return nil, false
	}
	connected := "No"
	if app.Connected {
		connected = "Yes"
	}
	lines := []string{"Connected: " + connected}
	n := 0
	for _, list := range [][]string{app.Channels, app.Bridges, app.Endpoints, app.Devices} {
		n += len(list)
	}
	lines = append(lines, fmt.Sprintf("Subscriptions: %d", n))
	for _, kind := range []struct {
		name string
		ids  []string
	}{{"Channels", app.Channels}, {"Bridges", app.Bridges}, {"Endpoints", app.Endpoints}, {"Devices", app.Devices}} {
		if len(kind.ids) > 0 {
			lines = append(lines, kind.name+":")
		}
		for _, id := range kind.ids {
			lines = append(lines, "  "+id)
		}
	}
	return lines, true
}

// Users implements door/cli.ARI.
func (r cliARI) Users() []cli.ARIUser {
	var out []cli.ARIUser
	for _, u := range r.a.ariConfig.Load().Users {
		out = append(out, cli.ARIUser{Name: u.Name, ReadOnly: u.ReadOnly, ACL: len(u.Permit)+len(u.Deny) > 0})
	}
	return out
}

// Status implements door/cli.ARI.
func (r cliARI) Status() []cli.Setting {
	c := r.a.ariConfig.Load()
	format := "compact"
	if c.Pretty {
		format = "pretty"
	}
	return []cli.Setting{
		{Name: "Enabled", Value: "Yes"}, {Name: "Output format", Value: format}, {Name: "Auth realm", Value: cmp.Or(c.Realm, ari.Realm)},
		{Name: "Allowed Origins", Value: strings.Join(c.AllowedOrigins, ",")},
	}
}

// cliManager is door/cli.Manager.
type cliManager struct{ a *App }

// Sessions implements door/cli.Manager.
func (m cliManager) Sessions() []cli.ManagerSession {
	var out []cli.ManagerSession
	for _, s := range m.a.ami.Sessions() {
		out = append(out, cli.ManagerSession{User: s.User, Remote: s.Remote, Since: s.Since, HTTP: s.Web, FD: -1, Read: int(s.Read), Write: int(s.Write)})
	}
	return out
}

// Users implements door/cli.Manager.
func (m cliManager) Users() []cli.ManagerUser {
	var out []cli.ManagerUser
	for _, u := range m.a.amiConfig.Load().Users {
		out = append(out, cli.ManagerUser{
			Name: u.Name, Read: u.Read.Rights(), Write: u.Write.Rights(), Secret: u.Secret != "", ACL: len(u.Permit)+len(u.Deny) > 0,
			DisplayConnects: !u.HideConnects, AllowMultiple: !u.SingleLogin, Variables: u.SetVar,
		})
	}
	return out
}

// Actions implements door/cli.Manager.
func (m cliManager) Actions() []cli.ManagerAction {
	var out []cli.ManagerAction
	for _, a := range m.a.ami.Actions() {
		out = append(out, cli.ManagerAction{Name: a.Name, Summary: a.Summary, Privilege: a.Class})
	}
	return out
}

// Events implements door/cli.Manager.
func (cliManager) Events() []string { return ami.Events() }

// Settings implements door/cli.Manager.
func (m cliManager) Settings() []cli.Setting {
	c := m.a.amiConfig.Load()
	word := func(b bool) string {
		if b {
			return "Yes"
		}
		return "No"
	}
	return []cli.Setting{
		{Name: "Manager (AMI)", Value: "Yes"}, {Name: "Web Manager (AMI/HTTP)", Value: word(c.Web)},
		{Name: "TCP Bindaddress", Value: cmp.Or(c.Listen, "Disabled")}, {Name: "HTTP Timeout (seconds)", Value: fmt.Sprint(int(c.HTTPTimeout.Seconds()))},
		{Name: "TLS Enable", Value: word(c.TLSListen != "")}, {Name: "TLS Bindaddress", Value: cmp.Or(c.TLSListen, "Disabled")},
		{Name: "Timestamp events", Value: word(c.TimestampEvents)}, {Name: "Channel vars", Value: strings.Join(c.ChannelVars, ",")},
	}
}

// cliServer is door/cli.Server.
type cliServer struct{ a *App }

// modules are the parts that Asterisk loads one by one and that exist here in some form.
func modules() []string {
	return []string{
		"dialplan", "pbx_config", "manager", "ari", "res_ari", "http", "pjsip", "res_pjsip", "chan_pjsip", "res_parking", "cdr", "logger", "dnsmgr",
		"extconfig", "features", "res_musiconhold", "app_confbridge", "app_voicemail", "acl", "indications", "pbx_spool", "config",
	}
}

// Reload implements door/cli.Server. There is one configuration, loaded as a whole, so
// that every module that is known loads all of it.
func (s cliServer) Reload(ctx context.Context, module string) (known bool, err error) {
	name := strings.TrimSuffix(strings.ToLower(module), ".so")
	if name != "" && !slices.Contains(modules(), name) {
		return false, nil
	}
	_, err = s.a.Reload(ctx)
	return true, err
}

// Stop implements door/cli.Server.
func (s cliServer) Stop(how string, restart bool) error { return s.a.ends.ask(s.a, how, restart) }

// AbortStop implements door/cli.Server.
func (s cliServer) AbortStop() bool { return s.a.ends.abort() }

// CDRStatus implements door/cli.Server.
func (s cliServer) CDRStatus() []cli.Setting {
	return []cli.Setting{
		{Name: "Logging", Value: "Enabled"}, {Name: "Mode", Value: "Simple"}, {Name: "Log calls by default", Value: "Yes"}, {Name: "Log unanswered calls", Value: "Yes"}, {Name: "Log congestion", Value: "Yes"},
		{Name: "Kept for", Value: cmp.Or(retention(s.a.Config().Retention.CDRs.Duration), "ever")},
	}
}

func retention(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// Settings implements door/cli.Server.
func (s cliServer) Settings() []cli.Setting {
	c := s.a.Config()
	out := []cli.Setting{
		{Name: "Version", Value: asteriskVersion}, {Name: "Product", Value: strings.TrimSpace("Dialwright " + s.a.o.Version)},
		{Name: "Maximum calls", Value: fmt.Sprintf("%d (Current %d)", s.a.budget.MaxLive, s.a.pbx.Stats().Channels)},
		{Name: "Startup time", Value: s.a.started.Local().Format(time.TimeOnly)}, {Name: "Last reload time", Value: s.a.lastReload().Local().Format(time.TimeOnly)},
		{Name: "System", Value: s.a.node()}, {Name: "Default language", Value: "en"}, {Name: "Data directory", Value: c.Server.DataDir},
		{Name: "Dialplan", Value: cmp.Or(c.Dialplan.File, "built in")}, {Name: "Log level", Value: c.Server.LogLevel},
	}
	return out
}
