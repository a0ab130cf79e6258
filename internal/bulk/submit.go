package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Bounds of a submission.
const (
	piece    = 500              // rows that are submitted at once
	longWait = 30 * time.Second // longest pause after the store or a rate had no room
)

// errWithdrawn ends a run whose import was cancelled, errStopping one of a server that stops.
var (
	errWithdrawn = errors.New("the import was withdrawn")
	errStopping  = errors.New("the server stops")
)

// run is the submission of an import under way.
type run struct {
	end  context.CancelCauseFunc
	over chan struct{} // closed when it has ended
}

// Submit begins to make calls of a list and returns: the rows follow in the background, also
// after a restart. The error is ErrUnknown, ErrState if it was submitted before, ErrBatch, an
// *Invalid about the plan, or that of the store.
func (b *Book) Submit(ctx context.Context, id string, by By, p Plan) (Import, error) {
	i, err := b.Get(ctx, id, by)
	if err != nil {
		return Import{}, err
	}
	p.By, p.At = by, time.Now().UTC().Truncate(time.Millisecond)
	if err := p.complete(&i); err != nil {
		return Import{}, err
	}
	if i, err = b.o.Store.BeginImport(ctx, id, p); err != nil {
		return Import{}, err
	}
	b.o.Log.InfoContext(ctx, "list submitted", "import", id, "batch", p.Batch, "principal", by.Principal, "rows", i.Table.DataRows(p.Header))
	b.launch(i)
	return i, nil
}

// launch begins the run of an import that is submitting. Without a started Book it is left for
// the next start.
func (b *Book) launch(i Import) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || b.base == nil || b.runs[i.ID] != nil {
		return
	}
	ctx, end := context.WithCancelCause(b.base)
	r := &run{end: end, over: make(chan struct{})}
	b.runs[i.ID] = r
	b.work.Go(func() {
		defer func() {
			end(nil)
			b.mu.Lock()
			delete(b.runs, i.ID)
			b.mu.Unlock()
			close(r.over)
		}()
		// Cancel ends the import and then looks for its run: one that it did not find sees it here.
		switch now, err := b.o.Store.Import(ctx, i.ID); {
		case errors.Is(err, ErrUnknown), err == nil && now.State != Submitting:
			return
		}
		b.finish(ctx, &i, b.submitAll(ctx, &i))
	})
}

// finish notes how a run ended. What can go on later stays as it is.
func (b *Book) finish(ctx context.Context, i *Import, err error) {
	state, text := Submitted, ""
	switch {
	case errors.Is(err, errStopping), errors.Is(err, errWithdrawn):
		return
	case err != nil:
		state, text = Failed, err.Error()
		b.o.Log.ErrorContext(ctx, "list cannot be submitted", "import", i.ID, "err", err)
	}
	// It is noted even if somebody ends the run just now: the rows are done.
	if err := b.o.Store.EndImport(context.WithoutCancel(ctx), i.ID, state, text, time.Now()); err != nil {
		b.o.Log.ErrorContext(ctx, "the end of a submission cannot be noted; it will be at the next start", "import", i.ID, "err", err)
	}
}

