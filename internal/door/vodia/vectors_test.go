package vodia

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/usercall"
)

// vectorFile is vodia.json, as far as the door runs it.
type vectorFile struct {
	Fixture struct {
		Realm           string
		MaxLinkDuration time.Duration `json:"max_link_duration_s"` // seconds
		MaxClockSkew    time.Duration `json:"max_clock_skew_s"`
		DedupeWindow    time.Duration `json:"dedupe_window_s"`
		Tenants         []string
		Accounts        []vectorAccount
		Sessions        []struct{ ID, Account string }
		AllowedOrigins  []string `json:"allowed_origins"`
	}
	Cases []vectorCase
}

type vectorAccount struct {
	Account, Password, Display, Role string
	LinkSecret                       string `json:"link_secret"`
	Registered                       bool   `json:"device_registered"`
}

// vectorCase is a case of any kind. raw is all of it.
type vectorCase struct {
	ID, Kind string
	Now      int64
	Setup    struct{ Calls []vectorCall }
	Request  vectorRequest
	Repeat   int `json:"repeat_same_request_after_s"`
	Expect   json.RawMessage
	Steps    []json.RawMessage
	raw      json.RawMessage
}

func (c *vectorCase) UnmarshalJSON(b []byte) error {
	type plain vectorCase
	c.raw = slices.Clone(b)
	return json.Unmarshal(b, (*plain)(c))
}

// vectorCall is a call that there is when a case begins.
type vectorCall struct{ ID, Account, State, To string }

type vectorRequest struct {
	Method, Path, Query, Body string
	Headers                   map[string]string
}

// vectorAnswer is what a request is to be answered with, and what comes of it.
type vectorAnswer struct {
	Status        int
	Decision      string
	Reason        string
	Headers       map[string]json.RawMessage
	Body          *vectorBody
	CaptureCookie string `json:"capture_cookie"`
	Originate     *vectorIntent
	Hangup, Hold  string
	Transfer      *struct{ ID, Number string }
	Bridge        []string
}

// vectorBody says what a body is.
type vectorBody struct {
	JSON    json.RawMessage
	Subset  json.RawMessage `json:"json_subset"`
	Pattern string          `json:"json_pattern"`
	Capture string
	Type    string `json:"json_type"`
	Session string `json:"session_pattern"` // of the member "session"
}

type vectorIntent struct {
	Account, Dest, Name string
	Press1              bool
}

// vectors reads vodia.json of testdata/vectors, or of the folder that DIALWRIGHT_VECTORS
// names.
func vectors(t testing.TB) vectorFile {
	t.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "testdata", "vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, "vodia.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f vectorFile
	if err := json.Unmarshal(b, &f); err != nil || len(f.Cases) == 0 {
		t.Fatalf("%d cases, %v", len(f.Cases), err)
	}
	return f
}

// vectorKinds are the kinds of cases and what runs them, each in a house of its own in fake
// time; nil = they are run elsewhere: by wire/vodia, and by a browser (test/peers).
var vectorKinds = map[string]func(h *house, c *vectorCase){
	"link": runLink, "rest": runRest, "sequence": runSequence, "ws": runSocket,
	"md5": nil, "md5-collision": nil, "hs256": nil, "credential": nil, "query": nil, "scheme": nil, "widget": nil,
}

// TestVectorsVodia runs the cases that need a door: the real one on a real queue, switch and
// store, with pretended phones.
func TestVectorsVodia(t *testing.T) {
	ran, elsewhere, total := map[string]int{}, 0, 0
	for _, c := range vectors(t).Cases {
		run, known := vectorKinds[c.Kind]
		switch {
		case !known:
			t.Errorf("%s is of an unknown kind, %q", c.ID, c.Kind)
		case run == nil:
			elsewhere++
		default:
			ran[c.Kind]++
			total++
			t.Run(c.ID, func(t *testing.T) { inBubble(t, func(h *house) { run(h, &c) }) })
		}
	}
	for kind, run := range vectorKinds {
		if run != nil && ran[kind] == 0 {
			t.Errorf("no case of kind %s", kind)
		}
	}
	t.Logf("%d cases ran: %v; %d run elsewhere", total, ran, elsewhere)
}

