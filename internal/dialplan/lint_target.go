package dialplan

import (
	"strconv"
	"strings"
)

// jump is a target as written: [[context,]exten,]priority. What is left out is "".
type jump struct {
	context, exten, priority string
	text                     string
}

// targets lists the places to which an application goes or that it calls.
func targets(app, args string) []jump {
	switch strings.ToLower(app) {
	case "goto", "gosub":
		return parseJumps(args)
	case "gotoif", "gotoiftime", "gosubif":
		_, arms, _ := cutOutside(args, '?')
		yes, no, _ := cutOutside(arms, ':')
		return parseJumps(yes, no)
	case "macro":
		name, _, _ := cutOutside(args, ',')
		if name = literal(name); name != "" {
			return []jump{{"macro-" + name, "s", "1", args}}
		}
	}
	return nil
}

func parseJumps(texts ...string) []jump {
	var out []jump
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		j := jump{text: text}
		var parts []string
		for rest, ok := text, true; ok && len(parts) < 4; {
			var part string
			part, rest, ok = cutOutside(rest, ',')
			parts = append(parts, strings.TrimSpace(part))
		}
		j.priority = parts[len(parts)-1]
		// The arguments of Gosub.
		if i := strings.IndexByte(j.priority, '('); i >= 0 && !strings.Contains(j.priority[:i], "$") {
			j.priority = strings.TrimSpace(j.priority[:i])
		}
		switch len(parts) {
		case 2:
			j.exten = parts[0]
		case 3:
			j.context, j.exten = parts[0], parts[1]
		case 4:
			continue
		}
		out = append(out, j)
	}
	return out
}

// target looks for the place that a step names, as far as it is written out.
func (l *linter) target(c *context, e *extension, s *Step, app string, j jump) {
	from := l.around(c)
	if j.context != "" {
		name := literal(j.context)
		if name == "" {
			return
		}
		to := l.plan.contexts[name]
		if to == nil {
			l.report(s.At, Error, "%s(%s): there is no context [%s]; calls that come here end", app, j.text, name)
			return
		}
		from = []*context{to}
	}
	where, found := "["+from[0].name+"]", func(accept func(*extension) bool) bool { return l.anywhere(from, j.exten, accept) }
	if j.exten == "" {
		if j.context != "" {
			return
		}
		where = e.name() + " in " + where
		found = func(accept func(*extension) bool) bool { return l.overlapping(c, e, accept) }
	} else {
		if literal(j.exten) == "" {
			return
		}
		if !found(func(*extension) bool { return true }) {
			l.report(s.At, Warning, "%s(%s): there is no extension %s in %s", app, j.text, j.exten, where)
			return
		}
		where = j.exten + " in " + where
	}
	l.priority(s, app, j, where, found)
}

// priority looks for the priority or label of a target.
func (l *linter) priority(s *Step, app string, j jump, where string, found func(func(*extension) bool) bool) {
	text := literal(j.priority)
	if text == "" || text[0] == '+' || text[0] == '-' {
		return
	}
	if n, err := strconv.Atoi(text); err == nil {
		if !found(func(e *extension) bool { return e.step(n) != nil }) {
			l.report(s.At, Warning, "%s(%s): there is no priority %d of %s", app, j.text, n, where)
		}
		return
	}
	if !found(func(e *extension) bool { return e.labels[text] != 0 }) {
		l.report(s.At, Error, "%s(%s): there is no label %q of %s; calls that come here end", app, j.text, text, where)
	}
}

// anywhere searches an extension in several contexts and what they include, for any caller.
func (l *linter) anywhere(contexts []*context, exten string, accept func(*extension) bool) bool {
	for _, c := range contexts {
		s := search{exten: noDashes(exten), any: true, accept: accept}
		if s.in(c, 1) {
			return true
		}
	}
	return false
}

// around lists a context and all that include it, directly or not: while a call
// runs in an included context, ${CONTEXT} is that of one of them.
func (l *linter) around(c *context) []*context {
	out, seen := []*context{c}, map[*context]bool{c: true}
	for i := 0; i < len(out); i++ {
		for _, by := range l.includers[out[i]] {
			if !seen[by] {
				seen[by] = true
				out = append(out, by)
			}
		}
	}
	return out
}

// overlapping searches the extensions that may stand in for e: those that may
// match the same number, in the contexts around it and what these include.
func (l *linter) overlapping(c *context, e *extension, accept func(*extension) bool) bool {
	for related := range l.related(c) {
		for _, other := range related.extensions {
			if overlap(e, other) && accept(other) {
				return true
			}
		}
	}
	return false
}

// related is the contexts around c with all that these include.
func (l *linter) related(c *context) map[*context]bool {
	out := map[*context]bool{}
	list := l.around(c)
	for i := 0; i < len(list); i++ {
		if out[list[i]] {
			continue
		}
		out[list[i]] = true
		for _, inc := range list[i].includes {
			if inc.to != nil {
				list = append(list, inc.to)
			}
		}
	}
	return out
}

// name gives an extension as written, for messages.
func (e *extension) name() string {
	s := e.hint
	if len(e.steps) > 0 {
		s = e.steps[0]
	}
	if s.HasCID {
		return s.Exten + "/" + s.CID
	}
	return s.Exten
}

// overlap says whether two extensions may match the same number.
func overlap(a, b *extension) bool {
	pa, pb := a.number.pattern, b.number.pattern
	switch {
	case pa == nil && pb == nil:
		return a.number.text == b.number.text
	case pa == nil:
		return b.number.match(a.number.text) != differs
	case pb == nil:
		return a.number.match(b.number.text) != differs
	}
	for i := range max(len(pa.elements), len(pb.elements)) {
		if i == len(pa.elements) || i == len(pb.elements) {
			longer := pa
			if i == len(pa.elements) {
				longer = pb
			}
			return longer.elements[i].wild == '!'
		}
		x, y := &pa.elements[i], &pb.elements[i]
		if x.wild != 0 || y.wild != 0 {
			return true
		}
		if x.set.disjoint(&y.set) {
			return false
		}
	}
	return true
}

func (s *set) disjoint(other *set) bool {
	for i := range s {
		if s[i]&other[i] != 0 {
			return false
		}
	}
	return true
}
