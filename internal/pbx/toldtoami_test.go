package pbx_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// heardOf keeps what a channel tells of some kinds: "Type Value" or "Type digit".
type heardOf struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (h *heardOf) watch(e *pbx.Event) {
	switch e.Type {
	case pbx.ChannelMusicStarted, pbx.ChannelMusicStopped, pbx.ChannelAccountCode, pbx.ChannelDTMFBegun, pbx.ChannelDTMFSent:
	default:
		return
	}
	line := string(e.Type)
	if e.Value != "" {
		line += " " + e.Value
	}
	if e.Digit != 0 {
		line += " " + string(e.Digit)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *heardOf) take() string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	out := strings.Join(h.lines, ", ")
	h.lines = nil
	return out
}

// TestToldForAMI has what the switch tells for AMI alone.
func TestToldForAMI(t *testing.T) {
	pbxtest.InStudio(t, pbx.Options{MusicOn: "tone:700"}, func(t *testing.T, st *pbxtest.Studio) {
		var h heardOf
		c, _ := st.Up("a")
		defer c.Watch(h.watch)()
		jazz := func() (media.Source, error) { return media.Silence(time.Hour), nil }
		for _, test := range []struct {
			name string
			do   func() error
			want string
		}{
			{"account code", func() error { return c.SetAccountCode("acct1") }, "ChannelAccountCode"},
			{"the same one", func() error { return c.SetAccountCode("acct1") }, ""},
			{"another one", func() error { return c.SetAccountCode("acct2") }, "ChannelAccountCode acct1"},
			{"music", func() error { return c.StartMusic("jazz", jazz) }, "ChannelMusicStarted jazz"},
			{"other music", func() error { return c.StartMusic("", jazz) }, "ChannelMusicStopped, ChannelMusicStarted default"},
			{"a tone", func() error { return c.StartTone("tone:busy") }, "ChannelMusicStopped"},
			{"silence", c.StopTone, ""},
			{"digits", func() error { return c.SendDTMF("5", pbx.DTMFOptions{}) }, "ChannelDtmfBegun Sent 5, ChannelDtmfSent 5"},
		} {
			if err := test.do(); err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			if d := cmp.Diff(test.want, h.take()); d != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, d)
			}
		}
		if err := c.StartMusic("jazz", jazz); err != nil {
			t.Fatal(err)
		}
		h.take()
		c.Hangup(16)
		<-c.Gone()
		if d := cmp.Diff("ChannelMusicStopped", h.take()); d != "" {
			t.Errorf("hung up (-want +got):\n%s", d)
		}
	})
}

// TestCauseOfBareHangup: it is 16 for the server and 0 for clients, and may be quiet.
func TestCauseOfBareHangup(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
			c, _ := st.Up("a")
			var requests int
			var told *pbx.Event
			c.Watch(func(e *pbx.Event) {
				switch e.Type {
				case pbx.ChannelHangupRequest:
					requests++
				case pbx.ChannelDestroyed:
					told = e
				}
			})
			c.HangupBare(quiet)
			<-c.Gone()
			r, _ := c.Result()
			if told == nil || told.Cause != 0 || r.Cause != 16 || (requests == 0) != quiet {
				t.Errorf("quiet=%v: told %+v, result %d, %d requests", quiet, told, r.Cause, requests)
			}
		})
	}
}

// TestCalledParty: it shows its own caller ID or the number, and is at the caller's
// extension until it answers.
func TestCalledParty(t *testing.T) {
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		a, _ := st.Incoming("a", pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }))
		caller := call.CallerID{Name: "A", Number: "1"}
		if err := a.SetCallerID(caller); err != nil {
			t.Fatal(err)
		}
		b, err := st.Switch.Create(t.Context(), pbx.CreateOptions{Endpoint: "Studio/b", CallerID: caller, Called: "102", Originator: a})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.CalledBy(a, "AppDial", "b"); err != nil {
			t.Fatal(err)
		}
		sn := b.Snapshot()
		if sn.Caller.Number != "102" || sn.Connected != caller || sn.Extension != "s" || sn.App != "AppDial" {
			t.Errorf("before the dial: %+v", sn)
		}
		if err := b.Dial(pbx.DialOptions{Caller: a, CallerID: caller}); err != nil {
			t.Fatal(err)
		}
		var ends []string
		b.Watch(func(e *pbx.Event) {
			if e.Type == pbx.Dial {
				ends = append(ends, e.DialStatus)
			}
		})
		for range 2 {
			b.GiveUp("CANCEL", cause.NormalClearing)
		}
		<-b.Gone()
		if d := cmp.Diff([]string{"CANCEL"}, ends); d != "" {
			t.Errorf("ends of the dial (-want +got):\n%s", d)
		}
	})
}
