package callfile

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// maxBatch bounds the files that are submitted at once: while the store takes
// them, nothing else is done.
const maxBatch = 250

// work deals with all files whose time has come.
func (d *Door) work(ctx context.Context) {
	for ctx.Err() == nil {
		var list []*entry
		var requests []call.Request
		for len(d.heap) > 0 && len(list) < maxBatch && !d.heap[0].due.After(time.Now()) {
			e := heap.Pop(&d.heap).(*entry)
			if r, ok := d.begin(ctx, e); ok {
				list, requests = append(list, e), append(requests, r)
			}
		}
		if len(list) > 0 {
			d.submit(ctx, list, requests)
		}
		if len(d.heap) == 0 || d.heap[0].due.After(time.Now()) {
			return
		}
		d.follow(ctx)
	}
}

// begin looks into a file whose time has come and gives the call that it asks
// for. false: there is none, or not yet.
func (d *Door) begin(ctx context.Context, e *entry) (r call.Request, ok bool) {
	if e.stage == kept {
		d.delayed(e)
		return r, false
	}
	st, err := d.folder.stat(e.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.drop(e)
		return r, false
	case err == nil && st.id != e.id:
		d.drop(e)
		d.look(e.name, found, false)
		return r, false
	case err != nil:
		d.trouble(e, err)
		return r, false
	}
	if !e.old && d.later(e, st) {
		return r, false
	}
	text, writing, err := d.folder.read(e.name, !e.complete)
	switch {
	case writing:
		d.settle(e, time.Now().Add(d.o.Settle))
		return r, false
	case err != nil:
		d.unreadable(e, st, err)
		return r, false
	}
	f := wire.Parse(text, d.o.compat())
	if err := f.Err(); err != nil {
		if !d.settled(e, st) {
			d.fail(e, f, "invalid call file: "+err.Error())
		}
		return r, false
	}
	return d.read(ctx, e, st, f, text)
}

// read goes on with a file that makes sense.
func (d *Door) read(ctx context.Context, e *entry, st info, f *wire.File, text []byte) (r call.Request, ok bool) {
	e.file = f
	e.gen = max(e.gen, f.Ended)
	if e.lookup && d.rejoin(ctx, e, st, text) {
		return r, false
	}
	if e.old {
		e.old = false
		if d.later(e, st) {
			return r, false
		}
	}
	for _, w := range f.Warnings {
		d.log.Warn("call file", "file", e.name, "line", w.Line, "warning", w.Text)
	}
	switch why := d.o.danger(f); {
	case f.Retries > f.MaxRetries:
		// Asterisk's attempts is one less than the truth when there were some; here there were none of ours.
		d.finish(e, wire.Expired, f.Retries)
		return r, false
	case why != "":
		d.fail(e, f, "refused: "+why)
		return r, false
	case !d.o.compat() && f.KeepFuture && f.Open != 0 && e.gen == 0:
		// Kept by a server that is no more, or by us so long ago that the call is
		// forgotten: whoever wants it dialled again gives it a new time.
		d.log.Info("call file was dialled before and is kept, as AlwaysDelete: no says", "file", e.name)
		d.keep(e, wire.Completed)
		return r, false
	}
	return d.request(e, f, text), true
}

// later reports whether a file's time lies ahead, and waits for it then (spec:
// callfile 9, W6). Asterisk does not look again.
func (d *Door) later(e *entry, st info) bool {
	if d.o.compat() && e.stage == waiting && !e.due.IsZero() {
		return false
	}
	at, err := d.folder.modTime(e.name, st)
	if err != nil || !at.Truncate(time.Second).After(time.Now()) {
		return false
	}
	d.wait(e, at)
	return true
}

// settle looks at a file again at a time, or when it changes.
func (d *Door) settle(e *entry, until time.Time) {
	e.stage = settling
	d.at(e, until)
}

// settled reports whether a file that makes no sense may still be on its way,
// and waits for that then (spec: callfile 9, W7).
func (d *Door) settled(e *entry, st info) bool {
	until := st.changed.Add(d.o.Settle)
	if d.o.compat() || !until.After(time.Now()) {
		return false
	}
	d.settle(e, until)
	return true
}

// unreadable deals with a file that cannot be read.
func (d *Door) unreadable(e *entry, st info, err error) {
	u, hopeless := errors.AsType[*unusable](err)
	switch {
	case hopeless:
		d.fail(e, nil, "cannot be used: "+u.reason)
	case st.mode&fs.ModeSymlink != 0 && errors.Is(err, fs.ErrNotExist):
		if !d.settled(e, st) {
			d.fail(e, nil, "symbolic link that leads nowhere")
		}
	case st.mode&fs.ModeSymlink != 0 && !errors.Is(err, fs.ErrPermission):
		if inner, ok := errors.AsType[*fs.PathError](err); ok {
			err = inner.Err
		}
		d.fail(e, nil, fmt.Sprintf("symbolic link that is not followed: %v; only links inside the folder are", err))
	case errors.Is(err, fs.ErrPermission):
		if !d.settled(e, st) {
			d.fail(e, nil, "the server may not read it")
		}
	default:
		d.trouble(e, err)
	}
}

