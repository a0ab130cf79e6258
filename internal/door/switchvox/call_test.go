package switchvox_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/switchvox"
	"github.com/dialwright/dialwright/internal/originate"
)

// What the queue refuses, in the words of the original.
func TestRefusals(t *testing.T) {
	h := newHouse(t)
	refusal := func(code originate.RefusalCode) error { return &originate.Refusal{Code: code, Text: "no"} }
	for _, c := range []struct {
		refuse, ready error
		code          string
	}{
		{refuse: refusal(originate.RefusedGuard), code: "41591"},
		{refuse: refusal(originate.RefusedDestination), code: "41591"},
		{refuse: refusal(originate.RefusedInvalid), code: "41591"},
		{refuse: refusal(originate.RefusedAccount), code: "90004"},
		{refuse: refusal(originate.RefusedRate), code: "90005"},
		{refuse: refusal(originate.RefusedStopping), code: "90005"},
		{refuse: refusal(originate.RefusedStore), code: "90005"},
		{refuse: errors.New("broken"), code: "90005"},
		{ready: errors.New("the engine is not up"), code: "90005"},
		{},
	} {
		h.set(func() { h.refuse, h.ready = c.refuse, c.ready })
		if got := h.do("POST", "/json", dial("301", ""), as("admin")); got.status != 200 || got.code() != c.code {
			t.Errorf("%v %v: %d %s, want %s", c.refuse, c.ready, got.status, got.body, c.code)
		}
	}
}

