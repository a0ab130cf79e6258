package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/dialwright/dialwright/internal/app"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/ctl"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// serveCmd runs the server.
type serveCmd struct{}

// Run serves until an interrupt: the first lets calls end (server.drain), the
// second hangs them up.
func (serveCmd) Run(e *env) error {
	a, err := app.New(app.Options{Source: e.source(), Adjust: e.adjust, Log: e.stderr, Version: buildInfo().Version})
	if err != nil {
		return configError(err)
	}
	err = a.Run(e.ctx, e.stopNow, e.hup, func(r app.Ready) {
		if e.cli.JSON {
			e.printJSON(r)
			return
		}
		for _, s := range r.SIP {
			fmt.Fprintf(e.stdout, "SIP   %s\n", s)
		}
		if r.HTTP != "" {
			fmt.Fprintf(e.stdout, "HTTP  %s/v1\n", r.HTTP)
		}
		fmt.Fprintf(e.stdout, "ctl   %s\ndata  %s\nup to %d calls at once\n", ctl.Path(r.DataDir), r.DataDir, r.MaxLive)
		e.nextSteps(a.Config())
	})
	if errors.Is(err, app.ErrRestart) {
		return again()
	}
	return err
}

// again starts the program anew in the place of this one, with the same arguments and
// process id, so that a supervisor does not notice (core restart).
func again() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return fmt.Errorf("restart: %w", syscall.Exec(program, os.Args, os.Environ())) // it returns only when it fails
}

// nextSteps says what is missing for a first call.
func (e *env) nextSteps(c *config.Config) {
	if len(c.Phones) > 0 || len(c.Trunks) > 0 {
		return
	}
	path := e.configPath()
	if path == "" {
		path = "dialwright.toml"
	}
	fmt.Fprintf(e.stdout, `
Nothing is configured yet. To place a first call, write into %s:

  [phones.101]
  password = "%s"

and the same for 102, register two phones with these users and passwords, then run: dialwright call 101 102
(dialwright config example prints every key, dialwright config key NAME makes an API key, dialwright demo shows it all without phones.)
`, path, rand.Text())
	if e.configPath() == "" {
		fmt.Fprintln(e.stdout, "Start the server again then: it watches only a file that was there at its start.")
	}
}

// adjust puts the flags over the configuration.
func (e *env) adjust(c *config.Config) {
	if e.cli.DataDir != "" {
		c.Server.DataDir = e.cli.DataDir
	}
}

// source says where the configuration is.
func (e *env) source() app.Source {
	return app.Source{Path: e.configPath(), AsteriskDir: e.cli.AsteriskDir}
}

func (e *env) configPath() string {
	if e.cli.Config != "" {
		return e.cli.Config
	}
	return config.Find()
}

// configError says how to go on after mistakes in the configuration.
func configError(err error) error {
	if ms, ok := errors.AsType[config.Mistakes](err); ok {
		return fmt.Errorf("the configuration has %d mistake(s):\n%w\nThe reference is docs/configuration.md, or `dialwright config reference`", len(ms), ms)
	}
	return err
}

// client gives a connection to the server that the flags name.
func (e *env) client() (*client.Client, error) {
	if e.cli.Server != "" {
		return client.New(client.Options{URL: e.cli.Server, Key: e.cli.Key})
	}
	dir := e.cli.DataDir
	if dir == "" {
		l, err := e.source().Load()
		if err != nil {
			return nil, fmt.Errorf("%w\nThe server's data directory is not known; run `dialwright check`, or use --data-dir", err)
		}
		dir = l.Config.Server.DataDir
	}
	return client.New(client.Options{Dial: func(ctx context.Context) (net.Conn, error) { return ctl.Dial(ctx, dir) }})
}

// with runs f with a client and closes it.
func (e *env) with(f func(*client.Client) error) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}
