package rest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/apikey"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// KeyBook makes and revokes API keys. *apikey.Book is one.
type KeyBook interface {
	// List gives the keys of the configuration and those that are stored, by name.
	List(ctx context.Context) ([]apikey.Key, error)
	// Create makes a key and gives it this once. The error is apikey.ErrExists,
	// ErrConfigured or an *apikey.Invalid.
	Create(ctx context.Context, k apikey.Key, by apikey.By) (apikey.Key, string, error)
	// Revoke ends one at once. The error is apikey.ErrUnknown or ErrConfigured.
	Revoke(ctx context.Context, name string, by apikey.By) (apikey.Key, error)
}

// Key is an API key as shown, without its secret.
type Key struct {
	Name       string    `json:"name"`
	Account    string    `json:"account" doc:"On whose behalf it acts; empty means originate.account"`
	Scopes     []string  `json:"scopes" nullable:"false"`
	Stored     bool      `json:"stored" doc:"It was made by a command; false: it is in the configuration, and changed there only"`
	CreatedAt  time.Time `json:"created_at,omitzero" required:"false"`
	CreatedBy  string    `json:"created_by,omitempty" doc:"local, or who: key:crm"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" required:"false"`
	Uses       int64     `json:"uses" doc:"Requests that it was accepted for. A server that dies forgets those of the last half minute"`
	RevokedAt  time.Time `json:"revoked_at,omitzero" required:"false" doc:"It is good for nothing since then"`
	RevokedBy  string    `json:"revoked_by,omitempty"`
}

// NewKey is the body that asks for a key.
type NewKey struct {
	Name    string   `json:"name" minLength:"1" maxLength:"64" example:"crm" doc:"Letters, digits, - and _"`
	Account string   `json:"account,omitempty" maxLength:"64" doc:"On whose behalf it acts; absent = originate.account"`
	Scopes  []string `json:"scopes" nullable:"false" minItems:"1" maxItems:"16" example:"[\"calls:write\",\"calls:read\"]" doc:"What it may do: calls:read, calls:write, events:read, endpoints:read, metrics:read, admin (everything, for every account)"`
}

// MadeKey is a key with its secret.
type MadeKey struct {
	Key
	Secret string `json:"key" doc:"The key. This is the only time that it is shown"`
}

func viewKey(k apikey.Key) Key {
	v := Key{
		Name: k.Name, Account: string(k.Account), Scopes: []string{}, Stored: k.Stored, CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy,
		LastUsedAt: k.Use.LastAt, Uses: k.Use.Times, RevokedAt: k.RevokedAt, RevokedBy: k.RevokedBy,
	}
	for _, s := range k.Scopes {
		v.Scopes = append(v.Scopes, string(s))
	}
	return v
}

// keyError translates the errors of keys.
func keyError(name string, err error) error {
	if e, ok := errors.AsType[*apikey.Invalid](err); ok {
		return &Refusal{Code: "invalid", Field: e.Field, Text: e.Text}
	}
	switch {
	case errors.Is(err, apikey.ErrUnknown):
		return &Refusal{Code: "not-found", Text: "There is no stored key " + name + " that is in force."}
	case errors.Is(err, apikey.ErrExists):
		return &Refusal{Code: "state", Text: "There is a key " + name + " already. Revoke it first, or take another name."}
	case errors.Is(err, apikey.ErrConfigured):
		return &Refusal{Code: "state", Text: "The key " + name + " is in the configuration. Remove or change [keys." + name + "] there and reload it."}
	}
	return err
}

// keyBy says who works on keys.
func (s *Server) keyBy(ctx context.Context) apikey.By {
	by := s.by(ctx)
	return apikey.By{Name: by.Name, Door: by.Door, Principal: by.Asker, Remote: by.Remote}
}

// keyBook gives the keys, or says that there are none that could be changed.
func (s *Server) keyBook() (KeyBook, error) {
	if s.o.KeyBook == nil {
		return nil, &Refusal{Code: "not-found", Text: "This server keeps no keys but those of its configuration."}
	}
	return s.o.KeyBook, nil
}

type keysOutput struct {
	Body struct {
		Keys []Key `json:"keys" nullable:"false"`
	}
}

func (s *Server) listKeys(ctx context.Context, _ *struct{}) (*keysOutput, error) {
	book, err := s.keyBook()
	if err != nil {
		return nil, err
	}
	list, err := book.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &keysOutput{}
	out.Body.Keys = []Key{}
	for _, k := range list {
		out.Body.Keys = append(out.Body.Keys, viewKey(k))
	}
	return out, nil
}

type newKeyInput struct{ Body NewKey }

type madeKeyOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         MadeKey
}

func (s *Server) createKey(ctx context.Context, in *newKeyInput) (*madeKeyOutput, error) {
	book, err := s.keyBook()
	if err != nil {
		return nil, err
	}
	k := apikey.Key{Name: in.Body.Name, Account: call.AccountID(in.Body.Account)}
	for _, scope := range in.Body.Scopes {
		k.Scopes = append(k.Scopes, auth.Scope(scope))
	}
	made, secret, err := book.Create(ctx, k, s.keyBy(ctx))
	if err != nil {
		return nil, keyError(in.Body.Name, err)
	}
	return &madeKeyOutput{"no-store", MadeKey{viewKey(made), secret}}, nil
}

type keyNameInput struct {
	Name string `path:"name" maxLength:"64" doc:"Name of the key"`
}

func (s *Server) revokeKey(ctx context.Context, in *keyNameInput) (*struct{}, error) {
	book, err := s.keyBook()
	if err != nil {
		return nil, err
	}
	if _, err := book.Revoke(ctx, in.Name, s.keyBy(ctx)); err != nil {
		return nil, keyError(in.Name, err)
	}
	return nil, nil
}

// registerKeys lists the operations of keys.
func (s *Server) registerKeys(op func(method, path, id, tag, summary string) huma.Operation) {
	operation(s, op("GET", "/v1/keys", "list-keys", "keys", "List API keys, of the configuration and stored ones, revoked ones too"), auth.Admin, s.listKeys)
	create := op("POST", "/v1/keys", "create-key", "keys", "Make an API key, and show it this once")
	create.DefaultStatus = http.StatusCreated
	create.Errors = []int{http.StatusConflict, http.StatusUnprocessableEntity}
	operation(s, create, auth.Admin, s.createKey)
	revoke := op("DELETE", "/v1/keys/{name}", "revoke-key", "keys", "End a stored key, at once and for good")
	revoke.Errors = []int{http.StatusNotFound, http.StatusConflict}
	operation(s, revoke, auth.Admin, s.revokeKey)
}
