package pbx_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// A hears ringback while B rings, B's early media as soon as there is any, and
// B after the answer; then hold music while B holds. What two people hear of
// the product's main job.
func TestConnectIsHeard(t *testing.T) {
	inStudio(t, pbx.Options{MusicOn: "tone:700", Country: "de"}, func(t *testing.T, st *studio) {
		done := make(chan call.Outcome)
		at := attempt("Studio/a", "Studio/b")
		var types []call.EventType
		go func() {
			out, _ := pbx.NewEngine(st.s).Place(t.Context(), at, func(e call.Event) { types = append(types, e.Type) })
			done <- out
		}()
		synctest.Wait()
		a := st.phone("a")
		a.does(pbx.LegRinging)
		a.does(pbx.LegAnswered)
		a.says(500)
		b := st.phone("b")
		if d := cmp.Diff([]string{"dial as 4711"}, b.heard()); d != "" {
			t.Errorf("B (-want +got):\n%s", d)
		}
		a.expect("B is silent", 0)
		b.does(pbx.LegRinging)
		if hz := a.hears(); hz != 420 && hz != 430 { // de: 425 Hz
			t.Errorf("no ringback: %d Hz", hz)
		}
		b.does(pbx.LegProgress)
		b.says(1000)
		a.expect("early media", 1000)
		b.expect("early media", 500)
		b.does(pbx.LegAnswered)
		a.expect("connected", 1000)
		b.expect("connected", 500)

		b.does(pbx.LegHeld)
		a.expect("B holds", 700)
		b.expect("B holds", 0)
		b.does(pbx.LegResumed)
		a.expect("resumed", 1000)
		b.expect("resumed", 500)

		a.on(pbx.LegEvent{Kind: pbx.LegEnded, ByPeer: true})
		out := <-done
		if out.HangupBy != "a" || out.Disposition != call.Answered {
			t.Errorf("outcome: %+v", out)
		}
		if d := cmp.Diff([]string{"hangup Normal Clearing"}, b.heard()); d != "" {
			t.Errorf("B (-want +got):\n%s", d)
		}
		want := []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnecting, call.EvBRinging, call.EvBProgress, call.EvConnected, call.EvHeld, call.EvResumed}
		if d := cmp.Diff(want, types); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
	})
}

// A bridge links two, mixes three, and links two again; early media and
// different codecs make no difference.
func TestM8_ConferenceAndLink(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		br, err := st.s.NewBridge(pbx.BridgeOptions{ID: "conf"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.s.NewBridge(pbx.BridgeOptions{ID: "conf"}); !errors.Is(err, pbx.ErrBridgeInUse) {
			t.Errorf("same id: %v", err)
		}
		if _, err := st.s.NewBridge(pbx.BridgeOptions{Type: "video"}); !errors.Is(err, pbx.ErrBridgeType) {
			t.Errorf("odd type: %v", err)
		}
		ca, a := st.up("a")
		cb, b := st.up("wide")
		cc, c := st.up("alaw")
		a.says(500)
		b.says(900)
		c.says(1300)
		add := func(x *pbx.Channel, o pbx.AddOptions) {
			t.Helper()
			if err := br.Add(x, o); err != nil {
				t.Fatal(err)
			}
		}
		technology := func(want string) {
			t.Helper()
			if got := br.Snapshot().Technology; got != want {
				t.Errorf("technology %s, want %s", got, want)
			}
		}
		add(ca, pbx.AddOptions{})
		add(cb, pbx.AddOptions{})
		technology("simple_bridge")
		a.expect("two", 900)
		b.expect("two", 500)
		add(cc, pbx.AddOptions{})
		technology("softmix")
		if err := ca.Mute(true, false); err != nil {
			t.Fatal(err)
		}
		b.expect("three, A muted", 1300)
		if err := ca.Mute(false, false); err != nil {
			t.Fatal(err)
		}
		if err := cb.Mute(true, false); err != nil {
			t.Fatal(err)
		}
		a.expect("three, B muted", 1300)
		c.expect("three, B muted", 500)
		if err := cb.Mute(false, false); err != nil {
			t.Fatal(err)
		}
		if err := br.Remove(ca); err != nil {
			t.Fatal(err)
		}
		if err := br.Remove(ca); !errors.Is(err, pbx.ErrNotMember) {
			t.Errorf("removed twice: %v", err)
		}
		technology("simple_bridge")
		a.expect("alone", 0)
		b.expect("two again", 1300)
		c.expect("two again", 900)
		cb.Hangup(0)
		<-cb.Gone()
		c.expect("alone", 0)
		add(ca, pbx.AddOptions{Mute: true})
		a.expect("muted member hears", 1300)
		c.expect("muted member is not heard", 0)
		br.Destroy()
		if err := br.Add(ca, pbx.AddOptions{}); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("add to a destroyed bridge: %v", err)
		}
		if ca.Snapshot().Bridge != "" || ca.State() != pbx.Up {
			t.Error("the member did not survive its bridge")
		}
	})
}

