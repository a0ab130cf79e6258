package stasis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// journal keeps the last events of an application, for a client that resumes. It
// is a ring that grows up to its bound.
type journal struct {
	since uint64 // it has every event of the application with a higher number
	max   int
	ring  []record
	first int // index of the oldest; not 0 only when the ring is full
}

type record struct {
	seq   uint64
	event *pbx.Event
}

// add keeps an event; the oldest one goes if there are too many.
func (j *journal) add(seq uint64, e *pbx.Event) {
	if len(j.ring) < j.max {
		j.ring = append(j.ring, record{seq, e})
		return
	}
	j.since = j.ring[j.first].seq
	j.ring[j.first] = record{seq, e}
	j.first = (j.first + 1) % j.max
}

// appendAfter adds the events behind a number to a list, in order.
func (j *journal) appendAfter(out []Item, app string, seq uint64) []Item {
	for i := range j.ring {
		r := j.ring[(j.first+i)%len(j.ring)]
		if r.seq > seq {
			out = append(out, Item{Seq: r.seq, App: app, Event: r.event})
		}
	}
	return out
}

// A cursor is "<run>-<number>": the run of the server that numbered the event, and
// the number. Clients take it as it is.

// cursor writes one.
func (h *Hub) cursor(seq uint64) string { return h.boot + "-" + strconv.FormatUint(seq, 10) }

// place reads a cursor. why is "" if it is one of this run.
func (h *Hub) place(cursor string) (seq uint64, why string) {
	run, number, ok := strings.Cut(cursor, "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	switch {
	case !ok || err != nil || strconv.FormatUint(seq, 10) != number:
		return 0, "the cursor is not one that this server gives"
	case run != h.boot:
		return 0, "the cursor is of another run of the server"
	case seq > h.seq:
		return 0, "the cursor is of an event that has not been"
	}
	return seq, ""
}

// resume gives what the applications of a client have missed since its cursor, in
// order, or why that is not known for one of them, which then counts for all: a
// cursor stands for the place of a session. h.mu is held.
func (h *Hub) resume(apps []*application, cursor string) (missed []Item, seq uint64, why string) {
	seq, why = h.place(cursor)
	if why != "" {
		return nil, 0, why
	}
	for _, a := range apps {
		switch {
		case a.journal == nil:
			return nil, 0, fmt.Sprintf("nothing was kept for application %s", a.name)
		case a.journal.since > seq:
			return nil, 0, fmt.Sprintf("application %s has missed more events than are kept", a.name)
		}
		missed = a.journal.appendAfter(missed, a.name, seq)
	}
	slices.SortFunc(missed, func(x, y Item) int {
		if x.Seq < y.Seq {
			return -1
		}
		return 1 // numbers are unique
	})
	return missed, seq, ""
}

// state is what an application has; h.mu is held.
func (h *Hub) state(a *application, why string) *State {
	st := &State{Reason: why}
	for _, s := range h.stays {
		if s.app == a.name && s.told {
			st.Channels = append(st.Channels, s.c.Snapshot())
		}
	}
	slices.SortFunc(st.Channels, func(x, y *pbx.Snapshot) int {
		if d := x.CreatedAt.Compare(y.CreatedAt); d != 0 {
			return d
		}
		return strings.Compare(x.ID, y.ID)
	})
	all := h.topics.all[bridges].of(a) != nil
	for _, t := range h.topics.by[bridges] {
		if t.last != nil && (all || t.of(a) != nil) {
			st.Bridges = append(st.Bridges, t.last)
		}
	}
	slices.SortFunc(st.Bridges, func(x, y *pbx.BridgeSnapshot) int {
		if d := x.CreatedAt.Compare(y.CreatedAt); d != 0 {
			return d
		}
		return strings.Compare(x.ID, y.ID)
	})
	return st
}
