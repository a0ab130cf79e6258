package dialplan

import "github.com/dialwright/dialwright/internal/wire/conf"

// Extra is an extension with one priority that exists without being written in
// any dialplan: those of parking lots.
type Extra struct {
	Context string
	Exten   string // or a pattern
	App     string
	Args    string      // unexpanded
	At      conf.Origin // what it comes from
}

// Only gives a plan that has nothing but extras.
func Only(extras []Extra) *Plan {
	l := newLoader(LoadOptions{Extra: extras})
	l.addExtras()
	l.finish()
	return l.plan
}

// addExtras adds the extras to what was read. What the file itself says about an
// extension counts: an extra whose number it has in the same context, written out
// or by a pattern, is left out. Includes are not looked at.
func (l *loader) addExtras() {
	for _, x := range l.o.Extra {
		c := l.plan.contexts[x.Context]
		if c == nil {
			c = newContext(x.Context)
			l.plan.contexts[x.Context] = c
		}
		if c.answers(x.Exten) {
			continue
		}
		r := reader{loader: l, context: c, column: x.Exten}
		e := r.extension(conf.Line{Origin: x.At})
		e.add(&Step{Context: c.name, Exten: x.Exten, Priority: 1, App: x.App, Args: x.Args, At: x.At})
	}
}

// answers says whether the context itself has a first priority for every caller of
// a number; a pattern is looked for as it is written.
func (c *context) answers(exten string) bool {
	want := parseNumber(exten)
	for _, e := range c.extensions {
		if e.hasCID || e.step(1) == nil {
			continue
		}
		if want.pattern != nil {
			if e.number.key() == want.key() {
				return true
			}
		} else if e.number.match(noDashes(exten)) != differs {
			return true
		}
	}
	return false
}
