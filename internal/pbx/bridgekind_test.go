package pbx_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

func TestParseBridgeType(t *testing.T) {
	for list, want := range map[string]struct {
		kind  pbx.BridgeType
		flags []pbx.BridgeFlag
		bad   bool
	}{
		"":                                  {kind: pbx.Mixing},
		"mixing":                            {kind: pbx.Mixing},
		" Holding ":                         {kind: pbx.Holding},
		"mixing,proxy_media,dtmf_events":    {kind: pbx.Mixing, flags: []pbx.BridgeFlag{pbx.FlagProxyMedia, pbx.FlagDTMFEvents}},
		"dtmf_events":                       {kind: pbx.Mixing, flags: []pbx.BridgeFlag{pbx.FlagDTMFEvents}},
		"dtmf_events,dtmf_events":           {kind: pbx.Mixing, flags: []pbx.BridgeFlag{pbx.FlagDTMFEvents}},
		"mixing,bogus":                      {kind: pbx.Mixing},
		"holding,video_sfu,sdp_label,mixin": {kind: pbx.Holding, flags: []pbx.BridgeFlag{pbx.FlagVideoSFU, pbx.FlagSDPLabel}},
		"bogus":                             {bad: true},
		"mixing,holding":                    {bad: true},
		",":                                 {bad: true},
	} {
		kind, flags, err := pbx.ParseBridgeType(list)
		if (err != nil) != want.bad || err != nil && !errors.Is(err, pbx.ErrBridgeType) {
			t.Errorf("%q: %v", list, err)
		}
		if kind != want.kind || !slices.Equal(flags, want.flags) {
			t.Errorf("%q: %s %v, want %s %v", list, kind, flags, want.kind, want.flags)
		}
	}
}

// The technology of a bridge as its events and snapshots show it (spec: ari 8;
// observed: Asterisk 22.10, vectors 03a, 07a, 14).
func TestBridgeTechnology(t *testing.T) {
	for name, c := range map[string]struct {
		o          pbx.BridgeOptions
		undialled  bool
		then, left string // with two members, and in the event of the first that leaves
	}{
		"two answered are relayed": {then: "native_rtp", left: "native_rtp"},
		"one was not answered":     {undialled: true, then: "simple_bridge", left: "simple_bridge"},
		"dtmf_events": {
			o: pbx.BridgeOptions{Flags: []pbx.BridgeFlag{pbx.FlagDTMFEvents}}, then: "simple_bridge", left: "simple_bridge",
		},
		"holding": {o: pbx.BridgeOptions{Type: pbx.Holding}, then: "holding_bridge", left: "holding_bridge"},
	} {
		t.Run(name, func(t *testing.T) {
			inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
				br, err := st.s.NewBridge(c.o)
				if err != nil {
					t.Fatal(err)
				}
				var entered, left []string
				see := func(e *pbx.Event) {
					switch e.Type {
					case pbx.ChannelEnteredBridge:
						entered = append(entered, e.Bridge.Technology)
					case pbx.ChannelLeftBridge:
						left = append(left, e.Bridge.Technology)
					}
				}
				a, _ := st.up("a", func(o *pbx.CreateOptions) { o.Watch = see })
				b := create(t, st.s, "Studio/b", nil, func(o *pbx.CreateOptions) { o.Watch = see })
				if !c.undialled {
					if err := b.Dial(pbx.DialOptions{}); err != nil {
						t.Fatal(err)
					}
					st.phone("b").does(pbx.LegAnswered)
				}
				for _, m := range []*pbx.Channel{a, b} {
					if err := br.Add(m, pbx.AddOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				if got := br.Snapshot().Technology; got != c.then {
					t.Errorf("with two members %s, want %s", got, c.then)
				}
				br.Destroy()
				synctest.Wait()
				alone := "simple_bridge"
				if c.o.Type == pbx.Holding {
					alone = "holding_bridge"
				}
				if d := cmp.Diff([]string{alone, alone}, entered); d != "" {
					t.Errorf("on entering (-want +got):\n%s", d)
				}
				if d := cmp.Diff([]string{c.left, alone}, left); d != "" {
					t.Errorf("on leaving (-want +got):\n%s", d)
				}
			})
		})
	}
}

