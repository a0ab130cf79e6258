package apps

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/media"
)

// waitForSilence waits until the party is silent: WaitForSilence([ms[,times
// [,timeout_s]]]), by default 1000 ms, once, for ever. WAITSTATUS: SILENCE,
// TIMEOUT, HANGUP. It answers. A party that sends nothing is silent (spec:
// dialplan 5.4; Asterisk: app_waitforsilence.c).
func waitForSilence(ctx context.Context, x *run.Exec, args string) error {
	return waitForSound(ctx, x, args, false, "SILENCE")
}

// waitForNoise waits until the party makes a noise for so long; else as
// waitForSilence. Asterisk takes a party that sends nothing for noisy; we do not.
func waitForNoise(ctx context.Context, x *run.Exec, args string) error {
	return waitForSound(ctx, x, args, true, "NOISE")
}

func waitForSound(ctx context.Context, x *run.Exec, args string, noise bool, found string) error {
	want, times, limit := soundArgs(x, args)
	c := x.Channel()
	if err := c.Answer(); err != nil {
		return err
	}
	meter := &soundMeter{noise: noise, want: want, times: times, done: make(chan struct{})}
	if port := c.Port(); port != nil {
		remove := port.Tap(meter, media.TapOptions{In: true, Rate: 8000})
		defer remove()
	} else if !noise { // nothing is silence too
		t := time.AfterFunc(want*time.Duration(times), func() { close(meter.done) })
		defer t.Stop()
	}
	var timeout <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-meter.done:
		x.Set(ctx, "WAITSTATUS", found)
	case <-timeout:
		x.Set(ctx, "WAITSTATUS", "TIMEOUT")
	case <-ctx.Done():
		x.Set(ctx, "WAITSTATUS", "HANGUP")
		return context.Cause(ctx)
	}
	return nil
}

// soundArgs reads "[ms[,times[,timeout]]]".
func soundArgs(x *run.Exec, args string) (want time.Duration, times int, limit time.Duration) {
	figures := [...]int{1000, 1, 0}
	for i, a := range dialplan.SplitArgs(args) {
		if a = strings.TrimSpace(a); a == "" || i >= len(figures) {
			continue
		}
		n, err := strconv.Atoi(a)
		if err != nil || n < 0 {
			x.Warn("%q is not a number from 0 on; %d is taken", a, figures[i])
			continue
		}
		figures[i] = n
	}
	return time.Duration(figures[0]) * time.Millisecond, max(figures[1], 1), time.Duration(figures[2]) * time.Second
}

// soundMeter is a sink that closes done when it has heard silence, or noise,
// of the wanted length as often as wanted.
type soundMeter struct {
	noise bool
	want  time.Duration
	times int
	done  chan struct{}

	// Of the media clock.
	lasted time.Duration
	over   bool
}

// quietLevel is the mean amplitude below which a frame is silence (Asterisk:
// dsp.h DEFAULT_SILENCE_THRESHOLD).
const quietLevel = 256

// WriteFrame implements media.Sink.
func (m *soundMeter) WriteFrame(pcm []int16, rate int) {
	if m.over || len(pcm) == 0 {
		return
	}
	sum := 0
	for _, v := range pcm {
		sum += max(int(v), -int(v))
	}
	if loud := sum/len(pcm) >= quietLevel; loud != m.noise {
		m.lasted = 0
		return
	}
	m.lasted += time.Duration(len(pcm)) * time.Second / time.Duration(rate)
	if m.lasted < m.want {
		return
	}
	m.lasted = 0
	if m.times--; m.times <= 0 {
		m.over = true
		close(m.done)
	}
}
