package bulk

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/sheet"
)

// Queue is what a Book needs of the originator.
type Queue interface {
	Check(ctx context.Context, r call.Request) (originate.Decision, error)
	// SubmitBatch admits requests as one submission; SubmitMore as a further part of it.
	SubmitBatch(ctx context.Context, requests []call.Request) ([]originate.Submitted, error)
	SubmitMore(ctx context.Context, requests []call.Request) ([]originate.Submitted, error)
}

// Options are what a Book is made of. Dir, Store, Queue and Config are required.
type Options struct {
	Dir    string // where uploads are kept; it is made if it is missing
	Store  Store
	Queue  Queue
	Config func() Config
	// Left gives how many calls an account may still ask for today; negative = any number.
	// nil = any.
	Left func(ctx context.Context, account call.AccountID) (int, error)
	// Same gives a text that is equal for routes which ring the same party. nil = the endpoint.
	Same func(account call.AccountID, r call.Route) string
	Zone *time.Location // of times that name none; nil = the server's
	Log  *slog.Logger   // nil = discard
}

// Config is what can change while lists are in use. Zero fields stand for the values in the
// comments.
type Config struct {
	MaxSize  int64         // bytes of a file; 64 MiB
	MaxRows  int           // of a list; 100,000
	MaxFiles int           // imports of an account at a time; 50
	Keep     time.Duration // how long an import is kept; 0 = for ever
}

func (c Config) orDefault() Config {
	c.MaxSize, c.MaxRows, c.MaxFiles = cmp.Or(c.MaxSize, 64<<20), cmp.Or(c.MaxRows, 100_000), cmp.Or(c.MaxFiles, 50)
	return c
}

// Book keeps imports and submits them. It is safe for concurrent use.
type Book struct {
	o       Options
	reading chan struct{} // capacity 2: files that are being read
	pieces  chan struct{} // capacity 1: the piece that is being submitted

	mu      sync.Mutex // guards what follows
	stopped bool
	tasks   map[task]int    // how many of each are being done
	runs    map[string]*run // by import
	work    sync.WaitGroup  // their goroutines
	base    context.Context // of the runs; nil before Start
}

// New makes one. Nothing runs before Start.
func New(o Options) *Book {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Same == nil {
		o.Same = func(_ call.AccountID, r call.Route) string { return string(r.Endpoint) }
	}
	return &Book{o: o, reading: make(chan struct{}, 2), pieces: make(chan struct{}, 1), runs: map[string]*run{}, tasks: map[task]int{}}
}

// MaxSize is how large a file may be, in bytes.
func (b *Book) MaxSize() int64 { return b.o.Config().orDefault().MaxSize }

// Upload reads a file and keeps its rows. name is only shown. The error is an *Invalid if it is no
// list, ErrTooLarge, ErrTooMany, ErrBusy, or that of r or the store.
func (b *Book) Upload(ctx context.Context, by By, name string, r io.Reader, o sheet.ReadOptions) (Import, error) {
	c := b.o.Config().orDefault()
	there, err := b.o.Store.Imports(ctx, Filter{Account: by.Own, Limit: c.MaxFiles})
	if err != nil {
		return Import{}, err
	}
	if len(there) >= c.MaxFiles {
		return Import{}, ErrTooMany
	}
	receiving := task{by.Own, "receive"}
	if !b.begin(receiving, maxReceiving) {
		return Import{}, ErrBusy
	}
	defer b.end(receiving)
	i := Import{
		ID: strings.ToLower(rand.Text()[:16]), Name: tidy(name), Account: by.Own, Principal: by.Principal, Door: by.Door,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), State: Uploaded,
	}
	if i.Table, err = b.keep(ctx, i.ID, r, o, c); err != nil {
		return Import{}, err
	}
	if err := b.o.Store.AddImport(ctx, i); err != nil {
		return Import{}, errors.Join(err, os.Remove(b.path(i.ID)))
	}
	b.o.Log.InfoContext(ctx, "list uploaded", "import", i.ID, "principal", by.Principal, "account", by.Own, "format", i.Table.Format, "rows", i.Table.Rows)
	return i, nil
}

// What an account may do at once. What sends slowly, or asks much, holds up nobody of another
// account.
const (
	maxReceiving = 4 // files that it sends
	maxChecking  = 2 // dry runs, which take a processor for seconds
	maxTables    = 4 // results that it fetches; a workbook takes 16 MiB of memory while it is gathered
)

// task is something that an account does.
type task struct {
	account call.AccountID
	what    string // "receive", "check" or "table"
}

// begin reports whether one more of a task may be done, of at most most; end must follow then.
func (b *Book) begin(t task, most int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tasks[t] >= most {
		return false
	}
	b.tasks[t]++
	return true
}

func (b *Book) end(t task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tasks[t]--; b.tasks[t] == 0 {
		delete(b.tasks, t)
	}
}

