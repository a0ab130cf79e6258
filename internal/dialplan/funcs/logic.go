package funcs

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// logic lists the functions that decide (spec: dialplan 6.1).
func logic() []run.Func {
	return []run.Func{
		{Name: "IF", Read: readIf},
		{Name: "IFTIME", Read: readIfTime},
		{Name: "EXISTS", Read: pure(func(s string) string { return oneOrZero(s != "") })},
		{Name: "ISNULL", Read: pure(func(s string) string { return oneOrZero(s == "") })},
		{Name: "SET", Read: readSet},
		{Name: "TESTTIME", Write: writeTestTime},
	}
}

// arms reads "condition?yes:no". Quotes and brackets keep a colon in yes; no
// is all that follows (Asterisk: func_logic.c acf_if).
func arms(args string) (cond, yes, no string, ok bool) {
	parts := dialplan.SplitAtN(args, '?', 2)
	if len(parts) < 2 || parts[0] == "" {
		return "", "", "", false
	}
	cond = strings.Trim(dialplan.Plain(parts[0]), blanks)
	either := dialplan.SplitAtN(parts[1], ':', 2)
	yes = strings.Trim(dialplan.Plain(either[0]), blanks)
	if len(either) > 1 {
		no = strings.Trim(either[1], blanks)
	}
	return cond, yes, no, true
}

// readIf is IF(condition?yes[:no]). Without a condition it gives nothing.
func readIf(_ context.Context, _ *run.Exec, args string) (string, error) {
	cond, yes, no, ok := arms(args)
	switch {
	case !ok:
		return "", errors.New("it must be written IF(condition?yes[:no]), and the condition must not be empty")
	case dialplan.True(cond):
		return yes, nil
	}
	return no, nil
}

// readIfTime is IFTIME(times,weekdays,mdays,months[,timezone]?yes[:no]). It
// honours TESTTIME(), which Asterisk's does not (spec: dialplan D6).
func readIfTime(_ context.Context, x *run.Exec, args string) (string, error) {
	spec, yes, no, ok := arms(args)
	if !ok {
		return "", errors.New("it must be written IFTIME(times,weekdays,mdays,months?yes[:no])")
	}
	timing, warnings := dialplan.ParseTiming(spec, ",|")
	for _, w := range warnings {
		x.Warn("IFTIME(%s): %s", spec, w)
	}
	now := x.Now()
	if x.Machine().Compat() {
		now = time.Now()
	}
	if timing.Match(now) {
		return yes, nil
	}
	return no, nil
}

// readSet is SET(name=value): sets the variable, or writes the function, and
// gives the value.
func readSet(ctx context.Context, x *run.Exec, args string) (string, error) {
	name, value, ok := strings.Cut(args, "=")
	name, value = strings.Trim(name, blanks), strings.Trim(value, blanks)
	if !ok || name == "" {
		return "", errors.New("it must be written SET(name=value)")
	}
	x.Set(ctx, name, value)
	return value, nil
}

// writeTestTime is Set(TESTTIME()=2026/12/25 12:30:00[ timezone]): the time
// that GotoIfTime, ExecIfTime and IFTIME see on this channel. Nothing releases it. The
// date can have dashes too, as Asterisk's help text (but not Asterisk) has it.
func writeTestTime(_ context.Context, x *run.Exec, _, value string) error {
	value = strings.TrimSpace(value)
	if value == "" {
		x.SetTestTime(time.Time{})
		return nil
	}
	fields := strings.Fields(value)
	zone := time.Local
	if len(fields) == 3 {
		var err error
		if zone, err = time.LoadLocation(fields[2]); err != nil {
			return err
		}
		fields = fields[:2]
	}
	t, err := time.ParseInLocation("2006/1/2 15:4:5", strings.ReplaceAll(strings.Join(fields, " "), "-", "/"), zone)
	if err != nil {
		return errors.New("it must be written TESTTIME()=2026/12/25 12:30:00[ timezone]")
	}
	x.SetTestTime(t)
	return nil
}
