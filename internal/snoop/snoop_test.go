package snoop_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
	"github.com/dialwright/dialwright/internal/snoop"
)

func TestConformance(t *testing.T) {
	pbxtest.Run(t, func(*testing.T) pbxtest.Subject {
		s := pbx.New(pbx.Options{})
		return pbxtest.Subject{Technology: snoop.New(s), Switch: s, Unknown: "x"}
	})
}

// until is a handler that lets its channel stay.
func until(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }

// hall is two parties in a bridge, a and b, and a supervisor in another one with a
// snoop channel on a.
type hall struct {
	*pbxtest.Studio
	t          *testing.T
	tech       *snoop.Technology
	ca         *pbx.Channel
	a, b, boss *pbxtest.Phone
}

// inHall runs f; names say what the phones of a and b speak (pbxtest.Studio).
func inHall(t *testing.T, o pbx.Options, a, b string, f func(h *hall)) {
	pbxtest.InStudio(t, o, func(t *testing.T, st *pbxtest.Studio) {
		h := &hall{Studio: st, t: t, tech: snoop.New(st.Switch)}
		var cb *pbx.Channel
		h.ca, h.a = st.Up(a)
		cb, h.b = st.Up(b)
		h.bridge(h.ca, cb)
		h.a.Says(500)
		h.b.Says(900)
		f(h)
	})
}

func (h *hall) bridge(members ...*pbx.Channel) *pbx.Bridge {
	h.t.Helper()
	b, err := h.Switch.NewBridge(pbx.BridgeOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, c := range members {
		if err := b.Add(c, pbx.AddOptions{}); err != nil {
			h.t.Fatal(err)
		}
	}
	return b
}

func (h *hall) snoop(o snoop.Options) *pbx.Channel {
	h.t.Helper()
	if o.Target == nil {
		o.Target = h.ca
	}
	o.Handler = pbx.HandlerFunc(until)
	c, err := h.tech.Snoop(h.t.Context(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	synctest.Wait()
	return c
}

// supervise lets a phone that says 1300 Hz hear a snoop channel.
func (h *hall) supervise(o snoop.Options) *pbx.Channel {
	h.t.Helper()
	c := h.snoop(o)
	sup, boss := h.Up("boss")
	h.boss = boss
	h.boss.Says(1300)
	h.bridge(sup, c)
	return c
}

// What the supervisor hears, and who hears him.
func TestDirections(t *testing.T) {
	tests := []struct {
		spy, whisper snoop.Direction
		boss, a, b   []int
		nameA, nameB string
	}{
		{spy: snoop.In, boss: []int{500}, a: []int{900}, b: []int{500}},
		{spy: snoop.Out, boss: []int{900}, a: []int{900}, b: []int{500}},
		{spy: snoop.Both, boss: []int{500, 900}, a: []int{900}, b: []int{500}},
		{spy: snoop.Both, whisper: snoop.Out, boss: []int{500, 900}, a: []int{900, 1300}, b: []int{500}},
		{spy: snoop.Both, whisper: snoop.In, boss: []int{500, 900}, a: []int{900}, b: []int{500, 1300}},
		{spy: snoop.Both, whisper: snoop.Both, boss: []int{500, 900}, a: []int{900, 1300}, b: []int{500, 1300}},
		{whisper: snoop.Out, boss: nil, a: []int{900, 1300}, b: []int{500}},
		{spy: snoop.Both, whisper: snoop.Both, boss: []int{500, 900}, a: []int{900, 1300}, b: []int{500, 1300}, nameA: "alaw", nameB: "wide"},
		{spy: snoop.Both, whisper: snoop.Both, boss: []int{500, 900}, a: []int{900, 1300}, b: []int{500, 1300}, nameA: "wide", nameB: "wide2"},
	}
	for _, tt := range tests {
		t.Run(string(tt.spy)+" "+string(tt.whisper)+tt.nameA, func(t *testing.T) {
			if tt.nameA == "" {
				tt.nameA, tt.nameB = "a", "b"
			}
			inHall(t, pbx.Options{}, tt.nameA, tt.nameB, func(h *hall) {
				c := h.supervise(snoop.Options{Spy: tt.spy, Whisper: tt.whisper})
				h.boss.Expect("supervisor", tt.boss...)
				h.a.Expect("target", tt.a...)
				h.b.Expect("other party", tt.b...)
				c.Hangup(0)
				<-c.Gone()
				h.a.Expect("target afterwards", 900)
				h.b.Expect("other party afterwards", 500)
			})
		})
	}
}

// A target that is alone hears a whisper, and one that sends nothing at all is
// whispered for.
func TestWhisperWithoutAudio(t *testing.T) {
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		h := &hall{Studio: st, t: t, tech: snoop.New(st.Switch)}
		var cb *pbx.Channel
		h.ca, h.a = st.Up("a")
		h.supervise(snoop.Options{Spy: snoop.Both, Whisper: snoop.Both})
		h.a.Expect("alone", 1300)
		h.boss.Expect("nothing to be spied")
		cb, h.b = st.Up("b")
		br := h.bridge(h.ca, cb)
		h.a.Expect("silent bridge", 1300)
		h.b.Expect("whispered for a silent party", 1300)
		second := h.snoop(snoop.Options{Spy: snoop.In, Whisper: snoop.In})
		if _, err := second.Play(pbx.PlayOptions{Media: []string{"tone:1700/20000,0/1"}}); err != nil {
			t.Fatal(err)
		}
		h.b.Expect("two whisper", 1300, 1700)
		br.Destroy()
		h.a.Expect("alone again", 1300)
		h.a.Says(500)
		h.boss.Expect("spied outside of a bridge", 500)
	})
}

// A playback to the snoop channel is an announcement to the target alone.
func TestAnnouncement(t *testing.T) {
	inHall(t, pbx.Options{}, "a", "b", func(h *hall) {
		c := h.snoop(snoop.Options{Whisper: snoop.Out})
		if _, err := c.Play(pbx.PlayOptions{Media: []string{"tone:1700/20000,0/1"}}); err != nil {
			t.Fatal(err)
		}
		h.a.Expect("announcement", 900, 1700)
		h.b.Expect("other party", 500)
	})
}

// A snoop channel is recorded like any other.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	inHall(t, pbx.Options{Recordings: root}, "a", "b", func(h *hall) {
		c := h.snoop(snoop.Options{Spy: snoop.Both})
		r, err := c.Record(pbx.RecordOptions{Name: "call", Format: "wav"})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Second)
		r.Stop()
		<-r.Done()
		pcm := pbxtest.ReadFile(t, dir, "call.wav")
		if d := cmp.Diff([]int{500, 900}, pbxtest.Tones(pcm[len(pcm)/2:])); d != "" {
			t.Errorf("recorded (-want +got):\n%s", d)
		}
	})
}

