package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/apikey"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// clean is Plans that minds what it is asked to run.
type clean struct{ t testing.TB }

func (clean) Plan() Plan { return Plan{} }

func (clean) Source(string) ([]byte, error) {
	return nil, &Refusal{Code: "not-found", Text: "No file."}
}

func (c clean) Trace(_ context.Context, who string, t PlanTrace) (PlanTraced, error) {
	for _, s := range []string{t.Context, t.Exten} {
		if s == "" || strings.ContainsAny(s, "\x00\r\n/@,;& ") {
			c.t.Errorf("%q is to be run", s)
		}
	}
	if strings.ContainsAny(t.Caller+t.Dials+t.Digits, "\x00\r\n") || who == "" {
		c.t.Errorf("%+v for %q", t, who)
	}
	return PlanTraced{Lines: []string{}}, nil
}

// FuzzPlanTrace sends bodies to the trace of the dialplan: none is a mistake of ours, and only
// what can be a place is run.
func FuzzPlanTrace(f *testing.F) {
	for _, body := range []string{
		`{"context":"main","exten":"100"}`, `{"context":"main","exten":"_X.","caller":"\"A\" <1>","digits":"1w#","dials":"486"}`, `{"context":"a\nb","exten":"1"}`,
		`{"context":"a","exten":"1@b/n"}`, `{"context":"a","exten":"1","dials":"180?x=\u0000"}`, `{`, `[]`, `{"context":1}`,
	} {
		f.Add(body)
	}
	h := setup(f)
	h.door.o.Plans = clean{f}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/v1/dialplan/trace", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r = r.WithContext(auth.NewContext(r.Context(), auth.Local()))
		w := httptest.NewRecorder()
		h.door.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}

// Keys are made, used and revoked by the API; only administrators may, and the key is shown once.
func TestKeysOfTheAPI(t *testing.T) {
	h := setup(t)
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	book, err := apikey.Open(t.Context(), apikey.Options{Store: store, Keys: h.door.o.Keys, Account: func(a call.AccountID) bool { return a == "sales" }})
	if err != nil {
		t.Fatal(err)
	}
	k := threeKeys()
	err = book.Configure([]auth.Entry{
		{Name: "admin", Hash: k[0].hash, Scopes: []auth.Scope{auth.Admin}}, {Name: "sales", Hash: k[1].hash, Account: "sales", Scopes: []auth.Scope{auth.CallsRead}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.door.o.KeyBook = book
	want := func(status int, method, path, key, body string) string {
		t.Helper()
		resp, got := h.do(t, method, path, key, body)
		if resp.StatusCode != status {
			t.Errorf("%s %s: %d %s, want %d", method, path, resp.StatusCode, got, status)
		}
		return got
	}
	var made MadeKey
	if err := json.Unmarshal([]byte(want(http.StatusCreated, "POST", "/v1/keys", h.admin, `{"name":"crm","account":"sales","scopes":["calls:read"]}`)), &made); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(made.Secret, "dw_crm_") || made.CreatedBy != "key:admin" {
		t.Errorf("%+v", made)
	}
	want(http.StatusOK, "GET", "/v1/calls", made.Secret, "")
	want(http.StatusForbidden, "GET", "/v1/keys", made.Secret, "")
	want(http.StatusForbidden, "POST", "/v1/keys", h.sales, `{"name":"x","scopes":["admin"]}`)
	want(http.StatusConflict, "POST", "/v1/keys", h.admin, `{"name":"crm","scopes":["calls:read"]}`)
	want(http.StatusConflict, "DELETE", "/v1/keys/sales", h.admin, "")
	want(http.StatusNotFound, "DELETE", "/v1/keys/nobody", h.admin, "")
	want(http.StatusUnprocessableEntity, "POST", "/v1/keys", h.admin, `{"name":"x","scopes":["root"]}`)
	if list := want(http.StatusOK, "GET", "/v1/keys", h.admin, ""); strings.Contains(list, made.Secret) || strings.Contains(list, "argon2") || !strings.Contains(list, `"uses":2`) {
		t.Error(list)
	}
	want(http.StatusNoContent, "DELETE", "/v1/keys/crm", h.admin, "")
	want(http.StatusUnauthorized, "GET", "/v1/calls", made.Secret, "")
	trail, err := store.Audit(t.Context(), originate.AuditFilter{Principal: "admin"})
	if err != nil || len(trail) != 2 || trail[0].Text != "key revoked" || trail[1].First != "crm" || strings.Contains(trail[1].Text, made.Secret) {
		t.Errorf("%+v, %v", trail, err)
	}
}
