package ari

import (
	"net/http"
	"testing"
)

func TestRecordingFileIsDownloaded(t *testing.T) {
	h := newOffice(t, nil)
	h.store("rec/one.wav")
	a := h.ask("GET", "/recordings/stored/rec%2Fone/file", "", nil)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "audio/wav" || a.header.Get("Content-Length") != "1600" || len(a.raw) != 1600 {
		t.Errorf("status %d, headers %v, %d bytes", a.status, a.header, len(a.raw))
	}
	h.want("GET", "/recordings/stored/rec%2Ftwo/file", "", http.StatusNotFound, "Recording not found")
}

func TestLiveRecordingsThatThereAreNot(t *testing.T) {
	h := newOffice(t, nil)
	h.store("rec/one.wav") // over
	for _, c := range [][2]string{
		{"GET", ""}, {"DELETE", ""}, {"POST", "/stop"}, {"POST", "/pause"}, {"DELETE", "/pause"}, {"POST", "/mute"}, {"DELETE", "/mute"},
	} {
		h.want(c[0], "/recordings/live/rec%2Fone"+c[1], "", http.StatusNotFound, "Recording not found")
	}
}

func TestReplayRecording(t *testing.T) {
	h := newOffice(t, nil)
	h.store("zz.wav")
	replay(t, h, "06a-record-stop.json", nil, nil, nil)
}

// What is a 500 there is the client's mistake here (D14).
func TestReplayCancelOfARecording(t *testing.T) {
	replay(t, newOffice(t, nil), "06b-record-cancel.json", differences{
		"9 POST /channels/R/record":  {why: "D14", status: http.StatusBadRequest, body: map[string]any{"message": errRecordName.Message}},
		"11 POST /channels/R/record": {why: "D14", status: http.StatusBadRequest, body: map[string]any{"message": "Missing parameter name"}},
	}, nil, nil)
}

func TestReplayControlOfAPlayback(t *testing.T) {
	replay(t, newOffice(t, nil), "05c-playback-control.json", nil, nil, nil)
}
