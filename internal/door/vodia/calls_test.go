package vodia

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
	"github.com/dialwright/dialwright/internal/usercall"
)

// adasCalls is where Ada's calls are.
const adasCalls = "/rest/user/" + ada + "/calls"

// dial asks for a call of Ada's, and gives its ID.
func (h *house) dial(number string) string {
	h.Helper()
	w := h.ask("POST", adasCalls, `{"remote-dial":"`+number+`"}`, basic(ada, adaPass))
	h.want(w, 200)
	var done struct {
		OK bool
		ID string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &done); err != nil || !done.OK || done.ID == "" {
		h.Fatalf("%v: %s", err, w.Body)
	}
	synctest.Wait() // until the phone rings
	return done.ID
}

// code gives the word of a refusal.
func code(body string) string {
	var v struct{ Error, Message string }
	if json.Unmarshal([]byte(body), &v) != nil || v.Message == "" {
		return ""
	}
	return v.Error
}

// A call from the answer to the end, as REST shows it.
func TestCallShown(t *testing.T) {
	inBubble(t, func(h *house) {
		h.set(func() { h.does["123"], h.does["6173998147"] = "?ring=2s", "?ring=3s" })
		id := h.dial("(617) 399-8147")
		began := time.Now().Unix()
		show := func() (list []map[string]any) {
			t.Helper()
			w := h.ask("GET", adasCalls, "", basic(ada, adaPass))
			h.want(w, 200)
			if strings.Contains(w.Body.String(), `\u003`) {
				t.Errorf("written for HTML: %s", w.Body)
			}
			h.must(json.Unmarshal(w.Body.Bytes(), &list))
			return list
		}
		for _, want := range []struct {
			after   time.Duration
			state   string
			connect any
		}{{time.Second, "alerting", ""}, {2 * time.Second, "ringback", ""}, {3 * time.Second, "connected", float64(began + 5)}} {
			time.Sleep(want.after)
			list := show()
			if len(list) != 1 {
				t.Fatalf("%s: %v", want.state, list)
			}
			for name, value := range map[string]any{
				"id": id, "state": want.state, "callstate": want.state, "from-number": "123", "from-name": "Ada Moss", "to-number": "(617) 399-8147",
				"from": `"Ada Moss" <sip:123@tenant.com>`, "to": "<sip:6173998147@tenant.com;user=phone>", "start": float64(began),
				"connect": want.connect, "now": float64(time.Now().Unix()),
			} {
				if list[0][name] != value {
					t.Errorf("%s: %s is %v, want %v", want.state, name, list[0][name], value)
				}
			}
		}
		w := h.ask("POST", adasCalls, `{"hangup":"`+id+`"}`, basic(ada, adaPass))
		if h.want(w, 200); strings.TrimSpace(w.Body.String()) != `{"ok":true,"id":"`+id+`"}` {
			t.Errorf("%s", w.Body)
		}
		if left := h.channels(); len(left) > 0 || len(show()) > 0 {
			t.Errorf("left: %v", left)
		}
		if c, err := h.queue.Get(h.Context(), "c1"); err != nil || !strings.Contains(c.Reason, "vodia:"+ada) {
			t.Errorf("the record does not say who has hung up: %q, %v", c.Reason, err)
		}
		if again := h.dial("(617) 399-8147"); again == id { // who has hung up and dials again means it
			t.Error("the call that was hung up is given again")
		}
	})
}

// The same number within three seconds is the same call, by whichever way it is asked for.
func TestCallTwice(t *testing.T) {
	inBubble(t, func(h *house) {
		id := h.dial("5551234")
		if again := h.dial("555-1234"); again != id {
			t.Errorf("%s, then %s", id, again)
		}
		h.want(h.ask("GET", credLink(""), ""), 200)
		h.wantCalls(1)
		time.Sleep(3 * time.Second)
		if again := h.dial("5551234"); again == id {
			t.Error("the same call after three seconds")
		}
	})
}

