package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// counting gives a directory of one user and one that is disabled, which counts the hashes
// that it computes.
func counting(t *testing.T) (*directory.Directory, *atomic.Int64) {
	t.Helper()
	n := new(atomic.Int64)
	o := directorytest.Options(new(directorytest.Store))
	o.CheckHash = func(hash, password string) bool {
		n.Add(1)
		return auth.CheckHash(hash, password)
	}
	d := directory.New(o)
	directorytest.Configure(t, d, nil,
		person{Name: "123", Password: "password", LinkSecret: "link"}, person{Name: "124"},
		person{Name: "off", Password: "password", Digest: true, LinkSecret: "x", User: directory.User{Disabled: true}})
	return d, n
}

// TestEqualWork has every refusal cost exactly one hash (spec: vodia 4.4).
func TestEqualWork(t *testing.T) {
	d, hashes := counting(t)
	for _, c := range []struct{ note, user, password string }{
		{"wrong", "123", "wrong"}, {"wrong again", "123", "wrong"}, {"empty", "123", ""}, {"too long", "123", strings.Repeat("x", 5000)},
		{"its link secret", "123", "link"}, {"unknown", "999", "password"}, {"unknown, empty", "999", ""},
		{"without a password", "124", ""}, {"without a password, given one", "124", "password"},
		{"disabled, right", "off", "password"}, {"disabled, wrong", "off", "wrong"},
	} {
		before := hashes.Load()
		if d.CheckPassword(t.Context(), name(t, c.user), c.password) {
			t.Errorf("%s: accepted", c.note)
		}
		if got := hashes.Load() - before; got != 1 {
			t.Errorf("%s: %d hashes, want 1", c.note, got)
		}
	}
	for range 3 {
		if !d.CheckPassword(t.Context(), name(t, "123"), "password") {
			t.Fatal("the right password is refused")
		}
	}
	if got := hashes.Load(); got != 12 {
		t.Errorf("%d hashes: a right password is not remembered", got)
	}
}

func TestForgotten(t *testing.T) {
	d, _ := counting(t)
	n := name(t, "123")
	if !d.CheckPassword(t.Context(), n, "password") {
		t.Fatal("the right password is refused")
	}
	directorytest.Configure(t, d, nil, person{Name: "123", Password: "another1"})
	if d.CheckPassword(t.Context(), n, "password") || !d.CheckPassword(t.Context(), n, "another1") {
		t.Error("a remembered password outlives its change")
	}
	directorytest.Configure(t, d, nil, person{Name: "123", Password: "another1", User: directory.User{Disabled: true}})
	if d.CheckPassword(t.Context(), n, "another1") {
		t.Error("a remembered password lets a disabled user in")
	}
	directorytest.Configure(t, d, nil)
	if d.CheckPassword(t.Context(), n, "another1") {
		t.Error("a remembered password outlives its user")
	}
}

func TestRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, hashes := counting(t)
		for i, c := range []struct {
			after time.Duration
			want  int64
		}{{0, 1}, {9 * time.Minute, 1}, {2 * time.Minute, 2}} {
			time.Sleep(c.after) // of the bubble
			if !d.CheckPassword(t.Context(), name(t, "123"), "password") {
				t.Fatal("the right password is refused")
			}
			if got := hashes.Load(); got != c.want {
				t.Errorf("login %d: %d hashes, want %d", i, got, c.want)
			}
		}
	})
}

// TestHashesAtOnce has no more than two hashes computed at once, and who waits give up with
// its context.
func TestHashesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var busy, most atomic.Int64
		o := directorytest.Options(nil)
		o.CheckHash = func(string, string) bool {
			now := busy.Add(1)
			for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
			}
			<-release
			busy.Add(-1)
			return true
		}
		d := directory.New(o)
		directorytest.Configure(t, d, nil, person{Name: "1", Password: "x"})
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { d.CheckPassword(t.Context(), directory.Name{Local: "1"}, "x") })
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if busy.Load() != 2 || d.CheckPassword(ctx, directory.Name{Local: "1"}, "x") {
			t.Errorf("%d hashes at once; or one that gave up was let in", busy.Load())
		}
		close(release)
		all.Wait()
		if most.Load() != 2 {
			t.Errorf("%d hashes at once", most.Load())
		}
	})
}

// TestChangedWhileComputing has a password changed while the old one is computed.
func TestChangedWhileComputing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started, release := make(chan struct{}), make(chan struct{})
		o := directorytest.Options(nil)
		o.CheckHash = func(hash, password string) bool {
			close(started)
			<-release
			return auth.CheckHash(hash, password)
		}
		d := directory.New(o)
		directorytest.Configure(t, d, nil, person{Name: "1", Password: "old password"})
		var let bool
		done := make(chan struct{})
		go func() {
			defer close(done)
			let = d.CheckPassword(t.Context(), directory.Name{Local: "1"}, "old password")
		}()
		<-started
		directorytest.Configure(t, d, nil, person{Name: "1", Password: "new password"})
		close(release)
		<-done
		if let {
			t.Error("the old password lets in after its change")
		}
	})
}

