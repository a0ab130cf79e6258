package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
)

func code(t *testing.T, body string) string {
	t.Helper()
	var p struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Detail == "" {
		t.Errorf("not a problem: %q (%v)", body, err)
	}
	return p.Code
}

// The whole body in our words becomes the whole request.
func TestCreateCallTranslatesEverything(t *testing.T) {
	h := setup(t)
	resp, body := h.do(t, "POST", "/v1/calls", h.sales, `{
		"first": "101", "second": "+49 30 123456", "caller_id": "\"Sales\" <+4930999>",
		"wait_time": "30s", "second_wait": 20.5, "max_time": "1h", "confirm": true, "prompt": "hello",
		"retry": {"max": 3, "wait": 60, "on": ["BUSY"], "wait_by": {"BUSY": "10s"}},
		"not_before": "2030-01-01T10:00:00+01:00", "not_after": "2030-01-02T00:00:00Z",
		"priority": -5, "batch": "b1", "auto_answer": true, "early_media": true, "codecs": ["PCMA"],
		"variables": {"Z": "1", "A": "2"}, "reference": "order 7"}`, "Idempotency-Key", "k1")
	if resp.StatusCode != http.StatusCreated || resp.Header.Get("Location") != "/v1/calls/call-1" {
		t.Fatalf("%d %s: %s", resp.StatusCode, resp.Header.Get("Location"), body)
	}
	want := call.Request{
		Key: "k1", Account: "sales", First: "101",
		Then:     call.Then{Kind: call.ThenConnect, Second: "+49 30 123456", Confirm: true, Prompt: "hello", WaitTime: 20500 * time.Millisecond, MaxTime: time.Hour},
		CallerID: call.CallerID{Name: "Sales", Number: "+4930999"},
		WaitTime: 30 * time.Second, Priority: -5, Batch: "b1", AutoAnswer: true, EarlyMedia: true, Codecs: []string{"PCMA"},
		Retry:     call.Retry{Max: 3, Wait: time.Minute, On: []call.Disposition{call.Busy}, WaitBy: map[call.Disposition]time.Duration{call.Busy: 10 * time.Second}},
		NotBefore: time.Date(2030, 1, 1, 9, 0, 0, 0, time.UTC), NotAfter: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC),
		Variables: []call.Variable{{Name: "Z", Value: "1"}, {Name: "A", Value: "2"}},
		Origin:    call.Origin{Door: "rest", Principal: "sales", Reference: "order 7"},
	}
	got := h.calls["call-1"].Request
	if !strings.HasPrefix(got.Origin.Remote, "127.0.0.1:") {
		t.Errorf("remote %q", got.Origin.Remote)
	}
	got.Origin.Remote = ""
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
}

func TestIdempotencyKeyMakesOneCall(t *testing.T) {
	h := setup(t)
	body := `{"first":"101","second":"102"}`
	_, first := h.do(t, "POST", "/v1/calls", h.sales, body, "Idempotency-Key", "k")
	resp, second := h.do(t, "POST", "/v1/calls", h.sales, body, "Idempotency-Key", "k")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Idempotent-Replayed") != "true" || first != second {
		t.Errorf("repeat: %d, replayed %q", resp.StatusCode, resp.Header.Get("Idempotent-Replayed"))
	}
	if len(h.calls) != 1 {
		t.Errorf("%d calls", len(h.calls))
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	h := setup(t)
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"nothing":        {``, 400, "malformed"},
		"not JSON":       {`{`, 400, "malformed"},
		"no first":       {`{"second":"102"}`, 422, "invalid"},
		"no then":        {`{"first":"101"}`, 422, "invalid"},
		"two thens":      {`{"first":"101","second":"102","app":{"name":"x"}}`, 422, "invalid"},
		"unknown member": {`{"first":"101","second":"102","secnd":"1"}`, 422, "invalid"},
		"bad duration":   {`{"first":"101","second":"102","wait_time":"soon"}`, 422, "invalid"},
		"huge duration":  {`{"first":"101","second":"102","wait_time":1e300}`, 422, "invalid"},
		"negative":       {`{"first":"101","second":"102","wait_time":-1}`, 422, "invalid"},
		"wrong type":     {`{"first":101,"second":"102"}`, 422, "invalid"},
		"other account":  {`{"first":"101","second":"102","account":"boss"}`, 403, "account"},
		"too large":      {`{"first":"` + strings.Repeat("1", 70<<10) + `"}`, 413, "too-large"},
	} {
		resp, body := h.do(t, "POST", "/v1/calls", h.sales, c.body)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != "application/problem+json" || code(t, body) != c.code {
			t.Errorf("%s: %d %s %s; want %d %s", name, resp.StatusCode, resp.Header.Get("Content-Type"), body, c.status, c.code)
		}
	}
}

