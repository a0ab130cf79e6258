package recordings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dialwright/dialwright/internal/originate"
)

// Status is what is known of a recording's file now.
type Status struct {
	Live bool  // it is being written
	Gone bool  // it is not there, or is no file
	Size int64 // bytes, 0 when it is gone
}

// Status looks at the file of a recording.
func (t *Table) Status(r originate.Recording) Status {
	t.mu.Lock()
	_, live := t.live[r.ID]
	t.mu.Unlock()
	root, err := t.root(r)
	if err != nil {
		return Status{Gone: true}
	}
	defer root.Close()
	info, err := root.Stat(filepath.FromSlash(r.Path))
	if err != nil || !info.Mode().IsRegular() {
		return Status{Gone: true}
	}
	return Status{Live: live, Size: info.Size()}
}

// Open opens the file of a recording for reading. It is fs.ErrNotExist if the file is gone,
// if something else is in its place, or if its path leads out of the root.
func (t *Table) Open(r originate.Recording) (*os.File, error) {
	root, err := t.root(r)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name := filepath.FromSlash(r.Path)
	info, err := root.Stat(name) // before it is opened: a pipe would wait for its other end
	if err != nil || !info.Mode().IsRegular() {
		return nil, gone(r.Path, err)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, gone(r.Path, err)
	}
	return f, nil
}

// gone turns what keeps a file from being found into fs.ErrNotExist: for a path that leads
// out of its root os has no error of its own.
func gone(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func (t *Table) root(r originate.Recording) (*os.Root, error) {
	for _, known := range t.o.Roots {
		if known.Name == r.Root {
			return os.OpenRoot(known.Dir)
		}
	}
	return nil, gone(r.Path, nil)
}

// Since is how long a recording that is being written has run, 0 for others.
func (t *Table) Since(r originate.Recording) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at, ok := t.live[r.ID]; ok {
		return time.Since(at)
	}
	return 0
}
