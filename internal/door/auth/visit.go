package auth

import (
	"errors"
	"net/netip"
	"time"
)

// Why a session does not count. The texts are for people.
var (
	ErrNoSession = errors.New("nobody is logged in")
	ErrSession   = errors.New("the session has ended; log in again")
	ErrPlainHTTP = errors.New("passwords and sessions are not accepted over plain HTTP from other machines; use https://")
	ErrForeign   = errors.New("a web page of another origin may neither log in here nor use a session")
)

// ErrWrongLogin is why nobody is logged in: unknown and disabled users, wrong passwords and
// roles that may not log in look alike.
var ErrWrongLogin = errors.New("the user or the password is wrong")

// LockedError says that logins are not looked at for a while.
type LockedError struct{ After time.Duration }

// Error gives the text.
func (LockedError) Error() string { return "too many failures; try again later" }

// Visit is a session as it stands when it is looked at: who it is, and what that one may do
// now. Doors share it; whoever holds on to one looks again now and then.
type Visit struct {
	Session   *Session
	Principal Principal
	Client    netip.Addr // who asks: the peer, or what a trusted proxy says of it
	Name      string     // of the user, "123@tenant.com"; "" = an administrator without a name
	Display   string     // "Ada Moss"
	Role      string     // "admin", "tenant-admin", "user"
	Phone     string     // that rings for it, "" = none
}
