package dialplan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// context is one context of a plan, indexed for lookups.
type context struct {
	name       string
	plain      map[string][]*extension // by number without dashes; those with a caller ID condition first
	prefixes   []prefix                // the plain ones, sorted by text
	patterns   []*extension            // in the order in which they are tried
	includes   []include
	extensions []*extension // all, in the order in which they are tried
}

// prefix is a plain extension for the search by its first digits, which ignores
// case (Asterisk: main/pbx.c _extension_match_core).
type prefix struct {
	text string // lower case
	ext  *extension
}

// extension is one extension, plain or a pattern, with a caller ID condition or
// without.
type extension struct {
	number number
	cid    number
	hasCID bool
	steps  []*Step // by priority
	labels map[string]int
	hint   *Step // nil without one
}

// include is one include line.
type include struct {
	name   string
	to     *context // nil: there is no such context
	timing Timing
	text   string // as written
	at     conf.Origin
}

func newContext(name string) *context {
	return &context{name: name, plain: map[string][]*extension{}}
}

// index prepares the context for lookups, after its last line.
func (c *context) index() {
	c.extensions = slices.DeleteFunc(c.extensions, func(e *extension) bool { // all of their lines were refused
		return len(e.steps) == 0 && e.hint == nil
	})
	slices.SortFunc(c.extensions, compareExtensions)
	for _, e := range c.extensions {
		if e.number.pattern != nil {
			c.patterns = append(c.patterns, e)
			continue
		}
		c.plain[e.number.text] = append(c.plain[e.number.text], e)
		c.prefixes = append(c.prefixes, prefix{strings.ToLower(e.number.text), e})
	}
	slices.SortStableFunc(c.prefixes, func(a, b prefix) int { return cmp.Compare(a.text, b.text) })
}

func compareExtensions(a, b *extension) int {
	if d := compareNumbers(&a.number, &b.number); d != 0 {
		return d
	}
	switch {
	case a.hasCID && b.hasCID:
		return compareNumbers(&a.cid, &b.cid)
	case a.hasCID:
		return -1
	case b.hasCID:
		return 1
	}
	return 0
}

// from says whether a caller fulfils the caller ID condition (spec: dialplan 2.2).
func (e *extension) from(caller string) bool {
	return !e.hasCID || e.cid.match(caller) != differs
}

// step gives the step of a priority, nil if there is none.
func (e *extension) step(priority int) *Step {
	i, ok := slices.BinarySearchFunc(e.steps, priority, func(s *Step, p int) int { return cmp.Compare(s.Priority, p) })
	if !ok {
		return nil
	}
	return e.steps[i]
}

// add adds a step, false if its priority is taken.
func (e *extension) add(s *Step) bool {
	i, ok := slices.BinarySearchFunc(e.steps, s.Priority, func(s *Step, p int) int { return cmp.Compare(s.Priority, p) })
	if ok {
		return false
	}
	e.steps = slices.Insert(e.steps, i, s)
	return true
}