// The trail is the admin's alone; its pages join without gap or repeat.
func TestAuditTrail(t *testing.T) {
	h := setup(t)
	if resp, body := h.do(t, "GET", "/v1/audit", h.sales, ""); resp.StatusCode != http.StatusForbidden || code(t, body) != "forbidden" {
		t.Errorf("without the scope: %d %s", resp.StatusCode, body)
	}
	page := func(query string) (seqs []int64, next string) {
		t.Helper()
		resp, body := h.do(t, "GET", "/v1/audit"+query, h.admin, "")
		var got struct {
			Entries []AuditEntry
			Next    string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		for _, e := range got.Entries {
			seqs = append(seqs, e.Seq)
		}
		return seqs, got.Next
	}
	seqs, next := page("?limit=2")
	more, last := page("?limit=2&cursor=" + next)
	if d := cmp.Diff([]int64{3, 2, 1}, append(seqs, more...)); d != "" || last != "" {
		t.Errorf("%s, next %q", d, last)
	}
	if denied, _ := page("?denied=true"); len(denied) != 2 {
		t.Errorf("denials %v", denied)
	}
	if resp, body := h.do(t, "GET", "/v1/audit?cursor=x", h.admin, ""); resp.StatusCode != 422 || code(t, body) != "invalid" {
		t.Errorf("a bad cursor: %d %s", resp.StatusCode, body)
	}
}

// What SIP and media count is measured under its name and label.
func TestSIPAndMediaMetrics(t *testing.T) {
	h := setup(t)
	_, body := h.do(t, "GET", "/metrics", "", "")
	for _, want := range []string{
		`rtp_dropped_total{reason="invalid"} 11`, `rtp_dropped_total{reason="payload-type"} 12`, `rtp_dropped_total{reason="source"} 13`,
		`rtp_no_ports_total 14`, `panics_total{part="media"} 1`, `panics_total{part="sip"} 2`,
		`sip_messages_received_total 21`, `sip_messages_sent_total 22`, `sip_send_errors_total 23`,
		`sip_messages_refused_total{reason="unparseable"} 24`, `sip_messages_refused_total{reason="limited"} 25`,
		`sip_keepalives_total 26`, `sip_read_errors_total 27`, `sip_connections 28`,
		`sip_connections_total{result="accepted"} 29`, `sip_connections_total{result="turned-away"} 30`,
		`sip_transactions 31`, `sip_legs 32`, `sip_phones_registered 33`,
	} {
		if !strings.Contains(body, "\ndialwright_"+want+"\n") {
			t.Errorf("missing: %s", want)
		}
	}
}

// Every refusal code has its status; anything else is "internal" without details.
func TestRefusalsBecomeProblems(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{&Refusal{Code: "invalid", Text: "x"}, 422, "invalid"},
		{&Refusal{Code: "account", Text: "x"}, 403, "account"},
		{&Refusal{Code: "destination", Text: "x"}, 422, "destination"},
		{&Refusal{Code: "guard", Text: "x"}, 403, "guard"},
		{&Refusal{Code: "rate", Text: "x", RetryAfter: 1500 * time.Millisecond}, 429, "rate"},
		{&Refusal{Code: "key-reused", Text: "x"}, 422, "key-reused"},
		{&Refusal{Code: "stopping", Text: "x"}, 503, "stopping"},
		{&Refusal{Code: "not-found", Text: "x"}, 404, "not-found"},
		{&Refusal{Code: "state", Text: "x"}, 409, "state"},
		{&Refusal{Code: "store", Text: "x"}, 503, "store"},
		{fmt.Errorf("submit: %w", &Refusal{Code: "guard", Text: "x"}), 403, "guard"},
		{auth.ErrNoKey, 401, "unauthorized"},
		{auth.ErrWrongKey, 401, "unauthorized"},
		{auth.ErrThrottled, 429, "rate"},
		{context.Canceled, 503, "unavailable"},
		{errors.New("disk /dev/secret broke"), 500, "internal"},
	} {
		p := problemOf(t.Context(), slog.New(slog.DiscardHandler), c.err)
		if p.Status != c.status || p.Code != c.code || strings.Contains(p.Detail, "secret") {
			t.Errorf("%v: %d %s %q; want %d %s", c.err, p.Status, p.Code, p.Detail, c.status, c.code)
		}
		if (c.status == 429 || c.status == 503 && c.code != "unavailable") && p.GetHeaders().Get("Retry-After") == "" {
			t.Errorf("%v: no Retry-After", c.err)
		}
	}
}

