package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
)

// Users are the people for whom calls are made. The errors are those of *directory.Directory,
// which is one but for Realm.
type Users interface {
	User(n directory.Name) (directory.User, bool)
	Written(n directory.Name) (directory.User, bool)
	Users() []directory.User
	ProblemsOf(n directory.Name) []error
	Create(ctx context.Context, u directory.User, s directory.Secrets, by directory.By) error
	Change(ctx context.Context, n directory.Name, edit func(*directory.User) error, s directory.Secrets, by directory.By) error
	Delete(ctx context.Context, n directory.Name, by directory.By) error
	// Realm is that of HTTP Digest: "Switchvox".
	Realm() string
}

// UserFields are what can be set of a user. Absent ones stay as they are; those of a new user
// are empty.
type UserFields struct {
	Role          *string      `json:"role,omitempty" enum:"user,tenant-admin,admin,minter" doc:"What it may do for others; user (also of a new one) = nothing"`
	FirstName     *string      `json:"first_name,omitempty"`
	LastName      *string      `json:"last_name,omitempty"`
	Email         *string      `json:"email,omitempty"`
	Phone         *string      `json:"phone,omitempty" doc:"Phone that rings; empty = for the role user the phone named like it before the @; none = none"`
	Account       *string      `json:"account,omitempty" doc:"On whose behalf it calls; empty = the tenant's, else the phone's, else originate.account"`
	Disabled      *bool        `json:"disabled,omitempty" doc:"It may not log in, and nobody may act for it"`
	Mints         []string     `json:"mints,omitzero" required:"false" nullable:"false" maxItems:"1000" doc:"Users for whom a minter may make tokens: 123@tenant.com, or *@tenant.com"`
	ID            *string      `json:"id,omitempty" doc:"Switchvox's account_id, digits; empty = Switchvox's interface does not know the user"`
	Type          *string      `json:"type,omitempty" doc:"Switchvox's type; empty = sip with a phone, else virtual"`
	Methods       []string     `json:"methods,omitzero" required:"false" nullable:"false" maxItems:"1000" doc:"Methods of Switchvox's interface that an admin may call, * = all; empty = all"`
	PrefixRules   []PrefixRule `json:"prefix_rules,omitzero" required:"false" nullable:"false" maxItems:"100" doc:"Digits put in front of numbers by their length; the first that fits counts"`
	Extensions    []string     `json:"extensions,omitzero" required:"false" nullable:"false" maxItems:"10000" doc:"Extensions that an admin may have rung first by Switchvox's interface; empty = all"`
	Numbers       []string     `json:"numbers,omitzero" required:"false" nullable:"false" maxItems:"1000" doc:"Prefixes of numbers that it may have dialled by Switchvox's interface; empty = what its account may"`
	ExternalFirst *string      `json:"external_first,omitempty" doc:"It may have numbers outside rung first by Switchvox's interface: yes, no, or empty for switchvox.allow_external_first"`
	AutoAnswer    *bool        `json:"auto_answer,omitempty" doc:"Its phone may be asked to answer by itself"`
}

// PrefixRule puts digits in front of numbers of some lengths.
type PrefixRule struct {
	Min     int    `json:"min" doc:"Fewest digits of the number"`
	Max     int    `json:"max" doc:"Most digits of the number"`
	Prepend string `json:"prepend" doc:"What is put in front"`
}

// NewUser is the body that makes a user. Its secrets have no schema that could echo them in
// an error.
type NewUser struct {
	Name string `json:"name" minLength:"1" maxLength:"320" example:"123@tenant.com" doc:"Name, without a tenant only the part before the @"`
	UserFields
	Password       *string `json:"password,omitempty" doc:"Web password, 8 characters or more; absent = it cannot log in with one. It is kept as a hash and never shown"`
	Force          bool    `json:"force,omitempty" doc:"Take a password of fewer than 8 characters"`
	Digest         bool    `json:"digest,omitempty" doc:"Keep what HTTP Digest of old clients needs too, which is weaker than the hash"`
	LinkSecret     *string `json:"link_secret,omitempty" doc:"Secret that signs its links; it is kept sealed and never shown. Absent = signed links are refused"`
	MakeLinkSecret bool    `json:"make_link_secret,omitempty" doc:"Make a link secret, which the answer shows this once"`
}

// User is a user as shown, never with a secret.
type User struct {
	Name             string       `json:"name" example:"123@tenant.com"`
	Tenant           string       `json:"tenant,omitempty"`
	Source           string       `json:"source" enum:"configuration,store" doc:"configuration: it can be changed in the configuration only"`
	Role             string       `json:"role" enum:"user,tenant-admin,admin,minter"`
	FirstName        string       `json:"first_name,omitempty"`
	LastName         string       `json:"last_name,omitempty"`
	Email            string       `json:"email,omitempty"`
	Phone            string       `json:"phone,omitempty" doc:"As written; absent = the configuration decides, none = none"`
	EffectivePhone   string       `json:"effective_phone,omitempty" doc:"Phone that rings; absent = none"`
	Account          string       `json:"account,omitempty" doc:"As written; absent = the configuration decides"`
	EffectiveAccount string       `json:"effective_account" doc:"On whose behalf it calls"`
	Disabled         bool         `json:"disabled" doc:"It may not log in, and nobody may act for it"`
	Mints            []string     `json:"mints,omitempty" nullable:"false"`
	ID               string       `json:"id,omitempty"`
	Type             string       `json:"type,omitempty"`
	Methods          []string     `json:"methods,omitempty" nullable:"false"`
	PrefixRules      []PrefixRule `json:"prefix_rules,omitempty" nullable:"false"`
	Extensions       []string     `json:"extensions,omitempty" nullable:"false"`
	Numbers          []string     `json:"numbers,omitempty" nullable:"false"`
	ExternalFirst    string       `json:"external_first,omitempty" enum:"yes,no"`
	AutoAnswer       bool         `json:"auto_answer,omitempty"`
	HasPassword      bool         `json:"has_password"`
	HasDigest        bool         `json:"has_digest" doc:"It can log in by HTTP Digest"`
	HasLinkSecret    bool         `json:"has_link_secret" doc:"Its links can be signed"`
	CreatedAt        time.Time    `json:"created_at,omitzero" required:"false" doc:"Absent in the configuration"`
	Problems         []string     `json:"problems,omitempty" nullable:"false" doc:"What keeps it from being used as it is written"`
}

