package cli

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	wire "github.com/dialwright/dialwright/internal/wire/cli"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// dialplanCommands are those about the dialplan and its hints.
func (s *Shell) dialplanCommands() []command {
	return []command{
		{
			words: "dialplan show", summary: "Show the dialplan",
			usage: "Usage: dialplan show [[exten@]context]\n       Shows all contexts, one, or what an extension matches in one (in all\n       with an empty context).\n",
			there: s.o.Plan != nil, run: showDialplan, complete: first(func(q *ask) []string { return q.s.o.Plan().Contexts() }),
		},
		{
			words: "dialplan show globals", summary: "Show the global variables", usage: "Usage: dialplan show globals\n       Lists the global variables and their values.\n",
			there: s.o.Globals != nil, run: showGlobals,
		},
		{
			words: "dialplan set global", summary: "Set a global variable", usage: "Usage: dialplan set global <name> <value>\n       Sets a global variable, or writes a function that needs no channel.\n",
			there: s.o.Globals != nil, changes: true, run: setGlobal, complete: first(func(q *ask) []string { return slices.Collect(maps.Keys(q.s.o.Globals.Globals())) }),
		},
		{
			words: "core show hints", summary: "List hints and their states", usage: "Usage: core show hints\n       Lists the hints of the dialplan: the extension, its devices, the state\n       that these have together.\n",
			there: s.o.Hints != nil, run: showHints,
		},
		{
			words: "core show hint", summary: "Show hints of an extension", usage: "Usage: core show hint <exten>[@context]\n       Lists the hints whose extension begins so.\n",
			there: s.o.Hints != nil, run: showHint,
		},
	}
}

// count counts what `dialplan show` has shown.
type count struct{ contexts, extens, priorities int }

// showDialplan prints contexts, or what an extension matches (Asterisk: pbx.c
// handle_show_dialplan). Contexts come in the order of their names.
func showDialplan(_ context.Context, q *ask) Outcome {
	if len(q.args) > 1 {
		return Usage
	}
	exten, in := "", ""
	if len(q.args) == 1 {
		var ok bool
		if exten, in, ok = strings.Cut(q.args[0], "@"); !ok {
			exten, in = "", q.args[0]
		}
	}
	plan := q.s.o.Plan()
	contexts := plan.Contexts()
	if in != "" {
		if !plan.HasContext(in) {
			q.printf("There is no existence of '%s' context\n", in)
			return Failed
		}
		contexts = []string{in}
	}
	var n count
	for _, name := range contexts {
		if exten == "" {
			q.showContext(plan, name, &n)
		} else {
			q.showMatches(plan, name, exten, "Context", &n, map[string]bool{})
		}
	}
	if exten != "" && n.extens == 0 {
		if in == "" {
			q.printf("There is no existence of '%s' extension in all contexts\n", exten)
		} else {
			q.printf("There is no existence of %s@%s extension\n", exten, in)
		}
		return Failed
	}
	q.printf("-= %s (%s) in %s. =-\n", wire.Plural(n.extens, "extension"), priorities(n.priorities), wire.Plural(n.contexts, "context"))
	return Done
}

func priorities(n int) string {
	if n == 1 {
		return "1 priority"
	}
	return fmt.Sprintf("%d priorities", n)
}

// showContext prints a context with its includes.
func (q *ask) showContext(plan *dialplan.Plan, name string, n *count) {
	n.contexts++
	q.printf("[ Context '%s' created by '%s' ]\n", name, registrar(plan.Steps(name)))
	q.showExtens(plan, name, func(string) bool { return true }, n)
	for _, i := range plan.Includes(name) {
		q.print("  Include =>        " + wire.Pad("'"+i.Text+"'", 45) + " [pbx_config]\n")
	}
	q.print("\n")
}

