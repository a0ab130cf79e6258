package apps

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// playback is Playback(a&b[,skip|noanswer|say|mix]): answers, plays all of it,
// whatever is typed. What is missing makes PLAYBACKSTATUS FAILED, and the rest
// is played all the same (spec: dialplan 5.1 Playback).
func playback(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 2)
	opts := strings.ToLower(strings.Join(a[1:], ","))
	skipped, err := upFirst(ctx, x, strings.Contains(opts, "skip"), strings.Contains(opts, "noanswer"))
	if err != nil {
		return err
	}
	if skipped {
		x.Set(ctx, "PLAYBACKSTATUS", "SUCCESS")
		return nil
	}
	if a[0] == "" {
		x.Warn("Playback: no file is named")
		x.Set(ctx, "PLAYBACKSTATUS", "FAILED")
		return nil
	}
	// mix says values and plays files in one list.
	uris := mediaURIs(x, a[0], strings.Contains(opts, "say"))
	if strings.Contains(opts, "mix") {
		uris = mixedURIs(x, a[0])
	}
	err = playAll(ctx, x, uris...)
	x.Flush()
	return playStatus(ctx, x, "PLAYBACKSTATUS", err)
}

// mixedURIs is mediaURIs for the option mix: what has a colon is said.
func mixedURIs(x *run.Exec, names string) []string {
	var out []string
	for name := range strings.SplitSeq(names, "&") {
		out = append(out, mediaURIs(x, name, strings.Contains(name, ":"))...)
	}
	return out
}

// playStatus sets a status variable from what playing gave; errors that end
// the call are passed on.
func playStatus(ctx context.Context, x *run.Exec, name string, err error) error {
	if err == nil || unheard(err) {
		status := "SUCCESS"
		if err != nil {
			status = "FAILED"
		}
		x.Set(ctx, name, status)
		return nil
	}
	x.Set(ctx, name, "FAILED")
	return err
}

// background is BackGround(a&b[,options[,language[,context]]]): plays until a
// digit begins an extension. Options: s skips it if the party is not up, n does
// not answer, m lets only digits break that are an extension by themselves, p
// lets none. A missing file is FAILED and the call goes on (spec: dialplan 5.1
// BackGround).
func background(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 4)
	skipped, err := upFirst(ctx, x, strings.Contains(a[1], "s"), strings.Contains(a[1], "n"))
	if err != nil {
		return err
	}
	if skipped {
		return nil
	}
	where := a[3]
	if where == "" {
		where = x.Position().Context
	}
	if a[0] == "" {
		x.Warn("BackGround: no file is named")
		x.Set(ctx, "BACKGROUNDSTATUS", "FAILED")
		return nil
	}
	single := strings.Contains(a[1], "m")
	h := hearing{PlayOptions: pbx.PlayOptions{Media: mediaURIs(x, a[0], false), Language: a[2]}}
	if !strings.Contains(a[1], "p") {
		h.key = func(_ *pbx.Playback, d rune) bool {
			return !single || x.Plan().Exists(where, string(d), x.Caller())
		}
	}
	digit, _, err := h.play(ctx, x)
	if err := playStatus(ctx, x, "BACKGROUNDSTATUS", err); err != nil || digit == 0 {
		return err
	}
	if single {
		x.Goto(run.Position{Context: where, Exten: string(digit), Priority: 1})
		return nil
	}
	return &run.Digits{First: string(digit), Context: where}
}

// controlPlayback is ControlPlayback(file[,skip_ms[,forward[,rewind[,stop
// [,pause[,restart[,options]]]]]]]): plays a file that digits control, # forward
// and * back by 3000 ms unless said otherwise; o(ms) begins later. CPLAYBACKSTATUS
// is SUCCESS, USERSTOPPED or ERROR, CPLAYBACKOFFSET where it ended in ms,
// CPLAYBACKSTOPKEY the digit (Asterisk: app_controlplayback.c).
func controlPlayback(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 8)
	o, err := parseLetters(a[7])
	if err != nil {
		x.Warn("ControlPlayback: %v", err)
	}
	offset, _ := millis(o['o'])
	skip, ok := millis(a[1])
	if !ok || skip <= 0 {
		skip = 3 * time.Second
	}
	if a[0] == "" {
		x.Warn("ControlPlayback: no file is named")
		x.Set(ctx, "CPLAYBACKSTATUS", "ERROR")
		return nil
	}
	if _, err := upFirst(ctx, x, false, false); err != nil {
		return err
	}
	keys := controls{forward: orElse(a[2], "#"), back: orElse(a[3], "*"), stop: a[4], pause: a[5], restart: a[6]}
	h := hearing{pbx.PlayOptions{Media: mediaURIs(x, a[0], false), Skip: skip, Offset: max(offset, 0)}, keys.press}
	digit, at, err := h.play(ctx, x)
	status := "SUCCESS"
	switch {
	case unheard(err):
		err, status = nil, "ERROR"
	case err != nil:
		status = "ERROR"
	case digit != 0:
		status = "USERSTOPPED"
		x.Set(ctx, "CPLAYBACKSTOPKEY", string(digit))
	}
	x.Set(ctx, "CPLAYBACKSTATUS", status)
	x.Set(ctx, "CPLAYBACKOFFSET", strconv.FormatInt(at.Milliseconds(), 10))
	return err
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// controls are the digits that control a playback; each may be several.
type controls struct{ forward, back, stop, pause, restart string }

// press obeys a digit and says whether it stops the playing. Orders that come
// too late, when the end has been reached, are no matter.
func (k controls) press(p *pbx.Playback, d rune) bool {
	op := pbx.PlaybackOp("")
	switch {
	case strings.ContainsRune(k.stop, d):
		return true
	case strings.ContainsRune(k.pause, d):
		op = pbx.PlaybackPause
		if p.Snapshot().State == pbx.PlaybackPaused {
			op = pbx.PlaybackUnpause
		}
	case strings.ContainsRune(k.restart, d):
		op = pbx.PlaybackRestart
	case strings.ContainsRune(k.forward, d):
		op = pbx.PlaybackForward
	case strings.ContainsRune(k.back, d):
		op = pbx.PlaybackReverse
	default:
		return false
	}
	_ = p.Control(op) // ErrNotPlaying: see above
	return false
}
