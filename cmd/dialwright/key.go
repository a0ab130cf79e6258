package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// keyCmd works on API keys.
type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List API keys, of the configuration and of the store."`
	Create keyCreateCmd `cmd:"" help:"Make an API key and show it this once."`
	Revoke keyRevokeCmd `cmd:"" help:"End API keys of the store, at once and for good."`
}

// Help is the long help.
func (keyCmd) Help() string {
	return "A key lets a program use the REST API. Keys that are made here are kept in the store; those of the configuration ([keys]) are shown, and are " +
		"changed there only. Over HTTP (--server) the key needs the scope admin. docs/keys.md tells more."
}

type keyListCmd struct{}

// Run lists.
func (keyListCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var out struct{ Keys []rest.Key }
		if err := cl.Get(e.ctx, "/v1/keys", nil, &out); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(out.Keys)
			return nil
		}
		var rows [][]string
		for _, k := range out.Keys {
			source, state := "configuration", "in force"
			if k.Stored {
				source = "store"
			}
			if !k.RevokedAt.IsZero() {
				state = "revoked " + clock(k.RevokedAt)
			}
			rows = append(rows, []string{k.Name, k.Account, strings.Join(k.Scopes, " "), source, state, strconv.FormatInt(k.Uses, 10), clock(k.LastUsedAt), k.CreatedBy})
		}
		e.table([]string{"NAME", "ACCOUNT", "SCOPES", "SOURCE", "STATE", "USES", "LAST USED", "MADE BY"}, rows)
		return nil
	})
}

type keyCreateCmd struct {
	Name    string   `arg:"" help:"Name: letters, digits, - and _. It is shown wherever it is said who asked."`
	Account string   `placeholder:"ACCOUNT" help:"On whose behalf it acts; else originate.account."`
	Scopes  []string `name:"scope" default:"calls:write,calls:read,events:read" help:"What it may do, may be given several times: calls:read, calls:write, events:read, endpoints:read, metrics:read, admin."`
}

// Run makes the key.
func (c keyCreateCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var made rest.MadeKey
		if err := cl.Post(e.ctx, "/v1/keys", rest.NewKey{Name: c.Name, Account: c.Account, Scopes: c.Scopes}, &made); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(made)
			return nil
		}
		fmt.Fprintln(e.stdout, made.Secret)
		fmt.Fprintf(e.stderr, "This is the only time that the key %s is shown. It may: %s.\n", made.Name, strings.Join(made.Scopes, " "))
		return nil
	})
}

type keyRevokeCmd struct {
	Keys []string `arg:"" name:"name" help:"Names of keys."`
}

// Run revokes each; the first that cannot be does not keep the others from it.
func (c keyRevokeCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var errs []error
		for _, name := range c.Keys {
			if err := cl.Delete(e.ctx, "/v1/keys/"+url.PathEscape(name), nil, nil); err != nil {
				errs = append(errs, err)
			} else if !e.cli.JSON {
				fmt.Fprintf(e.stdout, "%s revoked\n", clean(name))
			}
		}
		return errors.Join(errs...)
	})
}
