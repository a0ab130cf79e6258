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
