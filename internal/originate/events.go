package originate

import (
	"context"
	"errors"
	"iter"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/event"
)

// FromNow as the cursor of Events means: nothing of the past.
const FromNow int64 = -1

// Bounds of a reader of events.
const (
	eventPage   = 500  // read from the journal at once
	eventBuffer = 2048 // live events a slow reader may be behind before it is sent to the journal
)

// Events gives the events with Seq > after that match f, in order, without gap
// or repetition: first from the journal, then as they are committed, until ctx ends
// (its cause is the last pair's error), the reader breaks, or the Originator stops
// (then it just ends). after 0 begins with the oldest event kept, FromNow with
// the next one. If events after a positive `after` are no longer kept the only pair is a
// *LostError; other errors are the store's. A reader that is slow is sent
// back to the journal and loses nothing that the journal keeps; if even that has been
// pruned it gets the *LostError then.
//
// The join: the subscription begins before the journal is read. What is
// committed later than the read is therefore in the subscription, and what is in both
// is recognised by its Seq.
func (o *Originator) Events(ctx context.Context, after int64, f EventFilter) iter.Seq2[call.Event, error] {
	return func(yield func(call.Event, error) bool) {
		r := &reader{o: o, f: f, yield: yield, last: max(after, 0), whole: after == 0}
		r.sub = o.bus.Subscribe(eventBuffer, func(e call.Event) bool { return f.Match(&e) })
		defer r.sub.Close()
		var err error
		if after < 0 {
			err = r.live(ctx)
		}
		for err == nil {
			if err = r.journal(ctx); err == nil {
				err = r.live(ctx)
			}
		}
		if !errors.Is(err, errBreak) && !errors.Is(err, event.ErrClosed) {
			yield(call.Event{}, err)
		}
	}
}

// errBreak: the reader's loop has ended.
var errBreak = errors.New("reader has gone")

// reader is one loop over Events.
type reader struct {
	o     *Originator
	f     EventFilter
	sub   *event.Subscription[call.Event]
	yield func(call.Event, error) bool
	last  int64 // everything up to this Seq has been dealt with
	whole bool  // begun with the oldest: a gap before the first event is no loss
}

// journal yields what the store has after r.last.
func (r *reader) journal(ctx context.Context) error {
	for {
		events, seen, err := r.o.o.Store.Events(ctx, r.last, r.f, eventPage)
		if lost, ok := errors.AsType[*LostError](err); ok && r.whole {
			r.last = lost.Oldest - 1
			continue
		}
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
		if err := r.give(events); err != nil {
			return err
		}
		r.last, r.whole = max(r.last, seen), false
		if len(events) < eventPage {
			return nil
		}
	}
}

// live yields committed events until some were missed: then the journal has them.
func (r *reader) live(ctx context.Context) error {
	for {
		events, missed, err := r.sub.Next(ctx)
		if err != nil {
			return err
		}
		if err := r.give(events); err != nil {
			return err
		}
		if missed > 0 {
			return nil
		}
	}
}

func (r *reader) give(events []call.Event) error {
	for _, e := range events {
		if e.Seq <= r.last {
			continue
		}
		r.last = e.Seq
		if !r.yield(e, nil) {
			return errBreak
		}
	}
	return nil
}
