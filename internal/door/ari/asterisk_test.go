package ari

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

func TestInfoTellsWhatIsAskedFor(t *testing.T) {
	started := time.Date(2026, 11, 22, 5, 0, 0, 355e6, time.UTC)
	reloaded := time.Time{}
	h := newOffice(t, func(o *Options) {
		o.Started, o.Reloaded, o.Language = started, func() time.Time { return reloaded }, "de"
	})
	for query, want := range map[string][]string{
		"":                       {"build", "config", "status", "system"},
		"only=":                  {"build", "config", "status", "system"},
		"only=system,status":     {"status", "system"},
		"only=bogus":             {},
		"only=config,bogus":      {"config"},
		"only=build&only=config": {"config"}, // the last one counts
	} {
		o, _ := h.want("GET", "/asterisk/info", query, http.StatusOK, "").body.(map[string]any)
		if d := cmp.Diff(want, slices.Sorted(maps.Keys(o)), cmp.Transformer("", func(l []string) []string { return append([]string{}, l...) })); d != "" {
			t.Error(query, d)
		}
	}
	status := func() any {
		return h.want("GET", "/asterisk/info", "only=status", http.StatusOK, "").body.(map[string]any)["status"]
	}
	const at = "2026-11-22T05:00:00.355+0000"
	if d := cmp.Diff(any(map[string]any{"startup_time": at, "last_reload_time": at}), status()); d != "" {
		t.Error(d)
	}
	reloaded = started.Add(time.Hour)
	if d := cmp.Diff(any(map[string]any{"startup_time": at, "last_reload_time": "2026-11-22T06:00:00.355+0000"}), status()); d != "" {
		t.Error(d)
	}
	config := h.want("GET", "/asterisk/info", "only=config", http.StatusOK, "").body
	want := map[string]any{"config": map[string]any{"name": "", "default_language": "de", "setid": map[string]any{"user": "", "group": ""}}}
	if d := cmp.Diff(any(want), config); d != "" {
		t.Error(d)
	}
}

// globals are global variables, of which "full" cannot be set.
type globals map[string]string

func (g globals) Global(_ context.Context, name string) string { return g[name] }

func (g globals) SetGlobal(_ context.Context, name, value string) error {
	if name == "full" {
		return errors.New("disk full")
	}
	g[name] = value
	return nil
}

func TestGlobalVariables(t *testing.T) {
	g := globals{}
	h := newOffice(t, func(o *Options) { o.Globals = g })
	const path = "/asterisk/variable"
	h.want("GET", path, "", http.StatusBadRequest, "Variable name is required")
	h.want("POST", path, "value=1", http.StatusBadRequest, "Variable name is required")
	value := func(want string) {
		t.Helper()
		if d := cmp.Diff(any(map[string]any{"value": want}), h.want("GET", path, "variable=X", http.StatusOK, "").body); d != "" {
			t.Error(d)
		}
	}
	value("")
	h.want("POST", path, "variable=X&value=1", http.StatusNoContent, "")
	value("1")
	h.want("POST", path, "variable=X", http.StatusNoContent, "")
	value("")
	if a := h.ask("POST", path, "variable=full", nil); a.status != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", a.status)
	}
}

