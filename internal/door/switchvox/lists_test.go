package switchvox_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/usercall"
)

// found gives values of the entries of a list in a result: one is an object, several are an array.
func found(t *testing.T, s said, list, entry, name string) (out []string) {
	t.Helper()
	var all struct {
		Response struct {
			Result map[string]map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(s.body), &all); err != nil {
		t.Fatalf("%v: %s", err, s.body)
	}
	raw := all.Response.Result[list][entry]
	var several []map[string]any
	if strings.HasPrefix(string(raw), "{") {
		raw = json.RawMessage("[" + string(raw) + "]")
	}
	if raw != nil {
		if err := json.Unmarshal(raw, &several); err != nil {
			t.Fatalf("%v: %s", err, s.body)
		}
	}
	for _, e := range several {
		text, _ := e[name].(string)
		out = append(out, text)
	}
	return out
}

func TestSearchExtensions(t *testing.T) {
	late := directory.Record{User: directory.User{
		Name: directory.Name{Local: "1000"}, Role: directory.RoleUser, ID: "9", Account: "office", FirstName: "Zoe", CreatedAt: time.Date(2024, 5, 5, 12, 0, 0, 0, time.UTC),
	}}
	h := newHouse(t, late)
	for _, c := range []struct{ parameters, want string }{
		{``, "101 210 250 301 800 900 1000"},
		{`"sort_order":"DESC"`, "1000 900 800 301 250 210 101"},
		{`"min_extension":"250","max_extension":"900"`, "250 301 800 900"},
		{`"extension_types":["sip","ivr"]`, "101 301 800"},
		{`"extension_types":{"extension_type":"virtual"}`, "250 1000"},
		{`"sort_field":"account_id"`, "1000 101 301 800 250 900 210"},
		{`"sort_field":"last_name","sort_order":"desc"`, "900 210 101 250 301 800 1000"},
		{`"sort_field":"type"`, "900 800 101 301 250 1000 210"},
		{`"min_create_date":"2024-05-05"`, "1000"},
		{`"max_create_date":"2024-01-02"`, "101 210 250 301 800 900"},
		{`"items_per_page":"3"`, "101 210 250"},
		{`"items_per_page":3,"page_number":3`, "1000"},
		{`"items_per_page":3,"page_number":4`, ""},
	} {
		got := h.do("POST", "/json", body("switchvox.extensions.search", c.parameters), as("admin"))
		if d := cmp.Diff(c.want, strings.Join(found(t, got, "extensions", "extension", "number"), " ")); d != "" {
			t.Errorf("%s: %s", c.parameters, d)
		}
	}
	got := h.do("POST", "/json", body("switchvox.extensions.search", `"items_per_page":3,"page_number":2`), as("admin"))
	if !strings.Contains(got.body, `"page_number":"2","items_per_page":"3","total_pages":"3","total_items":"7"`) {
		t.Error(got.body)
	}
	if got := h.do("POST", "/json", body("switchvox.extensions.search", `"sort_field":"shoe","page_number":0`), as("admin")); got.code() != "90007" {
		t.Error(got.body)
	}
}

// Call records of calls that have been made come back, with what happened in them.
func TestSearchLogs(t *testing.T) {
	h := newHouse(t)
	h.set(func() { h.rings = "?talk=1ms" })
	for _, second := range []string{"301", "250"} {
		if got := h.do("POST", "/json", dial(second, ""), as("admin")); got.code() != "" {
			t.Fatal(got.body)
		}
	}
	h.set(func() { h.rings = "486" })
	h.do("POST", "/json", body("switchvox.call", `"dial_first":"301","dial_second":"250","dial_as_account_id":"1107"`), as("admin"))
	ended := 0
	for _, err := range h.Events(t.Context(), 0, originate.EventFilter{Types: []call.EventType{call.EvEnded, call.EvCancel}}) {
		h.must(err)
		if ended++; ended == 3 {
			break
		}
	}
	ask := func(parameters string) said {
		return h.do("POST", "/json", body("switchvox.callLogs.search", parameters), as("admin"))
	}
	if got := ask(``); len(found(t, got, "calls", "call", "id")) != 3 || !strings.Contains(got.body, `"total_items":"3"`) {
		t.Error(got.body)
	}
	today := time.Now().Format(time.DateOnly)
	for _, c := range []struct {
		parameters string
		want       int
	}{
		{`"account_ids":["1107"]`, 2}, {`"account_ids":[1106]`, 2}, {`"account_ids":["1106","1107"]`, 3}, {`"account_ids":["1130"]`, 0},
		{`"start_date":"2001-01-01","end_date":"2001-01-02"`, 0}, {`"start_date":"2001-01-01"`, 3}, {`"items_per_page":2,"page_number":2`, 1},
		{`"start_date":"` + today + ` 00:00:00"`, 3},
	} {
		got := ask(c.parameters)
		if n := len(found(t, got, "calls", "call", "id")); n != c.want {
			t.Errorf("%s: %d, want %d: %s", c.parameters, n, c.want, got.body)
		}
	}
	got := ask(`"account_ids":["1107"]`)
	for _, want := range []string{`"origination":"outgoing"`, `"from_account_id":"1107"`, `"from_name":"Ben Ives"`, `"from_number":"301"`, `"talk_duration":"0"`, `"event":[{`, `"display":"Ended: busy"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("no %s: %s", want, got.body)
		}
	}
}

// Each call is shown once, although both phones have it; a tenant's administrator sees the
// tenant's.
func TestCurrentCalls(t *testing.T) {
	boss := directory.Record{User: directory.User{Name: directory.Name{Local: "boss", Tenant: "a.example"}, Role: directory.RoleTenantAdmin, Account: "a"}}
	password(&boss, "ubosspass")
	h := newHouse(t, boss)
	h.current = []usercall.Call{
		{ID: "1", Phone: "101", State: usercall.OnHold, Start: begun.Add(-time.Minute), Account: "1106", From: call.CallerID{Number: "101"}, Codecs: [2]string{"alaw", ""}},
		{ID: "1", Phone: "301", State: usercall.Holding, Start: begun, Account: "1106"},
		{ID: "2", Phone: "102", State: usercall.Ringback, Start: begun.Add(time.Hour), Account: "a", Trunk: "carrier"},
		{ID: "3", Phone: "103", State: usercall.Connected, Parked: true, Start: begun, Account: "b"},
	}
	got := h.do("POST", "/json", body("switchvox.currentCalls.getList", ""), as("admin"))
	for name, want := range map[string]string{
		"id": "1 2 3", "state": "talking ringing parked", "duration": "60 0 0", "from_caller_id_name": "<unknown> <unknown> <unknown>",
		"from_caller_id_number": "101 <unknown> <unknown>", "provider": "Internal carrier Internal", "format": "alaw  ",
	} {
		if got := strings.Join(found(t, got, "current_calls", "current_call", name), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	h.set(func() { h.conf.Tenant = "a.example" })
	ask := func(login, method, parameters string) said {
		return h.do("POST", "/json", body(method, parameters), as(login))
	}
	if got := ask("boss", "switchvox.currentCalls.getList", ""); strings.Join(found(t, got, "current_calls", "current_call", "id"), " ") != "2" {
		t.Error(got.body)
	}
	for _, c := range []struct{ login, id, code string }{
		{"boss", "1", "90006"}, {"boss", "2", ""}, {"boss", "2", "90006"}, {"admin", "3", ""}, {"admin", "", "10011"},
	} {
		if got := ask(c.login, "switchvox.currentCalls.hangUp", `"current_call_id":"`+c.id+`"`); got.code() != c.code {
			t.Errorf("%s ends %s: %s", c.login, c.id, got.body)
		}
	}
}

// TestSharedAccount: tenants that name no account have the same one, and their administrators see, and
// end, the calls of their own phones.
func TestSharedAccount(t *testing.T) {
	record := func(local, tenant, phone string, role directory.Role) directory.Record {
		return directory.Record{User: directory.User{Name: directory.Name{Local: local, Tenant: tenant}, Role: role, Account: "office", Phone: phone}}
	}
	boss := record("boss", "a.example", "", directory.RoleTenantAdmin)
	password(&boss, "ubosspass")
	h := newHouse(t, boss, record("1", "a.example", "a1", directory.RoleUser), record("1", "b.example", "b1", directory.RoleUser))
	h.conf.Tenant = "a.example"
	h.current = []usercall.Call{
		{ID: "1", Phone: "a1", State: usercall.Connected, Start: begun, Account: "office"},
		{ID: "2", Phone: "b1", State: usercall.Connected, Start: begun, Account: "office"},
		{ID: "3", Phone: "b1", State: usercall.Connected, Start: begun, Account: "office"},
		{ID: "3", Phone: "a1", State: usercall.Connected, Start: begun, Account: "office"},
	}
	got := h.do("POST", "/json", body("switchvox.currentCalls.getList", ""), as("boss"))
	if ids := strings.Join(found(t, got, "current_calls", "current_call", "id"), " "); ids != "1 3" {
		t.Errorf("the administrator sees %s", ids)
	}
	for id, code := range map[string]string{"2": "90006", "3": ""} {
		if got := h.do("POST", "/json", body("switchvox.currentCalls.hangUp", `"current_call_id":"`+id+`"`), as("boss")); got.code() != code {
			t.Errorf("%s: %s", id, got.body)
		}
	}
	h.records = []call.CDR{
		{Call: "1", Account: "office", First: "PJSIP/a1", Destination: "PJSIP/5550000@trunk"},
		{Call: "2", Account: "office", First: "PJSIP/b1", Destination: "PJSIP/a1@trunk"},
	}
	got = h.do("POST", "/json", body("switchvox.callLogs.search", ""), as("boss"))
	if ids := strings.Join(found(t, got, "calls", "call", "id"), " "); ids != "1" {
		t.Errorf("the administrator finds %s", ids)
	}
}
