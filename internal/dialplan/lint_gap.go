package dialplan

import (
	"regexp"
	"strconv"
	"strings"
)

// jumps is what is known about the places that a plan jumps to. It errs on the
// side of "may be reached".
type jumps struct {
	priorities map[int]bool        // numbers to which something jumps, wherever
	extensions map[*extension]bool // with a jump to a priority of their own that is computed or relative
	contexts   map[string]bool     // into which something jumps to a computed priority
	anywhere   bool                // something jumps to a computed context and priority
}

func (j *jumps) init() {
	j.priorities, j.extensions, j.contexts = map[int]bool{}, map[*extension]bool{}, map[string]bool{}
}

// dialOption finds the options of Dial that name a priority: G(…) and F(…).
var dialOption = regexp.MustCompile(`[GF]\(([^)]*)`)

// collect notes where a step jumps to.
func (j *jumps) collect(at place, s *Step, app, args string) {
	if strings.EqualFold(app, "Dial") {
		for _, m := range dialOption.FindAllStringSubmatch(args, -1) {
			parts := strings.Split(m[1], "^")
			n, err := strconv.Atoi(parts[len(parts)-1])
			if err != nil {
				j.extensions[at.ext] = true
				continue
			}
			j.priorities[n], j.priorities[n+1] = true, true
		}
	}
	for _, t := range targets(app, args) {
		j.add(at, s, t)
	}
}

func (j *jumps) add(at place, s *Step, t jump) {
	if n, err := strconv.Atoi(t.priority); err == nil && t.priority[0] != '+' && t.priority[0] != '-' {
		j.priorities[n] = true
		return
	}
	relative := strings.HasPrefix(t.priority, "+") || strings.HasPrefix(t.priority, "-")
	if !relative && !strings.Contains(t.priority, "$") && !strings.Contains(t.text, "$") {
		return // a label: its step has one
	}
	switch {
	case strings.Contains(t.context, "$"):
		j.anywhere = true
	case t.context != "":
		j.contexts[t.context] = true
	case t.exten != "" || strings.HasPrefix(t.text, "$"):
		// A text that is computed as a whole may name anything, but in practice
		// names something near.
		j.contexts[at.context.name] = true
	default:
		j.extensions[at.ext] = true
	}
}

// gaps looks for priorities behind a missing number. Whatever could supply the
// number (another pattern, an include), and whatever could jump over it, counts.
func (l *linter) gaps(c *context, e *extension) {
	if l.jumps.anywhere || l.jumps.extensions[e] {
		return
	}
	for i := 0; i < len(e.steps); {
		end := i + 1 // of the run without a gap that begins at i
		for end < len(e.steps) && e.steps[end].Priority == e.steps[end-1].Priority+1 {
			end++
		}
		run := e.steps[i:end]
		i = end
		first := run[0]
		if first.Priority == 1 || l.entered(run) {
			continue
		}
		related := l.related(c)
		supplied := false
		for _, at := range l.byPriority[first.Priority-1] {
			if related[at.context] && overlap(e, at.ext) {
				supplied = true
				break
			}
		}
		for related := range related {
			supplied = supplied || l.jumps.contexts[related.name]
		}
		if !supplied {
			l.report(first.At, Warning, "priority %d of %s in [%s] cannot be reached: there is no priority %d before it, and nothing jumps to it", first.Priority, e.name(), c.name, first.Priority-1)
		}
	}
}

// entered says whether something may jump into a run of steps.
func (l *linter) entered(run []*Step) bool {
	for _, s := range run {
		if s.Label != "" || l.jumps.priorities[s.Priority] {
			return true
		}
	}
	return false
}