// Stop ends the submissions between two pieces; the next start goes on with them. It may be
// called twice, and before Start.
func (b *Book) Stop(ctx context.Context) error {
	b.mu.Lock()
	b.stopped = true
	for _, r := range b.runs {
		r.end(errStopping)
	}
	b.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the runs
		b.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Cancel ends the submissions to a batch for good. When it returns, no row becomes a call any
// more; those that have are the caller's to withdraw.
func (b *Book) Cancel(ctx context.Context, batch call.BatchID, who string) error {
	list, err := b.o.Store.Imports(ctx, Filter{Batch: batch, State: Submitting})
	if err != nil {
		return err
	}
	for _, i := range list {
		if err := b.o.Store.EndImport(ctx, i.ID, Failed, "withdrawn by "+who, time.Now()); err != nil {
			return err
		}
		b.mu.Lock()
		r := b.runs[i.ID]
		b.mu.Unlock()
		if r == nil {
			continue
		}
		r.end(errWithdrawn)
		select {
		case <-r.over:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// submission is one run with what it has in hand.
type submission struct {
	b       *Book
	i       *Import
	seen    *seen // nil: duplicates are dialled
	paid    bool  // a row was taken: the others are parts of the same submission
	limited bool  // the rate had no room, or was not asked yet: one row tries it
	most    int   // rows that are submitted at once
	rows    []int // of the requests
	list    []call.Request
	refused []Outcome
	last    int // number of the last row that was read
}

// submitAll submits the rows that are left. The error says why it cannot go on: errStopping,
// errWithdrawn, or what is wrong with the import.
func (b *Book) submitAll(ctx context.Context, i *Import) (err error) {
	if i.Plan == nil {
		return errors.New("nothing says what is to be made of the list")
	}
	rows, err := b.openRows(i.ID, i.Plan.Header)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	s := &submission{b: b, i: i, limited: true, most: piece}
	if i.Plan.SkipDuplicates {
		s.seen = newSeen(b)
	}
	m := newMaker(i, i.Plan, b.o.Zone)
	for {
		r, err := rows.next()
		over := errors.Is(err, io.EOF)
		if err != nil && !over {
			return fmt.Errorf("rows cannot be read: %w", err)
		}
		if !over {
			if err := s.take(ctx, m, &r); err != nil {
				return err
			}
		}
		if len(s.list)+len(s.refused) >= piece || over {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
	}
}

// take makes the request of a row, unless it was dealt with before.
func (s *submission) take(ctx context.Context, m *maker, r *row) error {
	done := r.Number <= s.i.Done
	if done && s.seen == nil {
		return nil
	}
	q, refusal := m.request(r)
	if refusal == nil && s.seen != nil {
		d, err := s.b.o.Queue.Check(ctx, q)
		if err != nil {
			return ended(ctx, err)
		}
		if first := s.seen.before(q, &d, r.Number); first > 0 {
			refusal = duplicate(first)
		}
	}
	if done {
		return nil
	}
	s.last = r.Number
	s.i.Processed++
	if refusal != nil {
		s.refused = append(s.refused, Outcome{Row: r.Number, Code: refusal.Code, Text: refusal.Text})
		return nil
	}
	s.rows, s.list = append(s.rows, r.Number), append(s.list, q)
	return nil
}

// flush submits what is in hand and notes what became of it.
func (s *submission) flush(ctx context.Context) error {
	out := s.refused
	for wait := time.Second; len(s.list) > 0; wait = min(2*wait, longWait) {
		some, again, err := s.submit(ctx)
		if err != nil {
			return err
		}
		out = append(out, some...)
		if again == 0 {
			continue
		}
		if err := pause(ctx, min(max(again, wait), longWait)); err != nil {
			return err
		}
	}
	for wait := time.Second; s.last > s.i.Done; wait = min(2*wait, longWait) {
		// The rows are calls now: a run that is ended notes it all the same.
		err := s.b.o.Store.SaveRows(context.WithoutCancel(ctx), s.i.ID, out, s.last, s.i.Processed)
		if err == nil {
			s.i.Done = s.last
			break
		}
		s.b.o.Log.ErrorContext(ctx, "rows of a list cannot be noted", "import", s.i.ID, "err", err)
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
	s.refused = nil
	return nil
}

// submit submits what is in hand, or a part of it. What had no room stays there, and again says
// when to try it.
func (s *submission) submit(ctx context.Context) (out []Outcome, again time.Duration, err error) {
	n, do := min(len(s.list), s.most), s.b.o.Queue.SubmitBatch
	switch {
	case s.paid:
		do = s.b.o.Queue.SubmitMore
	case s.limited:
		n = 1 // so that a denial for the rate is one
	}
	select {
	case s.b.pieces <- struct{}{}: // lists take turns
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	}
	results, err := do(ctx, s.list[:n])
	<-s.b.pieces
	if r, ok := errors.AsType[*originate.Refusal](err); ok && r.Code == originate.RefusedInvalid && n > 1 {
		s.most = n / 2 // the server takes fewer at once
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, ended(ctx, err)
	}
	rows, list := append([]int{}, s.rows[n:]...), append([]call.Request{}, s.list[n:]...)
	s.limited = false
	for j, got := range results {
		r, isRefusal := errors.AsType[*originate.Refusal](got.Err)
		switch {
		case got.Err == nil:
			s.paid = true
			out = append(out, Outcome{Row: s.rows[j], Call: got.Call.ID})
		case isRefusal && r.RetryAfter > 0:
			rows, list = append(rows, s.rows[j]), append(list, s.list[j])
			again, s.limited = max(again, r.RetryAfter), true
		case isRefusal:
			out = append(out, Outcome{Row: s.rows[j], Code: r.Code, Text: r.Text})
		default:
			return nil, 0, ended(ctx, got.Err)
		}
	}
	s.rows, s.list = rows, list
	return out, again, nil
}

// ended gives why a run must end: what ended its context, or that the server stops.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r, ok := errors.AsType[*originate.Refusal](err); ok && r.Code == originate.RefusedStopping {
		return errStopping
	}
	return err
}

// pause waits, or gives why the run must end.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
