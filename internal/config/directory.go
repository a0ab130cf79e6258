package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
)

// NoPhone is users.NAME.phone of a user for whom nothing rings.
const NoPhone = "none"

// Record gives an entry of [users] the form of the directory; nothing is filled in (see
// Fit). name is the table's key. What cannot be a name gives an empty one.
func (u *User) Record(name string) directory.Record {
	n, _ := directory.ParseName(name)
	r := directory.Record{
		User: directory.User{
			Name: n, Role: cmp.Or(directory.Role(u.Role), directory.RoleUser), FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
			Phone: u.Phone, Account: call.AccountID(u.Account), Disabled: u.Disabled, ID: u.ID, Type: u.Type, Methods: u.Methods,
			Extensions: u.Extensions, Numbers: u.Numbers, AutoAnswer: u.AutoAnswer,
		},
		PasswordHash: u.Password, Digest: strings.ToLower(u.Digest), LinkSecret: u.LinkSecret,
	}
	for _, m := range u.Mints {
		r.Mints = append(r.Mints, lowerTenant(m))
	}
	for _, p := range u.PrefixRules {
		r.Rules = append(r.Rules, directory.Rule(p))
	}
	switch u.External {
	case "yes":
		r.External = new(true)
	case "no":
		r.External = new(false)
	}
	return r
}

// lowerTenant puts what follows the @ into lower case.
func lowerTenant(name string) string {
	local, tenant, has := strings.Cut(name, "@")
	if !has {
		return name
	}
	return local + "@" + strings.ToLower(tenant)
}

// People gives [users] and [tenants] the form that directory.Configure takes. The
// configuration has been checked.
func (c *Config) People() (users []directory.Record, tenants []string, hosts map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(c.Users)) {
		u := c.Users[name]
		users = append(users, u.Record(name))
	}
	hosts = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Tenants)) {
		tenant := strings.ToLower(name)
		tenants = append(tenants, tenant)
		for _, h := range c.Tenants[name].Hosts {
			hosts[strings.ToLower(h)] = tenant
		}
	}
	return users, tenants, hosts
}

// Fit gives a user the phone and the account that it leaves open: the phone named like its
// local part, if it only acts for itself (administrators own none: spec: vodia 2.4); the account of its tenant, else of its phone, else originate.account, which
// may be empty. The error says what is not in the configuration; the user is without it
// then.
func (c *Config) Fit(u directory.User) (directory.User, error) {
	var errs []error
	switch u.Phone {
	case NoPhone:
		u.Phone = ""
	case "":
		if _, ok := c.Phones[u.Name.Local]; ok && u.Role == directory.RoleUser {
			u.Phone = u.Name.Local
		}
	default:
		if _, ok := c.Phones[u.Phone]; !ok {
			errs = append(errs, directory.Mistake{Field: "phone", Text: fmt.Sprintf("there is no phone %q; leave it empty for the phone named like the user, or write %q", u.Phone, NoPhone)})
			u.Phone = ""
		}
	}
	if _, ok := c.Accounts[string(u.Account)]; !ok && u.Account != "" {
		errs = append(errs, directory.Mistake{Field: "account", Text: fmt.Sprintf("there is no account %q", string(u.Account))})
		u.Account = ""
	}
	u.Account = cmp.Or(u.Account, call.AccountID(c.tenant(u.Name.Tenant).Account), call.AccountID(c.Phones[u.Phone].Account), call.AccountID(c.Originate.Account))
	return u, errors.Join(errs...)
}

// tenant gives the entry of a tenant, whose key may be written in any case.
func (c *Config) tenant(name string) Tenant {
	if t, ok := c.Tenants[name]; ok || name == "" {
		return t
	}
	for key, t := range c.Tenants {
		if strings.EqualFold(key, name) {
			return t
		}
	}
	return Tenant{}
}
