package dialplan

import (
	"maps"
	"slices"
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

// String gives "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Problem is one finding of Load or Lint.
type Problem struct {
	conf.Origin
	Severity Severity
	Text     string
}

// String gives "extensions.conf:12: warning: …".
func (p Problem) String() string {
	return p.Origin.String() + ": " + p.Severity.String() + ": " + p.Text
}

// LoadOptions say how a plan is loaded.
type LoadOptions struct {
	// Expand replaces ${…} and $[…] in extension columns, once, at load; nil
	// leaves them as they are. globals are those of the file, expanded so far.
	Expand func(text string, globals map[string]string) string
	// PipeSeparator reads "App,a|b" as two arguments, for very old files (spec: dialplan 3.3).
	PipeSeparator bool
	// Extra are extensions that exist unless the file has them itself.
	Extra []Extra
}

// General are the options of [general] that matter here (spec: dialplan 1.2).
type General struct {
	AutoFallthrough bool // default true
	ClearGlobals    bool // clearglobalvars, default false
}

// Plan is a loaded dialplan. It is immutable and safe concurrently. The zero
// Plan is an empty one.
type Plan struct {
	noFallthrough bool
	clearGlobals  bool
	globals       []Variable
	files         []string
	contexts      map[string]*context
}

// General gives the options of [general].
func (p *Plan) General() General {
	return General{AutoFallthrough: !p.noFallthrough, ClearGlobals: p.clearGlobals}
}

// Globals gives [globals] in order, values unexpanded.
func (p *Plan) Globals() []Variable { return slices.Clone(p.globals) }

// Files lists every file that was read, for watching.
func (p *Plan) Files() []string { return slices.Clone(p.files) }

// Contexts lists the contexts, sorted.
func (p *Plan) Contexts() []string { return slices.Sorted(maps.Keys(p.contexts)) }

// HasContext finds a context by its exact name.
func (p *Plan) HasContext(name string) bool { return p.contexts[name] != nil }

// Steps lists the steps of a context in the order in which they are tried, for
// `dialplan show` and the linter; hints are not among them, includes are not followed.
func (p *Plan) Steps(context string) []*Step {
	c := p.contexts[context]
	if c == nil {
		return nil
	}
	var out []*Step
	for _, e := range c.extensions {
		out = append(out, e.steps...)
	}
	return out
}

// Hint is a line `exten => 100,hint,PJSIP/100,Front desk`.
type Hint struct {
	Exten   string // as written, a pattern too
	Devices string // "PJSIP/100&PJSIP/101", unexpanded
	Name    string
	At      conf.Origin
}

// Hints lists the hints of a context in the order in which they are tried.
func (p *Plan) Hints(context string) []Hint {
	c := p.contexts[context]
	if c == nil {
		return nil
	}
	var out []Hint
	for _, e := range c.extensions {
		if h := e.hint; h != nil {
			out = append(out, Hint{h.Exten, h.App, h.Args, h.At})
		}
	}
	return out
}

// Include is an include line of a context.
type Include struct {
	Text    string // as written: "night,20:00-06:00"
	Context string // which is included, whether it exists or not
	Timing  Timing
	At      conf.Origin
}

// Includes lists what a context includes, in the order in which it is searched.
func (p *Plan) Includes(context string) []Include {
	c := p.contexts[context]
	if c == nil {
		return nil
	}
	var out []Include
	for _, i := range c.includes {
		out = append(out, Include{i.text, i.name, i.timing, i.at})
	}
	return out
}
