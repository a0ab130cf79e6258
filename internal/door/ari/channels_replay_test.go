package ari

import (
	"net/http"
	"testing"
)

// Captured traces about channels, request by request (see replay). What differs is
// named with its reason.

func allocationFailed(text string) map[string]any {
	return map[string]any{"error": "Allocation failed", "message": "Allocation failed: " + text}
}

func TestReplayParameterErrors(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.before = func(request int) { // what goes to no application ends by itself, soon
		switch request {
		case 29:
			h.ended("na")
		case 40:
			h.ended("oa")
		}
	}
	noEndpoint := allocationFailed("there is no such endpoint (cause 3)")
	noTechnology := allocationFailed("no technology NOTECH: endpoint NOTECH/x cannot be dialled (cause 44)")
	replay(t, h, "18-originate-errors.json", differences{
		"5 POST /channels":         {why: "a text beside the error", status: 500, body: noEndpoint},
		"6 POST /channels":         {why: "a text beside the error", status: 500, body: noTechnology},
		"24 POST /channels/create": {why: "D5", status: http.StatusBadRequest, body: map[string]any{"message": "Application must be specified"}},
		"26 POST /channels/create": {why: "D2", status: 500, body: noEndpoint},
		"27 POST /channels/create": {why: "D2", status: 500, body: noTechnology},
	}, nil, nil)
}

// The recording of a channel that is not dialled does not end by itself here (D9), so
// it is stopped before the channel goes into a bridge.
func TestReplayUndialedChannel(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.before = func(request int) {
		if request == 30 {
			h.must(http.StatusNoContent, "POST", "/recordings/live/zz/stop", "", nil)
		}
	}
	replay(t, h, "11-undialed-channel.json", nil, []string{
		"RecordingFinished recording=zz state=done",
		"ChannelHangupRequest channel=ZS", "StasisEnd channel=ZS", // somebody ended it when the trace was made
	}, nil)
}

func TestReplayVariables(t *testing.T) {
	h, _ := callOffice(t, nil)
	replay(t, h, "17-variables.json", nil, nil, nil)
}

func TestReplayChannelOperations(t *testing.T) {
	for _, tt := range []struct {
		trace   string
		diff    differences
		unheard []string
	}{
		{"07b-dtmf-send.json", nil, nil},
		{"09b-hold-rest-moh-silence.json", differences{
			"13 POST /channels/H/mute":          {why: "D11: both is the default", status: http.StatusNoContent},
			"16 GET /channels/H/rtp_statistics": {why: "a pretended phone has no RTP", status: 404, body: map[string]any{"message": "RTP info not found"}},
		}, nil},
		{"10b-continue-label.json", nil, nil},
		{"08a-snoop.json", nil, nil},
		{"05e-playback-missing-file.json", differences{
			"4 POST /channels/P/play/pb6b": {why: "D14", status: http.StatusBadRequest, body: map[string]any{"message": "Missing parameter media"}},
		}, nil},
		{"04-create-never-dialed.json", nil, nil},
	} {
		t.Run(tt.trace, func(t *testing.T) {
			h, _ := callOffice(t, nil)
			replay(t, h, tt.trace, tt.diff, tt.unheard, nil)
		})
	}
}
