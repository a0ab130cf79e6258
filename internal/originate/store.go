package originate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Store keeps calls, attempts, CDRs, events and the audit trail. It speaks in
// operations, each of which is one transaction (or a documented series of
// them) that either happened durably when the method returns nil, or did not
// happen at all. Implementations: store/sqlite; their common behaviour is
// tested by store/storetest.
//
// All methods may be called concurrently. Times are UTC with millisecond
// precision; finer parts are cut off. A store moves states only by call.Next and decides
// what follows an attempt only by Decide.
//
// Methods return ErrNotFound, ErrState, ErrKeyReused, ErrDailyCap, ErrStale,
// ErrNoLease and *LostError as documented; any other error means that the
// store itself cannot do it now (disk full, connection lost) and the same
// operation may be tried again.
type Store interface {
	// Admit stores calls with their accepted event and audit entry, in order,
	// cutting long lists into several transactions. The results are parallel
	// to the argument; the error is that of the first transaction that failed
	// as a whole, and results after it have the same error.
	Admit(ctx context.Context, list []Admission) ([]Admitted, error)
	// FindKey gives the call that was admitted with a key, or ErrNotFound.
	FindKey(ctx context.Context, k Key) (Admitted, error)

	// Claim moves calls whose time has come into the queue, expires those
	// whose NotAfter has passed, and starts as many attempts as the caps
	// allow, by priority, then due time. The attempts are durable when it returns.
	// ErrNoLease: this node may not start calls.
	Claim(ctx context.Context, c Claim) (Claimed, error)
	// Progress records events of a running attempt in order. Events that make
	// no sense in the call's state are left out of the result (the engine and the
	// store may disagree after a race). ErrStale: the attempt is not running
	// under this node and epoch any more.
	Progress(ctx context.Context, a AttemptRef, events []call.Event) ([]call.Event, error)
	// EndAttempt stores, in one transaction, what Progress has not yet stored,
	// the outcome, the CDR, and what follows by Decide. ErrStale as in Progress.
	EndAttempt(ctx context.Context, e AttemptEnd) (call.Call, error)
	// Recover ends attempts that were started under leases which have ended
	// (their node died) as INTERRUPTED. It gives the calls concerned.
	Recover(ctx context.Context, now time.Time) ([]call.Call, error)

	// Withdraw ends a call that is not live, or marks a live one so that
	// nothing follows its current attempt; then the result is still live and its
	// Node must hang up. Withdrawing a cancelled call changes nothing.
	// ErrNotFound; ErrState if it has ended otherwise.
	Withdraw(ctx context.Context, id call.ID, by string, now time.Time) (call.Call, error)
	// WithdrawBatch withdraws all calls of a batch, in several transactions
	// if there are many. It gives the number concerned, and the live ones.
	WithdrawBatch(ctx context.Context, b call.BatchID, by string, now time.Time) (n int, live []call.ID, err error)
	// HoldBatch pauses (or resumes) a batch: none of its waiting calls starts
	// while it is paused. Costs the same for any number of calls. ErrNotFound.
	HoldBatch(ctx context.Context, b call.BatchID, paused bool, now time.Time) error

	// Get gives a call, or ErrNotFound.
	Get(ctx context.Context, id call.ID) (call.Call, error)
	// List gives a page of calls and the cursor of the next, "" at the end.
	// ErrCursor if Filter.Cursor is not one of ours.
	List(ctx context.Context, f Filter) ([]call.Call, string, error)
	// Attempts gives the attempts of a call in order; ErrNotFound.
	Attempts(ctx context.Context, id call.ID) ([]AttemptRecord, error)
	// CDRs gives a page of CDRs in order of their end, newest first unless
	// Filter.Oldest. From and To are about the end; States is not used.
	CDRs(ctx context.Context, f Filter) ([]call.CDR, string, error)
	// Record keeps the CDR of a call that never was in the queue: somebody dialled it on
	// the switch (ARI, AMI). Its call and attempt must be unused. Number is where it went.
	Record(ctx context.Context, d call.CDR) error
	// Events gives up to limit events with Seq > after that match f, in order,
	// and the Seq up to which the journal has been looked through: the next
	// after. *LostError if events after `after` have been pruned.
	Events(ctx context.Context, after int64, f EventFilter, limit int) (events []call.Event, seen int64, err error)
	// Watch has f called with every committed event, in order of Seq, without
	// gaps from its start, one call at a time. f must not block or call the
	// store. Events committed by other nodes are included.
	Watch(f func([]call.Event)) (stop func())
	// Series sums up the attempts of each step of f that has any, in order.
	Series(ctx context.Context, f SeriesFilter) ([]Point, error)
	// BeginRecording keeps that a file is being recorded. ErrNotFound if there is no such call.
	// The row ends with the call.
	BeginRecording(ctx context.Context, r Recording) error
	// EndRecording completes it: EndedAt, Duration and Bytes of r.ID. One that there is not
	// is no error.
	EndRecording(ctx context.Context, r Recording) error
	// Recordings gives those of a call, oldest first, at most 1,000.
	Recordings(ctx context.Context, id call.ID) ([]Recording, error)
	// Recording gives one, or ErrNotFound.
	Recording(ctx context.Context, id string) (Recording, error)
	// Counts sums up what waits and runs now.
	Counts(ctx context.Context) (Counts, error)

	// Deny appends a denial to the audit trail.
	Deny(ctx context.Context, e AuditEntry) error
	// Audit gives a page of the audit trail, newest first unless f.Oldest.
	Audit(ctx context.Context, f AuditFilter) ([]AuditEntry, error)
	// AuditCounts counts the entries by door, of those since about a time (to a minute,
	// where entries were written in another order than that of their times).
	AuditCounts(ctx context.Context, since time.Time) (map[string]AuditCount, error)

	// Acquire takes the lease of a node until now+ttl under a new epoch.
	// ErrNoLease if a living process holds it.
	Acquire(ctx context.Context, node string, now time.Time, ttl time.Duration) (Lease, error)
	// Renew prolongs a lease and gives the calls of this node that others have
	// withdrawn. ErrNoLease if it was lost: the node starts no more calls but
	// may finish those that run.
	Renew(ctx context.Context, l Lease, now time.Time, ttl time.Duration) (withdrawn []call.ID, err error)
	// Release gives a lease back. Attempts still open under it become Recover's.
	Release(ctx context.Context, l Lease) error

	// Prune deletes a bounded piece of what is older than r says and reports
	// how much, and whether more is left.
	Prune(ctx context.Context, r Retention) (n int, more bool, err error)
	// Close ends the store after what is under way. No method may be called after it.
	Close() error
}

