//go:build unix

package recordings

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/dialwright/dialwright/internal/originate"
)

// Whatever a row says, only files below its root are opened.
func TestOpenStaysBelowItsRoot(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "monitor")
	if err := os.CopyFS(dir, fstest.MapFS{
		"secret.txt": {Data: []byte("secret")}, "monitor/click/a.wav": {Data: []byte("audio")}, "monitor/b.wav": {Data: []byte("b")},
	}); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"up.wav": "../secret.txt", "abs.wav": filepath.Join(dir, "secret.txt"), "inside.wav": "click/a.wav"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..", filepath.Join(root, "out")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.wav"), 0o600); err != nil {
		t.Fatal(err)
	}
	table := New(Options{Roots: []Root{{Name: "monitor", Dir: root}, {Name: "nowhere", Dir: filepath.Join(dir, "missing")}}})
	for _, c := range []struct{ root, path, want string }{
		{"monitor", "click/a.wav", "audio"}, {"monitor", "inside.wav", "audio"},
		{"monitor", "../secret.txt", ""}, {"monitor", "click/../../secret.txt", ""}, {"monitor", filepath.Join(dir, "secret.txt"), ""}, {"monitor", "up.wav", ""},
		{"monitor", "abs.wav", ""}, {"monitor", "out/secret.txt", ""}, {"monitor", "pipe.wav", ""}, {"monitor", "click", ""}, {"monitor", "gone.wav", ""},
		{"monitor", "", ""}, {"nowhere", "a.wav", ""}, {"other", "click/a.wav", ""},
	} {
		r := originate.Recording{ID: "r", Root: c.root, Path: c.path}
		f, err := table.Open(r)
		if c.want == "" {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s %s: %v", c.root, c.path, err)
			}
			if s := table.Status(r); !s.Gone || s.Size != 0 {
				t.Errorf("%s %s: %+v", c.root, c.path, s)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		got, err := io.ReadAll(f)
		f.Close()
		if string(got) != c.want || err != nil || table.Status(r) != (Status{Size: int64(len(c.want))}) {
			t.Errorf("%s: %q, %v, %+v", c.path, got, err, table.Status(r))
		}
	}
}

func TestPlace(t *testing.T) {
	table := New(Options{Roots: []Root{{Name: "monitor", Dir: "/spool/monitor"}, {Name: "sounds", Dir: "/sounds"}}})
	for full, want := range map[string][2]string{
		"/spool/monitor/a.wav": {"monitor", "a.wav"}, "/spool/monitor/x/b.wav": {"monitor", "x/b.wav"}, "/sounds/c.gsm": {"sounds", "c.gsm"},
		"/spool/monitors/a.wav": {}, "/spool/monitor": {}, "/etc/passwd": {}, "/spool/monitor/../x": {},
	} {
		root, path, ok := table.place(full)
		if root != want[0] || path != want[1] || ok != (want[0] != "") {
			t.Errorf("%s: %q %q %v", full, root, path, ok)
		}
	}
}
