package rest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
)

// people is a directory with a realm.
type people struct{ *directory.Directory }

func (people) Realm() string { return directorytest.Realm }

// withUsers gives a server with a configured user "boss", phones 123 and 124, and the store
// and directory behind it.
func withUsers(t *testing.T) (*house, *directory.Directory, *directorytest.Store) {
	t.Helper()
	h, store := setup(t), new(directorytest.Store)
	o := directorytest.Options(store)
	o.Fit = func(u directory.User) (directory.User, error) {
		switch u.Phone {
		case "":
			u.Phone = u.Name.Local
		case "none":
			u.Phone = ""
		case "gone":
			u.Phone = ""
			return u, directory.Mistake{Field: "phone", Text: `there is no phone "gone"`}
		}
		if u.Account == "" {
			u.Account = call.AccountID("default")
		}
		return u, nil
	}
	d := directory.New(o)
	directorytest.Configure(t, d, nil, directorytest.Person{Name: "boss", Password: "x", User: directory.User{Role: directory.RoleAdmin, Phone: "gone"}})
	h.door.o.Users = people{d}
	return h, d, store
}

// A user is made, shown, listed, changed and removed; its secrets are set and never shown.
func TestUsers(t *testing.T) {
	h, d, store := withUsers(t)
	n := directory.Name{Local: "123", Tenant: "tenant.com"}
	var made MadeUser
	h.links(t, "POST", "/v1/users", h.admin, `{"name": "123@Tenant.com", "first_name": "Ada", "id": "1106", "external_first": "no", "password": "correct horse", "digest": true,
		"prefix_rules": [{"min": 11, "max": 11, "prepend": "9"}], "make_link_secret": true}`, http.StatusCreated, &made)
	if secret, ok := d.LinkSecret(n); !ok || secret != made.LinkSecret || len(secret) < 26 {
		t.Errorf("link secret %q, shown %q", secret, made.LinkSecret)
	}
	if ha1, _ := d.DigestHA1(n); ha1 != directory.HA1("123", directorytest.Realm, "correct horse") {
		t.Errorf("HA1 %q", ha1)
	}
	want := User{
		Name: "123@tenant.com", Tenant: "tenant.com", Source: "store", Role: "user", FirstName: "Ada", EffectivePhone: "123", EffectiveAccount: "default",
		ID: "1106", PrefixRules: []PrefixRule{{11, 11, "9"}}, ExternalFirst: "no", HasPassword: true, HasDigest: true, HasLinkSecret: true, CreatedAt: made.CreatedAt,
	}
	if diff := cmp.Diff(want, made.User); diff != "" || made.CreatedAt.IsZero() {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	var u User
	h.links(t, "PATCH", "/v1/users/123@tenant.com", h.admin,
		`{"role": "minter", "mints": ["*@TENANT.com"], "phone": "none", "account": "sales", "prefix_rules": [], "external_first": "", "disabled": true}`, 200, &u)
	want.Role, want.Mints, want.Phone, want.EffectivePhone, want.Account, want.EffectiveAccount = "minter", []string{"*@tenant.com"}, "none", "", "sales", "sales"
	want.PrefixRules, want.ExternalFirst, want.Disabled = nil, "", true
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	h.links(t, "PATCH", "/v1/users/123%40tenant.com", h.admin, `{"disabled": false}`, 200, &u)

	h.links(t, "PUT", "/v1/users/123@tenant.com/password", h.admin, `{"password": "1234", "force": true}`, 200, &u)
	if u.HasDigest || !d.CheckPassword(t.Context(), n, "1234") || d.CheckPassword(t.Context(), n, "correct horse") {
		t.Errorf("another password: %+v", u)
	}
	h.links(t, "PUT", "/v1/users/123@tenant.com/link-secret", h.admin, `{"link_secret": "1234"}`, 200, &u)
	if secret, _ := d.LinkSecret(n); secret != "1234" {
		t.Errorf("link secret %q", secret)
	}
	resp, body := h.do(t, "POST", "/v1/users/123@tenant.com/link-secret", h.admin, "")
	if secret, _ := d.LinkSecret(n); resp.Header.Get("Cache-Control") != "no-store" || !strings.Contains(body, `"`+secret+`"`) || secret == "1234" {
		t.Errorf("new link secret: %v %s", resp.Header, body)
	}
	h.links(t, "DELETE", "/v1/users/123@tenant.com/password", h.admin, "", 200, &u)
	h.links(t, "DELETE", "/v1/users/123@tenant.com/link-secret", h.admin, "", 200, &u)
	if u.HasPassword || u.HasLinkSecret {
		t.Errorf("secrets taken away: %+v", u)
	}
	if resp, body := h.do(t, "DELETE", "/v1/users/123@tenant.com", h.admin, ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("removed: %d %s", resp.StatusCode, body)
	}
	if _, ok := d.User(n); ok {
		t.Error("the user is still there")
	}
	var trail []string
	for _, a := range store.Acts {
		if a.Door != "rest" || a.Principal != "admin" || a.Remote == "" {
			t.Errorf("%+v", a)
		}
		trail = append(trail, a.Text)
	}
	wantTrail := []string{
		"user made: role user, new password, new link secret, with digest",
		"user changed: role, phone, account, mints, prefix rules, external first, disabled", "user changed: enabled",
		"user changed: new password", "user changed: new link secret", "user changed: new link secret", "user changed: no password", "user changed: no link secret",
		"user removed",
	}
	if diff := cmp.Diff(wantTrail, trail); diff != "" {
		t.Errorf("audit trail (-want +got):\n%s", diff)
	}
}

// No answer has a hash, a digest or a secret that it was not the first to show.
func TestUsersHideSecrets(t *testing.T) {
	h, _, store := withUsers(t)
	_, body := h.do(t, "POST", "/v1/users", h.admin, `{"name": "123", "password": "correct horse", "digest": true, "link_secret": "battery staple"}`)
	for _, path := range []string{"/v1/users", "/v1/users/123", "/v1/users/boss"} {
		_, more := h.do(t, "GET", path, h.admin, "")
		body += more
	}
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/v1/users", `{"name": "124", "pasword": "correct horse"}`},
		{"POST", "/v1/users", `{"name": "124", "password": ["correct horse"]}`},
		{"POST", "/v1/users", `{"name": "124", "password": "correct horse"`},
		{"PUT", "/v1/users/123/password", `{"password": "correct horse\n"}`},
		{"PUT", "/v1/users/123/link-secret", `{"link_secret": "` + strings.Repeat("battery staple", 20) + `"}`},
	} {
		resp, more := h.do(t, c.method, c.path, h.admin, c.body)
		if resp.StatusCode < 400 {
			t.Errorf("%s %s: %d", c.path, c.body, resp.StatusCode)
		}
		body += more
	}
	records, _ := store.Users(t.Context())
	if len(records) != 1 {
		t.Fatalf("stored: %v", records)
	}
	for _, secret := range []string{"argon2id", records[0].Digest, "sealed:", "correct horse", "battery staple"} {
		if strings.Contains(body, secret) {
			t.Errorf("%q is shown: %s", secret, body)
		}
	}
}

