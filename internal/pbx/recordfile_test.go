package pbx_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// What MixMonitor and the dialplan's Record need: files of their own, each
// direction alone, inside a bridge, append, and why the recording ended.
func TestRecordToFile(t *testing.T) {
	dir := t.TempDir()
	open := func(t *testing.T, name string) *os.File {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o640)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		cb, b := st.up("b")
		a.says(500)
		b.says(900)
		br, err := st.s.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer br.Destroy()
		for _, ch := range []*pbx.Channel{c, cb} {
			if err := br.Add(ch, pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Record(pbx.RecordOptions{Format: "wav", File: open(t, "in.wav")}); !errors.Is(err, pbx.ErrBridged) {
			t.Errorf("in a bridge: %v", err)
		}
		for _, o := range []pbx.RecordOptions{
			{Format: "wav", File: open(t, "in.wav"), Aside: true},
			{Format: "ulaw", File: open(t, "out.ulaw"), Out: true},
			{Format: "wav", File: open(t, "both.wav"), Both: true, Name: "known"},
		} {
			o.MaxDuration = time.Second
			r, err := c.Record(o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				<-r.Done()
				if why, _ := r.Ended(); why != pbx.EndedByLimit {
					t.Errorf("ended by %q", why)
				}
			}()
		}
		if _, ok := st.s.Recording(""); ok {
			t.Error("a recording without name is found")
		}
		if _, ok := st.s.Recording("known"); !ok {
			t.Error("a recording with a name is not found")
		}
		<-time.After(1100 * time.Millisecond)
		for name, hz := range map[string]int{"in.wav": 500, "out.ulaw": 900} {
			if got := toneOf(t, dir, name); got != hz {
				t.Errorf("%s: %d Hz, want %d", name, got, hz)
			}
		}
	})
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		c, a := st.up("a")
		for _, tt := range []struct {
			o    pbx.RecordOptions
			key  rune
			want pbx.RecordingEnd
		}{
			{pbx.RecordOptions{Format: "wav", TerminateOn: "any"}, '5', pbx.EndedByDigit},
			{pbx.RecordOptions{Format: "wav", MaxSilence: time.Second, Append: true}, 0, pbx.EndedBySilence},
			{pbx.RecordOptions{Format: "wav", MaxDuration: time.Second, Append: true}, 0, pbx.EndedByLimit},
		} {
			tt.o.File = open(t, "ends.wav")
			r, err := c.Record(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if tt.key != 0 {
				<-time.After(time.Second)
				a.on(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: tt.key})
			}
			<-r.Done()
			if why, key := r.Ended(); why != tt.want || key != tt.key {
				t.Errorf("ended by %q %q, want %q %q", why, key, tt.want, tt.key)
			}
		}
		i, err := os.Stat(filepath.Join(dir, "ends.wav"))
		if err != nil {
			t.Fatal(err)
		}
		if got := i.Size() - 44; got < 3*15500 || got > 3*16500 {
			t.Errorf("%d octets for three seconds", got)
		}
		if _, err := c.Record(pbx.RecordOptions{Format: "wav16", Append: true, File: open(t, "ends.wav")}); !errors.Is(err, pbx.ErrFormat) {
			t.Errorf("append at another rate: %v", err)
		}
		r, err := c.Record(pbx.RecordOptions{Format: "sln", File: open(t, "hangup.sln")})
		if err != nil {
			t.Fatal(err)
		}
		c.Hangup(0)
		<-r.Done()
		if why, _ := r.Ended(); why != pbx.EndedByHangup {
			t.Errorf("hangup: ended by %q", why)
		}
		synctest.Wait()
	})
}

// toneOf gives the frequency of a file, to the nearest 10 Hz; 0 = silence.
func toneOf(t *testing.T, dir, name string) int {
	t.Helper()
	src, err := media.OpenFile(os.DirFS(dir), name)
	if err != nil {
		t.Fatal(err)
	}
	defer src.(interface{ Close() error }).Close()
	m := media.NewToneMeter()
	frame := make([]int16, src.Rate()/50)
	for {
		n, err := src.ReadFrame(frame)
		m.WriteFrame(frame[:n], src.Rate())
		if err != nil {
			break
		}
	}
	hz, _, ok := m.Dominant()
	if !ok {
		return 0
	}
	return int(hz/10+0.5) * 10
}
