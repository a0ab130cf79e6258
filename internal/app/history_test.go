package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// ended waits for the end of a call.
func ended(t *testing.T, c *client.Client, id string) {
	t.Helper()
	for e, err := range c.Events(t.Context(), 0, map[string][]string{"call": {id}}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if e.State.Done() {
			return
		}
	}
}

func recordingsOf(t *testing.T, c *client.Client, id string) []rest.RecordingView {
	t.Helper()
	var got struct{ Recordings []rest.RecordingView }
	if err := c.Get(t.Context(), "/v1/calls/"+id+"/recordings", nil, &got); err != nil {
		t.Fatal(err)
	}
	return got.Recordings
}

// What MixMonitor, Record, an AGI's or ARI's like and a conference record is found by the
// call, is told as gone when it is deleted, and outlives the server.
func TestRecordingsOfACall(t *testing.T) {
	dir := t.TempDir()
	path, plan := filepath.Join(dir, "dialwright.toml"), filepath.Join(dir, "extensions.conf")
	for name, text := range map[string]string{
		path: fmt.Sprintf("[dialplan]\nfile = %q\nallow_files = true\n", plan),
		plan: "[tapes]\nexten => 1,1,Answer()\n same => n,MixMonitor(sub/mixed.wav,r(in.wav)t(out.wav))\n same => n,Wait(0.2)\n same => n,StopMixMonitor()\n" +
			" same => n,Record(" + dir + "/data/sounds/said.wav,0,1,qk)\n same => n,Hangup()\n" +
			"exten => 2,1,Answer()\n same => n,MixMonitor(" + dir + "/elsewhere.wav)\n same => n,Wait(0.1)\n same => n,Hangup()\n" +
			"exten => 3,1,Answer()\n same => n,Set(CONFBRIDGE(bridge,record_conference)=yes)\n same => n,Set(CONFBRIDGE(bridge,record_file)=room.wav)\n same => n,ConfBridge(room)\n same => n,Hangup()\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := func() (*App, *client.Client, func()) {
		a, err := New(Options{Source: Source{Path: path}, Log: t.Output(), Adjust: func(c *config.Config) { onLoopback(filepath.Join(dir, "data"))(c) }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return a, controlOf(t, a), func() {
			if err := a.Stop(context.Background()); err != nil { // also after the test's own context
				t.Error(err)
			}
		}
	}
	_, c, stop := start()
	call := func(exten string) string {
		var created struct{ ID string }
		body := map[string]any{"first": "Pretend/100", "dialplan": map[string]string{"context": "tapes", "extension": exten}}
		if err := c.Post(t.Context(), "/v1/calls", body, &created); err != nil {
			t.Fatal(err)
		}
		return created.ID
	}
	id := call("1")
	ended(t, c, id)
	if out := call("2"); true {
		ended(t, c, out)
		if got := recordingsOf(t, c, out); len(got) != 0 {
			t.Errorf("outside of the roots: %+v", got)
		}
	}
	room, second := call("3"), call("3")
	for _, id := range []string{room, second} {
		tick := time.NewTicker(5 * time.Millisecond)
		for len(recordingsOf(t, c, id)) == 0 { // until it is in the conference
			select {
			case <-tick.C:
			case <-t.Context().Done():
				t.Fatal("the conference is not recorded")
			}
		}
		tick.Stop()
		if got := recordingsOf(t, c, id); len(got) != 1 || !got[0].Live || got[0].EndedAt != nil {
			t.Errorf("while it runs: %+v", got)
		}
	}
	for _, id := range []string{room, second} {
		if err := c.Post(t.Context(), "/v1/calls/"+id+"/hangup", nil, nil); err != nil {
			t.Fatal(err)
		}
		ended(t, c, id)
	}
	stop() // all that was to be written is

	a, c, stop := start()
	defer stop()
	for _, id := range []string{room, second} {
		if got := recordingsOf(t, c, id); len(got) != 1 || got[0].Leg != "" || got[0].EndedAt == nil || got[0].Gone {
			t.Errorf("conference of %s: %+v", id, got)
		}
	}
	list := recordingsOf(t, c, id)
	if len(list) != 4 {
		t.Fatalf("%+v", list)
	}
	for _, r := range list {
		if r.Leg != "a" || r.EndedAt == nil || r.Bytes < 44 || r.Format != "wav" || r.Gone || r.Live || !strings.HasPrefix(r.Channel, "Pretend/100") {
			t.Errorf("%+v", r)
		}
		stored, err := a.originator.Recording(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get("http://" + a.httpAddr.String() + r.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("without a key: %d", resp.StatusCode)
		}
		if stored.Path == "sub/mixed.wav" {
			if d := time.Duration(r.Duration); d < 100*time.Millisecond || d > 5*time.Second {
				t.Errorf("the mix is %v long", d)
			}
			if err := os.Remove(filepath.Join(a.spoolDir(), "monitor", "sub", "mixed.wav")); err != nil {
				t.Fatal(err)
			}
		}
	}
	gone := slices.DeleteFunc(recordingsOf(t, c, id), func(r rest.RecordingView) bool { return !r.Gone })
	if len(gone) != 1 || gone[0].URL != "" {
		t.Errorf("deleted: %+v", gone)
	}
}
