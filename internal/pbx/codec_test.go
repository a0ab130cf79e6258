package pbx_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// bilingual is a phone of the studio that speaks opus and changes when it is
// asked to, unless it is called "stubborn".
type bilingual struct{ *talker }

func (l *bilingual) Renegotiate(codecs []string) error {
	_ = l.tell("speak " + strings.Join(codecs, " "))
	if l.info.Name == "stubborn" {
		return nil
	}
	go func() {
		l.format.Codec, l.format.ClockRate = codecs[0], 8000
		l.media()
		l.on(pbx.LegEvent{Kind: pbx.LegMedia})
	}()
	return nil
}

func inOpusStudio(t *testing.T, f func(t *testing.T, st *studio)) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		for _, name := range []string{"opus", "opus2", "stubborn"} {
			st.codec[name] = "opus"
		}
		f(t, st)
	})
}

// join puts channels into a new bridge.
func join(t *testing.T, s *pbx.Switch, all ...*pbx.Channel) *pbx.Bridge {
	t.Helper()
	b, err := s.NewBridge(pbx.BridgeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if err := b.Add(c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
	return b
}

// spoken gives what the phone was asked to speak.
func (l *talker) spoken() string {
	var out []string
	for _, s := range l.heard() {
		if after, ok := strings.CutPrefix(s, "speak "); ok {
			out = append(out, after)
		}
	}
	return strings.Join(out, "; ")
}

func endedWith(t *testing.T, c *pbx.Channel, want cause.Code) {
	t.Helper()
	<-c.Gone()
	if r, _ := c.Result(); r.Cause != want {
		t.Errorf("%s ended with %v, want %v", c.Name(), r.Cause, want)
	}
}

func TestM5_OpusPartyIsAskedForTheOthersCodec(t *testing.T) {
	inOpusStudio(t, func(t *testing.T, st *studio) {
		a, pa := st.up("opus")
		b, pb := st.up("alaw")
		join(t, st.s, a, b)
		if got := pa.spoken(); got != "PCMA G722 PCMU" {
			t.Errorf("asked to speak %q", got)
		}
		pa.says(440)
		pb.says(700)
		pa.expect("after the change", 700)
		pb.expect("after the change", 440)
		<-time.After(time.Minute)
		if a.State() != pbx.Up || b.State() != pbx.Up {
			t.Error("ended all the same")
		}
	})
}

func TestM5_TwoOpusPartiesStayAsTheyAreUntilAThirdComes(t *testing.T) {
	inOpusStudio(t, func(t *testing.T, st *studio) {
		a, pa := st.up("opus")
		b, pb := st.up("opus2")
		bridge := join(t, st.s, a, b)
		<-time.After(time.Minute)
		if pa.spoken() != "" || pb.spoken() != "" || a.State() != pbx.Up {
			t.Error("a relayed call was disturbed")
		}
		c, pc := st.up("desk")
		if err := bridge.Add(c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		pc.says(440)
		pa.expect("in the conference", 440)
		pb.expect("in the conference", 440)
	})
}

func TestM5_PartyThatKeepsOpusEndsWithTheOther(t *testing.T) {
	inOpusStudio(t, func(t *testing.T, st *studio) {
		a, pa := st.up("stubborn")
		b, _ := st.up("desk")
		join(t, st.s, a, b)
		<-time.After(4900 * time.Millisecond)
		synctest.Wait()
		if a.State() != pbx.Up || a.Context().Err() != nil || pa.spoken() != "PCMU G722 PCMA" {
			t.Error("not asked, or ended before the time")
		}
		endedWith(t, a, cause.BearerNotAvail)
		endedWith(t, b, cause.BearerNotAvail)
	})
}

func TestM5_PromptWaitsForAnotherCodec(t *testing.T) {
	inOpusStudio(t, func(t *testing.T, st *studio) {
		a, pa := st.up("opus")
		p, err := a.Play(pbx.PlayOptions{Media: []string{"tone:440"}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := p.Snapshot().State; s != pbx.PlaybackPlaying {
			t.Errorf("playback %s after the change", s)
		}
		pa.expect("the prompt", 440)
		p.Stop()
		if f, _ := a.Port().Format(); f.Codec != "G722" {
			t.Errorf("speaks %s", f.Codec)
		}
	})
}

func TestM5_NothingIsPlayedInSilence(t *testing.T) {
	for what, play := range map[string]func(*testing.T, *pbx.Channel){
		"prompt": func(t *testing.T, c *pbx.Channel) {
			stopped, err := c.Play(pbx.PlayOptions{Media: []string{"tone:440"}})
			if err != nil {
				t.Fatal(err)
			}
			stopped.Stop() // one that waits can be stopped
			<-stopped.Done()
			if _, err = c.Play(pbx.PlayOptions{Media: []string{"tone:440"}}); err != nil {
				t.Fatal(err)
			}
		},
		"tone": func(t *testing.T, c *pbx.Channel) {
			if err := c.StartTone("tone:ring"); err != nil {
				t.Fatal(err)
			}
		},
		"echo": func(t *testing.T, c *pbx.Channel) {
			go c.Echo(t.Context()) //nolint:errcheck // ErrGone
		},
	} {
		t.Run(what, func(t *testing.T) {
			inOpusStudio(t, func(t *testing.T, st *studio) {
				a, _ := st.up("stubborn")
				play(t, a)
				endedWith(t, a, cause.BearerNotAvail)
			})
		})
	}
}

// TestM5_LegThatCannotChangeEndsAtOnce: a leg that is no Renegotiator.
func TestM5_LegThatCannotChangeEndsAtOnce(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		a, pa := st.up("desk")
		b, _ := st.up("alaw")
		pa.format = media.Format{Codec: "opus", ClockRate: 48000}
		pa.media()
		join(t, st.s, a, b)
		endedWith(t, a, cause.BearerNotAvail)
		endedWith(t, b, cause.BearerNotAvail)
	})
}
