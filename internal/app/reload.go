package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"reflect"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// startWatcher loads the configuration when its files change.
func (a *App) startWatcher(ctx context.Context) error {
	if !a.Config().Server.Watch || a.o.Path == "" && a.o.AsteriskDir == "" {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // ctx bounds the start; the watcher lives until the stop
	w := config.NewWatcher(a.o.Path, 0, func() {
		if _, err := a.Reload(ctx); err != nil {
			a.log.ErrorContext(ctx, "changed configuration was not loaded; the old one stays in force", "err", err)
		}
	}, a.log)
	w.Also(a.watched)
	if err := w.Start(ctx); err != nil {
		return err
	}
	a.stack.push("configuration watcher", func(context.Context) error { w.Stop(); return nil })
	return nil
}

// watched lists the files that are looked at beside the configuration's own: those
// of an Asterisk that was taken over, and those of the dialplan.
func (a *App) watched() []string {
	out := a.planFiles()
	if files := a.files.Load(); files != nil && a.o.AsteriskDir != "" {
		out = append(out, *files...)
	}
	return out
}

// Reload is rest.Control: it loads the files and puts in force what can change
// while calls run. The first part that does not take it leaves everything as it
// was.
func (a *App) Reload(ctx context.Context) (rest.Reloaded, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	l, err := a.load()
	if err != nil {
		return rest.Reloaded{}, &rest.Refusal{Code: "invalid", Text: "The old configuration stays in force:\n" + err.Error()}
	}
	old, next := a.conf.Load(), &l.Config
	table, err := routes(next, a.hasContext)
	if err != nil {
		return rest.Reloaded{}, &rest.Refusal{Code: "invalid", Text: "The old configuration stays in force:\n" + err.Error()}
	}
	plan, problems, err := loadPlan(next)
	if err != nil {
		return rest.Reloaded{}, &rest.Refusal{Code: "invalid", Text: "The old configuration and dialplan stay in force:\n" + err.Error()}
	}
	ac, err := ariConfig(next)
	if err != nil {
		return rest.Reloaded{}, &rest.Refusal{Code: "invalid", Text: "The old configuration stays in force:\n" + err.Error()}
	}
	mc, err := amiConfig(next)
	if err != nil {
		return rest.Reloaded{}, &rest.Refusal{Code: "invalid", Text: "The old configuration stays in force:\n" + err.Error()}
	}
	sc, err := sipConfig(next, a.userAgent())
	if err == nil {
		err = a.sip.Reload(sc)
	}
	if err == nil {
		err = a.keyBook.Configure(keys(next))
	}
	if err != nil {
		return rest.Reloaded{}, &rest.Refusal{Code: "invalid", Text: "The old configuration stays in force:\n" + err.Error()}
	}
	a.router.table.Store(table)
	a.policy.Store(policy(next))
	a.conf.Store(next)
	people := a.configurePeople(ctx, next)
	a.useARI(ac)
	a.useAMI(ctx, mc)
	a.files.Store(&l.Files)
	samePlan := reflect.DeepEqual(plan, a.contexts.Load())
	problems = a.usePlan(ctx, plan, problems)
	a.setLevel(next)
	a.originator.PolicyChanged() // raised caps start waiting calls at once
	out := rest.Reloaded{Files: l.Files, Changed: changed(old, next), Restart: config.NeedRestart(&a.loaded.Config, next), Warnings: []string{}}
	if a.ami == nil && a.servesAMI() {
		out.Restart = append(out.Restart, "ami.users") // the first of them opens the door, at the start
	}
	if out.Files == nil {
		out.Files = []string{}
	}
	out.Files = append(out.Files, planPaths(next, plan)...)
	if !samePlan && !slices.Contains(out.Changed, "dialplan") {
		out.Changed = append(out.Changed, "dialplan")
	}
	for _, w := range l.Warnings {
		out.Warnings = append(out.Warnings, w.String())
	}
	out.Warnings = append(out.Warnings, people...)
	for _, p := range problems {
		out.Warnings = append(out.Warnings, planProblem(next, p))
	}
	a.reloadedAt.Store(new(time.Now().UTC()))
	a.tellReload()
	a.log.InfoContext(ctx, "configuration loaded", "changed", out.Changed, "waiting_for_restart", out.Restart)
	return out, nil
}

// changed names the sections that differ.
func changed(old, next *config.Config) []string {
	out := []string{}
	o, n := reflect.ValueOf(*old), reflect.ValueOf(*next)
	for f, v := range o.Fields() {
		if !reflect.DeepEqual(v.Interface(), n.FieldByIndex(f.Index).Interface()) {
			out = append(out, f.Tag.Get("toml"))
		}
	}
	return out
}

// setLevel puts the log level in force.
func (a *App) setLevel(c *config.Config) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.Server.LogLevel)); err == nil {
		a.level.Set(l)
	}
}

func newLog(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	if w == nil {
		return slog.New(slog.DiscardHandler)
	}
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// listenHTTP opens the address of the API. all bounds its connections, which TLS is on
// top of, so that what is served knows of it.
func listenHTTP(ctx context.Context, c *config.Config, all *connections) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.HTTP.Listen)
	if err != nil {
		return nil, fmt.Errorf("%w; another server may be running: change http.listen or stop it", err)
	}
	tc, err := certificate(c.HTTP.TLSCert, c.HTTP.TLSKey)
	if err != nil {
		_ = l.Close() // the certificate's error is what matters
		return nil, err
	}
	if tc == nil {
		return all.listener(l), nil
	}
	return newTLSListener(all.listener(l), tc), nil
}