// showMatches prints the extensions of a context that match one as dialled, and those of
// what it includes; seen breaks circles.
func (q *ask) showMatches(plan *dialplan.Plan, name, exten, title string, n *count, seen map[string]bool) {
	if seen[name] {
		return
	}
	seen[name] = true
	match := func(pattern string) bool { return matches(plan, name, pattern, exten) }
	found := false
	if slices.ContainsFunc(plan.Steps(name), func(s *dialplan.Step) bool { return match(s.Exten) }) ||
		slices.ContainsFunc(plan.Hints(name), func(h dialplan.Hint) bool { return match(h.Exten) }) {
		n.contexts++
		q.printf("[ %s '%s' created by '%s' ]\n", title, name, registrar(plan.Steps(name)))
		q.showExtens(plan, name, match, n)
		found = true
	}
	for _, i := range plan.Includes(name) {
		q.showMatches(plan, i.Context, exten, "Included context", n, seen)
	}
	if found { // as there: behind what is included
		q.print("\n")
	}
}

// matches says whether an extension as written (a pattern too) matches a number: it is
// that one itself, or a plan that has nothing else finds it.
func matches(_ *dialplan.Plan, context, pattern, exten string) bool {
	if pattern == exten {
		return true
	}
	if !strings.HasPrefix(pattern, "_") {
		return false
	}
	only := dialplan.Only([]dialplan.Extra{{Context: context, Exten: pattern, App: "NoOp"}})
	return only.Exists(context, exten, dialplan.Caller{At: time.Now()})
}

// showExtens prints the extensions of a context that match, each with its priorities
// behind its hint.
func (q *ask) showExtens(plan *dialplan.Plan, name string, match func(exten string) bool, n *count) {
	steps := plan.Steps(name)
	hinted := map[string]bool{}
	for _, h := range plan.Hints(name) {
		if match(h.Exten) {
			hinted[h.Exten] = true
			q.extenRow("'"+h.Exten+"' =>", "hint: "+h.Devices, place(h.At))
			n.extens++
			n.priorities++
			q.showSteps(steps, h.Exten, true, n)
		}
	}
	var done []string
	for _, s := range steps {
		if key := s.Exten + "/" + s.CID; match(s.Exten) && !hinted[s.Exten] && !slices.Contains(done, key) {
			done = append(done, key)
			n.extens++
			q.showSteps(slices.DeleteFunc(slices.Clone(steps), func(o *dialplan.Step) bool { return o.CID != s.CID || o.HasCID != s.HasCID }), s.Exten, false, n)
		}
	}
}

// showSteps prints the priorities of an extension; more says that a row of it is out.
func (q *ask) showSteps(steps []*dialplan.Step, exten string, more bool, n *count) {
	for _, s := range steps {
		if s.Exten != exten {
			continue
		}
		head := ""
		switch {
		case !more && s.HasCID:
			head = fmt.Sprintf("'%s' (CID match '%s') => ", s.Exten, s.CID)
		case !more:
			head = "'" + s.Exten + "' =>"
		case s.Label != "":
			head = "   [" + s.Label + "]"
		}
		more = true
		n.priorities++
		q.extenRow(head, fmt.Sprintf("%d. %s(%s)", s.Priority, s.App, s.Args), place(s.At))
	}
}

func (q *ask) extenRow(head, what, where string) {
	q.print("  " + wire.Pad(head, 17) + " " + wire.Pad(what, 45) + " [" + where + "]\n")
}

// place tells where something is written.
func place(at conf.Origin) string {
	if at.File == "" {
		return "pbx_config"
	}
	return fmt.Sprintf("%s:%d", path.Base(at.File), at.Line)
}

// registrar names who has made a context (Asterisk: res_parking for those of lots alone).
func registrar(steps []*dialplan.Step) string {
	if len(steps) > 0 && !slices.ContainsFunc(steps, func(s *dialplan.Step) bool { return s.App != "Park" && s.App != "ParkedCall" }) {
		return "res_parking"
	}
	return "pbx_config"
}

// showGlobals lists global variables (Asterisk: pbx_variables.c handle_show_globals).
func showGlobals(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	all := q.s.o.Globals.Globals()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		q.printf("   %s=%s\n", name, all[name])
	}
	q.printf("\n    -- %d variable(s)\n", len(all))
	return Done
}

func setGlobal(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 2 {
		return Usage
	}
	if err := q.s.o.Globals.SetGlobal(ctx, q.args[0], q.args[1]); err != nil {
		q.printf("%v\n", err)
		return Failed
	}
	q.printf("\n    -- Global variable '%s' set to '%s'\n", q.args[0], q.args[1])
	return Done
}
