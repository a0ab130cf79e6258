package devstate

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Options are what a table is made of. Switch is required.
type Options struct {
	Switch *pbx.Switch
	Log    *slog.Logger // nil: nothing is logged
	DB     Database     // AstDB; nil: devices set by hand are forgotten at the end
}

// Table is the table. All methods are safe concurrently.
type Table struct {
	sw      *pbx.Switch
	log     *slog.Logger
	db      Database
	queue   *queue
	setting sync.Mutex // orders writes of devices set by hand; taken before mu

	mu       sync.Mutex // guards the fields below; a leaf: the bus is locked around it
	devices  map[string]*device
	order    []*device // endpoints, in the order in which they came; replaced, never changed
	channels map[string]*channel
	byHand   map[string]pbx.DeviceState // "Custom:lamp", "Stasis:door"
	watchers map[string][]*watcher      // by key; lists are replaced, never changed
	base     context.Context            // parent of reads that have no context of their own
	cancel   context.CancelFunc
	remove   func() // ends observing
	done     chan struct{}

	told map[string]pbx.DeviceState // last state told; of the goroutine alone
}

// device is an endpoint, or another device that is in use.
type device struct {
	key      string
	tech     string
	resource string
	endpoint bool
	online   string // state of an endpoint: "online", "offline", "unknown"
	tally    tally
	channels map[*channel]struct{}
	noted    pbx.DeviceState // last state put into the queue; "" = idle, of one that is no endpoint
}

// channel is a live channel of a device.
type channel struct {
	id  string
	seq uint64 // order of coming
	dev *device
	act activity
}

