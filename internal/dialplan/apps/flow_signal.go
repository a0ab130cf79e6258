package apps

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// firstMedia is how long Answer waits for the party's first media at least
// (Asterisk: channel.c __ast_answer).
const firstMedia = 500 * time.Millisecond

// answer is Answer([delay_ms][,i]): answers a party that is not up and waits
// for its first media, at most 500 ms or delay if that is longer; i does not
// wait (spec: dialplan 5.1 Answer).
func answer(ctx context.Context, x *run.Exec, args string) error {
	delay, opts, _ := strings.Cut(args, ",")
	c := x.Channel()
	if c.State() == pbx.Up {
		return nil
	}
	if err := c.Answer(); err != nil {
		return err
	}
	if strings.Contains(opts, "i") || c.Port() == nil {
		return nil
	}
	limit := firstMedia
	if ms, err := strconv.Atoi(strings.TrimSpace(delay)); err == nil {
		limit = max(limit, time.Duration(ms)*time.Millisecond)
	}
	return hears(ctx, c, limit)
}

// hears waits until the party's first media has come, at most d.
func hears(ctx context.Context, c *pbx.Channel, d time.Duration) error {
	first := make(firstFrame, 1)
	remove := c.Port().Tap(first, media.TapOptions{In: true})
	defer remove()
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-first:
			if !c.Port().LastIn().IsZero() { // a tap of a silent party gets silence
				return nil
			}
		case <-t.C:
			return nil
		case <-c.Context().Done():
			return pbx.ErrGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// firstFrame is a sink that tells of frames and keeps none.
type firstFrame chan struct{}

func (f firstFrame) WriteFrame([]int16, int) {
	select {
	case f <- struct{}{}:
	default:
	}
}

// hangup is Hangup([cause]): a number, or a name of Asterisk's in any case.
// None is that of the last Dial; else, and for a wrong one, it is 16 (spec: dialplan 5.1 Hangup).
func hangup(_ context.Context, x *run.Exec, args string) error {
	code, ok := cause.Parse(args)
	switch {
	case strings.TrimSpace(args) == "": // that of the party that Dial has called (observed: Asterisk 22.10, AMI trace b3)
		if code, _ = cause.Parse(x.Get("HANGUPCAUSE")); code == cause.Unknown {
			code = cause.NormalClearing
		}
	case !ok:
		x.Warn("Hangup(%s): no hangup cause of this name or number; 16 is used", args)
		code = cause.NormalClearing
	}
	x.SetHangupCause(code)
	x.Channel().Hangup(code)
	return run.ErrEnd
}

// ringing is Ringing(): 180 to a party that is not up, a ringing tone to one
// that is. It returns at once.
func ringing(_ context.Context, x *run.Exec, _ string) error {
	c := x.Channel()
	if c.State() != pbx.Up {
		return noMatter(c.Ring())
	}
	return noMatter(c.StartTone("tone:ringback"))
}

// progress is Progress(): early media to a party that is not up.
func progress(_ context.Context, x *run.Exec, _ string) error {
	return noMatter(x.Channel().Progress())
}

// noMatter drops the errors of a signal that a channel cannot give, or no more,
// as in h: they are worth no more than the signal.
func noMatter(err error) error {
	if errors.Is(err, pbx.ErrState) || errors.Is(err, pbx.ErrNotSupported) || errors.Is(err, pbx.ErrNoMedia) || errors.Is(err, pbx.ErrGone) {
		return nil
	}
	return err
}

// proceeding is Proceeding(): the call is on its way, which every technology
// here has said when it came in.
func proceeding(context.Context, *run.Exec, string) error { return nil }

// busy is Busy([seconds]): a party that is not up is refused with cause 17,
// another one hears the tone until it hangs up or the time is over. The call
// ends (spec: dialplan 5.1 Busy).
func busy(ctx context.Context, x *run.Exec, args string) error {
	return refuse(ctx, x, args, cause.UserBusy, "tone:busy")
}

// congestion is Congestion([seconds]): as busy, with cause 34.
func congestion(ctx context.Context, x *run.Exec, args string) error {
	return refuse(ctx, x, args, cause.CircuitCongestion, "tone:congestion")
}

func refuse(ctx context.Context, x *run.Exec, args string, code cause.Code, tone string) error {
	c := x.Channel()
	if c.State() != pbx.Up {
		x.SetHangupCause(code)
		if err := c.Indicate(code); err != nil && !errors.Is(err, pbx.ErrState) {
			return err
		}
		return run.ErrEnd
	}
	if err := noMatter(c.StartTone(tone)); err != nil {
		return err
	}
	var limit <-chan time.Time
	if d, ok := readSeconds(args); ok && d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		limit = t.C
	}
	select {
	case <-limit:
		return run.ErrEnd
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// incomplete is Incomplete([n]): the present extension is only the beginning of
// one; more digits are waited for, after an answer unless n (Asterisk: pbx.c
// AST_PBX_INCOMPLETE).
func incomplete(_ context.Context, x *run.Exec, args string) error {
	if !strings.Contains(args, "n") && x.Channel().State() != pbx.Up {
		if err := x.Channel().Answer(); err != nil {
			return err
		}
	}
	return &run.Digits{First: x.Position().Exten, More: true}
}

// readSeconds reads a number of seconds, fractions allowed, as far as there is
// a number: "1.5x" is 1.5 s. ok is false for what begins with none. Negative
// ones are negative; more than 100 days are 100 days.
func readSeconds(text string) (d time.Duration, ok bool) {
	text = strings.TrimSpace(text)
	n := 0
	for n < len(text) && (text[n] >= '0' && text[n] <= '9' || text[n] == '.' || n == 0 && (text[n] == '-' || text[n] == '+')) {
		n++
	}
	for ; n > 0; n-- { // "1.2.3" is 1.2
		if f, err := strconv.ParseFloat(text[:n], 64); err == nil {
			f = min(f, 100*24*3600)
			return time.Duration(max(f, -1) * float64(time.Second)), true
		}
	}
	return 0, false
}

// branches separates "condition?yes:no" and chooses one; "" = neither. The
// colon may stand inside parentheses.
func branches(args string) string {
	cond, rest, _ := strings.Cut(args, "?")
	yes, no := cutOutside(rest, ':')
	if dialplan.True(cond) {
		return yes
	}
	return no
}

// cutOutside cuts at the first sep that stands in no parentheses, brackets or
// double quotes.
func cutOutside(text string, sep byte) (before, after string) {
	parens, brackets, quoted := 0, 0, false
	for i := range len(text) {
		switch b := text[i]; {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == sep && parens == 0 && brackets == 0:
			return text[:i], text[i+1:]
		case b == '(':
			parens++
		case b == ')':
			parens = max(parens-1, 0)
		case b == '[':
			brackets++
		case b == ']':
			brackets = max(brackets-1, 0)
		}
	}
	return text, ""
}