// Members of a remote application's bridge are told of each other: two by name,
// call and connected line, more by their names alone (spec: ari 5.4).
func TestStasisBridgeAcquaintsMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		br, err := s.NewBridge(pbx.BridgeOptions{ID: "br", Class: "stasis", Creator: "Stasis"})
		if err != nil {
			t.Fatal(err)
		}
		var logs [3]eventLog
		var all [3]*pbx.Channel
		for i := range all {
			all[i] = create(t, s, "Pretend/10"+string(rune('0'+i)), nil)
		}
		if err := all[0].SetCallerID(call.CallerID{Name: "Agent", Number: "1001"}); err != nil {
			t.Fatal(err)
		}
		add := func(i int) {
			t.Helper()
			synctest.Wait()
			all[i].Watch(logs[i].watch)
			if err := br.Add(all[i], pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		name := func(i int) string { return all[i].Name() }
		callID := func(i int) string { return all[i].Snapshot().ProtocolID }
		add(0)
		add(1)
		expect(t, &logs[1], "ChannelEnteredBridge 2", "ChannelVarset BRIDGEPEER="+name(0), "ChannelVarset BRIDGEPVTCALLID="+callID(0), "ChannelConnectedLine")
		expect(t, &logs[0], "ChannelEnteredBridge 1", "ChannelVarset BRIDGEPEER="+name(1), "ChannelVarset BRIDGEPVTCALLID="+callID(1))
		if got := all[1].Snapshot().Connected; got.Number != "1001" || got.Name != "Agent" {
			t.Errorf("connected line of the second: %+v", got)
		}
		add(2)
		expect(t, &logs[0], "ChannelVarset BRIDGEPEER="+name(1)+","+name(2), "ChannelVarset BRIDGEPVTCALLID=")
		expect(t, &logs[2], "ChannelEnteredBridge 3", "ChannelVarset BRIDGEPEER="+name(0)+","+name(1))
		logs[1].take()
		if err := br.Remove(all[0]); err != nil {
			t.Fatal(err)
		}
		expect(t, &logs[0], "ChannelVarset BRIDGEPEER=", "ChannelLeftBridge 2")
		expect(t, &logs[1], "ChannelVarset BRIDGEPEER="+name(2), "ChannelVarset BRIDGEPVTCALLID="+callID(2))
		if err := br.Remove(all[2]); err != nil {
			t.Fatal(err)
		}
		expect(t, &logs[2], "ChannelVarset BRIDGEPEER="+name(1), "ChannelVarset BRIDGEPVTCALLID="+callID(1),
			"ChannelVarset BRIDGEPEER=", "ChannelVarset BRIDGEPVTCALLID=", "ChannelLeftBridge 1")
	})
}