// The channel looks as Asterisk's, and ends with its target, without a
// ChannelHangupRequest (vector 08a).
func TestLife(t *testing.T) {
	inHall(t, pbx.Options{}, "a", "b", func(h *hall) {
		events, stop := h.Switch.Subscribe(pbx.EventFilter{About: []string{"SN"}}, 100)
		defer stop()
		ended := make(chan error, 1)
		c, err := h.tech.Snoop(t.Context(), snoop.Options{
			Target: h.ca, Spy: snoop.Both, ID: "SN", Account: "acme",
			Handler: pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done(); ended <- context.Cause(ctx) }),
		})
		if err != nil {
			t.Fatal(err)
		}
		sn := c.Snapshot()
		if want := "Snoop/" + h.ca.ID() + "-00000000"; sn.Name != want || sn.ID != "SN" || sn.State != pbx.Up || sn.Technology != "Snoop" ||
			sn.Context != "default" || sn.Extension != "s" || sn.Priority != 1 || sn.Account != "acme" || sn.ProtocolID != "" {
			t.Errorf("%+v, want %s", sn, want)
		}
		if _, err := h.tech.Snoop(t.Context(), snoop.Options{Target: h.ca, Spy: snoop.In, ID: "SN", Handler: pbx.HandlerFunc(until)}); !errors.Is(err, pbx.ErrIDInUse) {
			t.Errorf("the same id: %v", err)
		}
		h.a.HangUp()
		<-c.Gone()
		if err := <-ended; !errors.Is(err, pbx.ErrHungUp) {
			t.Errorf("the handler ended by %v", err)
		}
		var got []string
		for len(got) == 0 || got[len(got)-1] != string(pbx.ChannelDestroyed) {
			got = append(got, string((<-events).Type))
		}
		if d := cmp.Diff("ChannelCreated ChannelHandlerStarted ChannelHandlerEnded ChannelDestroyed", strings.Join(got, " ")); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
		if r, _ := c.Result(); r.Cause != 16 {
			t.Errorf("%+v", r)
		}
		if _, err := h.tech.Snoop(t.Context(), snoop.Options{Target: h.ca, Spy: snoop.In}); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("snoop on a channel that has gone: %v", err)
		}
	})
}

