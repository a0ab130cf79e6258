package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/hint"
	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// Hints tell the states of the dialplan's hints; *hint.Table does.
type Hints interface {
	List() []hint.State
}

// hintRow prints a hint (Asterisk: pbx.c handle_show_hints). Watchers are AMI's business
// and not counted; presence does not exist here.
func (q *ask) hintRow(h hint.State) {
	q.print(wire.Left(h.Exten+"@"+h.Context, 30) + ": " + wire.Left(h.Hint, 60) + "  State:" + wire.Left(h.Status.String(), 15) +
		" Presence:" + wire.Left("not_set", 15) + " Watchers  0\n")
}

// hints lists the hints by context and extension.
func (q *ask) hints() []hint.State {
	list := slices.Clone(q.s.o.Hints.List())
	slices.SortStableFunc(list, func(a, b hint.State) int {
		return cmp.Or(strings.Compare(a.Context, b.Context), strings.Compare(a.Exten, b.Exten))
	})
	return list
}

func showHints(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	list := q.hints()
	if len(list) == 0 {
		q.print("There are no registered dialplan hints\n")
		return Done
	}
	q.print("\n    -= Registered Asterisk Dial Plan Hints =-\n")
	for _, h := range list {
		q.hintRow(h)
	}
	q.printf("----------------\n- %d hints registered\n", len(list))
	return Done
}

// showHint lists the hints whose extension begins with a text (Asterisk: pbx.c
// handle_show_hint).
func showHint(_ context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	list := q.hints()
	if len(list) == 0 {
		q.print("There are no registered dialplan hints\n")
		return Done
	}
	exten, in, scoped := strings.Cut(q.args[0], "@")
	n := 0
	for _, h := range list {
		if hasPrefixFold(h.Exten, exten) && (!scoped || h.Context == in) {
			q.hintRow(h)
			n++
		}
	}
	if n == 0 {
		q.printf("No hints matching extension %s\n", q.args[0])
		return Done
	}
	q.printf("%s matching extension %s\n", wire.Plural(n, "hint"), q.args[0])
	return Done
}
