package directory_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
)

type person = directorytest.Person

// fixture has the people of the vectors of Vodia.
func fixture(t *testing.T) *directory.Directory {
	t.Helper()
	return directorytest.New(t, []string{"other.example", "tenant.com"},
		person{Name: "123@tenant.com", Password: "password", LinkSecret: "password"},
		person{Name: "124@tenant.com", Password: "s3cr:et", LinkSecret: "s3cr:et"},
		person{Name: "123@other.example", Password: "otherpw", LinkSecret: "otherpw"},
		person{Name: "off@tenant.com", Password: "password", Digest: true, LinkSecret: "x", User: directory.User{Disabled: true}},
		person{Name: "admin", Password: "bigsecret", User: directory.User{Role: directory.RoleAdmin}},
		person{Name: "root@tenant.com", User: directory.User{Role: directory.RoleAdmin}},
		person{Name: "admin@tenant.com", Password: "tenantadmin", User: directory.User{Role: directory.RoleTenantAdmin}},
	)
}

func name(t *testing.T, s string) directory.Name {
	t.Helper()
	n, ok := directory.ParseName(s)
	if !ok {
		t.Fatalf("%q is no name", s)
	}
	return n
}

func TestResolve(t *testing.T) {
	d := fixture(t)
	for _, c := range []struct {
		note, typed, host, as string
		want                  string // "" = nobody
	}{
		{"full name", "123@tenant.com", "", "", "123@tenant.com"},
		{"tenant without case", "123@TENANT.com", "", "", "123@tenant.com"},
		{"local part with case", "ADMIN@tenant.com", "", "", ""},
		{"full name wins over the host", "123@tenant.com", "other.example", "", "123@tenant.com"},
		{"other tenant", "123@elsewhere.example", "tenant.com", "", ""},
		{"vd-link-08: who is logged in", "123", "", "123@tenant.com", "123@tenant.com"},
		{"who is logged in wins over the host", "123", "tenant.com", "123@other.example", "123@other.example"},
		{"somebody else is logged in", "124", "", "123@tenant.com", ""},
		{"vd-link-09: several tenants, none named", "123", "pbx.example", "", ""},
		{"vd-link-10: tenant of the host", "123", "tenant.com", "", "123@tenant.com"},
		{"host with port, case and dot", "123", "Tenant.COM.:8443", "", "123@tenant.com"},
		{"no tenant before the host's", "admin", "tenant.com", "", "admin"},
		{"administrator's own name", "root", "", "", "root@tenant.com"},
		{"tenant's administrator has to say the tenant", "admin@tenant.com", "", "", "admin@tenant.com"},
		{"unknown", "999", "tenant.com", "", ""},
		{"disabled ones are there", "off", "tenant.com", "", "off@tenant.com"},
		{"no name", "", "tenant.com", "", ""},
		{"no name either", "1@2@tenant.com", "tenant.com", "", ""},
	} {
		var as *directory.User
		if c.as != "" {
			u, ok := d.User(name(t, c.as))
			if !ok {
				t.Fatalf("no %s", c.as)
			}
			as = &u
		}
		u, ok := d.Resolve(c.typed, c.host, as)
		if ok != (c.want != "") || u.Name.String() != c.want {
			t.Errorf("%s: %q at %q as %q is %q %v, want %q", c.note, c.typed, c.host, c.as, u.Name, ok, c.want)
		}
	}
}

func TestResolveTenants(t *testing.T) {
	one := directorytest.New(t, []string{"tenant.com"}, person{Name: "123@tenant.com"}, person{Name: "7"})
	none := directorytest.New(t, nil, person{Name: "123"})
	named := directory.New(directory.Options{})
	named.Configure([]directory.Record{directorytest.Record(t, person{Name: "123@tenant.com"}), directorytest.Record(t, person{Name: "123@b.example"})},
		[]string{"tenant.com"}, map[string]string{"pbx.example": "tenant.com", "b.example": "tenant.com"})
	for _, c := range []struct {
		note        string
		d           *directory.Directory
		typed, host string
		want        string
	}{
		{"the only tenant", one, "123", "pbx.example", "123@tenant.com"},
		{"without a tenant first", one, "7", "tenant.com", "7"},
		{"a tenant that is none", one, "123@pbx.example", "", ""},
		{"no tenants: any will do", none, "123@pbx.example", "", "123"},
		{"no tenants: bare", none, "123", "", "123"},
		{"other name in the host", named, "123", "pbx.example:443", "123@tenant.com"},
		{"other name in the name", named, "123@PBX.example", "", "123@tenant.com"},
		{"a tenant's own name is nobody's other", named, "123@b.example", "", "123@b.example"},
	} {
		u, ok := c.d.Resolve(c.typed, c.host, nil)
		if ok != (c.want != "") || u.Name.String() != c.want {
			t.Errorf("%s: %q at %q is %q %v, want %q", c.note, c.typed, c.host, u.Name, ok, c.want)
		}
	}
	if got := fixture(t).Tenants(); !cmp.Equal(got, []string{"other.example", "tenant.com"}) {
		t.Errorf("tenants: %v", got)
	}
	if got := named.Tenants(); !cmp.Equal(got, []string{"b.example", "tenant.com"}) {
		t.Errorf("tenants of users count too: %v", got)
	}
}

