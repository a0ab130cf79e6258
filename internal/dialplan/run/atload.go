package run

import (
	"context"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// ExpandGlobals expands an extension column while a plan is loaded, for
// dialplan.LoadOptions.Expand: with the globals of the file, without a channel
// (spec: dialplan 1.3). Functions read empty.
func ExpandGlobals(text string, globals map[string]string) string {
	return dialplan.Expand(text, loadScope{globals: globals})
}

// ExpandAtLoad is ExpandGlobals with the functions that need no channel.
func ExpandAtLoad(funcs []Func, allow Danger) func(text string, globals map[string]string) string {
	byName := make(map[string]*Func, len(funcs))
	for i := range funcs {
		byName[funcs[i].Name] = &funcs[i]
	}
	return func(text string, globals map[string]string) string {
		return dialplan.Expand(text, loadScope{globals, byName, allow})
	}
}

// loadScope is what there is at load.
type loadScope struct {
	globals map[string]string
	funcs   map[string]*Func
	allow   Danger
}

func (s loadScope) Variable(name string) string { return s.globals[name] }

func (s loadScope) Function(name, args string) (string, bool) {
	f, ok := s.funcs[name]
	if !ok {
		return "", false
	}
	return f.readPlain(args, s.allow, s.Warn)
}

func (s loadScope) Warn(string, ...any) {} // the linter reports it with file and line

// readPlain reads a function where there is no channel.
func (f *Func) readPlain(args string, allow Danger, warn func(string, ...any)) (string, bool) {
	switch {
	case !f.Plain || f.Read == nil:
		warn("function %s cannot be read where there is no channel", f.Name)
		return "", false
	case f.Danger&^allow != 0:
		warn("function %s is not allowed here: %s", f.Name, f.Danger&^allow)
		return "", true
	}
	v, err := f.Read(context.Background(), nil, args) // no call that could end, and a plain function waits for nothing
	if err != nil {
		warn("%s(%s): %v", f.Name, args, err)
	}
	return v, true
}
