// Package funcs holds the functions of the dialplan, a file or more for each
// family (spec: dialplan 6). All is the one table of them; nothing registers
// itself.
package funcs

import (
	"slices"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// All lists every function that a dialplan can read or write.
func All() []run.Func {
	return slices.Concat(
		conferenceFuncs(),
		texts(), lists(), logic(), hashes(), arithmetic(), encodings(), printing(), clocks(), jsons(), variables(), places(),
		shells(), files(), systems(), configs(), webs(), services(), locking(),
		parties(), channels(), cdrs(), databases(), groupFuncs(), devices(), headerFuncs(), hangupCauses(), registrations(),
	)
}
