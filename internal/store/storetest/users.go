package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/directory"
)

// RunUsers runs the suite of the users' store. open gives an empty one and closes it by
// t.Cleanup.
func RunUsers(t *testing.T, open func(t *testing.T) directory.Store) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, directory.Store)
	}{
		{"Whole", usersWhole},
		{"Bare", usersBare},
		{"Order", usersOrder},
		{"Delete", usersDelete},
		{"Cancelled", usersCancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.f(t, open(t))
		})
	}
}

func wantUsers(t *testing.T, s directory.Store, want ...directory.Record) {
	t.Helper()
	got, err := s.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func putUser(t *testing.T, s directory.Store, r directory.Record) {
	t.Helper()
	if err := s.PutUser(t.Context(), r, directory.Act{At: time.UnixMilli(1), Name: r.Name}); err != nil {
		t.Fatal(err)
	}
}

// whole is a record with all its fields set.
func whole() directory.Record {
	return directory.Record{
		User: directory.User{
			Name: directory.Name{Local: "123", Tenant: "tenant.com"}, Role: directory.RoleMinter, FirstName: "Ada", LastName: "Möss", Email: "ada@tenant.com",
			Phone: "123", Account: "acme", Disabled: true, Mints: []string{"*@tenant.com"}, ID: "1106", Type: "virtual", Methods: []string{"*"},
			Rules: []directory.Rule{{Min: 11, Max: 11, Prepend: "9"}}, Extensions: []string{"101"}, Numbers: []string{"+49"}, External: new(false),
			AutoAnswer: true, Stored: true, CreatedAt: time.UnixMilli(1_800_000_000_123).UTC(),
		},
		PasswordHash: "$argon2id$…", Digest: "69ad6bfcbf70ac68dc964564f1e5425a", LinkSecret: "sealed:x",
	}
}

// usersWhole keeps and changes every field.
func usersWhole(t *testing.T, s directory.Store) {
	r := whole()
	putUser(t, s, r)
	wantUsers(t, s, r)
	r.FirstName, r.Mints, r.External, r.PasswordHash, r.Disabled = "Eve", nil, nil, "", false
	putUser(t, s, r)
	wantUsers(t, s, r)
}

func usersBare(t *testing.T, s directory.Store) {
	wantUsers(t, s)
	r := directory.Record{User: directory.User{Name: directory.Name{Local: "a'b\"c"}, Role: directory.RoleUser, Stored: true, CreatedAt: time.UnixMilli(1).UTC()}}
	putUser(t, s, r)
	wantUsers(t, s, r)
}

func usersOrder(t *testing.T, s directory.Store) {
	var want []directory.Record
	for _, n := range []directory.Name{{Local: "9"}, {Local: "a"}, {Local: "123", Tenant: "a.example"}, {Local: "A", Tenant: "b.example"}, {Local: "a", Tenant: "b.example"}} {
		want = append(want, directory.Record{User: directory.User{Name: n, Role: directory.RoleUser, Stored: true, CreatedAt: time.UnixMilli(1).UTC()}})
	}
	for _, i := range []int{3, 0, 4, 2, 1} {
		putUser(t, s, want[i])
	}
	wantUsers(t, s, want...)
}

func usersDelete(t *testing.T, s directory.Store) {
	r := whole()
	putUser(t, s, r)
	other := r
	other.Name.Tenant = "other.example"
	putUser(t, s, other)
	for i, want := range []bool{true, false} {
		if existed, err := s.DeleteUser(t.Context(), r.Name, directory.Act{At: time.UnixMilli(1), Name: r.Name}); existed != want || err != nil {
			t.Errorf("delete %d: %v %v", i, existed, err)
		}
	}
	wantUsers(t, s, other)
}

func usersCancelled(t *testing.T, s directory.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Users(ctx); err == nil {
		t.Error("a cancelled read succeeds")
	}
	if err := s.PutUser(ctx, whole(), directory.Act{}); err == nil {
		t.Error("a cancelled write succeeds")
	}
	wantUsers(t, s)
}
