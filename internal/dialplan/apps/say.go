package apps

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/prompts"
)

// The applications that say a value. Each answers; nothing to say is nothing
// said. Arguments behind the value, such as a gender, are accepted and have no
// effect in English (spec: dialplan 5.1 SayDigits).

func sayDigits(ctx context.Context, x *run.Exec, args string) error {
	return say(ctx, x, "digits:"+arguments(args, 1)[0])
}

// sayNumber says a number as a quantity: what is none is a warning, and the
// call goes on.
func sayNumber(ctx context.Context, x *run.Exec, args string) error {
	return sayCount(ctx, x, "number", arguments(args, 1)[0])
}

// sayOrdinal says "twenty first" of 21.
func sayOrdinal(ctx context.Context, x *run.Exec, args string) error {
	return sayCount(ctx, x, "ordinal", arguments(args, 1)[0])
}

func sayCount(ctx context.Context, x *run.Exec, scheme, text string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > prompts.Max || n < -prompts.Max {
		x.Warn("%q is no number that can be said", text)
		return nil
	}
	return say(ctx, x, scheme+":"+strconv.FormatInt(n, 10))
}

func sayAlpha(ctx context.Context, x *run.Exec, args string) error {
	return say(ctx, x, "characters:"+strings.TrimSpace(args))
}

// sayAlphaCase is SayAlphaCase(casetype,text); letters are said without "upper case".
func sayAlphaCase(ctx context.Context, x *run.Exec, args string) error {
	_, text, _ := strings.Cut(args, ",")
	return say(ctx, x, "characters:"+strings.TrimSpace(text))
}

func sayPhonetic(ctx context.Context, x *run.Exec, args string) error {
	return say(ctx, x, "phonetic:"+strings.TrimSpace(args))
}

// say answers and says a media URI; one without a value says nothing. What
// cannot be said has been told, and the call goes on.
func say(ctx context.Context, x *run.Exec, uri string) error {
	if strings.HasSuffix(uri, ":") {
		return nil
	}
	if _, err := upFirst(ctx, x, false, false); err != nil {
		return err
	}
	err := playAll(ctx, x, uri)
	x.Flush()
	if unheard(err) {
		return nil
	}
	return err
}

// sayUnixTime is SayUnixTime([seconds[,zone[,format[,options]]]]): says a time,
// now if none is given, as the letters of format say (prompts.Time). j lets a
// digit break it and begin an extension (Asterisk: app_sayunixtime.c).
func sayUnixTime(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 4)
	words := timeWords(x, a[0], a[1], a[2])
	if len(words) == 0 {
		return nil
	}
	if _, err := upFirst(ctx, x, false, false); err != nil {
		return err
	}
	breaks := ""
	if strings.Contains(a[3], "j") {
		breaks = "any"
	}
	digit, err := playUntil(ctx, x, breaks, pbx.PlayOptions{Media: sounds(words)})
	switch {
	case err != nil && !unheard(err):
		return err
	case digit != 0:
		return &run.Digits{First: string(digit)}
	}
	return nil
}

// timeWords gives the sounds of a moment in Unix seconds, "" = now, in a time
// zone, "" = the server's. What is no time is told and taken for now, as
// Asterisk does.
func timeWords(x *run.Exec, text, zone, format string) []string {
	now := x.Now()
	at := now
	if text = strings.TrimSpace(text); text != "" {
		whole, _, _ := strings.Cut(text, ".")
		sec, err := strconv.ParseInt(whole, 10, 64)
		if err != nil || sec > 1<<40 || sec < -1<<40 {
			x.Warn("%q is not a time in Unix seconds; now is said", text)
		} else {
			at = time.Unix(sec, 0).In(now.Location())
		}
	}
	if zone != "" {
		loc, err := location(zone)
		if err != nil {
			x.Warn("%q is not a time zone; the server's is taken", zone)
		} else {
			at = at.In(loc)
		}
	}
	return prompts.Time(x.Channel().Snapshot().Language, at, now, format)
}

// location finds a time zone by its name in the database of zones.
func location(zone string) (*time.Location, error) {
	if strings.HasPrefix(zone, "/") || strings.Contains(zone, "..") {
		return nil, errors.New("not the name of a zone")
	}
	return time.LoadLocation(zone)
}
