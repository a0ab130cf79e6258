package cli

import (
	"slices"
	"strings"
)

// Command is the words of a command: "core show channels", with alternatives in a
// place as "core stop {now|gracefully}".
type Command [][]string

// ParseCommand reads the words of a command.
func ParseCommand(words string) Command {
	var c Command
	for word := range strings.FieldsSeq(words) {
		if alternatives, ok := strings.CutPrefix(word, "{"); ok {
			c = append(c, strings.Split(strings.TrimSuffix(alternatives, "}"), "|"))
			continue
		}
		c = append(c, []string{word})
	}
	return c
}

// Match says how many of the first words are those of the command, in order and without
// regard to case; abbreviations are none (spec: cli 1, rule 3).
func (c Command) Match(words []string) int {
	for i, place := range c {
		if i == len(words) || !slices.ContainsFunc(place, func(w string) bool { return strings.EqualFold(w, words[i]) }) {
			return i
		}
	}
	return len(c)
}

// Begins says whether the command's words begin with these, the last of which need not be
// whole.
func (c Command) Begins(words []string) bool {
	if len(words) == 0 {
		return true
	}
	last := len(words) - 1
	return len(c) > last && c.Match(words[:last]) == last && slices.ContainsFunc(c[last], func(w string) bool {
		return len(w) >= len(words[last]) && strings.EqualFold(w[:len(words[last])], words[last])
	})
}

// Find finds the command that words begin with: the longest one. -1 = none.
func Find(commands []Command, words []string) int {
	best := -1
	for i, c := range commands {
		if c.Match(words) == len(c) && (best < 0 || len(c) > len(commands[best])) {
			best = i
		}
	}
	return best
}

// maxNearest is the longest text of Nearest (Asterisk: main/cli.c find_best, cmdline[80]).
const maxNearest = 79

// Nearest gives what an answer to an unknown command proposes to ask help for: the words
// up to the first that leads nowhere. Asterisk looks only for commands that are exactly
// as long as the words so far, and lets the last word differ (Asterisk: main/cli.c
// find_best, find_cli with match type -1; observed: Asterisk 22.10, "no such command"
// gives "no such").
func Nearest(commands []Command, words []string) string {
	n := 0
	for n < len(words) {
		n++
		so := words[:n]
		if !slices.ContainsFunc(commands, func(c Command) bool { return len(c) == n && c.Match(so) >= n-1 }) {
			break
		}
	}
	return cut(strings.Join(words[:n], " "), maxNearest)
}

// Next lists what may stand in place n of the commands whose first n words are words,
// and begins with prefix; sorted, each once.
func Next(commands []Command, words []string, prefix string) []string {
	var out []string
	for _, c := range commands {
		if len(c) <= len(words) || c.Match(words) != len(words) {
			continue
		}
		for _, w := range c[len(words)] {
			if len(w) >= len(prefix) && strings.EqualFold(w[:len(prefix)], prefix) {
				out = append(out, w)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// String writes the words as ParseCommand reads them.
func (c Command) String() string {
	var b strings.Builder
	for i, place := range c {
		if i > 0 {
			b.WriteByte(' ')
		}
		if len(place) == 1 {
			b.WriteString(place[0])
			continue
		}
		b.WriteString("{" + strings.Join(place, "|") + "}")
	}
	return b.String()
}
