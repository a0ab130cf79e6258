package rest

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
)

// A key sees the records of its own account only; an administrator those of all.
func TestRecords(t *testing.T) {
	h := setup(t)
	h.calls["a"] = call.Call{ID: "a", Request: call.Request{Account: "sales"}}
	h.calls["b"] = call.Call{ID: "b", Request: call.Request{Account: "other"}}
	h.ended = []string{"a", "b"}
	for _, c := range []struct {
		key  string
		want int
	}{{h.sales, 1}, {h.admin, 2}} {
		resp, body := h.do(t, "GET", "/v1/records?door=rest", c.key, "")
		var got struct{ Records []call.CDR }
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK || len(got.Records) != c.want {
			t.Errorf("%d, %d records, want %d: %v", resp.StatusCode, len(got.Records), c.want, err)
		}
	}
}

// All bridges of applications go at once; those of the dialplan stay unless named.
func TestDestroyBridges(t *testing.T) {
	h := setup(t)
	h.bridges = []Bridge{{ID: "1", Creator: "Stasis"}, {ID: "2", Creator: "Dial"}, {ID: "3", Creator: "Stasis"}}
	if resp, body := h.do(t, "DELETE", "/v1/bridges", h.sales, ""); resp.StatusCode != http.StatusForbidden {
		t.Errorf("without admin: %d %s", resp.StatusCode, body)
	}
	resp, body := h.do(t, "DELETE", "/v1/bridges", h.admin, "")
	var got struct{ Destroyed int }
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK || got.Destroyed != 2 {
		t.Errorf("%d %s: %v", resp.StatusCode, body, err)
	}
	resp, body = h.do(t, "GET", "/v1/bridges", h.admin, "")
	var left struct{ Bridges []Bridge }
	if err := json.Unmarshal([]byte(body), &left); err != nil || resp.StatusCode != http.StatusOK || len(left.Bridges) != 1 || left.Bridges[0].ID != "2" {
		t.Errorf("%d %s: %v", resp.StatusCode, body, err)
	}
}
