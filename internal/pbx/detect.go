package pbx

import (
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/media/dsp"
)

// TalkOptions tune DetectTalking. The zero value has Asterisk's defaults.
type TalkOptions struct {
	Silence   time.Duration // how long it must be silent for talking to be over, 0 = 2500 ms (Asterisk: func_talkdetect.c)
	Threshold int           // mean amplitude (0-32768) above which something is talking, 0 = 256 (Asterisk: dsp.conf)
}

// DetectTalking tells from now on when the party begins to talk
// (ChannelTalkStarted) and when it has been silent for o.Silence
// (ChannelTalkFinished, with the time for which it talked, the silence not
// counted): TALK_DETECT(set) (spec: ari 5.9). A second call replaces what the first
// said. A party that is muted is heard too. Errors: ErrNoMedia, ErrGone.
func (c *Channel) DetectTalking(o TalkOptions) error {
	if c.port == nil {
		return ErrNoMedia
	}
	return c.do(func() error {
		c.stopTalkDetection()
		t := &detection{}
		cfg := dsp.TalkConfig{TalkAfter: talkAfter, SilenceAfter: o.Silence, Threshold: o.Threshold}
		sink := media.NewTalkSink(cfg, func(talking bool, lasted time.Duration) {
			c.box.post(func() {
				switch {
				case c.hungUp || c.talk != t:
				case talking:
					c.emit(Event{Type: ChannelTalkStarted})
				default:
					c.emit(Event{Type: ChannelTalkFinished, Duration: lasted})
				}
			})
		})
		t.untap = c.port.Tap(sink, media.TapOptions{In: true, Unmuted: true})
		c.talk = t
		return nil
	})
}

// talkAfter is one frame: Asterisk says that somebody talks at the first one
// that is loud enough.
const talkAfter = 20 * time.Millisecond

// StopDetectTalking ends DetectTalking: TALK_DETECT(remove). Without one it has
// no effect. Errors: ErrGone.
func (c *Channel) StopDetectTalking() error {
	return c.do(func() error { c.stopTalkDetection(); return nil })
}

func (c *Channel) stopTalkDetection() {
	if c.talk != nil {
		c.talk.untap()
		c.talk = nil
	}
}

// detection is a detector that listens to a channel. It belongs to the actor.
type detection struct {
	untap func()
	sent  bool // it listens to what the party hears
	hits  int
}

// ToneOptions tune DetectTone. The zero value listens for a fax's calling tone in
// what the party sends.
type ToneOptions struct {
	Frequency int            // Hz, 0 = 1100
	Duration  time.Duration  // how long the tone must last, 0 = 500 ms
	Above     float64        // dB by which it must stand above all else, 0 = 16
	Received  bool           // in what the party sends
	Sent      bool           // in what the party hears; with neither set: Received
	Hits      int            // tell only at every so manieth tone, 0 = at each
	On        func(hits int) // called too when it is told, in the channel's actor: must not wait, nor call the channel's methods; nil = nothing
}

// DetectTone tells from now on, by ChannelToneDetected, when a tone has been
// heard: TONE_DETECT(freq,duration,options). Several tones may be listened
// for at a time. Errors: ErrNoMedia, ErrGone.
func (c *Channel) DetectTone(o ToneOptions) error {
	if c.port == nil {
		return ErrNoMedia
	}
	return c.do(func() error {
		if o.Received || !o.Sent {
			c.detectTone(o, false)
		}
		if o.Sent {
			c.detectTone(o, true)
		}
		return nil
	})
}

func (c *Channel) detectTone(o ToneOptions, sent bool) {
	d := &detection{sent: sent}
	cfg := dsp.ToneConfig{Frequency: float64(o.Frequency), Duration: o.Duration, Above: o.Above}
	sink := media.NewToneSink(cfg, func() {
		c.box.post(func() {
			if c.hungUp || !slices.Contains(c.tones, d) {
				return
			}
			if d.hits++; d.hits%max(o.Hits, 1) != 0 {
				return
			}
			c.emit(Event{Type: ChannelToneDetected})
			if o.On != nil {
				o.On(d.hits)
			}
		})
	})
	d.untap = c.port.Tap(sink, media.TapOptions{In: !sent, Out: sent, Unmuted: true})
	c.tones = append(c.tones, d)
}

// ToneHits gives how often the tones of DetectTone have been heard since, in
// what the party sends and in what it hears. Errors: ErrGone.
func (c *Channel) ToneHits() (received, sent int, err error) {
	err = c.do(func() error {
		for _, d := range c.tones {
			if d.sent {
				sent += d.hits
			} else {
				received += d.hits
			}
		}
		return nil
	})
	return received, sent, err
}

// StopDetectTone ends every DetectTone of the channel. Without one it has no
// effect. Errors: ErrGone.
func (c *Channel) StopDetectTone() error {
	return c.do(func() error {
		for _, d := range c.tones {
			d.untap()
		}
		c.tones = nil
		return nil
	})
}