// vectorRun is a case that runs.
type vectorRun struct {
	*house
	vars map[string]string // "$token": what was captured; a session of the fixture: its value here
}

// newRun opens the sessions of the fixture.
func newRun(h *house) *vectorRun {
	r := &vectorRun{house: h, vars: map[string]string{}}
	for _, s := range vectors(h).Fixture.Sessions {
		r.vars[s.ID] = h.session(s.Account)
	}
	return r
}

// fill puts what was captured into a text.
func (r *vectorRun) fill(s string) string {
	for name, value := range r.vars {
		s = strings.ReplaceAll(s, name, value)
	}
	return s
}

// send sends a request of a case.
func (r *vectorRun) send(v *vectorRequest) *httptest.ResponseRecorder {
	r.Helper()
	var headers []string
	for name, value := range v.Headers {
		headers = append(headers, name+": "+r.fill(value))
	}
	target := v.Path
	if v.Query != "" {
		target += "?" + r.fill(v.Query)
	}
	return r.ask(v.Method, target, r.fill(v.Body), headers...)
}

func runLink(h *house, c *vectorCase) {
	if c.Now != fixtureNow.Unix() {
		time.Sleep(time.Unix(c.Now, 0).Sub(fixtureNow))
	}
	r := newRun(h)
	w := r.send(&c.Request)
	calls := 1
	if c.Repeat > 0 {
		if w.Code != http.StatusOK {
			h.Fatalf("the first time: %d %s", w.Code, w.Body)
		}
		time.Sleep(time.Duration(c.Repeat) * time.Second)
		first := w.Body.String()
		if w = r.send(&c.Request); w.Body.String() != first {
			h.Errorf("the second page is another one:\n%s\n%s", first, w.Body)
		}
	}
	var want vectorAnswer
	h.must(json.Unmarshal(c.Expect, &want))
	switch want.Decision {
	case "place":
		if c.Repeat > 0 {
			calls = 2
		}
		r.page(w, "Calling")
	case "duplicate":
		r.page(w, "Calling")
	case "confirm":
		calls = 0
		r.page(w, `<form method="post" action="/remote_call.htm">`)
	case "challenge", "deny", "bad_request", "ignore":
		calls = 0
		r.line(w, want.Reason)
	default:
		h.Fatalf("decision %q", want.Decision)
	}
	list := h.placed()
	if len(list) != calls {
		h.Errorf("%d calls were placed, want %d", len(list), calls)
	}
	r.answered(w, &want)
	for _, in := range list {
		r.placedAs(in, want.Originate)
	}
}

// page checks that an answer is a page with a text.
func (r *vectorRun) page(w *httptest.ResponseRecorder, holds string) {
	r.Helper()
	if !strings.Contains(w.Body.String(), holds) || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		r.Errorf("%v\n%s\nwant a page with %q", w.Header(), w.Body, holds)
	}
}

// lines are the answers for each reason; "" = nothing.
var lines = map[string]string{
	"unauthenticated":     loginText,
	"credentials":         wrongText,
	"not_allowed":         notAllowed().text,
	"expired":             "The link has expired.",
	"time_in_future":      "The link is not valid yet: its time is in the future.",
	"duration_too_long":   "The link is valid for longer than this server allows.",
	"time_invalid":        "The time of the link must be ten digits: seconds since 1970.",
	"duration_invalid":    "The duration of the link must be one to five digits: seconds.",
	"dest_missing":        "The link does not say which number to call (dest).",
	"dest_invalid":        "The number to call (dest) is not a telephone number.",
	"duplicate_parameter": "The link has a parameter twice.",
	"no_device":           "No phone of this extension is registered.",
	"method":              "Allowed here: GET, HEAD, POST.",
	"not_a_click":         "",
}

// line checks that an answer is the one line of text for a reason.
func (r *vectorRun) line(w *httptest.ResponseRecorder, reason string) {
	r.Helper()
	want, known := lines[reason]
	if !known {
		r.Fatalf("reason %q", reason)
	}
	if want == "" {
		if w.Body.Len() > 0 {
			r.Errorf("body %q", w.Body)
		}
		return
	}
	if got := w.Body.String(); got != want+"\n" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		r.Errorf("%q of %q, want %q", got, w.Header().Get("Content-Type"), want)
	}
}

