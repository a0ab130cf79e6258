package ari

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// A bridge of Dial or of a conference can be looked at and not touched.
func TestForeignBridgesAreNotTouched(t *testing.T) {
	h := newOffice(t, nil)
	if _, err := h.sw.NewBridge(pbx.BridgeOptions{ID: "basic", Creator: "Dial", Class: "basic"}); err != nil {
		t.Fatal(err)
	}
	h.up("A")
	h.want("GET", "/bridges/basic", "", http.StatusOK, "")
	const refused = "Bridge not in Stasis application"
	for _, c := range [][2]string{
		{"DELETE", ""}, {"POST", "/addChannel?channel=A"}, {"POST", "/removeChannel?channel=A"}, {"POST", "/moh"}, {"DELETE", "/moh"},
		{"POST", "/play?media=sound:beep"}, {"POST", "/play/x?media=sound:beep"}, {"POST", "/record?name=x&format=wav"},
		{"GET", "/variable?variable=X"}, {"POST", "/variable?variable=X"}, {"GET", "/variables?variables=X"}, {"POST", "/variables"},
		{"POST", "/videoSource/A"}, {"DELETE", "/videoSource"},
	} {
		path, query := cutQuery("/bridges/basic" + c[1])
		h.want(c[0], path, query, http.StatusConflict, refused)
		path, query = cutQuery("/bridges/nosuch" + c[1])
		h.want(c[0], path, query, http.StatusNotFound, "Bridge not found")
	}
}

func TestCreateBridgeReadsEverythingFirst(t *testing.T) {
	h := newOffice(t, nil)
	for name, body := range map[string]any{
		"number":        map[string]any{"variables": map[string]any{"A": "1", "B": 2}},
		"no value":      map[string]any{"variables": map[string]any{"A": map[string]any{"report_events": true}}},
		"not an object": map[string]any{"variables": "A=1"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/bridges", "/bridges/b"} {
				if a := h.ask("POST", path, "bridgeId=b", body); a.status != http.StatusBadRequest {
					t.Errorf("%s: status %d %s, want 400", path, a.status, a.raw)
				}
				h.want("GET", "/bridges/b", "", http.StatusNotFound, "Bridge not found")
			}
		})
	}
	// The documented form works on both (D3), and other members of the body are none.
	body := map[string]any{"name": "n", "variables": map[string]any{"A": "1", "B": map[string]any{"value": "2", "report_events": true}}}
	for _, path := range []string{"/bridges", "/bridges/two"} {
		a := h.ask("POST", path, "bridgeId=one", body)
		o, _ := a.body.(map[string]any)
		if d := cmp.Diff(map[string]any{"B": "2"}, o["bridgevars"]); a.status != http.StatusOK || d != "" {
			t.Errorf("%s: %d %s\n%s", path, a.status, a.raw, d)
		}
	}
	for _, id := range []string{"one", "two"} {
		a := h.want("GET", "/bridges/"+id+"/variables", "variables=A,B", http.StatusOK, "")
		if d := cmp.Diff(map[string]any{"variables": map[string]any{"A": "1", "B": "2"}}, a.body); d != "" {
			t.Error(d)
		}
		h.want("GET", "/bridges/"+id+"/variable", "variable=name", http.StatusNotFound, "Provided variable was not found")
	}
}

func TestBridgeTypes(t *testing.T) {
	h := newOffice(t, nil)
	for _, c := range []struct{ kinds, technology, video string }{
		{"", "simple_bridge", "talker"},
		{"mixing", "simple_bridge", "talker"},
		{"mixing,dtmf_events", "simple_bridge", "talker"},
		{"mixing,proxy_media,sdp_label", "simple_bridge", "talker"},
		{"holding", "holding_bridge", "talker"},
		{"mixing,video_sfu", "simple_bridge", "sfu"},
		{"mixing,video_single", "simple_bridge", "single"},
	} {
		a := h.want("POST", "/bridges", encode(map[string]any{"type": c.kinds}), http.StatusOK, "")
		o, _ := a.body.(map[string]any)
		if o["technology"] != c.technology || o["video_mode"] != c.video {
			t.Errorf("type %q: %s", c.kinds, a.raw)
		}
	}
	for _, impossible := range []string{"mixing,holding", "nonsense"} {
		h.want("POST", "/bridges", "bridgeId=x&type="+impossible, http.StatusInternalServerError, "Unable to create bridge. Possible duplicate bridge id 'x'")
	}
}

