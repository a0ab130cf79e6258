package originate

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Options are what an Originator is made of. Store, Engine, Router, Policy
// and Node are required.
type Options struct {
	Store  Store
	Engine Engine
	Router Router
	// Policy gives the policy in force. It is called for every request and
	// claim, from several goroutines, and must be quick (an atomic pointer).
	Policy func() *Policy
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
	// Poll asks the store again this often although nothing has changed here;
	// 0 = never, right for a store that no other node writes. Not below 1 s.
	Poll time.Duration
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
type Originator struct{ o Options }

// New makes an Originator. Nothing runs before Start.
func New(o Options) *Originator { return &Originator{o: o} }

var errNotBuilt = errors.New("not built yet")

// FromNow as the cursor of Events means: nothing of the past.
const FromNow int64 = -1

func (o *Originator) Start(ctx context.Context) error { return errNotBuilt }
func (o *Originator) Stop(ctx context.Context) error  { return errNotBuilt }
func (o *Originator) Submit(ctx context.Context, r call.Request) (c call.Call, repeated bool, err error) {
	return c, false, errNotBuilt
}
func (o *Originator) SubmitBatch(ctx context.Context, list []call.Request) ([]Submitted, error) {
	return nil, errNotBuilt
}
func (o *Originator) Check(ctx context.Context, r call.Request) (Decision, error) {
	return Decision{}, errNotBuilt
}
func (o *Originator) Get(ctx context.Context, id call.ID) (call.Call, error) {
	return call.Call{}, errNotBuilt
}
func (o *Originator) List(ctx context.Context, f Filter) ([]call.Call, string, error) {
	return nil, "", errNotBuilt
}
func (o *Originator) Attempts(ctx context.Context, id call.ID) ([]AttemptRecord, error) {
	return nil, errNotBuilt
}
func (o *Originator) CDRs(ctx context.Context, f Filter) ([]call.CDR, string, error) {
	return nil, "", errNotBuilt
}
func (o *Originator) Cancel(ctx context.Context, id call.ID, by string) error { return errNotBuilt }
func (o *Originator) Hangup(ctx context.Context, id call.ID, by string) error { return errNotBuilt }
func (o *Originator) PauseBatch(ctx context.Context, b call.BatchID) error    { return errNotBuilt }
func (o *Originator) ResumeBatch(ctx context.Context, b call.BatchID) error   { return errNotBuilt }
func (o *Originator) CancelBatch(ctx context.Context, b call.BatchID, by string) (int, error) {
	return 0, errNotBuilt
}
func (o *Originator) Events(ctx context.Context, after int64, f EventFilter) iter.Seq2[call.Event, error] {
	return func(yield func(call.Event, error) bool) { yield(call.Event{}, errNotBuilt) }
}
func (o *Originator) Stats(ctx context.Context) (Stats, error) { return Stats{}, errNotBuilt }
func (o *Originator) Audit(ctx context.Context, after int64, limit int) ([]AuditEntry, error) {
	return nil, errNotBuilt
}
