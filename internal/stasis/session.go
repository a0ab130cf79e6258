package stasis

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// SessionOptions say what a client wants.
type SessionOptions struct {
	Apps         []string
	SubscribeAll bool   // looked at for applications that are new (spec: ari 3.4 rule 5)
	Outbound     bool   // we have opened it: the client is told Registered
	Resume       bool   // the client understands cursors
	Cursor       string // last one that it has seen, "" = from now on
}

// Session is one client's place: it owns applications until another session takes
// them over. Events wait in it up to a bound; beyond it the session ends with
// ErrTooSlow. One goroutine calls Next; the rest may be called by any.
type Session struct {
	h     *Hub
	wake  chan struct{} // has a token when something is new
	begin uint64        // place where it began

	logged atomic.Bool

	// What follows belongs to the hub's mutex.
	apps  map[*application]struct{}
	queue []Item
	spare []Item // what Next gave last
	limit int    // of queue
	knows bool   // the client knows cursors
	err   error  // not nil when it has ended
}

// The ends of a session.
var (
	ErrTooSlow = errors.New("the client does not read its events")
	ErrClosed  = errors.New("the session has ended")
)

// Attach makes applications, or takes them over from their sessions, which hear
// Replaced as the last thing of them (spec: ari 3.4 rule 1). With Resume and a cursor
// the session begins with what they have missed since, all of it and in order, and
// goes on with what happens from now on; if that is not known any more it begins with
// one Resync for each of them. Without Resume it begins with now. Errors: ErrAppName,
// also if there is no name at all; ErrManyApps; ErrClosed when the hub has stopped.
func (h *Hub) Attach(o SessionOptions) (*Session, error) {
	if len(o.Apps) > maxApps {
		return nil, ErrManyApps
	}
	names := unique(o.Apps)
	if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return n == "" || len(n) > maxName }) {
		return nil, ErrAppName
	}
	s, why, err := h.attach(names, o)
	switch {
	case err != nil:
		return nil, err
	case why != "":
		h.log.Info("client cannot be told what it has missed", "applications", len(names), "first", names[0], "reason", why)
	}
	return s, nil
}

// attach is Attach for names that are good. why says why there is no resuming.
func (h *Hub) attach(names []string, o SessionOptions) (s *Session, why string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopped:
		return nil, "", ErrClosed
	case !h.room(names):
		return nil, "", ErrManyApps
	}
	s = &Session{h: h, knows: o.Resume, wake: make(chan struct{}, 1), apps: make(map[*application]struct{}, len(names))}
	h.sessions[s] = struct{}{}
	apps := make([]*application, len(names))
	for i, name := range names {
		apps[i] = h.take(name, s, o.SubscribeAll)
	}
	why = h.open(s, apps, o)
	h.tidyUp()
	return s, why, nil
}

// take gives an application to a session.
func (h *Hub) take(name string, s *Session, all bool) *application {
	a, ok := h.apps[name]
	if !ok {
		a = h.make(name)
		if all {
			for k := range kinds {
				h.count(&h.topics.all[k], a, 1)
			}
		}
	}
	if old := a.session; old != nil {
		delete(old.apps, a)
		h.push(old, Item{Seq: h.seq, App: name, Event: told(Replaced, nil)})
	}
	a.session = s
	s.apps[a] = struct{}{}
	h.settle(a)
	return a
}

