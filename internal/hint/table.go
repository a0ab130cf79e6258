package hint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Devices are the states of devices; *devstate.Table is it.
type Devices interface {
	State(name string) pbx.DeviceState
	// Watch lets f see the changes of a device until stop is called; f may be running then.
	Watch(devices string, f func(pbx.DeviceSnapshot)) (stop func())
}

// Options are what a table is made of. Plan, Devices and Switch are required.
type Options struct {
	Plan    func() *dialplan.Plan // in force
	Devices Devices
	Switch  *pbx.Switch // on whose bus changes are told
	Log     *slog.Logger
	Global  func(name string) string // global variables, for hints that name some; nil = there are none
}

// DefaultContext is where a hint is looked for if nothing is said.
const DefaultContext = "default"

// maxAsked bounds the extensions of patterns that are followed because somebody asked.
const maxAsked = 4096

// Table keeps the states of all hints of the dialplan in force. All methods are safe
// concurrently.
type Table struct {
	o   Options
	log *slog.Logger

	telling sync.Mutex // orders changes and what is told of them; taken before mu

	mu      sync.Mutex // guards what follows; a leaf
	running bool
	stopped bool
	hints   []*hint // in the order of contexts, and of the dialplan in each
	asked   int     // hints at the end of the list that somebody asked for
	devices map[string]*device
}

// hint is one that is followed.
type hint struct {
	State
	devices []*device
}

// device is one that hints name.
type device struct {
	state pbx.DeviceState
	hints []*hint
	stop  func()
}

// New makes a table, which knows nothing before Start.
func New(o Options) *Table {
	t := &Table{o: o, log: o.Log, devices: map[string]*device{}}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	return t
}

// ErrStarted says that Start was called twice, or after Stop.
var ErrStarted = errors.New("the table of hints runs already, or has been stopped")

// Start begins to follow the hints of the plan in force. Device states run by then.
func (t *Table) Start(context.Context) error {
	t.mu.Lock()
	if t.running || t.stopped {
		t.mu.Unlock()
		return ErrStarted
	}
	t.running = true
	t.mu.Unlock()
	t.Reload()
	return nil
}

// Stop follows nothing any more. It may be called twice, and before Start. Nothing is told
// after it has returned.
func (t *Table) Stop(context.Context) error {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	old := t.devices
	t.running, t.stopped = false, true
	t.hints, t.asked, t.devices = nil, 0, map[string]*device{}
	t.mu.Unlock()
	for _, d := range old {
		d.stop()
	}
	return nil
}

// Reload follows the hints of the plan that is in force now. An extension whose state is
// another one by that is told of; one that is gone is not.
func (t *Table) Reload() {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	running, old, hints := t.running, t.devices, t.hints
	t.mu.Unlock()
	if !running {
		return
	}
	plan := t.o.Plan()
	next := &Table{o: t.o, devices: map[string]*device{}}
	for _, in := range plan.Contexts() {
		for _, h := range plan.Hints(in) {
			next.follow(t, State{Exten: h.Exten, Context: in, Hint: h.Devices})
		}
	}
	var changed []State
	for _, was := range hints {
		for _, is := range next.hints {
			if is.Exten == was.Exten && is.Context == was.Context && is.Status != was.Status {
				changed = append(changed, is.State)
			}
		}
	}
	t.mu.Lock()
	t.hints, t.asked, t.devices = next.hints, 0, next.devices
	t.mu.Unlock()
	for _, d := range old {
		d.stop()
	}
	t.tell(changed)
}

// follow adds a hint with its devices, whose changes owner gets. owner.telling is held, so
// that none comes in between; t is owner itself, or what will be put in its place.
func (t *Table) follow(owner *Table, st State) *hint {
	h := &hint{State: st}
	var states []pbx.DeviceState
	for _, name := range names(owner.expand(st.Hint, st.Context, st.Exten)) {
		t.mu.Lock()
		d := t.devices[name]
		t.mu.Unlock()
		if d == nil {
			d = &device{}
			d.stop = owner.o.Devices.Watch(name, func(s pbx.DeviceSnapshot) { owner.changed(d, s.State) })
			d.state = owner.o.Devices.State(name) // behind Watch, so that no change is missed
		}
		t.mu.Lock()
		t.devices[name] = d
		d.hints = append(d.hints, h)
		t.mu.Unlock()
		h.devices = append(h.devices, d)
		states = append(states, d.state)
	}
	h.Status = Aggregate(states)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hints = append(slices.Clip(t.hints), h)
	return h
}