// A target need not be dialled, nor answered: the spy waits for its media.
func TestBeforeTheAnswer(t *testing.T) {
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		h := &hall{Studio: st, t: t, tech: snoop.New(st.Switch)}
		c, err := st.Switch.Create(t.Context(), pbx.CreateOptions{Endpoint: "Studio/late"})
		if err != nil {
			t.Fatal(err)
		}
		h.supervise(snoop.Options{Target: c, Spy: snoop.Both, Whisper: snoop.Out})
		h.boss.Expect("undialled")
		if err := c.Dial(pbx.DialOptions{}); err != nil {
			t.Fatal(err)
		}
		late := st.Phone("late")
		_ = late.Progress() // opens the media, as 183 does
		late.Says(500)
		h.boss.Expect("early media", 500)
		late.Expect("whisper into early media", 1300)
	})
}

func TestRefusals(t *testing.T) {
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		tech := snoop.New(st.Switch)
		c, _ := st.Up("a")
		for _, tt := range []struct {
			what string
			o    snoop.Options
			want error
		}{
			{"nothing", snoop.Options{Target: c}, snoop.ErrDirection},
			{"none", snoop.Options{Target: c, Spy: snoop.None, Whisper: snoop.None}, snoop.ErrDirection},
			{"unknown spy", snoop.Options{Target: c, Spy: "xx"}, snoop.ErrDirection},
			{"unknown whisper", snoop.Options{Target: c, Spy: snoop.In, Whisper: "IN"}, snoop.ErrDirection},
			{"no target", snoop.Options{Spy: snoop.In}, pbx.ErrGone},
			{"long id", snoop.Options{Target: c, Spy: snoop.In, ID: strings.Repeat("x", 150)}, pbx.ErrIDTooLong},
		} {
			if _, err := tech.Snoop(t.Context(), tt.o); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.what, err, tt.want)
			}
		}
	})
	s := pbx.New(pbx.Options{})
	s.Register(silent{})
	c, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Silent/1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := snoop.New(s).Snoop(t.Context(), snoop.Options{Target: c, Spy: snoop.In}); !errors.Is(err, pbx.ErrNoMedia) {
		t.Errorf("without a media engine: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// silent is a technology whose legs do nothing.
type silent struct{ pbx.Technology }

func (silent) Name() string { return "Silent" }
func (silent) Request(context.Context, string, pbx.RequestOptions) (pbx.Leg, error) {
	return quietLeg{}, nil
}

type quietLeg struct{ pbx.Leg }

func (quietLeg) Describe() pbx.LegInfo { return pbx.LegInfo{Technology: "Silent", Name: "1"} }
func (quietLeg) Hangup(cause.Code)     {}

// Nothing stays on the media clock.
func TestNothingIsLeft(t *testing.T) {
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		tech := snoop.New(st.Switch)
		c, _ := st.Up("a")
		before := st.Engine.Stats().Clocked
		var all []*pbx.Channel
		for range 20 {
			s, err := tech.Snoop(t.Context(), snoop.Options{Target: c, Spy: snoop.Both, Whisper: snoop.Both, Handler: pbx.HandlerFunc(until)})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		for i, s := range all {
			if i%2 == 0 {
				s.Hangup(0)
				<-s.Gone()
			}
		}
		c.Hangup(0)
		for _, s := range all {
			<-s.Gone()
		}
		synctest.Wait()
		if n := st.Engine.Stats().Clocked; n != before {
			t.Errorf("%d clients on the clock, %d before", n, before)
		}
	})
}
