package apps

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// mostDigits is how many digits Read takes when it is not told (Asterisk: app_read.c).
const mostDigits = 255

// reading is one input of digits.
type reading struct {
	prompts []string // media URIs; the first digit stops them
	strict  bool     // the last prompt must be there, or nothing is read
	tone    string   // heard instead, until the first digit; "" = none
	max     int      // most digits
	ends    string   // digits that end it and do not count
	first   time.Duration
	between time.Duration
}

// digits plays and reads. ended is the digit that ended the input, 0 if the
// maximum did. pbx.ErrTimeout comes with what was typed in time, and so does the
// end of the call. A mediaError says that strict's prompt is missing.
func (r *reading) digits(ctx context.Context, x *run.Exec) (got string, ended rune, err error) {
	d, err := r.begin(ctx, x)
	if unheard(err) && !r.strict {
		err = nil
	}
	for err == nil {
		switch {
		case d == 0: // nothing yet
		case strings.ContainsRune(r.ends, d):
			return got, d, nil
		default:
			if got += string(d); len(got) >= r.max {
				return got, 0, nil
			}
		}
		wait := r.between
		if got == "" {
			wait = r.first
		}
		d, err = x.Digit(ctx, wait)
		if err == nil && got == "" {
			r.silence(x)
		}
	}
	return got, 0, err
}

// begin plays the prompts, which a digit breaks, or starts the tone.
func (r *reading) begin(ctx context.Context, x *run.Exec) (rune, error) {
	if r.tone == "" {
		return r.prompt(ctx, x)
	}
	err := x.Channel().StartTone("tone:" + r.tone)
	if errors.Is(err, pbx.ErrNoMedia) || err == nil {
		return 0, nil
	}
	if errors.Is(err, pbx.ErrGone) {
		return 0, err
	}
	x.Warn("tone %s: %v", r.tone, err)
	return 0, nil
}

// prompt plays the prompts. Of strict ones an error tells of the last only.
func (r *reading) prompt(ctx context.Context, x *run.Exec) (rune, error) {
	prompts := r.prompts
	if n := len(prompts) - 1; r.strict && n > 0 {
		d, err := playUntil(ctx, x, "any", pbx.PlayOptions{Media: prompts[:n]})
		if d != 0 || err != nil && !unheard(err) {
			return d, err
		}
		prompts = prompts[n:]
	}
	return playUntil(ctx, x, "any", pbx.PlayOptions{Media: prompts})
}

// silence ends the tone, if there is one.
func (r *reading) silence(x *run.Exec) {
	if r.tone != "" {
		_ = x.Channel().StopTone() // ErrGone: it has stopped
	}
}

// read is Read(variable[,prompt&…[,max[,options[,attempts[,timeout]]]]]): reads
// digits into a variable until #, max digits, or the time between two of them is
// over. Options: s skips it if the party is not up, n does not answer, i plays a
// tone instead of prompts, t(digits) ends by others than #, e gives the ending
// digit if it was the only one. Without its last prompt it reads nothing.
// READSTATUS: OK, TIMEOUT, SKIPPED, HANGUP, ERROR (spec: dialplan 5.1 Read;
// Asterisk: app_read.c; app.c, ast_app_getdata).
func read(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 6)
	if a[0] == "" {
		x.Warn("Read: no variable is named")
		x.Set(ctx, "READSTATUS", "ERROR")
		return nil
	}
	o, err := parseLetters(a[3])
	if err != nil {
		x.Warn("Read: %v", err)
	}
	skipped, err := upFirst(ctx, x, o.has('s'), o.has('n'))
	if skipped {
		x.Set(ctx, a[0], "")
		x.Set(ctx, "READSTATUS", "SKIPPED")
		return nil
	}
	if err != nil {
		x.Set(ctx, "READSTATUS", "HANGUP")
		return err
	}
	r := readingOf(x, a, o)
	for range max(whole(a[4]), 1) {
		got, ended, err := r.digits(ctx, x)
		if got == "" && ended != 0 && o.has('e') {
			got = string(ended)
		}
		x.Set(ctx, a[0], got)
		switch {
		case err == nil:
			x.Set(ctx, "READSTATUS", "OK")
		case errors.Is(err, pbx.ErrTimeout):
			x.Set(ctx, "READSTATUS", "TIMEOUT")
		case unheard(err):
			x.Set(ctx, "READSTATUS", "ERROR")
			return nil
		default:
			x.Set(ctx, "READSTATUS", "HANGUP")
			return err
		}
		r.silence(x)
		if got != "" {
			return nil
		}
	}
	return nil
}

