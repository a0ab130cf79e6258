package apps

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/prompts"
	"github.com/dialwright/dialwright/internal/wire/agi"
)

// sound is what plays, says, records and listens. Digits that the party types
// between two commands wait for the next; Asterisk loses those that come while it
// reads from the program.
func (s *agiSession) sound(ctx context.Context, name string, args []string) (agi.Answer, error) {
	if s.x.Machine().Compat() {
		s.x.Flush()
	}
	switch name {
	case "STREAM FILE":
		return s.streamFile(ctx, args)
	case "CONTROL STREAM FILE":
		return s.controlStreamFile(ctx, args)
	case "GET OPTION":
		return s.getOption(ctx, args)
	case "GET DATA":
		return s.getData(ctx, args)
	case "WAIT FOR DIGIT":
		return s.waitForDigit(ctx, args[0])
	case "RECORD FILE":
		return s.recordFile(ctx, args)
	}
	return s.sayWords(ctx, name, args)
}

// agiPlay is something being played.
type agiPlay struct {
	pbx.PlayOptions
	escape string            // digits that end it
	key    func(d rune) bool // sees the others; nil = nobody
	p      *pbx.Playback     // set by play
}

// play plays to the end, or to an escape digit, which it gives; at is how far
// it came.
func (s *agiSession) play(ctx context.Context, a *agiPlay) (digit rune, at time.Duration, err error) {
	if len(a.Media) == 0 {
		return 0, 0, nil
	}
	digits, err := s.x.Digits()
	if err != nil {
		return 0, 0, err
	}
	if a.p, err = s.c.Play(a.PlayOptions); err != nil {
		return 0, 0, err
	}
	defer a.p.Stop()
	for {
		select {
		case d := <-digits:
			if a.key != nil && a.key(d) || !strings.ContainsRune(a.escape, d) {
				continue
			}
			a.p.Stop()
			select {
			case <-a.p.Done():
			case <-ctx.Done():
			}
			return d, a.p.Position(), nil
		case <-a.p.Done():
			return 0, a.p.Position(), a.p.Wait(ctx)
		case <-ctx.Done():
			return 0, a.p.Position(), context.Cause(ctx)
		}
	}
}

// played is the answer of what has played: the digit, or 0, or -1.
func (s *agiSession) played(digit rune, at time.Duration, err error) agi.Answer {
	if err != nil {
		s.note(err)
		if errors.Is(err, pbx.ErrNoSound) {
			at = 0
		}
		return agi.Result(-1).At(samples(at))
	}
	return agi.Result(int(digit)).At(samples(at))
}

// note logs why something could not be played, unless the party has gone.
func (s *agiSession) note(err error) {
	if s.c.Context().Err() == nil {
		s.x.Logger().Info("AGI: not played", "error", err)
	}
}

// streamFile is STREAM FILE file escape [offset].
func (s *agiSession) streamFile(ctx context.Context, args []string) (agi.Answer, error) {
	p := &agiPlay{PlayOptions: pbx.PlayOptions{Media: []string{"sound:" + args[0]}}, escape: args[1]}
	if len(args) > 2 {
		var ok bool
		if p.Offset, ok = agiSamples(args[2]); !ok {
			return agi.Answer{}, errAGIArgument
		}
	}
	return s.played(s.play(ctx, p)), nil
}

// controlStreamFile is CONTROL STREAM FILE file escape [skip_ms] [forward]
// [rewind] [pause] [offset_ms]: the party moves about in the file, by default with
// # and *.
func (s *agiSession) controlStreamFile(ctx context.Context, args []string) (agi.Answer, error) {
	arg := func(i int, otherwise string) string {
		if i < len(args) && args[i] != "" {
			return args[i]
		}
		return otherwise
	}
	skip, ok := agiMillis(arg(2, "3000"))
	offset, good := agiMillis(arg(6, "0"))
	if !ok || !good {
		return agi.Answer{}, errAGIArgument
	}
	p := &agiPlay{PlayOptions: pbx.PlayOptions{Media: []string{"sound:" + args[0]}, Skip: skip, Offset: max(offset, 0)}, escape: args[1]}
	paused := false
	keys := map[string]func() pbx.PlaybackOp{
		arg(3, "#"): func() pbx.PlaybackOp { return pbx.PlaybackForward },
		arg(4, "*"): func() pbx.PlaybackOp { return pbx.PlaybackReverse },
	}
	if pause := arg(5, ""); pause != "" {
		keys[pause] = func() pbx.PlaybackOp {
			if paused = !paused; paused {
				return pbx.PlaybackPause
			}
			return pbx.PlaybackUnpause
		}
	}
	p.key = func(d rune) bool {
		op, ok := keys[string(d)]
		if ok {
			_ = p.p.Control(op()) // ErrNotPlaying: it has just ended
		}
		return ok
	}
	return s.played(s.play(ctx, p)), nil
}