// placedAs checks what was placed.
func (r *vectorRun) placedAs(in click.Intent, want *vectorIntent) {
	r.Helper()
	if want == nil {
		return
	}
	got := vectorIntent{Account: in.User.Name.String(), Dest: in.Dest, Name: in.DestName, Press1: in.Confirm}
	if got != *want {
		r.Errorf("placed %+v, want %+v", got, *want)
	}
}

// runRest is one request, with calls that there are already.
func runRest(h *house, c *vectorCase) {
	r := newRun(h)
	for _, v := range c.Setup.Calls {
		r.setUp(v)
	}
	var want vectorAnswer
	h.must(json.Unmarshal(c.Expect, &want))
	w := r.send(&c.Request)
	r.answered(w, &want)
	list := h.placed()
	switch {
	case want.Originate == nil && len(list) > 0:
		h.Errorf("placed %+v", list)
	case want.Originate != nil && len(list) != 1:
		h.Errorf("%d calls were placed, want one", len(list))
	}
	for _, in := range list {
		r.placedAs(in, want.Originate)
	}
	r.became(c.Setup.Calls, &want)
}

// setUp makes a call that there is when a case begins: both sides talk, and one may hold.
func (r *vectorRun) setUp(v vectorCall) {
	r.Helper()
	n, _, _ := strings.Cut(v.Account, "@")
	c, _, err := r.queue.Submit(r.Context(), call.Request{
		Origin: call.Origin{Door: DoorName, Principal: "vodia:" + v.Account, Reference: v.To}, Account: "default",
		First: call.Endpoint("PJSIP/" + n), Then: call.Then{Kind: call.ThenConnect, Second: call.Endpoint("PJSIP/" + v.To)},
		Callee: call.CallerID{Number: v.To},
	})
	r.must(err)
	synctest.Wait()
	if string(c.ID) != v.ID {
		r.Fatalf("the call is %s, want %s", c.ID, v.ID)
	}
	if v.State == "holding" {
		r.must(r.table.Hold(r.Context(), n, v.ID, true))
		synctest.Wait()
	}
	for _, now := range r.table.Of(n) {
		if now.ID == v.ID && string(now.State) == v.State {
			return
		}
	}
	r.Fatalf("%+v, want %+v", r.table.Of(n), v)
}

// became checks what has become of the calls.
func (r *vectorRun) became(calls []vectorCall, want *vectorAnswer) {
	r.Helper()
	synctest.Wait()
	now := map[string]usercall.State{}
	for _, c := range r.table.Of("123") {
		now[c.ID] = c.State
	}
	for _, c := range calls {
		state := usercall.State(c.State)
		switch {
		case want.Hangup == c.ID, slices.Contains(want.Bridge, c.ID), want.Transfer != nil && want.Transfer.ID == c.ID:
			state = ""
		case want.Hold == c.ID:
			state = usercall.Holding
		}
		if now[c.ID] != state {
			r.Errorf("call %s is %q, want %q", c.ID, now[c.ID], state)
		}
	}
	var legs []string // that are left, where it is not the phone's
	switch {
	case want.Transfer != nil:
		legs = []string{calls[0].To, want.Transfer.Number}
	case want.Bridge != nil:
		legs = []string{calls[0].To, calls[1].To}
	case want.Hangup != "":
		legs = []string{}
	default:
		return
	}
	slices.Sort(legs)
	if got := r.channels(); !slices.Equal(got, legs) {
		r.Errorf("legs %q, want %q", got, legs)
	}
}

// runSequence is several requests, and time that passes between them.
func runSequence(h *house, c *vectorCase) {
	r := newRun(h)
	for _, raw := range c.Steps {
		var step struct {
			HTTP    *vectorRequest
			Advance int `json:"advance_clock_s"`
			Expect  vectorAnswer
		}
		h.must(json.Unmarshal(raw, &step))
		switch {
		case step.HTTP != nil:
			r.answered(r.send(step.HTTP), &step.Expect)
		case step.Advance > 0:
			time.Sleep(time.Duration(step.Advance) * time.Second)
		default:
			h.Fatalf("step %s", raw)
		}
	}
}

