package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

func newWriter(conn *sql.Conn, log *slog.Logger) *writer {
	return &writer{
		log: log, bell: make(chan struct{}, 1), quit: make(chan struct{}),
		tx: tx{conn: conn, stmts: map[string]*sql.Stmt{}, lanes: map[string]int64{}},
	}
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
				w.tx.closeAll()
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
	t := &w.tx
	t.events = nil
	if err := t.control("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, o := range group {
		if err := t.step(o); err != nil {
			return t.rollback(err)
		}
	}
	if err := t.control("COMMIT"); err != nil {
		return t.rollback(err)
	}
	w.publish(t.events)
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

// tx is the transaction under way, used by the writer goroutine only.
type tx struct {
	conn   *sql.Conn
	stmts  map[string]*sql.Stmt
	lanes  map[string]int64 // resources to lane id, committed ones only or of this transaction
	fresh  []string         // lanes added by this transaction
	events []call.Event     // to be published after the commit
	wrote  bool             // the operation under way has written
	reads  int              // rows read since the start, for the tests of what a claim costs
}

// step runs one operation. A refusal (ErrState, …) from an operation that has not
// written is its result and harms nobody; any other error ends the transaction.
func (t *tx) step(o *op) error {
	mark := len(t.events)
	t.wrote = false
	o.err = o.run(t)
	if o.err == nil || !t.wrote && isRefusal(o.err) {
		if o.err != nil {
			t.events = t.events[:mark]
		}
		return nil
	}
	return o.err
}

func isRefusal(err error) bool {
	for _, r := range []error{
		originate.ErrNotFound, originate.ErrState, originate.ErrKeyReused, originate.ErrDailyCap,
		originate.ErrStale, originate.ErrNoLease,
	} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

// control runs BEGIN, COMMIT or ROLLBACK. The writer's own context is never
// cancelled: what has been taken up is carried through.
func (t *tx) control(cmd string) error {
	_, err := t.exec(cmd)
	if cmd == "COMMIT" && err == nil {
		t.fresh = t.fresh[:0]
	}
	return err
}

func (t *tx) rollback(cause error) error {
	for _, key := range t.fresh {
		delete(t.lanes, key)
	}
	t.fresh = t.fresh[:0]
	t.events = nil
	// SQLite may have rolled back by itself (full disk); then this fails, and that is fine.
	_ = t.control("ROLLBACK")
	return cause
}

func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if st, ok := t.stmts[query]; ok {
		return st, nil
	}
	st, err := t.conn.PrepareContext(context.Background(), query) // see control
	if err != nil {
		return nil, fmt.Errorf("prepare %.60q: %w", query, err)
	}
	t.stmts[query] = st
	return st, nil
}

// exec runs a statement that writes. Query texts are constants: they are the
// key of the statement cache.
func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	st, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	t.wrote = true
	return st.ExecContext(context.Background(), args...) // see control
}

// readAll runs a statement that reads, and scans all its rows.
func readAll[T any](t *tx, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	st, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(context.Background(), args...) // see control
	list, err := collect(rows, err, scan)
	t.reads += len(list)
	return list, err
}

// get reads one row into dst; sql.ErrNoRows if there is none.
func (t *tx) get(query string, args []any, dst ...any) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	t.reads++
	return st.QueryRowContext(context.Background(), args...).Scan(dst...) // see control
}

func (t *tx) closeAll() {
	for _, st := range t.stmts {
		st.Close()
	}
	t.conn.Close()
}