// users gives the users, or says that there are none.
func (s *Server) users() (Users, error) {
	if s.o.Users == nil {
		return nil, &Refusal{Code: "not-found", Text: "This server has no users."}
	}
	return s.o.Users, nil
}

// userBy says who works on users.
func (s *Server) userBy(ctx context.Context) directory.By {
	p := principal(ctx)
	return directory.By{Door: doorOf(p), Principal: p.Name, Remote: remoteFrom(ctx)}
}

// viewUser shows a user: as its source has it, and what that comes to.
func viewUser(users Users, u directory.User) User {
	w, ok := users.Written(u.Name)
	if !ok { // removed meanwhile
		w = u
	}
	v := User{
		Name: u.Name.String(), Tenant: u.Name.Tenant, Source: "configuration", Role: string(u.Role), FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
		Phone: w.Phone, EffectivePhone: u.Phone, Account: string(w.Account), EffectiveAccount: string(u.Account), Disabled: u.Disabled, Mints: u.Mints,
		ID: u.ID, Type: u.Type, Methods: u.Methods, Extensions: u.Extensions, Numbers: u.Numbers, AutoAnswer: u.AutoAnswer,
		HasPassword: u.HasPassword, HasDigest: u.HasDigest, HasLinkSecret: u.HasLink, CreatedAt: u.CreatedAt,
	}
	if u.Stored {
		v.Source = "store"
	}
	for _, r := range u.Rules {
		v.PrefixRules = append(v.PrefixRules, PrefixRule(r))
	}
	switch {
	case u.External == nil:
	case *u.External:
		v.ExternalFirst = "yes"
	default:
		v.ExternalFirst = "no"
	}
	for _, err := range users.ProblemsOf(u.Name) {
		v.Problems = append(v.Problems, err.Error())
	}
	return v
}

// edit puts the fields that are there into a user. The error is a *Refusal.
func (f *UserFields) edit(u *directory.User) error {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set((*string)(&u.Role), f.Role)
	set(&u.FirstName, f.FirstName)
	set(&u.LastName, f.LastName)
	set(&u.Email, f.Email)
	set(&u.Phone, f.Phone)
	set(&u.ID, f.ID)
	set(&u.Type, f.Type)
	if f.Account != nil {
		u.Account = call.AccountID(*f.Account)
	}
	if f.Disabled != nil {
		u.Disabled = *f.Disabled
	}
	if f.AutoAnswer != nil {
		u.AutoAnswer = *f.AutoAnswer
	}
	f.editLists(u)
	if f.ExternalFirst == nil {
		return nil
	}
	switch *f.ExternalFirst {
	case "":
		u.External = nil
	case "yes", "no":
		u.External = new(*f.ExternalFirst == "yes")
	default:
		return &Refusal{Code: "invalid", Field: "external_first", Text: "Write yes, no, or nothing to leave it to the configuration."}
	}
	return nil
}

// editLists replaces the lists that are there; an empty one is none.
func (f *UserFields) editLists(u *directory.User) {
	set := func(to *[]string, from []string) {
		switch {
		case from == nil:
		case len(from) == 0:
			*to = nil
		default:
			*to = from
		}
	}
	set(&u.Methods, f.Methods)
	set(&u.Extensions, f.Extensions)
	set(&u.Numbers, f.Numbers)
	set(&u.Mints, f.Mints)
	if f.Mints != nil {
		for i, m := range u.Mints {
			if local, tenant, ok := strings.Cut(m, "@"); ok {
				u.Mints[i] = local + "@" + strings.ToLower(tenant)
			}
		}
	}
	if f.PrefixRules != nil {
		u.Rules = nil
		for _, r := range f.PrefixRules {
			u.Rules = append(u.Rules, directory.Rule(r))
		}
	}
}

// noUser says that there is no such user.
func noUser(name string) error {
	return &Refusal{Code: "not-found", Text: "There is no user " + name + "."}
}

// userError translates the errors of the directory.
func userError(name string, err error) error {
	switch {
	case errors.Is(err, directory.ErrUnknown):
		return noUser(name)
	case errors.Is(err, directory.ErrExists):
		return &Refusal{Code: "state", Field: "name", Text: "There is a user " + name + " already."}
	case errors.Is(err, directory.ErrConfigured):
		return &Refusal{Code: "state", Text: "The user " + name + " is in the configuration, and can be changed there only: [users.\"" + name + "\"]."}
	case !errors.Is(err, directory.ErrInvalid):
		return err
	}
	list := directory.MistakesOf(err)
	if len(list) == 1 {
		return &Refusal{Code: "invalid", Field: list[0].Field, Text: list[0].Error()}
	}
	p := newProblem(http.StatusUnprocessableEntity, "invalid", "Nothing was changed:")
	for i, m := range list {
		if i == 0 {
			p.Field = m.Field
		}
		p.Errors = append(p.Errors, &huma.ErrorDetail{Message: m.Text, Location: "body." + m.Field})
	}
	return p
}
