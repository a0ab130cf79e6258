package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSeal(t *testing.T) {
	b := New([KeySize]byte{1})
	for _, plain := range []string{"", "password", "pässwörd", strings.Repeat("x", 4096), "sealed:not really"} {
		s := b.Seal(plain)
		if !Sealed(s) || plain != "" && strings.Contains(s, plain) {
			t.Errorf("sealed %q: %q", plain, s)
		}
		if s == b.Seal(plain) {
			t.Errorf("%q is sealed twice the same", plain)
		}
		if got, err := b.Open(s); got != plain || err != nil {
			t.Errorf("open gives %q %v, want %q", got, err, plain)
		}
	}
}

// TestTampered changes every bit of a sealed text.
func TestTampered(t *testing.T) {
	b := New([KeySize]byte{1})
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(b.Seal("secret"), prefix))
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) != 12+len("secret")+16 {
		t.Errorf("%d bytes", len(raw))
	}
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			if got, err := b.Open(prefix + base64.RawURLEncoding.EncodeToString(raw)); !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d bit %d changed: %q %v", i, bit, got, err)
			}
			raw[i] ^= 1 << bit
		}
	}
	for n := range raw {
		if _, err := b.Open(prefix + base64.RawURLEncoding.EncodeToString(raw[:n])); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d: %v", n, err)
		}
	}
}

func TestOpenWrong(t *testing.T) {
	b := New([KeySize]byte{1})
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"plain", "secret", ErrNotSealed},
		{"empty", "", ErrNotSealed},
		{"nothing sealed", "sealed:", ErrDamaged},
		{"not base64", "sealed:***", ErrDamaged},
		{"padded", b.Seal("ab") + "=", ErrDamaged},
		{"other key", New([KeySize]byte{2}).Seal("secret"), ErrDamaged},
	} {
		if got, err := b.Open(c.text); got != "" || !errors.Is(err, c.want) {
			t.Errorf("%s: %q %v, want %v", c.name, got, err, c.want)
		}
	}
}

func TestKeys(t *testing.T) {
	b := New([KeySize]byte{1})
	links := b.Key("links")
	if len(links) != KeySize || !bytes.Equal(links, New([KeySize]byte{1}).Key("links")) {
		t.Error("the key of a purpose is not always the same")
	}
	for name, other := range map[string][]byte{
		"another purpose": b.Key("link"), "another box": New([KeySize]byte{2}).Key("links"), "what seals": b.Key("seal"), "the root": b.root[:],
	} {
		if bytes.Equal(links, other) {
			t.Errorf("%s has the same key", name)
		}
	}
}

func TestOpenDir(t *testing.T) {
	dir := t.TempDir()
	b, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, FileName)
	if i, err := os.Stat(file); err != nil || i.Mode().Perm() != 0o600 || i.Size() != KeySize {
		t.Fatalf("key file: %v %v", i, err)
	}
	s := b.Seal("secret")
	again, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(s); got != "secret" || err != nil {
		t.Errorf("after a restart: %q %v", got, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), "chmod 600 "+file) {
		t.Errorf("a key that others may read: %v", err)
	}
}

func TestOpenDirWrong(t *testing.T) {
	if _, err := OpenDir(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing directory is no error")
	}
	for name, content := range map[string]string{"empty": "", "short": "abc", "long": strings.Repeat("x", KeySize+1)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), "is not a key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOpenDirAtOnce has many make the key of one directory; all end up with the same.
func TestOpenDirAtOnce(t *testing.T) {
	dir := t.TempDir()
	keys := make([][]byte, 16)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			b, err := OpenDir(dir)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = b.Key("links")
		})
	}
	all.Wait()
	for i, k := range keys {
		if !bytes.Equal(k, keys[0]) {
			t.Errorf("opener %d has a key of its own", i)
		}
	}
}

func FuzzOpen(f *testing.F) {
	b := New([KeySize]byte{1})
	f.Add(b.Seal("x"))
	f.Add("sealed:")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if plain, err := b.Open(s); err == nil && !Sealed(s) {
			t.Errorf("%q opened to %q", s, plain)
		}
	})
}
