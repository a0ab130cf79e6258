package funcs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// clocks lists the functions that write and read times (spec: dialplan 6.1
// STRFTIME, STRPTIME).
func clocks() []run.Func {
	return []run.Func{
		{Name: "STRFTIME", Read: readStrftime},
		{Name: "STRPTIME", Read: readStrptime},
	}
}

// maxEpoch bounds the seconds that STRFTIME writes: about the year 1,000,000.
const maxEpoch = 1 << 45

// parseEpoch reads "1700000000.25". What is no number is the present time.
func parseEpoch(s string) time.Time {
	s = strings.Trim(s, blanks)
	whole, frac, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec > maxEpoch || sec < -maxEpoch {
		return time.Now()
	}
	frac = (frac + "000000000")[:9]
	nsec, err := strconv.ParseInt(frac, 10, 64)
	if err != nil || nsec < 0 {
		nsec = 0
	}
	return time.Unix(sec, nsec)
}

// zone finds a time zone, "" is the server's. One that is not there is UTC, as
// in Asterisk.
func zone(x *run.Exec, name string) *time.Location {
	name = strings.Trim(name, blanks)
	if name == "" {
		return time.Local
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		x.Warn("there is no time zone %q; UTC counts", name)
		return time.UTC
	}
	return loc
}

// readStrftime is STRFTIME([epoch][,timezone[,format]]). The format is all the
// rest, commas included; "%c" without one. %Z is the zone that was asked for; Asterisk
// gives the server's.
func readStrftime(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgsN(args, 3)
	a = append(a, "", "", "")
	format := a[2]
	if format == "" {
		format = "%c"
	}
	return strftime(parseEpoch(a[0]).In(zone(x, dialplan.Plain(a[1]))), format), nil
}

// readStrptime is STRPTIME(text,timezone,format): the seconds since 1970.
func readStrptime(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgsN(args, 3)
	if len(a) < 3 {
		return "", errors.New("it must be written STRPTIME(text,timezone,format)")
	}
	t, ok := strptime(dialplan.Plain(a[0]), a[2], zone(x, dialplan.Plain(a[1])))
	if !ok {
		return "", fmt.Errorf("%q is no time of the format %q", a[0], a[2])
	}
	return strconv.FormatInt(t.Unix(), 10), nil
}
