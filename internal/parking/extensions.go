package parking

import (
	"fmt"
	"strconv"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// Extension is an extension with one priority that exists for a lot.
type Extension struct {
	Context, Exten, App, Args string
	At                        conf.Origin // of the lot
}

// ComebackContext is where a call that has waited too long is on its way back to
// who has parked it (Asterisk: res_parking.h PARK_DIAL_CONTEXT).
const ComebackContext = "park-dial"

// Extensions gives what reaches the lots without being written: in the context
// of a lot its own extension parks and that of each space fetches who is in it
// (observed: Asterisk 22.10, dialplan show parkedcalls). A lot without extension has
// none. An extension belongs to the lot that has it first, in the order of their
// names, the default one in front; problems tell the others. One more serves all: in
// ComebackContext every dial string is an extension that dials it.
func (c *Config) Extensions() (list []Extension, problems []conf.Problem) {
	taken := map[[2]string]string{} // context and extension
	add := func(lot *Lot, exten, app, args string) {
		key, at := [2]string{lot.Context, exten}, c.At[lot.Name]
		if at.File == "" {
			at.File = FileName
		}
		if by, ok := taken[key]; ok {
			if app != "Park" || args != "" { // who parks in the caller's own lot serves all of them
				problems = append(problems, conf.Problem{Origin: at, Text: fmt.Sprintf("extension %s of context %s is parking lot %s's already; it does not lead to %s", exten, lot.Context, by, lot.Name)})
			}
			return
		}
		taken[key] = lot.Name
		list = append(list, Extension{Context: lot.Context, Exten: exten, App: app, Args: args, At: at})
	}
	for _, name := range c.order() {
		lot := c.Lots[name]
		if lot.Exten == "" {
			continue
		}
		to := ""
		if lot.Exclusive {
			to = lot.Name
		}
		add(&lot, lot.Exten, "Park", to)
		for space := lot.First; space <= lot.Last; space++ {
			add(&lot, strconv.Itoa(space), "ParkedCall", lot.Name+","+strconv.Itoa(space))
		}
	}
	// "Technology/resource" without its slash: the names of technologies begin with a capital.
	list = append(list, Extension{
		Context: ComebackContext, Exten: "_[A-Z].", App: "Dial", Args: "${PARKER},${COMEBACKDIALTIME}", At: conf.Origin{File: FileName},
	})
	return list, problems
}

// order gives the names of the lots, the default one first.
func (c *Config) order() []string {
	out := []string{DefaultName}
	for _, name := range c.Names() {
		if name != DefaultName {
			out = append(out, name)
		}
	}
	return out
}
