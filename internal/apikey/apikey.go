// Package apikey keeps the API keys that are in force: those of the configuration, and beside
// them those that commands make, which are in the store.
//
// A key of the configuration hides a stored one of its name, and can be changed there only.
// A stored key lives until it is revoked. That takes effect at once, also for whoever has just
// used it, and for good: a later key of the same name is another key. What a key is, is shown;
// the key itself is shown once, when it is made, for only its hash is kept.
//
// Uses are counted in memory and written now and then (Flush), not with each request: a server
// that dies forgets those of the last seconds, and no key.
package apikey

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// Errors of a Book, found with errors.Is.
var (
	ErrUnknown    = errors.New("no such key")
	ErrExists     = errors.New("there is such a key already")
	ErrConfigured = errors.New("the key is in the configuration; change it there")
)

// Invalid says what is wrong with the key that somebody wants.
type Invalid struct {
	Field string // "name", "account", "scopes"
	Text  string // a sentence
}

// Error gives the text.
func (e *Invalid) Error() string { return e.Text }

// Key is a key without its secret.
type Key struct {
	Name      string
	Account   call.AccountID // "" = the server's default account
	Scopes    []auth.Scope
	Stored    bool      // it is not of the configuration
	CreatedAt time.Time // stored ones only, as what follows
	CreatedBy string    // "local", "key:crm", "console:123@tenant.com"
	RevokedAt time.Time // zero = it is in force
	RevokedBy string
	Use       auth.Use // since it was made; for keys of the configuration, since they were counted
}

// Record is a stored key. Its Use is kept beside it.
type Record struct {
	Key
	Hash string // argon2id, PHC form
}

// By says who makes or revokes a key.
type By struct {
	Name      string // as in CreatedBy
	Door      string // "rest", "cli", "console"
	Principal string
	Remote    string // from which address, "" = this machine
}

// Act is a change as the audit trail keeps it. It shows no secret.
type Act struct {
	By
	At      time.Time
	Key     string
	Account call.AccountID
	Text    string // "key made: calls:read calls:write"
}

// Store keeps keys. store/sqlite implements it. A change and its line in the audit trail are
// one transaction.
type Store interface {
	// APIKeys gives all, by name, revoked ones too.
	APIKeys(ctx context.Context) ([]Record, error)
	// PutAPIKey makes a key or replaces the one of its name, and forgets the uses of that.
	PutAPIKey(ctx context.Context, r Record, a Act) error
	// RevokeAPIKey notes that a key was revoked.
	RevokeAPIKey(ctx context.Context, name string, a Act) error
	// APIKeyUses gives the uses of each key, those of the configuration too.
	APIKeyUses(ctx context.Context) (map[string]auth.Use, error)
	// AddAPIKeyUses adds some.
	AddAPIKeyUses(ctx context.Context, uses map[string]auth.Use) error
}
