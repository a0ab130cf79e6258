package cli

import (
	"context"
	"slices"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// helpCommands are help itself.
func (s *Shell) helpCommands() []command {
	return []command{{
		words: "core show help", summary: "List commands, or tell how to use one",
		usage: "Usage: core show help [topic]\n       Lists all commands, those that begin with a topic's words, or how to\n       use one when the words are all of its own.\n",
		there: true, run: help,
		complete: func(_ context.Context, q *ask, n int) []string { return wire.Next(q.s.visible(), q.args[:n], "") },
	}}
}

// help lists commands or explains one (Asterisk: main/cli.c handle_help).
func help(_ context.Context, q *ask) Outcome {
	if i := wire.Find(q.s.words, q.args); i >= 0 && len(q.s.words[i]) == len(q.args) {
		q.print(q.s.commands[i].usage)
		return Done
	}
	var rows []string
	for i, c := range q.s.commands {
		if !c.hidden && q.s.words[i].Begins(q.args) {
			rows = append(rows, wire.Pad(q.s.words[i].String(), 30)+" -- "+c.summary+"\n")
		}
	}
	slices.Sort(rows)
	if len(rows) == 0 {
		q.printf("No such command '%s'.\n", strings.Join(q.args, " "))
		return Done
	}
	q.print(strings.Join(rows, ""))
	return Done
}
