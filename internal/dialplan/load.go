package dialplan

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// Load reads name (usually "extensions.conf") with its includes. The error
// means that nothing may be replaced by it (spec: dialplan 1.1).
func Load(fsys fs.FS, name string, o LoadOptions) (*Plan, []Problem, error) {
	l := newLoader(o)
	file, problems, err := conf.Load(fsys, name)
	for _, p := range problems {
		l.problems = append(l.problems, Problem{p.Origin, Warning, p.Text})
	}
	if err != nil {
		return nil, l.problems, err
	}
	l.plan.files = file.Files
	var contexts []*conf.Section
	for _, s := range file.Sections {
		switch name := strings.ToLower(s.Name); {
		case s.Hidden:
		case name == "general":
			l.general(s)
		case name == "globals":
			l.readGlobals(s)
		default:
			contexts = append(contexts, s)
		}
	}
	for _, s := range contexts { // after all globals, wherever they stand
		l.section(s)
	}
	l.addExtras()
	l.finish()
	return l.plan, l.problems, nil
}

// loader is one Load.
type loader struct {
	o        LoadOptions
	plan     *Plan
	globals  map[string]string     // expanded so far
	made     map[string]*extension // by context and what the extension means
	problems []Problem
}

func newLoader(o LoadOptions) *loader {
	return &loader{o: o, plan: &Plan{contexts: map[string]*context{}}, globals: map[string]string{}, made: map[string]*extension{}}
}

func (l *loader) report(at conf.Origin, severity Severity, format string, args ...any) {
	l.problems = append(l.problems, Problem{at, severity, fmt.Sprintf(format, args...)})
}

func (l *loader) warn(at conf.Origin, format string, args ...any) {
	l.report(at, Warning, format, args...)
}

// expand replaces variables and expressions, as far as that is wanted.
func (l *loader) expand(text string) string {
	if l.o.Expand == nil || !strings.Contains(text, "$") {
		return text
	}
	return l.o.Expand(text, l.globals)
}

// general takes the options of [general] (spec: dialplan 1.2).
func (l *loader) general(s *conf.Section) {
	for _, line := range s.Lines {
		switch strings.ToLower(line.Key) {
		case "autofallthrough":
			l.plan.noFallthrough = !conf.True(line.Value)
		case "clearglobalvars":
			l.plan.clearGlobals = conf.True(line.Value)
		}
	}
}

func (l *loader) readGlobals(s *conf.Section) {
	for _, line := range s.Lines {
		l.plan.globals = append(l.plan.globals, Variable{line.Key, line.Value})
		l.globals[line.Key] = l.expand(line.Value)
	}
}

// section takes the lines below one header of a context. A name may have
// several headers.
func (l *loader) section(s *conf.Section) {
	c := l.plan.contexts[s.Name]
	if c == nil {
		c = newContext(s.Name)
		l.plan.contexts[s.Name] = c
	}
	r := reader{loader: l, context: c}
	for _, line := range s.Lines {
		key := strings.ToLower(line.Key)
		switch {
		case key == "exten":
			r.exten(line)
		case strings.HasPrefix(key, "same"):
			r.same(line)
		case key == "include":
			l.include(c, line)
		case key == "ignorepat", key == "autohints":
			// Dial tone behind a prefix, and hints by themselves: nothing here depends on them.
		case key == "switch", key == "lswitch", key == "eswitch":
			l.warn(line.Origin, "%s is not supported; the line is ignored", key)
		default:
			l.warn(line.Origin, "%q is not known in a context; the line is ignored", line.Key)
		}
	}
}

// separators are what stands between the fields of an include. Asterisk takes
// the comma only (spec: dialplan 7 D9).
const separators = ",|"

// include takes a line "include => CONTEXT[,times,…]".
func (l *loader) include(c *context, line conf.Line) {
	text := l.expand(line.Value)
	inc := include{name: text, text: text, at: line.Origin}
	if i := strings.IndexAny(text, separators); i >= 0 {
		var warnings []string
		inc.name = text[:i]
		inc.timing, warnings = ParseTiming(text[i+1:], separators)
		for _, w := range warnings {
			l.warn(line.Origin, "include => %s: %s", text, w)
		}
	}
	inc.name = strings.TrimSpace(inc.name)
	for _, other := range c.includes {
		if strings.EqualFold(other.text, inc.text) {
			l.warn(line.Origin, "[%s] includes %q already; the line is ignored", c.name, text)
			return
		}
	}
	c.includes = append(c.includes, inc)
}

// finish connects and sorts what was read.
func (l *loader) finish() {
	for _, name := range l.plan.Contexts() {
		c := l.plan.contexts[name]
		for i := range c.includes {
			inc := &c.includes[i]
			inc.to = l.plan.contexts[inc.name]
			if inc.to == nil {
				l.warn(inc.at, "[%s] includes [%s], but there is no such context", name, inc.name)
			}
		}
		c.index()
	}
}
