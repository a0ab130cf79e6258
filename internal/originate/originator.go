package originate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/event"
)

// Options are what an Originator is made of. Store, Engine, Router, Policy
// and Node are required.
type Options struct {
	Store  Store
	Engine Engine
	Router Router
	// Policy gives the policy in force. It is called for every request and
	// claim, from several goroutines, and must be quick (an atomic pointer).
	// After a change call Originator.PolicyChanged.
	Policy func() *Policy
	// Known lists what Engine can carry out. Zero = whatever is asked for.
	Known Known
	// Node names this server among those that share the store.
	Node string
	Log  *slog.Logger // nil = discard
	// MaxLive bounds the attempts at once on this node whatever the caps say
	// (file descriptors, ports); 0 = 10,000.
	MaxLive int
	// NewID makes call IDs that sort by time; nil = UUIDv7.
	NewID func() call.ID
	// Keep says how long what has ended is kept. Zero fields keep for ever.
	Keep Keep
	// LeaseTTL is how long this node's lease lasts without renewal; it is
	// renewed after 3/10 of that. 0 = 10 s.
	LeaseTTL time.Duration
	// Poll asks the store again this often although nothing has changed here;
	// 0 = never, right for a store that no other node writes. Not below 1 s.
	Poll time.Duration
	// Recorded is told of every record that an attempt has left, with the id of leg A's
	// channel, after it was stored. It must be quick; nil = nobody wants to know.
	Recorded func(d call.CDR, channelID string)
}

// Keep holds retention times.
type Keep struct {
	Calls, CDRs, Events, Audit time.Duration
}

// Submitted is the result for one request of a batch.
type Submitted struct {
	Call     call.Call
	Repeated bool
	Err      error // *Refusal
}

// Decision is what Submit would decide.
type Decision struct {
	Request call.Request // with all defaults filled in
	RouteA  call.Route
	RouteB  call.Route
	Rules   []string // guard rules that were looked at and let it pass, in order
	Refusal *Refusal // nil if it would be accepted
}

// Stats is a snapshot for people and metrics.
type Stats struct {
	Queued, Scheduled, WaitingRetry, Live int
	States                                map[call.State]int
	Resources                             []ResourceUse
	Paused                                []call.BatchID
	LastSeq                               int64 // newest event

	// Counters since the start of this server.
	Accepted    uint64
	Repeated    uint64
	Denied      map[RefusalCode]uint64
	Started     uint64
	Ended       map[call.Disposition]uint64 // attempts
	StoreErrors uint64
	Recovered   uint64
}

// ResourceUse is one capped or used resource.
type ResourceUse struct {
	Resource string // "trunk:carrier"
	InUse    int
	Limits   Limits
}

// Originator accepts requests and turns them into attempts. All methods are
// safe for concurrent use.
//
// Its goroutines are the dispatcher, which claims work when something has
// changed or the clock has reached what waits for it; the keeper, which renews the lease,
// takes over what dead nodes left, and prunes; and one per running attempt.
type Originator struct {
	o     Options
	guard *guard
	count counters
	bus   event.Bus[call.Event]

	complain      rate.Sometimes // about the store
	storeFailedAt atomic.Int64   // Unix nanoseconds of its newest failure; 0 when it has stored a call since

	wakeup chan struct{} // capacity 1: the dispatcher should look again

	mu      sync.Mutex // guards what follows
	phase   phase
	lease   Lease
	running map[call.ID]*running
	early   map[call.ID]error // hang-ups that came before their attempt was registered

	unwatch              func()
	endDispatch, endKeep context.CancelFunc
	dispatched           chan struct{}  // closed when the dispatcher has ended
	abandon              chan struct{}  // closed when Stop gives up waiting
	stopped              chan struct{}  // closed when Stop is through
	loops                sync.WaitGroup // dispatcher and keeper
	calls                sync.WaitGroup // attempts
}

// phase is where an Originator stands in its own life.
type phase int

const (
	phaseNew phase = iota
	phaseRunning
	phaseStopping
)

// New makes an Originator. Nothing runs before Start.
func New(o Options) *Originator {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.NewID == nil {
		o.NewID = newID
	}
	o.MaxLive = cmp.Or(max(o.MaxLive, 0), 10_000)
	o.LeaseTTL = cmp.Or(max(o.LeaseTTL, 0), 10*time.Second)
	if o.Poll > 0 {
		o.Poll = max(o.Poll, time.Second)
	}
	return &Originator{
		o: o, guard: newGuard(), wakeup: make(chan struct{}, 1), stopped: make(chan struct{}),
		complain:   rate.Sometimes{Interval: time.Second},
		dispatched: make(chan struct{}), abandon: make(chan struct{}),
		running: map[call.ID]*running{}, early: map[call.ID]error{},
	}
}

