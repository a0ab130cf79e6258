package directory

import (
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Name is the name of a user. The tenant is in lower case; the local part is as written
// and compares exactly (spec: vodia 2.2).
type Name struct {
	Local  string // "123", "admin"
	Tenant string // "tenant.com", "" = none
}

// String gives "123@tenant.com", or "123" without a tenant.
func (n Name) String() string {
	if n.Tenant == "" {
		return n.Local
	}
	return n.Local + "@" + n.Tenant
}

// Role is what a user may do for others (spec: vodia 2.4, 7; switchvox 2.2).
type Role string

// The roles.
const (
	RoleUser        Role = "user"         // acts for itself
	RoleTenantAdmin Role = "tenant-admin" // acts for the users of its tenant
	RoleAdmin       Role = "admin"        // acts for everybody
	RoleMinter      Role = "minter"       // makes tokens for the users in Mints, and nothing else
)

// User is one entry of the directory. It is a value; its slices must not be changed.
type User struct {
	Name      Name
	Role      Role
	FirstName string
	LastName  string
	Email     string
	Phone     string         // phone that rings for it, a key of [phones]; "" = none
	Account   call.AccountID // on whose behalf it calls; never empty in a directory
	Disabled  bool           // may not log in, and nobody may act for it
	Mints     []string       // RoleMinter: names, "123@tenant.com", or "*@tenant.com"

	// What Switchvox knows of it (spec: switchvox 2.2, 7, 9.1).
	ID         string // account_id, digits; "" = Switchvox does not know it
	Type       string // "sip", "zap", "virtual", "ivr", "call_queue" …; "" = "sip" with a phone, else "virtual"
	Methods    []string
	Rules      []Rule
	Extensions []string // RoleAdmin: that it may ring first; empty = all
	Numbers    []string // prefixes that it may have dialled; empty = what the account may
	External   *bool    // first numbers outside; nil = as the door says
	AutoAnswer bool     // its phone may be asked to answer by itself

	HasPassword bool
	HasDigest   bool
	HasLink     bool
	Stored      bool      // it is in the store, and not in the configuration
	CreatedAt   time.Time // zero = in the configuration
}

// Display gives the name that is shown: "Ada Moss", or the local part.
func (u *User) Display() string {
	switch {
	case u.FirstName != "" && u.LastName != "":
		return u.FirstName + " " + u.LastName
	case u.FirstName+u.LastName != "":
		return u.FirstName + u.LastName
	}
	return u.Name.Local
}

// Rule prepends digits to numbers of some lengths (spec: switchvox 7).
type Rule struct {
	Min, Max int // digits of the number, both included
	Prepend  string
}

// MayActFor says whether u may act for another user (spec: vodia 2.4).
func (u *User) MayActFor(n Name) bool {
	switch {
	case u.Disabled || u.Role == RoleMinter:
		return false
	case u.Role == RoleAdmin:
		return true
	case u.Role == RoleTenantAdmin:
		return u.Name.Tenant == n.Tenant
	}
	return u.Name == n
}
