package ari

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// told are events of every type that the switch, the hub and the devices tell.
func told() []*pbx.Event {
	at := time.Date(2026, 11, 22, 4, 2, 59, 349e6, time.UTC)
	c := &pbx.Snapshot{ID: "1.0", Name: "PJSIP/callee-00000000", State: pbx.Up, Caller: call.CallerID{Name: "Alice", Number: "1001"}, App: "Stasis", AppData: "lab", CreatedAt: at, Language: "en"}
	b := &pbx.BridgeSnapshot{ID: "b", Type: pbx.Mixing, Technology: "simple_bridge", Creator: "Stasis", Class: "stasis", Channels: []string{"1.0"}, CreatedAt: at, VideoMode: "talker"}
	p := &pbx.PlaybackSnapshot{ID: "p", MediaURI: "sound:a", NextURI: "sound:b", Target: "channel:1.0", Language: "en", State: "playing"}
	r := &pbx.RecordingSnapshot{Name: "r", Format: "wav", Target: "channel:1.0", State: pbx.RecordingDone, Duration: 3200 * time.Millisecond, Talking: 2100 * time.Millisecond, Silence: 1100 * time.Millisecond}
	e := &pbx.EndpointSnapshot{Technology: "PJSIP", Resource: "100", State: "online", Channels: []string{"1.0"}, Status: "Reachable", Contact: "sip:100@192.0.2.1", RTT: 1500 * time.Microsecond, Address: "192.0.2.1:5060"}
	all := []*pbx.Event{
		{Type: pbx.ChannelCreated, Channel: c}, {Type: pbx.ChannelStateChange, Channel: c},
		{Type: pbx.ChannelDestroyed, Channel: c, Cause: 17, TechCause: 486}, {Type: pbx.ChannelHangupRequest, Channel: c, Cause: 32, Soft: true},
		{Type: pbx.ChannelVarset, Channel: c, Variable: "A", Value: "1"}, {Type: pbx.ChannelVarset, Variable: "GLOBAL"},
		{Type: pbx.ChannelCallerID, Channel: c}, {Type: pbx.ChannelConnectedLine, Channel: c}, {Type: pbx.ChannelDialplan, Channel: c},
		{Type: pbx.ChannelEnteredBridge, Channel: c, Bridge: b}, {Type: pbx.ChannelLeftBridge, Channel: c, Bridge: b},
		{Type: pbx.ChannelDTMF, Channel: c, Digit: '#', Duration: 160 * time.Millisecond},
		{Type: pbx.ChannelHold, Channel: c}, {Type: pbx.ChannelUnhold, Channel: c}, {Type: pbx.ChannelTransfer, Channel: c, Target: "200"},
		{Type: pbx.ChannelUserEvent, Channel: c, Variable: "mine", Value: "Key: value\nOther:1:2"},
		{Type: stasis.UserEvent, Endpoint: e, Data: &stasis.User{Name: "theirs", Body: []byte(`{"n":1,"eventname":"theirs"}`)}},
		{Type: pbx.Dial, Peer: c, DialString: "callee", DialStatus: "RINGING"}, {Type: pbx.Dial, Channel: c, Peer: c, Target: "300"},
		{Type: pbx.BridgeCreated, Bridge: b}, {Type: pbx.BridgeDestroyed, Bridge: b},
		{Type: pbx.BridgeVideoSourceChanged, Bridge: b, Data: pbx.VideoSource{Old: "0.9"}},
		{Type: pbx.BridgeBlindTransfer, Channel: c, Bridge: b, Data: &pbx.BlindTransfer{Extension: "200", Context: "default", Result: pbx.TransferDone}},
		{Type: pbx.BridgeAttendedTransfer, Channel: c, Bridge: b, Data: &pbx.AttendedTransfer{First: c, Second: c, Destination: "b", Result: pbx.TransferDone}},
		{Type: pbx.PlaybackStarted, Playback: p}, {Type: pbx.PlaybackContinues, Playback: p}, {Type: pbx.PlaybackFinished, Playback: p},
		{Type: pbx.RecordingStarted, Recording: r}, {Type: pbx.RecordingFinished, Recording: r}, {Type: pbx.RecordingFailed, Recording: r},
		{Type: pbx.ChannelTalkStarted, Channel: c}, {Type: pbx.ChannelTalkFinished, Channel: c, Duration: 1979 * time.Millisecond},
		{Type: pbx.ChannelToneDetected, Channel: c},
		{Type: pbx.DeviceStateChanged, Device: &pbx.DeviceSnapshot{Name: "PJSIP/100", State: pbx.DeviceInUse}},
		{Type: pbx.EndpointStateChange, Endpoint: e}, {Type: pbx.PeerStatusChange, Endpoint: e}, {Type: pbx.ContactStatusChange, Endpoint: e},
		{Type: stasis.Start, Channel: c, Data: &stasis.Entry{App: "lab", Args: []string{"a", "b"}, Replace: c}},
		{Type: stasis.End, Channel: c, Data: &stasis.Entry{App: "lab"}},
		{Type: stasis.MoveFailed, Channel: c, Data: &stasis.Entry{App: "there"}},
		{Type: stasis.Replaced}, {Type: stasis.Registered}, {Type: stasis.Unregistered},
		{Type: stasis.TextMessage, Endpoint: e, Data: &stasis.Message{From: "sip:a@b", To: "sip:c@d", Body: "hi"}},
		{Type: stasis.Broadcast, Channel: c}, {Type: stasis.Claimed, Channel: c, Data: &stasis.Entry{App: "lab"}},
		{Type: stasis.Resync, Data: &stasis.State{Reason: "old", Channels: []*pbx.Snapshot{c}, Bridges: []*pbx.BridgeSnapshot{b}}},
	}
	for _, e := range all {
		e.At = at
	}
	return all
}

