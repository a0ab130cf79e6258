package dialplan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// AppStatus says what is known about an application of a name.
type AppStatus int

// The states of an application.
const (
	AppUnknown     AppStatus = iota // there is none; who comes there is hung up
	AppKnown                        // it works
	AppUnsupported                  // Asterisk has it, we do not (spec: dialplan 5.5)
	AppDeprecated                   // works as an alias of its successor (spec: dialplan 5.6)
)

// LintOptions say what the interpreter can do. What is nil is not checked.
type LintOptions struct {
	KnownApp  func(name string) AppStatus // name as written
	KnownFunc func(name string) bool      // name as written, without parentheses
}

// Lint looks for mistakes that loading does not see: applications and functions
// that do not exist, priorities that cannot be reached, targets that are
// missing, variables and parentheses without end. What Load has reported (bad
// patterns, missing contexts of includes, refused lines) is not repeated. It
// judges only what is written out: a name with ${ in it is left alone. The
// result is sorted by place.
func (p *Plan) Lint(o LintOptions) []Problem {
	l := newLinter(p, o)
	for _, name := range p.Contexts() {
		c := p.contexts[name]
		for _, e := range c.extensions {
			for _, s := range e.steps {
				l.step(c, e, s)
			}
			l.gaps(c, e)
		}
	}
	order := map[string]int{}
	for i, f := range p.files {
		order[f] = i
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line))
	})
	return l.problems
}

// linter is one Lint.
type linter struct {
	plan       *Plan
	o          LintOptions
	includers  map[*context][]*context // who includes a context
	byPriority map[int][]place         // all steps
	jumps      jumps
	deprecated map[string]bool // applications that were reported
	problems   []Problem
	reported   map[Problem]bool // a line of a template is reported once
}

// place is an extension in its context.
type place struct {
	context *context
	ext     *extension
}

func newLinter(p *Plan, o LintOptions) *linter {
	l := &linter{
		plan: p, o: o, includers: map[*context][]*context{}, byPriority: map[int][]place{},
		deprecated: map[string]bool{}, reported: map[Problem]bool{},
	}
	l.jumps.init()
	for _, name := range p.Contexts() {
		c := p.contexts[name]
		for _, inc := range c.includes {
			if inc.to != nil {
				l.includers[inc.to] = append(l.includers[inc.to], c)
			}
		}
		for _, e := range c.extensions {
			for _, s := range e.steps {
				l.byPriority[s.Priority] = append(l.byPriority[s.Priority], place{c, e})
				eachApplication(s.App, s.Args, func(app, args string) { l.jumps.collect(place{c, e}, s, app, args) })
			}
		}
	}
	return l
}

func (l *linter) report(at conf.Origin, severity Severity, format string, args ...any) {
	p := Problem{at, severity, fmt.Sprintf(format, args...)}
	if !l.reported[p] {
		l.reported[p] = true
		l.problems = append(l.problems, p)
	}
}

// step looks at one step.
func (l *linter) step(c *context, e *extension, s *Step) {
	l.text(s.At, s.Args)
	l.parentheses(s)
	eachApplication(s.App, s.Args, func(app, args string) {
		l.application(s.At, app)
		l.written(s.At, app, args)
		for _, t := range targets(app, args) {
			l.target(c, e, s, app, t)
		}
	})
}

// application looks at the name of an application.
func (l *linter) application(at conf.Origin, app string) {
	if l.o.KnownApp == nil || app == "" || literal(app) == "" {
		return
	}
	switch l.o.KnownApp(app) {
	case AppUnknown:
		l.report(at, Error, "there is no application %s; calls that come here end", app)
	case AppUnsupported:
		l.report(at, Warning, "the application %s is not supported; calls that come here end unless dialplan.skip_unsupported is set", app)
	case AppDeprecated:
		if name := strings.ToLower(app); !l.deprecated[name] {
			l.deprecated[name] = true
			l.report(at, Warning, "the application %s is gone from Asterisk; here it still works, as a new name for what took its place", app)
		}
	}
}

// maxNested is how deep applications within applications are looked at.
const maxNested = 10

// eachApplication calls see for an application and for those that it runs by
// name: ExecIf(x?App(args):App(args)), Exec(App(args)).
func eachApplication(app, args string, see func(app, args string)) {
	nested(app, args, see, maxNested)
}

func nested(app, args string, see func(app, args string), depth int) {
	see(app, args)
	if depth == 0 {
		return
	}
	var inner []string
	switch strings.ToLower(app) {
	case "execif":
		_, arms, _ := cutOutside(args, '?')
		yes, no, _ := cutOutside(arms, ':')
		inner = []string{yes, no}
	case "execiftime":
		_, arm, _ := cutOutside(args, '?')
		inner = []string{arm}
	case "exec", "tryexec":
		inner = []string{args}
	}
	for _, text := range inner {
		name, rest, ok := strings.Cut(text, "(")
		name = strings.TrimSpace(name)
		if name == "" || strings.Contains(name, "$") {
			continue
		}
		if end := strings.LastIndexByte(rest, ')'); ok && end >= 0 {
			rest = rest[:end]
		}
		nested(name, rest, see, depth-1)
	}
}

// literal gives text without blanks around it, "" if it has to be expanded first.
func literal(text string) string {
	if strings.Contains(text, "$") {
		return ""
	}
	return strings.TrimSpace(text)
}

// cutOutside cuts at the first sep that stands outside of brackets and quotes.
func cutOutside(text string, sep byte) (before, after string, found bool) {
	depth, quoted := 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth = max(depth-1, 0)
		case c == sep && depth == 0 && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}
