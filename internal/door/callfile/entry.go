package callfile

import (
	"container/heap"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// stage is where a file stands.
//
//	waiting ──► placed ──► gone from the folder
//	 ▲   │         └─────► kept
//	 │   ▼                  │ new time
//	settling                └──► waiting
type stage uint8

const (
	waiting  stage = iota // its time lies ahead, or it is about to be read
	settling              // it is being written, or makes no sense yet
	placed                // it is a call
	kept                  // done with, but it stays: AlwaysDelete: no, or a folder that cannot be written
)

// entry is a file that is or was in the folder. It belongs to the door's goroutine.
type entry struct {
	name  string
	id    identity
	stage stage

	due   time.Time // when to look at it next, while it is in the heap
	order uint64    // of arrival
	place int       // in the heap, from 1; 0 = it is not in it

	complete bool // its writer has closed it
	old      bool // it was there when the folder was opened: it may have a call from before
	lookup   bool // look for its call before submitting it
	gen      int  // how often this file was delivered before, as far as its key is concerned
	removed  bool // the system says that the name was removed; not yet looked into
	lost     bool // its name means another file now, or nothing
	muted    bool // that it cannot be written was said
	stuck    bool // kept only because it could not be removed or moved

	file    *wire.File    // as read when it became a call
	call    call.ID       // of a placed file
	started int           // newest attempt whose StartRetry is in the file
	ended   int           // newest attempt whose EndRetry is
	live    bool          // an attempt runs
	ending  bool          // its end is about to be handled: nothing needs mirroring
	last    *call.CDR     // of the newest attempt that has ended
	failure *call.Failure // of the same, nil if it was answered
	status  wire.Status   // of a file that is done with: how it ended
	reason  string        // of a failed one: why
	kept    info          // of a kept file: what it was like when it was left
}

// heapOf is a heap of entries by due time, then arrival.
type heapOf []*entry

func (h heapOf) Len() int { return len(h) }
func (h heapOf) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].order < h[j].order
}
func (h heapOf) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}
func (h *heapOf) Push(x any) {
	e := x.(*entry)
	*h = append(*h, e)
	e.place = len(*h)
}
func (h *heapOf) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.place = 0
	return e
}

// at puts e into the heap, or moves it there.
func (d *Door) at(e *entry, due time.Time) {
	e.due = due
	if e.place > 0 {
		heap.Fix(&d.heap, e.place-1)
		return
	}
	heap.Push(&d.heap, e)
}

// unschedule takes e out of the heap.
func (d *Door) unschedule(e *entry) {
	if e.place > 0 {
		heap.Remove(&d.heap, e.place-1)
	}
}

// wait has e looked at when its time has come; the whole second counts (spec:
// callfile 4).
func (d *Door) wait(e *entry, modTime time.Time) {
	e.stage = waiting
	due := modTime.Truncate(time.Second)
	if now := time.Now(); d.o.compat() && due.After(now) {
		due = now.Add(due.Sub(now.Truncate(time.Second))) // Asterisk waits for whole seconds, from whenever it looks
	}
	d.at(e, due)
}

// drop forgets e.
func (d *Door) drop(e *entry) {
	d.unschedule(e)
	if d.names[e.name] == e {
		delete(d.names, e.name)
	}
	if d.inodes[e.id] == e {
		delete(d.inodes, e.id)
	}
	if e.call != "" && d.calls[e.call] == e {
		delete(d.calls, e.call)
	}
}