// trouble looks at a file again after the next re-scan: the system could not
// tell about it just now.
func (d *Door) trouble(e *entry, err error) {
	if !e.muted {
		d.log.Error("call file cannot be read; it is tried again", "file", e.name, "error", err)
	}
	e.muted = true
	d.settle(e, time.Now().Add(d.o.Rescan))
}

// submit makes calls of files.
func (d *Door) submit(ctx context.Context, list []*entry, requests []call.Request) {
	got, err := d.o.Calls.SubmitBatch(ctx, requests)
	if ctx.Err() != nil {
		return // the files are there at the next start
	}
	for i, e := range list {
		switch {
		case err != nil:
			d.refused(e, err)
		case got[i].Err != nil:
			d.refused(e, got[i].Err)
		case got[i].Repeated:
			e.lookup = true
			d.at(e, time.Now())
		default:
			d.stats.taken.Add(1)
			d.place(e, got[i].Call.ID)
		}
	}
}

// place notes that e is a call.
func (d *Door) place(e *entry, id call.ID) {
	e.stage, e.call, e.lookup = placed, id, false
	f := e.file
	f.Set, f.Codecs, f.Warnings = nil, nil, nil // not needed any more
	d.calls[id] = e
}

// refused deals with a call that the originator does not take.
func (d *Door) refused(e *entry, err error) {
	r, ok := errors.AsType[*Refusal](err)
	switch {
	case ok && r.KeyReused && !e.lookup:
		e.lookup = true
		d.at(e, time.Now())
	case ok && !r.Temporary:
		d.fail(e, e.file, "refused: "+r.Text)
	default:
		wait := time.Second
		if ok {
			wait = max(wait, r.RetryAfter)
		}
		if !e.muted {
			d.log.Warn("call file waits: no call is taken at the moment", "file", e.name, "error", err, "again", wait)
		}
		e.muted = true
		e.stage = waiting
		d.at(e, time.Now().Add(wait))
	}
}

// rejoin looks for the call that a file has already. false: it has none.
func (d *Door) rejoin(ctx context.Context, e *entry, st info, text []byte) bool {
	for {
		c, ok, err := d.o.Calls.Find(ctx, key(e, text))
		switch {
		case err != nil:
			if ctx.Err() == nil {
				d.trouble(e, fmt.Errorf("look for its call: %w", err))
			}
			return true
		case !ok:
			e.lookup = false
			return false
		case d.calls[c.ID] != nil && d.calls[c.ID] != e: // by another name of the file
		case !c.State.Done():
			d.adopt(e, c)
			return true
		case !d.redelivered(e, st, c):
			d.leftover(e, c)
			return true
		}
		e.gen++
	}
}

// redeliveredAfter is how much later than the end of its call a file must have
// changed to be a new delivery: what we do to a file at the end of its call
// takes less.
const redeliveredAfter = time.Minute

// redelivered tells whether a file whose call has ended is there once more, or
// still: the server may have died before it could remove it.
func (d *Door) redelivered(e *entry, st info, c call.Call) bool {
	if !e.old || st.changed.After(c.EndedAt.Add(redeliveredAfter)) {
		return true
	}
	if d.o.compat() {
		return interrupted(c) && e.file.Open != 0 // dialled once more (spec: callfile 5.5)
	}
	at, err := d.folder.modTime(e.name, st)
	return e.file.KeepFuture && err == nil && at.Truncate(time.Second).After(c.EndedAt) // our own lines leave the time alone
}

// adopt takes up the call of a file where an earlier server left it, and brings
// the file up to date.
func (d *Door) adopt(e *entry, c call.Call) {
	e.started = max(e.file.Retries-c.Request.AttemptBase, 0)
	e.ended = e.started
	if e.file.Open != 0 {
		e.started++
	}
	e.file.Retries = c.Request.AttemptBase
	d.place(e, c.ID)
	d.log.Info("call file has found its call again", "file", e.name, "call", c.ID, "state", c.State)
	d.catchUp(e, c)
}

// leftover finishes a file whose call has ended without it.
func (d *Door) leftover(e *entry, c call.Call) {
	e.call, e.started, e.last = c.ID, c.Attempts, nil
	e.file.Retries = c.Request.AttemptBase
	d.log.Info("call file is there although its call has ended", "file", e.name, "call", c.ID, "reason", c.Reason)
	e.outcome(c)
	d.conclude(e)
}