// names splits the devices of a hint; each counts once.
func names(devices string) []string {
	var out []string
	for name := range strings.SplitSeq(devices, "&") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// changed is told by the device states.
func (t *Table) changed(d *device, state pbx.DeviceState) {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	if !t.running {
		t.mu.Unlock()
		return
	}
	d.state = state
	var changed []State
	for _, h := range d.hints {
		states := make([]pbx.DeviceState, len(h.devices))
		for i, d := range h.devices {
			states[i] = d.state
		}
		if s := Aggregate(states); s != h.Status {
			h.Status = s
			changed = append(changed, h.State)
		}
	}
	t.mu.Unlock()
	t.tell(changed)
}

// tell publishes changes; t.telling is held. Patterns are no extensions.
func (t *Table) tell(changed []State) {
	for _, s := range changed {
		if !strings.HasPrefix(s.Exten, "_") {
			t.o.Switch.Tell(pbx.Event{Type: ExtensionStatus, Data: &s})
		}
	}
}

// List gives every hint with its state, patterns too, by context and in the order of the
// dialplan; behind them extensions of patterns that somebody asked for.
func (t *Table) List() []State {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]State, len(t.hints))
	for i, h := range t.hints {
		out[i] = h.State
	}
	return out
}

// State gives the state of an extension; without a context it is looked for in "default".
// Without a hint the state is Unknown and its devices "".
func (t *Table) State(in, exten string) State {
	if in == "" {
		in = DefaultContext
	}
	out := State{Exten: exten, Context: in, Status: Unknown}
	plan := t.o.Plan()
	devices, _, ok := plan.Hint(in, exten, dialplan.Caller{At: time.Now()})
	if !ok {
		return out
	}
	out.Hint = devices
	if own := plan.Hints(in); !named(own, exten) && slices.ContainsFunc(own, func(h dialplan.Hint) bool { return h.Devices == devices }) {
		out.Hint = t.expand(devices, in, exten)
		t.ask(out)
	}
	var states []pbx.DeviceState
	for _, name := range names(t.expand(devices, in, exten)) {
		states = append(states, t.o.Devices.State(name))
	}
	out.Status = Aggregate(states)
	return out
}

func named(list []dialplan.Hint, exten string) bool {
	return slices.ContainsFunc(list, func(h dialplan.Hint) bool { return h.Exten == exten })
}

// ask follows an extension that a pattern matches, from now on.
func (t *Table) ask(s State) {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	room := t.running && t.asked < maxAsked && !slices.ContainsFunc(t.hints, func(h *hint) bool { return h.Exten == s.Exten && h.Context == s.Context })
	if room {
		t.asked++
	}
	t.mu.Unlock()
	if room {
		t.follow(t, s)
	}
}

// expand puts the variables of a hint in: those of the extension and global ones.
func (t *Table) expand(devices, in, exten string) string {
	if !strings.Contains(devices, "$") {
		return devices
	}
	return dialplan.Expand(devices, scope{t, in, exten})
}

// scope is dialplan.Scope of a hint.
type scope struct {
	t         *Table
	in, exten string
}

// Variable implements dialplan.Scope.
func (s scope) Variable(name string) string {
	switch name {
	case "EXTEN":
		return s.exten
	case "CONTEXT":
		return s.in
	}
	if s.t.o.Global == nil {
		return ""
	}
	return s.t.o.Global(name)
}

// Function implements dialplan.Scope: a hint has no channel on which they would run.
func (s scope) Function(name, args string) (string, bool) {
	s.Warn("a hint cannot use function %s(%s)", name, args)
	return "", false
}

// Warn implements dialplan.Scope.
func (s scope) Warn(format string, args ...any) {
	s.t.log.Warn("variables of a hint", "context", s.in, "extension", s.exten, "problem", fmt.Sprintf(format, args...))
}
