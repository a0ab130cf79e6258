package ari

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

func TestContinue(t *testing.T) {
	h, _ := callOffice(t, nil)
	c := h.up("C")
	h.want("POST", "/channels/C/continue", query("context", "forbidden"), http.StatusForbidden, "Not allowed: not into this context (cause 52)")
	h.want("POST", "/channels/C/continue", query("context", "default", "extension", "100", "priority", "0"), http.StatusBadRequest, "Invalid priority")
	h.want("POST", "/channels/C/continue", query("context", "default", "extension", "100", "label", "nolabel"), http.StatusNotFound, "Requested label can not be found")
	if _, in := h.hub.In("C"); !in {
		t.Fatal("a refusal has taken the channel out of its application")
	}
	h.must(204, "POST", "/channels/C/continue", "", map[string]any{"context": "other", "extension": "", "label": ""})
	h.heard.await("StasisEnd channel=C")
	h.heard.awaitTimes("ChannelDialplan channel=C", 2)
	if sn := c.Snapshot(); sn.Context != "other" || sn.Extension != "s" {
		t.Errorf("it goes on at %s,%s", sn.Context, sn.Extension)
	}
	h.want("POST", "/channels/C/continue", "", http.StatusConflict, "Channel not in Stasis application")
	h.must(204, "DELETE", "/channels/C", "", nil)
	h.heard.await("ChannelDestroyed channel=C")
}

func TestMove(t *testing.T) {
	h, _ := callOffice(t, nil)
	second, err := h.hub.Attach(stasis.SessionOptions{Apps: []string{"lab2"}})
	if err != nil {
		t.Fatal(err)
	}
	other := listen(t, second)
	h.up("M")
	h.want("POST", "/channels/M/move", "", http.StatusBadRequest, "Application must be specified")
	h.must(204, "POST", "/channels/M/move", query("app", "nosuchapp", "appArgs", "x,y"), nil)
	h.heard.await("ApplicationMoveFailed channel=M")
	h.must(204, "POST", "/channels/M/move", query("app", "lab2", "appArgs", `x,"y,z"`), nil)
	h.heard.await("StasisEnd channel=M")
	other.await("StasisStart channel=M")
	other.mu.Lock()
	args := other.items[len(other.items)-1].Event.Data.(*stasis.Entry).Args
	other.mu.Unlock()
	if diff := cmp.Diff([]string{"x", "y,z"}, args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	h.must(204, "DELETE", "/channels/M", "", nil)
	h.heard.await("ChannelDestroyed channel=M")
	other.await("ChannelDestroyed channel=M")
}

func TestRedirect(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.up("C")
	for endpoint, want := range map[string]string{
		"justname": "Endpoint parameter 'justname' does not contain tech/resource",
		"/x":       "Endpoint parameter '/x' does not contain tech/resource",
		"PJSIP/":   "No resource provided in endpoint parameter 'PJSIP/'",
		"IAX2/foo": "Endpoint technology 'IAX2' does not match channel technology 'PJSIP'",
	} {
		h.want("POST", "/channels/C/redirect", query("endpoint", endpoint), http.StatusUnprocessableEntity, want)
	}
	h.want("POST", "/channels/C/redirect", "", http.StatusBadRequest, "Required parameter 'endpoint' not provided.")
	h.must(204, "POST", "/channels/C/redirect", query("endpoint", "pjsip/sip:other@127.0.0.1"), nil)
}

func TestTransferProgress(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.up("C")
	h.want("POST", "/channels/C/transfer_progress", "", http.StatusBadRequest, "Required parameter 'states' not provided.")
	h.want("POST", "/channels/C/transfer_progress", query("states", "bogus"), http.StatusBadRequest, "Invalid 'states' parameter 'bogus'")
	h.must(204, "POST", "/channels/C/transfer_progress", query("states", "channel_answered"), nil)
}

// A call that comes in rings, gets early media, and is answered (spec: ari 7).
func TestCallThatComesIn(t *testing.T) {
	h, _ := callOffice(t, nil)
	makeRing(h, "in")
	c := h.live("in")
	if c.State() != pbx.Ring {
		t.Fatalf("state %v", c.State())
	}
	var first string
	for _, sn := range h.sw.Channels() {
		if sn.ID != "in" {
			first = sn.ID
		}
	}
	if first == "" {
		t.Fatal("nobody calls")
	}
	states, stop := h.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.Dial}, About: []string{first}}, 10)
	defer stop()
	for _, step := range []struct{ path, want string }{{"/ring", "RINGING"}, {"/progress", "PROGRESS"}, {"/answer", "ANSWER"}} {
		h.must(204, "POST", "/channels/in"+step.path, "", nil)
		if e := <-states; e.DialStatus != step.want {
			t.Errorf("%s: the caller sees %s", step.path, e.DialStatus)
		}
	}
	h.must(204, "POST", "/channels/in/answer", "", nil)
}

