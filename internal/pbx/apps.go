package pbx

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
)

// The applications that the switch has without a dialplan. Each runs in its
// caller's goroutine until it is done, the party hangs up (ErrGone), or ctx ends.

// Wait waits for d.
func (c *Channel) Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	return c.until(ctx, t.C)
}

// until waits for done, the hangup or ctx.
func (c *Channel) until(ctx context.Context, done <-chan time.Time) error {
	select {
	case <-done:
		return nil
	case <-c.ctx.Done():
		return ErrGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Echo plays back what the party says until it presses # (spec: dialplan 5.1).
func (c *Channel) Echo(ctx context.Context) error {
	digits, stop, err := c.openDigits()
	if err != nil {
		return err
	}
	defer stop()
	if c.port != nil {
		if err := c.sound(1); err != nil {
			return err
		}
		defer c.sound(-1) //nolint:errcheck // ErrGone: nothing sounds any more
		e := &echo{}
		remove := c.port.Tap(e, media.TapOptions{In: true, Rate: echoRate})
		defer remove()
		po := c.port.Play(e, func(error) {})
		defer po.Stop()
	}
	for {
		select {
		case d := <-digits.ch:
			if d == '#' {
				return nil
			}
		case <-c.ctx.Done():
			return ErrGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

const echoRate = 8000

// echo is a sink whose sound comes out of it again as a source. It holds at
// most half a second: a stall does not become a lasting delay.
type echo struct {
	mu  sync.Mutex // guards buf
	buf []int16
}

func (e *echo) WriteFrame(pcm []int16, rate int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.buf) > echoRate/2 {
		e.buf = e.buf[:0]
	}
	step := max(rate/echoRate, 1)
	for i := 0; i < len(pcm); i += step {
		e.buf = append(e.buf, pcm[i])
	}
}

func (e *echo) ReadFrame(pcm []int16) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := copy(pcm, e.buf)
	e.buf = e.buf[:copy(e.buf, e.buf[n:])]
	clear(pcm[n:])
	return len(pcm), nil
}

func (e *echo) Rate() int { return echoRate }

// toneUntilHangup plays an endless tone for d, or until the hangup if d is 0.
func (c *Channel) toneUntilHangup(ctx context.Context, uri string, d time.Duration) error {
	if err := c.StartTone(uri); err != nil {
		return err
	}
	defer func() { _ = c.StopTone() }() // ErrGone: it has stopped
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	return c.until(ctx, timer)
}

// playFiles plays sounds named as the dialplan's Playback names them: "a&b".
func (c *Channel) playFiles(ctx context.Context, names string) error {
	names, _, _ = strings.Cut(names, ",")
	var uris []string
	for n := range strings.SplitSeq(names, "&") {
		if n = strings.TrimSpace(n); n == "" {
			continue
		}
		if !hasScheme(n) {
			n = "sound:" + n
		}
		uris = append(uris, n)
	}
	return c.PlayAndWait(ctx, PlayOptions{Media: uris})
}

// hasScheme reports whether a name is a media URI already.
func hasScheme(n string) bool {
	scheme, _, ok := strings.Cut(n, ":")
	switch scheme {
	case "sound", "tone", "digits", "number", "ordinal", "characters", "phonetic", "recording", "silence", "music":
		return ok
	}
	return false
}

// Applications lists the names that RunApplication knows.
func Applications() []string {
	return []string{"Answer", "Busy", "Congestion", "Echo", "Hangup", "Milliwatt", "Playback", "Wait"}
}

// knownApplication gives the name as Applications writes it.
func knownApplication(name string) (string, bool) {
	for _, a := range Applications() {
		if strings.EqualFold(a, name) {
			return a, true
		}
	}
	return "", false
}

// RunApplication runs one of the built-in applications with its data as the
// dialplan writes it (spec: dialplan 5.1). It returns when the application is
// done; Hangup, Busy and Congestion have then hung up. An unknown name is a
// *call.Failure that lists what there is.
func (c *Channel) RunApplication(ctx context.Context, name, data string) error {
	app, ok := knownApplication(name)
	if !ok {
		return unknownApplication(name)
	}
	if err := c.SetPosition("", "", 0, app, data); err != nil {
		return err
	}
	switch app {
	case "Answer":
		return c.Answer()
	case "Playback":
		return c.playFiles(ctx, data)
	case "Wait":
		return c.Wait(ctx, seconds(data))
	case "Echo":
		return c.Echo(ctx)
	case "Milliwatt": // 1004 Hz at 0 dBm0 (Asterisk: app_milliwatt.c)
		return c.toneUntilHangup(ctx, "tone:milliwatt", 0)
	case "Busy":
		return c.refuseWith(ctx, cause.UserBusy, "tone:busy", seconds(data))
	case "Congestion":
		return c.refuseWith(ctx, cause.CircuitCongestion, "tone:congestion", seconds(data))
	default: // Hangup
		c.Hangup(hangupCause(data))
		return nil
	}
}

// refuseWith is Busy and Congestion: a party that has not been answered is
// refused with the cause, another one hears the tone until it hangs up.
func (c *Channel) refuseWith(ctx context.Context, code cause.Code, tone string, d time.Duration) error {
	if c.State() != Up {
		c.Hangup(code)
		return nil
	}
	err := c.toneUntilHangup(ctx, tone, d)
	c.Hangup(code)
	return err
}

// seconds reads a number of seconds with fractions; what is none is 0.
func seconds(s string) time.Duration {
	s, _, _ = strings.Cut(s, ",")
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(f > 0) || f > 1e7 {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// hangupCause reads the argument of Hangup; none or a wrong one is 16
// (spec: dialplan 5.1).
func hangupCause(s string) cause.Code {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n <= 0 || n > 127 {
		return cause.NormalClearing
	}
	return cause.Code(n)
}

func unknownApplication(name string) *call.Failure {
	return &call.Failure{
		Disposition: call.Failed, Cause: int(cause.FacilityRejected), Permanent: true,
		Text: "no application " + strconv.Quote(name) + "; there are " + strings.Join(Applications(), ", "),
	}
}

// isOurEnd reports whether err only says that a wait was cut short.
func isOurEnd(err error) bool {
	return err == nil || errors.Is(err, ErrGone) || errors.Is(err, context.Canceled)
}
