package directory_test

import (
	"testing"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
)

func TestStampFollowsThePassword(t *testing.T) {
	n := directory.Name{Local: "123", Tenant: "tenant.com"}
	d := directory.New(directorytest.Options(&directorytest.Store{}))
	give := func(password string) string {
		t.Helper()
		put(t, d, directory.User{Name: n, Role: directory.RoleUser, Account: "default"}, directory.Secrets{Password: &password})
		return d.Stamp(n)
	}
	if d.Stamp(n) != "" {
		t.Error("an unknown user has a stamp")
	}
	first := give("correct horse battery")
	if first == "" || d.Stamp(n) != first {
		t.Errorf("stamp %q, then %q", first, d.Stamp(n))
	}
	if second := give("another horse battery"); second == first {
		t.Error("the stamp stays with another password")
	}
}

// A session that nobody uses while its user is disabled or gone is over all the same, also for a
// user without a password, whose sessions are opened with tokens.
func TestStampEndsWithTheUser(t *testing.T) {
	n := directory.Name{Local: "123", Tenant: "tenant.com"}
	user := directory.User{Name: n, Role: directory.RoleUser, Account: "default"}
	d := directory.New(directorytest.Options(&directorytest.Store{}))
	put(t, d, user, directory.Secrets{})
	change := func(disabled bool) {
		t.Helper()
		edit := func(u *directory.User) error { u.Disabled = disabled; return nil }
		if err := d.Change(t.Context(), n, edit, directory.Secrets{}, by); err != nil {
			t.Fatal(err)
		}
	}
	first := d.Stamp(n)
	change(false)
	d.Configure(nil, nil, nil)
	if got := d.Stamp(n); got != first || got == "" {
		t.Errorf("stamp %q, then %q with nothing changed", first, got)
	}
	change(true)
	if got := d.Stamp(n); got != "" {
		t.Errorf("a disabled user has the stamp %q", got)
	}
	change(false)
	second := d.Stamp(n)
	if second == first {
		t.Error("the stamp is the same after the user was disabled")
	}
	if err := d.Delete(t.Context(), n, by); err != nil {
		t.Fatal(err)
	}
	put(t, d, user, directory.Secrets{})
	if got := d.Stamp(n); got == second || got == first {
		t.Error("the stamp is the same after the user was removed and made again")
	}
}
