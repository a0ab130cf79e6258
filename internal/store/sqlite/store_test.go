package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/dialwright/dialwright/internal/apikey"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/storetest"
)

// open1 opens a fresh store. Tests that are not about a power loss do without fsync.
func open1(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "calls.db")
	}
	if o.Synchronous == "" {
		o.Synchronous = "OFF"
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) originate.Store { return open1(t, Options{}) })
}

func TestDatabase(t *testing.T) {
	storetest.RunDatabase(t, func(t *testing.T) storetest.Database { return open1(t, Options{}) })
}

func TestUsers(t *testing.T) {
	storetest.RunUsers(t, func(t *testing.T) directory.Store { return open1(t, Options{}) })
}

func TestAPIKeys(t *testing.T) {
	storetest.RunAPIKeys(t, func(t *testing.T) apikey.Store { return open1(t, Options{}) })
}