func TestHoldingBridge(t *testing.T) {
	inStudio(t, pbx.Options{MusicOn: "tone:700"}, func(t *testing.T, st *studio) {
		br, err := st.s.NewBridge(pbx.BridgeOptions{Type: pbx.Holding})
		if err != nil {
			t.Fatal(err)
		}
		ca, a := st.up("a")
		cb, b := st.up("b")
		b.says(900)
		for _, c := range []*pbx.Channel{ca, cb} {
			if err := br.Add(c, pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		a.expect("music", 700)
		if err := br.Remove(ca); err != nil {
			t.Fatal(err)
		}
		a.expect("no music", 0)
		br.Destroy()
	})
}

// Playbacks and their events (spec: ari 5.5).
func TestPlayback(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		var l eventLog
		c, a := st.up("a")
		defer c.Watch(func(e *pbx.Event) {
			if e.Playback != nil {
				l.mu.Lock()
				l.lines = append(l.lines, string(e.Type)+" "+string(e.Playback.State)+" "+e.Playback.MediaURI)
				l.mu.Unlock()
			}
		})()
		play := func(uris ...string) *pbx.Playback {
			t.Helper()
			p, err := c.Play(pbx.PlayOptions{Media: uris})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		wait := func(p *pbx.Playback) {
			t.Helper()
			if err := p.Wait(t.Context()); err != nil {
				t.Errorf("playback: %v", err)
			}
		}
		wait(play("sound:beep"))
		expect(t, &l, "PlaybackStarted playing sound:beep", "PlaybackFinished done sound:beep")

		p := play("sound:beep", "sound:dialwright/press-1")
		if s := p.Snapshot(); s.NextURI != "sound:dialwright/press-1" || s.Target != "channel:"+c.ID() || s.Language != "en" {
			t.Errorf("snapshot: %+v", s)
		}
		wait(p)
		expect(t, &l, "PlaybackStarted playing sound:beep", "PlaybackContinuing continuing sound:beep",
			"PlaybackStarted playing sound:dialwright/press-1", "PlaybackFinished done sound:dialwright/press-1")

		p = play("sound:nothing", "sound:beep")
		if err := p.Wait(t.Context()); !errors.Is(err, pbx.ErrNoSound) {
			t.Errorf("missing file: %v", err)
		}
		expect(t, &l, "PlaybackStarted playing sound:nothing", "PlaybackContinuing continuing sound:nothing",
			"PlaybackStarted playing sound:beep", "PlaybackFinished failed sound:beep")

		p = play("tone:600")
		queued := play("sound:beep")
		if got := queued.Snapshot().State; got != pbx.PlaybackQueued {
			t.Errorf("second playback is %s", got)
		}
		if _, ok := st.s.Playback(queued.ID()); !ok {
			t.Error("queued playback is not found")
		}
		queued.Stop()
		a.expect("tone", 600)
		if err := p.Control(pbx.PlaybackPause); err != nil {
			t.Fatal(err)
		}
		a.expect("paused", 0)
		if got := p.Snapshot().State; got != pbx.PlaybackPaused {
			t.Errorf("paused playback is %s", got)
		}
		for _, op := range []pbx.PlaybackOp{pbx.PlaybackUnpause, pbx.PlaybackForward, pbx.PlaybackReverse, pbx.PlaybackRestart} {
			if err := p.Control(op); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
		if err := p.Control("jump"); err == nil {
			t.Error("unknown operation was taken")
		}
		a.expect("resumed", 600)
		if err := queued.Control(pbx.PlaybackPause); !errors.Is(err, pbx.ErrNotPlaying) {
			t.Errorf("control of a queued one: %v", err)
		}
		p.Stop()
		wait(p)
		wait(queued)
		expect(t, &l, "PlaybackStarted playing tone:600", "PlaybackStarted playing tone:600", "PlaybackFinished done tone:600",
			"PlaybackFinished done sound:beep")
		if _, ok := st.s.Playback(p.ID()); ok {
			t.Error("a finished playback is still found")
		}

		p = play("tone:600")
		c.Hangup(0)
		if err := p.Wait(t.Context()); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("hangup while playing: %v", err)
		}
		expect(t, &l, "PlaybackStarted playing tone:600", "PlaybackFinished failed tone:600")
		if _, err := c.Play(pbx.PlayOptions{Media: []string{"sound:beep"}}); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("play to a channel that has gone: %v", err)
		}
	})
}

