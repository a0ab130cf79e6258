package callfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// stat describes a name in the folder.
func (f *folder) stat(name string) (info, error) {
	return statx(f.dir, name, unix.AT_SYMLINK_NOFOLLOW)
}

// statOpen describes an open file.
func statOpen(f *os.File) (info, error) { return statx(f, "", unix.AT_EMPTY_PATH) }

func statx(at *os.File, name string, flags int) (info, error) {
	var st unix.Statx_t
	for {
		err := unix.Statx(int(at.Fd()), name, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return info{}, &fs.PathError{Op: "statx", Path: name, Err: err}
		}
	}
	out := info{
		id:      identity{dev: unix.Mkdev(st.Dev_major, st.Dev_minor), ino: st.Ino},
		mode:    fs.FileMode(st.Mode & 0o777),
		modTime: time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec)), changed: time.Unix(st.Ctime.Sec, int64(st.Ctime.Nsec)),
		size: int64(st.Size), links: uint64(st.Nlink),
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		out.id.born = st.Btime.Sec*1e9 + int64(st.Btime.Nsec)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFLNK:
		out.mode |= fs.ModeSymlink
	case unix.S_IFDIR:
		out.mode |= fs.ModeDir
	default:
		out.mode |= fs.ModeIrregular
	}
	return out, nil
}

// rename moves a file of the folder to a path.
func (f *folder) rename(name, to string) error {
	if err := unix.Renameat(int(f.dir.Fd()), name, unix.AT_FDCWD, to); err != nil {
		return &os.LinkError{Op: "rename", Old: filepath.Join(f.path, name), New: to, Err: err}
	}
	return nil
}

// beingWritten reports whether somebody has a file open for writing: only then
// does the kernel refuse a lease for reading (fcntl(2), F_SETLEASE). Leases are
// for one's own files on local file systems; elsewhere nobody can tell, and the
// answer is no.
func beingWritten(f *os.File) bool {
	fd := f.Fd()
	if _, err := unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return err == unix.EAGAIN
	}
	_, _ = unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_UNLCK) // closing the file does the same
	return false
}

// lock takes the folder for this server until it is closed, or reports that another
// has it. A kernel or file system without such locks gives it to everybody.
func (f *folder) lock() bool {
	err := unix.Flock(int(f.dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	return err != unix.EWOULDBLOCK
}

// setTime gives an open file a time, whatever has its name.
func (f *folder) setTime(w *os.File, name string, at time.Time) error {
	ts := unix.NsecToTimespec(at.UnixNano())
	err := unix.UtimesNanoAt(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", w.Fd()), []unix.Timespec{ts, ts}, 0)
	if errors.Is(err, fs.ErrNotExist) { // there is no /proc
		return f.root.Chtimes(name, at, at)
	}
	return err
}