// newID makes a UUIDv7. It fails only if the system has no randomness left,
// and then a random one is as good as none: the panic of NewString is right.
func newID() call.ID {
	id, err := uuid.NewV7()
	if err != nil {
		return call.ID(uuid.NewString())
	}
	return call.ID(id.String())
}

// Start takes the node's lease, ends what an earlier process of this node left
// running, and begins to dial what is due. ctx bounds the start only. It fails if
// the store does, or if another living process has this node's name.
func (o *Originator) Start(ctx context.Context) error {
	o.mu.Lock()
	started := o.phase != phaseNew
	o.mu.Unlock()
	if started {
		return errors.New("originator was started before")
	}
	lease, err := o.o.Store.Acquire(ctx, o.o.Node, time.Now(), o.o.LeaseTTL)
	if err != nil {
		return fmt.Errorf("take the lease of node %s: %w", o.o.Node, err)
	}
	// Before anything is written: whoever reads events already sees all of it.
	o.unwatch = o.o.Store.Watch(func(events []call.Event) { o.bus.Publish(events...) })
	if err := o.recover(ctx); err != nil {
		o.unwatch()
		return errors.Join(fmt.Errorf("recover attempts: %w", err), o.o.Store.Release(ctx, lease))
	}
	// The loops outlive Start's ctx; Stop ends them.
	ctx = context.WithoutCancel(ctx)
	dispatchCtx, endDispatch := context.WithCancel(ctx)
	keepCtx, endKeep := context.WithCancel(ctx)
	o.mu.Lock()
	o.phase, o.lease, o.endDispatch, o.endKeep = phaseRunning, lease, endDispatch, endKeep
	o.mu.Unlock()
	o.loops.Go(func() {
		defer close(o.dispatched)
		o.dispatch(dispatchCtx)
	})
	o.loops.Go(func() { o.keep(keepCtx) })
	o.wake()
	return nil
}

// Stop ends in order: no new calls are taken or started, running ones may end
// until ctx does, then they are hung up with ErrStopping. It returns when all is
// quiet. An engine that does not return within 10 s of being cancelled is left
// behind, and its attempts will be found interrupted by the next start; then the
// error says so. Stop may be called twice, and before Start.
func (o *Originator) Stop(ctx context.Context) error {
	o.mu.Lock()
	before := o.phase
	o.phase = phaseStopping
	o.mu.Unlock()
	switch before {
	case phaseNew:
		close(o.stopped)
		return nil
	case phaseStopping:
		<-o.stopped
		return nil
	}
	defer close(o.stopped)
	// After the dispatcher no attempt can begin. The keeper goes on: the lease
	// must hold while calls end.
	o.endDispatch()
	<-o.dispatched
	err := o.drain(ctx)
	o.endKeep()
	o.loops.Wait()
	// The release must reach the store although ctx may have ended.
	releaseCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	err = errors.Join(err, o.o.Store.Release(releaseCtx, o.currentLease()))
	o.unwatch()
	o.bus.Close()
	return err
}

// stopGrace is how long an engine may take to return after its cancellation.
const stopGrace = 10 * time.Second

// drain waits for the running attempts, hanging up when ctx ends.
func (o *Originator) drain(ctx context.Context) error {
	quiet := make(chan struct{})
	go func() { // ends with the attempts
		o.calls.Wait()
		close(quiet)
	}()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
	}
	o.mu.Lock()
	for _, r := range o.running {
		r.cancel(ErrStopping)
	}
	o.mu.Unlock()
	t := time.NewTimer(stopGrace)
	defer t.Stop()
	select {
	case <-quiet:
		return nil
	case <-t.C:
		close(o.abandon)
		o.mu.Lock()
		defer o.mu.Unlock()
		return fmt.Errorf("%d attempts did not end within %v of being hung up", len(o.running), stopGrace)
	}
}

// accepting reports whether requests are taken.
func (o *Originator) accepting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.phase == phaseRunning
}

func (o *Originator) currentLease() Lease {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lease
}

// PolicyChanged has the queue look at the policy again: what a raised cap or a
// new trunk allows starts at once. Calls that run are not touched.
func (o *Originator) PolicyChanged() { o.wake() }

// wake has the dispatcher look at the queue.
func (o *Originator) wake() {
	select {
	case o.wakeup <- struct{}{}:
	default:
	}
}

// storeFailed counts a failure of the store that will be met again or was
// answered with a refusal, and logs it at most once a second: with a full disk every
// running attempt meets it.
func (o *Originator) storeFailed(doing string, err error) {
	n := o.count.storeErrors.Add(1)
	o.storeFailedAt.Store(time.Now().UnixNano())
	o.complain.Do(func() { o.o.Log.Error("store failed", "doing", doing, "error", err, "failures", n) })
}
