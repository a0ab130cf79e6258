package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// writeTimeout is how long a client may take to accept one message.
const writeTimeout = 20 * time.Second

// errStopping ends streams when the server stops.
var errStopping = errors.New("the server is stopping")

// stream is what a kind of transport does with what happens.
type stream interface {
	event(e call.Event) error
	lost(after, oldest int64) error // events after `after` are gone; the stream goes on with `oldest`
	heartbeat() error
}

// position is where a stream begins.
type position struct {
	after int64
	lost  *LostError // what the client must be told first, nil = nothing
}

// streamInput reads the parameters that both transports share.
func (s *Server) streamInput(r *http.Request) (pos position, f EventFilter, err error) {
	q := r.URL.Query()
	pos.after = FromNow
	for _, text := range []string{r.Header.Get("Last-Event-ID"), q.Get("after")} {
		if text == "" {
			continue
		}
		if pos.after, err = strconv.ParseInt(text, 10, 64); err != nil || pos.after < FromNow {
			return pos, f, &Refusal{Code: "invalid", Field: "after", Text: fmt.Sprintf("%.40q is not the number of an event.", text)}
		}
	}
	f = EventFilter{Call: call.ID(q.Get("call")), Batch: call.BatchID(q.Get("batch")), Account: s.visible(r.Context())}
	if f.Types, err = eventTypes(q["type"]); err != nil {
		return pos, f, err
	}
	// Fixed before the client is told that the stream is open, so that what
	// happens from then on is seen.
	st, err := s.o.Calls.Stats(r.Context())
	if err != nil {
		return pos, f, err
	}
	if pos.after > st.LastSeq { // the journal is not the one that it has read: restored, or new
		pos.lost = &LostError{After: pos.after, Oldest: st.LastSeq + 1}
	}
	if pos.after == FromNow || pos.lost != nil {
		pos.after = st.LastSeq
	}
	return pos, f, nil
}

// eventTypes reads the values of type=.
func eventTypes(names []string) ([]call.EventType, error) {
	known := call.EventTypes()
	var types []call.EventType
	for _, name := range names {
		if !slices.Contains(known, call.EventType(name)) {
			return nil, &Refusal{Code: "invalid", Field: "type", Text: fmt.Sprintf("There is no event %.40q. There are %s.", name, strings.Join(eventNames(), ", "))}
		}
		types = append(types, call.EventType(name))
	}
	return types, nil
}

func eventNames() []string {
	var names []string
	for _, t := range call.EventTypes() {
		names = append(names, string(t))
	}
	return names
}

// maxPersonStreams is how many streams a user may have open, with all of its sessions: many
// windows, and not all that there are for everybody. Keys are for programs, which have no such bound.
const maxPersonStreams = 32

// openStream takes a slot for a stream of who asks. The function gives it back.
func (s *Server) openStream(ctx context.Context) (func(), error) {
	select {
	case <-s.stop:
		return nil, &Refusal{Code: "stopping", Text: "The server is stopping; connect again in a moment.", RetryAfter: 2 * time.Second}
	default:
	}
	p := principal(ctx)
	if !s.takeStream(p) {
		return nil, &Refusal{Code: "rate", Text: "Too many windows of this user are open; close some.", RetryAfter: 10 * time.Second}
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.giveStream(p)
		return nil, &Refusal{Code: "stopping", Text: "Too many event streams are open; raise http.max_streams or close some.", RetryAfter: 10 * time.Second}
	}
	s.streams.Add(1)
	s.metrics.streams.Inc()
	return func() {
		<-s.slots
		s.giveStream(p)
		s.streams.Done()
		s.metrics.streams.Dec()
	}, nil
}

// takeStream counts a stream of a user, unless it has too many; giveStream takes that back.
func (s *Server) takeStream(p auth.Principal) bool {
	s.personsMu.Lock()
	defer s.personsMu.Unlock()
	if p.Person && s.persons[p.Name] >= maxPersonStreams {
		return false
	}
	s.persons[p.Name]++
	return true
}