func TestModulesCanOnlyBeReloaded(t *testing.T) {
	var reloads int
	var broken error
	h := newOffice(t, func(o *Options) {
		o.Reload = func(context.Context) error { reloads++; return broken }
	})
	list, _ := h.want("GET", "/asterisk/modules", "", http.StatusOK, "").body.([]any)
	if len(list) < 20 {
		t.Errorf("%d modules", len(list))
	}
	for _, m := range list {
		m := m.(map[string]any)
		if m["status"] != "Running" || m["description"] == "" {
			t.Errorf("module %v", m)
		}
		h.want("GET", "/asterisk/modules/"+m["name"].(string), "", http.StatusOK, "")
	}
	const one, none = "/asterisk/modules/res_pjsip.so", "/asterisk/modules/nosuch.so"
	h.want("GET", none, "", http.StatusNotFound, "Module could not be found in running modules")
	h.want("POST", one, "", http.StatusConflict, "Module could not be loaded")
	h.want("POST", none, "", http.StatusConflict, "Module could not be loaded")
	h.want("DELETE", one, "", http.StatusConflict, "Module could not be unloaded")
	h.want("DELETE", none, "", http.StatusNotFound, "Module not found in running modules")
	h.want("PUT", none, "", http.StatusNotFound, "Module not found in running modules")
	h.want("PUT", one, "", http.StatusNoContent, "")
	broken = errors.New("line 7: no such key")
	h.want("PUT", one, "", http.StatusConflict, "Module could not be reloaded")
	if reloads != 2 {
		t.Errorf("%d reloads, want 2", reloads)
	}
}

func TestLogChannelsAreFixed(t *testing.T) {
	h := newOffice(t, nil)
	h.want("POST", "/asterisk/logging/x", "", http.StatusBadRequest, "Missing parameter configuration")
	h.want("POST", "/asterisk/logging/x", "configuration=notice,warning", http.StatusConflict, "Log channel could not be created")
	h.want("DELETE", "/asterisk/logging/x", "", http.StatusNotFound, "Log channel does not exist")
	h.want("DELETE", "/asterisk/logging/console", "", http.StatusConflict, "Log channel could not be deleted")
	h.want("PUT", "/asterisk/logging/x/rotate", "", http.StatusNotFound, "Log channel does not exist")
	h.want("PUT", "/asterisk/logging/console/rotate", "", http.StatusNoContent, "")
}

func TestConfigurationIsNotChanged(t *testing.T) {
	h := newOffice(t, nil)
	const base = "/asterisk/config/dynamic/"
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		h.want(method, base+"nosuch/endpoint/callee", "", http.StatusNotFound, "configClass 'nosuch' not found")
		h.want(method, base+"res_pjsip/nosuch/callee", "", http.StatusNotFound, "objectType 'nosuch' not found")
	}
	h.want("GET", base+"res_pjsip/endpoint/callee", "", http.StatusNotFound, "Object type 'endpoint' with id 'callee' not found")
	h.want("PUT", base+"res_pjsip/endpoint/callee", "", http.StatusForbidden, "Could not create or update object: the configuration is read from files only")
	h.want("DELETE", base+"res_pjsip/endpoint/callee", "", http.StatusForbidden, "Could not delete object: the configuration is read from files only")
	if a := h.ask("PUT", base+"res_pjsip/endpoint/callee", "", map[string]any{"fields": "x"}); a.status != http.StatusBadRequest {
		t.Errorf("fields that are no list: %d %s, want 400", a.status, a.raw)
	}
}

func TestDeviceStates(t *testing.T) {
	h := newOffice(t, nil)
	h.want("PUT", "/deviceStates/Stasis:z", "", http.StatusBadRequest, "Missing parameter deviceState")
	h.want("PUT", "/deviceStates/Stasis:", "deviceState=BUSY", http.StatusNotFound, "Device name is missing")
	h.want("DELETE", "/deviceStates/Custom:z", "", http.StatusConflict, "Uncontrolled device specified")
	for set, want := range map[string]string{"RINGINUSE": "RINGINUSE", "onhold": "ONHOLD", "bogus": "UNKNOWN"} {
		h.want("PUT", "/deviceStates/Stasis:z", "deviceState="+set, http.StatusNoContent, "")
		if d := cmp.Diff(any(map[string]any{"name": "Stasis:z", "state": want}), h.want("GET", "/deviceStates/Stasis:z", "", http.StatusOK, "").body); d != "" {
			t.Error(d)
		}
	}
	h.want("DELETE", "/deviceStates/Stasis:z", "", http.StatusNoContent, "")
	if d := cmp.Diff(any([]any{}), h.want("GET", "/deviceStates", "", http.StatusOK, "").body); d != "" {
		t.Error(d)
	}
}

