package ami

import (
	"errors"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// reader is one session's place in the journal. Its methods are for the session's own
// goroutine, but close and hears, which anybody may call.
type reader struct {
	j      *journal
	bell   chan struct{} // has a token when there may be something new
	behind func()        // called once when events that it wants are gone; nil: it skips them

	// Guarded by j.mu: the session changes them with the lock held for reading, as nobody
	// else does, and the journal with it held for writing.
	mask    wire.Class
	cursor  uint64
	waiting bool // it has seen all there is
}

// errBehind says that events are gone that a reader has not seen.
var errBehind = errors.New("the session is too far behind the events")

// read adds a reader that hears what happens from now on.
func (j *journal) read(mask wire.Class, behind func()) *reader {
	r := &reader{j: j, bell: make(chan struct{}, 1), behind: behind, mask: mask, waiting: true}
	j.mu.Lock()
	defer j.mu.Unlock()
	r.cursor = j.next
	j.readers[r] = struct{}{}
	if mask != 0 {
		j.wanted.Add(1)
	}
	return r
}

// close removes the reader. It may be called twice.
func (r *reader) close() {
	r.j.mu.Lock()
	defer r.j.mu.Unlock()
	if _, ok := r.j.readers[r]; ok {
		delete(r.j.readers, r)
		if r.mask != 0 {
			r.j.wanted.Add(-1)
		}
	}
}

// hear sets another mask. What has happened while nothing was wanted is not heard of.
func (r *reader) hear(mask wire.Class) {
	r.j.mu.Lock()
	defer r.j.mu.Unlock()
	if _, ok := r.j.readers[r]; !ok {
		return
	}
	switch {
	case r.mask == 0 && mask != 0:
		r.j.wanted.Add(1)
		r.cursor = r.j.next
	case r.mask != 0 && mask == 0:
		r.j.wanted.Add(-1)
	}
	r.mask = mask
}

// hears gives the mask.
func (r *reader) hears() wire.Class {
	r.j.mu.RLock()
	defer r.j.mu.RUnlock()
	return r.mask
}

// take appends to out the next records that the mask lets through, at most batchEvents and
// about size bytes. Without any the reader waits: its bell rings when there are some. It
// fails with errBehind when some are gone; skip goes on after them.
func (r *reader) take(out []record, size int) ([]record, error) {
	j := r.j
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.lost(r) {
		return out, errBehind
	}
	r.cursor = max(r.cursor, j.first)
	begun := len(out)
	for n := 0; r.cursor < j.next && n < batchEvents && size > 0; n++ {
		rec := j.at(r.cursor)
		r.cursor++
		if r.mask != 0 && r.mask.Allows(rec.class) {
			out = append(out, *rec)
			size -= len(rec.text)
		}
	}
	r.waiting = r.cursor == j.next && len(out) == begun
	if r.cursor < j.next && len(out) == begun {
		ring(r.bell) // there is more to look at
	}
	return out, nil
}

// idle says whether the reader has seen all there is.
func (r *reader) idle() bool {
	r.j.mu.RLock()
	defer r.j.mu.RUnlock()
	return r.waiting
}

// skip goes to the oldest record that there is, and gives how many were missed.
func (r *reader) skip() (missed uint64) {
	r.j.mu.RLock()
	defer r.j.mu.RUnlock()
	missed = r.j.first - min(r.cursor, r.j.first)
	r.cursor = max(r.cursor, r.j.first)
	return missed
}
