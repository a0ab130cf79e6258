package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/seal"
)

// directory checks [users] and [tenants]. A secret that is sealed can be opened only with
// the data directory, so a wrong one shows itself at the start.
func (v *validator) directory() {
	names := map[directory.Name]string{}
	ids := map[string]string{}
	phones := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(v.c.Users)) {
		u := v.c.Users[key]
		r := u.Record(key)
		at := "users." + key
		if r.Name == (directory.Name{}) {
			v.bad(at, "cannot be a name; write [users.\"123@tenant.com\"], or [users.123] without a tenant")
			continue
		}
		if other, ok := names[r.Name]; ok {
			v.bad(at, "is the same user as users.%s: the domain's case does not count", other)
		}
		names[r.Name] = key
		v.user(at, &u, &r)
		if r.ID != "" {
			id := r.Name.Tenant + "\n" + r.ID
			if other, ok := ids[id]; ok {
				v.bad(at+".id", "%s is that of users.%s too; within a tenant each has its own", r.ID, other)
			}
			ids[id] = key
		}
		if _, ok := v.c.Phones[r.Name.Local]; ok && u.Phone == "" && r.Role == directory.RoleUser {
			if other, ok := phones[r.Name.Local]; ok {
				v.warn(at+".phone", "is left open, and so is that of users.%s: phone %s rings for both; name the phone of each", other, r.Name.Local)
			}
			phones[r.Name.Local] = key
		}
	}
	v.tenants()
}

// user checks one entry.
func (v *validator) user(at string, u *User, r *directory.Record) {
	v.oneOf(at+".external_first", u.External, "", "yes", "no")
	for _, m := range r.Mistakes() {
		v.bad(at+"."+m.Field, "%s", m.Text)
	}
	if u.Phone != "" && u.Phone != NoPhone {
		if _, ok := v.c.Phones[u.Phone]; !ok {
			v.bad(at+".phone", "there is no phone %q%s", u.Phone, v.known(slices.Sorted(maps.Keys(v.c.Phones))))
		}
	}
	v.accountRef(at+".account", u.Account)
	switch s := u.LinkSecret; {
	case s == "":
	case !seal.Sealed(s):
		v.warn(at+".link_secret", "is in plain text; `dialwright config seal` prints what to write instead")
	case len(s) < len(seal.New([seal.KeySize]byte{}).Seal("")):
		v.bad(at+".link_secret", "is not a whole sealed text; `dialwright config seal` prints one")
	}
	if u.Digest != "" && u.Password == "" {
		v.warn(at+".digest", "is there without password, so the user can log in by HTTP Digest and in no other way")
	}
	for i, m := range r.Mints {
		n, named := directory.ParseName(m)
		if tenant, all := strings.CutPrefix(m, "*@"); all {
			n, named = directory.Name{Tenant: tenant}, true
		}
		if named && n.Tenant != r.Name.Tenant && r.Name.Tenant != "" {
			v.warn(fmt.Sprintf("%s.mints[%d]", at, i), "%q is of another tenant than the minter", m)
		}
	}
}

// tenants checks [tenants].
func (v *validator) tenants() {
	owner := map[string]string{} // of each name that a Host header may have
	keys := slices.Sorted(maps.Keys(v.c.Tenants))
	for _, key := range keys {
		name := strings.ToLower(key)
		if !directory.ValidTenant(name) {
			v.bad("tenants."+key, "cannot be a tenant; write its domain, [tenants.\"tenant.com\"]")
		}
		if other, ok := owner[name]; ok {
			v.bad("tenants."+key, "is the same tenant as tenants.%s: case does not count", other)
		}
		owner[name] = key
		v.accountRef("tenants."+key+".account", v.c.Tenants[key].Account)
	}
	for _, key := range keys {
		for i, h := range v.c.Tenants[key].Hosts {
			at := fmt.Sprintf("tenants.%s.hosts[%d]", key, i)
			host := strings.ToLower(h)
			switch other, taken := owner[host]; {
			case !directory.ValidTenant(host):
				v.bad(at, "%q is not a host name; write it without port and scheme, \"pbx.example.com\"", h)
			case taken:
				v.bad(at, "%q is a name of tenants.%s already", h, other)
			default:
				owner[host] = cmp.Or(key, host)
			}
		}
	}
}
