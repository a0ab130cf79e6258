package originate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Cancel withdraws a call in any state: one that waits is cancelled at once, a
// live one is hung up and nothing follows. If an answer or another end crosses it, the
// attempt's own outcome stays and the call ends with it. Cancelling a
// cancelled call changes nothing. by says who asks, for the record. The error is a *Refusal
// (RefusedNotFound, RefusedState, RefusedStore) or the cause of ctx.
func (o *Originator) Cancel(ctx context.Context, id call.ID, by string) error {
	return o.withdraw(ctx, id, by, ErrCancelled)
}

// Hangup ends a live call, like Cancel, and refuses any other (RefusedState).
func (o *Originator) Hangup(ctx context.Context, id call.ID, by string) error {
	c, err := o.Get(ctx, id)
	if err != nil {
		return err
	}
	if !c.State.Live() {
		return &Refusal{Code: RefusedState, Text: fmt.Sprintf("The call is %s, there is nothing to hang up. Cancel it if it must not be dialled.", c.State)}
	}
	return o.withdraw(ctx, id, by, ErrHangup)
}

func (o *Originator) withdraw(ctx context.Context, id call.ID, by string, reason error) error {
	if by == "" {
		by = "unnamed"
	}
	c, err := o.o.Store.Withdraw(ctx, id, by, time.Now())
	if err != nil {
		return o.refusal(ctx, id, err)
	}
	o.o.Log.Info("call withdrawn", "call", id, "by", by, "state", c.State)
	if c.State.Live() && c.Node == o.o.Node {
		o.stopAttempt(ctx, id, reason)
	}
	return nil
}

// stopAttempt hangs up a live call of this node. Its attempt may be durable
// but not yet registered here (the claim is just returning): then the wish is
// left for it. If it has ended meanwhile, the wish is taken back.
func (o *Originator) stopAttempt(ctx context.Context, id call.ID, reason error) {
	o.mu.Lock()
	r, ok := o.running[id]
	if ok {
		r.cancel(reason)
	} else {
		o.early[id] = reason
	}
	o.mu.Unlock()
	if ok {
		return
	}
	c, err := o.o.Store.Get(ctx, id)
	if err == nil && c.State.Live() && c.Node == o.o.Node {
		return // launch will find the wish
	}
	o.mu.Lock()
	delete(o.early, id)
	o.mu.Unlock()
}

// PauseBatch holds back the waiting calls of a batch; live ones go on. The
// error is a *Refusal or the cause of ctx, here and in the next two.
func (o *Originator) PauseBatch(ctx context.Context, b call.BatchID) error {
	return o.holdBatch(ctx, b, true)
}

// ResumeBatch lets a paused batch go on.
func (o *Originator) ResumeBatch(ctx context.Context, b call.BatchID) error {
	return o.holdBatch(ctx, b, false)
}

func (o *Originator) holdBatch(ctx context.Context, b call.BatchID, paused bool) error {
	if err := o.o.Store.HoldBatch(ctx, b, paused, time.Now()); err != nil {
		return o.refusal(ctx, call.ID(b), err)
	}
	o.wake()
	return nil
}

// CancelBatch withdraws all calls of a batch and gives how many it concerned.
func (o *Originator) CancelBatch(ctx context.Context, b call.BatchID, by string) (int, error) {
	if by == "" {
		by = "unnamed"
	}
	n, live, err := o.o.Store.WithdrawBatch(ctx, b, by, time.Now())
	for _, id := range live {
		o.stopAttempt(ctx, id, ErrCancelled)
	}
	if err != nil {
		return n, o.refusal(ctx, call.ID(b), err)
	}
	return n, nil
}

// Get gives a call. Errors as in Cancel.
func (o *Originator) Get(ctx context.Context, id call.ID) (call.Call, error) {
	c, err := o.o.Store.Get(ctx, id)
	if err != nil {
		return call.Call{}, o.refusal(ctx, id, err)
	}
	return c, nil
}