// Each event is written as the type of its name, and each type that there is in ARI is
// written: but those that no event of the switch stands for.
func TestEveryEventIsWritten(t *testing.T) {
	b := newBare(t, nil)
	never := []string{"BridgeMerged", "RESTResponse"} // bridges are not merged here; answers are no events
	want := map[string]bool{}
	for _, e := range wire.Events() {
		want[wire.TypeOf(e)] = true
	}
	for _, e := range told() {
		w, ok := b.server.event(stasis.Item{App: "lab", Event: e})
		if !ok || wire.TypeOf(w) != string(e.Type) {
			t.Errorf("%s is written as %T", e.Type, w)
			continue
		}
		text, err := wire.Encode(w)
		if err != nil || strings.Contains(string(text), "null") {
			t.Errorf("%s %v", text, err)
		}
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		if m["application"] != "lab" || m["asterisk_id"] != "02:fc:00:00:00:01" || m["timestamp"] != "2026-11-22T04:02:59.349+0000" {
			t.Errorf("%s", text)
		}
		delete(want, string(e.Type))
	}
	if left := slices.Sorted(maps.Keys(want)); !slices.Equal(left, never) {
		t.Errorf("never written: %v", left)
	}
	for _, e := range []*pbx.Event{
		{Type: pbx.ChannelHandlerStarted, Channel: &pbx.Snapshot{}}, {Type: "Ours"}, {Type: pbx.ChannelCreated}, {Type: pbx.Dial},
		{Type: pbx.BridgeCreated}, {Type: pbx.DeviceStateChanged}, {Type: stasis.Start, Channel: &pbx.Snapshot{}},
	} {
		if w, ok := b.server.event(stasis.Item{App: "lab", Event: e}); ok {
			t.Errorf("%s is written as %T", e.Type, w)
		}
	}
}

