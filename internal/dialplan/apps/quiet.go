package apps

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// runQuietly runs an application on behalf of another one: the channel's present
// application stays that one, and what goes wrong is only told.
func runQuietly(ctx context.Context, x *run.Exec, name, args string) {
	a, ok := x.Machine().App(name)
	if !ok {
		x.Warn("there is no application %s", name)
		return
	}
	if a.Danger != 0 && !x.Allowed(a.Danger, "application "+a.Name) {
		return
	}
	if err := a.Run(ctx, x, args); err != nil && !errors.Is(err, pbx.ErrGone) && ctx.Err() == nil {
		x.Warn("%s(%s): %v", name, args, err)
	}
}

// musicOn lets the channel hear music of a class, "" = its own.
func musicOn(ctx context.Context, x *run.Exec, class string) {
	runQuietly(ctx, x, "StartMusicOnHold", class)
}

func musicOff(ctx context.Context, x *run.Exec) { runQuietly(ctx, x, "StopMusicOnHold", "") }

// playTo plays sounds "a&b" to a channel and waits for their end. What is missing
// is told and skipped, a switch without media is silent.
func playTo(ctx context.Context, x *run.Exec, c *pbx.Channel, names string) error {
	uris := soundURIs(names)
	if len(uris) == 0 {
		return nil
	}
	err := c.PlayAndWait(ctx, pbx.PlayOptions{Media: uris})
	switch {
	case err == nil, errors.Is(err, pbx.ErrNoMedia):
		return nil
	case errors.Is(err, pbx.ErrGone), ctx.Err() != nil:
		return err
	}
	x.Warn("cannot play %s: %v", names, err)
	return nil
}

// soundURIs turns "a&b" into media URIs.
func soundURIs(names string) []string {
	var out []string
	for n := range strings.SplitSeq(names, "&") {
		if n = strings.TrimSpace(n); n != "" {
			out = append(out, "sound:"+n)
		}
	}
	return out
}

// dtmfGap is the length of a digit and of the pause behind it (Asterisk:
// ast_dtmf_stream as Dial calls it, 250 ms apart).
const (
	dtmfLength = 100 * time.Millisecond
	dtmfGap    = 150 * time.Millisecond
)

// sendDigits sends digits to a party and waits until they are out.
func sendDigits(ctx context.Context, x *run.Exec, c *pbx.Channel, digits string) error {
	if digits == "" {
		return nil
	}
	if err := c.SendDTMF(digits, pbx.DTMFOptions{Duration: dtmfLength, Between: dtmfGap}); err != nil {
		if !errors.Is(err, pbx.ErrGone) {
			x.Warn("digits %s not sent: %v", digits, err)
			return nil
		}
		return err
	}
	var long time.Duration
	for _, d := range digits {
		switch d {
		case 'w':
			long += 500 * time.Millisecond
		case 'W':
			long += time.Second
		default:
			long += dtmfLength + dtmfGap
		}
	}
	return c.Wait(ctx, long)
}

// dtmfParts separates option D's "called:calling:progress".
func dtmfParts(text string) (called, calling, progress string) {
	called, rest, _ := strings.Cut(text, ":")
	calling, progress, _ = strings.Cut(rest, ":")
	return called, calling, progress
}
