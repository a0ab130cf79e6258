package parking

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// DefaultName is the name of the lot that is used when none is named. It always exists.
const DefaultName = "default"

// Lot is a parking lot as it is configured. It is a value and holds no state.
type Lot struct {
	Name         string
	Exten        string        // which parks: "700"; "" = no extensions are made for the lot
	Exclusive    bool          // Exten parks here, and not in the caller's own lot
	First, Last  int           // the spaces, both included; 1 and more
	Context      string        // of the extensions
	FindNext     bool          // looks for a free space behind the one last used, not from the first
	Time         time.Duration // how long a call may wait; 0 = for ever
	ToOrigin     bool          // a call that has waited too long goes back to who parked it, else to Comeback
	DialTime     time.Duration // how long that one is rung
	Comeback     string        // context
	MusicClass   string        // of who waits and has none of its own; "" = the default one
	CourtesyTone string        // sound for who fetches a call, "" = none
	Plays        Side          // who hears CourtesyTone
	Transfers    Side          // who may transfer by digits after a call was fetched
	Hangups      Side          // who may hang up by digits
}

// Side says which of the two who talk when a parked call was fetched. The zero
// value is none of them.
type Side struct {
	Caller bool // who has fetched the call
	Parked bool // who was parked ("callee" in some options)
}

// The defaults of a lot that is written down (Asterisk: res_parking.c,
// aco_option_register_custom; observed: parking show).
const (
	defaultSpaces   = "701-750"
	defaultContext  = "parkedcalls"
	defaultTime     = 45 * time.Second
	defaultDialTime = 30 * time.Second
	defaultComeback = "parkedcallstimeout"
)

// NewLot gives a lot with the defaults of a section in which nothing is
// written: it has no extensions.
func NewLot(name string) Lot {
	return Lot{
		Name: name, First: 701, Last: 750, Context: defaultContext, Time: defaultTime, ToOrigin: true, DialTime: defaultDialTime,
		Comeback: defaultComeback, Plays: Side{Caller: true},
	}
}

// DefaultLot is the lot that there is without any configuration: 700 parks, in
// the spaces 701 to 720 of context parkedcalls, as Asterisk's sample has it.
func DefaultLot() Lot {
	l := NewLot(DefaultName)
	l.Exten, l.Last = "700", 720
	return l
}

// Has says whether the lot has a space of that number.
func (l *Lot) Has(space int) bool { return space >= l.First && space <= l.Last }

// errNoEffect is what Set gives for options that exist and do nothing here.
var errNoEffect = errors.New("is not supported and has no effect")

// Set takes an option of res_parking.conf. Keys compare without case. The error
// says what is wrong with it; the lot is then as it was.
func (l *Lot) Set(key, value string) (err error) {
	switch strings.ToLower(key) {
	case "parkext":
		l.Exten = value
	case "parkext_exclusive":
		l.Exclusive = conf.True(value)
	case "parkpos":
		return l.setSpaces(value)
	case "context":
		return notEmpty(key, value, &l.Context)
	case "findslot":
		return l.setFind(value)
	case "parkingtime":
		return seconds(key, value, &l.Time)
	case "comebacktoorigin":
		l.ToOrigin = conf.True(value)
	case "comebackdialtime":
		return seconds(key, value, &l.DialTime)
	case "comebackcontext":
		return notEmpty(key, value, &l.Comeback)
	case "parkedmusicclass":
		l.MusicClass = value
	case "courtesytone":
		l.CourtesyTone = value
	case "parkedplay":
		return side(key, value, "parked", &l.Plays)
	case "parkedcalltransfers":
		return side(key, value, "callee", &l.Transfers)
	case "parkedcallhangup":
		return side(key, value, "callee", &l.Hangups)
	case "parkedcallreparking", "parkedcallrecording", "parkinghints":
		if conf.True(value) || value != "no" && value != "" && !isNo(value) {
			return fmt.Errorf("%s %w", key, errNoEffect)
		}
	default:
		return fmt.Errorf("%s is not an option of a parking lot", key)
	}
	return nil
}

func isNo(value string) bool {
	return strings.EqualFold(value, "no") || strings.EqualFold(value, "false")
}

// setSpaces reads "701-720", or "701" for a single one.
func (l *Lot) setSpaces(value string) error {
	from, to, ok := strings.Cut(value, "-")
	if !ok {
		to = from
	}
	first, err1 := strconv.Atoi(strings.TrimSpace(from))
	last, err2 := strconv.Atoi(strings.TrimSpace(to))
	switch {
	case err1 != nil || err2 != nil || first < 1 || last < first:
		return fmt.Errorf("parkpos %q is no range of numbers such as %s", value, defaultSpaces)
	case last-first >= maxSpaces:
		return fmt.Errorf("parkpos %q has more than %d spaces", value, maxSpaces)
	}
	l.First, l.Last = first, last
	return nil
}

// maxSpaces bounds a lot: each space is an extension of the dialplan.
const maxSpaces = 10_000

func (l *Lot) setFind(value string) error {
	switch strings.ToLower(value) {
	case "next":
		l.FindNext = true
	case "first":
		l.FindNext = false
	default:
		return fmt.Errorf("findslot is %q, and not first or next", value)
	}
	return nil
}

func notEmpty(key, value string, to *string) error {
	if value == "" {
		return fmt.Errorf("%s is empty", key)
	}
	*to = value
	return nil
}

func seconds(key, value string, to *time.Duration) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > maxSeconds {
		return fmt.Errorf("%s %q is no number of seconds", key, value)
	}
	*to = time.Duration(n) * time.Second
	return nil
}

// maxSeconds is a year.
const maxSeconds = 365 * 24 * 3600

// side reads who is meant; the parked one has another name in some options.
func side(key, value, parked string, to *Side) error {
	switch strings.ToLower(value) {
	case "both":
		*to = Side{true, true}
	case "caller":
		*to = Side{Caller: true}
	case parked:
		*to = Side{Parked: true}
	case "no":
		*to = Side{}
	default:
		return fmt.Errorf("%s is %q, and not caller, %s, both or no", key, value, parked)
	}
	return nil
}
