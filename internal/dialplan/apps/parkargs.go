package apps

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// parkArgs is what Park and ParkAndAnnounce are asked for.
type parkArgs struct {
	lot     string  // "" = the channel's own
	o       letters // r R s c t
	limit   time.Duration
	limited bool   // limit counts, and not the lot's
	back    string // where to go when the time is over, as Goto takes it; "" = as the lot says

	template, dial string // of the announcement
}

// Options of Park (Asterisk: parking_applications.c park_opts).
const parkOptions = "rRsct"

// Park's arguments have changed with Asterisk 12:
//
//	Park([lot[,options]])
//	Park([timeout_ms[,context[,exten[,priority[,options[,lot]]]]]])
//
// More than two arguments are of the old form, and so is a first one that is a
// number and no lot's name.
func parsePark(x *run.Exec, text string, isLot func(string) bool) (parkArgs, error) {
	given := arguments(text, 0)
	a := arguments(text, 6)
	if len(given) <= 2 && (!isNumber(a[0]) || isLot(a[0])) {
		return newParkArgs(x, a[0], a[1])
	}
	p, err := newParkArgs(x, a[5], a[4])
	if p.back = ""; a[1] != "" || a[2] != "" || a[3] != "" {
		p.back = place(x, a[1], a[2], a[3])
	}
	if a[0] != "" {
		if p.limit, p.limited = millis(a[0]); !p.limited {
			x.Warn("Park: %q is no number of milliseconds", a[0])
		}
	}
	return p, err
}

// place puts a return place of the old form together.
func place(x *run.Exec, context, exten, priority string) string {
	here := x.Position()
	if context == "" {
		context = here.Context
	}
	if exten == "" {
		exten = here.Exten
	}
	if priority == "" {
		priority = "1"
	}
	return context + "," + exten + "," + priority
}

// newParkArgs reads the options.
func newParkArgs(x *run.Exec, lot, options string) (parkArgs, error) {
	p := parkArgs{lot: lot}
	var err error
	if p.o, err = parseLetters(options); err != nil {
		return p, fmt.Errorf("options %q: %w", options, err)
	}
	p.o.only(parkOptions, "", x.Warn)
	p.back = p.o['c']
	if text, ok := p.o['t']; ok {
		if p.limit, p.limited = seconds(text); !p.limited || p.limit < 0 {
			x.Warn("option t: %q is no number of seconds; the parking lot's time counts", text)
			p.limited = false
		}
	}
	return p, nil
}

// parseAnnounce reads the arguments of ParkAndAnnounce, which have changed too:
//
//	ParkAndAnnounce([lot],[options],template,dial)
//	ParkAndAnnounce(template,timeout_s,dial[,return place])
//
// The old form has its dial string third, and none in the fourth place.
func parseAnnounce(x *run.Exec, text string) (parkArgs, error) {
	a := arguments(text, 4)
	if strings.Contains(a[3], "/") || !strings.Contains(a[2], "/") {
		p, err := newParkArgs(x, a[0], a[1])
		p.template, p.dial = a[2], a[3]
		return p.complete(err)
	}
	p, err := newParkArgs(x, "", "")
	p.template, p.dial, p.back = a[0], a[2], strings.Join(a[3:], ",")
	if a[1] != "" {
		if p.limit, p.limited = seconds(a[1]); !p.limited {
			x.Warn("ParkAndAnnounce: %q is no number of seconds", a[1])
		}
	}
	return p.complete(err)
}

// complete says what is missing to announce.
func (p parkArgs) complete(err error) (parkArgs, error) {
	if err == nil && (p.template == "" || p.dial == "") {
		err = errors.New("a template and somebody to call are needed")
	}
	return p, err
}

// parseParkedCall reads ParkedCall([lot[,space]]), or the old ParkedCall(space[,lot]).
// space is 0 for any.
func parseParkedCall(text string, isLot func(string) bool) (lot string, space int, err error) {
	a := arguments(text, 2)
	lot, number := a[0], a[1]
	if isNumber(lot) && !isLot(lot) && !isNumber(number) {
		lot, number = number, lot
	}
	if number == "" {
		return lot, 0, nil
	}
	if space, err = strconv.Atoi(number); err != nil || space < 1 {
		return lot, 0, fmt.Errorf("%q is no parking space", number)
	}
	return lot, space, nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 32)
	return err == nil
}