// Each kind of background is stopped by its own operation and by no other.
func TestBackgrounds(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.up("C")
	ops := []string{"/moh", "/silence", "/ring"}
	heard := func() (list []string) {
		c := h.live("C")
		for op, prefix := range map[string]string{"/moh": "music:", "/silence": "silence:", "/ring": "tone:ring"} {
			if is, err := c.Background(); err != nil {
				t.Fatal(err)
			} else if len(is) >= len(prefix) && is[:len(prefix)] == prefix {
				list = append(list, op)
			}
		}
		return list
	}
	for _, on := range ops {
		h.must(204, "POST", "/channels/C"+on, "", nil)
		for _, off := range ops {
			if off != on {
				h.must(204, "DELETE", "/channels/C"+off, "", nil)
			}
		}
		if diff := cmp.Diff([]string{on}, heard()); diff != "" {
			t.Errorf("after POST %s (-want +got):\n%s", on, diff)
		}
		h.must(204, "DELETE", "/channels/C"+on, "", nil)
		if got := heard(); got != nil {
			t.Errorf("after DELETE %s: %v", on, got)
		}
	}
	h.must(204, "POST", "/channels/C/moh", query("mohClass", "nosuchclass"), nil)
}

func TestPlay(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.up("P")
	a := h.must(201, "POST", "/channels/P/play", query("media", "tone:ring,sound:beep", "playbackId", "a b"), nil)
	if got := a.header.Get("Location"); got != "/ari/playbacks/a%20b" {
		t.Errorf("Location %q", got)
	}
	if got := a.body.(map[string]any)["next_media_uri"]; got != "sound:beep" {
		t.Errorf("next %v", got)
	}
	h.want("POST", "/channels/P/play/a%20b", query("media", "sound:beep"), http.StatusConflict, "Playback with id 'a b' already exists")
	h.want("POST", "/channels/P/play/x", query("media", "sound:beep", "skipms", "-1"), http.StatusBadRequest, "skipms cannot be negative")
	h.want("POST", "/channels/P/play/x", query("media", "sound:beep", "offsetms", "-1"), http.StatusBadRequest, "offsetms cannot be negative")
	h.must(204, "DELETE", "/playbacks/a%20b", "", nil)
	h.heard.await("PlaybackFinished playback=a b state=done")
	h.must(201, "POST", "/channels/P/play/a%20b", "", map[string]any{"media": []string{"bogus:xx"}, "lang": "de"}) // the id is free again; D4
	h.heard.await("PlaybackFinished playback=a b state=failed")
}

