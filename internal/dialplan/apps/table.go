// Package apps holds the applications of the dialplan, a file or more for each
// family (spec: dialplan 5). All is the one table of them; nothing registers
// itself.
package apps

import (
	"slices"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// All lists every application that a dialplan can call.
func All() []run.App {
	return slices.Concat(
		flow(),
		mediaApps(),
		dialing(),
		old(),
		detection(),
		conferences(),
		parkings(),
		gateway(),
		causes(),
	)
}