// A background tone makes room for a playback and comes back after it.
func TestBackground(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		if err := c.StartTone("tone:no such"); err == nil {
			t.Error("an unknown tone was taken")
		}
		if err := c.StartTone("tone:900"); err != nil {
			t.Fatal(err)
		}
		a.expect("tone", 900)
		p, err := c.Play(pbx.PlayOptions{Media: []string{"tone:600"}})
		if err != nil {
			t.Fatal(err)
		}
		a.expect("playback", 600)
		p.Stop()
		a.expect("tone again", 900)
		if err := c.StopTone(); err != nil {
			t.Fatal(err)
		}
		a.expect("nothing", 0)
	})
}

func TestBridgePlayback(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		br, err := st.s.NewBridge(pbx.BridgeOptions{ID: "b"})
		if err != nil {
			t.Fatal(err)
		}
		events, end := st.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackStarted, pbx.PlaybackFinished}}, 10)
		defer end()
		ca, a := st.up("a")
		cb, b := st.up("b")
		for _, c := range []*pbx.Channel{ca, cb} {
			if err := br.Add(c, pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		p, err := br.Play(pbx.PlayOptions{Media: []string{"tone:600"}})
		if err != nil {
			t.Fatal(err)
		}
		a.expect("announcement", 600)
		b.expect("announcement", 600)
		p.Stop()
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := br.Snapshot().Technology; got != "native_rtp" { // observed: Asterisk 22.10, vectors 05g, 06d
			t.Errorf("technology after the playback: %s", got)
		}
		for _, want := range []pbx.EventType{pbx.PlaybackStarted, pbx.PlaybackFinished} {
			if e := <-events; e.Type != want || e.Playback.Target != "bridge:b" {
				t.Errorf("event %s of %s, want %s", e.Type, e.Playback.Target, want)
			}
		}
		if _, err := br.Play(pbx.PlayOptions{Media: []string{"tone:600"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		br.Destroy()
		if e := <-events; e.Type != pbx.PlaybackStarted {
			t.Errorf("event %s", e.Type)
		}
		if e := <-events; e.Type != pbx.PlaybackFinished || e.Playback.State != pbx.PlaybackFailed {
			t.Errorf("destroyed under a playback: %s %s", e.Type, e.Playback.State)
		}
	})
}

func TestEcho(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		a.says(800)
		done := make(chan error)
		go func() { done <- c.Echo(t.Context()) }()
		a.expect("echo", 800)
		a.on(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: '#'})
		if err := <-done; err != nil {
			t.Errorf("Echo: %v", err)
		}
		a.expect("after #", 0)
	})
}