func TestListUsers(t *testing.T) {
	h, d, _ := withUsers(t)
	for _, name := range []string{"9", "1@b.example", "1@a.example"} {
		n, _ := directory.ParseName(name)
		if err := d.Create(t.Context(), directory.User{Name: n, Role: directory.RoleUser}, directory.Secrets{}, directory.By{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", []string{"9", "boss", "1@a.example", "1@b.example"}},
		{"limit=3", []string{"9", "boss", "1@a.example"}},
		{"limit=3&cursor=" + url.QueryEscape("1@a.example"), []string{"1@b.example"}},
		{"tenant=b.example", []string{"1@b.example"}},
		{"role=admin", []string{"boss"}},
		{"source=store", []string{"9", "1@a.example", "1@b.example"}},
		{"source=configuration", []string{"boss"}},
	} {
		var list struct {
			Users []User
			Next  string
		}
		h.links(t, "GET", "/v1/users?"+c.query, h.admin, "", 200, &list)
		var got []string
		for _, u := range list.Users {
			got = append(got, u.Name)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || (list.Next != "") != (c.query == "limit=3") {
			t.Errorf("%s: next %q (-want +got):\n%s", c.query, list.Next, diff)
		}
	}
	var boss User
	h.links(t, "GET", "/v1/users/boss", h.admin, "", 200, &boss)
	if boss.Source != "configuration" || boss.Phone != "gone" || boss.EffectivePhone != "" || len(boss.Problems) != 1 || !strings.Contains(boss.Problems[0], `no phone "gone"`) {
		t.Errorf("%+v", boss)
	}
}

// What is refused, and the field that is wrong.
func TestUserProblems(t *testing.T) {
	h, _, _ := withUsers(t)
	var made MadeUser
	h.links(t, "POST", "/v1/users", h.admin, `{"name": "123", "id": "7"}`, http.StatusCreated, &made)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, field        string
	}{
		{"POST", "/v1/users", `{"name": "123"}`, 409, "state", "name"},
		{"POST", "/v1/users", `{"name": "boss"}`, 409, "state", ""},
		{"POST", "/v1/users", `{"name": "a:b"}`, 422, "invalid", "name"},
		{"POST", "/v1/users", `{"name": ".."}`, 422, "invalid", "name"},
		{"POST", "/v1/users", `{"name": "124", "role": "boss"}`, 422, "invalid", ""},
		{"POST", "/v1/users", `{"name": "124", "role": "tenant-admin"}`, 422, "invalid", "role"},
		{"POST", "/v1/users", `{"name": "124", "phone": "gone"}`, 422, "invalid", "phone"},
		{"POST", "/v1/users", `{"name": "124", "id": "7"}`, 422, "invalid", "id"},
		{"POST", "/v1/users", `{"name": "124", "email": "x", "type": "?"}`, 422, "invalid", "email"},
		{"POST", "/v1/users", `{"name": "124", "external_first": "maybe"}`, 422, "invalid", "external_first"},
		{"POST", "/v1/users", `{"name": "124", "password": "short"}`, 422, "invalid", "password"},
		{"POST", "/v1/users", `{"name": "124", "digest": true}`, 422, "invalid", "digest"},
		{"POST", "/v1/users", `{"name": "124", "link_secret": "x", "make_link_secret": true}`, 422, "invalid", "make_link_secret"},
		{"PATCH", "/v1/users/123", `{"name": "124"}`, 422, "invalid", ""},
		{"PATCH", "/v1/users/boss", `{"first_name": "x"}`, 409, "state", ""},
		{"PATCH", "/v1/users/999", `{"first_name": "x"}`, 404, "not-found", ""},
		{"PUT", "/v1/users/123/password", `{"password": ""}`, 422, "invalid", "password"},
		{"PUT", "/v1/users/123/link-secret", `{"link_secret": ""}`, 422, "invalid", "link_secret"},
		{"PUT", "/v1/users/boss/password", `{"password": "correct horse"}`, 409, "state", ""},
		{"POST", "/v1/users/boss/link-secret", "", 409, "state", ""},
		{"DELETE", "/v1/users/boss", "", 409, "state", ""},
		{"DELETE", "/v1/users/999", "", 404, "not-found", ""},
		{"GET", "/v1/users/a:b", "", 404, "not-found", ""},
		{"GET", "/v1/users?cursor=a:b", "", 422, "invalid", "cursor"},
	} {
		var p Problem
		h.links(t, c.method, c.path, h.admin, c.body, c.status, &p)
		if p.Code != c.code || p.Field != c.field {
			t.Errorf("%s %s %s: %s, field %q: %s", c.method, c.path, c.body, p.Code, p.Field, p.Detail)
		}
	}
	var p Problem
	h.links(t, "POST", "/v1/users", h.admin, `{"name": "124", "email": "x", "type": "?"}`, 422, &p)
	if len(p.Errors) != 2 || p.Errors[0].Location != "body.email" || p.Errors[1].Location != "body.type" {
		t.Errorf("all mistakes at once: %+v", p)
	}
	h.links(t, "DELETE", "/v1/users/boss", h.admin, "", 409, &p)
	if !strings.Contains(p.Detail, `[users."boss"]`) {
		t.Errorf("where the user is: %s", p.Detail)
	}
	h.door.o.Users = nil
	h.links(t, "GET", "/v1/users", h.admin, "", 404, &p)
}

// Only the scope admin sees and changes users.
func TestUsersNeedAdmin(t *testing.T) {
	h, d, _ := withUsers(t)
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/v1/users", ""},
		{"GET", "/v1/users/boss", ""},
		{"POST", "/v1/users", `{"name": "123"}`},
		{"PATCH", "/v1/users/boss", `{}`},
		{"DELETE", "/v1/users/boss", ""},
		{"PUT", "/v1/users/boss/password", `{"password": "correct horse"}`},
		{"DELETE", "/v1/users/boss/password", ""},
		{"POST", "/v1/users/boss/link-secret", ""},
		{"PUT", "/v1/users/boss/link-secret", `{"link_secret": "x"}`},
		{"DELETE", "/v1/users/boss/link-secret", ""},
	} {
		var p Problem
		h.links(t, c.method, c.path, h.sales, c.body, 403, &p)
		if p.Code != "forbidden" || !strings.Contains(p.Detail, "admin") {
			t.Errorf("%s %s: %+v", c.method, c.path, p)
		}
	}
	if len(d.Users()) != 1 {
		t.Errorf("users: %v", d.Users())
	}
}
