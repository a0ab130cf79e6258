package main

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/dialwright/dialwright/internal/app"
	"github.com/dialwright/dialwright/internal/door/ctl"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// routeCmd shows where a number leads.
type routeCmd struct {
	Number  string `arg:"" help:"As it would be typed."`
	Account string `help:"On whose behalf."`
	Label   string `help:"As dialproxy.php would dial it for this label; needs a running server."`
}

// Help is the long help.
func (routeCmd) Help() string {
	return "Asks the running server; when none is running, reads the configuration. Exit status 1 when the number leads nowhere or may not be called."
}

// Run asks and prints the steps.
func (c routeCmd) Run(e *env) error {
	t, err := c.ask(e)
	if errors.Is(err, ctl.ErrNoServer) && c.Label == "" { // labels are in the server's AstDB
		fmt.Fprintln(e.stderr, "no server is running; this is what the configuration says")
		t, err = app.Route(e.source(), c.Account, c.Number)
		err = configError(err)
	}
	if err != nil {
		return err
	}
	if e.cli.JSON {
		e.printJSON(t)
	} else {
		printTrace(e, t)
	}
	if t.Error != "" || t.Denied != "" {
		return status(exitError)
	}
	return nil
}

func (c routeCmd) ask(e *env) (rest.Trace, error) {
	var t rest.Trace
	q := url.Values{"number": {c.Number}}
	if c.Account != "" {
		q.Set("account", c.Account)
	}
	if c.Label != "" {
		q.Set("label", c.Label)
	}
	err := e.with(func(cl *client.Client) error { return cl.Get(e.ctx, "/v1/route", q, &t) })
	return t, err
}

func printTrace(e *env, t rest.Trace) {
	fmt.Fprintf(e.stdout, "typed     %s\n", clean(t.Typed))
	for _, s := range t.Steps {
		line := fmt.Sprintf("%-9s %s", s.Rule, s.After)
		if s.Note != "" {
			line += "  (" + s.Note + ")"
		}
		fmt.Fprintln(e.stdout, clean(line))
	}
	if t.Error != "" {
		fmt.Fprintln(e.stdout, "nowhere  ", clean(t.Error))
		return
	}
	if t.Denied != "" {
		fmt.Fprintln(e.stdout, "denied   ", clean(t.Denied))
	}
	fmt.Fprintln(e.stdout, "dialled  ", t.Endpoint)
}
