package music_test

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/music"
)

// listen reads some of a source: its mean amplitude, and how loud it gets.
func listen(t *testing.T, s media.Source, d time.Duration) (mean, top int) {
	t.Helper()
	pcm := make([]int16, int(d)*s.Rate()/int(time.Second))
	if n, err := s.ReadFrame(pcm); n != len(pcm) || err != nil {
		t.Fatalf("%d of %d samples, %v", n, len(pcm), err)
	}
	for _, v := range pcm {
		mean += max(int(v), -int(v))
		top = max(top, int(v), -int(v))
	}
	return mean / len(pcm), top
}

// The built-in piece is heard all the time, never loudly, and repeats itself.
func TestBuiltin(t *testing.T) {
	s := music.Builtin()
	for sec := range 40 {
		if mean, top := listen(t, s, time.Second); mean < 250 || top > 3700 {
			t.Errorf("second %d: mean %d, top %d", sec, mean, top)
		}
	}
	first, again := music.Builtin(), music.Builtin()
	if err := again.(media.Seeker).SeekTo(16 * time.Second); err != nil {
		t.Fatal(err)
	}
	a, b := make([]int16, 4000), make([]int16, 4000)
	_, _ = first.ReadFrame(a)
	_, _ = again.ReadFrame(b)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("sample %d of the second round differs", i)
		}
	}
}

// BenchmarkBuiltin shows what a party on hold costs.
func BenchmarkBuiltin(b *testing.B) {
	s := music.Builtin()
	pcm := make([]int16, 160)
	for b.Loop() {
		_, _ = s.ReadFrame(pcm)
	}
}

// file writes a sound of so many milliseconds that is one constant.
func file(t *testing.T, path string, value int16, ms int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	var b []byte
	per := 8
	if strings.HasSuffix(path, ".sln16") {
		per = 16
	}
	for range ms * per {
		b = binary.LittleEndian.AppendUint16(b, uint16(value))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestClasses(t *testing.T) {
	dir := t.TempDir()
	file(t, filepath.Join(dir, "moh/b.sln"), 2000, 100)
	file(t, filepath.Join(dir, "moh/a.sln"), 1000, 100)
	file(t, filepath.Join(dir, "moh/a.sln16"), 1000, 100)
	file(t, filepath.Join(dir, "moh/readme.txt"), 1, 1)
	file(t, filepath.Join(dir, "moh/jazz/c.sln"), 3000, 100)
	file(t, filepath.Join(dir, "moh/hollow/c.sln"), 3000, 0)
	file(t, filepath.Join(dir, "other/d.sln"), 4000, 100)
	if err := os.Mkdir(filepath.Join(dir, "moh/none"), 0o755); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "etc")
	if err := os.Mkdir(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	text := "[general]\n[set]\nmode=files\ndirectory=other\nsort=random\n[list]\nmode=playlist\nentry=jazz/c\nentry=" + dir + "/other/d.sln\n" +
		"[program]\nmode=custom\napplication=/usr/bin/mpg123\n[lost]\nmode=files\ndirectory=" + dir + "/nowhere\n"
	if err := os.WriteFile(filepath.Join(conf, "musiconhold.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := music.Library{Dir: filepath.Join(dir, "moh")}
	with := music.Library{Dir: filepath.Join(dir, "moh"), ConfDir: conf, Data: dir, Sounds: filepath.Join(dir, "moh")}
	for _, tt := range []struct {
		lib   music.Library
		class string
		want  []int // amplitudes of the first 100 ms pieces; nil = ErrClass
	}{
		{plain, "", []int{1000, 2000, 1000}},
		{plain, "default", []int{1000, 2000, 1000}},
		{plain, "jazz", []int{3000, 3000}},
		{plain, "none", nil},
		{plain, "nope", nil},
		{plain, "../other", nil},
		{with, "set", []int{4000, 4000}},
		{with, "list", []int{3000, 4000, 3000}},
		{with, "jazz", []int{3000}},
		{with, "program", nil},
		{with, "lost", nil},
		{with, "general", nil},
		{music.Library{}, "jazz", nil},
	} {
		c, problems, err := tt.lib.Class(tt.class)
		if len(problems) > 0 {
			t.Errorf("%s: %v", tt.class, problems)
		}
		if tt.want == nil {
			if !errors.Is(err, music.ErrClass) {
				t.Errorf("%s: %v", tt.class, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.class, err)
			continue
		}
		s, err := c.Open()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range tt.want {
			if mean, _ := listen(t, s, 80*time.Millisecond); mean < want-100 || mean > want+100 { // resampled ones have edges
				t.Errorf("%s, piece %d: %d, want %d", tt.class, i, mean, want)
			}
			listen(t, s, 20*time.Millisecond)
		}
		if err := s.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	}

	c, _, err := plain.Class("hollow")
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.ReadFrame(make([]int16, 160)); n != 0 || err != io.EOF {
		t.Errorf("empty files: %d samples, %v", n, err)
	}
}

// Nobody who waits hears silence: without files, and with a default class that
// is lost, the built-in piece plays.
func TestDefaultIsNeverSilent(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "musiconhold.conf"), []byte("[default]\nmode=files\ndirectory=nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, lib := range []music.Library{{}, {Dir: filepath.Join(dir, "moh")}, {ConfDir: dir}} {
		c, problems, err := lib.Class("")
		if err != nil || (lib.ConfDir != "") != (len(problems) == 1) {
			t.Fatalf("%+v: %v, %v", lib, problems, err)
		}
		s, err := c.Open()
		if err != nil {
			t.Fatal(err)
		}
		if mean, _ := listen(t, s, time.Second); mean < 250 {
			t.Errorf("%+v is silent", lib)
		}
	}
}