func TestRecord(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.up("R")
	for q, want := range map[string]struct {
		status int
		text   string
	}{
		query("format", "wav"):                                          {400, "Missing parameter name"},
		query("name", "x"):                                              {400, "Missing parameter format"},
		query("name", "../x", "format", "wav"):                          {400, "name must be a path below the recordings directory"},
		query("name", "/x", "format", "wav"):                            {400, "name must be a path below the recordings directory"},
		query("name", "x", "format", "zzz"):                             {422, "specified format is unknown on this system"},
		query("name", "x", "format", "wav", "ifExists", "zzz"):          {400, "ifExists invalid"},
		query("name", "x", "format", "wav", "terminateOn", "5"):         {400, "terminateOn invalid"},
		query("name", "x", "format", "wav", "maxDurationSeconds", "-1"): {400, "max_duration_seconds cannot be negative"},
		query("name", "x", "format", "wav", "maxSilenceSeconds", "-1"):  {400, "max_silence_seconds cannot be negative"},
	} {
		h.want("POST", "/channels/R/record", q, want.status, want.text)
	}
	a := h.must(201, "POST", "/channels/R/record", query("name", "rec/one", "format", "wav", "beep", "true", "maxSilenceSeconds", "3"), nil)
	if got := a.header.Get("Location"); got != "/ari/recordings/live/rec%2Fone" {
		t.Errorf("Location %q", got)
	}
	h.want("POST", "/channels/R/record", query("name", "rec/one", "format", "wav"), http.StatusConflict, "Recording 'rec/one' already exists and can not be overwritten")
	h.must(204, "POST", "/recordings/live/rec%2Fone/stop", "", nil)
	h.heard.await("RecordingFinished recording=rec/one state=done")
	root, err := os.OpenRoot(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := root.Stat("rec/one.wav"); errors.Is(err, fs.ErrNotExist) {
		t.Error("there is no file")
	}
	h.want("POST", "/channels/R/record", query("name", "rec/one", "format", "wav"), http.StatusConflict, "Recording 'rec/one' already exists and can not be overwritten")
	h.must(201, "POST", "/channels/R/record", query("name", "rec/one", "format", "wav", "ifExists", "append"), nil)
	h.must(200, "POST", "/bridges/br", "", nil)
	h.want("POST", "/bridges/br/addChannel", query("channel", "R"), http.StatusConflict, "Channel R currently recording")
	h.must(204, "DELETE", "/recordings/live/rec%2Fone", "", nil)
	h.must(204, "POST", "/bridges/br/addChannel", query("channel", "R"), nil)
	h.want("POST", "/channels/R/record", query("name", "two", "format", "wav"), http.StatusConflict, "Cannot record channel while in bridge")
}

// A created channel that was dialled and is in no bridge is recorded like any other
// (spec: ari 10 D16), and its commands do not wait for media (D9).
func TestRecordDialedChannel(t *testing.T) {
	h, _ := callOffice(t, nil)
	makeRinging(h, "B")
	h.must(201, "POST", "/channels/B/record", query("name", "b", "format", "ulaw"), nil)
	h.must(204, "POST", "/channels/B/variable", query("variable", "A", "value", "1"), nil)
	h.must(204, "POST", "/recordings/live/b/stop", "", nil)
	h.heard.await("RecordingFinished recording=b state=done")
}

func TestExternalMedia(t *testing.T) {
	h, _ := callOffice(t, func(o *Options) {
		m := extmedia.New(extmedia.Config{Switch: o.Switch})
		for _, tech := range m.Technologies() {
			o.Switch.Register(tech)
		}
		o.Media = m
	})
	for _, tt := range []struct {
		q, want string
		status  int
	}{
		{query("external_host", "127.0.0.1:9", "format", "ulaw"), "app cannot be empty", 400},
		{query("app", "lab", "format", "ulaw"), "external_host is required for all but websocket server connections", 400},
		{query("app", "lab", "external_host", "127.0.0.1:9"), "format cannot be empty", 400},
		{query("app", "lab", "external_host", "127.0.0.1", "format", "ulaw"), "external_host must be <host>:<port> for all transports other than websocket", 400},
		{query("app", "lab", "external_host", "127.0.0.1:9", "format", "ulaw", "encapsulation", "audiosocket"), "transport must be 'tcp' for audiosocket encapsulation", 400},
		{query("app", "lab", "external_host", "x", "format", "ulaw", "encapsulation", "rtp", "transport", "websocket"), "encapsulation must be 'none' for websocket transport", 400},
		{query("app", "lab", "external_host", "127.0.0.1:9", "format", "zzz"), "Provided format (zzz) was not found", 400},
		{query("app", "lab", "external_host", "127.0.0.1:9", "format", "ulaw", "encapsulation", "none"), "The encapsulation and/or transport is not supported", 501},
	} {
		h.want("POST", "/channels/externalMedia", tt.q, tt.status, tt.want)
	}
}

func TestWithoutSnoopAndMedia(t *testing.T) {
	h, _ := callOffice(t, func(o *Options) { o.Snoop, o.Media = nil, nil })
	h.up("N")
	h.want("POST", "/channels/N/snoop", query("app", "lab", "spy", "both"), http.StatusNotImplemented, "This server has no snoop channels")
	h.want("POST", "/channels/externalMedia", query("app", "lab", "external_host", "127.0.0.1:9", "format", "ulaw"),
		http.StatusNotImplemented, "The encapsulation and/or transport is not supported")
}

// TestExternalMediaOverRTP opens a channel to a program, which is a socket here, and
// sees its audio arrive (spec: ari 5.8; vector 08b).
func TestExternalMediaOverRTP(t *testing.T) {
	h, _ := callOffice(t, nil)
	m := extmedia.New(extmedia.Config{Switch: h.sw, Engine: h.engine})
	defer m.Stop()
	for _, tech := range m.Technologies() {
		h.sw.Register(tech)
	}
	h.o.Media = m
	var err error
	if h.server, err = New(h.o); err != nil {
		t.Fatal(err)
	}
	program, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	a := h.must(200, "POST", "/channels/externalMedia", query("app", "lab", "external_host", program.LocalAddr().String(), "format", "ulaw", "channelId", "EM"),
		map[string]any{"variables": map[string]any{"XV": "1"}})
	vars, _ := a.body.(map[string]any)["channelvars"].(map[string]any)
	if vars["XV"] != "1" || vars["UNICASTRTP_LOCAL_ADDRESS"] != "127.0.0.1" || vars["UNICASTRTP_LOCAL_PORT"] == nil {
		t.Errorf("variables %v", vars)
	}
	h.wantStory("EM", "StasisStart channel=EM", `Dial ""`, "ChannelStateChange Up", `Dial "ANSWER"`, "ChannelVarset STASISSTATUS=", "StasisStart")
	if got := h.value("EM", "UNICASTRTP_LOCAL_PORT"); got != vars["UNICASTRTP_LOCAL_PORT"] {
		t.Errorf("port %s, told %v", got, vars["UNICASTRTP_LOCAL_PORT"])
	}
	h.must(201, "POST", "/channels/EM/play", query("media", "tone:440/5000"), nil)
	if err := program.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 2000)
	n, _, err := program.ReadFrom(packet)
	if err != nil || n != 12+160 || packet[1]&0x7f != 0 { // 20 ms of PCMU
		t.Errorf("packet of %d bytes, %v", n, err)
	}
	h.want("POST", "/channels/externalMedia", query("app", "lab", "external_host", "127.0.0.1:9", "format", "ulaw", "channelId", "EM"),
		http.StatusConflict, "Channel with given unique ID already exists")
	h.must(204, "DELETE", "/channels/EM", "", nil)
	h.heard.await("ChannelDestroyed channel=EM")
}

// Clients that go away in the middle of a request leave nothing behind that nobody
// controls: every channel is in the application, or on its way there, or gone.
func TestRequestsThatStopHalfWay(t *testing.T) {
	h, _ := callOffice(t, nil)
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			ctx, stop := context.WithCancel(t.Context())
			path := "/ari/channels?" + query("endpoint", "PJSIP/answer0@callee", "app", "lab", "channelId", fmt.Sprint("half", i))
			if i%2 == 0 {
				path = "/ari/channels/create?" + query("endpoint", "PJSIP/answer0@callee", "app", "lab", "channelId", fmt.Sprint("half", i))
			}
			r := httptest.NewRequestWithContext(ctx, "POST", path, nil)
			r.SetBasicAuth("lab", "secret")
			go stop()
			h.server.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	group.Wait()
	for _, sn := range h.sw.Channels() {
		h.heard.await("StasisStart channel=" + sn.ID)
		h.must(204, "DELETE", "/channels/"+sn.ID, "", nil)
		h.ended(sn.ID)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.sw.Drain(ctx); err != nil { // the count follows ChannelDestroyed
		t.Errorf("%d channels are left: %v", h.sw.Stats().Channels, err)
	}
}
