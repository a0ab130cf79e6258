package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
)

type usersInput struct {
	Tenant string `query:"tenant" maxLength:"253" doc:"Users of this tenant only"`
	Role   string `query:"role" enum:"user,tenant-admin,admin,minter" doc:"Users with this role only"`
	Source string `query:"source" enum:"configuration,store" doc:"Users of this source only"`
	Cursor string `query:"cursor" maxLength:"320" doc:"next of the previous page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type usersOutput struct {
	Body struct {
		Users []User `json:"users" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	}
}

// listUsers pages through the users in the order of tenant and name. The cursor is the last
// name.
func (s *Server) listUsers(_ context.Context, in *usersInput) (*usersOutput, error) {
	users, err := s.users()
	if err != nil {
		return nil, err
	}
	after, ok := directory.ParseName(in.Cursor)
	if in.Cursor != "" && !ok {
		return nil, &Refusal{Code: "invalid", Field: "cursor", Text: "The cursor is not valid; begin without one."}
	}
	out := &usersOutput{}
	out.Body.Users = []User{}
	for _, u := range users.Users() {
		switch {
		case in.Cursor != "" && directory.CompareNames(u.Name, after) <= 0,
			in.Tenant != "" && u.Name.Tenant != in.Tenant,
			in.Role != "" && string(u.Role) != in.Role,
			in.Source != "" && u.Stored != (in.Source == "store"):
			continue
		}
		if n := len(out.Body.Users); n == in.Limit {
			out.Body.Next = out.Body.Users[n-1].Name
			break
		}
		out.Body.Users = append(out.Body.Users, viewUser(users, u))
	}
	return out, nil
}

type userInput struct {
	Name string `path:"name" maxLength:"320" doc:"Name: 123@tenant.com, or 123"`
}

// named gives the users and the name that a path has.
func (s *Server) named(name string) (Users, directory.Name, error) {
	users, err := s.users()
	if err != nil {
		return nil, directory.Name{}, err
	}
	n, ok := directory.ParseName(name)
	if !ok {
		return nil, n, noUser(name)
	}
	return users, n, nil
}

type userOutput struct{ Body User }

// oneUser shows a user after something was done.
func oneUser(users Users, n directory.Name, err error) (*userOutput, error) {
	if err != nil {
		return nil, userError(n.String(), err)
	}
	u, ok := users.User(n)
	if !ok {
		return nil, noUser(n.String())
	}
	return &userOutput{viewUser(users, u)}, nil
}

func (s *Server) getUser(_ context.Context, in *userInput) (*userOutput, error) {
	users, n, err := s.named(in.Name)
	if err != nil {
		return nil, err
	}
	return oneUser(users, n, nil)
}

type newUserInput struct{ Body NewUser }

// MadeUser is a user with the link secret that was made for it.
type MadeUser struct {
	User
	LinkSecret string `json:"link_secret,omitempty" doc:"The secret that was made. It is not shown again"`
}

type madeUserOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         MadeUser
}

func (s *Server) createUser(ctx context.Context, in *newUserInput) (*madeUserOutput, error) {
	users, err := s.users()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	n, ok := directory.ParseName(b.Name)
	switch {
	case !ok:
		return nil, &Refusal{Code: "invalid", Field: "name", Text: "This cannot be a name. Write 123@tenant.com, or 123 for a user without a tenant."}
	case b.MakeLinkSecret && b.LinkSecret != nil:
		return nil, &Refusal{Code: "invalid", Field: "make_link_secret", Text: "Only one of link_secret, make_link_secret can be given."}
	}
	u := directory.User{Name: n, Role: directory.RoleUser}
	if err := b.edit(&u); err != nil {
		return nil, err
	}
	secrets := directory.Secrets{Password: b.Password, Force: b.Force, Digest: b.Digest, Realm: users.Realm(), LinkSecret: b.LinkSecret}
	out := &madeUserOutput{CacheControl: "no-store"}
	if b.MakeLinkSecret {
		out.Body.LinkSecret = directory.NewLinkSecret()
		secrets.LinkSecret = &out.Body.LinkSecret
	}
	made, err := oneUser(users, n, users.Create(ctx, u, secrets, s.userBy(ctx)))
	if err != nil {
		return nil, err
	}
	out.Body.User = made.Body
	return out, nil
}

type changeUserInput struct {
	Name string `path:"name" maxLength:"320" doc:"Name: 123@tenant.com, or 123"`
	Body UserFields
}

func (s *Server) changeUser(ctx context.Context, in *changeUserInput) (*userOutput, error) {
	return s.change(ctx, in.Name, in.Body.edit, directory.Secrets{})
}

// change changes a user of the store and shows it.
func (s *Server) change(ctx context.Context, name string, edit func(*directory.User) error, secrets directory.Secrets) (*userOutput, error) {
	users, n, err := s.named(name)
	if err != nil {
		return nil, err
	}
	secrets.Realm = users.Realm()
	return oneUser(users, n, users.Change(ctx, n, edit, secrets, s.userBy(ctx)))
}