// readingOf makes the input of Read's arguments.
func readingOf(x *run.Exec, a []string, o letters) *reading {
	between, first := x.Timeouts()
	r := &reading{max: whole(a[2]), ends: "#", first: first, between: between}
	if r.max <= 0 || r.max > mostDigits {
		r.max = mostDigits
	}
	if o.has('t') {
		r.ends = strings.ToUpper(o['t'])
	}
	if d, ok := seconds(a[5]); ok && d > 0 {
		r.first, r.between = d, d
	}
	if o.has('i') {
		r.tone = a[1]
		return r
	}
	r.prompts, r.strict = mediaURIs(x, a[1], false), true
	return r
}

// whole reads a whole number, 0 if it is none.
func whole(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}

// readExten is ReadExten(variable[,file[,context[,options[,timeout]]]]): reads an
// extension, for as long as more digits could make one. Options: s skips it if
// the party is not up, n does not answer, i plays a tone instead of a file, p
// lets the file be played to its end. The variable is then the extension, i or t; READEXTENSTATUS is OK,
// INVALID (what was typed is INVALID_EXTEN), TIMEOUT, SKIP, ERROR or HANGUP
// (Asterisk: app_readexten.c).
func readExten(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 5)
	status := func(value, s string) {
		x.Set(ctx, a[0], value)
		x.Set(ctx, "READEXTENSTATUS", s)
	}
	if a[0] == "" {
		x.Warn("ReadExten: no variable is named")
		x.Set(ctx, "READEXTENSTATUS", "ERROR")
		return nil
	}
	skipped, err := upFirst(ctx, x, strings.Contains(a[3], "s"), strings.Contains(a[3], "n"))
	if skipped {
		status("", "SKIP")
		return nil
	}
	if err != nil {
		status("", "HANGUP")
		return err
	}
	where := a[2]
	if where == "" {
		where = x.Position().Context
	}
	got, err := extension(ctx, x, where, a)
	switch {
	case err != nil && !errors.Is(err, pbx.ErrTimeout):
		status("", "HANGUP")
		return err
	case x.Plan().Exists(where, got, x.Caller()):
		status(got, "OK")
	case got == "":
		status("t", "TIMEOUT")
	default:
		x.Set(ctx, "INVALID_EXTEN", got)
		status("i", "INVALID")
	}
	return nil
}

// extension reads digits while they could become an extension of the context;
// a # that belongs to none ends it.
func extension(ctx context.Context, x *run.Exec, where string, a []string) (got string, err error) {
	between, first := x.Timeouts()
	if d, ok := seconds(a[4]); ok && d > 0 {
		first = d
	}
	r := &reading{prompts: mediaURIs(x, a[1], false)}
	var d rune
	switch {
	case strings.Contains(a[3], "p"):
		err = playAll(ctx, x, r.prompts...)
	case strings.Contains(a[3], "i"):
		r.tone = a[1]
		defer r.silence(x)
		fallthrough
	default:
		d, err = r.begin(ctx, x)
	}
	if unheard(err) {
		err = nil
	}
	for wait := first; err == nil; wait = between {
		if d == 0 {
			if d, err = x.Digit(ctx, wait); err != nil {
				break
			}
			r.silence(x)
		}
		more := x.Plan().MatchMore(where, got+string(d), x.Caller())
		if d == '#' && !more && !x.Plan().Exists(where, got+"#", x.Caller()) {
			break
		}
		got += string(d)
		d = 0
		if !more {
			break
		}
	}
	return got, err
}
