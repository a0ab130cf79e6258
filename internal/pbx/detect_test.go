package pbx_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// TALK_DETECT: the party talks, is silent for long enough, and the time of its
// talking is told without the silence (spec: ari 5.9).
func TestDetectTalking(t *testing.T) {
	for name, c := range map[string]struct {
		o      pbx.TalkOptions
		talks  time.Duration
		silent time.Duration
		want   []string
	}{
		"the default is 2.5 s of silence": {talks: 2 * time.Second, silent: 3 * time.Second, want: []string{"ChannelTalkingStarted", "ChannelTalkingFinished"}},
		"not yet silent for long enough":  {talks: 2 * time.Second, silent: 2 * time.Second, want: []string{"ChannelTalkingStarted"}},
		"a silence of one's own": {o: pbx.TalkOptions{Silence: time.Second}, talks: 2 * time.Second, silent: 1500 * time.Millisecond,
			want: []string{"ChannelTalkingStarted", "ChannelTalkingFinished"}},
		"too quiet for the threshold": {o: pbx.TalkOptions{Threshold: 32000}, talks: time.Second, silent: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
				ch, a := st.up("a")
				var l eventLog
				var lasted time.Duration
				defer ch.Watch(func(e *pbx.Event) {
					if e.Type == pbx.ChannelTalkFinished {
						lasted = e.Duration
					}
					l.watch(e)
				})()
				if err := ch.DetectTalking(c.o); err != nil {
					t.Fatal(err)
				}
				<-time.After(500 * time.Millisecond)
				speech := a.plays(500)
				<-time.After(c.talks)
				speech.Stop()
				<-time.After(c.silent)
				expect(t, &l, c.want...)
				if len(c.want) == 2 && (lasted < c.talks-200*time.Millisecond || lasted > c.talks+200*time.Millisecond) {
					t.Errorf("talked for %v, want about %v", lasted, c.talks)
				}
			})
		})
	}
}

// After StopDetectTalking nothing is told any more, and no tap is left.
func TestStopDetectTalking(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		var l eventLog
		defer c.Watch(l.watch)()
		if err := c.DetectTalking(pbx.TalkOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := c.StopDetectTalking(); err != nil {
			t.Fatal(err)
		}
		if err := c.StopDetectTalking(); err != nil {
			t.Errorf("second stop: %v", err)
		}
		a.says(500)
		<-time.After(time.Second)
		expect(t, &l)
		c.Hangup(0)
		<-c.Gone()
		if err := c.DetectTalking(pbx.TalkOptions{}); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("after the hangup: %v", err)
		}
	})
}

// TONE_DETECT: one tone, told once when it has lasted long enough, in what the
// party sends or what it hears.
func TestDetectTone(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		var l eventLog
		defer c.Watch(func(e *pbx.Event) {
			if e.Type == pbx.ChannelToneDetected {
				l.watch(e)
			}
		})()
		called := 0
		for _, o := range []pbx.ToneOptions{
			{Frequency: 1100, On: func(int) { called++ }},
			{Frequency: 2100, Sent: true, Duration: 300 * time.Millisecond},
		} {
			if err := c.DetectTone(o); err != nil {
				t.Fatal(err)
			}
		}
		a.plays(1000).Stop()
		other := a.plays(1300)
		<-time.After(time.Second)
		other.Stop()
		expect(t, &l)
		cng := a.plays(1100)
		<-time.After(time.Second)
		expect(t, &l, "ChannelToneDetected")
		cng.Stop()
		p, err := c.Play(pbx.PlayOptions{Media: []string{"tone:2100"}})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		expect(t, &l, "ChannelToneDetected")
		p.Stop()
		in, out, err := c.ToneHits()
		if err != nil || in != 1 || out != 1 || called != 1 {
			t.Errorf("%d received, %d sent, %d calls, %v", in, out, called, err)
		}
		if err := c.StopDetectTone(); err != nil {
			t.Fatal(err)
		}
		a.says(1100)
		<-time.After(time.Second)
		expect(t, &l)
	})
}

// A channel without a media plane cannot be listened to.
func TestDetectWithoutMedia(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		c := create(t, s, "Pretend/100", nil)
		if err := c.DetectTalking(pbx.TalkOptions{}); !errors.Is(err, pbx.ErrNoMedia) {
			t.Errorf("DetectTalking: %v", err)
		}
		if err := c.DetectTone(pbx.ToneOptions{}); !errors.Is(err, pbx.ErrNoMedia) {
			t.Errorf("DetectTone: %v", err)
		}
	})
}
