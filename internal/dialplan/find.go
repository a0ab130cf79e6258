package dialplan

import (
	"sort"
	"strings"
)

// maxIncludes is how deep includes are followed (spec: dialplan 2.3).
const maxIncludes = 128

// search is one lookup through a context and what it includes.
type search struct {
	exten  string // without dashes
	caller string // without dashes
	by     Caller
	more   bool // ask for longer numbers
	any    bool // for any caller at any time, for the linter
	// accept takes an extension that matches and says whether it has what is looked for.
	accept func(e *extension) bool
	// seen are the contexts that were entered. One that gave nothing gives
	// nothing the second time either, so none is entered twice.
	seen []*context
}

// find looks an extension up, until accept takes one (spec: dialplan 2.3).
func (p *Plan) find(context, exten string, by Caller, more bool, accept func(e *extension) bool) bool {
	c := p.contexts[context]
	if c == nil {
		return false
	}
	s := search{exten: noDashes(exten), caller: noDashes(by.Number), by: by, more: more, accept: accept}
	return s.in(c, 1)
}

// in searches one context, then its includes.
func (s *search) in(c *context, depth int) bool {
	for _, other := range s.seen {
		if other == c {
			return false
		}
	}
	s.seen = append(s.seen, c)
	if found, final := s.own(c); found || final {
		return found
	}
	if depth == maxIncludes {
		return false
	}
	for i := range c.includes {
		inc := &c.includes[i]
		if inc.to != nil && (s.any || inc.timing.Match(s.by.At)) && s.in(inc.to, depth+1) {
			return true
		}
	}
	return false
}

// own searches the extensions of the context itself. final says that a "!"
// has decided that no more digits are wanted.
func (s *search) own(c *context) (found, final bool) {
	if s.more {
		if s.longer(c) {
			return true, false
		}
	} else {
		for _, e := range c.plain[s.exten] {
			if s.from(e) && s.accept(e) {
				return true, false
			}
		}
	}
	for _, e := range c.patterns {
		result := differs
		if s.more {
			result = e.number.pattern.match(s.exten, true)
		} else {
			result = e.number.match(s.exten)
		}
		switch {
		case result == differs || !s.from(e):
		case result == early && s.more:
			return false, true
		case s.accept(e):
			return true, false
		}
	}
	return false, false
}

// from says whether the caller fulfils the caller ID condition of an extension.
func (s *search) from(e *extension) bool { return s.any || e.from(s.caller) }

// longer looks for plain extensions that begin with the digits and go on.
func (s *search) longer(c *context) bool {
	digits := strings.ToLower(s.exten)
	from := sort.Search(len(c.prefixes), func(i int) bool { return c.prefixes[i].text > digits })
	for _, p := range c.prefixes[from:] {
		if !strings.HasPrefix(p.text, digits) {
			break
		}
		if s.from(p.ext) && s.accept(p.ext) {
			return true
		}
	}
	return false
}

// Find gives the step of a priority: each is searched anew through own
// extensions, patterns and includes (spec: dialplan 2.3). nil = there is none.
func (p *Plan) Find(context, exten string, priority int, by Caller) *Step {
	var step *Step
	p.find(context, exten, by, false, func(e *extension) bool {
		step = e.step(priority)
		return step != nil
	})
	return step
}

// Exists says whether an extension has any priority 1 (spec: dialplan 2.5).
func (p *Plan) Exists(context, exten string, by Caller) bool {
	return p.Find(context, exten, 1, by) != nil
}

// MatchMore says whether more digits behind exten could make a match, be there
// one already or not; priority 1 counts. A pattern with "." always waits for
// more, one with "!" never does, not even for what stands behind it in the order
// (Asterisk: main/pbx.c ast_matchmore_extension).
func (p *Plan) MatchMore(context, exten string, by Caller) bool {
	return p.find(context, exten, by, true, func(e *extension) bool { return e.step(1) != nil })
}

// Label gives the priority of a label, 0 = there is none. Like a priority it is
// searched through patterns and includes.
func (p *Plan) Label(context, exten, label string, by Caller) int {
	priority := 0
	p.find(context, exten, by, false, func(e *extension) bool {
		priority = e.labels[label]
		return priority != 0
	})
	return priority
}

// Hint gives the devices ("PJSIP/100&Custom:x", unexpanded) and the name of a hint.
func (p *Plan) Hint(context, exten string, by Caller) (devices, name string, ok bool) {
	ok = p.find(context, exten, by, false, func(e *extension) bool {
		if e.hint == nil {
			return false
		}
		devices, name = e.hint.App, e.hint.Args
		return true
	})
	return devices, name, ok
}