// getOption is GET OPTION file escape [timeout_ms]: like STREAM FILE, and then
// it waits for a digit still, by default TIMEOUT(digit).
func (s *agiSession) getOption(ctx context.Context, args []string) (agi.Answer, error) {
	wait, _ := s.x.Timeouts()
	if len(args) > 2 {
		var ok bool
		if wait, ok = agiMillis(args[2]); !ok {
			return agi.Answer{}, errAGIArgument
		}
	}
	digit, at, err := s.play(ctx, &agiPlay{PlayOptions: pbx.PlayOptions{Media: []string{"sound:" + args[0]}}, escape: args[1]})
	limit := time.Now().Add(wait)
	for err == nil && digit == 0 {
		left := wait
		if wait > 0 {
			left = max(time.Until(limit), 0)
		}
		var d rune
		d, err = s.x.Digit(ctx, left)
		if err == nil && strings.ContainsRune(args[1], d) {
			digit = d
		}
	}
	if errors.Is(err, pbx.ErrTimeout) {
		err = nil
	}
	return s.played(digit, at, err), nil
}

// waitForDigit is WAIT FOR DIGIT ms: the digit's code, 0 if none came.
func (s *agiSession) waitForDigit(ctx context.Context, ms string) (agi.Answer, error) {
	wait, ok := agiMillis(ms)
	if !ok {
		return agi.Answer{}, errAGIArgument
	}
	d, err := s.x.Digit(ctx, wait)
	switch {
	case err == nil:
		return agi.Result(int(d)), nil
	case errors.Is(err, pbx.ErrTimeout):
		return agi.Result(0), nil
	}
	return agi.Result(-1), nil
}

// anyDigit ends what plays by any digit.
const anyDigit = "0123456789*#ABCD"

// getData is GET DATA file [timeout_ms] [max]: digits up to # or so many; what came
// before a timeout counts (spec: dialplan 5.3).
func (s *agiSession) getData(ctx context.Context, args []string) (agi.Answer, error) {
	between, first := s.x.Timeouts()
	if len(args) > 1 {
		ms, ok := agiMillis(args[1])
		if !ok {
			return agi.Answer{}, errAGIArgument
		}
		if ms != 0 {
			first, between = ms, ms
		}
	}
	most := 1024
	if len(args) > 2 {
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return agi.Answer{}, errAGIArgument
		}
		if n > 0 {
			most = min(n, most)
		}
	}
	p := &agiPlay{escape: anyDigit}
	if args[0] != "" {
		p.Media = []string{"sound:" + args[0]}
	}
	d, _, err := s.play(ctx, p)
	if errors.Is(err, pbx.ErrNoSound) || errors.Is(err, pbx.ErrNoMedia) { // digits can be typed all the same
		s.note(err)
		err = nil
	}
	var got []rune
	wait := first
	for err == nil {
		if d == '#' {
			return agi.Answer{Result: string(got)}, nil
		}
		if d != 0 {
			got = append(got, d)
			wait = between
		}
		if len(got) >= most {
			return agi.Answer{Result: string(got)}, nil
		}
		d, err = s.x.Digit(ctx, wait)
	}
	if errors.Is(err, pbx.ErrTimeout) {
		return agi.Answer{Result: string(got)}.WithText("timeout"), nil
	}
	return agi.Result(-1), nil
}

// sayWords is the family of SAY.
func (s *agiSession) sayWords(ctx context.Context, name string, args []string) (agi.Answer, error) {
	lang := s.c.Snapshot().Language
	var words []string
	switch what := strings.TrimPrefix(name, "SAY "); what {
	case "DIGITS":
		words = prompts.Digits(args[0])
	case "ALPHA":
		words = prompts.Characters(args[0])
	case "PHONETIC":
		words = prompts.Phonetic(args[0])
	case "NUMBER":
		n, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return agi.Answer{}, errAGIArgument
		}
		if words, err = prompts.Number(lang, n); err != nil {
			return agi.Answer{}, errAGIArgument
		}
	default:
		var ok bool
		if words, ok = s.sayTime(lang, what, args); !ok {
			return agi.Answer{}, errAGIArgument
		}
	}
	p := &agiPlay{escape: args[1]}
	for _, w := range words {
		p.Media = append(p.Media, "sound:"+w)
	}
	digit, _, err := s.play(ctx, p)
	if err != nil {
		s.note(err)
		return agi.Result(-1), nil
	}
	return agi.Result(int(digit)), nil
}

// sayTime gives the words of SAY DATE, TIME and DATETIME epoch escape [format]
// [timezone].
func (s *agiSession) sayTime(lang, what string, args []string) ([]string, bool) {
	epoch, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return nil, false
	}
	zone := time.Local
	format := prompts.DefaultTime
	switch what {
	case "DATE":
		format = "ABdY"
	case "TIME":
		format = "IMp"
	}
	if len(args) > 2 && args[2] != "" {
		format = args[2]
	}
	if len(args) > 3 && args[3] != "" {
		if zone, err = time.LoadLocation(args[3]); err != nil {
			return nil, false
		}
	}
	return prompts.Time(lang, time.Unix(epoch, 0).In(zone), s.x.Now(), format), true
}
