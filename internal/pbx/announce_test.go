package pbx_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Who waits hears the announcer in place of the music, also who comes later;
// nobody hears who waits.
func TestHoldingBridgeAnnouncer(t *testing.T) {
	inStudio(t, pbx.Options{MusicOn: "tone:700"}, func(t *testing.T, st *studio) {
		br, err := st.s.NewBridge(pbx.BridgeOptions{Type: pbx.Holding})
		if err != nil {
			t.Fatal(err)
		}
		add := func(c *pbx.Channel, o pbx.AddOptions) {
			t.Helper()
			if err := br.Add(c, o); err != nil {
				t.Fatal(err)
			}
		}
		ca, a := st.up("a")
		cb, b := st.up("wide")
		cs, s := st.up("speaker")
		a.says(500)
		s.says(900)
		add(ca, pbx.AddOptions{})
		add(cs, pbx.AddOptions{Role: "announcer"})
		add(cb, pbx.AddOptions{})
		a.expect("announcer", 900)
		b.expect("announcer, for who comes later", 900)
		s.expect("the announcer hears nobody", 0)
		if err := br.Remove(cs); err != nil {
			t.Fatal(err)
		}
		a.expect("music again", 700)
		b.expect("music", 700)
		add(cs, pbx.AddOptions{Role: "announcer"})
		a.expect("announcer again", 900)
		if err := br.Remove(ca); err != nil {
			t.Fatal(err)
		}
		a.expect("out", 0)
		br.Destroy()
		b.expect("no bridge", 0)
	})
}

// sum counts what it hears.
type sum struct{ frames int }

func (s *sum) WriteFrame([]int16, int) { s.frames++ }

// A bridge's mix can be listened to and spoken into without a file.
func TestBridgeTapAndSource(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		br, err := st.s.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ca, a := st.up("a")
		cb, _ := st.up("b")
		for _, c := range []*pbx.Channel{ca, cb} {
			if err := br.Add(c, pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		ear := &sum{}
		remove, err := br.Tap(ear)
		if err != nil {
			t.Fatal(err)
		}
		if got := br.Snapshot().Technology; got != "softmix" {
			t.Errorf("technology %s", got)
		}
		tone, err := media.Tone("900")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		po, err := br.PlaySource(tone, func(err error) { done <- err })
		if err != nil {
			t.Fatal(err)
		}
		a.expect("source", 900)
		po.Stop()
		if err := <-done; !errors.Is(err, media.ErrStopped) {
			t.Errorf("end of the source: %v", err)
		}
		remove()
		remove()
		if ear.frames < 30 {
			t.Errorf("%d frames heard", ear.frames)
		}
		<-time.After(100 * time.Millisecond)
		if got := br.Snapshot().Technology; got != "native_rtp" { // observed: Asterisk 22.10, vectors 05g, 06d
			t.Errorf("technology %s after all", got)
		}
		br.Destroy()
		if _, err := br.Tap(ear); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("tap of a destroyed bridge: %v", err)
		}
		hold, err := st.s.NewBridge(pbx.BridgeOptions{Type: pbx.Holding})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hold.PlaySource(tone, nil); !errors.Is(err, pbx.ErrBridgeType) {
			t.Errorf("source to a holding bridge: %v", err)
		}
		hold.Destroy()
		bare, err := pbx.New(pbx.Options{}).NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bare.Tap(ear); !errors.Is(err, pbx.ErrNoMedia) {
			t.Errorf("tap without media: %v", err)
		}
		bare.Destroy()
	})
}
