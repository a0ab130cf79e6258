package apps

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// sendDTMF is SendDTMF(digits[,gap_ms[,duration_ms[,channel[,a]]]]): sends
// digits to the party, or to another channel, and waits until they are out. w
// waits half a second, W a whole one; the gap is 250 ms, a digit 100 ms. a
// answers. What is no digit is told and left out (spec: dialplan 5.1 SendDTMF).
func sendDTMF(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 5)
	c := x.Channel()
	if a[3] != "" {
		var ok bool
		if c, ok = x.Machine().Switch().ChannelByName(a[3]); !ok {
			x.Warn("SendDTMF: there is no channel %s", a[3])
			return nil
		}
	}
	gap, ok := millis(a[1])
	if !ok || gap <= 0 {
		gap = 250 * time.Millisecond
	}
	length, ok := millis(a[2])
	if !ok || length <= 0 {
		length = 100 * time.Millisecond
	}
	if strings.Contains(a[4], "a") && c.State() != pbx.Up {
		if err := noMatter(c.Answer()); err != nil {
			return err
		}
	}
	digits, long := dtmfDigits(x, a[0], length+gap)
	if digits == "" {
		return nil
	}
	if err := c.SendDTMF(digits, pbx.DTMFOptions{Duration: length, Between: gap}); err != nil {
		if c != x.Channel() && errors.Is(err, pbx.ErrGone) {
			return nil
		}
		return err
	}
	return pause(ctx, x, long)
}

// dtmfDigits keeps what can be sent, and says how long that takes.
func dtmfDigits(x *run.Exec, text string, each time.Duration) (digits string, long time.Duration) {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == 'w':
			long += 500 * time.Millisecond
		case r == 'W':
			long += time.Second
		case strings.ContainsRune("0123456789*#ABCDabcd", r):
			long += each
		default:
			x.Warn("SendDTMF: %q is not a DTMF digit", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String(), long
}

// playtones is Playtones(name or list): begins a tone and returns at once; an
// unknown one ends the call (spec: dialplan 5.1 Playtones).
func playtones(_ context.Context, x *run.Exec, args string) error {
	args = strings.TrimSpace(args)
	err := x.Channel().StartTone("tone:" + args)
	if err != nil && noMatter(err) != nil {
		x.Warn("Playtones(%s): %v", args, err)
		return run.ErrEnd
	}
	return nil
}

func stopPlaytones(_ context.Context, x *run.Exec, _ string) error {
	return noMatter(x.Channel().StopTone())
}

// milliwatt is Milliwatt([o]): answers and plays 1004 Hz at 0 dBm0 until the
// hangup; o 1000 Hz (Asterisk: app_milliwatt.c).
func milliwatt(ctx context.Context, x *run.Exec, args string) error {
	if _, err := upFirst(ctx, x, false, false); err != nil {
		return err
	}
	tone := "tone:milliwatt"
	if strings.Contains(args, "o") {
		tone = "tone:1000"
	}
	if err := noMatter(x.Channel().StartTone(tone)); err != nil {
		return err
	}
	defer func() { _ = x.Channel().StopTone() }() // ErrGone: it has stopped
	<-ctx.Done()
	return context.Cause(ctx)
}

// echo is Echo(): gives back what the party says until it presses #; it does
// not answer (spec: dialplan 5.1 Echo).
func echo(ctx context.Context, x *run.Exec, _ string) error {
	err := x.Channel().Echo(ctx)
	x.Flush()
	return err
}