// Digits cross a bridge in whatever way each side can (M4, D13).
func TestD13_DigitsCrossTheBridge(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		var la, lb eventLog
		ca, a := st.up("a", func(o *pbx.CreateOptions) { o.Watch = la.watch })
		cb, b := st.up("b", func(o *pbx.CreateOptions) { o.Watch = lb.watch })
		b.format.EventPT = false
		b.media()
		br, err := st.s.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer br.Destroy()
		for _, c := range []*pbx.Channel{ca, cb} {
			if err := br.Add(c, pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		la.take()
		lb.take()
		b.heard()
		a.phone.SendDTMF("5", media.DTMFOptions{}, nil) // RTP to a phone that has none: INFO
		<-time.After(time.Second)
		expect(t, &la, "ChannelDtmfBegun", "ChannelDtmfReceived 5")
		if got := b.heard(); !slices.Equal(got, []string{"info 5"}) {
			t.Errorf("B was told %q", got)
		}
		heard := make(chan rune, 1)
		a.phone.OnDTMF(func(d media.Digit) { heard <- d.Rune })
		b.on(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: '7', Duration: 100 * time.Millisecond}) // INFO to a phone with RTP
		if got := <-heard; got != '7' {
			t.Errorf("A heard %c", got)
		}
		expect(t, &lb, "ChannelDtmfBegun", "ChannelDtmfSent", "ChannelDtmfBegun", "ChannelDtmfReceived 7")
	})
}

func TestReadDigits(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		type result struct {
			got string
			err error
		}
		read := func(o pbx.ReadOptions) chan result {
			r := make(chan result, 1)
			go func() {
				got, err := c.ReadDigits(t.Context(), o)
				r <- result{got, err}
			}()
			synctest.Wait()
			return r
		}
		press := func(digits string) {
			for _, d := range digits {
				a.on(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: d})
			}
		}
		r := read(pbx.ReadOptions{})
		press("12#")
		if got := <-r; got.got != "12" || got.err != nil {
			t.Errorf("until #: %+v", got)
		}
		r = read(pbx.ReadOptions{Max: 2, Prompts: []string{"tone:600"}})
		a.expect("prompt", 600)
		press("1")
		a.expect("a digit stops the prompt", 0)
		press("2")
		if got := <-r; got.got != "12" || got.err != nil {
			t.Errorf("max: %+v", got)
		}
		start := time.Now()
		r = read(pbx.ReadOptions{First: 3 * time.Second, Between: time.Second})
		<-time.After(2 * time.Second)
		press("9")
		if got := <-r; got.got != "9" || !errors.Is(got.err, pbx.ErrTimeout) || time.Since(start) != 3*time.Second {
			t.Errorf("timeout: %+v after %v", got, time.Since(start))
		}
		start = time.Now()
		r = read(pbx.ReadOptions{First: 3 * time.Second, Prompts: []string{"silence:2000"}})
		if got := <-r; got.got != "" || !errors.Is(got.err, pbx.ErrTimeout) || time.Since(start) < 5*time.Second {
			t.Errorf("the wait runs from the end of the prompt: %+v after %v", got, time.Since(start))
		}
		r = read(pbx.ReadOptions{})
		press("4")
		synctest.Wait()
		c.Hangup(0)
		if got := <-r; got.got != "4" || !errors.Is(got.err, pbx.ErrGone) {
			t.Errorf("hangup: %+v", got)
		}
	})
}

