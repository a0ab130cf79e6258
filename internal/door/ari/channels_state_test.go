package ari

import (
	"fmt"
	"testing"
)

// stateCase is a row of the table of spec ari section 7.
type stateCase struct {
	method, path string // below /channels/ID
	query        string
	body         any
	// Statuses of a channel that was created, that is ringing after that, that was
	// originated and is ringing, of one that calls us, and of one that is up.
	down, ringing, originated, ring, up int
}

// stateTable is the whole of it; operations that end a channel or its stay come last.
var stateTable = []stateCase{
	{"GET", "", "", nil, 200, 200, 200, 200, 200},
	{"GET", "/variable", query("variable", "CHANNEL(state)"), nil, 200, 200, 200, 200, 200},
	{"GET", "/variables", query("variables", "EXTEN,CHANNEL(name)"), nil, 200, 200, 200, 200, 200},
	{"POST", "/variable", query("variable", "A", "value", "1"), nil, 204, 204, 409, 204, 204},
	{"POST", "/variables", "", map[string]any{"variables": map[string]any{"A": "1"}}, 204, 204, 409, 204, 204},
	{"POST", "/redirect", "", nil, 412, 412, 409, 400, 400},
	{"POST", "/ring", "", nil, 412, 412, 409, 204, 204},
	{"DELETE", "/ring", "", nil, 412, 412, 409, 204, 204},
	{"POST", "/progress", "", nil, 412, 412, 409, 204, 204},
	{"POST", "/dtmf", query("dtmf", "1"), nil, 412, 412, 409, 204, 204},
	{"POST", "/dtmf", "", nil, 412, 412, 409, 400, 400},
	{"POST", "/mute", "", nil, 412, 412, 409, 204, 204},
	{"DELETE", "/mute", "", nil, 412, 412, 409, 204, 204},
	{"POST", "/hold", "", nil, 412, 412, 409, 204, 204},
	{"DELETE", "/hold", "", nil, 412, 412, 409, 204, 204},
	{"POST", "/moh", "", nil, 412, 412, 409, 204, 204},
	{"DELETE", "/moh", "", nil, 412, 412, 409, 204, 204},
	{"POST", "/silence", "", nil, 412, 412, 409, 204, 204},
	{"DELETE", "/silence", "", nil, 412, 412, 409, 204, 204},
	{"POST", "/play", query("media", "sound:beep"), nil, 412, 412, 409, 201, 201},
	{"POST", "/play/p1", query("media", "sound:beep"), nil, 412, 412, 409, 201, 201},
	{"POST", "/record", query("name", "r", "format", "wav", "ifExists", "overwrite"), nil, 201, 201, 409, 201, 201},
	{"GET", "/rtp_statistics", "", nil, 404, 404, 404, 403, 404}, // pretended phones have no RTP, the one that calls is Local
	{"POST", "/snoop", query("spy", "both", "app", "lab"), nil, 200, 200, 200, 200, 200},
	{"POST", "/snoop/s1", query("whisper", "out", "app", "lab"), nil, 200, 200, 200, 200, 200},
	{"POST", "/transfer_progress", query("states", "channel_progress"), nil, 204, 204, 409, 204, 204},
	{"POST", "/answer", "", nil, 412, 412, 409, 204, 204},
	{"POST", "/dial", "", nil, 204, 409, 409, 409, 409},
	{"POST", "/move", query("app", "lab", "appArgs", "moved"), nil, 204, 204, 409, 204, 204},
	{"POST", "/continue", query("context", "other"), nil, 412, 412, 409, 204, 204},
	{"DELETE", "", "", nil, 204, 204, 204, 204, 204},
}

// states are the columns: how to make such a channel, and what a 409 says.
var states = []struct {
	name     string
	make     func(h *office, id string)
	want     func(stateCase) int
	conflict string
}{
	{"created", func(h *office, id string) { h.create(id, "PJSIP/silent@callee") }, func(c stateCase) int { return c.down }, ""},
	{"ringing", makeRinging, func(c stateCase) int { return c.ringing }, "Channel is not in the 'Down' state"},
	{"originated", makeOriginated, func(c stateCase) int { return c.originated }, "Channel not in Stasis application"},
	{"calling us", makeRing, func(c stateCase) int { return c.ring }, "Channel is not in the 'Down' state"},
	{"up", func(h *office, id string) { h.up(id) }, func(c stateCase) int { return c.up }, "Channel is not in the 'Down' state"},
}

// TestOperationsByState asks for every operation in every state, each on a channel of
// its own.
func TestOperationsByState(t *testing.T) {
	h, _ := callOffice(t, nil)
	for i, state := range states {
		for k, tt := range stateTable {
			id := fmt.Sprintf("Z%d.%d", i, k)
			state.make(h, id)
			a := h.ask(tt.method, "/channels/"+id+tt.path, tt.query, tt.body)
			wantMessage := a.message()
			switch a.status {
			case 409:
				wantMessage = state.conflict
			case 412:
				wantMessage = "Channel in invalid state"
			}
			if a.status != state.want(tt) || a.message() != wantMessage {
				t.Errorf("%s: %s %s?%s: %d %q, want %d %q", state.name, tt.method, tt.path, tt.query, a.status, a.raw, state.want(tt), wantMessage)
			}
			for _, sn := range h.sw.Channels() {
				if c, found := h.sw.Channel(sn.ID); found {
					c.Hangup(0)
					h.gone(c)
				}
			}
		}
	}
}

// makeRinging makes a created channel that rings.
func makeRinging(h *office, id string) {
	h.t.Helper()
	h.create(id, "PJSIP/ring@callee")
	h.must(204, "POST", "/channels/"+id+"/dial", "", nil)
	h.heard.await("Dial channel=" + id + " status=RINGING")
}

// makeOriginated makes an originated channel that rings.
func makeOriginated(h *office, id string) {
	h.t.Helper()
	h.must(200, "POST", "/channels/"+id, query("endpoint", "PJSIP/ring@callee", "app", "lab"), nil)
	h.heard.await("Dial channel=" + id + " status=RINGING")
}

// makeRing lets a call come into lab.
func makeRing(h *office, id string) {
	h.t.Helper()
	h.must(200, "POST", "/channels", query("endpoint", "Local/app@default", "extension", "wait", "otherChannelId", id), nil)
	h.heard.await("StasisStart channel=" + id)
}

// TestUnknownChannels asks for every operation on a channel that does not exist.
func TestUnknownChannels(t *testing.T) {
	h, _ := callOffice(t, nil)
	for _, tt := range stateTable {
		want := "Channel not found"
		if tt.path == "/snoop" || tt.path == "/snoop/s1" || tt.method == "GET" && (tt.path == "/variable" || tt.path == "/variables") {
			want = "Provided channel was not found"
		}
		a := h.ask(tt.method, "/channels/nosuch"+tt.path, tt.query, tt.body)
		if a.status != 404 || a.message() != want {
			t.Errorf("%s %s: %d %q, want 404 %q", tt.method, tt.path, a.status, a.message(), want)
		}
	}
}
