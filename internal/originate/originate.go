// Package originate makes calls durable.
//
// It owns everything between a door that has understood a request and an
// engine that dials: admission, the guard against toll fraud, the queue, the
// caps, retries, cancellation, and the record of what happened. It knows
// nothing of SIP, RTP or HTTP.
//
// # Life of a call
//
//	door ── Submit ──► normalise ► route ► guard ──► Store.Admit ──► yes to the door
//	                        │ *Refusal, audit                 │
//	                        ▼                                 ▼ wake
//	                      door                  dispatcher: Store.Claim (caps, CPS,
//	                                            priority, due time; attempt stored)
//	                                                          │ one goroutine per attempt
//	                                                          ▼
//	                              Engine.Place ── events ──► Store.Progress
//	                                    │ outcome
//	                                    ▼
//	                              Store.EndAttempt: outcome, CDR, events, and either
//	                              the next attempt's time or the call's end
//
// The states of a call and the moves between them are drawn in package call;
// call.Next is the only place where they move, and the store applies it inside
// the transaction that records the event.
//
// # Promises
//
//   - Accepted is durable: Submit answers after the commit, and an attempt is
//     committed before the engine hears of it.
//   - At most one dial per attempt: an attempt that was running when its node
//     died ends as INTERRUPTED, counts, and is followed by another only if the
//     request's Retry.Interrupted says so.
//   - An attempt that our own orderly stop cut short before an answer does not
//     count: the call goes back to the queue.
//   - Every call ends with an outcome and a reason in words.
//   - A store that fails (full disk) turns Submit into a Refusal and makes the
//     dispatcher wait and try again; what has been accepted stays accepted.
//
// # What it does not do
//
// It does not dial, does not resolve numbers (Router does), does not know who
// may log in (doors do), and does not move a live call to another node.
package originate

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Engine places attempts. Implemented by the embedded switch (pbx) and later by
// an existing Asterisk.
type Engine interface {
	// Place rings leg A and carries out Then. It returns when the attempt has
	// ended; progress arrives on events, in order, from one goroutine at a time,
	// and never after Place has returned. Cancelling ctx hangs up every leg; a
	// cause of the cancellation that wraps ErrCancelled, ErrHangup or
	// ErrStopping decides Outcome.HangupBy and the disposition. The error is not nil only if the
	// engine itself is broken; a leg that was refused is an Outcome.
	Place(ctx context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error)
	// Endpoints lists phones and trunks with their states.
	Endpoints(ctx context.Context) ([]call.EndpointState, error)
}

// Causes of a cancellation of Engine.Place, found with errors.Is on
// context.Cause. Each also has a method HangupBy() string with the word for
// Outcome.HangupBy, so that an engine need not import this package.
var (
	ErrCancelled error = &stopCause{"cancelled on request", "request"}
	ErrHangup    error = &stopCause{"hung up on request", "request"}
	ErrStopping  error = &stopCause{"the server is stopping", "server"}
)

// stopCause is a reason for ending an attempt from outside.
type stopCause struct{ text, by string }

// Error gives the reason in words.
func (c *stopCause) Error() string { return c.text }

// HangupBy says who ends the call: "request" or "server".
func (c *stopCause) HangupBy() string { return c.by }

// Router resolves what was typed into what is dialled, and knows the caps.
// Implemented by route.Table through app; swapped on reload.
type Router interface {
	// Route resolves an endpoint or number for an account. A *Refusal says why not.
	Route(account call.AccountID, e call.Endpoint) (call.Route, error)
}

// Limits are the caps of one resource; zero values mean unlimited.
type Limits struct {
	Channels int     // attempts (or legs) at once
	CPS      float64 // new attempts per second
}

// Refusal says why a request was not accepted. Doors translate Code into
// their dialect.
type Refusal struct {
	Code       RefusalCode
	Rule       string        // name of the rule that decided, e.g. "account sales: deny +1900"
	Text       string        // what happened and what to do, one sentence each
	RetryAfter time.Duration // for rate limits, 0 = unknown
	Field      string        // offending field of the request in our API's words ("then.second"), "" if none
}

// RefusalCode is a class of refusals.
type RefusalCode string

// The classes of refusals.
const (
	RefusedInvalid     RefusalCode = "invalid"     // the request itself is wrong
	RefusedAccount     RefusalCode = "account"     // no such account, or not allowed to use it
	RefusedDestination RefusalCode = "destination" // no route, unknown phone
	RefusedGuard       RefusalCode = "guard"       // a guard rule forbids it
	RefusedRate        RefusalCode = "rate"        // too many at once or per time
	RefusedKeyReused   RefusalCode = "key-reused"  // idempotency key used before with another request
	RefusedStopping    RefusalCode = "stopping"    // the server takes no new calls
	RefusedNotFound    RefusalCode = "not-found"   // no such call
	RefusedState       RefusalCode = "state"       // not possible in the call's state
	RefusedStore       RefusalCode = "store"       // the store cannot take it (disk full)
)

// Error gives the text, with the rule if there is one.
func (r *Refusal) Error() string {
	if r.Rule != "" {
		return r.Text + " [" + r.Rule + "]"
	}
	return r.Text
}

// Filter selects calls in a listing. Zero fields do not restrict.
type Filter struct {
	States      []call.State
	Account     call.AccountID
	Batch       call.BatchID
	Door        string
	Principal   string // who asked, exactly
	Disposition call.Disposition
	Number      string    // part of either endpoint
	Reference   string    // Origin.Reference, exactly: a call file's name
	From, To    time.Time // by creation
	Cursor      string    // opaque, from the previous page
	Limit       int       // 1-1000, 0 = 100
	Oldest      bool      // oldest first instead of newest first
}
