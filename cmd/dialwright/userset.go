package main

import (
	"fmt"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// userFlags are what can be set of a user; "" takes a text or a list away.
type userFlags struct {
	Role          *string  `enum:"user,tenant-admin,admin,minter" placeholder:"ROLE" help:"user: acts for itself; tenant-admin: for its tenant; admin: for everybody; minter: makes login tokens for those of --mints."`
	FirstName     *string  `placeholder:"TEXT" help:"First name."`
	LastName      *string  `placeholder:"TEXT" help:"Last name."`
	Email         *string  `placeholder:"ADDRESS" help:"Address for mail."`
	Phone         *string  `placeholder:"PHONE" help:"Phone that rings; \"none\" = none; \"\" = for the role user the phone named like it before the @."`
	Account       *string  `placeholder:"ACCOUNT" help:"On whose behalf it calls; \"\" = the tenant's, else the phone's, else originate.account."`
	Disable       bool     `xor:"able" help:"It may not log in, and nobody may act for it."`
	Enable        bool     `xor:"able" help:"The reverse."`
	Mints         []string `placeholder:"NAME" help:"For whom a minter may make tokens: 123@tenant.com, or *@tenant.com; may be repeated."`
	ID            *string  `name:"id" placeholder:"DIGITS" help:"Switchvox's account_id; \"\" = Switchvox's interface does not know the user."`
	Type          *string  `placeholder:"TYPE" help:"Switchvox's type: sip, virtual, ivr, call_queue and others."`
	Method        []string `placeholder:"METHOD" help:"Method of Switchvox's interface that an admin may call, * = all; may be repeated; none = all."`
	PrefixRule    []string `placeholder:"LENGTH=DIGITS" help:"Digits put in front of numbers by their length: 11=9, or 7-10=1; may be repeated, the first that fits counts."`
	Extension     []string `placeholder:"EXTENSION" help:"Extension that an admin may have rung first by Switchvox's interface; may be repeated; none = all."`
	Number        []string `placeholder:"PREFIX" help:"Prefix of numbers that it may have dialled by Switchvox's interface; may be repeated; none = what the account may."`
	ExternalFirst *string  `enum:"yes,no," placeholder:"yes|no" help:"It may have numbers outside rung first by Switchvox's interface; \"\" = as the configuration says."`
	AutoAnswer    *string  `enum:"yes,no" placeholder:"yes|no" help:"Its phone may be asked to answer by itself."`
}

// fields gives what the flags set.
func (f userFlags) fields() (rest.UserFields, error) {
	out := rest.UserFields{
		Role: f.Role, FirstName: f.FirstName, LastName: f.LastName, Email: f.Email, Phone: f.Phone, Account: f.Account, ID: f.ID, Type: f.Type,
		Mints: given(f.Mints), Methods: given(f.Method), Extensions: given(f.Extension), Numbers: given(f.Number), ExternalFirst: f.ExternalFirst,
	}
	if f.Disable || f.Enable {
		out.Disabled = &f.Disable
	}
	if f.AutoAnswer != nil {
		out.AutoAnswer = new(*f.AutoAnswer == "yes")
	}
	for _, s := range given(f.PrefixRule) {
		r, err := readRule(s)
		if err != nil {
			return out, err
		}
		out.PrefixRules = append(out.PrefixRules, r)
	}
	if f.PrefixRule != nil && out.PrefixRules == nil {
		out.PrefixRules = []rest.PrefixRule{}
	}
	return out, nil
}

// given is a list of a flag: nil if the flag is not there, empty for "".
func given(list []string) []string {
	if len(list) == 1 && list[0] == "" {
		return []string{}
	}
	return list
}

type userAddCmd struct {
	Name string `arg:"" help:"Name: 123@tenant.com, or 123."`
	userFlags
	Password bool `help:"Ask for a web password, or read it from standard input."`
	Digest   bool `help:"With --password: keep what HTTP Digest of old clients needs too, which is weaker than the hash."`
	Force    bool `help:"With --password: take one of fewer than 8 characters."`
	Secret   bool `help:"Make a link secret and show it this once."`
}

// Run makes the user.
func (c userAddCmd) Run(e *env) error {
	fields, err := c.fields()
	if err != nil {
		return err
	}
	in := rest.NewUser{Name: c.Name, UserFields: fields, Force: c.Force, Digest: c.Digest, MakeLinkSecret: c.Secret}
	if c.Password {
		password, err := e.newSecret("password of " + c.Name)
		if err != nil {
			return err
		}
		in.Password = &password
	}
	return e.with(func(cl *client.Client) error {
		var made rest.MadeUser
		if err := cl.Post(e.ctx, "/v1/users", in, &made); err != nil {
			return err
		}
		return e.showMade(made)
	})
}

// showMade shows a user, and the link secret that was made for it.
func (e *env) showMade(made rest.MadeUser) error {
	if e.cli.JSON {
		e.printJSON(made)
		return nil
	}
	e.showUser(made.User)
	if made.LinkSecret != "" {
		fmt.Fprintf(e.stdout, "%-12s %s\n\nThis is the only time that the link secret is shown.\n", "link secret", made.LinkSecret)
	}
	return nil
}

type userSetCmd struct {
	Name string `arg:"" help:"Name: 123@tenant.com, or 123."`
	userFlags
}

// Run changes the user.
func (c userSetCmd) Run(e *env) error {
	fields, err := c.fields()
	if err != nil {
		return err
	}
	return e.with(func(cl *client.Client) error {
		var u rest.User
		if err := cl.Patch(e.ctx, userPath(c.Name), fields, &u); err != nil {
			return err
		}
		e.showUser(u)
		return nil
	})
}
