// Package funcs holds the functions of the dialplan, a file or more for each
// family (spec: dialplan 6). All is the one table of them; nothing registers
// itself.
package funcs

import (
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// plain names the functions that [globals] and the extension column can read,
// where there is no channel: they look at their arguments alone.
const plain = " LEN TOUPPER TOLOWER TRIM LTRIM RTRIM PASSTHRU QUOTE CSV_QUOTE KEYPADHASH REGEX EXISTS ISNULL IF MATH ABS RAND SPRINTF " +
	"MD5 SHA1 BASE64_ENCODE BASE64_DECODE URIENCODE URIDECODE UUID SORT ENV VERSION "

// All lists every function that a dialplan can read or write.
func All() []run.Func {
	all := slices.Concat(
		conferenceFuncs(),
		texts(), lists(), logic(), hashes(), arithmetic(), encodings(), printing(), clocks(), jsons(), variables(), places(),
		shells(), files(), systems(), configs(), webs(), services(), locking(),
		parties(), channels(), cdrs(), databases(), groupFuncs(), devices(), headerFuncs(), hangupCauses(), registrations(), detectors(),
	)
	for i := range all {
		all[i].Plain = strings.Contains(plain, " "+all[i].Name+" ")
	}
	return all
}