func TestRecord(t *testing.T) {
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	inStudio(t, pbx.Options{Recordings: dir}, func(t *testing.T, st *studio) {
		var l eventLog
		c, a := st.up("a", func(o *pbx.CreateOptions) {
			o.Watch = func(e *pbx.Event) {
				if e.Recording != nil {
					l.watch(e)
				}
			}
		})
		a.says(800)
		record := func(o pbx.RecordOptions) *pbx.Recording {
			t.Helper()
			r, err := c.Record(o)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := record(pbx.RecordOptions{Name: "deep/one", Format: "wav", TerminateOn: "#"})
		if _, err := c.Record(pbx.RecordOptions{Name: "deep/one", Format: "wav"}); !errors.Is(err, pbx.ErrRecording) {
			t.Errorf("same name: %v", err)
		}
		br, err := st.s.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer br.Destroy()
		if err := br.Add(c, pbx.AddOptions{}); !errors.Is(err, pbx.ErrRecording) {
			t.Errorf("bridge while recording: %v", err)
		}
		<-time.After(2 * time.Second)
		a.on(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: '1'})
		a.on(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: '#'})
		<-r.Done()
		expect(t, &l, "RecordingStarted", "RecordingFinished")
		if d := r.Snapshot().Duration; d < 1900*time.Millisecond || d > 2100*time.Millisecond {
			t.Errorf("duration %v", d)
		}
		c.Port() // the recording can be played again
		p, err := c.Play(pbx.PlayOptions{Media: []string{"recording:deep/one"}})
		if err != nil {
			t.Fatal(err)
		}
		a.expect("recording", 800)
		p.Stop()

		if _, err := c.Record(pbx.RecordOptions{Name: "deep/one", Format: "wav"}); !errors.Is(err, pbx.ErrRecording) {
			t.Errorf("existing file: %v", err)
		}
		r = record(pbx.RecordOptions{Name: "deep/one", Format: "wav", IfExists: pbx.ExistsOverwrite, MaxDuration: time.Second})
		<-r.Done()
		r = record(pbx.RecordOptions{Name: "gone", Format: "ulaw"})
		r.Pause(true)
		if s := r.Snapshot().State; s != pbx.RecordingPaused {
			t.Errorf("state %s", s)
		}
		r.Pause(false)
		r.Cancel()
		if _, err := dir.Stat("gone.ulaw"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a cancelled recording was kept: %v", err)
		}
		r = record(pbx.RecordOptions{Name: "quiet", Format: "wav", MaxSilence: time.Second})
		r.Mute(true)
		<-r.Done()
		if s := r.Snapshot(); s.Silence < time.Second {
			t.Errorf("silence %v", s.Silence)
		}
		for _, bad := range []pbx.RecordOptions{{Name: "../x", Format: "wav"}, {Format: "wav"}, {Name: "x", Format: "mp3"}} {
			if _, err := c.Record(bad); err == nil {
				t.Errorf("Record(%+v) was taken", bad)
			}
		}
		r = record(pbx.RecordOptions{Name: "last", Format: "wav"})
		c.Hangup(0)
		<-r.Done()
		if _, err := dir.Stat("last.wav"); err != nil {
			t.Errorf("the hangup lost the recording: %v", err)
		}
	})
}

// No media for 30 s ends a call; on hold it is 300 s.
func TestM11_MediaTimeout(t *testing.T) {
	inStudio(t, pbx.Options{RTPTimeout: 30 * time.Second}, func(t *testing.T, st *studio) {
		for _, tt := range []struct {
			name string
			held bool
			want time.Duration
		}{{"a", false, 30 * time.Second}, {"b", true, 300 * time.Second}} {
			c, a := st.up(tt.name)
			if tt.held {
				a.does(pbx.LegHeld)
			}
			start := time.Now()
			<-c.Gone()
			r, _ := c.Result()
			if took := time.Since(start); r.Cause != 102 || !r.ByServer || took < tt.want || took > tt.want+5*time.Second {
				t.Errorf("held %v: ended after %v: %+v", tt.held, took, r)
			}
		}
	})
}

// A bridge is recorded as it sounds; its end ends what is recorded and what
// waits to be played, and what is asked of it later fails and does not hang.
func TestBridgeRecordAndEnd(t *testing.T) {
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	inStudio(t, pbx.Options{Recordings: dir}, func(t *testing.T, st *studio) {
		br, err := st.s.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ca, a := st.up("a")
		cb, b := st.up("b")
		for _, c := range []*pbx.Channel{ca, cb} {
			if err := br.Add(c, pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		a.says(500)
		r, err := br.Record(pbx.RecordOptions{Name: "mix", Format: "wav"})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		b.expect("while recording", 500)
		r.Stop()
		<-r.Done()
		if s := r.Snapshot(); s.Duration < time.Second || s.State != pbx.RecordingDone {
			t.Errorf("recording: %+v", s)
		}
		synctest.Wait()
		if got := br.Snapshot().Technology; got != "native_rtp" { // observed: Asterisk 22.10, vectors 05g, 06d
			t.Errorf("technology after the recording: %s", got)
		}
		if r, err = br.Record(pbx.RecordOptions{Name: "second", Format: "wav"}); err != nil {
			t.Fatal(err)
		}
		br.Destroy()
		<-r.Done()
		p, err := br.Play(pbx.PlayOptions{Media: []string{"sound:beep"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(t.Context()); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("play to a destroyed bridge: %v", err)
		}
		if r, err = br.Record(pbx.RecordOptions{Name: "third", Format: "wav"}); err != nil {
			t.Fatal(err)
		}
		<-r.Done()
		if s := r.Snapshot().State; s != pbx.RecordingError {
			t.Errorf("record of a destroyed bridge: %s", s)
		}
	})
}