// Errors of a Store, found with errors.Is.
var (
	ErrNotFound  = errors.New("not found")
	ErrState     = errors.New("not possible in the call's state")
	ErrKeyReused = errors.New("idempotency key was used with another request")
	ErrDailyCap  = errors.New("daily cap of the account reached")
	ErrStale     = errors.New("attempt is not running under this lease")
	ErrNoLease   = errors.New("node has no lease")
	ErrCursor    = errors.New("cursor is not valid")
	ErrClosed    = errors.New("store is closed")
)

// LostError says that events after the wanted cursor are no longer kept.
type LostError struct {
	After  int64 // what was asked for
	Oldest int64 // the oldest Seq still there; resume with Oldest-1
}

// Error names both positions.
func (e *LostError) Error() string {
	return fmt.Sprintf("events after %d are no longer kept; the oldest is %d", e.After, e.Oldest)
}

// Key identifies a request for recognising its repeats. A key is private to a
// principal of a door. The zero ID means no key.
type Key struct {
	Door, Principal, ID string
}

// KeyOf gives the idempotency key of a request.
func KeyOf(r *call.Request) Key {
	return Key{Door: r.Origin.Door, Principal: r.Origin.Principal, ID: r.Key}
}

// Admission asks for one call to be stored.
type Admission struct {
	Call        call.Call // State Scheduled or Queued; ID, CreatedAt, DueAt set
	Fingerprint string    // equal for equal requests; needed only if the request has a key
	Daily       int       // refuse if the account has this many calls since Day; 0 = no cap
	Day         time.Time // begin of the account's day
	Rule        string    // the guard's rules that let it pass, for the audit trail
}

