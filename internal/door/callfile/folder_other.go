//go:build !linux

package callfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stat describes a name in the folder. When a file was born is not asked for
// here: its content takes the place of that in its key.
func (f *folder) stat(name string) (info, error) {
	st, err := f.root.Lstat(name)
	if err != nil {
		return info{}, err
	}
	return describe(st), nil
}

// statOpen describes an open file.
func statOpen(f *os.File) (info, error) {
	st, err := f.Stat()
	if err != nil {
		return info{}, err
	}
	return describe(st), nil
}

func describe(st fs.FileInfo) info {
	out := info{mode: st.Mode().Perm(), modTime: st.ModTime(), changed: st.ModTime(), size: st.Size(), links: 1}
	switch {
	case st.Mode().IsRegular():
	case st.Mode()&fs.ModeSymlink != 0:
		out.mode |= fs.ModeSymlink
	case st.IsDir():
		out.mode |= fs.ModeDir
	default:
		out.mode |= fs.ModeIrregular
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		out.id = identity{dev: uint64(sys.Dev), ino: uint64(sys.Ino)}
		out.links = uint64(sys.Nlink)
	}
	return out
}

// rename moves a file of the folder to a path.
func (f *folder) rename(name, to string) error { return os.Rename(filepath.Join(f.path, name), to) }

// beingWritten reports whether somebody has a file open for writing. This
// system does not tell.
func beingWritten(*os.File) bool { return false }

// lock would take the folder for this server; here nobody is asked.
func (f *folder) lock() bool { return true }

// setTime gives a file a time, by its name: there is no other way that all systems have.
func (f *folder) setTime(_ *os.File, name string, at time.Time) error {
	return f.root.Chtimes(name, at, at)
}
