package originate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// running is an attempt under way. Its goroutine places it and stores its end;
// a second one, only while there are events to store, is its recorder.
type running struct {
	o      *Originator
	a      call.Attempt
	ref    AttemptRef
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu        sync.Mutex // guards what follows
	pending   []call.Event
	recording bool // a recorder runs
	over      bool // Place has returned: events are refused
	dropped   int
	cut       bool // our own stop cut it short before an answer; set before finish
	recorder  sync.WaitGroup
}

// launch registers a claimed attempt and runs it in its own goroutine. parent
// gives values only: an attempt ends by itself, on request, or when Stop says so.
func (o *Originator) launch(parent context.Context, lease Lease, a call.Attempt) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	r := &running{o: o, a: a, ref: AttemptRef{Call: a.Call, Number: a.Number, Lease: lease}, ctx: ctx, cancel: cancel}
	o.mu.Lock()
	o.running[a.Call] = r
	if reason, ok := o.early[a.Call]; ok {
		delete(o.early, a.Call)
		cancel(reason)
	}
	o.mu.Unlock()
	o.count.started.Add(1)
	o.calls.Go(func() {
		defer cancel(nil)
		r.run()
		o.mu.Lock()
		delete(o.running, a.Call)
		o.mu.Unlock()
		o.wake()
	})
}

// interrupt cancels the running attempt of a call. False: none is registered.
func (o *Originator) interrupt(id call.ID, reason error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, ok := o.running[id]
	if ok {
		r.cancel(reason)
	}
	return ok
}

func (r *running) run() {
	out := r.place()
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.recorder.Wait()
	r.finish(out)
}

// place has the engine place the attempt. Whatever goes wrong in the engine
// itself, panics included, becomes a failed outcome.
func (r *running) place() (out call.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			r.o.o.Log.Error("engine panicked", "call", r.a.Call, "attempt", r.a.Number, "panic", p, "stack", string(debug.Stack()))
			out = r.broken(fmt.Errorf("engine panicked: %v", p))
		}
	}()
	if refusal := r.o.again(r.a); refusal != nil {
		return r.barred(refusal)
	}
	out, err := r.o.o.Engine.Place(r.ctx, r.a, r.event)
	if err != nil {
		r.o.o.Log.Error("engine failed", "call", r.a.Call, "attempt", r.a.Number, "error", err)
		return r.broken(err)
	}
	return r.complete(out)
}

// again asks the guard about an attempt that is about to be dialled: since it
// was admitted, the account may have been switched off and a prefix denied. Rates and
// daily caps were paid at admission.
func (o *Originator) again(a call.Attempt) *Refusal {
	q := &asked{policy: o.o.Policy(), request: &a.Request, a: a.RouteA, b: a.RouteB}
	if refusal := q.who(); refusal != nil {
		return refusal
	}
	return q.destinations()
}

// barred is the outcome when the guard no longer lets the attempt pass.
func (r *running) barred(refusal *Refusal) call.Outcome {
	_ = r.o.deny(r.ctx, &r.a.Request, refusal) // returns its argument
	const code = cause.OutgoingBarred
	return r.complete(call.Outcome{
		Disposition: call.Failed,
		Failure: &call.Failure{Leg: "a", Disposition: call.Failed, Cause: int(code), Permanent: true,
			Text: "refused: " + refusal.Text + " [" + refusal.Rule + "]"},
		A:        call.LegOutcome{Endpoint: r.a.RouteA.Endpoint, StartedAt: r.a.StartedAt, Disposition: call.Failed, Cause: int(code)},
		HangupBy: "server",
	})
}

// broken is the outcome when the engine itself failed.
func (r *running) broken(err error) call.Outcome {
	const code = cause.TemporaryFailure
	return r.complete(call.Outcome{
		Disposition: call.Failed,
		Failure:     &call.Failure{Leg: "a", Disposition: call.Failed, Cause: int(code), Text: "the engine failed: " + err.Error()},
		A:           call.LegOutcome{Endpoint: r.a.RouteA.Endpoint, StartedAt: r.a.StartedAt, Disposition: call.Failed, Cause: int(code)},
		HangupBy:    "server",
	})
}

// complete fills what an engine may leave open, so that every outcome has an
// end, a disposition and words.
func (r *running) complete(out call.Outcome) call.Outcome {
	if out.EndedAt.IsZero() {
		out.EndedAt = time.Now()
	}
	out.EndedAt = milli(out.EndedAt)
	if out.Disposition == "" {
		out.Disposition = call.Failed
	}
	a := &out.A
	a.Endpoint, a.Disposition = cmp.Or(a.Endpoint, r.a.RouteA.Endpoint), cmp.Or(a.Disposition, out.Disposition)
	a.StartedAt, a.EndedAt = firstTime(a.StartedAt, r.a.StartedAt), firstTime(a.EndedAt, out.EndedAt)
	if out.Failure == nil && out.Disposition != call.Answered {
		out.Failure = &call.Failure{Leg: "a", Disposition: out.Disposition, Cause: a.Cause, SIPStatus: a.SIPStatus, Peer: a.Peer}
	}
	if f := out.Failure; f != nil && f.Text == "" && f.Err != nil {
		f.Text = f.Err.Error() // Err itself is not stored
	}
	if r.cut = r.returned(out); r.cut {
		out.Disposition, out.HangupBy = call.Interrupted, "server"
		out.Failure = &call.Failure{Leg: "a", Disposition: call.Interrupted, Cause: out.A.Cause, Text: "the server stopped before an answer"}
	}
	return out
}

