package app

import "github.com/dialwright/dialwright/internal/directory"

// restUsers is rest.Users: the directory, and the realm of the door that asks for HTTP Digest.
type restUsers struct {
	*directory.Directory
	a *App
}

// Realm is rest.Users.
func (u restUsers) Realm() string { return u.a.Config().Switchvox.Realm }