func TestBridgeVariables(t *testing.T) {
	h := newOffice(t, nil)
	h.want("POST", "/bridges/b", "", http.StatusOK, "")
	h.want("POST", "/bridges/b/variable", "", http.StatusBadRequest, "Variable name is required")
	h.want("GET", "/bridges/b/variable", "", http.StatusBadRequest, "Variable name is required")
	h.want("GET", "/bridges/b/variables", "", http.StatusBadRequest, "At least one variable name is required")
	h.want("POST", "/bridges/b/variables", "", http.StatusBadRequest, "The 'variables' field is required")
	h.want("POST", "/bridges/b/variable", "variable=A&value=1&report_events=true", http.StatusNoContent, "")
	if a := h.ask("POST", "/bridges/b/variables", "", map[string]any{"variables": map[string]any{"C": "3"}}); a.status != http.StatusNoContent {
		t.Errorf("set several: %d %s", a.status, a.raw)
	}
	value := func(name string) any {
		return h.want("GET", "/bridges/b/variable", "variable="+name, http.StatusOK, "").body
	}
	for name, want := range map[string]string{"A": "1", "C": "3"} {
		if d := cmp.Diff(map[string]any{"value": want}, value(name)); d != "" {
			t.Error(name, d)
		}
	}
	h.want("GET", "/bridges/b/variables", "variables=A,nosuch", http.StatusNotFound, "Provided variable was not found")
	h.want("POST", "/bridges/b/variable", "variable=A", http.StatusNoContent, "")
	h.want("GET", "/bridges/b/variable", "variable=A", http.StatusNotFound, "Provided variable was not found")
}

// All channels are looked at before one is moved.
func TestAddChannelIsAllOrNothing(t *testing.T) {
	h := newOffice(t, nil)
	a := h.up("A")
	if _, err := h.sw.Create(t.Context(), pbx.CreateOptions{ID: "outside", Endpoint: call.Endpoint("PJSIP/answer0@callee")}); err != nil {
		t.Fatal(err)
	}
	h.want("POST", "/bridges/b", "", http.StatusOK, "")
	for _, op := range []string{"addChannel", "removeChannel"} {
		h.want("POST", "/bridges/b/"+op, "channel=A,nosuch", http.StatusBadRequest, "Channel not found")
		h.want("POST", "/bridges/b/"+op, "channel=A,outside", http.StatusUnprocessableEntity, "Channel not in Stasis application")
		h.want("POST", "/bridges/b/"+op, "channel=", http.StatusBadRequest, "Missing parameter channel")
	}
	if in := a.Snapshot().Bridge; in != "" {
		t.Errorf("channel A is in bridge %q", in)
	}
	if r := h.ask("POST", "/bridges/b/addChannel", "", map[string]any{"channel": []string{"A"}, "mute": true}); r.status != http.StatusNoContent {
		t.Errorf("list in the body: %d %s", r.status, r.raw)
	}
	if in := a.Snapshot().Bridge; in != "b" {
		t.Errorf("channel A is in bridge %q, want b", in)
	}
	b := h.up("B")
	h.want("POST", "/bridges/b/removeChannel", "channel=A,B", http.StatusUnprocessableEntity, "Channel not in this bridge")
	if a.Snapshot().Bridge != "b" || b.Snapshot().Bridge != "" {
		t.Error("a channel has been moved")
	}
}

// BridgeDestroyed comes however the last member has left (D6).
func TestBridgeDestroyedIsHeard(t *testing.T) {
	h := newOffice(t, nil)
	h.up("A")
	for name, end := range map[string]func(id string){
		"with its member": func(string) {},
		"after its member": func(id string) {
			h.want("POST", "/bridges/"+id+"/removeChannel", "channel=A", http.StatusNoContent, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			id := "b" + fmt.Sprint(len(name))
			h.want("POST", "/bridges/"+id, "", http.StatusOK, "")
			h.want("POST", "/bridges/"+id+"/addChannel", "channel=A", http.StatusNoContent, "")
			end(id)
			h.want("DELETE", "/bridges/"+id, "", http.StatusNoContent, "")
			h.heard.await("ChannelLeftBridge channel=A bridge=" + id)
			h.heard.await("BridgeDestroyed bridge=" + id)
		})
	}
	h.want("GET", "/channels/A", "", http.StatusOK, "") // stays in its application
}

// Who makes a bridge over its WebSocket hears of its end alone.
func TestCreatorOfABridgeHearsOfItsEnd(t *testing.T) {
	h := newOffice(t, nil)
	if _, err := h.server.createBridge(t.Context(), &request{app: "lab", path: map[string]string{"bridgeId": "b"}}); err != nil {
		t.Fatal(err)
	}
	h.has("bridge_ids") // it has not subscribed
	h.want("DELETE", "/bridges/b", "", http.StatusNoContent, "")
	h.heard.await("BridgeDestroyed bridge=b")
	if n := h.heard.times("BridgeCreated bridge=b"); n != 0 {
		t.Errorf("heard of its beginning %d times", n)
	}
}

