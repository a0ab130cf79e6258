package dialplan

import (
	"io/fs"
	"time"
)

// Plan is a loaded dialplan. It is immutable and safe concurrently.
type Plan struct{}

// General gives the options of [general].
func (p *Plan) General() General { panic("stub") }

// Globals gives [globals] in order, values unexpanded.
func (p *Plan) Globals() []Variable { panic("stub") }

// Files lists every file that was read.
func (p *Plan) Files() []string { panic("stub") }

// Contexts lists the contexts, sorted; HasContext finds one by its exact name.
func (p *Plan) Contexts() []string          { panic("stub") }
func (p *Plan) HasContext(name string) bool { panic("stub") }

// Find gives the step of a priority: each is searched anew through own
// extensions, patterns and includes (spec: dialplan 2.3). nil = there is none.
func (p *Plan) Find(context, exten string, priority int, by Caller) *Step { panic("stub") }

// Exists says whether an extension has any priority 1 (spec: dialplan 2.5).
func (p *Plan) Exists(context, exten string, by Caller) bool { panic("stub") }

// MatchMore says whether more digits behind exten could make (another) match.
func (p *Plan) MatchMore(context, exten string, by Caller) bool { panic("stub") }

// Label gives the priority of a label, 0 = there is none.
func (p *Plan) Label(context, exten, label string, by Caller) int { panic("stub") }

// Hint gives the devices and name of a hint.
func (p *Plan) Hint(context, exten string, by Caller) (devices, name string, ok bool) { panic("stub") }

// Steps lists the steps of a context in the order in which they are tried, for
// `dialplan show` and the linter; includes are not followed.
func (p *Plan) Steps(context string) []*Step { panic("stub") }

// Expand replaces ${…} and $[…] in text, once (spec: dialplan 3.2).
func Expand(text string, s Scope) string { panic("stub") }

// SplitArgs splits an argument string at commas outside parentheses, brackets
// and double quotes (spec: dialplan 3.3). "" gives no arguments.
func SplitArgs(text string) []string { panic("stub") }

// True is the truth of a condition (spec: dialplan 4, truth).
func True(cond string) bool { panic("stub") }

func loadPlan(fsys fs.FS, name string, o LoadOptions) (*Plan, []Problem, error) { panic("stub") }

// Timing is a time specification of an include or GotoIfTime (spec: dialplan 2.4).
type Timing struct{}

// ParseTiming reads "times,weekdays,mdays,months[,timezone]". sep lists the
// separators that count (",", or ",|"). The texts are warnings; the Timing is
// always usable.
func ParseTiming(spec, sep string) (Timing, []string) { panic("stub") }

// Match says whether t lies within.
func (tm Timing) Match(t time.Time) bool { panic("stub") }