// New makes an empty table. Nothing runs before Start; Endpoint may be called.
func New(o Options) *Table {
	t := &Table{
		sw: o.Switch, log: o.Log, db: o.DB, queue: newQueue(queueBound),
		devices: map[string]*device{}, channels: map[string]*channel{}, byHand: map[string]pbx.DeviceState{},
		watchers: map[string][]*watcher{}, told: map[string]pbx.DeviceState{},
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	// The table's own life, until Start gives it that of its goroutine; states may be
	// read before.
	t.base, t.cancel = context.WithCancel(context.Background())
	return t
}

// ErrStarted says that Start was called twice.
var ErrStarted = errors.New("the table of device states runs already")

// Start reads the devices that were set by hand, takes over the endpoints of the
// technologies and begins to follow the switch. It comes after the technologies
// were registered and before the first channel. Errors: those of the database.
func (t *Table) Start(ctx context.Context) error {
	kept, err := t.load(ctx)
	if err != nil {
		return err
	}
	found := t.seeds()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done != nil {
		return ErrStarted
	}
	t.cancel()
	t.base, t.cancel = context.WithCancel(ctx)
	t.byHand = kept
	for name, s := range kept {
		t.told[key(name)] = s
	}
	for _, e := range found {
		if d := t.device(e.Technology, e.Resource); !d.endpoint { // else it has told us itself, later than this
			t.enlist(d)
			d.online = e.State
			d.noted = d.state()
		}
	}
	t.done = make(chan struct{})
	done, base := t.done, t.base
	t.remove = t.sw.Observe(t.observe)
	go func() {
		defer close(done)
		t.run(base)
	}()
	return nil
}

// Stop follows the switch no more, tells what still waits and returns. It may
// be called twice, and without Start. The error is that of ctx.
func (t *Table) Stop(ctx context.Context) error {
	t.mu.Lock()
	remove, done := t.remove, t.done
	t.cancel()
	t.mu.Unlock()
	if done == nil {
		return nil
	}
	remove()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run tells changes until ctx ends, and then those that wait.
func (t *Table) run(ctx context.Context) {
	for {
		select {
		case <-t.queue.ready:
		case <-ctx.Done():
		}
		for _, n := range t.queue.take() {
			t.tell(n)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// tell publishes one change.
func (t *Table) tell(n *notice) {
	if n.endpoint != nil {
		t.sw.Tell(pbx.Event{Type: n.event, Endpoint: n.endpoint})
		return
	}
	state, k := n.state, key(n.device)
	if state == "" {
		state = t.idleState(n.device)
	}
	same := t.told[k] == state
	t.told[k] = state
	if n.state == "" || n.gone {
		delete(t.told, k)
	}
	if same {
		return
	}
	d := &pbx.DeviceSnapshot{Name: n.device, State: state}
	t.sw.Tell(pbx.Event{Type: pbx.DeviceStateChanged, Device: d})
	t.mu.Lock()
	watchers := t.watchers[k]
	t.mu.Unlock()
	for _, w := range watchers {
		w.f(*d)
	}
}

// idleState is what a device is that is in use no more and no endpoint: its
// technology knows whether it exists at all. That it is in use, the technology
// may still believe for a moment.
func (t *Table) idleState(name string) pbx.DeviceState {
	switch s := t.sw.DeviceState(call.Endpoint(name)); s {
	case pbx.DeviceInvalid, pbx.DeviceUnavailable, pbx.DeviceUnknown:
		return s
	}
	return pbx.DeviceNotInUse
}

// device finds or makes a device. t.mu is held.
func (t *Table) device(tech, resource string) *device {
	name := tech + "/" + resource
	k := key(name)
	d := t.devices[k]
	if d == nil {
		d = &device{key: k, tech: tech, resource: resource, channels: map[*channel]struct{}{}}
		t.devices[k] = d
	}
	return d
}

// enlist makes a device an endpoint. t.mu is held.
func (t *Table) enlist(d *device) {
	if !d.endpoint {
		d.endpoint = true
		t.order = append(slices.Clip(t.order), d)
	}
}

func (d *device) name() string { return d.tech + "/" + d.resource }

// state is that of a device now; "" for one that is idle and no endpoint.
func (d *device) state() pbx.DeviceState {
	if s := d.tally.state(); s != "" || !d.endpoint {
		return s
	}
	switch d.online {
	case "online":
		return pbx.DeviceNotInUse
	case "offline":
		return pbx.DeviceUnavailable
	}
	return pbx.DeviceUnknown
}

// settle puts a change of the state into the queue. t.mu is held.
func (t *Table) settle(d *device) {
	if s := d.state(); s != d.noted {
		d.noted = s
		t.queue.push(notice{about: d.key, device: d.name(), state: s})
	}
	if !d.endpoint && len(d.channels) == 0 {
		delete(t.devices, d.key)
	}
}

// State gives the state of any device: "PJSIP/101" or another dial string,
// "Local/5@default", "Custom:lamp", "Stasis:door". INVALID if there is no such
// technology or endpoint, UNKNOWN for a device set by hand that was never set.
func (t *Table) State(name string) pbx.DeviceState {
	if kind, _, ok := handmade(name); ok {
		return t.handState(kind, name)
	}
	t.mu.Lock()
	var s pbx.DeviceState
	if d := t.devices[key(name)]; d != nil {
		s = d.state()
	}
	t.mu.Unlock()
	if s == "" {
		s = t.sw.DeviceState(call.Endpoint(name)) // the switch is not asked under our lock
	}
	return s
}

// observe follows the channels. The bus is locked.
func (t *Table) observe(e *pbx.Event) {
	switch e.Type {
	case pbx.ChannelCreated, pbx.ChannelStateChange, pbx.ChannelHold, pbx.ChannelUnhold, pbx.ChannelDestroyed:
	default:
		return
	}
	if e.Channel == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.channels[e.Channel.ID]
	if e.Type == pbx.ChannelDestroyed {
		if c != nil {
			delete(t.channels, c.id)
			delete(c.dev.channels, c)
			c.dev.tally[c.act]--
			t.settle(c.dev)
		}
		return
	}
	act := activityOf(e.Channel)
	if c == nil {
		tech, resource, ok := deviceOf(e.Channel)
		if !ok {
			return
		}
		c = &channel{id: e.Channel.ID, seq: e.Seq, dev: t.device(tech, resource), act: act}
		t.channels[c.id] = c
		c.dev.channels[c] = struct{}{}
	} else {
		c.dev.tally[c.act]--
	}
	c.act = act
	c.dev.tally[act]++
	t.settle(c.dev)
}
