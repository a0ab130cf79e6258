package originate

import (
	"context"
	"errors"

	"github.com/dialwright/dialwright/internal/call"
)

// errUnended: the originator has stopped while somebody waited for a call.
var errUnended = errors.New("the server stops")

// AwaitFirst waits until the first leg of a call is answered, or the call has ended
// without that; why is the reason then, never nil. It may be asked late: the events are
// read from the call's first one. The error is the cause of ctx, the store's, or says that
// the server stops.
func (o *Originator) AwaitFirst(ctx context.Context, id call.ID) (answered bool, why *call.Failure, err error) {
	types := []call.EventType{call.EvAnswered, call.EvAttemptEnd, call.EvRetry, call.EvCancel, call.EvExpired, call.EvEnded}
	for e, err := range o.Events(ctx, 0, EventFilter{Call: id, Types: types}) {
		switch {
		case err != nil:
			return false, nil, err
		case e.Type == call.EvAnswered:
			return true, nil, nil
		case e.Type == call.EvAttemptEnd && e.CDR != nil && !e.CDR.AnsweredAt.IsZero(): // the event of the answer may be pruned
			return true, nil, nil
		case e.Failure != nil:
			why = e.Failure
		}
		if e.Type == call.EvCancel || e.Type == call.EvExpired || e.Type == call.EvEnded {
			if why == nil {
				why = &call.Failure{Leg: "a", Disposition: call.Cancelled, Text: e.Text}
			}
			return false, why, nil
		}
	}
	return false, nil, errUnended
}

// AwaitEnd waits until a call is over, whatever its attempts, and gives it. It may be asked
// late. The error is the cause of ctx, ErrNotFound, the store's, or says that the server stops.
func (o *Originator) AwaitEnd(ctx context.Context, id call.ID) (call.Call, error) {
	for {
		c, err := o.Get(ctx, id)
		if err != nil || c.State.Done() {
			return c, err
		}
		if err := o.ended(ctx, id); err != nil {
			return call.Call{}, err
		}
	}
}

// ended waits for the event that ends a call.
func (o *Originator) ended(ctx context.Context, id call.ID) error {
	types := []call.EventType{call.EvCancel, call.EvExpired, call.EvEnded}
	for e, err := range o.Events(ctx, 0, EventFilter{Call: id, Types: types}) {
		if err != nil || e.State.Done() {
			return err
		}
	}
	return errUnended
}
