package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
)

var by = directory.By{Door: "cli", Principal: "local", Remote: "192.0.2.1"}

// put makes a user, or gives one that is there all of u and s.
func put(t *testing.T, d *directory.Directory, u directory.User, s directory.Secrets) {
	t.Helper()
	err := d.Create(t.Context(), u, s, by)
	if errors.Is(err, directory.ErrExists) {
		err = d.Change(t.Context(), u.Name, func(now *directory.User) error { *now = u; return nil }, s, by)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestChange(t *testing.T) {
	store := new(directorytest.Store)
	d := directory.New(directorytest.Options(store))
	directorytest.Configure(t, d, nil, person{Name: "1", Password: "configured", User: directory.User{ID: "11"}})
	ctx, n := t.Context(), name(t, "123@tenant.com")
	u := directory.User{Name: n, Role: directory.RoleUser, FirstName: "Ada", LastName: "Moss", ID: "1106", Account: "acme"}
	put := func(u directory.User, s directory.Secrets) {
		t.Helper()
		put(t, d, u, s)
	}
	put(u, directory.Secrets{Password: new("password"), Digest: true, Realm: "Switchvox", LinkSecret: new("link")})
	got, _ := d.User(n)
	if !got.Stored || got.CreatedAt.IsZero() || !got.HasPassword || !got.HasDigest || !got.HasLink || got.Display() != "Ada Moss" {
		t.Errorf("new user: %+v", got)
	}
	if ha1, _ := d.DigestHA1(n); ha1 != directory.HA1("123", "Switchvox", "password") {
		t.Errorf("HA1 %q", ha1)
	}
	stored, _ := store.Users(ctx)
	if len(stored) != 1 || strings.Contains(fmt.Sprint(stored), "password") || !strings.HasPrefix(stored[0].LinkSecret, "sealed:") {
		t.Error("a secret is stored in plain text")
	}
	made := got.CreatedAt

	u.FirstName = "Eve"
	put(u, directory.Secrets{})
	if s, _ := d.LinkSecret(n); s != "link" || !d.CheckPassword(ctx, n, "password") {
		t.Error("secrets that were not named have changed")
	}
	if got, _ := d.User(n); got.FirstName != "Eve" || !got.CreatedAt.Equal(made) {
		t.Errorf("changed: %+v", got)
	}

	put(u, directory.Secrets{Password: new("password2")})
	if _, ok := d.DigestHA1(n); ok || d.CheckPassword(ctx, n, "password") || !d.CheckPassword(ctx, n, "password2") {
		t.Error("the old password is still good, by itself or as HA1")
	}
	put(u, directory.Secrets{Password: new(""), LinkSecret: new("")})
	if got, _ := d.User(n); got.HasPassword || got.HasLink || d.CheckPassword(ctx, n, "") {
		t.Errorf("secrets were not removed: %+v", got)
	}
	put(u, directory.Secrets{Password: new("1234"), Force: true})

	again := directory.New(directorytest.Options(store))
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	if !again.CheckPassword(ctx, n, "1234") {
		t.Error("after a restart the user is another")
	}
	if err := d.Delete(ctx, n, by); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.User(n); ok {
		t.Error("the user is still there")
	}
	if err := d.Delete(ctx, n, by); !errors.Is(err, directory.ErrUnknown) {
		t.Errorf("removed twice: %v", err)
	}
	if err := d.Delete(ctx, name(t, "1"), by); !errors.Is(err, directory.ErrConfigured) {
		t.Errorf("one of the configuration: %v", err)
	}
	var trail []string
	for _, a := range store.Acts {
		if a.By != by || a.Name != n || a.At.IsZero() || a.Account != "acme" {
			t.Errorf("%+v", a)
		}
		trail = append(trail, a.Text)
	}
	want := []string{
		"user made: role user, new password, new link secret, with digest", "user changed: name", "user changed: new password",
		"user changed: no password, no link secret", "user changed: new password", "user removed",
	}
	if diff := cmp.Diff(want, trail); diff != "" {
		t.Errorf("audit trail (-want +got):\n%s", diff)
	}
}

func TestCreateRefused(t *testing.T) {
	d := directory.New(directorytest.Options(new(directorytest.Store)))
	directorytest.Configure(t, d, nil, person{Name: "1", User: directory.User{ID: "11"}})
	role := directory.RoleUser
	for _, c := range []struct {
		note string
		u    directory.User
		s    directory.Secrets
		want error
		text string
	}{
		{"configured", directory.User{Name: name(t, "1"), Role: role}, directory.Secrets{}, directory.ErrConfigured, ""},
		{"short password", directory.User{Name: name(t, "2"), Role: role}, directory.Secrets{Password: new("1234567")}, directory.ErrInvalid, "8 characters"},
		{"control character", directory.User{Name: name(t, "2"), Role: role}, directory.Secrets{Password: new("12345678\n"), Force: true}, directory.ErrInvalid, "control"},
		{"digest alone", directory.User{Name: name(t, "2"), Role: role}, directory.Secrets{Digest: true}, directory.ErrInvalid, "give the password"},
		{"long link secret", directory.User{Name: name(t, "2"), Role: role}, directory.Secrets{LinkSecret: new(strings.Repeat("x", 257))}, directory.ErrInvalid, "link_secret"},
		{"taken id", directory.User{Name: name(t, "2"), Role: role, ID: "11"}, directory.Secrets{}, directory.ErrInvalid, "is that of 1"},
		{"no name", directory.User{Role: role}, directory.Secrets{}, directory.ErrInvalid, "name"},
		{"no role", directory.User{Name: name(t, "2")}, directory.Secrets{}, directory.ErrInvalid, "role"},
	} {
		err := d.Create(t.Context(), c.u, c.s, by)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: %v, want %v %q", c.note, err, c.want, c.text)
		}
	}
	if len(d.Users()) != 1 {
		t.Errorf("users: %v", d.Users())
	}
}

// TestChangeIsOneStep: no change is lost when many change one user.
func TestChangeIsOneStep(t *testing.T) {
	d := directory.New(directorytest.Options(new(directorytest.Store)))
	n := name(t, "1")
	put(t, d, directory.User{Name: n, Role: directory.RoleUser}, directory.Secrets{})
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			err := d.Change(t.Context(), n, func(u *directory.User) error {
				u.Numbers = append(slices.Clone(u.Numbers), fmt.Sprint(i))
				u.Name.Local = "another" // it keeps its name
				return nil
			}, directory.Secrets{}, by)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if u, _ := d.User(n); len(u.Numbers) != 50 {
		t.Errorf("%d of 50 changes are there", len(u.Numbers))
	}
}

func TestChangeRefused(t *testing.T) {
	d := directory.New(directorytest.Options(new(directorytest.Store)))
	directorytest.Configure(t, d, nil, person{Name: "1"})
	put(t, d, directory.User{Name: name(t, "2"), Role: directory.RoleUser}, directory.Secrets{})
	keep := func(*directory.User) error { return nil }
	own := errors.New("of edit")
	for _, c := range []struct {
		n    string
		edit func(*directory.User) error
		want error
	}{
		{"1", keep, directory.ErrConfigured},
		{"9", keep, directory.ErrUnknown},
		{"2", func(u *directory.User) error { u.Role = "boss"; return nil }, directory.ErrInvalid},
		{"2", func(*directory.User) error { return own }, own},
	} {
		if err := d.Change(t.Context(), name(t, c.n), c.edit, directory.Secrets{Password: new("another password")}, by); !errors.Is(err, c.want) {
			t.Errorf("user %s: %v, want %v", c.n, err, c.want)
		}
	}
	if err := d.Create(t.Context(), directory.User{Name: name(t, "2"), Role: directory.RoleUser}, directory.Secrets{}, by); !errors.Is(err, directory.ErrExists) {
		t.Errorf("made twice: %v", err)
	}
	if u, _ := d.User(name(t, "2")); u.Role != directory.RoleUser || u.HasPassword {
		t.Errorf("a refused change has changed the user: %+v", u)
	}
}

// TestDeleteHidden: what the configuration hides can be removed from the store.
func TestDeleteHidden(t *testing.T) {
	store := new(directorytest.Store)
	d := directory.New(directorytest.Options(store))
	n := name(t, "1")
	put(t, d, directory.User{Name: n, Role: directory.RoleUser}, directory.Secrets{})
	directorytest.Configure(t, d, nil, person{Name: "1"})
	if err := d.Delete(t.Context(), n, by); err != nil {
		t.Fatal(err)
	}
	if u, ok := d.User(n); !ok || u.Stored {
		t.Errorf("the one of the configuration: %+v %v", u, ok)
	}
	if left, _ := store.Users(t.Context()); len(left) != 0 {
		t.Errorf("left in the store: %v", left)
	}
}

// TestAtOnce is for the race detector.
func TestAtOnce(t *testing.T) {
	d := directory.New(directorytest.Options(new(directorytest.Store)))
	directorytest.Configure(t, d, []string{"tenant.com"}, person{Name: "1@tenant.com", Password: "x"})
	var all sync.WaitGroup
	for i := range 4 {
		n := directory.Name{Local: fmt.Sprint("s", i), Tenant: "tenant.com"}
		all.Go(func() {
			for range 20 {
				if err := d.Create(t.Context(), directory.User{Name: n, Role: directory.RoleUser}, directory.Secrets{Password: new("password"), LinkSecret: new("x")}, by); err != nil {
					t.Error(err)
				}
				if !d.CheckPassword(t.Context(), n, "password") {
					t.Error("refused")
				}
				if err := d.Delete(t.Context(), n, by); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 50 {
				d.Resolve("1", "tenant.com", nil)
				d.LinkSecret(n)
				d.Users()
				d.Configure(nil, []string{"tenant.com"}, nil)
				if err := d.Load(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
