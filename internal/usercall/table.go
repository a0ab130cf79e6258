package usercall

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Options are what a Table is made of.
type Options struct {
	Switch *pbx.Switch  // whose channels are looked at; required
	Log    *slog.Logger // nil = nothing is logged
	// Self gives how a phone shows itself to others; nil = by its name alone.
	Self func(phone string) call.CallerID
	// Recordings is the directory that recordings are written to, "" = there are none.
	Recordings string
	// Check tells why a phone may not send a call to a number, as routing and the guard
	// see it; nil = the switch finds out, and then the call has left the phone.
	Check func(ctx context.Context, phone pbx.Snapshot, number string) error
}

// Queue ends calls of the queue. originate.Originator implements it.
type Queue interface {
	// Hangup ends a live call; by says who asks, for the record.
	Hangup(ctx context.Context, id call.ID, by string) error
}

// Table knows all calls of all phones. It is safe for concurrent use.
//
// What happens in the switch is left in a feed, which keeps only the newest of each
// channel; one goroutine takes it from there, finds the calls that it can have changed, and
// tells those who watch them.
//
//	channels, bridges ──► feed ──► worker ──► lines of calls ──► Of
//	attempts (Engine) ────┘                        └───────────► Watch
type Table struct {
	o    Options
	log  *slog.Logger
	feed feed

	unobserve func()
	quit      chan struct{} // closed by Stop
	done      chan struct{} // closed when the worker has ended
	holding   sync.Mutex    // keeps the look at a hold and its change together; nothing is locked under it but the channel
	life      sync.Mutex    // guards started and over
	started   bool
	over      bool

	mu       sync.Mutex // guards what follows; only the worker changes it, but for watchers, queue and tapes
	parties  map[string]*party
	bridges  map[string]*pbx.BridgeSnapshot
	locals   map[string]*[2]string // halves of Local channels by their common name
	attempts map[call.ID]*entry
	lines    map[string][]*entry // calls of a phone, the oldest first
	watchers map[string][]*watcher
	queue    Queue
	tapes    map[string]*mixmonitor.Recording // by channel
	awaiting sync.WaitGroup                   // recordings whose end is waited for

	touched  map[*party]struct{} // of the worker: they may be joined otherwise than before
	doubtful map[*entry]struct{} // of the worker: they may look otherwise than before
}

// New makes a Table. Nothing runs before Start.
func New(o Options) *Table {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Self == nil {
		o.Self = func(phone string) call.CallerID { return call.CallerID{Number: phone} }
	}
	return &Table{
		o: o, log: o.Log, feed: newFeed(), quit: make(chan struct{}), done: make(chan struct{}),
		parties: map[string]*party{}, bridges: map[string]*pbx.BridgeSnapshot{}, locals: map[string]*[2]string{},
		attempts: map[call.ID]*entry{}, lines: map[string][]*entry{}, watchers: map[string][]*watcher{},
		tapes: map[string]*mixmonitor.Recording{}, touched: map[*party]struct{}{}, doubtful: map[*entry]struct{}{},
	}
}

// SetQueue says who ends calls of the queue. It is called before anybody hangs up.
func (t *Table) SetQueue(q Queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = q
}

// Start begins to look. Channels that there are already are seen too.
func (t *Table) Start(context.Context) error {
	t.life.Lock()
	defer t.life.Unlock()
	if t.started || t.over {
		return nil
	}
	t.started = true
	t.unobserve = t.o.Switch.Observe(t.feed.observe)
	t.feed.exist(t.o.Switch.Channels(), t.o.Switch.Bridges())
	go t.work()
	return nil
}

// Stop ends the looking and the recordings, and returns when nobody is told any more. The
// calls go on. It may be called twice, and before Start.
func (t *Table) Stop(context.Context) error {
	t.life.Lock()
	defer t.life.Unlock()
	if !t.started || t.over {
		t.over = true
		return nil
	}
	t.over = true
	t.unobserve()
	close(t.quit)
	<-t.done
	return t.stopTapes()
}

// Of gives the calls of a phone, the oldest first; "" = of all phones.
func (t *Table) Of(phone string) []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	if phone != "" {
		return calls(t.lines[phone])
	}
	var all []*entry
	for _, line := range t.lines {
		all = append(all, line...)
	}
	slices.SortFunc(all, older)
	return calls(all)
}

func calls(list []*entry) []Call {
	out := make([]Call, len(list))
	for i, e := range list {
		out[i] = e.call
		out[i].CallIDs = slices.Clone(e.call.CallIDs)
	}
	return out
}

// older orders calls by their start, and those of one moment by ID.
func older(a, b *entry) int {
	return cmp.Or(a.call.Start.Compare(b.call.Start), cmp.Compare(a.call.ID, b.call.ID))
}

// work is the worker.
func (t *Table) work() {
	defer close(t.done)
	for {
		select {
		case <-t.quit:
			return
		case <-t.feed.bell:
		}
		t.tell(t.take(t.feed.take()))
	}
}
