package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/dialwright/dialwright/internal/app"
	"github.com/dialwright/dialwright/internal/astdb"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// databaseCmd works on AstDB.
type databaseCmd struct {
	Show   databaseShowCmd   `cmd:"" help:"List entries: all, those of a family, or those below a key."`
	Get    databaseGetCmd    `cmd:"" help:"Print the value of an entry; exit status 1 if there is none."`
	Put    databasePutCmd    `cmd:"" help:"Make or replace an entry."`
	Del    databaseDelCmd    `cmd:"" help:"Delete an entry, or a family with --tree."`
	Import databaseImportCmd `cmd:"" help:"Take over the entries of an Asterisk's astdb.sqlite3."`
}

// Help is the long help.
func (databaseCmd) Help() string {
	return "AstDB is what DB() in the dialplan, labels of dialproxy (family actionlist) and states set by hand are kept in. " +
		"Over HTTP (--server) the key needs the scope admin. `dialwright rx \"database show\"` prints as Asterisk does."
}

// entryArg names an entry.
type entryArg struct {
	Family string `arg:"" help:"Family; it may contain slashes."`
	Key    string `arg:"" help:"Key; it may contain slashes."`
}

func (a entryArg) path() string { return astdb.Path(a.Family, a.Key) }

type databaseShowCmd struct {
	Family  string `arg:"" optional:"" help:"Family, or family/key."`
	Keytree string `arg:"" optional:"" help:"Only this key and what is below it."`
	Named   string `placeholder:"KEY" help:"Entries of all families that end with this key."`
	Limit   int    `short:"n" help:"Most entries to list; 0 = all."`
}

// Run lists.
func (c databaseShowCmd) Run(e *env) error {
	query := url.Values{}
	for k, v := range map[string]string{"prefix": astdb.Path(c.Family, c.Keytree), "key": c.Named} {
		if v != "" {
			query.Set(k, v)
		}
	}
	return e.with(func(cl *client.Client) error {
		list, err := e.pages(cl, "/v1/database", query, c.Limit)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(list)
			return nil
		}
		var rows [][]string
		for _, raw := range list {
			var n rest.Entry
			if err := json.Unmarshal(raw, &n); err != nil {
				return err
			}
			rows = append(rows, []string{"/" + n.Path, n.Value})
		}
		e.table([]string{"ENTRY", "VALUE"}, rows)
		return nil
	})
}

type databaseGetCmd struct{ entryArg }

// Run prints the value.
func (c databaseGetCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var n rest.Entry
		if err := cl.Get(e.ctx, "/v1/database/entry", url.Values{"path": {c.path()}}, &n); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(n)
			return nil
		}
		fmt.Fprintln(e.stdout, n.Value)
		return nil
	})
}

type databasePutCmd struct {
	entryArg
	Value string `arg:"" help:"Value; quote it for the shell."`
}

// Run makes or replaces the entry.
func (c databasePutCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		return cl.Put(e.ctx, "/v1/database/entry", rest.Entry{Path: c.path(), Value: c.Value}, nil)
	})
}

type databaseDelCmd struct {
	Family string `arg:"" help:"Family."`
	Key    string `arg:"" optional:"" help:"Key; may be left out with --tree."`
	Tree   bool   `help:"With everything below it."`
}

// Run deletes.
func (c databaseDelCmd) Run(e *env) error {
	if c.Key == "" && !c.Tree && !strings.Contains(c.Family, "/") {
		return errors.New("a family is deleted with --tree only")
	}
	query := url.Values{"path": {astdb.Path(c.Family, c.Key)}}
	if c.Tree {
		query.Set("tree", "true")
	}
	return e.with(func(cl *client.Client) error {
		var out struct {
			Deleted int `json:"deleted"`
		}
		if err := cl.Delete(e.ctx, "/v1/database", query, &out); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(out)
			return nil
		}
		fmt.Fprintf(e.stdout, "%d entries deleted\n", out.Deleted)
		return nil
	})
}