func TestSecrets(t *testing.T) {
	d, _ := counting(t)
	if s, ok := d.LinkSecret(name(t, "123")); s != "link" || !ok {
		t.Errorf("link secret %q %v", s, ok)
	}
	for _, n := range []string{"124", "off", "999"} {
		if s, ok := d.LinkSecret(name(t, n)); s != "" || ok {
			t.Errorf("%s has the link secret %q", n, s)
		}
		if s, ok := d.DigestHA1(name(t, n)); s != "" || ok {
			t.Errorf("%s has the digest %q", n, s)
		}
	}
	if got := directory.HA1("admin", "Switchvox", "adminpass"); got != "69ad6bfcbf70ac68dc964564f1e5425a" { // sv-dig-01
		t.Errorf("HA1 %s", got)
	}
}

func TestPut(t *testing.T) {
	store := new(directorytest.Store)
	d := directory.New(directorytest.Options(store))
	directorytest.Configure(t, d, nil, person{Name: "1", Password: "configured", User: directory.User{ID: "11"}})
	ctx, n := t.Context(), name(t, "123@tenant.com")
	u := directory.User{Name: n, Role: directory.RoleUser, FirstName: "Ada", LastName: "Moss", ID: "1106"}
	put := func(u directory.User, s directory.Secrets) {
		t.Helper()
		if err := d.Put(ctx, u, s); err != nil {
			t.Fatal(err)
		}
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
	if err := d.Delete(ctx, n); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.User(n); ok {
		t.Error("the user is still there")
	}
	if err := d.Delete(ctx, n); !errors.Is(err, directory.ErrUnknown) {
		t.Errorf("removed twice: %v", err)
	}
	if err := d.Delete(ctx, name(t, "1")); !errors.Is(err, directory.ErrConfigured) {
		t.Errorf("one of the configuration: %v", err)
	}
}

func TestPutRefused(t *testing.T) {
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
		err := d.Put(t.Context(), c.u, c.s)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: %v, want %v %q", c.note, err, c.want, c.text)
		}
	}
	if len(d.Users()) != 1 {
		t.Errorf("users: %v", d.Users())
	}
}

func TestMistakes(t *testing.T) {
	good := directorytest.Record(t, person{Name: "123@tenant.com", Password: "x", Digest: true})
	if m := good.Mistakes(); len(m) != 0 {
		t.Errorf("a good record: %v", m)
	}
	for _, c := range []struct {
		want   string
		change func(r *directory.Record)
	}{
		{"name: ", func(r *directory.Record) { r.Name.Tenant = "TENANT" }},
		{"role: ", func(r *directory.Record) { r.Role = "boss" }},
		{"role: a tenant-admin needs a tenant", func(r *directory.Record) { r.Role, r.Name.Tenant = directory.RoleTenantAdmin, "" }},
		{"mints: a minter needs", func(r *directory.Record) { r.Role = directory.RoleMinter }},
		{"mints: only a minter", func(r *directory.Record) { r.Mints = []string{"123@tenant.com"} }},
		{`mints: "*" is no user`, func(r *directory.Record) { r.Role, r.Mints = directory.RoleMinter, []string{"*"} }},
		{`mints: "*@TENANT" is no user`, func(r *directory.Record) { r.Role, r.Mints = directory.RoleMinter, []string{"*@TENANT"} }},
		{"password: not an argon2id hash", func(r *directory.Record) { r.PasswordHash = "password" }},
		{"digest: not 32", func(r *directory.Record) { r.Digest = "abc" }},
		{"email: ", func(r *directory.Record) { r.Email = "ada" }},
		{"first_name: ", func(r *directory.Record) { r.FirstName = "a\nb" }},
		{"id: ", func(r *directory.Record) { r.ID = "01" }},
		{"type: ", func(r *directory.Record) { r.Type = "SIP" }},
		{"methods: only an admin", func(r *directory.Record) { r.Methods = []string{"*"} }},
		{"methods: ", func(r *directory.Record) { r.Role, r.Methods = directory.RoleAdmin, []string{"call"} }},
		{"extensions: only an admin", func(r *directory.Record) { r.Extensions = []string{"100"} }},
		{"extensions: ", func(r *directory.Record) { r.Role, r.Extensions = directory.RoleAdmin, []string{"1 0"} }},
		{"numbers: ", func(r *directory.Record) { r.Numbers = []string{""} }},
		{"prefix_rules: rule 1 is for numbers of 0 to 3", func(r *directory.Record) { r.Rules = []directory.Rule{{Max: 3, Prepend: "9"}} }},
		{"prefix_rules: rule 2 is for numbers of 5 to 4", func(r *directory.Record) {
			r.Rules = []directory.Rule{{Min: 1, Max: 3, Prepend: "9"}, {Min: 5, Max: 4, Prepend: "9"}}
		}},
		{`prefix_rules: rule 1 puts "x"`, func(r *directory.Record) { r.Rules = []directory.Rule{{Min: 1, Max: 3, Prepend: "x"}} }},
	} {
		r := good
		c.change(&r)
		if m := r.Mistakes(); len(m) != 1 || !strings.HasPrefix(m[0].Error(), c.want) {
			t.Errorf("%v, want %q", m, c.want)
		}
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
				if err := d.Put(t.Context(), directory.User{Name: n, Role: directory.RoleUser}, directory.Secrets{Password: new("password"), LinkSecret: new("x")}); err != nil {
					t.Error(err)
				}
				if !d.CheckPassword(t.Context(), n, "password") {
					t.Error("refused")
				}
				if err := d.Delete(t.Context(), n); err != nil {
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