// The request of the queue is one attempt, now or not at all.
func TestRequest(t *testing.T) {
	h := newHouse(t)
	got := h.do("POST", "/json", dial("15554578299", `,"variables":["balance=1","nosuch=2","CHANNEL=3","other=4"],"timeout":5`), as("admin"))
	if got.code() != "" {
		t.Fatal(got.body)
	}
	r := h.taken()[0]
	if in := time.Until(r.NotAfter); in <= 0 || in > 5*time.Second {
		t.Errorf("may begin for %v", in)
	}
	r.NotAfter = time.Time{}
	want := call.Request{
		Origin:  call.Origin{Door: "switchvox", Principal: "switchvox:admin", Remote: "127.0.0.1", Reference: "15554578299"},
		Account: "1106", First: "PJSIP/101", WaitTime: 5 * time.Second,
		Then:      call.Then{Kind: call.ThenConnect, Second: "PJSIP/915554578299@trunk", WaitTime: 30 * time.Second, FailTone: 5 * time.Second},
		Callee:    call.CallerID{Name: "PBX", Number: "915554578299"},
		CallerID:  call.CallerID{Name: "Ada Moss", Number: "101"},
		Variables: []call.Variable{{Name: "__balance", Value: "1"}, {Name: "__nosuch", Value: "2"}}, // as configured
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// A phone answers by itself only if its user lets it, and is one of ours; then, and without call
// rules, its own devices ring.
func TestFirstLeg(t *testing.T) {
	shy := directory.Record{User: directory.User{Name: directory.Name{Local: "310"}, Role: directory.RoleUser, ID: "1310", Account: "office", Phone: "desk-310"}}
	bold := shy
	bold.Name.Local, bold.ID, bold.Phone, bold.AutoAnswer = "311", "1311", "desk-311", true
	h := newHouse(t, shy, bold)
	for _, c := range []struct {
		first, more string
		to          call.Endpoint
		answers, no bool
	}{
		{"310", ``, "PJSIP/310", false, false},
		{"310", `,"auto_answer":1`, "PJSIP/310", false, false},
		{"310", `,"ignore_user_call_rules":1`, "PJSIP/desk-310", false, true},
		{"311", `,"auto_answer":1`, "PJSIP/desk-311", true, false},
		{"311", `,"auto_answer":"1","ignore_user_call_rules":true`, "PJSIP/desk-311", true, true},
		{"250", `,"auto_answer":1,"ignore_user_call_rules":1`, "PJSIP/250", false, true},
		{"15551112222", `,"auto_answer":1`, "PJSIP/915551112222@trunk", false, false},
		{"15551112222", `,"auto_answer":1,"ignore_user_api_settings":1`, "PJSIP/15551112222@trunk", false, false},
	} {
		got := h.do("POST", "/json", body("switchvox.call", `"dial_first":"`+c.first+`","dial_second":"301","dial_as_account_id":"1106"`+c.more), as("admin"))
		list := h.taken()
		if got.code() != "" || len(list) != 1 || list[0].First != c.to || list[0].AutoAnswer != c.answers || list[0].NoForward != c.no {
			t.Errorf("%s %s: %s %+v", c.first, c.more, got.body, list)
		}
	}
}

// What single logins may dial (spec: switchvox 11).
func TestLimitsOfLogins(t *testing.T) {
	yes, no := true, false
	login := func(name string, change func(*directory.User)) directory.Record {
		r := directory.Record{User: directory.User{Name: directory.Name{Local: name}, Role: directory.RoleAdmin, Account: "office"}}
		change(&r.User)
		password(&r, "u"+name+"pass")
		return r
	}
	h := newHouse(t,
		login("desk", func(u *directory.User) { u.Extensions = []string{"101"} }),
		login("area", func(u *directory.User) { u.Numbers = []string{"91555", "30"} }),
		login("outside", func(u *directory.User) { u.External = &yes }),
		login("inside", func(u *directory.User) { u.External = &no }),
		login("one", func(u *directory.User) { u.Methods = []string{"switchvox.extensions.getInfo"} }),
	)
	const outside = "15551112222"
	for _, c := range []struct {
		login, first, second string
		allow                bool // allow_external_first
		may                  bool
	}{
		{"admin", "101", "301", false, true},
		{"admin", outside, "301", false, false},
		{"admin", outside, "301", true, true},
		{"outside", outside, "301", false, true},
		{"inside", outside, "301", true, false},
		{"desk", "101", "301", true, true},
		{"desk", "301", "101", true, false},
		{"desk", outside, "301", true, false},
		{"area", "101", "301", true, true},
		{"area", "101", "250", true, false},
		{"area", "250", "5554578299", true, true},
		{"area", "250", "4578299", true, false},
		{"area", "15551112222", "301", true, true},
		{"area", "498912345678", "301", true, false},
		{"one", "101", "301", true, false},
	} {
		h.set(func() { h.conf.AllowExternalFirst = c.allow })
		before := len(h.denials())
		got := h.do("POST", "/json", body("switchvox.call", fmt.Sprintf(`"dial_first":%q,"dial_second":%q,"dial_as_account_id":1106`, c.first, c.second)), as(c.login))
		rung := len(h.taken())
		want := "90004"
		if c.may {
			want = ""
		}
		if got.code() != want || (rung == 1) != c.may {
			t.Errorf("%s, %s to %s, %v: %s, %d calls", c.login, c.first, c.second, c.allow, got.body, rung)
		}
		list := h.denials()[before:]
		if !c.may && (len(list) != 1 || list[0].Origin.Principal != "switchvox:"+c.login || list[0].Code != originate.RefusedGuard) {
			t.Errorf("%s: audit trail %+v", c.login, list)
		}
	}
}

// A client that gives up ends its waiting and nothing else: the phone goes on ringing, is answered,
// and the second one is called (spec: switchvox 6.2).
func TestClientGoesAway(t *testing.T) {
	h := newHouse(t)
	h.set(func() { h.rings = "180?ring=700ms" })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var id call.ID
	done := make(chan error, 1)
	go func() {
		_, err := h.ask(ctx, "POST", "/json", dial("301", ""), as("admin"))
		done <- err
	}()
	for e, err := range h.Events(t.Context(), 0, originate.EventFilter{}) {
		h.must(err)
		id = e.Call
		if e.Type == call.EvRinging {
			cancel()
		}
		if e.State.Done() {
			t.Fatalf("the call ended: %+v", e)
		}
		if e.Type == call.EvConnected {
			break
		}
	}
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the client was answered: %v", err)
	}
	c, err := h.Get(t.Context(), id)
	if err != nil || c.Attempts != 1 {
		t.Errorf("%+v %v", c, err)
	}
}

// 100 requests of a login wait at once, the next one is told so at once, and other logins are not
// in its way (spec: switchvox 11).
func TestPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bareHouse(t)
		h.rings = "timeout"
		ask := func(login string) said {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/json", strings.NewReader(dial("301", `,"timeout":20`)))
			r.RemoteAddr = "127.0.0.1:4711"
			as(login)(r)
			w := httptest.NewRecorder()
			h.door.ServeHTTP(w, r)
			return said{w.Code, w.Body.String(), w.Header()}
		}
		ask("callbot") // their passwords are remembered from here on: a hash takes long with -race
		ask("admin")
		began := time.Now()
		var all sync.WaitGroup
		codes := make([]string, 100)
		for i := range codes {
			all.Go(func() { codes[i] = ask("admin").code() })
		}
		synctest.Wait()
		if got := ask("admin"); got.code() != "90005" || time.Since(began) > 10*time.Second {
			t.Errorf("the 101st: %s after %v", got.body, time.Since(began))
		}
		other := time.Now()
		if got := ask("callbot"); got.code() != "41591" || time.Since(other) < 20*time.Second {
			t.Errorf("another login: %s after %v", got.body, time.Since(other))
		}
		all.Wait()
		for i, code := range codes {
			if code != "41591" {
				t.Errorf("%d: %s", i, code)
			}
		}
		if got := ask("admin"); got.code() != "41591" {
			t.Errorf("afterwards: %s", got.body)
		}
	})
}

