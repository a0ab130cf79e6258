package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// echoes is a dialect of one command.
type echoes struct{ by Commander }

func (e *echoes) Run(_ context.Context, by Commander, line string) (output, outcome string) {
	e.by = by
	text, ok := strings.CutPrefix(line, "echo ")
	if !ok {
		return "No such command\n", "unknown"
	}
	return text + "\n", "done"
}

func (*echoes) Complete(_ context.Context, line string) []string {
	if strings.HasPrefix("echo", line) {
		return []string{"echo"}
	}
	return nil
}

func (*echoes) Version() string { return "Asterisk 22.10.1 (Dialwright)" }

func TestCommands(t *testing.T) {
	h := setup(t)
	e := &echoes{}
	h.door.o.Commands = e
	for _, c := range []struct {
		path, key, body string
		status          int
		want            string
	}{
		{"/v1/rx", h.admin, `{"command":"echo <a>"}`, http.StatusOK, `{"output":"<a>\n","outcome":"done"}`},
		{"/v1/rx", h.admin, `{"command":"nosuch"}`, http.StatusOK, `{"output":"No such command\n","outcome":"unknown"}`},
		{"/v1/rx", h.sales, `{"command":"echo a"}`, http.StatusForbidden, ""},
		{"/v1/rx", "", `{"command":"echo a"}`, http.StatusUnauthorized, ""},
		{"/v1/rx/complete", h.admin, `{"line":"ec"}`, http.StatusOK, `{"words":["echo"],"version":"Asterisk 22.10.1 (Dialwright)"}`},
		{"/v1/rx/complete", h.admin, `{"line":"x"}`, http.StatusOK, `{"words":[],"version":"Asterisk 22.10.1 (Dialwright)"}`},
		{"/v1/rx/complete", h.watch, `{"line":"x"}`, http.StatusForbidden, ""},
	} {
		resp, body := h.do(t, "POST", c.path, c.key, c.body)
		if resp.StatusCode != c.status {
			t.Errorf("%s %s: status %d, want %d: %s", c.path, c.body, resp.StatusCode, c.status, body)
		}
		if c.want != "" && compact(t, body) != compact(t, c.want) {
			t.Errorf("%s %s: %s, want %s", c.path, c.body, body, c.want)
		}
	}
	if e.by.Principal != "admin" || !strings.HasPrefix(e.by.Remote, "127.0.0.1:") {
		t.Errorf("given by %+v", e.by)
	}
	h.door.o.Commands = nil
	if resp, body := h.do(t, "POST", "/v1/rx", h.admin, `{"command":"echo a"}`); resp.StatusCode != http.StatusNotFound {
		t.Errorf("without a dialect: %d %s", resp.StatusCode, body)
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
