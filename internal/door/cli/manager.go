package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// managerCommands are those about AMI.
func (s *Shell) managerCommands() []command {
	there := s.o.Manager != nil
	return []command{
		{words: "manager show connected", summary: "List connections of AMI", usage: "Usage: manager show connected\n       Lists who is connected to AMI.\n", there: there, run: showConnected},
		{words: "manager show users", summary: "List users of AMI", usage: "Usage: manager show users\n       Lists who may log in to AMI.\n", there: there, run: showManagers},
		{words: "manager show user", summary: "Tell about a user of AMI", usage: "Usage: manager show user <user>\n       Tells what a user of AMI may do.\n", there: there, run: showManager,
			complete: first(func(q *ask) []string {
				var out []string
				for _, u := range q.s.o.Manager.Users() {
					out = append(out, u.Name)
				}
				return out
			})},
		{words: "manager show commands", summary: "List actions of AMI", usage: "Usage: manager show commands\n       Lists the actions of AMI.\n", there: there, run: showActions},
		{words: "manager show command", summary: "Tell about an action of AMI", usage: "Usage: manager show command <action> [<action> ...]\n       Tells what actions of AMI do and who may use them.\n", there: there, run: showAction,
			complete: func(_ context.Context, q *ask, _ int) []string {
				var out []string
				for _, a := range q.s.o.Manager.Actions() {
					out = append(out, a.Name)
				}
				return out
			}},
		{words: "manager show events", summary: "List events of AMI", usage: "Usage: manager show events\n       Lists the events that AMI can send.\n", there: there, run: showEvents},
		{words: "manager show settings", summary: "Tell settings of AMI", usage: "Usage: manager show settings\n       Tells the settings of AMI.\n", there: there, run: showManagerSettings},
	}
}

// showConnected lists connections (Asterisk: main/manager.c handle_showmanconn).
func showConnected(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	row := func(user, address, start, elapsed, fd, http, read, write string) {
		q.print("  " + strings.Join([]string{wire.Left(user, 15), wire.Left(address, 55), wire.Left(start, 10), wire.Left(elapsed, 10),
			wire.Left(fd, 8), wire.Left(http, 8), wire.Left(read, 10), wire.Left(write, 10)}, "  ") + "\n")
	}
	row("Username", "IP Address", "Start", "Elapsed", "FileDes", "HttpCnt", "ReadPerms", "WritePerms")
	list := q.s.o.Manager.Sessions()
	for _, s := range list {
		http := 0
		if s.HTTP {
			http = 1
		}
		row(s.User, s.Remote, fmt.Sprint(s.Since.Unix()), itoa(int(time.Since(s.Since).Seconds())), itoa(s.FD), itoa(http),
			fmt.Sprintf("%010d", s.Read), fmt.Sprintf("%010d", s.Write))
	}
	q.printf("%d users connected.\n", len(list))
	return Done
}

func showManagers(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	list := q.s.o.Manager.Users()
	if len(list) == 0 {
		q.print("There are no manager users.\n")
		return Done
	}
	q.print("\nusername\n--------\n")
	for _, u := range list {
		q.printf("%s\n", u.Name)
	}
	q.printf("-------------------\n%d manager users configured.\n", len(list))
	return Done
}

// showManager tells about a user (Asterisk: main/manager.c handle_showmanager).
func showManager(_ context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	list := q.s.o.Manager.Users()
	i := slices.IndexFunc(list, func(u ManagerUser) bool { return strings.EqualFold(u.Name, q.args[0]) })
	if i < 0 {
		q.printf("There is no manager called %s\n", q.args[0])
		return Done
	}
	u := list[i]
	secret := "(N/A)"
	if u.Secret {
		secret = "<Set>"
	}
	q.print("\n")
	for _, f := range []Setting{
		{"username", u.Name}, {"secret", secret}, {"ACL", yesNo(u.ACL)}, {"read perm", u.Read}, {"write perm", u.Write},
		{"displayconnects", yesNo(u.DisplayConnects)}, {"allowmultiplelogin", yesNo(u.AllowMultiple)},
	} {
		q.print(strings.Repeat(" ", max(18-len(f.Name), 0)) + f.Name + ": " + f.Value + "\n")
	}
	q.print("         Variables: \n")
	for _, v := range u.Variables {
		q.printf("                 %s = %s\n", v.Name, v.Value)
	}
	return Done
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// terminal is how wide a list of actions is (Asterisk: manager.c MGR_SHOW_TERMINAL_WIDTH).
const terminal = 80

// showActions lists actions (Asterisk: main/manager.c handle_showmancmds).
func showActions(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	list := slices.Clone(q.s.o.Manager.Actions())
	slices.SortFunc(list, func(a, b ManagerAction) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	width := len("Action")
	for _, a := range list {
		width = max(width, len(a.Name))
	}
	row := func(name, summary string) {
		q.print("  " + wire.Left(name, width) + "  " + wire.Cut(summary, max(terminal-width-4, 0)) + "\n")
	}
	row("Action", "Synopsis")
	row("------", "--------")
	for _, a := range list {
		row(a.Name, a.Summary)
	}
	return Done
}

func showAction(_ context.Context, q *ask) Outcome {
	if len(q.args) == 0 {
		return Usage
	}
	for _, name := range q.args {
		for _, a := range q.s.o.Manager.Actions() {
			if strings.EqualFold(a.Name, name) {
				q.printf("\n  -= Info about Manager Command '%s' =- \n\n[Synopsis]\n%s\n\n[Syntax]\nAction: %s\n\n[Privilege]\n%s\n\n", a.Name, a.Summary, a.Name, a.Privilege)
			}
		}
	}
	return Done
}

// showEvents lists events in three columns as wide as the longest name (Asterisk: main/manager.c handle_manager_show_events).
func showEvents(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	list := slices.Sorted(slices.Values(q.s.o.Manager.Events()))
	width := 0
	for _, name := range list {
		width = max(width, len(name))
	}
	line := strings.Repeat("-", width)
	q.printf("Events:\n  %s  %s  %s  \n", line, line, line)
	for three := range slices.Chunk(list, 3) {
		for len(three) < 3 {
			three = append(three[:len(three):len(three)], "")
		}
		q.print("  " + wire.Pad(three[0], width) + "  " + wire.Pad(three[1], width) + "  " + wire.Pad(three[2], width) + "\n")
	}
	return Done
}

func showManagerSettings(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.print("\nGlobal Settings:\n----------------\n")
	for _, s := range q.s.o.Manager.Settings() {
		q.print("  " + wire.Left(s.Name+":", 25) + "  " + wire.Pad(s.Value, 15) + "\n")
	}
	return Done
}