// boxes are mailboxes in memory.
type boxes map[string]wire.Mailbox

func (b boxes) List(context.Context) ([]wire.Mailbox, error) {
	return slices.SortedFunc(maps.Values(b), func(x, y wire.Mailbox) int { return x.NewMessages - y.NewMessages }), nil
}
func (b boxes) Get(_ context.Context, name string) (wire.Mailbox, bool, error) {
	m, found := b[name]
	return m, found, nil
}
func (b boxes) Set(_ context.Context, m wire.Mailbox) error { b[m.Name] = m; return nil }
func (b boxes) Delete(_ context.Context, name string) (bool, error) {
	_, existed := b[name]
	delete(b, name)
	return existed, nil
}

func TestMailboxes(t *testing.T) {
	h := newOffice(t, func(o *Options) { o.Mailboxes = boxes{} })
	list := func(want ...any) {
		t.Helper()
		if d := cmp.Diff(any(append([]any{}, want...)), h.want("GET", "/mailboxes", "", http.StatusOK, "").body); d != "" {
			t.Error(d)
		}
	}
	list()
	const box = "/mailboxes/1001%40default"
	h.want("GET", box, "", http.StatusNotFound, "Mailbox not found")
	h.want("DELETE", box, "", http.StatusNotFound, "Mailbox not found")
	h.want("PUT", box, "newMessages=1", http.StatusBadRequest, "Missing parameter oldMessages")
	h.want("PUT", box, "oldMessages=1", http.StatusBadRequest, "Missing parameter newMessages")
	h.want("PUT", box, "oldMessages=1&newMessages=-1", http.StatusBadRequest, "newMessages cannot be negative")
	h.want("PUT", box, "oldMessages=1&newMessages=2", http.StatusNoContent, "")
	want := map[string]any{"name": "1001@default", "old_messages": 1.0, "new_messages": 2.0}
	list(want)
	if d := cmp.Diff(any(want), h.want("GET", box, "", http.StatusOK, "").body); d != "" {
		t.Error(d)
	}
	h.want("DELETE", box, "", http.StatusNoContent, "")
	list()
}

func TestSoundsAreFilteredByLanguageAndFormat(t *testing.T) {
	pair := func(l, f string) wire.FormatLangPair { return wire.FormatLangPair{Language: l, Format: f} }
	h := newOffice(t, func(o *Options) {
		o.Sounds = soundList{
			{ID: "beep", Formats: []wire.FormatLangPair{pair("en", "gsm"), pair("en", "slin"), pair("fr", "gsm")}},
			{ID: "digits/4", Formats: []wire.FormatLangPair{pair("en", "ulaw")}},
		}
	})
	for query, want := range map[string][]wire.Sound{
		"":                   h.o.Sounds.List(),
		"lang=fr":            {{ID: "beep", Formats: []wire.FormatLangPair{pair("fr", "gsm")}}},
		"format=ulaw":        {{ID: "digits/4", Formats: []wire.FormatLangPair{pair("en", "ulaw")}}},
		"lang=en&format=gsm": {{ID: "beep", Formats: []wire.FormatLangPair{pair("en", "gsm")}}},
	} {
		var got []wire.Sound
		h.want("GET", "/sounds", query, http.StatusOK, "").into(t, &got)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(query, d)
		}
	}
	for _, query := range []string{"lang=xx", "lang=fr&format=ulaw", "format=EN"} {
		h.want("GET", "/sounds", query, http.StatusNotFound, "No sounds found that matched the query")
	}
	var got wire.Sound
	h.want("GET", "/sounds/digits%2F4", "", http.StatusOK, "").into(t, &got)
	if got.ID != "digits/4" {
		t.Errorf("sound %q", got.ID)
	}
	h.want("GET", "/sounds/4", "", http.StatusNotFound, "Sound not found")
}
