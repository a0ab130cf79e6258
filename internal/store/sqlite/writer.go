package sqlite

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// Bounds of one transaction (dependencies: store rules 1 and 3).
const (
	maxGroup = 512  // operations
	maxBulk  = 2000 // rows of bulk operations
)

// op is one operation waiting to be written.
type op struct {
	// run does the work. It may be run again after a rollback, so it sets its
	// results from scratch and touches nothing else.
	run   func(*tx) error
	rows  int // estimate, bulk only
	taken atomic.Bool
	done  chan struct{} // closed when err is final
	err   error
}

// writer is the goroutine that writes, with its queue.
type writer struct {
	log  *slog.Logger
	tx   tx // used by the goroutine only
	bell chan struct{}
	quit chan struct{} // closed when run has returned

	mu         sync.Mutex // guards what follows
	live, bulk []*op
	closing    bool

	watchMu  sync.Mutex // guards watchers; held while they are called
	watchers []*func([]call.Event)
}

func newWriter(c *conn, seq int64, log *slog.Logger) *writer {
	return &writer{log: log, bell: make(chan struct{}, 1), quit: make(chan struct{}), tx: newTx(c, seq)}
}

// do queues an operation and waits until it is committed. ctx counts until the
// operation is taken up: from then on its fate is the transaction's, and
// the caller is told that and nothing else.
func (s *Store) do(ctx context.Context, o *op) error {
	o.done = make(chan struct{})
	if err := s.w.put(o); err != nil {
		return err
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		if o.taken.CompareAndSwap(false, true) {
			return context.Cause(ctx)
		}
		<-o.done
		return o.err
	}
}

// write is do for a transition of a live call.
func (s *Store) write(ctx context.Context, run func(*tx) error) error {
	return s.do(ctx, &op{run: run})
}

func (w *writer) put(o *op) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return originate.ErrClosed
	}
	if o.rows > 0 {
		w.bulk = append(w.bulk, o)
	} else {
		w.live = append(w.live, o)
	}
	w.ring()
	return nil
}

func (w *writer) ring() {
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

// take gives the next group: live operations first, then bulk ones as far as
// their rows fit, but at least one of them, so that neither waits for ever. An
// empty group means that nothing is queued.
func (w *writer) take() (group []*op, closing bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(group) == 0 && len(w.live)+len(w.bulk) > 0 {
		room := maxGroup
		if len(w.bulk) > 0 {
			room--
		}
		n := min(len(w.live), room)
		group = append(group, w.live[:n]...)
		w.live = slices.Delete(w.live, 0, n)
		rows, m := 0, 0
		for m < len(w.bulk) && len(group) < maxGroup && (m == 0 || rows+w.bulk[m].rows <= maxBulk) {
			rows += w.bulk[m].rows
			group = append(group, w.bulk[m])
			m++
		}
		w.bulk = slices.Delete(w.bulk, 0, m)
		// Whoever gave up waiting has taken its operation back.
		group = slices.DeleteFunc(group, func(o *op) bool { return !o.taken.CompareAndSwap(false, true) })
	}
	return group, w.closing
}

// run is the writer goroutine. It ends after close, when the queue is empty.
func (w *writer) run() {
	defer close(w.quit)
	for range w.bell {
		for {
			group, closing := w.take()
			if len(group) > 0 {
				w.commit(group)
				continue
			}
			if closing {
				w.tx.conn.close()
				return
			}
			break
		}
	}
}

// close lets the queue run empty and waits for the goroutine.
func (w *writer) close() {
	w.mu.Lock()
	w.closing = true
	w.ring()
	w.mu.Unlock()
	<-w.quit
}

// commit runs a group as one transaction, or one by one if that fails.
func (w *writer) commit(group []*op) {
	err := w.try(group)
	if err == nil {
		return
	}
	if len(group) == 1 {
		group[0].finish(err)
		return
	}
	w.log.Debug("group commit failed, running its operations singly", "operations", len(group), "error", err)
	for _, o := range group {
		if err := w.try([]*op{o}); err != nil {
			o.finish(err)
		}
	}
}

func (o *op) finish(err error) {
	o.err = err
	close(o.done)
}

// try runs a group as one transaction. When it returns nil, all operations are
// finished; otherwise nothing has happened and none is.
func (w *writer) try(group []*op) error {
	events, err := w.tx.commit(group)
	if err != nil {
		return err
	}
	w.publish(events)
	for _, o := range group {
		close(o.done)
	}
	return nil
}

// publish hands committed events to the watchers, before their writers are answered.
func (w *writer) publish(events []call.Event) {
	if len(events) == 0 {
		return
	}
	w.watchMu.Lock()
	defer w.watchMu.Unlock()
	for _, f := range w.watchers {
		(*f)(events)
	}
}

func (w *writer) watch(f func([]call.Event)) (stop func()) {
	w.watchMu.Lock()
	defer w.watchMu.Unlock()
	w.watchers = append(w.watchers, &f)
	return func() {
		w.watchMu.Lock()
		defer w.watchMu.Unlock()
		w.watchers = slices.DeleteFunc(w.watchers, func(g *func([]call.Event)) bool { return g == &f })
	}
}