// What is done with calls, and what cannot be done.
func TestCallActions(t *testing.T) {
	inBubble(t, func(h *house) {
		h.set(func() { h.does["123"] = "?ring=1s" })
		id := h.dial("200")
		do := func(user, pass, body string, status int, want string) {
			t.Helper()
			w := h.ask("POST", "/rest/user/"+user+"/calls", body, basic(user, pass))
			if h.want(w, status); code(w.Body.String()) != want {
				t.Errorf("%s: %s, want %q", body, w.Body, want)
			}
		}
		own := func(body string, status int, want string) {
			t.Helper()
			do(ada, adaPass, strings.ReplaceAll(body, "ID", id), status, want)
		}
		for _, body := range []string{`{"remote-hold":"ID"}`, `{"remote-resume":"ID"}`, `{"transfer":"ID","number":"201"}`, `{"transfer":"ID","id":"ID"}`} {
			own(body, 409, "state") // it rings still
		}
		own(`{"remote-answer":"ID"}`, 409, "unsupported")
		do("124@tenant.com", "s3cr:et", `{"hangup":"`+id+`"}`, 404, "no_call") // somebody else's
		do("124@tenant.com", "s3cr:et", `{"transfer":"`+id+`","number":"1"}`, 404, "no_call")
		own(`{"reject":"ID"}`, 200, "")
		synctest.Wait()
		if list := h.table.Of("123"); len(list) > 0 {
			t.Errorf("after the refusal: %+v", list)
		}
		for _, action := range []string{"hangup", "reject", "remote-answer", "remote-hold", "remote-resume"} {
			own(`{"`+action+`":"ID"}`, 404, "no_call")
		}

		id = h.dial("201")
		time.Sleep(2 * time.Second)
		own(`{"reject":"ID"}`, 409, "state")
		own(`{"remote-hold":"ID"}`, 200, "")
		if c := h.only("123"); c.State != usercall.Holding {
			t.Errorf("held: %+v", c)
		}
		own(`{"remote-resume":"ID"}`, 200, "")
		if c := h.only("123"); c.State != usercall.Connected {
			t.Errorf("taken back: %+v", c)
		}
		own(`{"transfer":"ID","number":"call me"}`, 400, "dest_invalid")
		own(`{"id":"ID","comment":"x"}`, 501, "unsupported")
		own(`{"transfer":"ID","number":"(20) 2"}`, 200, "")
		if got := h.channels(); strings.Join(got, " ") != "201 202" {
			t.Errorf("after the transfer: %q", got)
		}
	})
}

// Bodies and addresses that are not what is due.
func TestCallsBadInput(t *testing.T) {
	inBubble(t, func(h *house) {
		for _, c := range []struct {
			note, method, path, body string
			status                   int
			code                     string
		}{
			{"no body", "POST", adasCalls, "", 400, "bad_request"},
			{"list", "POST", adasCalls, `[{"remote-dial":"1"}]`, 400, "bad_request"},
			{"text", "POST", adasCalls, `"remote-dial"`, 400, "bad_request"},
			{"null", "POST", adasCalls, `null`, 400, "bad_request"},
			{"two objects", "POST", adasCalls, `{"remote-dial":"1"}{}`, 400, "bad_request"},
			{"twice the key", "POST", adasCalls, `{"remote-dial":"1","remote-dial":"2"}`, 400, "bad_request"},
			{"two actions", "POST", adasCalls, `{"remote-dial":"1","reject":"c1"}`, 400, "bad_request"},
			{"number that is none", "POST", adasCalls, `{"remote-dial":1.5}`, 400, "bad_request"},
			{"object for a number", "POST", adasCalls, `{"remote-dial":{}}`, 400, "bad_request"},
			{"nothing to dial", "POST", adasCalls, `{"remote-dial":""}`, 400, "dest_missing"},
			{"words", "POST", adasCalls, `{"remote-dial":"call me"}`, 400, "dest_invalid"},
			{"SIP address", "POST", adasCalls, `{"remote-dial":"sip:a@b.example"}`, 400, "dest_invalid"},
			{"header line", "POST", adasCalls, `{"remote-dial":"1\r\nX: y"}`, 400, "dest_invalid"},
			{"too long", "POST", adasCalls, `{"remote-dial":"` + strings.Repeat("1", 70_000) + `"}`, 413, "too_large"},
			{"nested", "POST", adasCalls, strings.Repeat(`{"a":`, 10_000), 400, "bad_request"},
			{"call of which nobody spoke", "DELETE", adasCalls, "", 400, "id_missing"},
			{"call that is not", "DELETE", adasCalls + "?id=c9", "", 404, "no_call"},
			{"POST to a call", "POST", adasCalls + "/c1", `{"remote-dial":"1"}`, 405, "method"},
			{"GET of a call", "GET", adasCalls + "/c1", "", 405, "method"},
			{"PATCH", "PATCH", adasCalls, "", 405, "method"},
			{"no account", "GET", "/rest/user//calls", "", 404, ""},
			{"more of it", "GET", adasCalls + "/c1/x", "", 404, ""},
			{"another resource", "GET", "/rest/user/" + ada + "/settings", "", 404, ""},
			{"escaped slash", "DELETE", adasCalls + "/a%2Fb", "", 404, ""},
		} {
			w := h.ask(c.method, c.path, c.body, basic(ada, adaPass))
			if w.Code != c.status || code(w.Body.String()) != c.code {
				t.Errorf("%s: %d %.200s, want %d %s", c.note, w.Code, w.Body, c.status, c.code)
			}
		}
		h.wantCalls(0)
	})
}