// unedited is for changes of secrets.
func unedited(*directory.User) error { return nil }

func (s *Server) deleteUser(ctx context.Context, in *userInput) (*struct{}, error) {
	users, n, err := s.named(in.Name)
	if err != nil {
		return nil, err
	}
	if err := users.Delete(ctx, n, s.userBy(ctx)); err != nil {
		return nil, userError(n.String(), err)
	}
	return nil, nil
}

// NewPassword is the body that sets a web password. It has no schema that could echo it in
// an error.
type NewPassword struct {
	Password string `json:"password" doc:"8 characters or more. It is kept as a hash and never shown"`
	Force    bool   `json:"force,omitempty" doc:"Take one of fewer than 8 characters"`
	Digest   bool   `json:"digest,omitempty" doc:"Keep what HTTP Digest of old clients needs too, which is weaker than the hash"`
}

type newPasswordInput struct {
	Name string `path:"name" maxLength:"320" doc:"Name: 123@tenant.com, or 123"`
	Body NewPassword
}

func (s *Server) setPassword(ctx context.Context, in *newPasswordInput) (*userOutput, error) {
	if in.Body.Password == "" {
		return nil, &Refusal{Code: "invalid", Field: "password", Text: "The password is empty. DELETE takes the password away."}
	}
	return s.change(ctx, in.Name, unedited, directory.Secrets{Password: &in.Body.Password, Force: in.Body.Force, Digest: in.Body.Digest})
}

func (s *Server) deletePassword(ctx context.Context, in *userInput) (*userOutput, error) {
	return s.change(ctx, in.Name, unedited, directory.Secrets{Password: new("")})
}

// NewLinkSecret is the body that sets a link secret. It has no schema that could echo it in
// an error.
type NewLinkSecret struct {
	LinkSecret string `json:"link_secret" doc:"At most 256 bytes. It is kept sealed and never shown"`
}

type newLinkSecretInput struct {
	Name string `path:"name" maxLength:"320" doc:"Name: 123@tenant.com, or 123"`
	Body NewLinkSecret
}

func (s *Server) setLinkSecret(ctx context.Context, in *newLinkSecretInput) (*userOutput, error) {
	if in.Body.LinkSecret == "" {
		return nil, &Refusal{Code: "invalid", Field: "link_secret", Text: "The secret is empty. POST makes one, DELETE takes it away."}
	}
	return s.change(ctx, in.Name, unedited, directory.Secrets{LinkSecret: &in.Body.LinkSecret})
}

func (s *Server) makeLinkSecret(ctx context.Context, in *userInput) (*madeUserOutput, error) {
	secret := directory.NewLinkSecret()
	u, err := s.change(ctx, in.Name, unedited, directory.Secrets{LinkSecret: &secret})
	if err != nil {
		return nil, err
	}
	return &madeUserOutput{CacheControl: "no-store", Body: MadeUser{User: u.Body, LinkSecret: secret}}, nil
}

func (s *Server) deleteLinkSecret(ctx context.Context, in *userInput) (*userOutput, error) {
	return s.change(ctx, in.Name, unedited, directory.Secrets{LinkSecret: new("")})
}

// registerUsers lists the operations of users.
func (s *Server) registerUsers(op func(method, path, id, tag, summary string) huma.Operation) {
	changing := func(method, path, id, summary string) huma.Operation {
		o := op(method, path, id, "users", summary)
		o.Errors = []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity}
		return o
	}
	create := changing("POST", "/v1/users", "create-user", "Make a user of the store")
	create.DefaultStatus = http.StatusCreated
	create.Errors = []int{http.StatusConflict, http.StatusUnprocessableEntity}
	operation(s, create, auth.Admin, s.createUser)
	operation(s, op("GET", "/v1/users", "list-users", "users", "List users, of the configuration and of the store"), auth.Admin, s.listUsers)
	operation(s, op("GET", "/v1/users/{name}", "get-user", "users", "One user"), auth.Admin, s.getUser)
	operation(s, changing("PATCH", "/v1/users/{name}", "change-user", "Change a user of the store; what the body does not name stays"), auth.Admin, s.changeUser)
	operation(s, changing("DELETE", "/v1/users/{name}", "delete-user", "Remove a user of the store"), auth.Admin, s.deleteUser)
	operation(s, changing("PUT", "/v1/users/{name}/password", "set-password", "Set the web password of a user; its sessions end"), auth.Admin, s.setPassword)
	operation(s, changing("DELETE", "/v1/users/{name}/password", "delete-password", "Take the web password away"), auth.Admin, s.deletePassword)
	operation(s, changing("POST", "/v1/users/{name}/link-secret", "make-link-secret", "Make a new link secret, which the answer shows this once"), auth.Admin, s.makeLinkSecret)
	operation(s, changing("PUT", "/v1/users/{name}/link-secret", "set-link-secret", "Set the link secret of a user"), auth.Admin, s.setLinkSecret)
	operation(s, changing("DELETE", "/v1/users/{name}/link-secret", "delete-link-secret", "Take the link secret away"), auth.Admin, s.deleteLinkSecret)
}
