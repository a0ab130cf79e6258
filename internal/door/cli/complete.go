package cli

import (
	"context"
	"slices"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// maxProposals is the most that Complete gives.
const maxProposals = 1000

// Complete proposes how a line may go on: whole words that may stand in the place of its
// last one, which is empty behind a blank; sorted, each once, at most 1000: then the first
// and the last are among them, so that they have no more in common than all. A word that
// has blanks is quoted.
func (s *Shell) Complete(ctx context.Context, line string) []string {
	words, last := wire.SplitPartial(line)
	out := wire.Next(s.visible(), words, last)
	if i := wire.Find(s.words, words); i >= 0 && s.commands[i].complete != nil {
		n := len(words) - len(s.words[i])
		q := &ask{s: s, line: line, args: words[len(s.words[i]):]}
		for _, w := range s.commands[i].complete(ctx, q, n) {
			if hasPrefixFold(w, last) {
				out = append(out, wire.Quote(w))
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > maxProposals {
		out[maxProposals-1] = out[len(out)-1]
		out = out[:maxProposals]
	}
	return out
}

// visible gives the words of commands that are proposed.
func (s *Shell) visible() []wire.Command {
	var out []wire.Command
	for i, c := range s.commands {
		if !c.hidden {
			out = append(out, s.words[i])
		}
	}
	return out
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// first makes a completion of the first argument alone.
func first(list func(q *ask) []string) func(context.Context, *ask, int) []string {
	return func(_ context.Context, q *ask, n int) []string {
		if n > 0 {
			return nil
		}
		return list(q)
	}
}

// fixed makes a completion of the first argument from a list.
func fixed(words ...string) func(context.Context, *ask, int) []string {
	return first(func(*ask) []string { return words })
}

// channelNames lists the live channels.
func channelNames(q *ask) []string {
	var out []string
	for _, c := range q.s.o.Switch.Channels() {
		out = append(out, c.Name)
	}
	return out
}
