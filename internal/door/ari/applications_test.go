package ari

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/stasis"
)

// has checks one list of the application.
func (h *office) has(list string, want ...any) {
	h.t.Helper()
	o, _ := h.want("GET", "/applications/lab", "", http.StatusOK, "").body.(map[string]any)
	if want == nil {
		want = []any{}
	}
	if d := cmp.Diff(any(want), o[list]); d != "" {
		h.t.Error(list, d)
	}
}

// Sources are taken from left to right; a bad one leaves those before it (spec: ari 4).
func TestSubscriptionStopsAtTheFirstBadSource(t *testing.T) {
	h := newOffice(t, nil)
	h.want("POST", "/bridges/a", "", http.StatusOK, "")
	h.want("POST", "/bridges/b", "", http.StatusOK, "")
	const path = "/applications/lab/subscription"
	h.want("POST", path, "eventSource=bridge:a,bogus:x,bridge:b", http.StatusBadRequest, "Invalid event source URI scheme")
	h.has("bridge_ids", "a")
	h.want("POST", path, "eventSource=bridge:nosuch,bridge:b", http.StatusUnprocessableEntity, "Event source does not exist")
	h.has("bridge_ids", "a")
	if a := h.ask("POST", path, "", map[string]any{"eventSource": []string{"bridge:b", "endpoint:PJSIP/callee"}}); a.status != http.StatusOK {
		t.Errorf("array in the body: %d %s", a.status, a.raw)
	}
	h.has("bridge_ids", "a", "b")
	h.want("DELETE", path, "eventSource=bridge:a,bridge:a,bridge:b", http.StatusUnprocessableEntity, "Event source does not exist") // D15
	h.has("bridge_ids", "b")
	h.want("POST", "/applications/nosuch/subscription", "eventSource=bridge:a", http.StatusNotFound, "Application not found")
	h.want("DELETE", "/applications/nosuch/subscription", "eventSource=bridge:a", http.StatusNotFound, "Application not found")
	h.want("DELETE", path, "", http.StatusBadRequest, "Missing parameter eventSource")
}

func TestUserEventPassesItsBodyOn(t *testing.T) {
	h := newOffice(t, nil)
	h.up("A")
	h.want("POST", "/bridges/b", "", http.StatusOK, "")
	body := map[string]any{
		"application": "lab", "source": []string{"channel:A", "bridge:b"},
		"variables": map[string]any{"text": "t", "number": 1, "deep": map[string]any{"list": []int{1, 2}}, "eventname": "no"},
	}
	if a := h.ask("POST", "/events/user/my%20event", "", body); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	h.heard.await("ChannelUserevent channel=A bridge=b name=my event")
	u := h.heard.last().Event.Data.(*stasis.User)
	var got any
	if err := json.Unmarshal(u.Body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"text": "t", "number": 1.0, "deep": map[string]any{"list": []any{1.0, 2.0}}, "eventname": "my event",
	}
	if d := cmp.Diff(any(want), got); d != "" {
		t.Error(d)
	}
	for _, bad := range []any{"text", []int{1}, 1} {
		if a := h.ask("POST", "/events/user/x", "application=lab", map[string]any{"variables": bad}); a.status != http.StatusBadRequest {
			t.Errorf("variables %v: %d %s, want 400", bad, a.status, a.raw)
		}
	}
}

func TestClaimOfWhatIsNotOffered(t *testing.T) {
	h := newOffice(t, nil)
	h.up("A")
	const notOffered = "Channel not found or not in broadcast state"
	h.want("POST", "/events/claim", "application=lab", http.StatusBadRequest, "Missing parameter channelId")
	h.want("POST", "/events/claim", "channelId=A", http.StatusBadRequest, "Missing parameter application")
	h.want("POST", "/events/claim", "channelId=A&application=nosuch", http.StatusNotFound, "Application not found")
	h.want("POST", "/events/claim", "channelId=A&application=lab", http.StatusNotFound, notOffered)
	h.want("POST", "/events/claim", "channelId=nosuch&application=lab", http.StatusNotFound, notOffered)
}
