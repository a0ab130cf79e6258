package callfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inotify watches a folder (spec: callfile 1.1). It is used directly: fsnotify
// does not tell that a writer has closed a file, and only that says that a file
// is complete.
type inotify struct {
	f    *os.File
	out  *inbox[change]
	done sync.WaitGroup
}

const inotifyMask = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_CREATE | unix.IN_ATTRIB | unix.IN_DELETE | unix.IN_MOVED_FROM |
	unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

// watch begins to tell out of changes in f.
func (f *folder) watch(out *inbox[change]) (watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	w := &inotify{f: os.NewFile(uintptr(fd), "inotify"), out: out}
	// By the open folder, whatever has become of its path.
	if _, err := unix.InotifyAddWatch(fd, fmt.Sprintf("/proc/self/fd/%d", f.dir.Fd()), inotifyMask); err != nil {
		if _, err = unix.InotifyAddWatch(fd, f.path, inotifyMask); err != nil {
			return nil, errors.Join(fmt.Errorf("watch %s: %w", f.path, err), w.f.Close())
		}
	}
	w.done.Go(w.run)
	return w, nil
}

func (w *inotify) close() {
	w.f.Close()
	w.done.Wait()
}

func (w *inotify) run() {
	buf := make([]byte, 64<<10)
	for {
		n, err := w.f.Read(buf)
		if err != nil {
			return
		}
		w.tell(buf[:n])
	}
}

// tell takes events as the kernel gives them (inotify(7)):
//
//	| wd int32 | mask uint32 | cookie uint32 | len uint32 | name [len]byte, NUL-padded |
func (w *inotify) tell(b []byte) {
	var list []change
	for len(b) >= unix.SizeofInotifyEvent {
		e := (*unix.InotifyEvent)(unsafe.Pointer(&b[0]))
		end := unix.SizeofInotifyEvent + int(e.Len)
		name := string(bytes.TrimRight(b[unix.SizeofInotifyEvent:end], "\x00"))
		b = b[end:]
		switch {
		case e.Mask&(unix.IN_Q_OVERFLOW|unix.IN_IGNORED|unix.IN_UNMOUNT|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF) != 0:
			w.out.put(list...)
			list = nil
			w.out.lose()
		case name == "":
		default:
			list = add(list, change{name, kind(e.Mask)})
		}
	}
	if len(list) > 0 {
		w.out.put(list...)
	}
}

func kind(mask uint32) what {
	switch {
	case mask&(unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO) != 0:
		return written
	case mask&unix.IN_CREATE != 0:
		return appeared
	case mask&unix.IN_ATTRIB != 0:
		return touched
	}
	return left
}

// add appends a change unless it repeats the one before.
func add(list []change, c change) []change {
	if n := len(list); n > 0 && list[n-1] == c {
		return list
	}
	return append(list, c)
}
