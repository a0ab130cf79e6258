// Package sqlite keeps calls in one SQLite file: the store of a single node.
//
// # How a write travels
//
//	Admit, Claim, Progress, EndAttempt, … ──► op ──► [live | bulk] ──► writer goroutine
//	     ▲                                                                  │ BEGIN IMMEDIATE
//	     │                                                                  │ up to 512 ops
//	     └───────────────── reply ◄── events to watchers ◄── COMMIT (fsync) ◄┘
//
// One goroutine writes. It takes what is queued, at most 512 operations and
// about 2,000 bulk rows, runs it as one transaction, and answers after the commit.
// There is no timer: while a commit is under way the next group gathers by
// itself. Transitions of live calls go before bulk imports. If an operation
// fails after it has written, the group is rolled back and its operations are run one by one,
// so that none suffers for another.
//
// The writer remembers what it has just written: calls that wait at the head of the
// queue, running attempts, when the clock is next needed (cache.go). So a
// transition of a call reads nothing. Events and audit entries of a
// transaction are stored together before its commit.
//
// Reads have their own connections, which cannot write, and see the last
// commit (WAL).
//
// # Promises
//
//   - A method that returned nil is on the disk: synchronous=FULL. Event ids
//     rise in the order of commits and are never used twice.
//   - A full disk fails the operation and changes nothing; the store goes on.
//   - One process at a time: a second Open of the same file fails with
//     ErrInUse. The lock dies with the process, so after a crash a
//     restart need not wait for a lease to expire.
//   - The cost of a claim does not depend on how many calls wait. It
//     grows with the number of lanes (combinations of account, batch, phone and trunk)
//     that have waiting calls, and with the attempts that run.
//
// Statements are plain SQL beside their scanning helper; the schema and what
// its indexes are for is in migrations/.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrInUse is returned by Open when another process has the store open.
var ErrInUse = errors.New("store is in use by another process")

// Options say where and how the store is kept.
type Options struct {
	Path string       // of the database file; its directory must exist
	Log  *slog.Logger // nil = discard
	// Synchronous is SQLite's setting: "" or FULL survives a power loss; NORMAL
	// and OFF survive a killed process only, and may be chosen where that is enough.
	Synchronous string
	Readers     int // read connections, 0 = 4
	// MaxPages bounds the database to so many pages of 4 KiB, 0 = unbounded.
	// Reaching it is the same as a full disk.
	MaxPages int
}

// Store is a store in a SQLite file. It implements originate.Store.
type Store struct {
	log    *slog.Logger
	lockDB *sql.DB // holds the process lock; nothing is stored there
	readDB *sql.DB
	// findKey is the one read that every request with an idempotency key makes.
	findKey *sql.Stmt
	w       *writer
	closed  sync.Once
}

var _ originate.Store = (*Store)(nil)

// Open opens or creates the store, brings its schema up to date and starts its
// writer. Leases of earlier processes end. The caller closes the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Path, err)
	}
	return s, nil
}

func open(ctx context.Context, o Options) (_ *Store, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if o.Synchronous == "" {
		o.Synchronous = "FULL"
	}
	s := &Store{log: o.Log}
	defer func() {
		if err != nil {
			s.closeDBs()
		}
	}()
	if s.lockDB, err = lock(ctx, o.Path+".lock"); err != nil {
		return nil, err
	}
	pragmas := []string{"journal_mode(WAL)", "synchronous(" + o.Synchronous + ")", "foreign_keys(1)", "busy_timeout(5000)",
		"cache_size(-32768)", "wal_autocheckpoint(4000)"}
	if o.MaxPages > 0 {
		pragmas = append(pragmas, fmt.Sprintf("max_page_count(%d)", o.MaxPages))
	}
	if err = prepare(ctx, dsn(o.Path, pragmas...)); err != nil {
		return nil, err
	}
	if s.readDB, err = sql.Open("sqlite", dsn(o.Path, "query_only(1)", "busy_timeout(5000)")); err != nil {
		return nil, err
	}
	s.readDB.SetMaxOpenConns(o.Readers)
	s.readDB.SetMaxIdleConns(o.Readers)
	if s.findKey, err = s.readDB.PrepareContext(ctx, qKey); err != nil {
		return nil, err
	}
	seq, err := s.lastSeq(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := openConn(s.readDB, dsn(o.Path, pragmas...))
	if err != nil {
		return nil, err
	}
	s.w = newWriter(conn, seq, o.Log)
	go s.w.run()
	return s, nil
}

// dsn gives the driver's data source name. Every transaction begins as a
// writer (BEGIN IMMEDIATE), so that none fails half way for want of the lock.
func dsn(path string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// lock takes the process lock: an exclusive transaction on a database of its
// own, which the operating system gives up when the process dies.
func lock(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "busy_timeout(2000)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(0)
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		db.Close()
		if e, ok := errors.AsType[*sqlitedriver.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_BUSY {
			return nil, ErrInUse
		}
		return nil, err
	}
	return db, nil
}

// prepare brings the schema up to date and ends the leases of earlier
// processes: the process lock proves that whoever held one is gone.
func prepare(ctx context.Context, dsn string) error {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `UPDATE node SET expires_at = 0`)
	return err
}

func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Close waits for what is queued, then closes the files. Later calls of any
// method fail with ErrClosed. It may be called twice.
func (s *Store) Close() error {
	var err error
	s.closed.Do(func() {
		s.w.close()
		err = s.closeDBs()
	})
	return err
}

func (s *Store) closeDBs() error {
	var errs []error
	for _, db := range []*sql.DB{s.readDB, s.lockDB} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// SetMaxPages changes Options.MaxPages while the store is in use.
func (s *Store) SetMaxPages(ctx context.Context, pages int) error {
	return s.write(ctx, func(t *tx) error {
		var now int
		// A pragma takes no parameters; its text is one more cached statement.
		return t.get(fmt.Sprintf("PRAGMA max_page_count(%d)", pages), nil, &now)
	})
}

// Watch implements originate.Store.
func (s *Store) Watch(f func([]call.Event)) (stop func()) { return s.w.watch(f) }

// ms gives t as stored; the zero time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// msOrNull gives t as stored in a column that may be NULL.
func msOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// at gives a stored time.
func at(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMilli(v).UTC()
}

// atNull gives a stored time that may be NULL.
func atNull(v sql.NullInt64) time.Time { return at(v.Int64) }

// full reports whether err says that the disk or the database is full.
func full(err error) bool {
	e, ok := errors.AsType[*sqlitedriver.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_FULL || err != nil && strings.Contains(err.Error(), "no space left")
}
