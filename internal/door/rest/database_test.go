package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// withDatabase gives a server with an AstDB of its own.
func withDatabase(t *testing.T) *house {
	t.Helper()
	h := setup(t)
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h.door.o.DB = store
	return h
}

// entries asks for a list and follows its pages.
func (h *house) entries(t *testing.T, query string) []string {
	t.Helper()
	var out []string
	cursor := ""
	for {
		resp, body := h.do(t, "GET", "/v1/database?"+query+cursor, h.admin, "")
		var got struct {
			Entries []Entry
			Next    string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s: %v", query, resp.StatusCode, body, err)
		}
		for _, e := range got.Entries {
			out = append(out, e.Path+"="+e.Value)
		}
		if got.Next == "" {
			return out
		}
		cursor = "&cursor=" + url.QueryEscape(got.Next)
	}
}

// TestDatabase puts, gets, lists and deletes in AstDB.
func TestDatabase(t *testing.T) {
	h := withDatabase(t)
	for _, e := range []string{
		`{"path": "actionlist/DIALPROXY-office", "value": "PJSIP/101~callerid=Jörg <1>"}`, `{"path": "/actionlist/empty", "value": ""}`,
		`{"path": "a/b/c/d", "value": "nested"}`, `{"path": "FAM/k", "value": "1"}`, `{"path": "odd/100%?#&\"+ /x", "value": "<&>\u0000"}`,
	} {
		if resp, body := h.do(t, "PUT", "/v1/database/entry", h.admin, e); resp.StatusCode != http.StatusOK {
			t.Fatalf("put %s: %d %s", e, resp.StatusCode, body)
		}
	}
	all := []string{"FAM/k=1", "a/b/c/d=nested", "actionlist/DIALPROXY-office=PJSIP/101~callerid=Jörg <1>", "actionlist/empty=", "odd/100%?#&\"+ /x=<&>\x00"}
	for query, want := range map[string][]string{
		"": all, "limit=2": all, "limit=1": all, "prefix=actionlist": all[2:4], "prefix=action": nil, "prefix=fam": all[:1], "prefix=a/b": all[1:2],
		"key=d": all[1:2], "key=DIALPROXY-office&limit=1": all[2:3], "prefix=%2Factionlist%2F": all[2:4],
	} {
		if diff := cmp.Diff(want, h.entries(t, query)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", query, diff)
		}
	}
	_, body := h.do(t, "GET", "/v1/database/entry?path="+url.QueryEscape("odd/100%?#&\"+ /x"), h.admin, "")
	var e Entry
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.Value != "<&>\x00" {
		t.Errorf("%s: %v", body, err)
	}
	for _, c := range []struct {
		query   string
		status  int
		deleted string
	}{
		{"path=actionlist/empty", 200, `"deleted":1`}, {"path=actionlist/empty", 404, "no entry"}, {"path=actionlist", 422, "family/key"},
		{"path=actionlist&tree=true", 200, `"deleted":1`}, {"path=actionlist&tree=true", 200, `"deleted":0`}, {"path=/&tree=true", 200, `"deleted":0`}, {"tree=true", 422, ""},
	} {
		resp, body := h.do(t, "DELETE", "/v1/database?"+c.query, h.admin, "")
		if resp.StatusCode != c.status || !strings.Contains(body, c.deleted) {
			t.Errorf("delete %s: %d %s", c.query, resp.StatusCode, body)
		}
	}
	if left := h.entries(t, ""); len(left) != 3 {
		t.Errorf("left %q", left)
	}
}

func TestDatabaseImport(t *testing.T) {
	h := withDatabase(t)
	if resp, body := h.do(t, "PUT", "/v1/database/entry", h.admin, `{"path": "fam/mine", "value": "1"}`); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.StatusCode, body)
	}
	entries := `"entries": [{"path": "fam/mine", "value": "2"}, {"path": "fam/new", "value": "3"}]`
	for _, c := range []struct{ more, want string }{
		{`, "dry_run": true, "overwrite": true`, `{"added":1,"replaced":1,"same":0,"kept":0}`},
		{``, `{"added":1,"replaced":0,"same":0,"kept":1}`},
		{`, "overwrite": true`, `{"added":0,"replaced":1,"same":1,"kept":0}`},
	} {
		if resp, body := h.do(t, "POST", "/v1/database/import", h.admin, "{"+entries+c.more+"}"); resp.StatusCode != http.StatusOK || strings.TrimSpace(body) != c.want {
			t.Errorf("%s: %d %s, want %s", c.more, resp.StatusCode, body, c.want)
		}
	}
	if diff := cmp.Diff([]string{"fam/mine=2", "fam/new=3"}, h.entries(t, "")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// One that is wrong keeps all out.
	if resp, body := h.do(t, "POST", "/v1/database/import", h.admin, `{"entries": [{"path": "x/y", "value": ""}, {"path": "nokey", "value": ""}]}`); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if got := h.entries(t, "prefix=x"); got != nil {
		t.Errorf("stored %q", got)
	}
}

// What is wrong, who may not, and a server that has no database.
func TestDatabaseRefuses(t *testing.T) {
	h := withDatabase(t)
	long := strings.Repeat("x", 4100)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/v1/database/entry", `{"path": "nokey", "value": ""}`, 422},
		{"PUT", "/v1/database/entry", `{"path": "a//", "value": ""}`, 422},
		{"PUT", "/v1/database/entry", `{"path": "/a", "value": ""}`, 422},
		{"PUT", "/v1/database/entry", `{"path": "a/b"}`, 422},
		{"PUT", "/v1/database/entry", fmt.Sprintf(`{"path": "a/%s", "value": ""}`, long), 422},
		{"PUT", "/v1/database/entry", fmt.Sprintf(`{"path": "a/b", "value": "%s"}`, strings.Repeat("x", 65<<10)), 413},
		{"GET", "/v1/database/entry?path=a/b", "", 404},
		{"GET", "/v1/database/entry", "", 422},
		{"GET", "/v1/database?key=a&prefix=b", "", 422},
		{"POST", "/v1/database/import", `{"entries": []}`, 422},
	} {
		resp, body := h.do(t, c.method, c.path, h.admin, c.body)
		if resp.StatusCode != c.status {
			t.Errorf("%s %s %.60s: %d %s, want %d", c.method, c.path, c.body, resp.StatusCode, body, c.status)
		}
		if resp, _ := h.do(t, c.method, c.path, h.sales, c.body); resp.StatusCode != http.StatusForbidden && c.status != 413 {
			t.Errorf("%s %s without admin: %d", c.method, c.path, resp.StatusCode)
		}
	}
	h.door.o.DB = nil
	for _, c := range [][3]string{
		{"GET", "/v1/database", ""}, {"DELETE", "/v1/database?path=a/b", ""}, {"GET", "/v1/database/entry?path=a/b", ""},
		{"PUT", "/v1/database/entry", `{"path": "a/b", "value": ""}`}, {"POST", "/v1/database/import", `{"entries": [{"path": "a/b", "value": ""}]}`},
	} {
		if resp, body := h.do(t, c[0], c[1], h.admin, c[2]); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s %s: %d %s", c[0], c[1], resp.StatusCode, body)
		}
	}
}
