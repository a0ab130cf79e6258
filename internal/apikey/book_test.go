package apikey_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/apikey"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// shelf is a book with its store and who checks its keys.
type shelf struct {
	*apikey.Book
	t     *testing.T
	store *sqlite.Store
	keys  *auth.Keys
}

func open(t *testing.T, path string) *shelf {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.NewKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := apikey.Open(t.Context(), apikey.Options{Store: store, Keys: keys, Account: func(a call.AccountID) bool { return a == "sales" }})
	if err != nil {
		t.Fatal(err)
	}
	return &shelf{b, t, store, keys}
}

func (s *shelf) check(key string, want error) {
	s.t.Helper()
	if _, err := s.keys.Check(s.t.Context(), key, "192.0.2.1"); !errors.Is(err, want) {
		s.t.Errorf("key: %v, want %v", err, want)
	}
}

// A stored key lives until it is revoked, also over a restart; the configuration wins by name;
// what is in use when it is revoked ends at once.
func TestLifeOfAKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	s := open(t, path)
	by := apikey.By{Name: "local", Door: "cli", Principal: "local"}
	draft := apikey.Key{Name: "crm", Account: "sales", Scopes: []auth.Scope{auth.CallsWrite, auth.CallsRead, auth.CallsRead}}
	made, secret, err := s.Create(t.Context(), draft, by)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Scopes) != 2 || made.Scopes[0] != auth.CallsRead || !made.Stored || made.CreatedBy != "local" {
		t.Errorf("%+v", made)
	}
	s.check(secret, nil)
	s.check(secret, nil) // remembered
	if _, _, err := s.Create(t.Context(), draft, by); !errors.Is(err, apikey.ErrExists) {
		t.Errorf("the same name: %v", err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, path)
	defer s.store.Close()
	s.check(secret, auth.ErrWrongKey) // nothing is in force before the configuration is
	hash := auth.CheapHash("dw_crm_other")
	if err := s.Configure([]auth.Entry{{Name: "crm", Hash: hash, Scopes: []auth.Scope{auth.Admin}}}); err != nil {
		t.Fatal(err)
	}
	s.check(secret, auth.ErrWrongKey)
	s.check("dw_crm_other", nil)
	if list, err := s.List(t.Context()); err != nil || len(list) != 1 || list[0].Stored {
		t.Errorf("%+v, %v", list, err)
	}
	if err := s.Configure([]auth.Entry{{Name: "bad", Hash: "no hash"}}); err == nil {
		t.Error("a hash that cannot be read was taken")
	}
	s.check("dw_crm_other", nil) // nothing has changed
	if err := s.Configure(nil); err != nil {
		t.Fatal(err)
	}
	s.check("dw_crm_other", auth.ErrWrongKey)
	s.check(secret, nil)
	p, err := s.keys.Check(t.Context(), secret, "192.0.2.1")
	if err != nil || !s.keys.Lasts(p) {
		t.Fatalf("%v, lasts %v", err, s.keys.Lasts(p))
	}
	if _, err := s.Revoke(t.Context(), "crm", apikey.By{Name: "key:boss", Door: "rest", Principal: "boss"}); err != nil {
		t.Fatal(err)
	}
	s.check(secret, auth.ErrWrongKey)
	if s.keys.Lasts(p) {
		t.Error("what was opened by the key goes on")
	}
	if _, err := s.Revoke(t.Context(), "crm", by); !errors.Is(err, apikey.ErrUnknown) {
		t.Errorf("revoked again: %v", err)
	}
	// Uses are counted by name: four of this key, two of the one that hid it.
	list, err := s.List(t.Context())
	if err != nil || len(list) != 1 || list[0].RevokedBy != "key:boss" || list[0].Use.Times != 6 || time.Since(list[0].Use.LastAt) > time.Minute {
		t.Errorf("%+v, %v", list, err)
	}
	_, second, err := s.Create(t.Context(), draft, by)
	if err != nil {
		t.Fatal(err)
	}
	s.check(secret, auth.ErrWrongKey) // the old one stays dead
	s.check(second, nil)
	if list, err := s.List(t.Context()); err != nil || list[0].Use.Times != 1 || !list[0].RevokedAt.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
}

// What cannot be a key is said by the field.
func TestDraftsOfKeys(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "calls.db"))
	defer s.store.Close()
	if err := s.Configure([]auth.Entry{{Name: "conf", Hash: auth.CheapHash("dw_conf_x")}}); err != nil {
		t.Fatal(err)
	}
	all := []auth.Scope{auth.CallsRead}
	for _, c := range []struct {
		k     apikey.Key
		field string
	}{
		{apikey.Key{Name: "", Scopes: all}, "name"},
		{apikey.Key{Name: "a b", Scopes: all}, "name"},
		{apikey.Key{Name: "a\r\nb", Scopes: all}, "name"},
		{apikey.Key{Name: "<script>", Scopes: all}, "name"},
		{apikey.Key{Name: "local", Scopes: all}, "name"},
		{apikey.Key{Name: "console:1", Scopes: all}, "name"},
		{apikey.Key{Name: "a", Account: "nobody", Scopes: all}, "account"},
		{apikey.Key{Name: "a"}, "scopes"},
		{apikey.Key{Name: "a", Scopes: []auth.Scope{"root"}}, "scopes"},
	} {
		_, _, err := s.Create(t.Context(), c.k, apikey.By{})
		if e, ok := errors.AsType[*apikey.Invalid](err); !ok || e.Field != c.field {
			t.Errorf("%+v: %v, want %s", c.k, err, c.field)
		}
	}
	if _, _, err := s.Create(t.Context(), apikey.Key{Name: "conf", Scopes: all}, apikey.By{}); !errors.Is(err, apikey.ErrConfigured) {
		t.Errorf("a name of the configuration: %v", err)
	}
	if _, err := s.Revoke(t.Context(), "conf", apikey.By{}); !errors.Is(err, apikey.ErrConfigured) {
		t.Errorf("revoke one of the configuration: %v", err)
	}
	if _, err := s.Revoke(t.Context(), "nobody", apikey.By{}); !errors.Is(err, apikey.ErrUnknown) {
		t.Errorf("revoke nobody's: %v", err)
	}
}

// Uses that cannot be stored are not lost, and the last are stored at the end.
func TestUsesAreKept(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "calls.db"))
	if err := s.Configure(nil); err != nil {
		t.Fatal(err)
	}
	_, secret, err := s.Create(t.Context(), apikey.Key{Name: "crm", Scopes: []auth.Scope{auth.CallsRead}}, apikey.By{})
	if err != nil {
		t.Fatal(err)
	}
	s.check(secret, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.Keep(gone, time.Hour, func(err error) { t.Error(err) })
	uses, err := s.store.APIKeyUses(t.Context())
	if err != nil || uses["crm"].Times != 1 {
		t.Errorf("%v, %v", uses, err)
	}
	s.check(secret, nil)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err == nil {
		t.Error("stored in a store that is closed")
	}
	if left := s.keys.TakeUses(); left["crm"].Times != 1 {
		t.Errorf("left: %v", left)
	}
}