func TestKeysAndScopes(t *testing.T) {
	h := setup(t)
	for _, c := range []struct {
		method, path, key, body string
		status                  int
	}{
		{"GET", "/v1/calls", "", "", 401},
		{"GET", "/v1/calls", "dw_sales_WRONG", "", 401},
		{"GET", "/v1/calls", h.watch, "", 200},
		{"POST", "/v1/calls", h.watch, `{"first":"101","second":"102"}`, 403},
		{"GET", "/v1/events", h.watch, "", 403},
		{"GET", "/v1/phones", h.sales, "", 403},
		{"GET", "/v1/phones", h.admin, "", 200},
		{"POST", "/v1/config/reload", h.sales, "", 403},
		{"POST", "/v1/config/reload", h.admin, "", 200},
		{"GET", "/healthz", "", "", 200},
		{"GET", "/readyz", "", "", 200},
		{"GET", "/metrics", "", "", 200},
		{"GET", "/v1/openapi.json", "", "", 200},
		{"GET", "/v1/nothing", h.admin, "", 404},
		{"DELETE", "/v1/calls", h.admin, "", 405},
		{"POST", "/v1/events", h.admin, "", 405},
		{"PUT", "/v1/calls/x/cancel", h.admin, "", 405},
		{"DELETE", "/v1/nothing", h.admin, "", 404},
	} {
		if resp, body := h.do(t, c.method, c.path, c.key, c.body); resp.StatusCode != c.status {
			t.Errorf("%s %s: %d %s; want %d", c.method, c.path, resp.StatusCode, body, c.status)
		}
	}
}