func TestSources(t *testing.T) {
	s := new(directorytest.Store)
	ctx := t.Context()
	for _, p := range []person{
		{Name: "123@tenant.com", Password: "of the store"},
		{Name: "200@tenant.com", Password: "of the store", User: directory.User{ID: "7"}},
		{Name: "201@tenant.com", User: directory.User{ID: "8"}},
	} {
		if err := s.PutUser(ctx, directorytest.Record(t, p), directory.Act{}); err != nil {
			t.Fatal(err)
		}
	}
	d := directory.New(directorytest.Options(s))
	directorytest.Configure(t, d, nil, person{Name: "123@tenant.com", Password: "configured", User: directory.User{ID: "8"}})
	if err := d.Load(ctx); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range d.Users() {
		line := u.Name.String()
		if u.Stored {
			line += " stored"
		}
		if u.HasPassword {
			line += " password"
		}
		got = append(got, line)
	}
	want := []string{"123@tenant.com password", "200@tenant.com stored password", "201@tenant.com stored"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	n := name(t, "123@tenant.com")
	if !d.CheckPassword(ctx, n, "configured") || d.CheckPassword(ctx, n, "of the store") {
		t.Error("the configuration does not win, whole")
	}
	for id, want := range map[string]string{"7": "200@tenant.com", "8": "123@tenant.com", "9": ""} {
		if u, ok := d.ByID("tenant.com", id); ok != (want != "") || u.Name.String() != want {
			t.Errorf("id %s is %s, want %q", id, u.Name, want)
		}
	}
	if _, ok := d.ByID("", "7"); ok {
		t.Error("an id is known in another tenant")
	}
	if p := d.Problems(); len(p) != 1 || !strings.Contains(p[0].Error(), "user 201@tenant.com: id 8 is that of 123@tenant.com") {
		t.Errorf("problems: %v", p)
	}
	directorytest.Configure(t, d, nil)
	if u, ok := d.User(n); !ok || !u.Stored || !d.CheckPassword(ctx, n, "of the store") {
		t.Errorf("out of the configuration, the store's does not come forward: %v %v", u, ok)
	}
	if u, ok := d.ByID("tenant.com", "8"); !ok || u.Name.Local != "201" {
		t.Errorf("id 8 is %s now", u.Name)
	}
	if got, ok := d.Written(n); !ok || got.Name != n || !got.HasPassword {
		t.Errorf("written: %v %v", got, ok)
	}
}

func TestFit(t *testing.T) {
	o := directorytest.Options(new(directorytest.Store))
	o.Fit = func(u directory.User) (directory.User, error) {
		switch u.Phone {
		case "":
			u.Phone = u.Name.Local
		case "none":
			u.Phone = ""
		case "gone":
			u.Phone = ""
			u.Account = "acme"
			return u, errors.New("phone: there is no phone gone")
		}
		u.Account = call.AccountID("acme")
		return u, nil
	}
	d := directory.New(o)
	directorytest.Configure(t, d, nil, person{Name: "1"}, person{Name: "2", User: directory.User{Phone: "none"}}, person{Name: "3", User: directory.User{Phone: "gone"}})
	for n, phone := range map[string]string{"1": "1", "2": "", "3": ""} {
		if u, _ := d.User(name(t, n)); u.Phone != phone || u.Account != "acme" {
			t.Errorf("user %s: phone %q account %q", n, u.Phone, u.Account)
		}
	}
	if p := d.Problems(); len(p) != 1 || p[0].Error() != "user 3: phone: there is no phone gone" {
		t.Errorf("problems: %v", p)
	}
	if p := d.ProblemsOf(name(t, "3")); len(p) != 1 || p[0].Error() != "phone: there is no phone gone" || len(d.ProblemsOf(name(t, "1"))) != 0 {
		t.Errorf("problems of 3: %v", p)
	}
	err := d.Create(t.Context(), directory.User{Name: name(t, "4"), Role: directory.RoleUser, Phone: "gone"}, directory.Secrets{}, directory.By{})
	if !errors.Is(err, directory.ErrInvalid) || !strings.Contains(err.Error(), "phone: there is no phone gone") {
		t.Errorf("put with a phone that is not there: %v", err)
	}
	if err := d.Create(t.Context(), directory.User{Name: name(t, "5"), Role: directory.RoleUser, Phone: "none"}, directory.Secrets{}, directory.By{}); err != nil {
		t.Fatal(err)
	}
	if u, ok := d.Written(name(t, "5")); !ok || u.Phone != "none" || u.Account != "" {
		t.Errorf("the store has what was fitted: %+v", u)
	}
}

func TestParseName(t *testing.T) {
	for in, want := range map[string]directory.Name{
		"123":               {Local: "123"},
		"123@Tenant.COM":    {Local: "123", Tenant: "tenant.com"},
		"446@192.168.1.113": {Local: "446", Tenant: "192.168.1.113"},
		"ädam.o-1_x+y":      {Local: "ädam.o-1_x+y"},
		"*97@t":             {Local: "*97", Tenant: "t"},
	} {
		if got, ok := directory.ParseName(in); !ok || got != want {
			t.Errorf("%q is %+v %v, want %+v", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "@", "@tenant.com", "123@", "1@2@3", "a b", "a:b", "a/b", "a\nb", "a%40b", "a\xff", "1@ten ant", "1@.com", "1@com.", "1@-a", "1@tenänt",
		strings.Repeat("1", 65), "1@" + strings.Repeat("a", 254), "a;b", "a&b", "<a>", ".", "..@tenant.com",
	} {
		if got, ok := directory.ParseName(in); ok {
			t.Errorf("%q is %+v", in, got)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"123", "123@TENANT.com", "a@b@c", "@", "ä@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := directory.ParseName(s)
		if !ok {
			return
		}
		if again, ok := directory.ParseName(n.String()); !ok || again != n {
			t.Errorf("%q is %+v, and that read again is %+v", s, n, again)
		}
		if strings.ContainsAny(n.String(), "\r\n:/ \"") {
			t.Errorf("%q is a name that breaks what it stands in", s)
		}
	})
}

func TestMayActFor(t *testing.T) {
	d := fixture(t)
	self, other, far := name(t, "123@tenant.com"), name(t, "124@tenant.com"), name(t, "123@other.example")
	user, _ := d.User(self)
	admin, _ := d.User(name(t, "admin"))
	tenantAdmin, _ := d.User(name(t, "admin@tenant.com"))
	minter := directory.User{Name: self, Role: directory.RoleMinter, Mints: []string{"*@tenant.com"}}
	off := admin
	off.Disabled = true
	for _, c := range []struct {
		note string
		u    directory.User
		want [3]bool // self, other, far
	}{
		{"user", user, [3]bool{true, false, false}},
		{"tenant-admin", tenantAdmin, [3]bool{true, true, false}},
		{"admin", admin, [3]bool{true, true, true}},
		{"minter", minter, [3]bool{}},
		{"disabled", off, [3]bool{}},
	} {
		if got := [3]bool{c.u.MayActFor(self), c.u.MayActFor(other), c.u.MayActFor(far)}; got != c.want {
			t.Errorf("%s: %v, want %v", c.note, got, c.want)
		}
	}
}

// failing is a store that cannot be written.
type failing struct{ directorytest.Store }

func (*failing) PutUser(context.Context, directory.Record, directory.Act) error {
	return errors.New("disk full")
}

func TestStoreFails(t *testing.T) {
	d := directory.New(directorytest.Options(new(failing)))
	n := name(t, "123")
	if err := d.Create(t.Context(), directory.User{Name: n, Role: directory.RoleUser}, directory.Secrets{}, directory.By{}); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("put: %v", err)
	}
	if _, ok := d.User(n); ok {
		t.Error("a user that is not stored is in force")
	}
}