func TestVideoSource(t *testing.T) {
	h := newOffice(t, nil)
	h.up("A")
	h.up("B")
	h.want("POST", "/bridges/b", "", http.StatusOK, "")
	h.want("POST", "/bridges/b/addChannel", "channel=A", http.StatusNoContent, "")
	h.want("POST", "/bridges/b/videoSource/nosuch", "", http.StatusBadRequest, "Channel not found")
	h.want("POST", "/bridges/b/videoSource/B", "", http.StatusUnprocessableEntity, "Channel not in this bridge")
	h.want("POST", "/bridges/b/videoSource/A", "", http.StatusNoContent, "")
	shows := func(mode string, source any) {
		t.Helper()
		o, _ := h.want("GET", "/bridges/b", "", http.StatusOK, "").body.(map[string]any)
		if o["video_mode"] != mode || o["video_source_id"] != source {
			t.Errorf("video %v of %v, want %s of %v", o["video_mode"], o["video_source_id"], mode, source)
		}
	}
	shows("single", "A")
	h.want("DELETE", "/bridges/b/videoSource", "", http.StatusNoContent, "")
	shows("none", nil)
}

func TestPlayToABridge(t *testing.T) {
	h := newOffice(t, nil)
	h.up("A")
	h.want("POST", "/bridges/b", "", http.StatusOK, "")
	h.want("POST", "/bridges/b/addChannel", "channel=A", http.StatusNoContent, "")
	h.want("POST", "/bridges/b/play", "", http.StatusBadRequest, "Missing parameter media")
	h.want("POST", "/bridges/b/play", "media=sound:beep&offsetms=-1", http.StatusBadRequest, "offsetms cannot be negative")
	h.want("POST", "/bridges/b/play", "media=sound:beep&skipms=-1", http.StatusBadRequest, "skipms cannot be negative")
	h.want("POST", "/bridges/b/play", "media=sound:beep&announcer_format=nofmt", http.StatusUnprocessableEntity, "specified announcer_format is unknown on this system")
	r := h.want("POST", "/bridges/b/play/p%2F1", "media=sound:demo-instruct,sound:beep&announcer_format=slin16", http.StatusCreated, "")
	if at := r.header.Get("Location"); at != "/ari/playbacks/p%2F1" {
		t.Errorf("location %q", at)
	}
	if o, _ := r.body.(map[string]any); o["target_uri"] != "bridge:b" || o["next_media_uri"] != "sound:beep" {
		t.Errorf("body %s", r.raw)
	}
	h.want("POST", "/bridges/b/play", "media=sound:beep&playbackId=p/1", http.StatusConflict, "Playback with id 'p/1' already exists") // D8
	h.want("POST", "/bridges/b/play/second", "media=sound:beep", http.StatusCreated, "")
	h.want("POST", "/playbacks/second/control", "operation=restart", http.StatusConflict, "Can only restart while media is playing")
	for _, op := range []string{"pause", "unpause", "restart", "forward", "reverse"} {
		h.want("POST", "/playbacks/p%2F1/control", "operation="+op, http.StatusNoContent, "")
	}
	h.want("POST", "/playbacks/p%2F1/control", "operation=bogus", http.StatusBadRequest, "Invalid operation bogus")
	h.want("POST", "/playbacks/p%2F1/control", "", http.StatusBadRequest, "Missing operation")
	h.want("DELETE", "/playbacks/p%2F1", "", http.StatusNoContent, "")
	h.heard.await("PlaybackFinished playback=p/1 state=done")
	h.heard.await("PlaybackFinished playback=second state=done")
	h.want("GET", "/playbacks/p%2F1", "", http.StatusNotFound, "Playback not found")

	// A scheme that nobody knows does not hang (D4).
	h.want("POST", "/bridges/b/play/odd", "media=bogus:x", http.StatusCreated, "")
	h.heard.await("PlaybackFinished playback=odd state=failed")
}

