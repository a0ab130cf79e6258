package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/route"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// loadPlan reads the dialplan that c names, with the extensions of parking lots, which
// are there without one too. The error says why it cannot be used at all.
func loadPlan(c *config.Config) (*dialplan.Plan, []dialplan.Problem, error) {
	extra, parkings := parkingExtensions(c)
	if c.Dialplan.File == "" {
		return dialplan.Only(extra), parkings, nil
	}
	dir, name := filepath.Split(c.Dialplan.File)
	p, problems, err := dialplan.Load(conf.Dir(cmp.Or(dir, ".")), name, dialplan.LoadOptions{
		Expand: run.ExpandAtLoad(funcs.All(), allowed(c)), PipeSeparator: c.Dialplan.PipeSeparator, Extra: extra,
	})
	problems = append(problems, parkings...)
	if err != nil {
		return nil, problems, fmt.Errorf("dialplan %s: %w", c.Dialplan.File, err)
	}
	return p, problems, nil
}

// lint is what `dialwright check` says about a plan beyond what loading it did.
func lint(p *dialplan.Plan) []dialplan.Problem {
	m := run.New(run.Options{Apps: apps.All(), Funcs: funcs.All()})
	return p.Lint(m.LintOptions())
}

// planFiles lists the files of the dialplan in force, as paths.
func (a *App) planFiles() []string {
	if c := a.Config(); a.machine != nil {
		return planPaths(c, a.machine.Plan())
	}
	return nil
}

func planPaths(c *config.Config, p *dialplan.Plan) []string {
	if c.Dialplan.File == "" {
		return parkingFile(c)
	}
	out := []string{c.Dialplan.File}
	for _, f := range p.Files() {
		if path := filepath.Join(filepath.Dir(c.Dialplan.File), f); path != out[0] {
			out = append(out, path)
		}
	}
	return append(out, parkingFile(c)...)
}

// planProblem writes a finding as `dialwright check` prints it.
func planProblem(c *config.Config, p dialplan.Problem) string {
	dir := filepath.Dir(c.Dialplan.File)
	if p.File == parking.FileName {
		dir = confDir(c)
	}
	return fmt.Sprintf("%s:%d: %s", filepath.Join(dir, p.File), p.Line, p.Text)
}

// contextsOf says which contexts a plan has; p may be nil.
func contextsOf(p *dialplan.Plan) func(string) bool {
	return func(name string) bool { return p != nil && p.HasContext(name) }
}

// newMachine makes the machine of the switch, with the dialplan if there is one.
func (a *App) newMachine(ctx context.Context) error {
	c := a.Config()
	spool := a.spoolDir()
	confDir := confDir(c)
	a.machine = run.New(run.Options{
		Switch: a.pbx, Log: a.log, Router: resolver{a}, DB: a.store, SystemName: c.Server.Node,
		Apps: apps.All(), Funcs: funcs.All(),
		Dirs: run.Dirs{
			Etc: confDir, Spool: spool, Data: c.Server.DataDir, Log: c.Server.DataDir, Run: c.Server.DataDir,
			Sounds: a.soundsDir(), Monitor: filepath.Join(spool, "monitor"),
			AGI: cmp.Or(c.Dialplan.AGIDir, filepath.Join(c.Server.DataDir, "agi-bin")),
		},
		Allow: allowed(c), Compat: c.Dialplan.Compat, SkipUnsupported: c.Dialplan.SkipUnsupported,
		CommandLimit: c.Dialplan.ExecLimit.Duration, ConfDir: confDir, Stasis: a.hub.Dialplan, Devices: a.devices, Broadcast: a.hub.Broadcast, Enter: a.enter,
	})
	p, problems, err := loadPlan(c)
	if err != nil {
		return err
	}
	a.pbx.SetDialplan(pbx.Dialplan{Inbound: inbound{a}, Runner: a.hub.Runner(runner{a, a.machine.Runner()}, wire.SplitArgs), Functions: a.machine})
	a.usePlan(ctx, p, problems)
	return nil
}

// enter says whether a channel's account may enter a context of the dialplan.
func (a *App) enter(ctx context.Context, c *pbx.Channel, in string) error {
	account := cmp.Or(c.Snapshot().Account, a.DefaultAccount())
	return refused(a.originator.JudgeEntry(ctx, call.Origin{Door: "sip", Principal: dialplanPrincipal}, account, in))
}

// spoolDir is where recordings of the dialplan and of applications lie.
func (a *App) spoolDir() string {
	c := a.Config()
	return cmp.Or(c.Dialplan.SpoolDir, filepath.Join(c.Server.DataDir, "spool"))
}