// Who may see and change whose calls.
func TestCallsOfOthers(t *testing.T) {
	inBubble(t, func(h *house) {
		people := append(h.fixture(vectors(t).Fixture.Accounts),
			directorytest.Person{Name: "crm@tenant.com", Password: "password", User: directory.User{Role: directory.RoleMinter, Mints: []string{ada}}},
			directorytest.Person{Name: "off@tenant.com", Password: "password", User: directory.User{Phone: "off", Disabled: true}},
		)
		directorytest.Configure(t, h.people, vectors(t).Fixture.Tenants, people...)
		h.dial("200") // somebody's call, which others must not see
		for _, c := range []struct {
			note, login, pass, account string
			get, post                  int
		}{
			{"own", ada, adaPass, ada, 200, 200},
			{"own, in the other spelling", ada, adaPass, "123@TENANT.com", 200, 200},
			{"own, without the tenant", ada, adaPass, "123", 200, 200},
			{"another's", ada, adaPass, "124@tenant.com", 403, 403},
			{"the same number of another tenant", ada, adaPass, "123@other.example", 403, 403},
			{"nobody's", ada, adaPass, "999@tenant.com", 403, 403},
			{"tenant's administrator", "admin@tenant.com", "tenantadmin", "124@tenant.com", 200, 200},
			{"tenant's administrator: nobody", "admin@tenant.com", "tenantadmin", "999@tenant.com", 404, 404},
			{"tenant's administrator: elsewhere", "admin@tenant.com", "tenantadmin", "999@other.example", 403, 403},
			{"tenant's administrator: own name", "admin@tenant.com", "tenantadmin", "admin@tenant.com", 200, 403},
			{"administrator", root, "bigsecret", "123@other.example", 200, 200},
			{"administrator: no name", root, "bigsecret", "a b", 404, 404},
			{"administrator: disabled one", root, "bigsecret", "off@tenant.com", 200, 403},
			{"disabled one", "off@tenant.com", "password", "off@tenant.com", 401, 401},
			{"minter", "crm@tenant.com", "password", ada, 403, 403},
			{"minter: own name", "crm@tenant.com", "password", "crm@tenant.com", 403, 403},
		} {
			path := "/rest/user/" + strings.ReplaceAll(c.account, " ", "%20") + "/calls"
			get, post := h.ask("GET", path, "", basic(c.login, c.pass)), h.ask("POST", path, `{"remote-dial":"100"}`, basic(c.login, c.pass))
			if get.Code != c.get || post.Code != c.post {
				t.Errorf("%s: GET %d, POST %d %s; want %d and %d", c.note, get.Code, post.Code, post.Body, c.get, c.post)
			}
			if c.note == "tenant's administrator: own name" && strings.TrimSpace(get.Body.String()) != "[]" {
				t.Errorf("who has no phone sees %s", get.Body)
			}
		}
	})
}

// A page of another site cannot change anything, and cannot read anything; one that is listed
// can (spec: vodia 5.1, 11).
func TestCallsOfPages(t *testing.T) {
	inBubble(t, func(h *house) {
		session := cookie(h.session(ada))
		for _, c := range []struct {
			note    string
			session int // status of a POST with a session
			basic   int // and with a password
			cors    string
			headers []string
		}{
			{"program", 403, 200, "", nil},
			{"our page", 200, 200, "https://pbx.example", []string{"Origin: https://pbx.example"}},
			{"our page, and its browser says so", 200, 200, "https://pbx.example", []string{"Origin: https://pbx.example", "Sec-Fetch-Site: same-origin"}},
			{"browser that sends no origin to its own site", 200, 200, "", []string{"Sec-Fetch-Site: same-origin"}},
			{"another site's form", 403, 200, "", []string{"Sec-Fetch-Site: cross-site"}},
			{"listed page", 200, 200, "https://crm.example", []string{"Origin: https://crm.example", "Sec-Fetch-Site: cross-site"}},
			{"another page", 403, 403, "", []string{"Origin: https://evil.example"}},
			{"no origin", 403, 403, "", []string{"Origin: null"}},
			{"its http:// sister", 403, 403, "", []string{"Origin: http://pbx.example"}},
			{"another port", 403, 403, "", []string{"Origin: https://pbx.example:8443"}},
			{"a name that begins so", 403, 403, "", []string{"Origin: https://pbx.example.evil.example"}},
			{"listed, in capitals", 403, 403, "", []string{"Origin: https://CRM.example"}},
			{"two origins", 403, 403, "https://pbx.example", []string{"Origin: https://pbx.example", "Origin: https://evil.example"}},
		} {
			for login, want := range map[string]int{session: c.session, basic(ada, adaPass): c.basic} {
				headers := append([]string{login, "Content-Type: text/plain"}, c.headers...)
				w := h.ask("POST", adasCalls, `{"remote-dial":"100"}`, headers...)
				if w.Code != want {
					t.Errorf("%s, %.14s: %d %s, want %d", c.note, login, w.Code, w.Body, want)
				}
				if want == 403 { // and no other way either
					h.want(h.ask("DELETE", adasCalls+"/c1", "", headers...), 403)
				}
				get := h.ask("GET", adasCalls, "", headers...)
				if got := get.Header().Get("Access-Control-Allow-Origin"); got != c.cors {
					t.Errorf("%s: readable by %q, want %q", c.note, got, c.cors)
				}
				if get.Header().Get("Vary") != "Origin" {
					t.Errorf("%s: Vary %q", c.note, get.Header().Get("Vary"))
				}
			}
		}
		// What a script of a listed page has to know it can read.
		w := h.ask("GET", adasCalls, "", "Origin: https://crm.example")
		if h.want(w, 401); w.Header().Get("Access-Control-Allow-Origin") != "https://crm.example" {
			t.Errorf("%v", w.Header())
		}
	})
}