// A key sees the calls of its own account only.
func TestOtherAccountsDoNotExist(t *testing.T) {
	h := setup(t)
	h.do(t, "POST", "/v1/calls", h.admin, `{"first":"101","second":"102","account":"boss","batch":"b"}`)
	h.do(t, "POST", "/v1/calls", h.sales, `{"first":"101","second":"102","batch":"b"}`)
	for _, path := range []string{"/v1/calls/call-1", "/v1/calls/call-1/attempts", "/v1/calls/call-1/explain"} {
		if resp, _ := h.do(t, "GET", path, h.sales, ""); resp.StatusCode != 404 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	for _, path := range []string{"/v1/calls/call-1/cancel", "/v1/calls/call-1/hangup", "/v1/batches/b/cancel"} {
		if resp, _ := h.do(t, "POST", path, h.sales, ""); resp.StatusCode != 404 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if len(h.ended)+len(h.paused) != 0 {
		t.Errorf("touched: %v %v", h.ended, h.paused)
	}
	_, body := h.do(t, "GET", "/v1/calls?account=boss", h.sales, "")
	if strings.Contains(body, "call-1") || !strings.Contains(body, "call-2") {
		t.Errorf("list: %s", body)
	}
}

func TestCancelHangupBatches(t *testing.T) {
	h := setup(t)
	h.do(t, "POST", "/v1/calls", h.sales, `{"first":"101","second":"102","batch":"b"}`)
	for _, path := range []string{"/v1/calls/call-1/cancel", "/v1/calls/call-1/hangup", "/v1/batches/b/pause", "/v1/batches/b/resume", "/v1/batches/b/cancel"} {
		if resp, body := h.do(t, "POST", path, h.sales, ""); resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	got := strings.Join(append(h.ended, h.paused...), ", ")
	if want := "cancel call-1 by sales, hangup call-1 by sales, pause b, resume b, cancel b"; got != want {
		t.Errorf("done: %s; want %s", got, want)
	}
	h.refuse = &Refusal{Code: "state", Text: "The call has ended."}
	if resp, body := h.do(t, "POST", "/v1/calls/call-1/cancel", h.sales, ""); resp.StatusCode != 409 || code(t, body) != "state" {
		t.Errorf("cancel of an ended call: %d %s", resp.StatusCode, body)
	}
}

func TestBatchHasAResultPerCall(t *testing.T) {
	h := setup(t)
	resp, body := h.do(t, "POST", "/v1/batches", h.sales, `{"batch":"b","calls":[
		{"first":"101","second":"102","key":"1"}, {"first":"bad","second":"102"}, {"first":"101"}, {"first":"101","second":"102","key":"1"}]}`)
	var got struct {
		Accepted, Refused int
		Results           []struct {
			Index    int
			ID       string
			Replayed bool
			Error    *struct{ Code string }
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d %s %v", resp.StatusCode, body, err)
	}
	if got.Accepted != 2 || got.Refused != 2 || got.Results[0].ID != "call-1" || got.Results[1].Error.Code != "destination" ||
		got.Results[2].Error.Code != "invalid" || !got.Results[3].Replayed {
		t.Errorf("%+v", got)
	}
	if h.calls["call-1"].Request.Batch != "b" {
		t.Error("no batch")
	}
}

func TestExplainRouteCheckStats(t *testing.T) {
	h := setup(t)
	h.do(t, "POST", "/v1/calls", h.admin, `{"first":"101","second":"102"}`)
	for path, want := range map[string]string{
		"/v1/calls/call-1/explain": "486 Busy Here",
		"/v1/route?number=101":     `"endpoint":"PJSIP/101"`,
		"/v1/stats":                `"node":"n1"`,

		"/v1/route?number=101&label=office": `"after":"101@office"`,
		"/v1/trunks":                        `"carrier"`,
		"/metrics":                          `dialwright_attempts_ended_total{disposition="BUSY"} 1`,
	} {
		if resp, body := h.do(t, "GET", path, h.admin, ""); resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if _, body := h.do(t, "POST", "/v1/check", h.admin, `{"first":"bad","second":"102"}`); !strings.Contains(body, `"rule":"deny +1900"`) || !strings.Contains(body, `"accepted":false`) {
		t.Errorf("check: %s", body)
	}
}

func TestBrowsersOfOtherOriginsChangeNothing(t *testing.T) {
	h := setup(t)
	body := `{"first":"101","second":"102"}`
	resp, text := h.do(t, "POST", "/v1/calls", h.sales, body, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	if resp.StatusCode != 403 || code(t, text) != "cross-origin" || len(h.calls) != 0 {
		t.Errorf("cross-origin: %d %s", resp.StatusCode, text)
	}
	if resp, text := h.do(t, "POST", "/v1/calls", h.sales, body, "Origin", "https://crm.example.com", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 201 {
		t.Errorf("trusted origin: %d %s", resp.StatusCode, text)
	}
}

// openSSE starts a stream and gives its lines.
func (h *house) openSSE(t *testing.T, query string, headers ...string) (*bufio.Scanner, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", h.url+"/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.sales)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp, err)
	}
	t.Cleanup(func() { cancel(); resp.Body.Close() })
	return bufio.NewScanner(resp.Body), cancel
}

// until reads lines up to one that begins with prefix.
func until(t *testing.T, sc *bufio.Scanner, prefix string) string {
	t.Helper()
	for sc.Scan() {
		if strings.HasPrefix(sc.Text(), prefix) {
			return sc.Text()
		}
	}
	t.Fatalf("the stream ended before %q: %v", prefix, sc.Err())
	return ""
}

func TestSSEResumesAfterLastEventID(t *testing.T) {
	h := setup(t)
	for range 3 {
		h.do(t, "POST", "/v1/calls", h.sales, `{"first":"101","second":"102"}`)
	}
	h.do(t, "POST", "/v1/calls", h.admin, `{"first":"101","second":"102","account":"boss"}`)
	sc, _ := h.openSSE(t, "", "Last-Event-ID", "1")
	if got := until(t, sc, "id: "); got != "id: 2" {
		t.Errorf("first: %s", got)
	}
	until(t, sc, "id: 3")
	h.do(t, "POST", "/v1/calls", h.sales, `{"first":"101","second":"102"}`)
	if got := until(t, sc, "id: "); got != "id: 5" { // 4 is the boss's
		t.Errorf("live: %s", got)
	}
}

// A reader that comes back too late is told what it missed and goes on.
func TestSSETellsWhatWasLost(t *testing.T) {
	h := setup(t)
	h.oldest = 100
	h.do(t, "POST", "/v1/calls", h.sales, `{"first":"101","second":"102"}`)
	sc, _ := h.openSSE(t, "?after=5")
	until(t, sc, "event: lost")
	if got := until(t, sc, "data: "); got != `data: {"after":5,"oldest":100}` {
		t.Error(got)
	}
	until(t, sc, "id: 100")
}

// A number that this journal has never given is one of another: after a
// restored backup a reader must not wait in silence until it is reached.
func TestSSEAheadOfTheJournal(t *testing.T) {
	h := setup(t)
	h.do(t, "POST", "/v1/calls", h.sales, `{"first":"101","second":"102"}`)
	sc, _ := h.openSSE(t, "", "Last-Event-ID", "900")
	until(t, sc, "event: lost")
	if got := until(t, sc, "data: "); got != `data: {"after":900,"oldest":2}` {
		t.Error(got)
	}
	h.do(t, "POST", "/v1/calls", h.sales, `{"first":"101","second":"102"}`)
	until(t, sc, "id: 2")
}

func TestUnknownEventTypeIsRefused(t *testing.T) {
	h := setup(t)
	resp, body := h.do(t, "GET", "/v1/events?type=call.ended&type=call.endd", h.sales, "")
	if resp.StatusCode != 422 || code(t, body) != "invalid" || !strings.Contains(body, "call.expired") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestOtherMethodsAreNamed(t *testing.T) {
	h := setup(t)
	for path, want := range map[string]string{"/v1/calls": "GET, HEAD, POST", "/v1/calls/x/cancel": "POST"} {
		resp, body := h.do(t, "DELETE", path, h.sales, "")
		if got := resp.Header.Get("Allow"); resp.StatusCode != 405 || got != want || code(t, body) != "method-not-allowed" {
			t.Errorf("%s: %d, Allow %q, %s", path, resp.StatusCode, got, body)
		}
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	h := setup(t)
	sc, _ := h.openSSE(t, "")
	ws, _, err := websocket.Dial(t.Context(), strings.Replace(h.url, "http", "ws", 1)+"/v1/events/ws?after=0",
		&websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + h.sales}}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	h.do(t, "POST", "/v1/calls", h.sales, `{"first":"101","second":"102"}`)
	_, msg, err := ws.Read(t.Context())
	if err != nil || !strings.Contains(string(msg), `"seq":1`) {
		t.Fatalf("%s %v", msg, err)
	}
	until(t, sc, "id: 1")
	stopped := make(chan error, 1)
	go func() { stopped <- h.door.Stop(t.Context()) }()
	until(t, sc, "event: bye")
	if _, msg, err = ws.Read(t.Context()); err != nil || string(msg) != `{"bye":true}` {
		t.Errorf("%s %v", msg, err)
	}
	if _, _, err = ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("close: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if resp, _ := h.do(t, "GET", "/v1/events", h.sales, ""); resp.StatusCode != 503 {
		t.Errorf("a stream after Stop: %d", resp.StatusCode)
	}
}

// A principal put into the context by the control socket needs no key.
func TestLocalPrincipal(t *testing.T) {
	h := setup(t)
	req := httptest.NewRequestWithContext(auth.NewContext(t.Context(), auth.Local()), "POST", "/v1/calls", strings.NewReader(`{"first":"101","second":"102"}`))
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, req)
	if w.Code != 201 || h.calls["call-1"].Request.Origin.Door != "cli" || h.calls["call-1"].Request.Account != "default" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestReadyzSaysWhyNot(t *testing.T) {
	h := setup(t)
	h.ready = errors.New("stopping: no new calls")
	if resp, body := h.do(t, "GET", "/readyz", "", ""); resp.StatusCode != 503 || body != "stopping: no new calls\n" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
}

// The committed API document is what the code makes.
func TestOpenAPIIsUnchanged(t *testing.T) {
	s, err := New(Options{Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../docs/openapi.json")
	if err != nil || string(got) != string(want) {
		t.Errorf("docs/openapi.json is out of date (%v); run go generate ./internal/door/rest", err)
	}
}

// No body makes the door answer with a server error, and whatever is accepted
// is a request with a first party and exactly one kind of Then.
func FuzzRESTBodies(f *testing.F) {
	for _, s := range []string{
		`{"first":"101","second":"102","caller_id":"\"Sales\" <+4930999>","wait_time":"30s","variables":{"A":"1"}}`,
		`{"first":"101","app":{"name":"x","args":["a","b"]},"caller_id":{"name":"a","number":"1","private":true}}`,
		`{"first":"101","dialplan":{"context":"default","extension":"s","priority":"1"},"variables":[{"name":"A","value":"1"}]}`,
		`{"first":"101","application":{"name":"Wait","data":"5"},"retry":{"max":2,"wait_by":{"BUSY":1}},"not_before":"2030-01-01T00:00:00Z"}`,
		`{"calls":[{"first":"101","second":"102"},{"first":"x"}],"batch":"b"}`,
		`[]`, `{"first":null}`, `{"first":"1","second":"2","wait_time":1e308}`, `{"first":"1","second":"2","variables":{"a":`,
	} {
		f.Add([]byte(s))
	}
	h := setup(f)
	ctx := auth.NewContext(f.Context(), auth.Local())
	f.Fuzz(func(t *testing.T, body []byte) {
		h.mu.Lock()
		clear(h.calls)
		clear(h.keys)
		h.events = nil
		h.mu.Unlock()
		for _, path := range []string{"/v1/calls", "/v1/batches", "/v1/check"} {
			req := httptest.NewRequestWithContext(ctx, "POST", path, strings.NewReader(string(body)))
			req.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.door.ServeHTTP(w, req)
			if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, c := range h.calls {
			if c.Request.First == "" || c.Request.Then.Kind == "" || c.Request.WaitTime < 0 || c.Request.Origin.Door == "" {
				t.Errorf("accepted %+v", c.Request)
			}
		}
	})
}
