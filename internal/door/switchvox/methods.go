package switchvox

import (
	"slices"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

// do carries out a method and gives the answer; nil = nobody waits for one any more.
type do func(x *exchange, r wire.Request) []byte

// action gives what a method does, nil if there is no such method (spec: switchvox 6, 8, 9).
func action(method string) do {
	switch method {
	case wire.MethodCall, wire.MethodUsersCall:
		return (*exchange).call
	case wire.MethodGetInfo:
		return (*exchange).getInfo
	case wire.MethodGetMyInfo:
		return (*exchange).getMyInfo
	case wire.MethodSearch:
		return (*exchange).searchExtensions
	case wire.MethodCalls:
		return (*exchange).currentCalls
	case wire.MethodHangUp:
		return (*exchange).hangUp
	case wire.MethodCallLogs:
		return (*exchange).searchLogs
	case wire.MethodGetVersion:
		return (*exchange).version
	}
	return nil
}

// administers says whether the login acts for others: it is no extension's.
func (x *exchange) administers() bool {
	return x.user.Role == directory.RoleAdmin || x.user.Role == directory.RoleTenantAdmin
}

// may says whether the login has the right to a method (spec: switchvox 2.2).
func (x *exchange) may(method string) bool {
	switch {
	case x.administers():
		list := x.user.Methods
		return len(list) == 0 || slices.Contains(list, "*") || slices.Contains(list, method)
	case x.user.Role == directory.RoleMinter:
		return false
	}
	return wire.OfUsers(method)
}

// sight is whose calls a login may see; nil = all.
type sight struct {
	accounts map[call.AccountID]bool // true = the tenant's alone
	phones   map[string]bool         // of the tenant's users
}

// sees gives whose calls the login may see. Tenants that name no account share the default one, of
// which a tenant's administrator sees the calls of the tenant's phones.
func (x *exchange) sees() *sight {
	if x.user.Role == directory.RoleAdmin {
		return nil
	}
	s := &sight{map[call.AccountID]bool{}, map[string]bool{}}
	for _, u := range x.d.o.Users.Users() {
		own := u.Name.Tenant == x.c.Tenant
		if all, known := s.accounts[u.Account]; !known || all {
			s.accounts[u.Account] = own
		}
		if own && u.Phone != "" {
			s.phones[u.Phone] = true
		}
	}
	return s
}

// of says whether a call is to be seen.
func (s *sight) of(account call.AccountID, phones ...string) bool {
	return s == nil || s.accounts[account] || slices.ContainsFunc(phones, func(p string) bool { return s.phones[p] })
}

func (x *exchange) version(wire.Request) []byte {
	return x.result(wire.Element{Name: "version", Text: x.c.Version})
}