// firstTime gives a, or b if a is zero.
func firstTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// returned reports whether our own orderly stop cut the attempt short before
// leg A answered. A real end that crossed the stop stays what it is.
func (r *running) returned(out call.Outcome) bool {
	if !errors.Is(context.Cause(r.ctx), ErrStopping) || !out.A.AnsweredAt.IsZero() {
		return false
	}
	return out.Disposition == call.Cancelled || out.Disposition == call.Interrupted ||
		out.Disposition != call.Answered && out.HangupBy == "server"
}

// progress lists the events that an engine may report.
func progress(t call.EventType) bool {
	switch t {
	case call.EvRinging, call.EvProgress, call.EvAnswered, call.EvConfirming, call.EvConnecting,
		call.EvBRinging, call.EvBProgress, call.EvConnected, call.EvHeld, call.EvResumed:
		return true
	}
	return false
}

// maxPending bounds the events of an attempt that wait for the store. Beyond
// it those that move no state are left out.
const maxPending = 256

// event takes a progress event from the engine. It never waits for the store.
func (r *running) event(e call.Event) {
	if !progress(e.Type) {
		return
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	if len(r.pending) >= maxPending {
		i := slices.IndexFunc(r.pending, func(e call.Event) bool { return e.Type == call.EvHeld || e.Type == call.EvResumed })
		r.dropped++
		if i < 0 {
			return // the same few states over and over: the engine repeats itself
		}
		r.pending = slices.Delete(r.pending, i, i+1)
	}
	r.pending = append(r.pending, e)
	if !r.recording {
		r.recording = true
		r.recorder.Go(r.record)
	}
}

// record stores pending events until there are none, or the store fails: then
// they stay pending and are stored with the end of the attempt.
func (r *running) record() {
	for {
		r.mu.Lock()
		events := r.pending
		if len(events) == 0 {
			r.recording = false
			r.mu.Unlock()
			return
		}
		r.pending = nil
		r.mu.Unlock()
		if err := r.progress(events); err != nil {
			r.mu.Lock()
			r.pending = append(events, r.pending...)
			r.recording = false
			r.mu.Unlock()
			return
		}
	}
}

// progress stores events, trying again for as long as Place runs.
func (r *running) progress(events []call.Event) error {
	for {
		// Not bound to r.ctx: what happened before a hang-up is stored too.
		_, err := r.o.o.Store.Progress(context.WithoutCancel(r.ctx), r.ref, events)
		if err == nil || errors.Is(err, ErrStale) {
			return nil // stale: the end will say so
		}
		r.o.storeFailed("progress", err)
		r.mu.Lock()
		over := r.over
		r.mu.Unlock()
		if over {
			return err
		}
		if !pause(r.ctx, storeRetry) {
			return err
		}
	}
}

// pause waits, or returns false when ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// finish stores the end of the attempt, trying again until the store takes
// it: an end must not be lost. Only a Stop whose time is over gives up; then the next start finds the
// attempt interrupted.
func (r *running) finish(out call.Outcome) {
	r.mu.Lock()
	events, dropped := r.pending, r.dropped
	r.mu.Unlock()
	log := r.o.o.Log.With("call", r.a.Call, "attempt", r.a.Number)
	if dropped > 0 {
		log.Warn("engine reported more events than could be stored", "dropped", dropped)
	}
	end := AttemptEnd{Ref: r.ref, Events: events, Outcome: out, CDR: MakeCDR(r.a, out), Returned: r.cut, Now: time.Now()}
	ctx := context.WithoutCancel(r.ctx)
	for {
		c, err := r.o.o.Store.EndAttempt(ctx, end)
		switch {
		case err == nil:
			r.o.count.ended(out.Disposition)
			if f := r.o.o.Recorded; f != nil {
				f(end.CDR, out.A.ChannelID)
			}
			log.Info("attempt ended", "disposition", out.Disposition, "cause", end.CDR.Cause, "state", c.State, "account", r.a.Request.Account)
			return
		case errors.Is(err, ErrStale):
			log.Warn("attempt ended, but it was taken for interrupted before", "disposition", out.Disposition)
			return
		case errors.Is(err, ErrClosed):
			log.Error("attempt ended after the store was closed", "disposition", out.Disposition)
			return
		}
		r.o.storeFailed("end attempt", err)
		if !r.o.pause(storeRetry) {
			log.Error("attempt's end is not stored: the server stops", "disposition", out.Disposition)
			return
		}
	}
}

// pause waits before the next try to store an end. False: Stop has given up.
func (o *Originator) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-o.abandon:
		return false
	}
}
