package dialplan

import (
	"io/fs"
	"time"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// Step is one priority of an extension, as written.
type Step struct {
	Context  string // context in which it stands; differs from the caller's when it was included
	Exten    string // extension or pattern as written ("100", "_1XX")
	CID      string // caller ID condition, "" without one
	HasCID   bool   // "100/" has an empty condition: a caller without number
	Priority int    // from 1
	Label    string // "" without one
	App      string // application as written
	Args     string // unexpanded
	At       conf.Origin
}

// Caller is what an extension is looked up for.
type Caller struct {
	Number string    // caller ID number, "" without one
	At     time.Time // for includes with times
}

// Variable is a line of [globals].
type Variable struct{ Name, Value string }

// Severity says how bad a Problem is.
type Severity int

// The severities.
const (
	Warning Severity = iota + 1 // the line is ignored, or will not do what it says
	Error                       // calls that come here end
)

// Problem is one finding of Load or Lint.
type Problem struct {
	conf.Origin
	Severity Severity
	Text     string
}

// LoadOptions say how a plan is loaded.
type LoadOptions struct {
	// Expand replaces ${…} and $[…] in extension columns, once, at load; nil
	// leaves them as they are. globals are those of the file, expanded so far.
	Expand func(text string, globals map[string]string) string
	// PipeSeparator reads "App,a|b" as two arguments, for very old files (spec: dialplan 3.3).
	PipeSeparator bool
}

// Load reads name (usually "extensions.conf") with its includes. The error
// means that nothing may be replaced by it (spec: dialplan 1.1).
func Load(fsys fs.FS, name string, o LoadOptions) (*Plan, []Problem, error) {
	return loadPlan(fsys, name, o)
}

// General are the options of [general] that matter here (spec: dialplan 1.2).
type General struct {
	AutoFallthrough bool // default true
	ClearGlobals    bool // clearglobalvars, default false
}