// With dedupe a repeated request has the answer of the first while that rings, for three
// seconds; without it the phone rings twice (spec: switchvox 6.2).
func TestDedupe(t *testing.T) {
	for _, c := range []struct {
		name  string
		on    bool
		other string // parameters of the second request
		login string
		after time.Duration
		calls int
	}{
		{"off", false, "", "admin", time.Second, 2},
		{"on", true, "", "admin", time.Second, 1},
		{"another name", true, `,"caller_id_name":"Ada"`, "admin", time.Second, 2},
		{"another time", true, `,"timeout":31`, "admin", time.Second, 2},
		{"other variables", true, `,"variables":["nosuch=1"]`, "admin", time.Second, 2},
		{"the default said", true, `,"timeout":"30"`, "admin", time.Second, 1},
		{"another login", true, "", "callbot", time.Second, 2},
		{"late", true, "", "admin", 4 * time.Second, 2},
		{"when it is decided", true, "", "admin", 12 * time.Second, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := bareHouse(t)
				h.conf.Dedupe, h.rings = c.on, "180?ring=10s&talk=1s"
				ask := func(login, more string) said {
					r := httptest.NewRequestWithContext(t.Context(), "POST", "/json", strings.NewReader(dial("301", more)))
					r.RemoteAddr = "127.0.0.1:4711"
					as(login)(r)
					w := httptest.NewRecorder()
					h.door.ServeHTTP(w, r)
					return said{w.Code, w.Body.String(), w.Header()}
				}
				var all sync.WaitGroup
				all.Go(func() {
					if got := ask("admin", ""); got.code() != "" {
						t.Errorf("the first: %s", got.body)
					}
				})
				synctest.Wait()
				time.AfterFunc(c.after, func() {
					h.set(func() { h.clock = c.after })
					all.Go(func() {
						if got := ask(c.login, c.other); got.code() != "" {
							t.Errorf("the second: %s", got.body)
						}
					})
				})
				<-time.After(c.after + time.Millisecond) // fake time of the bubble
				all.Wait()
				if n := len(h.taken()); n != c.calls {
					t.Errorf("%d calls, want %d", n, c.calls)
				}
			})
		})
	}
}

// Clients of different ages read answers in different ways (spec: switchvox 4, 5.3).
func TestStyles(t *testing.T) {
	h := newHouse(t)
	const bad = `"dial_first":"x","dial_as_account_id":"1106"`
	if got := h.do("POST", "/json", body("switchvox.call", bad), as("admin")); !strings.Contains(got.body, `"error":[{"code":"54222"`) || !strings.Contains(got.body, `{"code":"10011"`) {
		t.Error(got.body)
	}
	h.set(func() { h.conf.FirstErrorOnly, h.conf.JSONNumbers = true, true })
	if got := h.do("POST", "/json", body("switchvox.call", bad), as("admin")); !strings.Contains(got.body, `"errors":{"error":{"code":54222,`) || strings.Contains(got.body, "10011") {
		t.Error(got.body)
	}
	if got := h.do("POST", "/json", body("switchvox.extensions.getInfo", `"extensions":["101"]`), as("admin")); !strings.Contains(got.body, `"account_id":1106`) || !strings.Contains(got.body, `"number":"101"`) {
		t.Error(got.body)
	}
	if got := h.do("POST", "/json", body("switchvox.info.getSoftwareVersion", ""), as("admin")); !strings.Contains(got.body, `"result":{"version":"7.6.1"}`) {
		t.Error(got.body)
	}
}

func TestServes(t *testing.T) {
	door := switchvox.New(switchvox.Options{})
	for path, want := range map[string]bool{"/xml": true, "/json": true, "/": false, "/xml/": false, "/jsonx": false, "/v1/xml": false} {
		if got := door.Serves(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// Variables without a number are set as far as the operator lets them, and reported as not
// found in any case.
func TestPassVariables(t *testing.T) {
	for _, c := range []struct {
		pass []string
		want []call.Variable
	}{
		{nil, nil},
		{[]string{"other"}, []call.Variable{{Name: "__other", Value: "1"}}},
		{[]string{"*"}, []call.Variable{{Name: "__other", Value: "1"}, {Name: "__nosuch", Value: "3"}}},
	} {
		h := newHouse(t)
		h.set(func() { h.conf.PassVariables = c.pass })
		got := h.do("POST", "/json", dial("301", `,"variables":["other=1","_odd=2","nosuch=3"]`), as("admin"))
		if n := strings.Count(got.body, "not_found"); n != 3 {
			t.Errorf("%q: %s", c.pass, got.body)
		}
		if d := cmp.Diff(c.want, h.taken()[0].Variables); d != "" {
			t.Errorf("%q: -want +got:\n%s", c.pass, d)
		}
	}
}
