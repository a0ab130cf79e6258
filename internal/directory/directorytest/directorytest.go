// Package directorytest makes directories with plain passwords, for tests of what asks them.
package directorytest

import (
	"context"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/seal"
)

// Realm is that of every Digest of a Person.
const Realm = "Switchvox"

// Person is a user with its secrets in plain text.
type Person struct {
	directory.User        // Role "" is RoleUser, Account "" is "default"
	Name           string // "123@tenant.com"; it is put into User.Name
	Password       string // "" = it cannot log in
	Digest         bool   // it has HA1 for Realm too
	LinkSecret     string // "" = its links are not signed
}

// New makes a directory of configured users and tenants. It has a store in memory, so that
// Create and Delete work for others. Passwords cost next to nothing to check.
func New(t testing.TB, tenants []string, people ...Person) *directory.Directory {
	t.Helper()
	d := directory.New(Options(&Store{}))
	Configure(t, d, tenants, people...)
	return d
}

// Options gives cheap hashes and a box with a fixed key.
func Options(s directory.Store) directory.Options {
	box := seal.New([seal.KeySize]byte{1})
	return directory.Options{Store: s, Open: box.Open, Seal: box.Seal, Hash: auth.CheapHash}
}

// Configure replaces the users of the configuration.
func Configure(t testing.TB, d *directory.Directory, tenants []string, people ...Person) {
	t.Helper()
	var list []directory.Record
	for _, p := range people {
		list = append(list, Record(t, p))
	}
	d.Configure(list, tenants, nil)
}

// Record gives the record of a person.
func Record(t testing.TB, p Person) directory.Record {
	t.Helper()
	n, ok := directory.ParseName(p.Name)
	if !ok {
		t.Fatalf("%q is no name", p.Name)
	}
	r := directory.Record{User: p.User, LinkSecret: p.LinkSecret}
	r.Name = n
	if r.Role == "" {
		r.Role = directory.RoleUser
	}
	if r.Account == "" {
		r.Account = call.AccountID("default")
	}
	if p.Password != "" {
		r.PasswordHash = auth.CheapHash(p.Password)
		if p.Digest {
			r.Digest = directory.HA1(n.Local, Realm, p.Password)
		}
	}
	return r
}

// Store keeps users in memory. The zero value is empty and ready; it is for one goroutine
// at a time, as a Directory uses it.
type Store struct {
	Acts  []directory.Act // the audit trail
	users map[directory.Name]directory.Record
}

// Users is directory.Store; the order is any.
func (s *Store) Users(context.Context) (out []directory.Record, err error) {
	for _, r := range s.users {
		out = append(out, r)
	}
	return out, nil
}

// PutUser is directory.Store.
func (s *Store) PutUser(_ context.Context, r directory.Record, a directory.Act) error {
	if s.users == nil {
		s.users = map[directory.Name]directory.Record{}
	}
	s.users[r.Name], s.Acts = r, append(s.Acts, a)
	return nil
}

// DeleteUser is directory.Store.
func (s *Store) DeleteUser(_ context.Context, n directory.Name, a directory.Act) (existed bool, err error) {
	if _, existed = s.users[n]; existed {
		s.Acts = append(s.Acts, a)
	}
	delete(s.users, n)
	return existed, nil
}
