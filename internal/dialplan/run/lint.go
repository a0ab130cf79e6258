package run

import (
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// LintOptions tells the linter what the machine knows.
func (m *Machine) LintOptions() dialplan.LintOptions {
	return dialplan.LintOptions{
		KnownApp: func(name string) dialplan.AppStatus {
			a, ok := m.App(name)
			switch {
			case ok && a.Old != "":
				return dialplan.AppDeprecated
			case ok:
				return dialplan.AppKnown
			case Unsupported(name):
				return dialplan.AppUnsupported
			}
			return dialplan.AppUnknown
		},
		KnownFunc: func(name string) bool {
			_, ok := m.Func(strings.TrimSpace(name))
			return ok
		},
	}
}
