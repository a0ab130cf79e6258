package pbx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// FileRoot is a directory whose files a dialplan may name by their path:
// Playback(/var/spool/dialwright/x), Record(/tmp/y.wav).
type FileRoot struct {
	Path  string // absolute, as the dialplan writes it
	Write bool   // files may be made and changed there
	// Root is the directory, opened: no name and no link leads out of it. nil
	// follows links wherever they lead, as a dialplan that may use any file wants.
	Root *os.Root
}

// fsys gives the directory for reading.
func (r *FileRoot) fsys() fs.FS {
	if r.Root != nil {
		return r.Root.FS()
	}
	return os.DirFS(r.Path)
}

// fileRoot finds the root that holds an absolute path, the deepest first, and
// the path below it. fs.ErrPermission if there is none.
func (s *Switch) fileRoot(name string, write bool) (*FileRoot, string, error) {
	name = path.Clean(name)
	var best *FileRoot
	var below string
	for i := range s.o.Files {
		r := &s.o.Files[i]
		if write && !r.Write || best != nil && len(r.Path) <= len(best.Path) {
			continue
		}
		dir := path.Clean(r.Path)
		if rel, ok := strings.CutPrefix(name, strings.TrimSuffix(dir, "/")+"/"); ok && fs.ValidPath(rel) {
			best, below = r, rel
		}
	}
	if best == nil {
		return nil, "", fmt.Errorf("%s: outside the directories that a dialplan may use: %w", name, fs.ErrPermission)
	}
	return best, below, nil
}

// readable gives the file system and the name in it of an absolute path.
func (s *Switch) readable(name string) (fs.FS, string, error) {
	r, rel, err := s.fileRoot(name, false)
	if err != nil {
		return nil, "", err
	}
	return r.fsys(), rel, nil
}

// ReadFile reads a file by its absolute path, which Options.Files must allow:
// else it gives fs.ErrPermission.
func (s *Switch) ReadFile(name string) ([]byte, error) {
	fsys, rel, err := s.readable(name)
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(fsys, rel)
}

// FileExists reports whether there is a file of that absolute path that may be read.
func (s *Switch) FileExists(name string) bool {
	fsys, rel, err := s.readable(name)
	if err != nil {
		return false
	}
	_, err = fs.Stat(fsys, rel)
	return err == nil
}

// WriteFile opens a file by its absolute path for reading and writing, and makes
// it and its directories if they are missing; what was in it stays if keep is
// set. Options.Files must allow writing there: else it gives fs.ErrPermission.
func (s *Switch) WriteFile(name string, keep bool) (*os.File, error) {
	r, rel, err := s.fileRoot(name, true)
	if err != nil {
		return nil, err
	}
	flags := os.O_RDWR | os.O_CREATE
	if !keep {
		flags |= os.O_TRUNC
	}
	dir := path.Dir(rel)
	if r.Root == nil {
		if err := os.MkdirAll(filepath.Join(r.Path, dir), 0o755); err != nil {
			return nil, err
		}
		return os.OpenFile(filepath.Join(r.Path, rel), flags, 0o640)
	}
	if dir != "." {
		if err := r.Root.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return r.Root.OpenFile(rel, flags, 0o640)
}

// RemoveFile removes a file by its absolute path; one that is not there is no error.
func (s *Switch) RemoveFile(name string) error {
	r, rel, err := s.fileRoot(name, true)
	if err != nil {
		return err
	}
	if r.Root != nil {
		err = r.Root.Remove(rel)
	} else {
		err = os.Remove(filepath.Join(r.Path, rel))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
