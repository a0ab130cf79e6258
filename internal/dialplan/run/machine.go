package run

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Machine runs dialplans on the channels of one switch. It is safe
// concurrently.
type Machine struct {
	o     Options
	log   *slog.Logger
	apps  map[string]*App // by lower-case name
	funcs map[string]*Func
	plan  atomic.Pointer[dialplan.Plan]
	told  sync.Map // texts of warnings that are given once

	hurry    context.Context // see Hurry
	hurryNow context.CancelCauseFunc

	mu      sync.Mutex // guards the fields below
	globals map[string]string
	execs   map[string]*Exec // by channel id
	data    map[string]any   // of Value
}

// New makes a machine with an empty plan.
func New(o Options) *Machine {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxJumps <= 0 {
		o.MaxJumps = defaultMaxJumps
	}
	m := &Machine{
		o: o, log: o.Log, apps: make(map[string]*App, len(o.Apps)), funcs: make(map[string]*Func, len(o.Funcs)),
		globals: make(map[string]string), execs: make(map[string]*Exec), data: make(map[string]any),
	}
	m.hurry, m.hurryNow = context.WithCancelCause(context.Background()) // of the machine's own life
	for i := range o.Apps {
		m.apps[strings.ToLower(o.Apps[i].Name)] = &o.Apps[i]
	}
	for i := range o.Funcs {
		m.funcs[o.Funcs[i].Name] = &o.Funcs[i]
	}
	m.plan.Store(new(dialplan.Plan))
	return m
}

// Options gives what the machine was made with.
func (m *Machine) Options() *Options { return &m.o }

// Switch gives the switch.
func (m *Machine) Switch() *pbx.Switch { return m.o.Switch }

// Log gives the log.
func (m *Machine) Log() *slog.Logger { return m.log }

// Compat reports whether the machine behaves as Asterisk 22 does where we
// would do better (spec: dialplan 7).
func (m *Machine) Compat() bool { return m.o.Compat == "asterisk22" }

// Plan gives the plan in force.
func (m *Machine) Plan() *dialplan.Plan { return m.plan.Load() }

// SetPlan puts a plan in force for the channels that begin from now on and
// loads its globals, expanded in order (spec: dialplan 1.2). Channels that run
// keep theirs, but see the new globals.
func (m *Machine) SetPlan(p *dialplan.Plan) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.General().ClearGlobals {
		clear(m.globals)
	}
	for _, v := range p.Globals() {
		m.globals[v.Name] = dialplan.Expand(v.Value, globalScope{m})
	}
	m.plan.Store(p)
}

// Global reads a global variable.
func (m *Machine) Global(name string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.globals[name]
	return v, ok
}

// SetGlobal writes a global variable. The switch tells of it, without a channel (spec:
// ari 5.1 ChannelVarset).
func (m *Machine) SetGlobal(name, value string) {
	m.mu.Lock()
	m.globals[name] = value
	m.mu.Unlock()
	if m.o.Switch != nil {
		m.o.Switch.Tell(pbx.Event{Type: pbx.ChannelVarset, Variable: name, Value: value})
	}
}

// DeleteGlobal removes a global variable.
func (m *Machine) DeleteGlobal(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.globals, name)
}

// Globals gives a copy of all global variables.
func (m *Machine) Globals() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[string]string, len(m.globals))
	for k, v := range m.globals {
		out[k] = v
	}
	return out
}

// Value gives what an application family keeps for the whole machine, such as
// its conferences, made by make when asked for the first time; nil if there is
// none and make is nil. make must not call the machine's Value.
func (m *Machine) Value(key string, make func() any) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.data[key]
	if !ok && make != nil {
		v = make()
		m.data[key] = v
	}
	return v
}

// App finds an application by its name in any case.
func (m *Machine) App(name string) (*App, bool) {
	a, ok := m.apps[strings.ToLower(strings.TrimSpace(name))]
	return a, ok
}

// Func finds a function by its exact name (upper case).
func (m *Machine) Func(name string) (*Func, bool) {
	f, ok := m.funcs[name]
	return f, ok
}