// tidy makes a name of a file that can be shown.
func tidy(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if at := strings.LastIndexAny(name, `/\`); at >= 0 {
		name = name[at+1:]
	}
	return shorten(cmp.Or(strings.TrimSpace(name), "list"), 120)
}

// keep writes the rows of a file, on the disk when it returns. What was uploaded itself is gone then.
func (b *Book) keep(ctx context.Context, id string, r io.Reader, o sheet.ReadOptions, c Config) (t Table, err error) {
	raw, err := os.CreateTemp(b.tmp(), "upload-")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, raw.Close(), os.Remove(raw.Name())) }()
	size, err := io.Copy(raw, io.LimitReader(r, c.MaxSize+1))
	if err != nil {
		return t, err
	}
	if size > c.MaxSize {
		return t, ErrTooLarge
	}
	select {
	case b.reading <- struct{}{}:
		defer func() { <-b.reading }()
	case <-ctx.Done():
		return t, context.Cause(ctx)
	}
	o.TmpDir = b.tmp()
	in, err := sheet.Open(raw, size, o)
	if e, ok := errors.AsType[*sheet.FileError](err); ok {
		return t, &Invalid{Text: e.Text}
	}
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(filepath.Join(b.tmp(), id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return t, err
	}
	if t, err = reduce(in, out, c.MaxRows, 4*c.MaxSize); err == nil {
		err = out.Sync()
	}
	err = errors.Join(err, out.Close())
	if err == nil {
		err = os.Rename(out.Name(), b.path(id))
	}
	if err != nil {
		return t, errors.Join(err, os.Remove(out.Name()))
	}
	return t, syncDir(b.o.Dir)
}

// syncDir brings the names of a folder onto the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// tmp is where unfinished files lie.
func (b *Book) tmp() string { return filepath.Join(b.o.Dir, "tmp") }

// Get gives an import. The error is ErrUnknown, also for one that by may not see.
func (b *Book) Get(ctx context.Context, id string, by By) (Import, error) {
	i, err := b.o.Store.Import(ctx, id)
	if err == nil && !by.sees(&i) {
		return Import{}, ErrUnknown
	}
	return i, err
}

// List gives the imports that by may see, newest first.
func (b *Book) List(ctx context.Context, by By) ([]Import, error) {
	f := Filter{}
	if !by.All {
		f.Account = by.Own
	}
	return b.o.Store.Imports(ctx, f)
}

// Delete forgets an import and its file; its calls stay. The error is ErrUnknown, or ErrState
// while it is submitting.
func (b *Book) Delete(ctx context.Context, id string, by By) error {
	if _, err := b.Get(ctx, id, by); err != nil {
		return err
	}
	return b.remove(ctx, id)
}

func (b *Book) remove(ctx context.Context, id string) error {
	if err := b.o.Store.DeleteImport(ctx, id); err != nil {
		return err
	}
	if err := os.Remove(b.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Start makes the folder, removes what a server left there that has died, and goes on with the
// imports that were being submitted. ctx bounds the start only.
func (b *Book) Start(ctx context.Context) error {
	if err := os.RemoveAll(b.tmp()); err != nil {
		return err
	}
	if err := os.MkdirAll(b.tmp(), 0o700); err != nil {
		return err
	}
	if err := b.removeOrphans(ctx); err != nil {
		return err
	}
	begun, err := b.o.Store.Imports(ctx, Filter{State: Submitting})
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.base = context.WithoutCancel(ctx) // Stop ends what runs
	b.mu.Unlock()
	for _, i := range begun {
		b.launch(i)
	}
	return nil
}

// removeOrphans removes files whose import was never stored, or is gone.
func (b *Book) removeOrphans(ctx context.Context) error {
	entries, err := os.ReadDir(b.o.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".rows")
		if !ok {
			continue
		}
		_, err := b.o.Store.Import(ctx, id)
		if errors.Is(err, ErrUnknown) {
			err = os.Remove(b.path(id))
		}
		if err != nil {
			return fmt.Errorf("import %s: %w", id, err)
		}
	}
	return nil
}

// Prune deletes imports that are older than they are kept. Those that are being submitted
// stay.
func (b *Book) Prune(ctx context.Context, now time.Time) error {
	keep := b.o.Config().Keep
	if keep <= 0 {
		return nil
	}
	old, err := b.o.Store.Imports(ctx, Filter{Before: now.Add(-keep)})
	for _, i := range old {
		if e := b.remove(ctx, i.ID); e != nil && !errors.Is(e, ErrState) && !errors.Is(e, ErrUnknown) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Batch gives a batch with its numbers. The error is originate.ErrNotFound, also if it has
// calls of accounts that by may not see: names of batches are common to all accounts, and
// whoever adds a call to a foreign batch must not gain power over the others.
func (b *Book) Batch(ctx context.Context, id call.BatchID, by By) (Batch, error) {
	got, err := b.o.Store.Batch(ctx, id)
	if err == nil && !by.All && (got.Mixed || got.Account != by.Own) {
		return Batch{}, originate.ErrNotFound
	}
	return got, err
}

// MayAdd says whether by may add calls to a batch: one that is new, or its account's own. The
// error is ErrBatch otherwise. Else a stranger's call would take the batch from its owner, who
// may touch only what has no calls of others.
func (b *Book) MayAdd(ctx context.Context, id call.BatchID, by By) error {
	if by.All || id == "" {
		return nil
	}
	account, mixed, err := b.o.Store.BatchOwner(ctx, id)
	switch {
	case errors.Is(err, originate.ErrNotFound):
		return nil
	case err == nil && (mixed || account != by.Own):
		return ErrBatch
	}
	return err
}

// Batches gives a page of the batches that by may see, newest first, and the cursor of the next,
// "" at the end. The error may be originate.ErrCursor.
func (b *Book) Batches(ctx context.Context, by By, cursor string, limit int) ([]Batch, string, error) {
	account := by.Own
	if by.All {
		account = ""
	}
	return b.o.Store.Batches(ctx, account, cursor, limit)
}
