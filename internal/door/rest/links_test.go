package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// withLinks gives a server with links of its own.
func withLinks(t *testing.T) (*house, *link.Book) {
	t.Helper()
	h := setup(t)
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b := link.New(link.Options{
		Store: store, Signer: link.NewSigner([]byte("0123456789abcdef")),
		People: directorytest.New(t, nil, directorytest.Person{Name: "123", User: directory.User{Account: "sales"}}, directorytest.Person{Name: "9", User: directory.User{Account: "other"}}),
		Check: func(_ context.Context, l link.Link, _ directory.User, _ link.By) error {
			if l.Dest == "0900" {
				return &Refusal{Code: "guard", Rule: "deny 0900", Text: "Premium numbers are not allowed.", Field: "number"}
			}
			return nil
		},
		Config: func() link.Config { return link.Config{Base: "https://dial.example.com"} },
	})
	h.door.o.Links = b
	return h, b
}

// links sends a request and reads its answer.
func (h *house) links(t *testing.T, method, path, key, body string, status int, into any) {
	t.Helper()
	resp, got := h.do(t, method, path, key, body)
	if resp.StatusCode != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, got, status)
	}
	if err := json.Unmarshal([]byte(got), into); err != nil {
		t.Fatalf("%s %s: %s: %v", method, path, got, err)
	}
}

