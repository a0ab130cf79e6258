package main

import (
	"fmt"
	"time"

	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// consoleCmd makes an address that logs a browser in to the web console.
type consoleCmd struct {
	User string `placeholder:"NAME" help:"Who is logged in: 123@tenant.com, or 123; else an administrator without a name."`
}

// Help is the long help.
func (consoleCmd) Help() string {
	return "Prints an address of the web console that works once, within ten minutes. Whoever opens it is logged in: do not pass it on. " +
		"Over plain HTTP the console lets browsers of the server's own machine in only; from elsewhere use HTTPS, or a tunnel: ssh -L 8088:127.0.0.1:8088 SERVER."
}

// Run prints the address.
func (c consoleCmd) Run(e *env) error {
	return e.with(func(cl *client.Client) error {
		var made struct {
			URL       string    `json:"url"`
			ExpiresAt time.Time `json:"expires_at"`
		}
		body := map[string]string{}
		if c.User != "" {
			body["user"] = c.User
		}
		if err := cl.Post(e.ctx, "/v1/session/once", body, &made); err != nil {
			return err
		}
		if e.cli.JSON {
			e.printJSON(made)
			return nil
		}
		fmt.Fprintln(e.stdout, made.URL)
		return nil
	})
}