// AppNames lists the applications, sorted.
func (m *Machine) AppNames() []string { return names(m.o.Apps, func(a App) string { return a.Name }) }

// Exec gives the machine's memory of a channel, which it makes when asked for
// the first time. It is forgotten when the channel has gone.
func (m *Machine) Exec(c *pbx.Channel) *Exec {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x, ok := m.execs[c.ID()]; ok && x.c == c {
		return x
	}
	x := newExec(m, c)
	m.execs[c.ID()] = x
	context.AfterFunc(c.Destroyed(), func() { m.forget(c) })
	return x
}

func (m *Machine) forget(c *pbx.Channel) {
	m.mu.Lock()
	x, ok := m.execs[c.ID()]
	if ok && x.c == c {
		delete(m.execs, c.ID())
	}
	m.mu.Unlock()
	if ok && x.c == c {
		x.gone()
	}
}

// Execs gives the memories of all live channels, in no order: for GROUP_COUNT
// and the like.
func (m *Machine) Execs() []*Exec {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*Exec, 0, len(m.execs))
	for _, x := range m.execs {
		out = append(out, x)
	}
	return out
}

// Handler gives a handler that runs a channel from a position. The extension
// "" is s, the priority 0 is 1.
func (m *Machine) Handler(at Position) pbx.Handler {
	return pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) { m.Exec(c).handle(ctx, at) })
}

// Application gives a handler that runs one application, with its data as
// they are, and hangs up (spec: callfile 6.1 step 4).
func (m *Machine) Application(name, data string) pbx.Handler {
	return pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) { m.Exec(c).handleApplication(ctx, name, data) })
}

// Inbound is the handler of calls that come in: at their context and extension.
func (m *Machine) Inbound() pbx.Handler {
	return pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		sn := c.Snapshot()
		m.Exec(c).handle(ctx, Position{sn.Context, sn.Extension, 1})
	})
}

// WriteFunction writes a dialplan function on a channel from outside a running
// dialplan: a call file's Set, ARI, AMI. ok is false if name is no function
// of the machine's; err says what went wrong with one that is.
func (m *Machine) WriteFunction(ctx context.Context, c *pbx.Channel, name, args, value string) (ok bool, err error) {
	f, ok := m.funcs[name]
	if !ok {
		return false, nil
	}
	return true, m.Exec(c).write(fromOutside(ctx), f, args, value)
}

// ReadFunction is WriteFunction for reading.
func (m *Machine) ReadFunction(ctx context.Context, c *pbx.Channel, name, args string) (value string, ok bool, err error) {
	f, ok := m.funcs[name]
	if !ok {
		return "", false, nil
	}
	value, err = m.Exec(c).read(ctx, f, args)
	return value, true, err
}

// WriteCommon writes "DB(family/key)" and what else is no channel's own. ok is false
// if name is no function; a function that needs a channel is an error.
func (m *Machine) WriteCommon(ctx context.Context, name, value string) (ok bool, err error) {
	fn, args, ok := splitFunction(name)
	if !ok {
		return false, nil
	}
	switch f := m.funcs[fn]; {
	case f == nil:
		return true, fmt.Errorf("there is no function %s", fn)
	case !f.Common:
		return true, fmt.Errorf("function %s cannot be written where there is no channel", fn)
	default:
		return true, f.Write(ctx, &Exec{m: m}, args, value)
	}
}

// WarnOnce logs a warning that need not be repeated: deprecated names.
func (m *Machine) WarnOnce(text string) {
	if _, seen := m.told.LoadOrStore(text, true); !seen {
		m.log.Warn(text)
	}
}

// Resolve turns a dial string into an endpoint, by Options.Router.
func (m *Machine) Resolve(ctx context.Context, from *pbx.Channel, dial string) (call.Endpoint, error) {
	if m.o.Router == nil {
		return call.Endpoint(dial), nil
	}
	var account call.AccountID
	if from != nil {
		account = from.Snapshot().Account
	}
	return m.o.Router.Resolve(ctx, from, account, dial)
}
