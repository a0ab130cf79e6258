package main

import (
	"fmt"
	"os"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/seal"
)

type configPasswordCmd struct {
	Digest string `placeholder:"USER" help:"Print also what HTTP Digest of old clients needs of this user: 123@tenant.com, or 123."`
	Realm  string `help:"Realm of --digest; else switchvox.realm of the configuration."`
	Force  bool   `help:"Take a password of fewer than 8 characters."`
}

// Help is the long help.
func (configPasswordCmd) Help() string {
	return "The password is asked for at the terminal, or is the first line of standard input. What is printed goes below [users.NAME] in the configuration."
}

// Run hashes a password.
func (c configPasswordCmd) Run(e *env) error {
	n, ok := directory.ParseName(c.Digest)
	if c.Digest != "" && !ok {
		return fmt.Errorf("--digest: %q cannot be a name: write 123@tenant.com, or 123", c.Digest)
	}
	realm := c.Realm
	if c.Digest != "" && realm == "" {
		l, err := e.source().Load()
		if err != nil {
			return fmt.Errorf("%w\nThe realm is not known; run `dialwright check`, or use --realm", err)
		}
		realm = l.Config.Switchvox.Realm
	}
	password, err := e.newSecret("password")
	if err != nil {
		return err
	}
	if err := directory.CheckNewPassword(password, c.Force); err != nil {
		return err
	}
	out := map[string]string{"password": auth.Hash(password)}
	if c.Digest != "" {
		out["digest"] = directory.HA1(n.Local, realm, password)
	}
	return e.printEntry(out, "password", "digest")
}

type configSealCmd struct{}

// Help is the long help.
func (configSealCmd) Help() string {
	return "The secret is asked for at the terminal, or is the first line of standard input. What is printed goes below [users.NAME] in the configuration, " +
		"and can be opened with the key in the data directory only (seal.key, which is made if there is none). Run it as the user that the server runs as."
}

// Run seals a link secret.
func (configSealCmd) Run(e *env) error {
	dir := e.cli.DataDir
	if dir == "" {
		l, err := e.source().Load()
		if err != nil {
			return fmt.Errorf("%w\nThe server's data directory is not known; run `dialwright check`, or use --data-dir", err)
		}
		dir = l.Config.Server.DataDir
	}
	secret, err := e.newSecret("link secret")
	if err != nil {
		return err
	}
	if err := directory.CheckLinkSecret(secret); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil { // as the server makes it
		return err
	}
	box, err := seal.OpenDir(dir)
	if err != nil {
		return err
	}
	return e.printEntry(map[string]string{"link_secret": box.Seal(secret)}, "link_secret")
}

// printEntry prints keys of the configuration with their values, which need no escapes.
func (e *env) printEntry(values map[string]string, keys ...string) error {
	if e.cli.JSON {
		e.printJSON(values)
		return nil
	}
	for _, k := range keys {
		if v := values[k]; v != "" {
			fmt.Fprintf(e.stdout, "%s = %q\n", k, v)
		}
	}
	return nil
}
