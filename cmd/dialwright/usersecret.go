package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// maxSecret bounds the line that is read as a secret, in bytes.
const maxSecret = 4096

// newSecret reads a new secret: at a terminal it is asked for twice and not shown, else it is
// the first line of standard input.
func (e *env) newSecret(what string) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return firstLine(os.Stdin, what)
	}
	first, err := e.askHidden(fd, "New "+what+": ")
	if err != nil {
		return "", err
	}
	again, err := e.askHidden(fd, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("the two are not the same; nothing was changed")
	}
	return first, nil
}

// firstLine gives the first line without its end.
func firstLine(r io.Reader, what string) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxSecret)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	switch {
	case line == "":
		return "", fmt.Errorf("standard input has no %s; write it there, or run the command at a terminal", what)
	case len(line) >= maxSecret:
		return "", fmt.Errorf("the %s on standard input is longer than a secret may be", what)
	}
	return line, nil
}

// askHidden asks at a terminal without showing what is typed. An interrupt ends it, and the
// terminal is as it was.
func (e *env) askHidden(fd int, prompt string) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(e.stderr, prompt)
	type answer struct {
		text []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() { // after an interrupt it waits for the terminal until the process ends
		text, err := term.ReadPassword(fd)
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		fmt.Fprintln(e.stderr)
		return string(a.text), a.err
	case <-e.ctx.Done():
		fmt.Fprintln(e.stderr)
		return "", errors.Join(context.Canceled, term.Restore(fd, before))
	}
}

type userPasswordCmd struct {
	Name   string `arg:"" help:"Name: 123@tenant.com, or 123."`
	Digest bool   `help:"Keep what HTTP Digest of old clients needs too, which is weaker than the hash."`
	Force  bool   `help:"Take a password of fewer than 8 characters."`
	Remove bool   `help:"Take the password away: the user cannot log in with one."`
}

// Help is the long help.
func (userPasswordCmd) Help() string {
	return "The password is asked for at the terminal, or is the first line of standard input. It is kept as a hash and can never be shown. " +
		"Whoever is logged in with the old one is logged out. Without --digest a digest of the old password goes with it."
}

// Run sets the password.
func (c userPasswordCmd) Run(e *env) error {
	path := userPath(c.Name) + "/password"
	in := rest.NewPassword{Force: c.Force, Digest: c.Digest}
	if !c.Remove {
		var err error
		if in.Password, err = e.newSecret("password of " + c.Name); err != nil {
			return err
		}
	}
	return e.with(func(cl *client.Client) error {
		var u rest.User
		if c.Remove {
			return e.done(cl.Delete(e.ctx, path, nil, &u), u, "password taken away")
		}
		return e.done(cl.Put(e.ctx, path, in, &u), u, "password set")
	})
}

type userSecretCmd struct {
	Name   string `arg:"" help:"Name: 123@tenant.com, or 123."`
	Set    bool   `xor:"do" help:"Ask for the secret, or read it from standard input, instead of making one."`
	Remove bool   `xor:"do" help:"Take the secret away: signed links of the user are refused."`
}

// Help is the long help.
func (userSecretCmd) Help() string {
	return "The link secret signs links that dial (docs/vodia.md); it is no password. It is kept sealed with the server's key, and shown only when it is made. " +
		"Links that were signed with the old one are refused from then on."
}

// Run makes, sets or removes the secret.
func (c userSecretCmd) Run(e *env) error {
	path := userPath(c.Name) + "/link-secret"
	var in rest.NewLinkSecret
	if c.Set {
		var err error
		if in.LinkSecret, err = e.newSecret("link secret of " + c.Name); err != nil {
			return err
		}
	}
	return e.with(func(cl *client.Client) error {
		var u rest.User
		switch {
		case c.Remove:
			return e.done(cl.Delete(e.ctx, path, nil, &u), u, "link secret taken away")
		case c.Set:
			return e.done(cl.Put(e.ctx, path, in, &u), u, "link secret set")
		}
		var made rest.MadeUser
		if err := cl.Post(e.ctx, path, nil, &made); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(made)
			return nil
		}
		fmt.Fprintf(e.stdout, "%s\n\nThis is the only time that the link secret of %s is shown.\n", made.LinkSecret, made.Name)
		return nil
	})
}

// done says what was done with a user.
func (e *env) done(err error, u rest.User, what string) error {
	switch {
	case err != nil:
		return err
	case e.cli.JSON:
		e.printJSON(u)
	default:
		fmt.Fprintf(e.stdout, "%s: %s\n", u.Name, what)
	}
	return nil
}