// A link is made, listed, shown with its uses and revoked.
func TestLinks(t *testing.T) {
	h, b := withLinks(t)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	body, err := json.Marshal(map[string]any{"user": "123", "number": "+49 30 1", "name": "Ada", "note": "n", "connect": true, "expires": until, "uses": 2, "origins": []string{"https://a.example"}})
	if err != nil {
		t.Fatal(err)
	}
	var made Link
	h.links(t, "POST", "/v1/links", h.admin, string(body), http.StatusCreated, &made)
	if !strings.HasPrefix(made.URL, "https://dial.example.com/link/"+made.ID+".") || made.State != "active" || made.User != "123" || made.Number != "+49301" || made.Name != "Ada" ||
		!made.Connect || !made.Expires.Equal(until) || made.Uses != 2 || made.Used != 0 || made.Account != "sales" || made.CreatedBy != "key:admin" || len(made.Origins) != 1 {
		t.Errorf("%+v", made)
	}
	var second Link
	h.links(t, "POST", "/v1/links", h.admin, `{"user": "9", "number": "7", "life": "10m"}`, http.StatusCreated, &second)
	if d := time.Until(second.Expires); d < 9*time.Minute || d > 10*time.Minute || second.Account != "other" {
		t.Errorf("%+v", second)
	}

	var list struct {
		Links []Link
		Next  string
	}
	h.links(t, "GET", "/v1/links?limit=1", h.admin, "", 200, &list)
	if len(list.Links) != 1 || list.Links[0].ID != second.ID || list.Links[0].URL != second.URL || list.Next == "" {
		t.Errorf("%+v", list)
	}
	h.links(t, "GET", "/v1/links?limit=1&cursor="+url.QueryEscape(list.Next), h.admin, "", 200, &list)
	if len(list.Links) != 1 || list.Links[0].ID != made.ID {
		t.Errorf("%+v", list)
	}
	h.links(t, "GET", "/v1/links?user=9&state=active", h.admin, "", 200, &list)
	if len(list.Links) != 1 || list.Links[0].ID != second.ID {
		t.Errorf("%+v", list)
	}

	// Its uses, with what became of the call.
	c, _, err := h.fake.Submit(t.Context(), call.Request{First: "123"})
	if err != nil {
		t.Fatal(err)
	}
	n, err := b.Begin(t.Context(), made.ID, link.Use{At: time.Now(), Remote: "192.0.2.7", Origin: "https://a.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(t.Context(), made.ID, n, c.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Log(t.Context(), made.ID, link.Use{At: time.Now(), Remote: "192.0.2.8", Refused: "this link does not work from this page"}); err != nil {
		t.Fatal(err)
	}
	var shown LinkDetail
	h.links(t, "GET", "/v1/links/"+made.ID, h.admin, "", 200, &shown)
	if shown.URL != made.URL || shown.Used != 1 || len(shown.History) != 2 || shown.History[0].Refused == "" || shown.History[0].Call != "" ||
		shown.History[1].Call != string(c.ID) || shown.History[1].Outcome != "queued" || shown.History[1].Remote != "192.0.2.7" || shown.History[1].Origin != "https://a.example" {
		t.Errorf("%+v", shown)
	}
	var ended Link
	h.links(t, "POST", "/v1/links/"+made.ID+"/revoke", h.admin, "", 200, &ended)
	if ended.State != "revoked" || ended.RevokedBy != "key:admin" || ended.RevokedAt.IsZero() {
		t.Errorf("%+v", ended)
	}
}

// What cannot be made or seen, and the field that is wrong.
func TestLinkProblems(t *testing.T) {
	h, _ := withLinks(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, field        string
	}{
		{"POST", "/v1/links", `{"user": "nobody", "number": "1"}`, 422, "invalid", "user"},
		{"POST", "/v1/links", `{"user": "123", "number": "x"}`, 422, "invalid", "number"},
		{"POST", "/v1/links", `{"user": "123", "number": "0900"}`, 403, "guard", "number"},
		{"POST", "/v1/links", `{"user": "123", "number": "1", "direct": true, "origins": ["https://a.example"]}`, 422, "invalid", "direct"},
		{"POST", "/v1/links", `{"user": "123"}`, 422, "invalid", ""},
		{"POST", "/v1/links", `{"user": "123", "number": "1", "password": "x"}`, 422, "invalid", ""},
		{"GET", "/v1/links?cursor=x", "", 422, "invalid", "cursor"},
		{"GET", "/v1/links?state=open", "", 422, "invalid", ""},
		{"GET", "/v1/links/aaaaaaaaaaaaaaaa", "", 404, "not-found", ""},
		{"POST", "/v1/links/aaaaaaaaaaaaaaaa/revoke", "", 404, "not-found", ""},
	} {
		var p Problem
		h.links(t, c.method, c.path, h.admin, c.body, c.status, &p)
		if p.Code != c.code || p.Field != c.field {
			t.Errorf("%s %s %s: %s, field %q: %s", c.method, c.path, c.body, p.Code, p.Field, p.Detail)
		}
	}
	h.door.o.Links = nil
	var p Problem
	h.links(t, "GET", "/v1/links", h.admin, "", 404, &p)
	if !strings.Contains(p.Detail, "links.enabled") {
		t.Errorf("%+v", p)
	}
}

// A key works on the links of its account; one that only reads is not shown addresses.
func TestLinkRights(t *testing.T) {
	h, _ := withLinks(t)
	var ours, theirs Link
	h.links(t, "POST", "/v1/links", h.sales, `{"user": "123", "number": "1"}`, http.StatusCreated, &ours)
	h.links(t, "POST", "/v1/links", h.admin, `{"user": "9", "number": "1"}`, http.StatusCreated, &theirs)
	if ours.CreatedBy != "key:sales" || ours.URL == "" {
		t.Errorf("%+v", ours)
	}
	var list struct{ Links []Link }
	h.links(t, "GET", "/v1/links", h.watch, "", 200, &list)
	if len(list.Links) != 1 || list.Links[0].ID != ours.ID || list.Links[0].URL != "" {
		t.Errorf("a key that reads sees %+v", list.Links)
	}
	var shown LinkDetail
	h.links(t, "GET", "/v1/links/"+ours.ID, h.watch, "", 200, &shown)
	if shown.ID != ours.ID || shown.URL != "" {
		t.Errorf("a key that reads sees %+v", shown)
	}
	for _, c := range []struct {
		method, path, key, body string
		status                  int
		code                    string
	}{
		{"POST", "/v1/links", h.sales, `{"user": "9", "number": "1"}`, 422, "invalid"},
		{"GET", "/v1/links/" + theirs.ID, h.sales, "", 404, "not-found"},
		{"POST", "/v1/links/" + theirs.ID + "/revoke", h.sales, "", 404, "not-found"},
		{"POST", "/v1/links", h.watch, `{"user": "123", "number": "1"}`, 403, "forbidden"},
		{"POST", "/v1/links/" + ours.ID + "/revoke", h.watch, "", 403, "forbidden"},
		{"GET", "/v1/links", "", "", 401, "unauthorized"},
	} {
		var p Problem
		h.links(t, c.method, c.path, c.key, c.body, c.status, &p)
		if p.Code != c.code {
			t.Errorf("%s %s: %s: %s", c.method, c.path, p.Code, p.Detail)
		}
	}
	h.links(t, "GET", "/v1/links/"+theirs.ID, h.admin, "", 200, &shown)
	if shown.State != "active" || shown.URL != theirs.URL {
		t.Errorf("%+v", shown)
	}
}