// databaseImportCmd takes an Asterisk's AstDB over.
type databaseImportCmd struct {
	File      string `arg:"" type:"existingfile" help:"astdb.sqlite3 of an Asterisk, which may be running; usually /var/lib/asterisk/astdb.sqlite3."`
	Family    string `placeholder:"FAMILY" help:"Entries of this family only, such as actionlist; or family/key with what is below it."`
	Overwrite bool   `help:"Replace the values of entries that are there; else they stay."`
	DryRun    bool   `help:"Say what would be done, but change nothing."`
}

// Help is the long help.
func (databaseImportCmd) Help() string {
	return "The file is read here and its entries are sent to the server, so it may be on another machine than the server. It is not changed. " +
		"A server that is started with --asterisk-dir imports that Asterisk's AstDB by itself, each key once."
}

// counts is what an import did.
type counts struct {
	Added    int `json:"added"`
	Replaced int `json:"replaced"`
	Same     int `json:"same"`
	Kept     int `json:"kept"`
	LeftOut  int `json:"left_out"`
}

// Run imports, in pieces.
func (c databaseImportCmd) Run(e *env) error {
	list, problems, err := app.ReadAstDB(e.ctx, c.File)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(e.stderr, "dialwright:", p)
	}
	list = below(list, astdb.Path(c.Family))
	var sum counts
	err = e.with(func(cl *client.Client) error {
		for _, batch := range astdb.Batches(list) {
			if err := c.send(e, cl, batch, &sum); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.report(e, sum)
	if sum.LeftOut > 0 {
		return status(exitError)
	}
	return nil
}

// send imports one piece, in smaller ones if it is more than the server takes at a time.
// An entry that is too large by itself is left out.
func (c databaseImportCmd) send(e *env, cl *client.Client, batch []astdb.Entry, sum *counts) error {
	var body struct {
		Entries   []rest.Entry `json:"entries"`
		Overwrite bool         `json:"overwrite,omitempty"`
		DryRun    bool         `json:"dry_run,omitempty"`
	}
	body.Overwrite, body.DryRun = c.Overwrite, c.DryRun
	for _, n := range batch {
		body.Entries = append(body.Entries, rest.Entry(n))
	}
	var n counts
	err := cl.Post(e.ctx, "/v1/database/import", body, &n)
	refused, ok := errors.AsType[*client.Error](err)
	tooLarge := ok && refused.Status == http.StatusRequestEntityTooLarge
	if half := len(batch) / 2; tooLarge && half > 0 {
		return errors.Join(c.send(e, cl, batch[:half], sum), c.send(e, cl, batch[half:], sum))
	}
	if tooLarge {
		fmt.Fprintf(e.stderr, "dialwright: %.200s: %d bytes are more than http.max_body lets through; it is left out\n", batch[0].Name(), len(batch[0].Value))
		sum.LeftOut++
		return nil
	}
	if err != nil {
		return err
	}
	sum.Added, sum.Replaced, sum.Same, sum.Kept = sum.Added+n.Added, sum.Replaced+n.Replaced, sum.Same+n.Same, sum.Kept+n.Kept
	return nil
}

func (c databaseImportCmd) report(e *env, sum counts) {
	if e.cli.JSON {
		e.printJSON(sum)
		return
	}
	would := ""
	if c.DryRun {
		would = "would be "
	}
	fmt.Fprintf(e.stdout, "%d entries %sadded, %d replaced, %d the same, %d kept as they are here\n", sum.Added, would, sum.Replaced, sum.Same, sum.Kept)
	if sum.Kept > 0 && !c.Overwrite {
		fmt.Fprintln(e.stdout, "--overwrite replaces those that are kept")
	}
}

// below gives the entries of a tree, "" = all.
func below(list []astdb.Entry, tree string) []astdb.Entry {
	if tree == "" {
		return list
	}
	var out []astdb.Entry
	for _, n := range list {
		if n.Path == tree || strings.HasPrefix(n.Path, tree+"/") {
			out = append(out, n)
		}
	}
	return out
}
