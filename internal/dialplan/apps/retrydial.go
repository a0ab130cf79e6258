package apps

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// retryDial is RetryDial(announce,sleep,retries,dialargs): Dial until somebody
// answers, with an announcement and a wait of sleep seconds (default 10) between
// two tries. retries 0 is for ever. While it waits the caller hears music, if
// Dial's option m is given; with option d a digit leads to an extension of one
// digit (Asterisk: app_dial.c retrydial_exec).
func retryDial(ctx context.Context, x *run.Exec, args string) error {
	parts := dialplan.SplitArgs(args)
	if len(parts) < 4 {
		x.Warn("RetryDial needs announce,sleep,retries,dialargs")
		return run.ErrEnd
	}
	announce, dialArgs := parts[0], strings.Join(parts[3:], ",")
	sleep, _ := seconds(parts[1])
	if sleep <= 0 {
		sleep = 10 * time.Second
	}
	tries, _ := strconv.Atoi(strings.TrimSpace(parts[2]))
	for n := 0; tries <= 0 || n < tries; n++ {
		d := newDial(x, dialArgs)
		answered, err := d.run(ctx)
		if answered || err != nil || d.exit != 0 || d.status == statusInvalid {
			return err
		}
		if tries > 0 && n == tries-1 {
			break
		}
		if over, err := d.between(ctx, announce, sleep); over || err != nil {
			return err
		}
	}
	return nil
}

// between announces and waits for the next try. over says that a digit has sent
// the caller elsewhere.
func (d *dial) between(ctx context.Context, announce string, sleep time.Duration) (over bool, err error) {
	if err := playTo(ctx, d.x, d.a, announce); err != nil {
		return true, err
	}
	if class, ok := d.args.o['m']; ok {
		musicOn(ctx, d.x, class)
		defer musicOff(ctx, d.x)
	}
	until := time.Now().Add(sleep)
	for {
		left := time.Until(until)
		if left <= 0 {
			return false, nil
		}
		digit, err := d.x.Digit(ctx, left)
		if errors.Is(err, pbx.ErrTimeout) {
			return false, nil
		}
		if err != nil {
			return true, err
		}
		if d.args.o.has('d') && d.typed(digit) {
			return true, d.exits()
		}
	}
}