// answered checks an answer, and captures what later steps use.
func (r *vectorRun) answered(w *httptest.ResponseRecorder, want *vectorAnswer) {
	r.Helper()
	if w.Code != want.Status {
		r.Errorf("status %d, want %d: %s", w.Code, want.Status, w.Body)
	}
	for name, value := range want.Headers {
		r.header(w, name, value)
	}
	if b := want.Body; b != nil {
		r.body(w, b)
	}
	if name := want.CaptureCookie; name != "" {
		for _, c := range (&http.Response{Header: w.Header()}).Cookies() {
			r.vars["$"+name] = c.Value
		}
	}
}

// header checks a header: a text, "$prefix:…", or a cookie.
func (r *vectorRun) header(w *httptest.ResponseRecorder, name string, want json.RawMessage) {
	r.Helper()
	got := w.Header().Get(name)
	var text string
	if json.Unmarshal(want, &text) == nil {
		if prefix, ok := strings.CutPrefix(text, "$prefix:"); ok && !strings.HasPrefix(got, prefix) || !ok && got != text {
			r.Errorf("%s: %q, want %q", name, got, text)
		}
		return
	}
	var c struct {
		Cookie     string
		Value      string `json:"value_pattern"`
		Attributes []string
	}
	r.must(json.Unmarshal(want, &c))
	parts := strings.Split(got, "; ")
	key, value, _ := strings.Cut(parts[0], "=")
	rest := slices.Sorted(slices.Values(parts[1:]))
	slices.Sort(c.Attributes)
	if key != c.Cookie || !regexp.MustCompile(c.Value).MatchString(value) || !slices.Equal(rest, c.Attributes) {
		r.Errorf("%s: %q, want %s with %q", name, got, c.Cookie, c.Attributes)
	}
}

// body checks a body in JSON.
func (r *vectorRun) body(w *httptest.ResponseRecorder, want *vectorBody) {
	r.Helper()
	var got any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Header().Get("Content-Type") != "application/json" {
		r.Fatalf("%v: %q of %q", err, w.Body, w.Header().Get("Content-Type"))
	}
	text, _ := got.(string)
	object, isObject := got.(map[string]any)
	switch {
	case want.JSON != nil:
		if s := strings.TrimSpace(w.Body.String()); s != string(want.JSON) {
			r.Errorf("body %s, want %s", s, want.JSON)
		}
	case want.Pattern != "":
		if !regexp.MustCompile(want.Pattern).MatchString(text) {
			r.Errorf("body %s, want %s", w.Body, want.Pattern)
		}
	case want.Type != "":
		if want.Type != "object" || !isObject {
			r.Errorf("body %s, want an %s", w.Body, want.Type)
		}
	}
	if want.Subset != nil {
		var subset any
		r.must(json.Unmarshal(want.Subset, &subset))
		if !r.subset(subset, got) {
			r.Errorf("body %s, want %s", w.Body, want.Subset)
		}
	}
	if s, _ := object["session"].(string); want.Session != "" && !regexp.MustCompile(want.Session).MatchString(s) {
		r.Errorf("session %q, want %s", s, want.Session)
	}
	if want.Capture != "" {
		r.vars["$"+want.Capture] = text
	}
}

// subset says whether all that is wanted is there. "$string" is any text, and any other text
// that begins with $ is captured at its first use and the same from then on.
func (r *vectorRun) subset(want, got any) bool {
	switch want := want.(type) {
	case map[string]any:
		o, ok := got.(map[string]any)
		for name, value := range want {
			ok = ok && r.subset(value, o[name])
		}
		return ok
	case []any:
		list, ok := got.([]any)
		ok = ok && len(list) == len(want)
		for i := 0; ok && i < len(want); i++ {
			ok = r.subset(want[i], list[i])
		}
		return ok
	case string:
		text, ok := got.(string)
		if !ok || !strings.HasPrefix(want, "$") {
			return ok && text == want
		}
		if known, ok := r.vars[want]; ok && want != "$string" {
			return text == known
		}
		r.vars[want] = text
		return text != ""
	}
	return want == got
}
