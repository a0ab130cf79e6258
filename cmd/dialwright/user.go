package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// userCmd works on users.
type userCmd struct {
	List     userListCmd     `cmd:"" help:"List users, of the configuration and of the store."`
	Show     userShowCmd     `cmd:"" help:"One user, and what keeps it from being used."`
	Add      userAddCmd      `cmd:"" help:"Make a user."`
	Set      userSetCmd      `cmd:"" help:"Change a user; what is not named stays."`
	Delete   userDeleteCmd   `cmd:"" help:"Remove users."`
	Password userPasswordCmd `cmd:"" help:"Set the web password of a user, or take it away; its sessions end."`
	Secret   userSecretCmd   `cmd:"" help:"Make the link secret of a user and show it this once; or set it, or take it away."`
}

// Help is the long help.
func (userCmd) Help() string {
	return "A user is a person, program or place that has a number: NAME is 123@tenant.com, or 123 without a tenant. Users of the configuration " +
		"([users]) are shown, and are changed there only. Secrets are asked for at the terminal, or read from standard input; they are never " +
		"arguments. Over HTTP (--server) the key needs the scope admin. docs/users.md tells more."
}

// userPath is the path of a user in the API.
func userPath(name string) string { return "/v1/users/" + url.PathEscape(name) }

type userListCmd struct {
	Tenant string `help:"Users of this tenant only."`
	Role   string `enum:",user,tenant-admin,admin,minter" default:"" placeholder:"ROLE" help:"Users with this role only: user, tenant-admin, admin, minter."`
	Limit  int    `short:"n" help:"Most users to list; 0 = all."`
}

// Run lists.
func (c userListCmd) Run(e *env) error {
	query := url.Values{}
	for k, v := range map[string]string{"tenant": strings.ToLower(c.Tenant), "role": c.Role} {
		if v != "" {
			query.Set(k, v)
		}
	}
	return e.with(func(cl *client.Client) error {
		list, err := e.pages(cl, "/v1/users", query, c.Limit)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(list)
			return nil
		}
		var rows [][]string
		for _, raw := range list {
			var u rest.User
			if err := json.Unmarshal(raw, &u); err != nil {
				return err
			}
			rows = append(rows, []string{
				u.Name, strings.TrimSpace(u.FirstName + " " + u.LastName), u.Role, u.EffectivePhone, u.EffectiveAccount, secretsText(u), u.Source, stateText(u),
			})
		}
		e.table([]string{"NAME", "CALLED", "ROLE", "PHONE", "ACCOUNT", "SECRETS", "SOURCE", "STATE"}, rows)
		return nil
	})
}

// secretsText names the secrets that a user has.
func secretsText(u rest.User) string {
	var out []string
	for _, s := range []struct {
		name string
		has  bool
	}{{"password", u.HasPassword}, {"digest", u.HasDigest}, {"link", u.HasLinkSecret}} {
		if s.has {
			out = append(out, s.name)
		}
	}
	return strings.Join(out, " ")
}

// stateText says whether a user can be used.
func stateText(u rest.User) string {
	switch {
	case u.Disabled:
		return "disabled"
	case len(u.Problems) > 0:
		return "see show"
	}
	return "ok"
}

type userShowCmd struct {
	Name string `arg:"" help:"Name: 123@tenant.com, or 123."`
}

// Run shows the user.
func (c userShowCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var u rest.User
		if err := cl.Get(e.ctx, userPath(c.Name), nil, &u); err != nil {
			return err
		}
		e.showUser(u)
		return nil
	})
}

// showUser prints what a user is, a line for each part that it has.
func (e *env) showUser(u rest.User) {
	if e.cli.JSON {
		e.printJSON(u)
		return
	}
	lines := [][2]string{
		{"user", u.Name}, {"called", strings.TrimSpace(u.FirstName + " " + u.LastName)}, {"email", u.Email}, {"role", u.Role}, {"mints", strings.Join(u.Mints, " ")},
		{"phone", written(u.Phone, u.EffectivePhone, "none rings")}, {"account", written(u.Account, u.EffectiveAccount, "")}, {"secrets", secretsText(u)},
		{"source", u.Source}, {"made", clock(u.CreatedAt)}, {"id", u.ID}, {"type", u.Type}, {"methods", strings.Join(u.Methods, " ")}, {"prefix rules", rulesText(u.PrefixRules)},
		{"extensions", strings.Join(u.Extensions, " ")}, {"numbers", strings.Join(u.Numbers, " ")}, {"outside 1st", u.ExternalFirst},
	}
	if u.AutoAnswer {
		lines = append(lines, [2]string{"auto-answer", "yes"})
	}
	if u.Disabled {
		lines = append(lines, [2]string{"disabled", "it may not log in, and nobody may act for it"})
	}
	for _, p := range u.Problems {
		lines = append(lines, [2]string{"problem", p})
	}
	for _, line := range lines {
		if line[1] != "" {
			fmt.Fprintf(e.stdout, "%-12s %s\n", line[0], clean(line[1]))
		}
	}
}

// written tells what a field comes to, and whether the configuration has decided that.
func written(own, effective, none string) string {
	switch {
	case effective == "":
		return none
	case own == "":
		return effective + " (by the configuration)"
	}
	return effective
}

// rulesText writes prefix rules as --prefix-rule reads them.
func rulesText(rules []rest.PrefixRule) string {
	var out []string
	for _, r := range rules {
		lengths := strconv.Itoa(r.Min)
		if r.Max != r.Min {
			lengths += "-" + strconv.Itoa(r.Max)
		}
		out = append(out, lengths+"="+r.Prepend)
	}
	return strings.Join(out, " ")
}

// readRule reads "11=9" or "7-10=1".
func readRule(s string) (rest.PrefixRule, error) {
	lengths, digits, ok := strings.Cut(s, "=")
	from, to, is := strings.Cut(lengths, "-")
	if !is {
		to = from
	}
	least, err1 := strconv.Atoi(from)
	most, err2 := strconv.Atoi(to)
	if !ok || err1 != nil || err2 != nil {
		return rest.PrefixRule{}, fmt.Errorf("--prefix-rule: %q is no rule; write 11=9 to put 9 in front of numbers of 11 digits, or 7-10=1", s)
	}
	return rest.PrefixRule{Min: least, Max: most, Prepend: digits}, nil
}

type userDeleteCmd struct {
	Users []string `arg:"" name:"name" help:"Names: 123@tenant.com, or 123."`
}

// Run removes each; the first that cannot be does not keep the others from it.
func (c userDeleteCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var errs []error
		for _, name := range c.Users {
			if err := cl.Delete(e.ctx, userPath(name), nil, nil); err != nil {
				errs = append(errs, err)
			} else if !e.cli.JSON {
				fmt.Fprintf(e.stdout, "%s removed\n", clean(name))
			}
		}
		return errors.Join(errs...)
	})
}