// Find gives the call that was submitted with an idempotency key. Errors as in
// Cancel.
func (o *Originator) Find(ctx context.Context, k Key) (call.Call, error) {
	got, err := o.o.Store.FindKey(ctx, k)
	if err != nil {
		return call.Call{}, o.refusal(ctx, call.ID(k.ID), err)
	}
	return got.Call, nil
}

// List gives a page of calls and the cursor of the next, "" at the end. A bad
// cursor is RefusedInvalid.
func (o *Originator) List(ctx context.Context, f Filter) ([]call.Call, string, error) {
	list, next, err := o.o.Store.List(ctx, f)
	if err != nil {
		return nil, "", o.refusal(ctx, "", err)
	}
	return list, next, nil
}

// Attempts gives the attempts of a call in order. Errors as in Cancel.
func (o *Originator) Attempts(ctx context.Context, id call.ID) ([]AttemptRecord, error) {
	list, err := o.o.Store.Attempts(ctx, id)
	if err != nil {
		return nil, o.refusal(ctx, id, err)
	}
	return list, nil
}

// Record keeps the record of a call that somebody dialled on the switch without the
// queue, by ARI or AMI. It gets an id of its own and is attempt 1.
func (o *Originator) Record(ctx context.Context, d call.CDR) error {
	d.Call, d.Attempt = o.o.NewID(), 1
	if err := o.o.Store.Record(ctx, d); err != nil {
		return o.refusal(ctx, d.Call, err)
	}
	return nil
}

// CDRs gives a page of CDRs by the time of their end. Errors as in List.
func (o *Originator) CDRs(ctx context.Context, f Filter) ([]call.CDR, string, error) {
	list, next, err := o.o.Store.CDRs(ctx, f)
	if err != nil {
		return nil, "", o.refusal(ctx, "", err)
	}
	return list, next, nil
}

// Audit gives a page of the audit trail. Errors as in List.
func (o *Originator) Audit(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	list, err := o.o.Store.Audit(ctx, f)
	if err != nil {
		return nil, o.refusal(ctx, "", err)
	}
	return list, nil
}

// refusal turns an error of the store into what a door can translate.
func (o *Originator) refusal(ctx context.Context, id call.ID, err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return &Refusal{Code: RefusedNotFound, Text: fmt.Sprintf("There is no %q here. It may have been deleted after its time.", id)}
	case errors.Is(err, ErrState):
		return &Refusal{Code: RefusedState, Text: "The call has ended already."}
	case errors.Is(err, ErrCursor):
		return &Refusal{Code: RefusedInvalid, Field: "cursor", Text: "The cursor is not valid here. Begin again without one."}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	o.storeFailed("request", err)
	return &Refusal{Code: RefusedStore, Text: "The store failed. Try again later; the server's log says why.", RetryAfter: storeRetry}
}

// Stats sums up what waits and runs, and what this server has done since its start.
func (o *Originator) Stats(ctx context.Context) (Stats, error) {
	c, err := o.o.Store.Counts(ctx)
	if err != nil {
		return Stats{}, o.refusal(ctx, "", err)
	}
	s := o.count.stats()
	s.States, s.Paused, s.LastSeq = c.States, c.Paused, c.Seq
	s.Queued, s.Scheduled, s.WaitingRetry = c.States[call.Queued], c.States[call.Scheduled], c.States[call.WaitingRetry]
	for state, n := range c.States {
		if state.Live() {
			s.Live += n
		}
	}
	p := o.o.Policy()
	names := p.named()
	for r := range c.InUse {
		names = append(names, r)
	}
	slices.Sort(names)
	for _, r := range slices.Compact(names) {
		s.Resources = append(s.Resources, ResourceUse{Resource: r, InUse: c.InUse[r], Limits: p.Limit(r)})
	}
	return s, nil
}
