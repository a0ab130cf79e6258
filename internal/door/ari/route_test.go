package ari

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// Every operation of the table has a handler, and every handler an operation.
func TestEveryOperationIsCarriedOut(t *testing.T) {
	b := newBare(t, nil)
	handlers := b.server.handlers()
	for _, op := range wire.Operations() {
		if _, ok := handlers[op.Key()]; !ok && !op.Upgrade {
			t.Errorf("nobody carries out %s", op.Key())
		}
		delete(handlers, op.Key())
	}
	for key := range handlers {
		t.Errorf("%s is in no table", key)
	}
}

func TestRoutes(t *testing.T) {
	routes := newRoutes(wire.Operations(), nil)
	for _, c := range []struct {
		method, path, key string
		parameters        map[string]string
	}{
		{"GET", "/channels", "channels.list", nil},
		{"POST", "/channels/create", "channels.create", nil},
		{"POST", "/channels/externalMedia", "channels.externalMedia", nil},
		{"POST", "/channels/c1", "channels.originateWithId", map[string]string{"channelId": "c1"}},
		{"GET", "/channels/create", "", nil}, // no channel of that name
		{"POST", "/channels/create/answer", "", nil},
		{"POST", "/channels/a+b%2Fc%3f/answer", "channels.answer", map[string]string{"channelId": "a b/c?"}},
		{"POST", "/channels/%/answer", "channels.answer", map[string]string{"channelId": "%"}},
		{"POST", "/bridges/b/videoSource/c", "bridges.setVideoSource", map[string]string{"bridgeId": "b", "channelId": "c"}},
		{"GET", "/recordings/stored/a%2Fb/file", "recordings.getStoredFile", map[string]string{"recordingName": "a/b"}},
		{"GET", "/bridges//x", "bridges.list", nil}, // an empty segment ends the path
		{"PUT", "/endpoints/sendMessage", "endpoints.sendMessage", nil},
		{"GET", "/endpoints/PJSIP/100", "endpoints.get", map[string]string{"tech": "PJSIP", "resource": "100"}},
		{"PATCH", "/channels", "", nil},
		{"GET", "/nosuch", "", nil},
		{"GET", "", "", nil},
		{"GET", "x/channels", "", nil},
	} {
		n, parameters := routes.find(c.path)
		key := ""
		if n != nil && n.operations[c.method] != nil {
			key = n.operations[c.method].key
		}
		if key != c.key {
			t.Errorf("%s %s: %q, want %q", c.method, c.path, key, c.key)
		}
		if d := cmp.Diff(c.parameters, parameters); c.key != "" && d != "" {
			t.Errorf("%s %s: %s", c.method, c.path, d)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	b := newBare(t, nil)
	for _, c := range []struct {
		method, target string
		status         int
		allow          string
	}{
		{"GET", "/ari", 405, "OPTIONS"},
		{"GET", "/ari/", 405, "OPTIONS"},
		{"GET", "/arix", 404, ""},
		{"GET", "/", 404, ""},
		{"GET", "/ari/channels/", 404, ""},
		{"OPTIONS", "/ari/channels/nosuch/answer", 204, "OPTIONS,POST"},
		{"OPTIONS", "/ari/events", 204, "OPTIONS"},
		{"POST", "/ari/events", 405, "OPTIONS"},
		{"GET", "/ari/channels/create", 405, "OPTIONS,POST"},
		{"HEAD", "/ari/channels", 405, "OPTIONS,GET,POST"},
		{"GET", "/ari/api-docs/../channels.json", 404, ""},
		{"GET", "/ari/api-docs/..%2f..%2fchannels.json", 404, ""},
		{"GET", "/ari/api-docs/channels", 404, ""},
		{"GET", "/ari/api-docs/channels.json", 200, ""},
		{"GET", "/ari/api-docs", 404, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.target, nil)
		r.SetBasicAuth("ari", "secret")
		w := httptest.NewRecorder()
		b.server.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q: %.200s", c.method, c.target, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}

// FuzzRoute: whatever the path, an answer comes, and none that is our own fault.
func FuzzRoute(f *testing.F) {
	for _, op := range wire.Operations() {
		f.Add(op.Method, op.Path)
	}
	f.Add("GET", "/channels/%00%2F+%zz/variable")
	f.Add("OPTIONS", "//x///")
	routes := newRoutes(wire.Operations(), nil)
	f.Fuzz(func(t *testing.T, method, path string) {
		n, parameters := routes.find(path)
		if n == nil {
			return
		}
		if len(parameters) > strings.Count(path, "/")+1 {
			t.Errorf("%q has parameters %v", path, parameters)
		}
		if r, ok := n.operations[method]; ok && r.do == nil {
			t.Errorf("%s %q: nothing to do", method, path)
		}
		if m := n.methods(); m[0] != http.MethodOptions {
			t.Errorf("methods %v", m)
		}
	})
}

// FuzzRequest: what a client writes after the method is answered, and never with a 500.
func FuzzRequest(f *testing.F) {
	f.Add("channels/x/answer?a=%2", "application/json", `{"a":[1,2,{"b":null}]}`)
	f.Add("bridges?type=mixing", "application/x-www-form-urlencoded", "a=b&&=&%")
	f.Add("events?app=x&cursor=%00", "", "")
	f.Fuzz(func(t *testing.T, target, contentType, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/ari/"+target, strings.NewReader(body))
		if err != nil {
			t.Skip("no URL")
		}
		b := newBare(t, nil)
		r.Header.Set("Content-Type", contentType)
		r.SetBasicAuth("ari", "secret")
		w := httptest.NewRecorder()
		b.server.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%q: %s", target, w.Body)
		}
	})
}
