package sip

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/sip/ua"
)

const (
	bindingsSettle = time.Second      // changes within it are one write
	bindingsRetry  = 30 * time.Second // after a write that failed
	bindingsMax    = 64 << 20         // bytes of the file that are read
)

// BindingFile is a BindingStore in one JSON file.
//
//	Save ─► in memory ─1 s after the first change─► temporary file, synced, renamed ─► clean
//	                            └── failed (full disk): once more after 30 s
//
// A crash loses the changes of the last second: a phone that registered in it is
// known again at its next registration. The size is bounded by the configured
// phones and their contacts. Close writes what is not written yet.
type BindingFile struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex // guards the fields below
	kept    map[string][]ua.Binding
	timer   *time.Timer // not nil while a write is due
	closed  bool
	writing sync.Mutex // held while the file is written; never taken under mu
}

// NewBindingFile makes a store in the file at path; it is read by Load and made
// by the first write. log may be nil.
func NewBindingFile(path string, log *slog.Logger) *BindingFile {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &BindingFile{path: path, log: log, kept: map[string][]ua.Binding{}}
}

// Save implements BindingStore. The error is fs.ErrClosed after Close; failed
// writes are logged.
func (f *BindingFile) Save(phone string, b []ua.Binding) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	if len(b) == 0 {
		delete(f.kept, phone)
	} else {
		f.kept[phone] = slices.Clone(b)
	}
	f.due(bindingsSettle)
	return nil
}

// due plans a write. f.mu is held.
func (f *BindingFile) due(in time.Duration) {
	if f.timer == nil && !f.closed {
		f.timer = time.AfterFunc(in, f.flush)
	}
}

// flush writes what is kept, and plans another try if that fails.
func (f *BindingFile) flush() {
	if err := f.write(); err != nil {
		f.log.Warn("registrations not written; a restart would forget them", "err", err)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.due(bindingsRetry)
	}
}

func (f *BindingFile) write() error {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	f.timer = nil // what changes from here on is another write
	text, err := json.MarshalIndent(f.kept, "", " ")
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return replaceFile(f.path, text)
}

// replaceFile gives path another content: after a crash it has the old one or
// the new one, whole. Only its owner may read it.
func replaceFile(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error is what matters
	}
	return err
}

// Load implements BindingStore. A file that is missing is an empty one; one that
// cannot be understood is an error, and is replaced by the next write.
func (f *BindingFile) Load(context.Context) (map[string][]ua.Binding, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(file, bindingsMax+1))
	if err != nil {
		return nil, err
	}
	if len(text) > bindingsMax {
		return nil, fmt.Errorf("%s is larger than %d MiB", f.path, bindingsMax>>20)
	}
	var kept map[string][]ua.Binding
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return kept, nil
}

// Close writes what is not written yet. It may be called twice; Save fails from
// now on.
func (f *BindingFile) Close() error {
	f.mu.Lock()
	pending := f.timer != nil
	if pending {
		f.timer.Stop()
	}
	f.closed = true
	f.mu.Unlock()
	if pending {
		return f.write()
	}
	f.writing.Lock() // a write under way
	defer f.writing.Unlock()
	return nil
}