func TestMusicForABridge(t *testing.T) {
	h := newOffice(t, nil)
	h.up("A")
	for _, kind := range []string{"mixing", "holding"} {
		path := "/bridges/" + kind
		h.want("POST", path, "type="+kind, http.StatusOK, "")
		h.want("POST", path+"/addChannel", "channel=A", http.StatusNoContent, "")
		for _, class := range []string{"", "default", "nosuch"} {
			h.want("POST", path+"/moh", "mohClass="+class, http.StatusNoContent, "")
			h.want("DELETE", path+"/moh", "", http.StatusNoContent, "")
			h.want("DELETE", path+"/moh", "", http.StatusConflict, "Bridge isn't playing music")
		}
		h.want("POST", path+"/play/"+kind, "media=sound:beep", http.StatusCreated, "")
		h.heard.await("PlaybackFinished playback=" + kind + " state=done")
	}
}

// Large listings are made in one go.
func TestManyBridgesAreListed(t *testing.T) {
	h := newOffice(t, nil)
	const many = 3000
	for i := range many {
		if _, err := h.sw.NewBridge(pbx.BridgeOptions{ID: fmt.Sprint(i), Class: stasisClass}); err != nil {
			t.Fatal(err)
		}
	}
	list, _ := h.want("GET", "/bridges", "", http.StatusOK, "").body.([]any)
	if len(list) != many {
		t.Errorf("%d bridges, want %d", len(list), many)
	}
}

func TestRecordBridge(t *testing.T) {
	h := newOffice(t, nil)
	h.up("A")
	h.want("POST", "/bridges/b", "", http.StatusOK, "")
	h.want("POST", "/bridges/b/addChannel", "channel=A", http.StatusNoContent, "")
	for _, c := range []struct {
		query   string
		status  int
		message string
	}{
		{"format=wav", http.StatusBadRequest, "Missing parameter name"},
		{"name=x", http.StatusBadRequest, "Missing parameter format"},
		{"name=../x&format=wav", http.StatusBadRequest, errRecordName.Message},
		{"name=/x&format=wav", http.StatusBadRequest, errRecordName.Message},
		{"name=x&format=nofmt", http.StatusUnprocessableEntity, "specified format is unknown on this system"},
		{"name=x&format=wav&recorder_format=nofmt", http.StatusUnprocessableEntity, "specified recorder_format is unknown on this system"},
		{"name=x&format=wav&ifExists=zzz", http.StatusBadRequest, "ifExists invalid"},
		{"name=x&format=wav&terminateOn=zzz", http.StatusBadRequest, "terminateOn invalid"},
		{"name=x&format=wav&maxDurationSeconds=-1", http.StatusBadRequest, "max_duration_seconds cannot be negative"},
		{"name=x&format=wav&maxSilenceSeconds=-1", http.StatusBadRequest, "max_silence_seconds cannot be negative"},
	} {
		h.want("POST", "/bridges/b/record", c.query, c.status, c.message)
	}
	r := h.want("POST", "/bridges/b/record", "name=rec/one&format=wav&beep=true", http.StatusCreated, "")
	if at := r.header.Get("Location"); at != "/ari/recordings/live/rec%2Fone" {
		t.Errorf("location %q", at)
	}
	h.want("POST", "/bridges/b/record", "name=rec/one&format=wav&ifExists=overwrite", http.StatusConflict, "Recording 'rec/one' already exists and can not be overwritten")
	const live = "/recordings/live/rec%2Fone"
	state := func() any { return h.want("GET", live, "", http.StatusOK, "").body.(map[string]any)["state"] }
	for _, c := range []struct{ method, op, state string }{
		{"POST", "/pause", "paused"}, {"DELETE", "/pause", "recording"}, {"POST", "/mute", "recording"}, {"DELETE", "/mute", "recording"},
	} {
		h.want(c.method, live+c.op, "", http.StatusNoContent, "")
		if got := state(); got != c.state {
			t.Errorf("after %s %s: %v, want %s", c.method, c.op, got, c.state)
		}
	}
	h.want("POST", live+"/stop", "", http.StatusNoContent, "")
	h.want("GET", live, "", http.StatusNotFound, "Recording not found")
	if d := cmp.Diff(map[string]any{"name": "rec/one", "format": "wav"}, h.want("GET", "/recordings/stored/rec%2Fone", "", http.StatusOK, "").body); d != "" {
		t.Error(d)
	}
	h.want("POST", "/bridges/b/record", "name=rec/one&format=wav", http.StatusConflict, "Recording 'rec/one' already exists and can not be overwritten")

	h.want("POST", "/bridges/b/record", "name=rec/two&format=ulaw", http.StatusCreated, "")
	h.want("DELETE", "/recordings/live/rec%2Ftwo", "", http.StatusNoContent, "")
	h.heard.await("RecordingFinished recording=rec/two state=done")
	h.want("GET", "/recordings/stored/rec%2Ftwo", "", http.StatusNotFound, "Recording not found")
}
