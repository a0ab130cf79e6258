package callfile

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// maxNews bounds the call events that wait for the door's goroutine. When it is
// behind even that, it asks for the state of each call instead.
const maxNews = 100_000

// hear reads the events of all calls from seq on until ctx ends.
func (d *Door) hear(ctx context.Context, seq int64) {
	types := []call.EventType{call.EvStarted, call.EvAttemptEnd, call.EvRetry, call.EvEnded, call.EvCancel, call.EvExpired}
	for ctx.Err() == nil {
		for e, err := range d.o.Calls.Events(ctx, seq, types) {
			if err != nil {
				d.missed(ctx, err, &seq)
				break
			}
			seq = e.Seq
			d.news.put(e)
		}
		if !pause(ctx, time.Second) { // the originator has stopped, or its store has failed
			return
		}
	}
}

// missed goes on after a failure: with the newest event if those in between are
// not to be had any more.
func (d *Door) missed(ctx context.Context, err error, seq *int64) {
	if ctx.Err() != nil {
		return
	}
	d.log.Warn("events of calls were not read; the state of each call is asked for", "error", err)
	if newest, err := d.o.Calls.LastSeq(ctx); err == nil {
		*seq = newest
	}
	d.news.lose()
}

// withdraw cancels the calls whose files were removed.
func (d *Door) withdraw(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.unwant.bell:
		}
		list, _ := d.unwant.take()
		for _, id := range list {
			if err := d.o.Calls.Cancel(ctx, id, "call file removed"); err != nil && ctx.Err() == nil {
				d.log.Warn("call of a removed call file is not withdrawn", "call", id, "error", err)
			}
		}
	}
}

// pause waits, or returns false when ctx ends before.
func pause(ctx context.Context, t time.Duration) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// follow takes what has happened to calls.
func (d *Door) follow(ctx context.Context) {
	list, missed := d.news.take()
	if missed {
		d.resync(ctx)
	}
	// What is over before the file was ever touched needs no lines that go with the file.
	for i := range list {
		if e := d.calls[list[i].Call]; e != nil && final(list[i].Type) {
			e.ending = !e.file.Archive && !e.file.KeepFuture
		}
	}
	for i := range list {
		if e := d.calls[list[i].Call]; e != nil {
			d.event(e, &list[i])
		}
	}
}

func final(t call.EventType) bool {
	return t == call.EvEnded || t == call.EvCancel || t == call.EvExpired
}

// event takes one event of a file's call. Events that are known already change
// nothing.
func (d *Door) event(e *entry, ev *call.Event) {
	switch ev.Type {
	case call.EvStarted:
		d.began(e, ev.Attempt, ev.At)
	case call.EvAttemptEnd:
		e.live, e.last, e.failure = false, ev.CDR, ev.Failure
		d.tellFailure(e)
	case call.EvRetry:
		d.endedAttempt(e, ev.Attempt, ev.At, ev.DueAt, wire.EndRetry)
	default:
		if ev.Failure != nil {
			e.failure = ev.Failure
		}
		d.conclude(e)
	}
}

// resync asks for the state of every call.
func (d *Door) resync(ctx context.Context) {
	for id, e := range d.calls {
		c, ok, err := d.o.Calls.Get(ctx, id)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				d.log.Error("state of a call file's call is not known; it is asked for again", "call", id, "error", err)
				d.news.lose()
			}
			return
		case !ok: // pruned: it ended long ago, and how is not known any more
			d.conclude(e)
		case c.State.Done():
			e.outcome(c)
			d.conclude(e)
		default:
			d.catchUp(e, c)
		}
	}
}

// catchUp brings a file up to date with a call that has not ended.
func (d *Door) catchUp(e *entry, c call.Call) {
	over := c.Attempts
	if c.State.Live() {
		over--
	}
	if over > e.ended && over > 0 {
		mark := wire.EndRetry
		if interrupted(c) {
			mark = wire.AbortRetry
		}
		now := time.Now()
		e.started = max(e.started, over) // lines of attempts that nobody saw are not made up
		d.endedAttempt(e, over, now, latest(c.DueAt, now), mark)
	}
	if e.live = c.State.Live(); e.live {
		d.began(e, c.Attempts, time.Now())
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// interrupted tells whether the newest attempt ended because the server died.
func interrupted(c call.Call) bool {
	return c.Last != nil && c.Last.Disposition == call.Interrupted
}

// outcome takes how a call has ended from its record.
func (e *entry) outcome(c call.Call) {
	e.live, e.last, e.failure = false, nil, nil
	if c.Last == nil {
		return
	}
	e.failure = c.Last.Failure
	e.last = &call.CDR{
		Attempt: c.Attempts, Disposition: c.Last.Disposition, Reason: c.Last.Reason, Detail: c.Last.Detail,
		StartedAt: c.Last.A.StartedAt, AnsweredAt: c.Last.A.AnsweredAt, EndedAt: c.Last.EndedAt,
		Cause: c.Last.A.Cause, SIPStatus: c.Last.A.SIPStatus, Channel: c.Last.A.Channel,
	}
	if interrupted(c) && c.Last.A.Disposition == call.Answered {
		e.last.Disposition, e.last.Detail = call.Answered, "interrupted"
	}
}