// open fills the queue of a new session. why says why it cannot resume.
func (h *Hub) open(s *Session, apps []*application, o SessionOptions) (why string) {
	s.begin = h.seq
	var missed []Item
	if o.Resume && o.Cursor != "" {
		var at uint64
		if missed, at, why = h.resume(apps, o.Cursor); why == "" {
			s.begin = at
		}
	}
	if o.Outbound {
		for _, a := range apps {
			s.queue = append(s.queue, Item{Seq: s.begin, App: a.name, Event: told(Registered, nil)})
		}
	}
	s.queue = append(s.queue, missed...)
	if why != "" {
		s.begin = 0
		for i, a := range apps {
			// Whoever has not read all of them begins again: number 0 is before everything.
			item := Item{App: a.name, Event: told(Resync, h.state(a, why))}
			if i == len(apps)-1 {
				item.Seq = h.seq
			}
			s.queue = append(s.queue, item)
		}
	}
	for _, a := range apps {
		if o.Resume && a.journal == nil {
			a.journal = &journal{since: h.seq, max: h.o.Journal}
		}
	}
	s.limit = h.o.Journal + len(s.queue)
	s.rouse()
	return why
}

// told makes an event of the hub itself that is for one session or application.
func told(t pbx.EventType, data any) *pbx.Event {
	return &pbx.Event{At: time.Now().UTC(), Type: t, Data: data}
}

// unique drops names that come again.
func unique(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// push queues an item; h.mu is held, and h.tidyUp follows.
func (h *Hub) push(s *Session, i Item) {
	if s.err != nil {
		return
	}
	if len(s.queue) >= s.limit {
		s.err = ErrTooSlow
		h.slow = append(h.slow, s)
		return
	}
	s.queue = append(s.queue, i)
	s.rouse()
}

func (s *Session) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// endSession takes a session out; its applications lose it. h.mu is held.
func (h *Hub) endSession(s *Session, why error) {
	if _, ok := h.sessions[s]; !ok {
		return
	}
	delete(h.sessions, s)
	s.err = why
	s.rouse()
	for a := range s.apps {
		a.session = nil
		if s.knows && !h.stopped {
			a.awaited = time.Now().Add(absence)
		}
		h.settle(a)
	}
	clear(s.apps)
}

// Next waits for events and gives all there are, in order. When ctx ends it gives its
// cause; after the end of the session what is left and then ErrTooSlow or ErrClosed.
// The items are good until the next call.
func (s *Session) Next(ctx context.Context) ([]Item, error) {
	for {
		items, err := s.take()
		if len(items) > 0 {
			return items, nil
		}
		if err != nil {
			s.logEnd(err)
			return nil, err
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// keptBuffer is how many items a buffer may have to be used again: a burst does not
// cost its memory for ever.
const keptBuffer = 1024

// take swaps the two buffers.
func (s *Session) take() ([]Item, error) {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	out := s.queue
	if len(out) == 0 {
		return nil, s.err
	}
	next := s.spare
	if cap(next) > keptBuffer {
		next = nil
	}
	clear(next)
	s.queue, s.spare = next[:0], out
	s.limit = s.h.o.Journal // what was replayed is read
	return out, nil
}

// logEnd says once that a client was too slow, in its own goroutine.
func (s *Session) logEnd(why error) {
	if why == ErrTooSlow && !s.logged.Swap(true) {
		s.h.log.Warn("client does not read its events and is disconnected", "waiting", s.h.o.Journal)
	}
}

// Cursor gives the text that stands for an item, for SessionOptions.Cursor.
func (s *Session) Cursor(i Item) string { return s.h.cursor(i.Seq) }

// Begin gives the cursor of the place where the session begins: the one for a
// client that has not seen any item yet.
func (s *Session) Begin() string { return s.h.cursor(s.begin) }

// Apps lists the applications that the session has, in no order. Others may have been
// taken over.
func (s *Session) Apps() []string {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	out := make([]string, 0, len(s.apps))
	for a := range s.apps {
		out = append(out, a.name)
	}
	return out
}

// Close ends the session. Its applications stay while they have channels or bridges,
// and Options.Grace longer if they have a journal or other subscriptions; else they
// are gone at once. It may be called twice.
func (s *Session) Close() {
	s.h.mu.Lock()
	s.h.endSession(s, ErrClosed)
	s.h.tidyUp()
	why := s.err
	s.h.mu.Unlock()
	s.logEnd(why)
}
