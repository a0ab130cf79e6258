package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dialwright/dialwright/internal/app"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// checkCmd checks the configuration.
type checkCmd struct{}

// Run reports all mistakes; the exit status is 1 when there are any.
func (checkCmd) Run(e *env) error {
	files, warnings, err := app.Check(e.source())
	if e.cli.JSON {
		out := struct {
			Files    []string        `json:"files"`
			Mistakes config.Mistakes `json:"mistakes"`
			Warnings []string        `json:"warnings"`
		}{files, mistakes(err), warnings}
		e.printJSON(out)
	} else {
		for _, w := range warnings {
			fmt.Fprintln(e.stdout, "warning:", w)
		}
		for _, m := range mistakes(err) {
			fmt.Fprintln(e.stdout, m)
		}
		switch {
		case err != nil:
			fmt.Fprintf(e.stdout, "%d mistake(s)\n", len(mistakes(err)))
		case len(files) == 0:
			fmt.Fprintln(e.stdout, "no configuration file; the defaults are used (`dialwright config example` prints a file to start from)")
		default:
			fmt.Fprintln(e.stdout, "ok:", strings.Join(files, " "))
		}
	}
	if err != nil {
		return status(exitError)
	}
	return nil
}

// mistakes gives the mistakes of an error of app.Check.
func mistakes(err error) config.Mistakes {
	if err == nil {
		return config.Mistakes{}
	}
	if ms, ok := errors.AsType[config.Mistakes](err); ok {
		return ms
	}
	return config.Mistakes{{Text: err.Error()}}
}

// configCmd is about the configuration.
type configCmd struct {
	Reload    configReloadCmd    `cmd:"" help:"Make the running server load its configuration files."`
	Reference configReferenceCmd `cmd:"" help:"Print the reference of all keys (Markdown)."`
	Example   configExampleCmd   `cmd:"" help:"Print a commented configuration file with every key."`
	Path      configPathCmd      `cmd:"" help:"Print which configuration file is used."`
	Key       configKeyCmd       `cmd:"" help:"Make an API key; prints it once, with what to add to the configuration."`
	Password  configPasswordCmd  `cmd:"" help:"Hash the password of a user for the configuration."`
	Seal      configSealCmd      `cmd:"" help:"Seal the link secret of a user for the configuration, with this server's key."`
}

type configReloadCmd struct{}

// Run reloads and says what changed.
func (configReloadCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var r rest.Reloaded
		if err := cl.Post(e.ctx, "/v1/config/reload", nil, &r); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(r)
			return nil
		}
		changed := "nothing"
		if len(r.Changed) > 0 {
			changed = strings.Join(r.Changed, ", ")
		}
		fmt.Fprintln(e.stdout, "changed:", changed)
		if len(r.Restart) > 0 {
			fmt.Fprintln(e.stdout, "waiting for the next start:", strings.Join(r.Restart, ", "))
		}
		for _, w := range r.Warnings {
			fmt.Fprintln(e.stdout, "warning:", w)
		}
		return nil
	})
}

type configReferenceCmd struct{}

// Run prints the reference.
func (configReferenceCmd) Run(e *env) error {
	_, err := fmt.Fprint(e.stdout, config.Reference())
	return err
}

type configExampleCmd struct{}

// Run prints the example.
func (configExampleCmd) Run(e *env) error {
	_, err := fmt.Fprint(e.stdout, config.Example())
	return err
}

type configPathCmd struct{}

// Run prints the path.
func (configPathCmd) Run(e *env) error {
	path := e.configPath()
	if path == "" {
		return errors.New("there is no configuration file; the defaults are used (`dialwright config example` prints a file to start from)")
	}
	fmt.Fprintln(e.stdout, path)
	return nil
}

type configKeyCmd struct {
	Name    string   `arg:"" help:"Name of the key: who will use it."`
	Scopes  []string `name:"scope" default:"calls:read,calls:write,events:read" help:"What it may do: calls:read, calls:write, events:read, endpoints:read, metrics:read, admin."`
	Account string   `help:"Account that it acts for."`
}

// Run prints a key and its entry.
func (c configKeyCmd) Run(e *env) error {
	key := auth.NewKey(c.Name)
	entry := fmt.Sprintf("[keys.%s]\nhash = %q\nscopes = [\"%s\"]\n", c.Name, auth.Hash(key), strings.Join(c.Scopes, `", "`))
	if c.Account != "" {
		entry += fmt.Sprintf("account = %q\n", c.Account)
	}
	if _, err := config.Parse([]config.File{{Name: "key", Text: []byte(entry)}}); err != nil {
		ms := mistakes(err)
		for i := range ms { // the account is in another file; all else is the caller's mistake
			if !strings.HasSuffix(ms[i].Key, ".account") {
				return fmt.Errorf("%s: %s", ms[i].Key, ms[i].Text)
			}
		}
	}
	if e.cli.JSON {
		e.printJSON(map[string]string{"key": key, "entry": entry})
		return nil
	}
	fmt.Fprintf(e.stdout, "%s\n\nThis is the only time that the key is shown. Add to dialwright.toml or a file in conf.d:\n\n%s", key, entry)
	return nil
}