func (s *Server) giveStream(p auth.Principal) {
	s.personsMu.Lock()
	defer s.personsMu.Unlock()
	if s.persons[p.Name]--; s.persons[p.Name] == 0 {
		delete(s.persons, p.Name)
	}
}

// farewell bounds how long a stream may go on when the server stops. The
// originator has stopped before: its events come to an end.
const farewell = 500 * time.Millisecond

// item is one step of the journal's iterator.
type item struct {
	e   call.Event
	err error
}

// follow feeds st from the journal until ctx ends, the server stops or st
// fails. The journal is read no faster than st takes the events.
func (s *Server) follow(ctx context.Context, pos position, f EventFilter, st stream) error {
	if pos.lost != nil {
		s.metrics.lost.Inc()
		if err := st.lost(pos.lost.After, pos.lost.Oldest); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	items := make(chan item)
	done := make(chan struct{})
	go func() { // ends with ctx
		defer close(done)
		s.read(ctx, pos.after, f, items)
	}()
	defer func() { cancel(); <-done }()
	beat := time.NewTicker(s.o.Heartbeat)
	defer beat.Stop()
	stop, last := s.stop, (<-chan time.Time)(nil)
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-stop: // what has happened by now is still told: the end of a call that was hung up
			stop, last = nil, time.After(farewell)
		case <-last:
			return errStopping
		case <-beat.C:
			err = st.heartbeat()
		case it, ok := <-items:
			if !ok {
				if last != nil {
					return errStopping
				}
				return nil
			}
			if lost, gone := errors.AsType[*LostError](it.err); gone {
				s.metrics.lost.Inc()
				err = st.lost(lost.After, lost.Oldest)
			} else if it.err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return it.err
			} else {
				s.metrics.events.Inc()
				err = st.event(it.e)
			}
		}
		if err != nil {
			return err
		}
	}
}

// read gives the journal's events to items and closes it at the end. After a
// gap it goes on with the oldest event that is there.
func (s *Server) read(ctx context.Context, after int64, f EventFilter, items chan<- item) {
	defer close(items)
	put := func(it item) bool {
		select {
		case items <- it:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for again := true; again; {
		again = false
		for e, err := range s.o.Calls.Events(ctx, after, f) {
			if !put(item{e, err}) {
				return
			}
			if lost, ok := errors.AsType[*LostError](err); ok && lost.Oldest-1 > after {
				after, again = lost.Oldest-1, true
				break
			}
			if err != nil {
				return
			}
			after = e.Seq
		}
	}
}

// serveSSE streams events as server-sent events (WHATWG HTML §9.2).
func (s *Server) serveSSE(w http.ResponseWriter, r *http.Request) {
	pos, f, err := s.streamInput(r)
	if err != nil {
		writeProblem(w, problemOf(r.Context(), s.log, err))
		return
	}
	release, err := s.openStream(r.Context())
	if err != nil {
		writeProblem(w, problemOf(r.Context(), s.log, err))
		return
	}
	defer release()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx buffers otherwise
	w.WriteHeader(http.StatusOK)
	st := &sseStream{w: w, rc: http.NewResponseController(w)}
	_ = st.rc.SetReadDeadline(time.Time{}) // the request is read; its deadline must not end the stream
	if st.write(": dialwright\n\n") != nil {
		return
	}
	ctx, leave := s.during(r.Context())
	defer leave()
	err = s.follow(ctx, pos, f, st)
	if errors.Is(err, errStopping) || errors.Is(err, errOver) {
		_ = st.write("event: bye\ndata: {}\n\n") // the client may have gone
	} else if err != nil && r.Context().Err() == nil {
		s.log.DebugContext(r.Context(), "event stream ended", "door", "rest", "err", err)
	}
}

type sseStream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (st *sseStream) event(e call.Event) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return st.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, b))
}

func (st *sseStream) lost(after, oldest int64) error {
	return st.write(fmt.Sprintf("event: lost\ndata: {\"after\":%d,\"oldest\":%d}\n\n", after, oldest))
}

func (st *sseStream) heartbeat() error { return st.write(": still here\n\n") }

func (st *sseStream) write(text string) error {
	if err := st.rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := st.w.Write([]byte(text)); err != nil {
		return err
	}
	if err := st.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
