package ari

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// The requests of captured traces (observed: Asterisk 22.10) are made again here, and
// must be answered as they were: status, message, and every body but those of
// channels, which another test compares. Before each, the events that the client had
// seen by then must have come.

// step is one entry of a trace.
type step struct {
	At      float64         `json:"at"` // ms; a request's: when it was sent
	Dir     string          `json:"dir"`
	Message json.RawMessage `json:"message"` // of a ws-send
	Event   map[string]any  `json:"e"`
	Request struct {
		Method string         `json:"method"`
		Path   string         `json:"path"`
		Query  map[string]any `json:"query"`
		Body   any            `json:"body"`
	} `json:"request"`
	Response struct {
		Status int `json:"status"`
		Body   any `json:"body"`
	} `json:"response"`
}

// difference is an answer of ours that is not Asterisk's, and why.
type difference struct {
	why    string
	status int
	body   any // as JSON would be decoded; nil = none
}

// differences are by request: "14 POST /bridges", counted from 1.
type differences map[string]difference

func readTrace(t *testing.T, name string) []step {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "vectors", "ari", name))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Trace []step `json:"trace"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Trace
}

// replay makes the requests of a trace. adapt may change a wanted body for what is
// different from a request on; nil = nothing is. unheard are events that do not come.
func replay(t *testing.T, h *office, name string, diff differences, unheard []string, adapt func(request int, body any) any) {
	t.Helper()
	trace := readTrace(t, name)
	used := map[string]bool{}
	n := 0
	for i, s := range trace {
		if s.Dir != "request" {
			continue
		}
		n++
		for token, times := range heardBefore(trace, i) {
			if !slices.Contains(unheard, token) {
				h.heard.awaitTimes(token, times)
			}
		}
		if h.before != nil {
			h.before(n)
		}
		q := s.Request
		key := fmt.Sprintf("%d %s %s", n, q.Method, q.Path)
		a := h.ask(q.Method, q.Path, encode(q.Query), q.Body)
		want := difference{status: s.Response.Status, body: s.Response.Body}
		if d, ok := diff[key]; ok {
			want, used[key] = d, true
		}
		if a.status != want.status {
			t.Errorf("%s?%s: status %d %s, want %d %v", key, encode(q.Query), a.status, a.raw, want.status, want.body)
			continue
		}
		if strings.HasPrefix(q.Path, "/channels") && a.status < 300 {
			continue
		}
		if adapt != nil {
			want.body = adapt(n, want.body)
		}
		if a.status == http.StatusCreated { // it may have begun already (spec: ari 5.5, 5.6)
			begun(want.body)
			begun(a.body)
		}
		if d := cmp.Diff(tidy("", want.body), tidy("", a.body)); d != "" {
			t.Errorf("%s?%s (-want +got)\n%s", key, encode(q.Query), d)
		}
	}
	for key := range diff {
		if !used[key] {
			t.Errorf("difference %q does not occur", key)
		}
	}
}

// begun lets what is queued and what has begun be the same.
func begun(body any) {
	if o, ok := body.(map[string]any); ok && (o["state"] == "queued" || o["state"] == "playing" || o["state"] == "recording") {
		o["state"] = "begun"
	}
}

// heardBefore counts the events that had come before the request at index i, but
// variables. Of those of the same millisecond only a channel's coming counts.
func heardBefore(trace []step, i int) map[string]int {
	count := map[string]int{}
	for k, s := range trace {
		if s.Dir != "event" || s.Event["type"] == "ChannelVarset" {
			continue
		}
		if s.At < trace[i].At || s.At == trace[i].At && k < i && s.Event["type"] == "StasisStart" {
			count[tokenOfJSON(s.Event)]++
		}
	}
	return count
}

// tokenOfJSON is tokenOf for an event as clients see it.
func tokenOfJSON(e map[string]any) string {
	var b strings.Builder
	b.WriteString(e["type"].(string))
	for _, part := range []struct{ key, id, shown string }{
		{"channel", "id", "channel"}, {"peer", "id", "channel"}, {"bridge", "id", "bridge"},
		{"playback", "id", "playback"}, {"recording", "name", "recording"}, {"device_state", "name", "device"},
	} {
		o, there := e[part.key].(map[string]any)
		if !there {
			continue
		}
		b.WriteString(fmt.Sprintf(" %s=%s", part.shown, o[part.id]))
		if state, ok := o["state"]; ok && part.id != "id" || part.key == "playback" {
			b.WriteString(fmt.Sprintf(" state=%s", state))
		}
	}
	if status, ok := e["dialstatus"]; ok {
		b.WriteString(fmt.Sprintf(" status=%s", status))
	}
	if name, ok := e["eventname"]; ok {
		b.WriteString(fmt.Sprintf(" name=%s", name))
	}
	return b.String()
}

// tidy takes out of a body what is different each time, and puts lists into an order.
func tidy(key string, v any) any {
	switch key {
	case "timestamp", "creationtime", "protocol_id", "startup_time", "last_reload_time",
		"os", "kernel", "machine", "options", "date", "user", "version", "description", "use_count":
		return "…"
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = tidy(k, x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = tidy("", x)
		}
		slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return out
	}
	return v
}

// The list of bridges shows reported variables too; Asterisk shows them in the answer
// that makes the bridge only.
func TestReplayBridgeOperations(t *testing.T) {
	replay(t, newOffice(t, nil), "14-bridge-operations.json", nil, nil, func(_ int, body any) any {
		list, _ := body.([]any)
		for _, b := range list {
			if b := b.(map[string]any); b["id"] == "b-v" {
				b["bridgevars"] = map[string]any{"X": "1"}
			}
		}
		return body
	})
}

func TestReplayPlaybackToABridge(t *testing.T) {
	replay(t, newOffice(t, nil), "05g-playback-bridge.json", nil, nil, nil)
}

func TestReplayRecordingOfABridge(t *testing.T) {
	replay(t, newOffice(t, nil), "06d-record-bridge.json", differences{
		"6 POST /channels/P/record": {
			why: "what the description promises (spec: ari 5.6)", status: http.StatusConflict,
			body: map[string]any{"message": "Cannot record channel while in bridge"},
		},
	}, nil, nil)
}

// After DELETE with an empty id, which is 200 here (D7), the application is no longer
// subscribed to all channels: its lists and what it hears of S2 show it.
func TestReplayApplications(t *testing.T) {
	const all = "__AST_CHANNEL_ALL_TOPIC"
	removed := map[string]any{
		"name": "lab", "channel_ids": []any{"S1"}, "bridge_ids": []any{"bs"}, "endpoint_ids": []any{"PJSIP", "PJSIP/callee"},
		"device_names": []any{"Stasis:foo"}, "events_allowed": []any{}, "events_disallowed": []any{},
	}
	replay(t, newOffice(t, nil), "15-applications.json", differences{
		"17 DELETE /applications/lab/subscription": {why: "D7", status: http.StatusOK, body: removed},
	}, []string{"ChannelCreated channel=S2", "ChannelDialplan channel=S2"}, func(request int, body any) any {
		o, ok := body.(map[string]any)
		if ids, has := o["channel_ids"].([]any); ok && has && request > 17 {
			o = maps.Clone(o)
			o["channel_ids"] = slices.DeleteFunc(slices.Clone(ids), func(id any) bool { return id == all })
			return o
		}
		return body
	})
}

func TestReplayUserEvents(t *testing.T) {
	h := newOffice(t, nil)
	replay(t, h, "16-user-events.json", nil, nil, nil)
}

func TestReplayEndpointsSoundsAndInfo(t *testing.T) {
	beep := wire.Sound{ID: "beep"}
	for _, lang := range []string{"en_US_f_Allison", "en_US", "en"} {
		beep.Formats = append(beep.Formats, wire.FormatLangPair{Language: lang, Format: "gsm"})
	}
	h := newOffice(t, func(o *Options) {
		o.Sounds = soundList{beep}
		o.Phones = &post{}
	})
	h.store("zz.wav")
	replay(t, h, "19-endpoints-sounds-info.json", differences{
		"25 GET /asterisk/logging": {why: "our log has no file of its own", status: http.StatusOK, body: []any{map[string]any{
			"channel": "console", "type": "Console", "status": "Enabled", "configuration": "NOTICE WARNING ERROR ",
		}}},
	}, nil, nil)
}