// The fields are those of the traces (observed: Asterisk 22.10).
func TestFieldsOfEvents(t *testing.T) {
	b := newBare(t, nil)
	const channel = `{"id":"1.0","name":"PJSIP/callee-00000000","state":"Up","protocol_id":"","caller":{"name":"Alice","number":"1001"},"connected":{"name":"","number":""},` +
		`"accountcode":"","dialplan":{"context":"","exten":"","priority":0,"app_name":"Stasis","app_data":"lab"},"creationtime":"2026-11-22T04:02:59.349+0000","language":"en"}`
	want := map[string]string{
		"ChannelDestroyed":       `{"cause":17,"cause_txt":"User busy","tech_cause":486,"channel":` + channel + `}`,
		"ChannelHangupRequest":   `{"cause":32,"soft":true,"channel":` + channel + `}`,
		"ChannelCallerId":        `{"caller_presentation":0,"caller_presentation_txt":"Presentation Allowed, Not Screened","channel":` + channel + `}`,
		"ChannelDialplan":        `{"dialplan_app":"Stasis","dialplan_app_data":"lab","channel":` + channel + `}`,
		"ChannelDtmfReceived":    `{"digit":"#","duration_ms":160,"channel":` + channel + `}`,
		"ChannelHold":            `{"musicclass":"default","channel":` + channel + `}`,
		"ChannelTalkingFinished": `{"duration":1979,"channel":` + channel + `}`,
		"StasisStart":            `{"args":["a","b"],"channel":` + channel + `,"replace_channel":` + channel + `}`,
		"ApplicationMoveFailed":  `{"destination":"there","args":[],"channel":` + channel + `}`,
		"RecordingFinished":      `{"recording":{"name":"r","format":"wav","state":"done","target_uri":"channel:1.0","duration":3,"talking_duration":2,"silence_duration":1}}`,
		"PlaybackStarted":        `{"playback":{"id":"p","media_uri":"sound:a","next_media_uri":"sound:b","target_uri":"channel:1.0","language":"en","state":"playing"}}`,
		"DeviceStateChanged":     `{"device_state":{"name":"PJSIP/100","state":"INUSE"}}`,
		"PeerStatusChange":       `{"endpoint":{"technology":"PJSIP","resource":"100","state":"online","channel_ids":["1.0"]},"peer":{"peer_status":"Reachable","address":"192.0.2.1","port":"5060"}}`,
		"ContactStatusChange":    `{"endpoint":{"technology":"PJSIP","resource":"100","state":"online","channel_ids":["1.0"]},"contact_info":{"uri":"sip:100@192.0.2.1","contact_status":"Reachable","aor":"100","roundtrip_usec":"1500"}}`,
	}
	for _, e := range told() {
		text, ok := want[string(e.Type)]
		if !ok {
			continue
		}
		delete(want, string(e.Type))
		w, _ := b.server.event(stasis.Item{App: "lab", Event: e})
		raw, err := wire.Encode(w)
		if err != nil {
			t.Fatal(err)
		}
		var got, expected map[string]any
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &expected); err != nil {
			t.Fatalf("%s: %v", e.Type, err)
		}
		for _, name := range []string{"type", "timestamp", "application", "asterisk_id"} {
			delete(got, name)
		}
		if d := cmp.Diff(expected, got); d != "" {
			t.Errorf("%s: %s", e.Type, d)
		}
	}
	if len(want) > 0 {
		t.Errorf("not told: %v", slices.Collect(maps.Keys(want)))
	}
}

func TestUserEventsOfTheDialplan(t *testing.T) {
	b := newBare(t, nil)
	w := b.server.userEventOf(&pbx.Event{Type: pbx.ChannelUserEvent, Variable: "mine", Value: "Key: value\nOther:1:2\nnothing"}).(*wire.ChannelUserevent)
	var got map[string]string
	if err := json.Unmarshal(w.UserEvent, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"eventname": "mine", "Key": "value", "Other": "1:2"}, got); d != "" || w.EventName != "mine" {
		t.Error(w.EventName, d)
	}
}

// What is cut off is not silence or talking, and what is not over has no length.
func TestLengthsOfRecordings(t *testing.T) {
	b := newBare(t, nil)
	sec := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	n := func(i int) *int { return &i }
	for _, c := range []struct {
		in                     pbx.RecordingSnapshot
		total, talking, silent *int
	}{
		{pbx.RecordingSnapshot{State: pbx.RecordingRunning, Duration: sec(5)}, nil, nil, nil},
		{pbx.RecordingSnapshot{State: pbx.RecordingError}, nil, nil, nil},
		{pbx.RecordingSnapshot{State: pbx.RecordingDone, Duration: sec(0.999)}, n(0), nil, nil},
		{pbx.RecordingSnapshot{State: pbx.RecordingDone, Duration: sec(4.9), Talking: sec(1.5), Silence: sec(3.4)}, n(4), n(1), n(3)},
		{pbx.RecordingSnapshot{State: pbx.RecordingDone, Duration: sec(1), Silence: sec(2)}, n(1), n(0), n(1)},
	} {
		r := b.server.recording(c.in)
		if d := cmp.Diff([]*int{c.total, c.talking, c.silent}, []*int{r.Duration, r.TalkingDuration, r.SilenceDuration}); d != "" {
			t.Errorf("%+v: %s", c.in, d)
		}
	}
}

// Variables of the configuration are in every channel and event, set or not.
func TestConfiguredChannelVariables(t *testing.T) {
	w := newWeb(t, nil)
	w.c.ChannelVars = []string{"TICKET", "OTHER", "CALLERID(num)"}
	w.server.Reload()
	c := openSocket(t, http.DefaultClient, "ws://"+w.addr+"/ari/events?app=lab")
	request := func(method, uri string) {
		c.say(`{"type":"RESTRequest","method":"` + method + `","uri":"` + uri + `"}`)
	}
	request("POST", "channels?endpoint=PJSIP/answer0@callee&app=lab&channelId=v1")
	c.await("StasisStart")
	request("POST", "channels/v1/variable?variable=TICKET&value=7")
	request("DELETE", "channels/v1")
	got := c.await("ChannelDestroyed")["channel"].(map[string]any)["channelvars"]
	if d := cmp.Diff(map[string]any{"TICKET": "7", "OTHER": "", "CALLERID(num)": ""}, got); d != "" {
		t.Error(d)
	}
}
