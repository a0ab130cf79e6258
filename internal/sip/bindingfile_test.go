package sip

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/sip/ua"
)

// kept makes a binding as the file has it.
func kept(t testing.TB, text string) ua.Binding {
	t.Helper()
	var b ua.Binding
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

const oneBinding = `{"contact":"sip:101@192.0.2.7:5062;transport=tcp","path":["sip:edge.example.com;lr"],"expires_at":"2030-01-01T00:00:00Z","q":0.5,` +
	`"user_agent":"Brand 1.0","instance":"urn:uuid:1","received":"192.0.2.7:40000","call_id":"abc@host","cseq":7,"registered_at":"2029-12-31T23:00:00Z"}`

// What is saved comes back whole, with what recognises a late REGISTER; phones
// without bindings are forgotten.
func TestBindingFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registrations.json")
	f := NewBindingFile(path, nil)
	if m, err := f.Load(t.Context()); len(m) != 0 || err != nil {
		t.Errorf("a new file: %v, %v", m, err)
	}
	b := kept(t, oneBinding)
	for phone, list := range map[string][]ua.Binding{"101": {b}, "102": {b, b}} {
		if err := f.Save(phone, list); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Save("102", nil), f.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := f.Save("101", nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("save after close: %v", err)
	}
	m, err := NewBindingFile(path, nil).Load(t.Context())
	if err != nil || len(m) != 1 || len(m["101"]) != 1 {
		t.Fatalf("%v, %v", m, err)
	}
	text, err := json.Marshal(m["101"][0])
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(oneBinding, string(text)); d != "" {
		t.Error(d)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

// Many changes are one write, a second after the first.
func TestBindingFileWritesOncePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "registrations.json")
		f := NewBindingFile(path, nil)
		for range 1000 {
			if err := f.Save("101", []ua.Binding{kept(t, oneBinding)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("written at once: %v", err)
		}
		<-time.After(bindingsSettle + time.Millisecond)
		synctest.Wait()
		if m, err := f.Load(t.Context()); err != nil || len(m) != 1 {
			t.Errorf("%v, %v", m, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A write that fails is tried again; what cannot be read is an error, not a panic.
func TestBindingFileFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "later")
		path := filepath.Join(dir, "registrations.json")
		f := NewBindingFile(path, nil)
		if err := f.Save("101", []ua.Binding{kept(t, oneBinding)}); err != nil {
			t.Fatal(err)
		}
		<-time.After(bindingsSettle + time.Millisecond)
		synctest.Wait()
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		<-time.After(bindingsRetry)
		synctest.Wait()
		if m, err := f.Load(t.Context()); err != nil || len(m) != 1 {
			t.Errorf("after another try: %v, %v", m, err)
		}
		for _, text := range []string{"", "[", `{"101":[{"contact":"nonsense"}]}`, `{"101":[{"contact":"sip:a@b\r\nVia: x"}]}`} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Load(t.Context()); err == nil {
				t.Errorf("%q was read", text)
			}
		}
		if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || strings.Contains(strings.Join(left, ""), "registrations") {
			t.Errorf("left behind: %v, %v", left, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}
