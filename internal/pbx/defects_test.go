package pbx_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Defects of Asterisk 22 that are not copied (spec: ari 10).

// D4: a media URI of an unknown scheme ends as failed, and the next one plays.
func TestD4UnknownSchemeFinishesFailed(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		var l eventLog
		defer c.Watch(l.watch)()
		p, err := c.Play(pbx.PlayOptions{ID: "bogus", Media: []string{"bogus:xx"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(t.Context()); !errors.Is(err, pbx.ErrMediaURI) {
			t.Errorf("end: %v", err)
		}
		expect(t, &l, "PlaybackStarted", "PlaybackFinished")
		if s := p.Snapshot(); s.State != pbx.PlaybackFailed {
			t.Errorf("state %s", s.State)
		}
		if _, ok := st.s.Playback("bogus"); ok {
			t.Error("it is still found")
		}
		next, err := c.Play(pbx.PlayOptions{Media: []string{"tone:440"}})
		if err != nil {
			t.Fatal(err)
		}
		defer next.Stop()
		a.expect("the next", 440)
	})
}

// D8: an id belongs to one live playback, of a channel or a bridge, playing or
// waiting; when that is over it is free.
func TestD8PlaybackIDsAreUnique(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, _ := st.up("a")
		other, _ := st.up("b")
		br, err := st.s.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer br.Destroy()
		play := func(on interface {
			Play(pbx.PlayOptions) (*pbx.Playback, error)
		}, id string) (*pbx.Playback, error) {
			return on.Play(pbx.PlayOptions{ID: id, Media: []string{"tone:440"}})
		}
		first, err := play(c, "p")
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := play(c, "q")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"p", "q"} {
			for name, on := range map[string]interface {
				Play(pbx.PlayOptions) (*pbx.Playback, error)
			}{"the same channel": c, "another channel": other, "a bridge": br} {
				if _, err := play(on, id); !errors.Is(err, pbx.ErrPlaybackInUse) {
					t.Errorf("%s on %s: %v", id, name, err)
				}
			}
		}
		if got, ok := st.s.Playback("p"); !ok || got != first {
			t.Error("the refused ones have taken the id")
		}
		first.Stop()
		waiting.Stop()
		<-waiting.Done()
		again, err := play(br, "q")
		if err != nil {
			t.Fatalf("a free id: %v", err)
		}
		again.Stop()
	})
}

// D9: a recording of a channel that sends nothing goes on, keeps no command waiting
// and records the silence.
func TestD9RecordingWithoutMediaBlocksNothing(t *testing.T) {
	dir := recordings(t)
	inStudio(t, pbx.Options{Recordings: dir}, func(t *testing.T, st *studio) {
		c := create(t, st.s, "Studio/quiet", nil) // undialled: there is no media at all
		r, err := c.Record(pbx.RecordOptions{Name: "quiet", Format: "wav"})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := c.SetVariable("A", "1"); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("a command waited %v", d)
		}
		<-time.After(6 * time.Second)
		if s := r.Snapshot(); s.State != pbx.RecordingRunning || s.Duration < 5*time.Second {
			t.Errorf("after 6 s: %+v", s)
		}
		r.Stop()
		<-r.Done()
	})
}

// D16: a channel that was created and dialled, and is in no bridge, is recorded.
func TestD16DialledChannelIsRecorded(t *testing.T) {
	dir := recordings(t)
	inStudio(t, pbx.Options{Recordings: dir}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		a.says(700)
		var l eventLog
		defer c.Watch(l.watch)()
		r, err := c.Record(pbx.RecordOptions{Name: "dialled", Format: "wav"})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		r.Stop()
		<-r.Done()
		expect(t, &l, "RecordingStarted", "RecordingFinished")
		p, err := c.Play(pbx.PlayOptions{Media: []string{"recording:dialled"}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Stop()
		a.expect("the recording", 700)
	})
}

// recordings gives a directory for recordings.
func recordings(t *testing.T) *os.Root {
	t.Helper()
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

// A channel in a bridge is not recorded: the caller gets an error, and clients are
// told as Asterisk tells them (spec: ari 5.6).
func TestRecordingOfABridgedChannelFails(t *testing.T) {
	dir := recordings(t)
	inStudio(t, pbx.Options{Recordings: dir}, func(t *testing.T, st *studio) {
		var failed pbx.RecordingSnapshot
		c, _ := st.up("a", func(o *pbx.CreateOptions) {
			o.Watch = func(e *pbx.Event) {
				if e.Type == pbx.RecordingFailed {
					failed = *e.Recording
				}
			}
		})
		br, err := st.s.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer br.Destroy()
		if err := br.Add(c, pbx.AddOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Record(pbx.RecordOptions{Name: "r", Format: "wav"}); !errors.Is(err, pbx.ErrBridged) {
			t.Errorf("error %v", err)
		}
		want := pbx.RecordingSnapshot{
			Name: "r", Format: "wav", Target: "channel:" + c.ID(), State: pbx.RecordingError, Cause: "Cannot record channel while in bridge",
		}
		if failed != want {
			t.Errorf("told %+v, want %+v", failed, want)
		}
		if _, err := dir.Stat("r.wav"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file was left: %v", err)
		}
	})
}

// Append goes on behind what is there; a file that is not there is made.
func TestRecordingAppends(t *testing.T) {
	dir := recordings(t)
	inStudio(t, pbx.Options{Recordings: dir}, func(t *testing.T, st *studio) {
		c, _ := st.up("a")
		for range 2 {
			r, err := c.Record(pbx.RecordOptions{Name: "r", Format: "wav", IfExists: pbx.ExistsAppend})
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
			r.Stop()
			<-r.Done()
		}
		info, err := dir.Stat("r.wav")
		if err != nil {
			t.Fatal(err)
		}
		if n := info.Size(); n < 2*16000-2000 || n > 2*16000+2000 { // 16-bit samples at 8 kHz
			t.Errorf("%d octets", n)
		}
	})
}
