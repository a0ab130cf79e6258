package directory_test

import (
	"context"
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