func TestBridgeVariablesAndVideo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		events, end := s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.BridgeCreated, pbx.BridgeVideoSourceChanged}}, 10)
		defer end()
		br, err := s.NewBridge(pbx.BridgeOptions{
			Flags: []pbx.BridgeFlag{pbx.FlagVideoSFU}, Variables: []pbx.BridgeVariable{{Name: "X", Value: "1", Report: true}, {Name: "Y", Value: "2"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if e := <-events; !cmp.Equal(e.Bridge.Variables, []pbx.Reported{{Name: "X", Value: "1"}}) || e.Bridge.VideoMode != "sfu" {
			t.Errorf("BridgeCreated: %+v", e.Bridge)
		}
		if v, ok := br.Variable("Y"); !ok || v != "2" {
			t.Errorf("Y = %q, %v", v, ok)
		}
		br.SetVariable("X", "3")
		br.ReportVariable("Y")
		if got := br.Snapshot().Variables; !cmp.Equal(got, []pbx.Reported{{Name: "X", Value: "3"}, {Name: "Y", Value: "2"}}) {
			t.Errorf("reported: %v", got)
		}
		br.UnsetVariable("X")
		if got := br.Snapshot().Variables; !cmp.Equal(got, []pbx.Reported{{Name: "Y", Value: "2"}}) {
			t.Errorf("reported after unset: %v", got)
		}
		c := create(t, s, "Pretend/100", nil)
		if err := br.SetVideoSource(c); !errors.Is(err, pbx.ErrNotMember) {
			t.Errorf("video of a stranger: %v", err)
		}
		if err := br.Add(c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := br.SetVideoSource(c); err != nil {
			t.Fatal(err)
		}
		if e := <-events; e.Bridge.VideoSource != c.ID() || e.Bridge.VideoMode != "single" || e.Data != (pbx.VideoSource{}) {
			t.Errorf("BridgeVideoSourceChanged: %+v %+v", e.Bridge, e.Data)
		}
		if err := br.ClearVideoSource(); err != nil {
			t.Fatal(err)
		}
		if e := <-events; e.Bridge.VideoSource != "" || e.Bridge.VideoMode != "none" || e.Data != (pbx.VideoSource{Old: c.ID()}) {
			t.Errorf("BridgeVideoSourceChanged: %+v %+v", e.Bridge, e.Data)
		}
		br.Destroy()
		if err := br.ClearVideoSource(); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("video of a bridge that is gone: %v", err)
		}
	})
}

// Music is heard by all members, by its class, until it is stopped; a second
// stop is an error.
func TestBridgeMusic(t *testing.T) {
	for _, kind := range []pbx.BridgeType{pbx.Mixing, pbx.Holding} {
		t.Run(string(kind), func(t *testing.T) {
			o := pbx.Options{Music: tones(map[string]string{"": "440", "jazz": "620"}), MusicOn: "tone:300"}
			inStudio(t, o, func(t *testing.T, st *studio) {
				br, err := st.s.NewBridge(pbx.BridgeOptions{Type: kind})
				if err != nil {
					t.Fatal(err)
				}
				defer br.Destroy()
				var phones []*talker
				for _, name := range []string{"a", "b"} {
					c, l := st.up(name)
					phones = append(phones, l)
					if err := br.Add(c, pbx.AddOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				hear := func(what string, hz int) {
					t.Helper()
					for _, l := range phones {
						l.expect(what, hz)
					}
				}
				if err := br.StopMusic(); !errors.Is(err, pbx.ErrNoMusic) {
					t.Errorf("stop before the start: %v", err)
				}
				if err := br.StartMusic(""); err != nil {
					t.Fatal(err)
				}
				hear("music", 440)
				if err := br.StartMusic("jazz"); err != nil {
					t.Fatal(err)
				}
				hear("jazz", 620)
				if err := br.StartMusic("unknown"); err == nil {
					t.Error("an unknown class was taken")
				}
				if err := br.StopMusic(); err != nil {
					t.Fatal(err)
				}
				after := map[pbx.BridgeType]int{pbx.Mixing: 0, pbx.Holding: 300}[kind]
				hear("afterwards", after)
				if err := br.StopMusic(); !errors.Is(err, pbx.ErrNoMusic) {
					t.Errorf("second stop: %v", err)
				}
			})
		})
	}
}

// What is played to a holding bridge is heard in the place of its music, and what
// is recorded of it is what is played.
func TestHoldingBridgePlaysAndRecords(t *testing.T) {
	inStudio(t, pbx.Options{MusicOn: "tone:300", Recordings: recordings(t)}, func(t *testing.T, st *studio) {
		br, err := st.s.NewBridge(pbx.BridgeOptions{Type: pbx.Holding})
		if err != nil {
			t.Fatal(err)
		}
		defer br.Destroy()
		c, a := st.up("a")
		if err := br.Add(c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
		a.expect("its music", 300)
		r, err := br.Record(pbx.RecordOptions{Name: "held", Format: "wav"})
		if err != nil {
			t.Fatal(err)
		}
		p, err := br.Play(pbx.PlayOptions{Media: []string{"tone:600"}})
		if err != nil {
			t.Fatal(err)
		}
		a.expect("the announcement", 600)
		p.Stop()
		r.Stop()
		<-r.Done()
		if s := r.Snapshot(); s.State != pbx.RecordingDone {
			t.Errorf("recording: %+v", s)
		}
		a.expect("its music again", 300)
	})
}

// tones is Options.Music with one tone for each class.
func tones(hz map[string]string) func(string) (media.Source, error) {
	return func(class string) (media.Source, error) {
		f, ok := hz[class]
		if !ok {
			return nil, pbx.ErrNoSound
		}
		return media.Tone(f)
	}
}
