package pbx

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dialwright/dialwright/internal/media"
)

// digitReader collects digits of a channel while it is registered.
type digitReader struct{ ch chan rune }

// digitReceived is what a digit from the party does, whether it came by RTP
// (RFC 4733), in-band, or by signalling (SIP INFO, rule D13).
func (c *Channel) digitReceived(d rune, long time.Duration, bySignalling bool) {
	if c.hungUp {
		return
	}
	d = unicode.ToUpper(d)
	if !strings.ContainsRune("0123456789ABCD*#", d) {
		return
	}
	// What we hear of a digit is its end; its beginning is told right before that.
	c.emit(Event{Type: ChannelDTMFBegun, Digit: d, Value: DigitReceived})
	c.emit(Event{Type: ChannelDTMF, Digit: d, Duration: long})
	for _, r := range c.digits {
		select {
		case r.ch <- d:
		default: // nobody types 64 digits ahead
		}
	}
	for _, r := range slices.Clone(c.recordings) {
		r.digit(d)
	}
	// A digit in RTP is carried across by the media link; one that came by
	// INFO has to be put there (M4).
	if c.bridge != nil {
		c.bridge.forwardDigit(c, d, long, bySignalling)
	}
}

// sendDigit passes one digit to the party, by RTP if its media can, else by INFO.
func (c *Channel) sendDigit(d rune, long time.Duration) {
	if c.hungUp {
		return
	}
	c.digitSent(d, long)
	if c.port == nil {
		c.sendInfo(d, long)
		return
	}
	c.port.SendDTMF(string(d), media.DTMFOptions{Duration: long}, func(err error) {
		if errors.Is(err, media.ErrNoEvent) {
			c.box.post(func() { c.sendInfo(d, long) })
		}
	})
}

// digitSent tells that the party gets a digit.
func (c *Channel) digitSent(d rune, long time.Duration) {
	if !c.hungUp {
		c.emit(Event{Type: ChannelDTMFBegun, Digit: d, Value: DigitSent})
		c.emit(Event{Type: ChannelDTMFSent, Digit: d, Duration: long})
	}
}

func (c *Channel) sendInfo(d rune, long time.Duration) {
	if c.hungUp {
		return
	}
	if long <= 0 {
		long = 100 * time.Millisecond
	}
	if err := c.leg.SendDTMFInfo(d, long); err != nil {
		c.sw.log.Debug("digit not sent", "channel", c.id, "error", err)
	}
}

// DTMFOptions says how digits are sent. Zero durations take ARI's defaults
// (spec: ari 4): 100 ms each, 100 ms apart.
type DTMFOptions struct {
	Before, Between, Duration, After time.Duration
}

// SendDTMF sends digits 0-9 A-D * # to the party; w and W pause 0.5 and 1 s.
// It returns at once with an error for other characters.
func (c *Channel) SendDTMF(digits string, o DTMFOptions) error {
	for _, d := range digits {
		if !strings.ContainsRune("0123456789ABCDabcd*#wW", d) {
			return errors.New("not a DTMF digit: " + string(d))
		}
	}
	if o.Between <= 0 {
		o.Between = 100 * time.Millisecond
	}
	if o.Duration <= 0 {
		o.Duration = 100 * time.Millisecond
	}
	return c.do(func() error {
		c.sendAfter(o.Before, []rune(digits), o)
		return nil
	})
}

// sendAfter sends the rest of a digit string step by step, driven by timers
// that post to the actor.
func (c *Channel) sendAfter(wait time.Duration, rest []rune, o DTMFOptions) {
	if len(rest) == 0 || c.hungUp {
		return
	}
	if wait > 0 {
		time.AfterFunc(wait, func() { c.box.post(func() { c.sendAfter(0, rest, o) }) })
		return
	}
	switch d := rest[0]; d {
	case 'w':
		c.sendAfter(500*time.Millisecond, rest[1:], o)
	case 'W':
		c.sendAfter(time.Second, rest[1:], o)
	default:
		c.sendDigit(unicode.ToUpper(d), o.Duration)
		c.sendAfter(o.Duration+o.Between, rest[1:], o)
	}
}

// ReadOptions says how digits are collected.
type ReadOptions struct {
	Prompts    []string      // media URIs played first; the first digit stops them
	Max        int           // stop after so many digits, 0 = no limit
	Terminator string        // digits that end the input and are not part of it; "" = "#", "none" = no one
	First      time.Duration // wait for the first digit after the prompts, 0 = 10 s (spec: dialplan 5.1, Read)
	Between    time.Duration // wait for each further digit, 0 = 5 s
	Language   string
}

// ReadDigits plays prompts and collects digits. It gives what was typed so
// far with ErrTimeout when a wait ran out, with ErrGone when the party hung
// up, and with ctx's error when ctx ended.
func (c *Channel) ReadDigits(ctx context.Context, o ReadOptions) (string, error) {
	o = o.withDefaults()
	r, stop, err := c.openDigits()
	if err != nil {
		return "", err
	}
	defer stop()
	var prompt *Playback
	var promptDone <-chan struct{}
	timer := time.NewTimer(o.First)
	defer timer.Stop()
	if len(o.Prompts) > 0 {
		prompt, err = c.Play(PlayOptions{Media: o.Prompts, Language: o.Language})
		switch {
		case errors.Is(err, ErrNoMedia): // nobody hears it; digits come all the same
		case err != nil:
			return "", err
		default:
			defer prompt.Stop()
			promptDone = prompt.Done()
			timer.Stop() // runs from the end of the prompts
		}
	}
	var got []rune
	for {
		select {
		case d := <-r.ch:
			if prompt != nil {
				prompt.Stop()
				promptDone = nil
			}
			if strings.ContainsRune(o.Terminator, d) {
				return string(got), nil
			}
			got = append(got, d)
			if o.Max > 0 && len(got) >= o.Max {
				return string(got), nil
			}
			timer.Reset(o.Between)
		case <-promptDone:
			promptDone = nil
			timer.Reset(o.First)
		case <-timer.C:
			return string(got), ErrTimeout
		case <-c.ctx.Done():
			return string(got), ErrGone
		case <-ctx.Done():
			return string(got), context.Cause(ctx)
		}
	}
}

// withDefaults fills in what is not set.
func (o ReadOptions) withDefaults() ReadOptions {
	switch o.Terminator {
	case "":
		o.Terminator = "#"
	case "none":
		o.Terminator = ""
	}
	if o.First <= 0 {
		o.First = 10 * time.Second
	}
	if o.Between <= 0 {
		o.Between = 5 * time.Second
	}
	return o
}

// openDigits registers a reader of digits.
func (c *Channel) openDigits() (*digitReader, func(), error) {
	r := &digitReader{ch: make(chan rune, 64)}
	err := c.do(func() error {
		c.digits = append(c.digits, r)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return r, func() {
		c.box.post(func() {
			for i, o := range c.digits {
				if o == r {
					c.digits = append(c.digits[:i:i], c.digits[i+1:]...)
					return
				}
			}
		})
	}, nil
}
