package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// coreCommands are those about the server, and what its dialplan can do.
func (s *Shell) coreCommands() []command {
	return []command{
		{
			words: "core show version", summary: "Tell the version", usage: "Usage: core show version\n       Tells the Asterisk that this server is like, and its own version.\n",
			there: true, run: showVersion,
		},
		{
			words: "core show uptime", summary: "Tell for how long the server has been running",
			usage: "Usage: core show uptime [seconds]\n       Tells for how long the server has been running and when it was last\n       reloaded, in words or in seconds.\n",
			there: true, run: showUptime, complete: fixed("seconds"),
		},
		{
			words: "core show settings", summary: "Tell some settings of the server", usage: "Usage: core show settings\n       Tells settings, limits and paths of the server.\n",
			there: s.o.Server != nil, run: showSettings,
		},
		{
			words: "core waitfullybooted", summary: "Wait until the server runs", usage: "Usage: core waitfullybooted\n       Returns when the server takes calls; it does at once, since commands\n       are only taken by then.\n",
			there: true, run: waitFullyBooted,
		},
		{
			words: "core show applications", summary: "List the applications of the dialplan",
			usage: "Usage: core show applications [{like|describing} <text>]\n       Lists applications: all, those whose names have a text in them, or\n       those whose descriptions have all of the words.\n",
			there: s.o.Apps != nil, run: showApplications, complete: fixed("like", "describing"),
		},
		{
			words: "core show application", summary: "Tell about an application", usage: "Usage: core show application <name> [<name> ...]\n       Tells what applications of the dialplan do.\n",
			there: s.o.Apps != nil, run: showApplication,
			complete: func(_ context.Context, q *ask, _ int) []string { return names(q.s.o.Apps) },
		},
		{
			words: "core show functions", summary: "List the functions of the dialplan", usage: "Usage: core show functions [like <text>]\n       Lists functions: all, or those whose names have a text in them.\n",
			there: s.o.Functions != nil, run: showFunctions, complete: fixed("like"),
		},
		{
			words: "core show function", summary: "Tell about a function", usage: "Usage: core show function <name>\n       Tells what a function of the dialplan does.\n",
			there: s.o.Functions != nil, run: showFunction, complete: first(func(q *ask) []string { return names(q.s.o.Functions) }),
		},
	}
}

// showVersion begins as Asterisk's does, and says who we are (spec: cli 6).
func showVersion(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.printf("%s\n", q.s.Version())
	return Done
}

// Version is what `core show version` prints: "Asterisk 22.10.1 (Dialwright 0.5.0)".
func (s *Shell) Version() string { return fmt.Sprintf("Asterisk %s (%s)", s.o.Version, s.o.Product) }

// showUptime tells how long ago the start and the last reload were (spec: cli 6).
func showUptime(_ context.Context, q *ask) Outcome {
	seconds := len(q.args) == 1 && strings.EqualFold(q.args[0], "seconds")
	if len(q.args) > 0 && !seconds {
		return Usage
	}
	reloaded := q.s.o.Started
	if q.s.o.Reloaded != nil {
		reloaded = q.s.o.Reloaded()
	}
	q.printUptime("System uptime", q.s.o.Started, seconds)
	q.printUptime("Last reload", reloaded, seconds)
	return Done
}

func (q *ask) printUptime(name string, since time.Time, seconds bool) {
	if d := time.Since(since); seconds {
		q.printf("%s: %d\n", name, int(d.Seconds()))
	} else {
		q.printf("%s: %s\n", name, wire.Uptime(d))
	}
}

// settings prints named values in a column of their own.
func (q *ask) settings(list []Setting, width int) {
	for _, s := range list {
		q.print("  " + wire.Pad(s.Name+":", width) + " " + s.Value + "\n")
	}
}

func showSettings(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.print("\nPBX Core settings\n-----------------\n")
	q.settings(q.s.o.Server.Settings(), 28)
	q.print("\n")
	return Done
}

func waitFullyBooted(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.print("Asterisk has fully booted.\n")
	return Done
}

// names lists the names of what is documented.
func names(list func() []Doc) []string {
	if list == nil {
		return nil
	}
	var out []string
	for _, d := range list() {
		out = append(out, d.Name)
	}
	return out
}

// docs gives what is documented in the order of names.
func docs(list func() []Doc) []Doc {
	out := slices.Clone(list())
	slices.SortFunc(out, func(a, b Doc) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return out
}

func synopsis(d Doc) string {
	if d.Synopsis == "" {
		return "<Synopsis not available>"
	}
	return d.Synopsis
}

// showApplications lists applications (Asterisk: pbx_app.c handle_show_applications).
func showApplications(_ context.Context, q *ask) Outcome {
	match, what := func(Doc) bool { return true }, "Registered"
	if len(q.args) > 0 {
		what = "Matching"
		text := q.args[1:]
		switch {
		case strings.EqualFold(q.args[0], "like") && len(text) == 1:
			match = func(d Doc) bool { return containsFold(d.Name, text[0]) }
		case strings.EqualFold(q.args[0], "describing") && len(text) > 0:
			match = func(d Doc) bool {
				return !slices.ContainsFunc(text, func(word string) bool { return !containsFold(d.Synopsis, word) })
			}
		default:
			return Usage
		}
	}
	q.printf("    -= %s Asterisk Applications =-\n", what)
	n := 0
	for _, d := range docs(q.s.o.Apps) {
		if match(d) {
			q.print("  " + strings.Repeat(" ", max(20-len(d.Name), 0)) + d.Name + ": " + synopsis(d) + "\n")
			n++
		}
	}
	q.printf("    -= %d Applications %s =-\n", n, what)
	return Done
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

func showApplication(_ context.Context, q *ask) Outcome {
	if len(q.args) == 0 {
		return Usage
	}
	found := false
	for _, d := range docs(q.s.o.Apps) {
		if slices.ContainsFunc(q.args, func(name string) bool { return strings.EqualFold(d.Name, name) }) {
			q.printf("\n  -= Info about application '%s' =- \n\n[Synopsis]\n%s\n\n", d.Name, synopsis(d))
			found = true
		}
	}
	if !found {
		q.print("Your application(s) is (are) not registered\n")
		return Failed
	}
	return Done
}

// showFunctions lists functions (Asterisk: pbx_functions.c handle_show_functions).
func showFunctions(_ context.Context, q *ask) Outcome {
	like, what, word := "", "Installed", ""
	if len(q.args) > 0 {
		if len(q.args) != 2 || !strings.EqualFold(q.args[0], "like") {
			return Usage
		}
		like, what, word = q.args[1], "Matching", "matching "
	}
	q.printf("%s Custom Functions:\n%s\n", what, strings.Repeat("-", 80))
	n := 0
	for _, d := range docs(q.s.o.Functions) {
		if containsFold(d.Name, like) {
			q.print(wire.Left(d.Name, 20) + "  " + wire.Left(d.Name+"(...)", 35) + "  " + d.Synopsis + "\n")
			n++
		}
	}
	q.printf("%d %scustom functions installed.\n", n, word)
	return Done
}

func showFunction(_ context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	for _, d := range docs(q.s.o.Functions) {
		if strings.EqualFold(d.Name, q.args[0]) {
			q.printf("\n  -= Info about function '%s' =- \n\n[Synopsis]\n%s\n\n", d.Name, synopsis(d))
			return Done
		}
	}
	q.print("No function by that name registered.\n")
	return Failed
}
