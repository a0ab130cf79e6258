package apps

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// How the applications of this family play. Digits come from the channel's one
// queue (run.Exec.Digits): what was typed before an application began counts,
// as in Asterisk, and what it does not want is forgotten.

// hearing is something that is played to the party while digits are watched.
type hearing struct {
	pbx.PlayOptions
	// key sees each digit and says whether it ends the playing; nil = none does.
	key func(p *pbx.Playback, d rune) bool
}

// play plays and waits. It gives the digit that ended it, 0 if none did, and
// how far the playing came. Sounds that are missing make a mediaError, after
// the others were played; any other error ends the application. A switch
// without media is silent.
func (h hearing) play(ctx context.Context, x *run.Exec) (digit rune, at time.Duration, err error) {
	if len(h.Media) == 0 {
		return 0, 0, nil
	}
	digits, err := x.Digits()
	if err != nil {
		return 0, 0, err
	}
	p, err := x.Channel().Play(h.PlayOptions)
	switch {
	case errors.Is(err, pbx.ErrNoMedia):
		return 0, 0, nil
	case err != nil:
		return 0, 0, err
	}
	defer p.Stop()
	for {
		select {
		case d := <-digits:
			if h.key != nil && h.key(p, d) {
				p.Stop()
				return d, p.Position(), nil
			}
		case <-p.Done():
			return 0, p.Position(), h.result(ctx, x, p)
		case <-ctx.Done():
			return 0, p.Position(), context.Cause(ctx)
		}
	}
}

// result gives what came of a playback that is over.
func (h hearing) result(ctx context.Context, x *run.Exec, p *pbx.Playback) error {
	err := p.Wait(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, pbx.ErrGone), x.Channel().Context().Err() != nil:
		return pbx.ErrGone
	}
	x.Warn("cannot play %s: %v", strings.Join(h.Media, " & "), err)
	return mediaError{err}
}

// mediaError says that something could not be played; it has been told.
type mediaError struct{ error }

func (e mediaError) Unwrap() error { return e.error }

// unheard reports whether err only says that something could not be played.
func unheard(err error) bool {
	_, ok := errors.AsType[mediaError](err)
	return ok
}

// playAll plays media to its end; digits typed meanwhile are forgotten.
func playAll(ctx context.Context, x *run.Exec, media ...string) error {
	_, _, err := hearing{PlayOptions: pbx.PlayOptions{Media: media}}.play(ctx, x)
	return err
}

// playUntil plays media until one of the digits in breaks, "any" for all, is
// typed, which it gives; 0 = none was.
func playUntil(ctx context.Context, x *run.Exec, breaks string, o pbx.PlayOptions) (rune, error) {
	d, _, err := hearing{o, func(_ *pbx.Playback, d rune) bool {
		return breaks == "any" || strings.ContainsRune(breaks, d)
	}}.play(ctx, x)
	return d, err
}

// upFirst answers a party that is not up, as most applications that are to be
// heard do. With skip it is left alone and skipped is true; with noAnswer it
// hears early media.
func upFirst(ctx context.Context, x *run.Exec, skip, noAnswer bool) (skipped bool, err error) {
	switch {
	case x.Channel().State() == pbx.Up:
		return false, nil
	case skip:
		return true, nil
	case noAnswer:
		return false, nil
	}
	return false, answer(ctx, x, "")
}

// mediaURIs turns "a&b" of Playback and its kin into media URIs: file names as
// they are, tone:NAME, and say:KIND:VALUE. With say every name is KIND:VALUE
// (Asterisk: app_playback.c, say.conf.sample).
func mediaURIs(x *run.Exec, names string, say bool) []string {
	var out []string
	for name := range strings.SplitSeq(names, "&") {
		name = strings.TrimSpace(name)
		scheme, rest, ok := strings.Cut(name, ":")
		switch {
		case name == "":
		case say:
			out = append(out, sayURIs(x, scheme, rest)...)
		case ok && scheme == "say":
			kind, value, _ := strings.Cut(rest, ":")
			out = append(out, sayURIs(x, kind, value)...)
		case ok && (scheme == "tone" || scheme == "sound"):
			out = append(out, name)
		default:
			out = append(out, "sound:"+name)
		}
	}
	return out
}

// sayURIs gives the URIs of a value to be said; a kind that is unknown is told
// and gives none.
func sayURIs(x *run.Exec, kind, value string) []string {
	switch strings.ToLower(kind) {
	case "num", "number":
		return []string{"number:" + value}
	case "enum", "ordinal":
		return []string{"ordinal:" + value}
	case "digit", "digits":
		return []string{"digits:" + value}
	case "char", "characters", "alpha", "letters":
		return []string{"characters:" + value}
	case "phonetic":
		return []string{"phonetic:" + value}
	case "date", "time", "datetime":
		format := map[string]string{"date": "ABdY", "time": "IMp", "datetime": ""}[strings.ToLower(kind)]
		return sounds(timeWords(x, value, "", format))
	}
	x.Warn("%s:%s: there is nothing to say of this kind; there are num, enum, digits, char, phonetic, date, time, datetime", kind, value)
	return nil
}

// sounds turns names of sounds into URIs.
func sounds(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "sound:" + n
	}
	return out
}

// arguments splits an application's arguments and trims them; there are at
// least n.
func arguments(args string, n int) []string {
	parts := dialplan.SplitArgs(args)
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	for len(parts) < n {
		parts = append(parts, "")
	}
	return parts
}
