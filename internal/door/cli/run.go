package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// command is a row of the table.
type command struct {
	words   string // as wire.ParseCommand reads them
	summary string // for help, our own words
	usage   string // lines, each with its LF, our own words
	there   bool   // the server has what it needs
	changes bool   // it does more than look
	run     func(ctx context.Context, q *ask) Outcome
	// complete lists what may stand as argument n (from 0); nil = nothing is known.
	complete func(ctx context.Context, q *ask, n int) []string
	hidden   bool // not shown by help, nor completed
}

// ask is a command that somebody gives.
type ask struct {
	s    *Shell
	by   Caller
	line string   // as given
	args []string // words behind the command's own
	out  strings.Builder
}

// printf prints.
func (q *ask) printf(format string, args ...any) { fmt.Fprintf(&q.out, format, args...) }

// print prints a text as it is.
func (q *ask) print(text string) { q.out.WriteString(text) }

// maxLogged is how much of a line is logged.
const maxLogged = 500

// Run carries out a line. It returns when the command is done; none waits for a call.
// Several lines are several calls of Run. An empty line does nothing (spec: cli 1).
func (s *Shell) Run(ctx context.Context, by Caller, line string) Result {
	words := wire.Split(line)
	if len(words) == 0 {
		return Result{}
	}
	i := wire.Find(s.words, words)
	if i < 0 {
		return Result{
			Output:  fmt.Sprintf("No such command '%s' (type 'core show help %s' for other possible commands)\n", line, wire.Nearest(s.words, words)),
			Outcome: Unknown,
		}
	}
	c := &s.commands[i]
	q := &ask{s: s, by: by, line: line, args: words[len(s.words[i]):]}
	outcome := c.run(ctx, q)
	switch outcome {
	case Usage:
		q.print(c.usage)
	case Failed:
		q.printf("Command '%s' failed.\n", line)
	}
	s.logRun(ctx, c, q, outcome)
	return Result{Output: q.out.String(), Outcome: outcome}
}

// logRun keeps who has given which command: in the log, for everybody to see, when it
// changes something.
func (s *Shell) logRun(ctx context.Context, c *command, q *ask, outcome Outcome) {
	level := slog.LevelDebug
	if c.changes {
		level = slog.LevelInfo
	}
	s.log.Log(ctx, level, "command", "door", "cli", "by", q.by.Name, "remote", q.by.Remote,
		"line", wire.Cut(q.line, maxLogged), "outcome", outcome.String())
}

// String names the outcome for logs and the API.
func (o Outcome) String() string {
	switch o {
	case Done:
		return "done"
	case Failed:
		return "failed"
	case Usage:
		return "usage"
	}
	return "unknown"
}
