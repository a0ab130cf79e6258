package cli

import (
	"context"
	"slices"

	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// ariCommands are those about the Asterisk REST Interface, and about records of calls.
func (s *Shell) ariCommands() []command {
	there := s.o.ARI != nil
	return []command{
		{words: "ari show apps", summary: "List applications of ARI", usage: "Usage: ari show apps\n       Lists the applications that ARI knows.\n", there: there, run: showApps},
		{words: "ari show app", summary: "Tell about an application of ARI", usage: "Usage: ari show app <application>\n       Tells what an application is subscribed to.\n", there: there, run: showApp,
			complete: first(func(q *ask) []string { return q.s.o.ARI.Apps() })},
		{words: "ari show users", summary: "List users of ARI", usage: "Usage: ari show users\n       Lists who may use ARI.\n", there: there, run: showARIUsers},
		{words: "ari show user", summary: "Tell about a user of ARI", usage: "Usage: ari show user <user>\n       Tells what a user of ARI may do.\n", there: there, run: showARIUser,
			complete: first(func(q *ask) []string {
				var out []string
				for _, u := range q.s.o.ARI.Users() {
					out = append(out, u.Name)
				}
				return out
			})},
		{words: "ari show status", summary: "Tell settings of ARI", usage: "Usage: ari show status\n       Tells the settings of ARI.\n", there: there, run: showARIStatus},
		{words: "cdr show status", summary: "Tell how calls are recorded", usage: "Usage: cdr show status\n       Tells whether and how records of calls are kept.\n", there: s.o.Server != nil, run: showCDRs},
	}
}

// showApps lists applications (Asterisk: res/ari/cli.c ari_show_apps).
func showApps(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.print("Application Name         \n=========================\n")
	for _, app := range slices.Sorted(slices.Values(q.s.o.ARI.Apps())) {
		q.print(wire.Left(app, 25) + "\n")
	}
	return Done
}

func showApp(_ context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	lines, ok := q.s.o.ARI.App(q.args[0])
	if !ok {
		q.printf("Application '%s' not found\n", q.args[0])
		return Failed
	}
	q.printf("Name: %s\n", q.args[0])
	for _, l := range lines {
		q.printf("  %s\n", l)
	}
	return Done
}

func showARIUsers(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.print("r/o?  ACL?  Username\n----  ----  --------\n")
	for _, u := range q.s.o.ARI.Users() {
		q.print(wire.Pad(capital(u.ReadOnly), 4) + "  " + wire.Pad(capital(u.ACL), 4) + "  " + u.Name + "\n")
	}
	return Done
}

// showARIUser tells about a user (Asterisk: res/ari/cli.c ari_show_user).
func showARIUser(_ context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	list := q.s.o.ARI.Users()
	i := slices.IndexFunc(list, func(u ARIUser) bool { return u.Name == q.args[0] })
	if i < 0 {
		q.printf("User '%s' not found\n", q.args[0])
		return Done
	}
	q.printf("Username: %s\nRead only?: %s\nACL?: %s\n", list[i].Name, capital(list[i].ReadOnly), capital(list[i].ACL))
	return Done
}

func capital(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

func showARIStatus(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.print("ARI Status:\n")
	for _, s := range q.s.o.ARI.Status() {
		q.printf("%s: %s\n", s.Name, s.Value)
	}
	return Done
}

func showCDRs(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	q.print("\nCall Detail Record (CDR) settings\n----------------------------------\n")
	q.settings(q.s.o.Server.CDRStatus(), 27)
	q.print("\n")
	return Done
}
