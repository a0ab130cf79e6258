package bulk

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Store keeps imports and what became of their rows. Each method is one transaction, or a series
// that may be repeated. store/sqlite implements it.
type Store interface {
	AddImport(ctx context.Context, i Import) error
	// Import gives one, or ErrUnknown.
	Import(ctx context.Context, id string) (Import, error)
	// Imports lists, newest first. Zero fields of the filter do not restrict.
	Imports(ctx context.Context, f Filter) ([]Import, error)
	// BeginImport moves an import from uploaded to submitting, with its plan, and opens its
	// batch, paused if the plan says so, so that none of its calls can start before. ErrUnknown;
	// ErrState; ErrBatch if the batch has calls of others and the plan is not by somebody
	// who sees all.
	BeginImport(ctx context.Context, id string, p Plan) (Import, error)
	// SaveRows notes what became of rows, of which the last has the number done, and how
	// many rows have been dealt with so far. Repeating it changes nothing.
	SaveRows(ctx context.Context, id string, rows []Outcome, done, processed int) error
	// EndImport moves an import from submitting to a last state. Any other it leaves alone.
	EndImport(ctx context.Context, id string, state State, text string, now time.Time) error
	// DeleteImport forgets an import. ErrUnknown; ErrState while it is submitting.
	DeleteImport(ctx context.Context, id string) error

	// RowCalls gives up to limit accepted rows after a row, in order, with their calls as
	// they are now.
	RowCalls(ctx context.Context, id string, after, limit int) ([]RowCall, error)
	// RefusedRows gives up to limit refused rows after a row, in order.
	RefusedRows(ctx context.Context, id string, after, limit int) ([]Outcome, error)
	// BatchCalls gives up to limit calls of a batch after a position, in the order in which
	// they were accepted, and the position of the last.
	BatchCalls(ctx context.Context, b call.BatchID, after int64, limit int) (calls []call.Call, last int64, err error)

	// Batch gives a batch with its numbers, or originate.ErrNotFound.
	Batch(ctx context.Context, id call.BatchID) (Batch, error)
	// BatchOwner gives the account of a batch's first call and whether it has calls of others, or
	// originate.ErrNotFound.
	BatchOwner(ctx context.Context, id call.BatchID) (account call.AccountID, mixed bool, err error)
	// Batches gives a page of batches, newest first, and the cursor of the next, "" at the
	// end; originate.ErrCursor. account restricts to batches that have no calls of others.
	Batches(ctx context.Context, account call.AccountID, cursor string, limit int) ([]Batch, string, error)
}

// Filter selects imports.
type Filter struct {
	Account call.AccountID
	Batch   call.BatchID
	State   State
	Before  time.Time // created before
	Limit   int       // 0 = 1,000
}

// Outcome is what became of a row.
type Outcome struct {
	Row  int
	Call call.ID // "" = it was refused
	Code originate.RefusalCode
	Text string // why it was refused
}

// RowCall is a row with its call.
type RowCall struct {
	Row  int
	ID   call.ID
	Call *call.Call // nil: it is no longer kept
}

// Batch sums up the calls of a batch.
type Batch struct {
	ID           call.BatchID
	Account      call.AccountID // of its first call
	Mixed        bool           // it has calls of other accounts too
	CreatedAt    time.Time
	Paused       bool
	Calls        int
	Waiting      int // their next attempt lies ahead
	Live         int // an attempt runs
	Ended        int
	Cancelled    int                      // withdrawn; not among Ended
	Dispositions map[call.Disposition]int // of the newest attempts that have ended
	LastAt       time.Time                // when the last call ended, zero = none has
	Import       string                   // the newest import that submitted calls to it
}
