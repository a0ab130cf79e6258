package cli

import (
	"context"
	"strings"
)

// internalCommands are those that Asterisk's own client sends for itself: completion,
// and what it sets when it begins (Asterisk: main/asterisk.c ast_remotecontrol,
// cli_complete; main/cli.c handle_commandmatchesarray).
func (s *Shell) internalCommands() []command {
	quiet := func(_ context.Context, _ *ask) Outcome { return Done }
	return []command{
		{words: "_command nummatches", usage: "Usage: _command nummatches \"<line>\" text\n", there: true, hidden: true, run: countMatches},
		{words: "_command matchesarray", usage: "Usage: _command matchesarray \"<line>\" text\n", there: true, hidden: true, run: listMatches},
		{words: "core set verbose", there: true, hidden: true, run: quiet},
		{words: "core set debug", there: true, hidden: true, run: quiet},
		{words: "logger mute", there: true, hidden: true, run: quiet},
	}
}

// endOfMatches ends the answer of _command matchesarray (Asterisk: cli.h
// AST_CLI_COMPLETE_EOF).
const endOfMatches = "_EOF_"

func countMatches(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 2 {
		return Usage
	}
	q.printf("%d", len(q.s.Complete(ctx, q.args[0])))
	return Done
}

// listMatches gives what the proposals have in common, and then each of them.
func listMatches(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 2 {
		return Usage
	}
	list := q.s.Complete(ctx, q.args[0])
	if len(list) > 0 {
		q.print(common(list) + " " + strings.Join(list, " ") + " ")
	}
	q.print(endOfMatches)
	return Done
}

// common gives the longest beginning that all words share, without regard to case.
func common(list []string) string {
	out := list[0]
	for _, w := range list[1:] {
		for !hasPrefixFold(w, out) {
			out = out[:len(out)-1]
		}
	}
	return out
}