// Admitted is the result for one Admission. Err is nil, ErrKeyReused,
// ErrDailyCap, or an error of the store.
type Admitted struct {
	Call        call.Call // as stored; with Repeated the earlier one
	Repeated    bool
	Fingerprint string
	Err         error
}

// Claim asks for work.
type Claim struct {
	Lease  Lease
	Now    time.Time
	Max    int                          // attempts to start at most, ≥ 1
	Limits func(resource string) Limits // caps; called within the transaction, must not block
}

// Claimed is what a Claim gave.
type Claimed struct {
	Attempts []call.Attempt
	// More: calling again at once may start more (Max was reached, or more
	// calls came due than one transaction moves).
	More bool
	// Next is the earliest time at which something waits for the clock: a due
	// time, an expiry, or the pace of a resource. Zero if nothing does. What waits for a
	// free place under a cap is not included: the end of an attempt is the sign for that.
	Next time.Time
}

// AttemptRef names a running attempt and the lease under which it runs.
type AttemptRef struct {
	Call   call.ID
	Number int
	Lease  Lease
}

// AttemptEnd is the end of an attempt.
type AttemptEnd struct {
	Ref     AttemptRef
	Events  []call.Event // not yet given to Progress, in order
	Outcome call.Outcome
	CDR     call.CDR
	// Returned: our own orderly stop cut the attempt short before an answer.
	// It does not count and the call goes back to the queue.
	Returned bool
	Now      time.Time
}

// Lease is the right of a node to start calls.
type Lease struct {
	Node  string
	Epoch int64
}

// Retention says what Prune deletes. Zero times keep everything.
type Retention struct {
	Calls  time.Time // calls that ended before, with their attempts, idempotency keys and recordings, and the series before
	CDRs   time.Time // CDRs that ended before
	Events time.Time // events before
	Audit  time.Time // audit entries before
	Limit  int       // rows to delete at most; 0 = 2,000
}

// Counts sums up a store.
type Counts struct {
	States map[call.State]int // calls that have not ended, by state
	InUse  map[string]int     // running attempts' use of each resource
	Paused []call.BatchID
	Seq    int64 // newest event
}

// AttemptRecord is an attempt with what became of it.
type AttemptRecord struct {
	Attempt call.Attempt
	Outcome *call.Outcome // nil while it runs
	CDR     *call.CDR     // nil while it runs, or when pruned
}

// EventFilter selects events. Zero fields do not restrict.
type EventFilter struct {
	Call    call.ID
	Account call.AccountID
	Batch   call.BatchID
	Types   []call.EventType
}

// Match reports whether e passes the filter.
func (f *EventFilter) Match(e *call.Event) bool {
	if f.Call != "" && e.Call != f.Call || f.Account != "" && e.Account != f.Account || f.Batch != "" && e.Batch != f.Batch {
		return false
	}
	if len(f.Types) == 0 {
		return true
	}
	for _, t := range f.Types {
		if t == e.Type {
			return true
		}
	}
	return false
}

// AuditFilter selects entries of the audit trail. Zero fields do not restrict.
type AuditFilter struct {
	Cursor int64 // Seq of the last entry of the page before, 0 = begin
	Limit  int   // 1-1000, 0 = 100
	Oldest bool  // oldest first instead of newest first
	Denied bool  // denials only

	Door      string // by which they came
	Principal string // who asked
	Account   call.AccountID
	Call      call.ID   // the one that was accepted
	From, To  time.Time // at or after, before
}

// AuditCount is how often a door was asked.
type AuditCount struct {
	Accepted, Denied int
}

// AuditEntry is one line of the audit trail.
type AuditEntry struct {
	Seq      int64
	At       time.Time
	Accepted bool
	Origin   call.Origin
	Account  call.AccountID
	First    string      // as typed
	Second   string      // as typed, "" without leg B
	Call     call.ID     // of an accepted request
	Code     RefusalCode // of a denied one
	Rule     string      // what decided
	Text     string      // the refusal's text
}
