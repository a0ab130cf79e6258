package dialplan

import (
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// hintPriority is the priority that a hint counts as for "n" and "same" behind
// it (Asterisk: pbx.h PRIORITY_HINT).
const hintPriority = -1

// reader reads the exten and same lines below one header. It starts without a
// previous line for each header (spec: dialplan 1.3).
type reader struct {
	*loader
	context  *context
	column   string // extension column of the last exten line, expanded
	previous int    // priority of the last line
	has      bool   // previous is set
}

// exten takes a line "exten => PATTERN[/CID],PRIORITY[+N][(label)],APP[(ARGS)]".
func (r *reader) exten(line conf.Line) {
	column, rest := cutField(line.Value)
	r.column = strings.TrimSpace(r.expand(column))
	if r.column == "" {
		r.warn(line.Origin, "the line names no extension and is ignored")
		return
	}
	r.entry(line, rest)
}

// same takes a line "same => PRIORITY[+N][(label)],APP[(ARGS)]".
func (r *reader) same(line conf.Line) {
	if r.column == "" {
		r.warn(line.Origin, "there is no extension before this \"same\"; the line is ignored")
		return
	}
	r.entry(line, line.Value)
}

// entry takes what stands behind the extension column.
func (r *reader) entry(line conf.Line, text string) {
	place, app := cutField(text)
	place = strings.TrimSpace(place)
	label := ""
	if before, inside, ok := strings.Cut(place, "("); ok {
		inside, _, ok = strings.Cut(inside, ")")
		if !ok {
			r.warn(line.Origin, "the label %q has no closing parenthesis; the line is ignored", inside)
			return
		}
		place, label = strings.TrimSpace(before), strings.TrimSpace(inside)
	}
	e := r.extension(line)
	if place == "hint" {
		r.hint(e, line, app)
		return
	}
	priority := r.priority(e, line, place)
	if priority < 1 {
		return
	}
	r.previous, r.has = priority, true
	s := &Step{Context: r.context.name, Priority: priority, Label: label, At: line.Origin}
	s.Exten, s.CID, s.HasCID = splitColumn(r.column)
	s.App, s.Args = r.application(line, app)
	r.register(e, s)
}

// splitColumn separates the caller ID condition from the extension.
func splitColumn(column string) (exten, cid string, hasCID bool) {
	exten, cid, hasCID = strings.Cut(column, "/")
	return exten, shrink(cid), hasCID
}

// extension gives the extension of the column, made on first use. Columns that
// mean the same share one, so that their priorities collide.
func (r *reader) extension(line conf.Line) *extension {
	exten, cid, hasCID := splitColumn(r.column)
	e := &extension{number: parseNumber(exten), cid: parseNumber(cid), hasCID: hasCID}
	key := r.context.name + "\x00" + e.number.key() + "\x00"
	if hasCID {
		key += e.cid.key()
	}
	if made := r.made[key]; made != nil {
		return made
	}
	r.made[key] = e
	r.context.extensions = append(r.context.extensions, e)
	for _, n := range []*number{&e.number, &e.cid} {
		if n.pattern != nil && n.pattern.wrong != "" {
			r.warn(line.Origin, "the pattern %s never matches: %s", n.text, n.pattern.wrong)
		}
	}
	if exten == "_." || exten == "_!" {
		r.warn(line.Origin, "%s also matches the special extensions (h, i, t …); \"_X%s\" is probably meant", exten, exten[1:])
	}
	return e
}

// priority reads a priority without label: a number, n, s or a label that
// exists, each with +N. 0 means that it was reported.
func (r *reader) priority(e *extension, line conf.Line, text string) int {
	text, plus, hasPlus := strings.Cut(text, "+")
	text = strings.TrimSpace(text)
	base := 0
	switch text {
	case "n", "next", "s", "same":
		if !r.has {
			r.warn(line.Origin, "%q needs a line before it in this section; the line is ignored", text)
			return 0
		}
		base = r.previous
		if text[0] == 'n' {
			base++
		}
	default:
		n, err := strconv.Atoi(text)
		if err != nil {
			n = r.label(e, text)
		}
		if n < 1 {
			r.warn(line.Origin, "%q is neither a priority nor a label of this extension; the line is ignored", text)
			return 0
		}
		base = n
	}
	if hasPlus {
		n, err := strconv.Atoi(strings.TrimSpace(plus))
		if err != nil || n < 0 || n > maxPriority {
			r.warn(line.Origin, "%q is no number to add to a priority; the line is ignored", plus)
			return 0
		}
		base += n
	}
	if base < 1 || base > maxPriority {
		r.warn(line.Origin, "%d is no priority; the line is ignored", base)
		return 0
	}
	return base
}

// maxPriority keeps sums of priorities far from the end of int.
const maxPriority = 1 << 30

// label finds a label among what was read so far of the extension, or of the
// same extension without caller ID condition.
func (r *reader) label(e *extension, label string) int {
	if n := e.labels[label]; n != 0 || !e.hasCID {
		return n
	}
	if other := r.made[r.context.name+"\x00"+e.number.key()+"\x00"]; other != nil {
		return other.labels[label]
	}
	return 0
}

// application splits "App(args)": the name ends at the first "(", the
// arguments at the last ")" (spec: dialplan 1.3).
func (r *reader) application(line conf.Line, text string) (app, args string) {
	app, args, ok := strings.Cut(text, "(")
	switch {
	case strings.Contains(app, "${") || strings.Contains(app, "$["):
		app, args = text, ""
	case ok:
		if end := strings.LastIndexByte(args, ')'); end >= 0 {
			args = args[:end]
		} else {
			r.warn(line.Origin, "%s( has no closing parenthesis; all of the line is taken as its arguments", app)
		}
	case r.o.PipeSeparator:
		if i := strings.IndexAny(app, ",|"); i >= 0 { // App,a|b, as before Asterisk 1.6
			app, args = app[:i], app[i+1:]
		}
	}
	app = strings.TrimSpace(app)
	if r.o.PipeSeparator {
		args = pipesToCommas(args)
	}
	if app == "" {
		r.report(line.Origin, Error, "the line names no application; calls that come here end")
	}
	return app, args
}

// register adds a step, unless its priority is taken.
func (r *reader) register(e *extension, s *Step) {
	if !e.add(s) {
		first := e.step(s.Priority)
		r.warn(s.At, "priority %d of %s in [%s] is already in use (%s); the line is ignored", s.Priority, r.column, r.context.name, first.At)
		return
	}
	if s.Label == "" {
		return
	}
	if n := e.labels[s.Label]; n != 0 {
		r.warn(s.At, "the label %q of %s in [%s] is already that of priority %d; it stays there", s.Label, r.column, r.context.name, n)
		return
	}
	if e.labels == nil {
		e.labels = map[string]int{}
	}
	e.labels[s.Label] = s.Priority
}

// hint takes "DEVICE[&DEVICE…][,name]".
func (r *reader) hint(e *extension, line conf.Line, text string) {
	r.previous, r.has = hintPriority, true
	if e.hint != nil {
		r.warn(line.Origin, "%s in [%s] has a hint already (%s); the line is ignored", r.column, r.context.name, e.hint.At)
		return
	}
	devices, name := cutField(text)
	s := &Step{Context: r.context.name, App: strings.TrimSpace(devices), Args: strings.TrimSpace(name), At: line.Origin}
	s.Exten, s.CID, s.HasCID = splitColumn(r.column)
	e.hint = s
}

// cutField cuts at the first comma outside of brackets, or, if there is none
// because a bracket is not closed, at the first comma.
func cutField(text string) (field, rest string) {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth <= 0 {
				return text[:i], text[i+1:]
			}
		}
	}
	field, rest, _ = strings.Cut(text, ",")
	return field, rest
}

// pipesToCommas turns the separators of very old files into those of today,
// outside of quotes and of $[…], where "|" is an operator.
func pipesToCommas(args string) string {
	out := []byte(args)
	quoted, depth := false, 0
	for i, c := range out {
		switch {
		case c == '\\':
		case c == '"' && (i == 0 || out[i-1] != '\\'):
			quoted = !quoted
		case c == '[' && i > 0 && out[i-1] == '$', c == '[' && depth > 0:
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == '|' && !quoted && depth == 0 && (i == 0 || out[i-1] != '\\'):
			out[i] = ','
		}
	}
	return string(out)
}
