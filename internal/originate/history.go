package originate

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// SeriesFilter selects the points of a plot. From and To are whole minutes, Step is a
// multiple of a minute.
type SeriesFilter struct {
	From, To time.Time
	Step     time.Duration
	Account  call.AccountID // "" = all
}

// Point sums up the attempts of one step.
type Point struct {
	At       time.Time // its begin
	Attempts int       // that began in it
	Ended    int       // that ended in it
	Answered int       // of those that ended
	// ToAnswer is how long those answered rang on average, 0 if none was.
	ToAnswer time.Duration
}

// Recording is a file that was recorded of a call.
type Recording struct {
	ID        string
	Call      call.ID
	Leg       string // "a" or "b"; "" = another channel, or a bridge
	Channel   string // its name, or that of the bridge
	Root      string // name of the directory
	Path      string // below it, with slashes
	StartedAt time.Time
	EndedAt   time.Time     // zero while it runs, and when the server died meanwhile
	Duration  time.Duration // as EndedAt
	Bytes     int64         // as EndedAt
}

// Journal gives the events of one call that are kept, oldest first, at most limit (1-1000),
// and whether there are more. Errors as in Cancel, without RefusedNotFound.
func (o *Originator) Journal(ctx context.Context, id call.ID, limit int) (list []call.Event, more bool, err error) {
	after := int64(0)
	for {
		list, _, err = o.o.Store.Events(ctx, after, EventFilter{Call: id}, limit)
		lost, ok := errors.AsType[*LostError](err)
		if !ok {
			break
		}
		after = lost.Oldest - 1 // what was deleted in the meantime makes another round
	}
	if err != nil {
		return nil, false, o.refusal(ctx, id, err)
	}
	if len(list) < limit {
		return list, false, nil
	}
	next, _, err := o.o.Store.Events(ctx, list[limit-1].Seq, EventFilter{Call: id}, 1)
	if _, lost := errors.AsType[*LostError](err); err != nil && !lost {
		return nil, false, o.refusal(ctx, id, err)
	}
	return list, len(next) > 0, nil
}

// Series gives the points of a plot that have something in them, in order. Errors as in List.
func (o *Originator) Series(ctx context.Context, f SeriesFilter) ([]Point, error) {
	list, err := o.o.Store.Series(ctx, f)
	if err != nil {
		return nil, o.refusal(ctx, "", err)
	}
	return list, nil
}

// Recordings gives the recordings of a call, oldest first; of a call that there is not,
// none. Errors as in List.
func (o *Originator) Recordings(ctx context.Context, id call.ID) ([]Recording, error) {
	list, err := o.o.Store.Recordings(ctx, id)
	if err != nil {
		return nil, o.refusal(ctx, id, err)
	}
	return list, nil
}

// Recording gives one recording. Errors as in Cancel.
func (o *Originator) Recording(ctx context.Context, id string) (Recording, error) {
	r, err := o.o.Store.Recording(ctx, id)
	if err != nil {
		return Recording{}, o.refusal(ctx, call.ID(id), err)
	}
	return r, nil
}
