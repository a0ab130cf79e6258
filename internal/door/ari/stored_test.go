package ari

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// storedIn gives a server whose recordings directory holds the files, each with its
// own name as content.
func storedIn(t testing.TB, files ...string) (*Server, string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &Server{o: Options{Recordings: root}, log: slog.New(slog.DiscardHandler)}, dir
}

// askStored asks for an operation on a stored recording.
func askStored(ctx context.Context, s *Server, op, name, to string) (response, error) {
	q := &request{path: map[string]string{"recordingName": name}}
	if to != "" {
		q.params.Body = map[string]any{"destinationRecordingName": to}
	}
	return s.recordingOperations()["recordings."+op](ctx, q)
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Status != status {
		t.Errorf("error %v, want status %d", err, status)
	}
}

func TestStoredRecordingsAreListedRecursively(t *testing.T) {
	s, dir := storedIn(t, "zz.wav", "rec/one.wav", "rec/one.gsm", "rec/deep/er/x.ulaw", "a.b.sln16", "notes.txt", "noending", ".wav", "rec/.hidden")
	if err := os.Mkdir(filepath.Join(dir, "folder.wav"), 0o755); err != nil {
		t.Fatal(err)
	}
	// A link within the directory counts, one that leads out of it does not.
	for link, to := range map[string]string{"link.wav": "zz.wav", "out.wav": "/etc/hostname"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := askStored(t.Context(), s, "listStored", "", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []wire.StoredRecording{
		{Name: "a.b", Format: "sln16"}, {Name: "link", Format: "wav"}, {Name: "rec/deep/er/x", Format: "ulaw"},
		{Name: "rec/one", Format: "gsm"}, {Name: "rec/one", Format: "wav"}, {Name: "zz", Format: "wav"},
	}
	if d := cmp.Diff(want, r.body); d != "" {
		t.Error(d)
	}
}

func TestStoredRecordingsAreFoundByName(t *testing.T) {
	s, dir := storedIn(t, "rec/one.gsm", "rec/one.wav", "rec/two.ulaw")
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "outside.wav"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, format := range map[string]string{
		"rec/one": "wav", "rec/two": "ulaw", "rec/three": "", "rec": "", "rec/one.wav": "", "../outside": "",
		"rec/../rec/one": "", "/rec/one": "", "": "", ".": "", "..": "", "rec/one\x00": "",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := askStored(t.Context(), s, "getStored", name, "")
			if format == "" {
				wantStatus(t, err, http.StatusNotFound)
				return
			}
			if d := cmp.Diff(wire.StoredRecording{Name: name, Format: format}, r.body); err != nil || d != "" {
				t.Error(err, d)
			}
		})
	}
}

func TestStoredFileIsSentWithItsType(t *testing.T) {
	s, _ := storedIn(t, "rec/one.ulaw")
	r, err := askStored(t.Context(), s, "getStoredFile", "rec/one", "")
	if err != nil {
		t.Fatal(err)
	}
	defer r.file.Close()
	text, err := io.ReadAll(r.file)
	if err != nil || string(text) != "rec/one.ulaw" || r.fileType != "audio/ulaw" {
		t.Errorf("%q of type %q, %v", text, r.fileType, err)
	}
	_, err = askStored(t.Context(), s, "getStoredFile", "rec/two", "")
	wantStatus(t, err, http.StatusNotFound)

	q := &request{path: map[string]string{"recordingName": "rec/one"}, overWS: true}
	_, err = s.getStoredFile(t.Context(), q)
	wantStatus(t, err, http.StatusNotAcceptable)
}

func TestCopyOfAStoredRecording(t *testing.T) {
	s, dir := storedIn(t, "rec/one.wav", "taken.gsm")
	r, err := askStored(t.Context(), s, "copyStored", "rec/one", "new/folder/two")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(wire.StoredRecording{Name: "new/folder/two", Format: "wav"}, r.body); d != "" {
		t.Error(d)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "new/folder/two.wav")); err != nil || string(text) != "rec/one.wav" {
		t.Errorf("copy holds %q, %v", text, err)
	}
	for _, c := range []struct {
		name, from, to string
		status         int
	}{
		{"again", "rec/one", "new/folder/two", http.StatusConflict},
		{"name in use in another format", "rec/one", "taken", http.StatusConflict},
		{"no source", "nosuch", "x", http.StatusNotFound},
		{"no name", "rec/one", "", http.StatusBadRequest},
		{"out of the directory", "rec/one", "../x", http.StatusBadRequest},
		{"absolute", "rec/one", "/tmp/x", http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := askStored(t.Context(), s, "copyStored", c.from, c.to)
			wantStatus(t, err, c.status)
		})
	}
}

// A client that goes away in the middle leaves no half copy.
func TestCopyEndsWithItsClient(t *testing.T) {
	s, dir := storedIn(t, "one.wav")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := askStored(gone, s, "copyStored", "one", "two"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "two.wav")); !os.IsNotExist(err) {
		t.Errorf("the copy is there: %v", err)
	}
	if _, err := askStored(gone, s, "listStored", "", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("list: error %v, want context.Canceled", err)
	}
}

func TestDeletedRecordingIsGone(t *testing.T) {
	s, dir := storedIn(t, "rec/one.wav")
	if r, err := askStored(t.Context(), s, "deleteStored", "rec/one", ""); err != nil || r.status != http.StatusNoContent {
		t.Errorf("status %d, %v", r.status, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "rec/one.wav")); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
	_, err := askStored(t.Context(), s, "deleteStored", "rec/one", "")
	wantStatus(t, err, http.StatusNotFound)
}

func TestNoRecordingsDirectory(t *testing.T) {
	s := &Server{}
	if r, err := askStored(t.Context(), s, "listStored", "", ""); err != nil || !cmp.Equal(r.body, []wire.StoredRecording{}) {
		t.Errorf("list %#v, %v", r.body, err)
	}
	for _, op := range []string{"getStored", "deleteStored", "getStoredFile", "copyStored"} {
		_, err := askStored(t.Context(), s, op, "x", "y")
		wantStatus(t, err, http.StatusNotFound)
	}
}

func BenchmarkListStored(b *testing.B) {
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf("day%02d/call-%05d.wav", i%30, i)
	}
	s, _ := storedIn(b, names...)
	for b.Loop() {
		r, err := askStored(b.Context(), s, "listStored", "", "")
		if err != nil || len(r.body.([]wire.StoredRecording)) != len(names) {
			b.Fatal(err)
		}
	}
}

// FuzzStoredRecording: what is listed is found again by its name.
func FuzzStoredRecording(f *testing.F) {
	for _, name := range []string{"a.wav", "a/b.WAV", ".wav", "a/.wav", "a.", "a..gsm", "a.wav.gsm", "x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, file string) {
		r, ok := storedRecording(file)
		if !ok {
			return
		}
		if fileName(r) != file || r.Name == "" || strings.HasSuffix(r.Name, "/") {
			t.Errorf("%q gives %+v", file, r)
		}
	})
}
