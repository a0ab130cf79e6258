package callfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// maxSize is the largest call file that is read, 10 MiB. Asterisk knows no
// bound; a larger file is a mistake and is refused with that reason.
const maxSize = 10 << 20

// identity is what makes a file the same file, whatever its name and content:
// where it is, and when that inode came to be, because inodes are used again.
type identity struct {
	dev, ino uint64
	born     int64 // Unix nanoseconds; 0 where the file system does not say
}

// info is what is known of a name in the folder. It is about the name itself: of
// a symbolic link, not of where it leads.
type info struct {
	id      identity
	mode    fs.FileMode
	modTime time.Time
	changed time.Time // ctime: the newest change of content, name or rights
	size    int64
	links   uint64
}

// folder is the open folder. Names are single elements as the folder itself
// lists them; nothing outside is reached, however the names or links are made.
type folder struct {
	path string
	root *os.Root
	dir  *os.File // the folder itself
	info info
	ours bool // no other server takes its files; see lock
}

// openFolder opens a folder, making it if it is missing.
func openFolder(path string) (*folder, error) {
	// Asterisk: pbx_spool.c load_module, 0777 less the umask.
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	f := &folder{path: path, root: root}
	if f.dir, err = root.Open("."); err == nil {
		f.info, err = f.stat(".")
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *folder) close() error {
	err := f.root.Close()
	if f.dir != nil {
		err = errors.Join(err, f.dir.Close())
	}
	return err
}

// moved reports whether the path means another folder by now, or none.
func (f *folder) moved() bool {
	st, err := os.Stat(f.path)
	if err != nil {
		return true
	}
	own, err := f.dir.Stat()
	return err != nil || !os.SameFile(st, own)
}

// list gives the names in the folder.
func (f *folder) list() ([]string, error) {
	d, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// modTime gives when a file is due: the time of what a link leads to, as
// Asterisk's stat sees it. The error may be that a link leads out.
func (f *folder) modTime(name string, st info) (time.Time, error) {
	if st.mode&fs.ModeSymlink == 0 {
		return st.modTime, nil
	}
	to, err := f.root.Stat(name)
	if err != nil {
		return time.Time{}, err
	}
	return to.ModTime(), nil
}

// unusable is why a file can never be read, in words for its owner.
type unusable struct{ reason string }

// Error gives the reason.
func (u *unusable) Error() string { return u.reason }

// read gives the content of a file. writing reports that somebody has it open for
// writing, as far as the system tells. The error is *unusable if waiting cannot help.
func (f *folder) read(name string, ask bool) (text []byte, writing bool, err error) {
	// Not blocking: what was a file a moment ago may be a FIFO now.
	r, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	st, err := r.Stat()
	switch {
	case err != nil:
		return nil, false, err
	case !st.Mode().IsRegular():
		return nil, false, &unusable{"it leads to something that is no file"}
	case st.Size() > maxSize:
		return nil, false, &unusable{fmt.Sprintf("it has %d bytes; at most %d are read", st.Size(), maxSize)}
	}
	if ask && beingWritten(r) {
		return nil, true, nil
	}
	text, err = io.ReadAll(io.LimitReader(r, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = &unusable{fmt.Sprintf("it grew beyond %d bytes", maxSize)}
	}
	return text, false, err
}

// append adds text to a file if its name still means it, and sets its time; zero
// leaves the time as it was before. What a link leads to is appended to.
func (f *folder) append(name string, id identity, text string, at time.Time) error {
	w, err := f.root.OpenFile(name, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	before, err := statOpen(w)
	if err == nil && before.id != id {
		if link, lerr := f.stat(name); lerr != nil || link.id != id {
			err = errReplaced
		}
	}
	if err == nil && !before.mode.IsRegular() {
		err = errReplaced
	}
	if at.IsZero() {
		at = before.modTime
	}
	if err == nil {
		_, err = w.WriteString(text)
	}
	if err == nil {
		// By the open file: another may have its name by now, and has a time of its own.
		// Not allowed for a file of somebody else's: the line counts (spec: callfile 5.6).
		if err = f.setTime(w, name, at); errors.Is(err, fs.ErrPermission) {
			err = nil
		}
	}
	return errors.Join(err, w.Close())
}

// errReplaced says that a name does not mean the file any more that it meant.
var errReplaced = errors.New("another file has this name now")

// remove unlinks a file if its name still means it.
func (f *folder) remove(name string, id identity) error {
	st, err := f.stat(name)
	if err != nil {
		return err
	}
	if st.id != id {
		return errReplaced
	}
	return f.root.Remove(name)
}

// moveOut moves a file into another folder if its name still means it, and gives
// its new path. With overwrite a file there is replaced, otherwise a number is
// added to the name (spec: callfile 9, W11).
func (f *folder) moveOut(name string, id identity, dir string, overwrite bool) (string, error) {
	st, err := f.stat(name)
	if err != nil {
		return "", err
	}
	if st.id != id {
		return "", errReplaced
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	to := filepath.Join(dir, name)
	if !overwrite {
		to = free(to)
	}
	err = f.rename(name, to)
	if errors.Is(err, syscall.EXDEV) {
		err = f.copyOut(name, st, to)
	}
	return to, err
}

// free adds a number to a path until there is nothing of that name. Only this
// door writes into the folders that it moves files to.
func free(to string) string {
	dir, name := filepath.Split(to)
	for n := 1; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return to
		}
		suffix := fmt.Sprintf(".%d", n)
		to = filepath.Join(dir, name[:min(len(name), maxName-len(suffix))]+suffix)
	}
}

// maxName is how long a file name may be on the usual file systems.
const maxName = 255

// copyOut moves a file to another file system: it is removed when the copy is on
// the disk. A link is copied as the link that it is.
func (f *folder) copyOut(name string, st info, to string) error {
	tmp := filepath.Join(filepath.Dir(to), ".copying-"+fmt.Sprint(st.id.ino))
	defer os.Remove(tmp)
	if st.mode&fs.ModeSymlink != 0 {
		target, err := f.root.Readlink(name)
		if err == nil {
			err = os.Symlink(target, tmp)
		}
		if err != nil {
			return err
		}
	} else if err := f.copyFile(name, st, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, to); err != nil {
		return err
	}
	return f.remove(name, st.id)
}

func (f *folder) copyFile(name string, st info, tmp string) error {
	r, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, st.mode.Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	if err == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}

// appendStatus adds the last line to a file that was moved out.
func appendStatus(path string, text string, compat bool) error {
	w, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	st, err := w.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errReplaced
	}
	last := make([]byte, 1)
	if err == nil && !compat && st.Size() > 0 {
		if _, rerr := w.ReadAt(last, st.Size()-1); rerr == nil && wire.Glued(last) {
			text = "\n" + text
		}
	}
	if err == nil {
		_, err = w.WriteString(text)
	}
	return errors.Join(err, w.Close())
}
