package app

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	webfiles "github.com/dialwright/dialwright/internal/console"
	"github.com/dialwright/dialwright/internal/door/console"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/originate"
)

// newConsole makes the door of the web console, if it is switched on.
func (a *App) newConsole() error {
	if !a.Config().Console.Enabled {
		return nil
	}
	shape := newShape(func(c *config.Config) *console.Config {
		o := c.Console
		return &console.Config{
			SessionIdle: o.SessionIdle.Duration, SessionMax: o.SessionMax.Duration,
			AllowPlainHTTP: o.AllowPlainHTTP, TrustedProxies: checked(o.TrustedProxies),
		}
	})
	var err error
	a.console, err = console.New(console.Options{
		Users: a.people, Files: webfiles.Files(), Note: a.noted, Base: a.consoleBase, Log: a.log, Keep: a.keptSessions(),
		Config: func() *console.Config { return shape.of(a.Config()) },
	})
	if err != nil {
		return err
	}
	a.stack.push("sessions", a.console.Stop)
	return nil
}

// restSessions gives the REST door the sessions, nil if the console is switched off.
func (a *App) restSessions() rest.Sessions {
	if a.console == nil {
		return nil
	}
	return a.console
}

// consoleBase is what addresses of the console begin with: console.base_url, else the
// address of the HTTP listener, "" without one. Over plain HTTP only browsers of this machine
// may log in: there it is named as they know it.
func (a *App) consoleBase() string {
	c := a.Config()
	if base := c.Console.BaseURL; base != "" {
		return base
	}
	base := a.ownBase()
	if !strings.HasPrefix(base, "http://") || c.Console.AllowPlainHTTP {
		return base
	}
	at, err := netip.ParseAddrPort(a.httpAddr.String())
	if err != nil || !at.Addr().IsUnspecified() {
		return base
	}
	_, port, _ := net.SplitHostPort(a.httpAddr.String()) // it was parsed above
	return "http://" + net.JoinHostPort("127.0.0.1", port)
}

// noted writes into the audit trail what a door has done that is no call. It does not fail:
// what cannot be written is logged.
func (a *App) noted(ctx context.Context, e originate.AuditEntry) {
	if err := a.store.Note(ctx, e); err != nil {
		a.log.Error("audit trail cannot be written", "door", e.Origin.Door, "error", err)
	}
}
