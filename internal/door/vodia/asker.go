package vodia

import (
	"strings"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// asker is who asks for something, as far as it has proved it. Rights are looked up at each
// use: they are never kept with a session.
type asker struct {
	// user is the one that has logged in. A session that was minted for a tenant has none:
	// then it is one of that tenant, which owns no phone.
	user directory.User
	// session is set when a session proves it, and nil for a password or a signature.
	session *auth.Session
	// linked says that the proof is in the link itself, where no web page can put it that
	// does not have it (spec: vodia 4.7).
	linked bool
}

// known says whether it is anybody.
func (a *asker) known() bool { return a.user.Name != (directory.Name{}) }

// principal gives the name for call.Origin.
func (a *asker) principal() string {
	if !a.known() {
		return DoorName
	}
	return DoorName + ":" + a.user.Name.String()
}

// Subjects of sessions. A tenant's are made by whom Session.By names.
const (
	userSubject        = "user:"         // + name
	tenantSubject      = "tenant:"       // + tenant: in it, without rights
	tenantAdminSubject = "tenant-admin:" // + tenant
)

// subjectOf is the subject of a user's sessions.
func subjectOf(n directory.Name) string { return userSubject + n.String() }

// asks gives the asker of a session that lasts; ok is false if there is none with that value, or
// if its user may not log in any more.
func (d *Door) asks(value string) (a asker, ok bool) {
	s, ok := d.sessions.Find(value)
	if !ok {
		return asker{}, false
	}
	u, ok := d.stands(s.Login())
	if !ok {
		s.End()
		return asker{}, false
	}
	return asker{user: u, session: s}, true
}

// login is what a user's session remembers.
func (d *Door) login(n directory.Name, by string) auth.Login {
	return auth.Login{Subject: subjectOf(n), By: by, Stamp: d.o.Users.Stamp(n)}
}

// stands gives the user that a login means now; false if it is not allowed any more: it is
// disabled, or has another password.
func (d *Door) stands(l auth.Login) (directory.User, bool) {
	kind, name, _ := strings.Cut(l.Subject, ":")
	if kind+":" == userSubject {
		u, ok := d.enabled(name)
		return u, ok && d.o.Users.Stamp(u.Name) == l.Stamp
	}
	// It stands and falls with who has made it.
	maker, ok := d.enabled(strings.TrimPrefix(l.By, userSubject))
	if !ok {
		return directory.User{}, false
	}
	switch {
	case kind+":" == tenantSubject && mayMint(&maker, scope{tenant: name}):
		return directory.User{Name: directory.Name{Tenant: name}, Role: directory.RoleUser}, true
	case kind+":" == tenantAdminSubject && mayMint(&maker, scope{tenant: name, admin: true}):
		return directory.User{Name: directory.Name{Local: "admin", Tenant: name}, Role: directory.RoleTenantAdmin}, true
	}
	return directory.User{}, false
}

// enabled gives the user of a full name if it may log in.
func (d *Door) enabled(name string) (directory.User, bool) {
	n, ok := directory.ParseName(name)
	if !ok {
		return directory.User{}, false
	}
	u, ok := d.o.Users.User(n)
	return u, ok && !u.Disabled
}

// EndSessions ends the sessions of a user at once, with their sockets. A user that is
// disabled or has another password loses them at the next use by itself.
func (d *Door) EndSessions(n directory.Name) int { return d.sessions.EndOf(subjectOf(n)) }
