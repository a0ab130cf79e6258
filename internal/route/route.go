// Package route turns what was typed into what is dialled. It is the built-in
// dialplan: extension numbers ring their phones, other numbers follow rules to
// trunks, and calls from outside reach phones only.
//
// A Table is made from the configuration and never changes; a reload makes a
// new one. The same table serves admission (Route), the dry run (Explain) and
// the calls that come in from phones and trunks (Inbound), so that all three
// always agree. It decides where a number goes, never whether it may: that is
// the guard's part (package originate).
package route

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/number"
)

// Config is what a Table is made of.
type Config struct {
	Phones  []string // names, which are the extension numbers: "101"
	Trunks  []Trunk
	Rules   []Rule    // tried in order; the first match wins
	Inbound []Inbound // tried in order for calls from trunks

	// OutboundContexts may dial out by Rules; every other context reaches
	// phones and Inbound rules only. Empty means "default" and "internal".
	OutboundContexts []string
	// Aliases maps what an Asterisk's dial strings name otherwise, TECH/NAME or TECH,
	// to a phone or trunk.
	Aliases map[string]string
	// Dialplan says which contexts the user's dialplan has: a Local channel into one is
	// dialled as it is, the dialplan decides what follows. nil = there is no dialplan.
	Dialplan func(context string) bool
	// AllowPretend accepts Pretend/… endpoints (demo, tests, dry runs).
	AllowPretend bool
}

// Trunk is what routing needs to know of a trunk.
type Trunk struct {
	Name     string
	CallerID call.CallerID // shown on every call by this trunk, if not zero
	Private  bool          // an own exchange or a lab, see call.Route
}

// Rule sends numbers to a trunk.
type Rule struct {
	Name     string           // for traces; "" = its pattern
	Match    string           // a pattern ("_0X."), or a prefix ("+49"); "" matches every number
	Strip    int              // digits removed from the front
	Prepend  string           // then put in front
	Trunk    string           // name of the trunk
	Accounts []call.AccountID // for these accounts only; empty = all
	CallerID call.CallerID    // shown on calls by this rule, if not zero
}

// Inbound sends calls from outside to an endpoint.
type Inbound struct {
	Context string        // of the trunk; "" = any
	Match   string        // called number: a pattern or a prefix; "" matches every number
	To      call.Endpoint // "101", "PJSIP/101", or a number that follows Rules
}

// Error says why nothing can be dialled.
type Error struct {
	Typed string // as requested
	Text  string // what is wrong and what to do
}

// Error gives the typed string and the reason.
func (e *Error) Error() string { return fmt.Sprintf("%q: %s", e.Typed, e.Text) }

// Step is one thing that routing did to a number.
type Step struct {
	Rule   string `json:"rule"`   // "compact", "phone", the rule's name, …
	Before string `json:"before"` // dial string before the step
	After  string `json:"after"`  // and after it
	Note   string `json:"note,omitempty"`
}

// Trace is the way from what was typed to what would be dialled.
type Trace struct {
	Typed string     `json:"typed"`
	Steps []Step     `json:"steps"`
	Route call.Route `json:"route,omitzero"`
	Err   *Error     `json:"-"` // nil if the number leads somewhere
}

func (t *Trace) step(rule, before, after, note string) {
	t.Steps = append(t.Steps, Step{rule, before, after, note})
}

func (t *Trace) fail(format string, args ...any) {
	t.Err = &Error{Typed: t.Typed, Text: fmt.Sprintf(format, args...)}
}

// Table is an immutable set of rules. It is safe for concurrent use.
type Table struct {
	phones       map[string]bool
	trunks       map[string]Trunk
	rules        []rule
	inbound      []inbound
	outbound     map[string]bool
	aliases      []alias
	dialplan     func(context string) bool
	allowPretend bool
}

type rule struct {
	Rule
	match matcher
}

type inbound struct {
	Inbound
	match matcher
}

// matcher fits a whole dial string: a pattern, or a prefix when Match has no
// underscore.
type matcher struct {
	pattern number.Pattern
	prefix  string
	exact   bool
}

func newMatcher(s string) (matcher, error) {
	if !strings.HasPrefix(s, "_") {
		return matcher{prefix: s}, nil
	}
	p, err := number.ParsePattern(s)
	return matcher{pattern: p, exact: true}, err
}

func (m matcher) match(s string) bool {
	if m.exact {
		return m.pattern.Match(s)
	}
	return strings.HasPrefix(s, m.prefix)
}

// New checks c and makes a table of it. All mistakes are reported together.
func New(c Config) (*Table, error) {
	t := &Table{
		phones:       map[string]bool{},
		trunks:       map[string]Trunk{},
		outbound:     map[string]bool{},
		aliases:      newAliases(c.Aliases),
		dialplan:     c.Dialplan,
		allowPretend: c.AllowPretend,
	}
	if t.dialplan == nil {
		t.dialplan = func(string) bool { return false }
	}
	var errs []error
	for _, p := range c.Phones {
		t.phones[p] = true
	}
	for _, tr := range c.Trunks {
		t.trunks[tr.Name] = tr
	}
	contexts := c.OutboundContexts
	if len(contexts) == 0 {
		contexts = []string{"default", "internal"}
	}
	for _, name := range contexts {
		t.outbound[name] = true
	}
	for i, r := range c.Rules {
		m, err := newMatcher(r.Match)
		if err != nil {
			errs = append(errs, fmt.Errorf("routes[%d].match: %w", i, err))
		}
		if _, ok := t.trunks[r.Trunk]; !ok {
			errs = append(errs, fmt.Errorf("routes[%d].trunk: no trunk is named %q", i, r.Trunk))
		}
		if r.Prepend != "" && !number.IsDialable(r.Prepend+"0") {
			errs = append(errs, fmt.Errorf("routes[%d].prepend: %q is not made of digits, with + only in front", i, r.Prepend))
		}
		if r.Strip < 0 {
			errs = append(errs, fmt.Errorf("routes[%d].strip: %d is negative", i, r.Strip))
		}
		if r.Name == "" {
			r.Name = "route " + r.Match
		}
		t.rules = append(t.rules, rule{r, m})
	}
	for i, in := range c.Inbound {
		m, err := newMatcher(in.Match)
		if err != nil {
			errs = append(errs, fmt.Errorf("inbound[%d].match: %w", i, err))
		}
		t.inbound = append(t.inbound, inbound{in, m})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return t, nil
}
