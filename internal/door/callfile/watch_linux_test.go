package callfile

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// raw makes an event as the kernel gives it.
func raw(mask uint32, name string) []byte {
	b := make([]byte, unix.SizeofInotifyEvent, 64)
	b = append(b, name...)
	for n := 16; name != "" && len(b) > unix.SizeofInotifyEvent && (len(b)-unix.SizeofInotifyEvent)%n != 0; {
		b = append(b, 0)
	}
	binary.NativeEndian.PutUint32(b[4:], mask)
	binary.NativeEndian.PutUint32(b[12:], uint32(len(b)-unix.SizeofInotifyEvent))
	return b
}

// An overflow of the kernel's queue, or the end of the watch, says that
// something was missed; events are told once each.
func TestInotifyEvents(t *testing.T) {
	out := newInbox[change](10)
	w := &inotify{out: out}
	var b []byte
	for _, e := range []struct {
		mask uint32
		name string
	}{
		{unix.IN_MOVED_TO, "a"}, {unix.IN_CREATE, "b"}, {unix.IN_CLOSE_WRITE, "b"}, {unix.IN_CLOSE_WRITE, "b"},
		{unix.IN_ATTRIB, "a name longer than sixteen bytes"}, {unix.IN_MOVED_FROM, "a"}, {unix.IN_ATTRIB, ""},
	} {
		b = append(b, raw(e.mask, e.name)...)
	}
	w.tell(b)
	list, missed := out.take()
	want := []change{{"a", written}, {"b", appeared}, {"b", written}, {"a name longer than sixteen bytes", touched}, {"a", left}}
	if d := cmp.Diff(want, list, cmp.AllowUnexported(change{})); d != "" || missed {
		t.Errorf("missed %v, %s", missed, d)
	}
	for _, mask := range []uint32{unix.IN_Q_OVERFLOW, unix.IN_IGNORED, unix.IN_UNMOUNT, unix.IN_MOVE_SELF, unix.IN_DELETE_SELF} {
		w.tell(raw(mask, ""))
		if _, missed := out.take(); !missed {
			t.Errorf("mask %#x does not say that something was missed", mask)
		}
	}
	for range 11 {
		w.tell(raw(unix.IN_MOVED_TO, "x"))
	}
	if list, missed := out.take(); !missed || len(list) != 0 {
		t.Errorf("too many: missed %v, %d left", missed, len(list))
	}
}

// What is written into a file never gives its time to another one that takes its name
// meanwhile.
func TestTimeOfAReplacedFile(t *testing.T) {
	dir := t.TempDir()
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if err := os.WriteFile(filepath.Join(dir, "a.call"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := f.root.OpenFile("a.call", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	now := time.Now().Truncate(time.Second)
	if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chtimes(filepath.Join(dir, "new"), now, now), os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a.call"))); err != nil {
		t.Fatal(err)
	}
	if err := f.setTime(w, "a.call", now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(filepath.Join(dir, "a.call"))
	if err != nil || !st.ModTime().Equal(now) {
		t.Errorf("the new file has the time %v, want %v; %v", st.ModTime(), now, err)
	}
	if old, err := w.Stat(); err != nil || !old.ModTime().Equal(now.Add(time.Hour)) {
		t.Errorf("the old file has the time %v; %v", old.ModTime(), err)
	}
}
