package funcs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// detectors lists the functions that listen to the party while the call goes on
// and tell by events: ChannelTalkingStarted, ChannelTalkingFinished,
// ChannelToneDetected (spec: ari 5.9).
func detectors() []run.Func {
	return []run.Func{
		{Name: "TALK_DETECT", Write: writeTalkDetect},
		{Name: "TONE_DETECT", Read: readToneDetect, Write: writeToneDetect},
	}
}

// writeTalkDetect is TALK_DETECT(set)=[silence[,threshold]], milliseconds and mean
// amplitude, and TALK_DETECT(remove)= (Asterisk: func_talkdetect.c).
func writeTalkDetect(_ context.Context, x *run.Exec, args, value string) error {
	switch {
	case strings.EqualFold(strings.TrimSpace(args), "remove"):
		return x.Channel().StopDetectTalking()
	case !strings.EqualFold(strings.TrimSpace(args), "set"):
		return fmt.Errorf("%q: what can be done is set and remove", args)
	}
	silence, threshold, _ := strings.Cut(value, ",")
	ms, err := atLeastOne(silence)
	if err != nil {
		return fmt.Errorf("silence: %w", err)
	}
	o := pbx.TalkOptions{Silence: time.Duration(ms) * time.Millisecond}
	if o.Threshold, err = atLeastOne(threshold); err != nil {
		return fmt.Errorf("threshold: %w", err)
	}
	return x.Channel().DetectTalking(o)
}

// atLeastOne reads a number from 1 on; nothing is 0, the default.
func atLeastOne(s string) (int, error) {
	if s = strings.TrimSpace(s); s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number from 1 to 2147483647", s)
	}
	return int(n), nil
}

// readToneDetect is TONE_DETECT(rx|tx): how often the tone was heard in what the
// party sends, and in what it hears (Asterisk: func_tonedetect.c).
func readToneDetect(_ context.Context, x *run.Exec, args string) (string, error) {
	rx, tx, err := x.Channel().ToneHits()
	switch strings.ToLower(strings.TrimSpace(args)) {
	case "rx":
		return strconv.Itoa(rx), err
	case "tx":
		return strconv.Itoa(tx), err
	}
	return "", fmt.Errorf("%q: what can be read is rx and tx", args)
}

// toneDetect is what TONE_DETECT(frequency[,ms[,options]])= asks for.
type toneDetect struct {
	pbx.ToneOptions
	times    int    // n: go after so many tones
	toRx     string // g: where to, when the party sends it
	toTx     string // h: where to, when it hears it
	stop     bool   // x
	unheard  string // a, b, c, p: signals that are not recognised here
	received bool   // r: not in what it hears
	sent     bool   // t: not in what it sends
}

// writeToneDetect listens from now on, in both directions. The value that is
// written does not count.
func writeToneDetect(ctx context.Context, x *run.Exec, args, _ string) error {
	t, err := parseToneDetect(args)
	if err != nil {
		return err
	}
	c := x.Channel()
	if t.stop {
		return c.StopDetectTone()
	}
	if t.unheard != "" {
		x.Warn("TONE_DETECT: busy, ringing and the like (%s) are not recognised, only tones of one frequency", t.unheard)
	}
	if t.Frequency == 0 {
		return errors.New("a frequency is needed")
	}
	if !t.sent {
		if err := t.listen(ctx, x, false, t.toRx); err != nil {
			return err
		}
	}
	if !t.received {
		return t.listen(ctx, x, true, t.toTx)
	}
	return nil
}

// listen listens in one direction; place is where the channel goes, "" = nowhere.
func (t toneDetect) listen(ctx context.Context, x *run.Exec, sent bool, place string) error {
	o := t.ToneOptions
	o.Received, o.Sent = !sent, sent
	if place != "" {
		to, err := x.Target(ctx, place)
		if err != nil {
			return err
		}
		m, c := x.Machine(), x.Channel()
		o.On = func(hits int) {
			if hits%t.times == 0 {
				// Not in the channel's actor, which it waits for; it ends with the channel.
				go func() { _ = c.Run(m.Handler(to)) }()
			}
		}
	}
	return x.Channel().DetectTone(o)
}

func parseToneDetect(args string) (t toneDetect, err error) {
	parts := append(dialplan.SplitArgs(args), "", "", "")
	t.times = 1
	if parts[0] = strings.TrimSpace(parts[0]); parts[0] != "0" {
		if t.Frequency, err = atLeastOne(parts[0]); err != nil {
			return t, fmt.Errorf("frequency: %w", err)
		}
		if t.Frequency > 3999 {
			return t, fmt.Errorf("frequency %d is beyond what a line carries", t.Frequency)
		}
	}
	ms, err := atLeastOne(parts[1])
	if err != nil {
		return t, fmt.Errorf("duration: %w", err)
	}
	t.Duration = time.Duration(ms) * time.Millisecond
	for s := strings.TrimSpace(parts[2]); s != ""; {
		letter, arg := s[0], ""
		s = s[1:]
		if rest, ok := strings.CutPrefix(s, "("); ok {
			arg, s, _ = strings.Cut(rest, ")")
		}
		if err := t.option(letter, arg); err != nil {
			return t, fmt.Errorf("option %c: %w", letter, err)
		}
	}
	return t, nil
}

func (t *toneDetect) option(letter byte, arg string) (err error) {
	switch letter {
	case 'd':
		t.Above, err = strconv.ParseFloat(strings.TrimSpace(arg), 64)
		if err == nil && !(t.Above > 0 && t.Above < 100) {
			err = fmt.Errorf("%s dB", arg)
		}
	case 'g':
		t.toRx = arg
	case 'h':
		t.toTx = arg
	case 'n':
		if t.times, err = atLeastOne(arg); t.times == 0 {
			t.times = 1
		}
	case 'r':
		t.received = true
	case 't':
		t.sent = true
	case 'x':
		t.stop = true
	case 'a', 'b', 'c', 'p', 's':
		t.unheard += string(letter)
	default:
		err = errors.New("unknown")
	}
	return err
}
