package run

import "github.com/dialwright/dialwright/internal/dialplan"

// ExpandGlobals expands an extension column while a plan is loaded, for
// dialplan.LoadOptions.Expand: with the globals of the file, without a channel
// (spec: dialplan 1.3).
func ExpandGlobals(text string, globals map[string]string) string {
	return dialplan.Expand(text, loadScope(globals))
}

// loadScope is what there is at load: globals. Functions read empty.
type loadScope map[string]string

func (s loadScope) Variable(name string) string { return s[name] }

func (s loadScope) Function(string, string) (string, bool) { return "", false }

func (s loadScope) Warn(string, ...any) {} // the linter reports it with file and line