// allowed says what the dialplan may do.
func allowed(c *config.Config) run.Danger {
	var allow run.Danger
	if c.Dialplan.AllowExec {
		allow |= run.Commands
	}
	if c.Dialplan.AllowFiles {
		allow |= run.Files
	}
	if !c.Dialplan.DenyNet {
		allow |= run.Net
	}
	return allow
}

// usePlan puts a plan in force and logs what is wrong with it: what
// loading it has found, and the rest, which it gives too.
func (a *App) usePlan(ctx context.Context, p *dialplan.Plan, problems []dialplan.Problem) []dialplan.Problem {
	problems = append(problems, lint(p)...)
	for _, x := range problems {
		a.log.WarnContext(ctx, "dialplan", "at", fmt.Sprintf("%s:%d", x.File, x.Line), "problem", x.Text)
	}
	a.machine.SetPlan(p)
	a.contexts.Store(p)
	a.findings.Store(&problems)
	if a.hints != nil {
		a.hints.Reload()
	}
	return problems
}

// hasContext says whether the user's dialplan has a context.
func (a *App) hasContext(name string) bool {
	p := a.contexts.Load()
	return p != nil && p.HasContext(name)
}

// inbound gives calls that come in to the dialplan if it has their context, else
// to the built-in routing.
type inbound struct{ a *App }

// Handle is pbx.Handler.
func (h inbound) Handle(ctx context.Context, c *pbx.Channel) {
	if h.a.hasContext(c.Snapshot().Context) {
		h.a.machine.Inbound().Handle(ctx, c)
		return
	}
	pbx.NewInbound(h.a.pbx).Handle(ctx, c)
}

// runner is the machine's, but leaves contexts that the user's dialplan does not
// have to the built-in routing.
type runner struct {
	a       *App
	machine pbx.Runner
}

// Runner is pbx.Runner.
func (r runner) Runner(t call.Then) (pbx.Handler, error) {
	if t.Kind == call.ThenDialplan && t.Context != "" && !r.a.hasContext(t.Context) && r.a.builtIn(t.Context) {
		return nil, pbx.ErrBuiltIn
	}
	return r.machine.Runner(t)
}

// builtIn says whether the built-in routing serves a context: every one without a
// dialplan of the user's, else those that the configuration names. A misspelt
// context of a call file must not ring a phone.
func (a *App) builtIn(context string) bool {
	c := a.Config()
	if c.Dialplan.File == "" {
		return true
	}
	names := append([]string{"default", "internal", "from-trunk"}, c.SIP.OutboundContexts...)
	for _, p := range c.Phones {
		names = append(names, p.Context)
	}
	for _, t := range c.Trunks {
		names = append(names, t.Context)
	}
	return slices.Contains(names, context)
}

// Failed is pbx.FailedRunner.
func (r runner) Failed(context, callerNumber string) (pbx.Handler, bool) {
	return r.machine.(pbx.FailedRunner).Failed(context, callerNumber)
}

// Record is pbx.Recorder.
func (r runner) Record(c *pbx.Channel) (call.DialplanRecord, bool) {
	return r.machine.(pbx.Recorder).Record(c)
}

// localExists says what Local channels may be dialled to: in contexts of the
// dialplan what it has, elsewhere what the routing will find.
func (a *App) localExists(context, exten, caller string) bool {
	return !a.hasContext(context) || a.machine.Exists(context, exten, caller)
}

// resolver is run.Router: the route table and the guard.
type resolver struct{ a *App }

// Resolve finds out what a dial string of the dialplan means, and asks the guard
// whether the channel's account may dial it.
func (r resolver) Resolve(ctx context.Context, from *pbx.Channel, account call.AccountID, dial string) (call.Endpoint, error) {
	to, err := r.a.router.table.Load().Route(account, call.Endpoint(dial))
	if re, ok := errors.AsType[*route.Error](err); ok {
		return "", &call.Failure{Disposition: call.Failed, Cause: int(unroutable(dial)), Permanent: true, Text: re.Error()}
	}
	if err != nil {
		return "", err
	}
	remote := ""
	if from != nil && from.Leg() != nil {
		remote = from.Leg().Describe().Peer
	}
	return to.Endpoint, r.a.guard(ctx, "sip", account, dialplanPrincipal, remote, to)
}

// dialplanPrincipal is who asks when the dialplan dials. Every account lets it: the
// channel that it runs for has been admitted on the account's behalf.
const dialplanPrincipal = "dialplan"

// unroutable is the cause that Asterisk reports for a dial string it cannot
// place: 66 for an unknown technology, 3 (no route) for the rest.
func unroutable(dial string) cause.Code {
	switch tech, _, _ := strings.Cut(dial, "/"); strings.ToUpper(tech) {
	case "SIP", "PJSIP", "LOCAL", "PRETEND":
		return cause.NoRoute
	}
	return 66 // channel not implemented
}
