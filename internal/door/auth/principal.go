package auth

import (
	"context"
	"log/slog"
	"slices"

	"github.com/dialwright/dialwright/internal/call"
)

// Scope is one right of a principal.
type Scope string

// The scopes of API keys.
const (
	CallsRead     Scope = "calls:read"     // see calls, attempts, ladders of the own account
	CallsWrite    Scope = "calls:write"    // submit, cancel, hang up for the own account
	EventsRead    Scope = "events:read"    // follow events of the own account
	EndpointsRead Scope = "endpoints:read" // see phones, trunks, routes
	MetricsRead   Scope = "metrics:read"   // read /metrics
	Admin         Scope = "admin"          // everything, for every account
)

// Scopes lists all scopes, in the order in which they are written.
func Scopes() []Scope {
	return []Scope{CallsRead, CallsWrite, EventsRead, EndpointsRead, MetricsRead, Admin}
}

// Principal is who speaks to a door. The zero value is nobody.
type Principal struct {
	Name    string         // key name, or "local"
	Account call.AccountID // whose calls it may see and make; "" = the server's default account
	Scopes  []Scope
	Person  bool // somebody with a session, and not a key; Name begins with "console"

	keyHash string // of the key that gave it, "" = none did
}

// Local is the principal of who can reach a socket that only the owner of the
// server can open.
func Local() Principal { return Principal{Name: "local", Scopes: []Scope{Admin}} }

// Can reports whether p has a scope. Admin has all.
func (p Principal) Can(s Scope) bool {
	return slices.Contains(p.Scopes, s) || p.IsAdmin()
}

// IsAdmin reports whether p may act for every account.
func (p Principal) IsAdmin() bool { return slices.Contains(p.Scopes, Admin) }

// LogValue gives the name only.
func (p Principal) LogValue() slog.Value { return slog.StringValue(p.Name) }

type contextKey struct{}

// NewContext gives ctx with p.
func NewContext(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext gives the principal of ctx, if it has one.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}
