package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// Vodia's WebSocket on the built binary, by a client that is no browser.

// lineOffice is a server with the users 123 and 124, an administrator, and the phones 123, 124,
// 200 and 201.
type lineOffice struct {
	*clickOffice
}

func newLineOffice(t *testing.T) *lineOffice {
	t.Helper()
	o := &lineOffice{&clickOffice{t: t}}
	user := func(name, more string) string {
		return fmt.Sprintf("[users.%q]\npassword = %q\n%s\n", name, auth.CheapHash("secret"), more)
	}
	o.Server = harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("123", "channels = 2"), harness.Phone("124", ""), harness.Phone("200", ""), harness.Phone("201", ""),
		"[tenants.\"tenant.com\"]", user("123@tenant.com", `first_name = "Ada"`), user("124@tenant.com", ""), user("boss", `role = "admin"`),
		"[vodia]\nenabled = true\nper_minute = -1\n")
	return o
}

// ring starts a phone that rings, and lets its keys be pressed.
func (o *lineOffice) ring(name string, tone float64) *softphone.Phone {
	o.t.Helper()
	p, err := softphone.New(softphone.Config{
		User: name, Password: "secret-" + name, Server: fmt.Sprintf("127.0.0.1:%d", o.SIP), Domain: "test.local", Tone: tone, Keys: true,
		Rule: softphone.Rule{Action: softphone.Ring},
	})
	o.must(err)
	o.must(p.Start(o.t.Context()))
	o.t.Cleanup(func() { o.must(p.Stop(context.WithoutCancel(o.t.Context()))) })
	o.must(p.WaitRegistered(o.brief()))
	return p
}

// session asks /rest/system/session, as the administrator if there is one to be.
func (o *lineOffice) session(body map[string]string, admin bool) (answer string, header http.Header) {
	o.t.Helper()
	b, err := json.Marshal(body)
	o.must(err)
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/rest/system/session", o.HTTP), bytes.NewReader(b))
	o.must(err)
	if admin {
		r.SetBasicAuth("boss", "secret")
	}
	resp, err := http.DefaultClient.Do(r)
	o.must(err)
	defer resp.Body.Close()
	var v any
	o.must(json.NewDecoder(resp.Body).Decode(&v))
	return fmt.Sprint(v), resp.Header
}

// cookie logs a user in by a token, and gives the cookie.
func (o *lineOffice) cookie(user string) string {
	o.t.Helper()
	answer, header := o.session(map[string]string{"name": "session", "value": o.token(user)}, false)
	if answer != "true" {
		o.t.Fatalf("the token is answered by %s", answer)
	}
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	return cookie
}

func (o *lineOffice) token(user string) string {
	o.t.Helper()
	token, _ := o.session(map[string]string{"name": "3rd", "username": user, "domain": "tenant.com"}, true)
	return token
}

// wire is a WebSocket of a user. What has come is kept.
type wire struct {
	o    *lineOffice
	c    *websocket.Conn
	got  chan map[string]any
	last []map[string]any // calls of the newest list
}

// open opens a socket, which asks for the user's calls.
func (o *lineOffice) open(query string, header http.Header) *wire {
	o.t.Helper()
	c, _, err := websocket.Dial(o.brief(), fmt.Sprintf("ws://127.0.0.1:%d/websocket?domain=tenant.com&user=%s", o.HTTP, query), &websocket.DialOptions{HTTPHeader: header})
	o.must(err)
	o.t.Cleanup(func() { _ = c.CloseNow() })
	l := &wire{o: o, c: c, got: make(chan map[string]any, 256)}
	go l.read(o.t.Context())
	l.send(map[string]any{"action": "get-calls"})
	l.states("")
	return l
}

// byCookie opens a socket as browsers do.
func (o *lineOffice) byCookie(user string) *wire {
	o.t.Helper()
	return o.open(user, http.Header{"Cookie": {o.cookie(user)}})
}

func (l *wire) read(ctx context.Context) {
	defer close(l.got)
	for {
		_, b, err := l.c.Read(ctx)
		if err != nil {
			return
		}
		var f map[string]any
		if json.Unmarshal(b, &f) != nil {
			f = map[string]any{"action": "no JSON: " + string(b)}
		}
		l.got <- f
	}
}

func (l *wire) send(f map[string]any) {
	l.o.t.Helper()
	b, err := json.Marshal(f)
	l.o.must(err)
	l.o.must(l.c.Write(l.o.brief(), websocket.MessageText, b))
}

// about sends a message about a call.
func (l *wire) about(action, id string, more ...string) {
	l.o.t.Helper()
	f := map[string]any{"action": action, "id": id}
	for i := 0; i < len(more); i += 2 {
		f[more[i]] = more[i+1]
	}
	l.send(f)
}

// next gives the next message with an action; lists of calls that come before it are kept.
func (l *wire) next(action string) map[string]any {
	l.o.t.Helper()
	for patience := time.After(20 * time.Second); ; {
		select {
		case f, ok := <-l.got:
			if !ok {
				l.o.t.Fatalf("the socket is closed, and there was no %s", action)
			}
			if f["action"] == "error" && action != "error" {
				l.o.t.Fatalf("waiting for %s: %v", action, f)
			}
			if f["action"] == "call-state" {
				l.last = nil
				for _, c := range f["calls"].([]any) {
					l.last = append(l.last, c.(map[string]any))
				}
			}
			if f["action"] == action {
				return f
			}
		case <-patience:
			l.o.t.Fatalf("there is no %s; the calls are %v", action, l.last)
		}
	}
}

// states waits until the user's calls have these states, and gives the ID of the last one.
func (l *wire) states(want string) (id string) {
	l.o.t.Helper()
	for {
		l.next("call-state")
		var states []string
		for _, c := range l.last {
			id, _ = c["id"].(string)
			states = append(states, fmt.Sprint(c["state"]))
		}
		if strings.Join(states, " ") == want {
			return id
		}
	}
}

// talk makes a call that both sides answer.
func (l *wire) talk(me, other *softphone.Phone, number string) (id string, mine, others *softphone.Call) {
	l.o.t.Helper()
	before := strings.Repeat("connected ", len(l.last))
	if len(l.last) > 0 {
		before = strings.Repeat("holding ", len(l.last))
	}
	l.send(map[string]any{"action": "make-call", "to": number})
	mine = l.o.rings(me)
	l.states(before + "alerting")
	mine.Answer()
	others = l.o.rings(other)
	l.states(before + "ringback")
	others.Answer()
	id = l.states(before + "connected")
	l.o.must(mine.WaitAnswered(l.o.brief()))
	l.o.must(others.WaitAnswered(l.o.brief()))
	return id, mine, others
}

// One call from its beginning to its end, and all that can be done with it in between, as
// the phones hear it. A second socket of the user's sees the same.
func TestSocketDrivesPhones(t *testing.T) {
	t.Parallel()
	o := newLineOffice(t)
	me, other := o.ring("123", myTone), o.ring("200", otherTone)
	one, two := o.byCookie("123"), o.open("123&session="+o.token("123"), http.Header{})
	one.send(map[string]any{"action": "make-call", "to": "2-0-0", "name": "Reception"})
	mine := o.rings(me)
	id := one.states("alerting")
	two.states("alerting")
	one.about("accept-call", id) // the phone is asked to answer
	others := o.rings(other)
	o.must(mine.WaitAnswered(o.brief()))
	one.states("ringback")
	others.Answer()
	one.states("connected")
	o.talk(mine, others)
	if c := one.last[0]; c["to-number"] != "2-0-0" || c["to-name"] != "Reception" || c["from-number"] != "123" || c["from-name"] != "Ada" {
		t.Errorf("the call is %v", c)
	}

	two.states("connected")
	two.about("hold-call", id)
	one.states("holding")
	two.states("holding")
	o.must(mine.WaitSilence(o.brief()))
	one.about("hold-call", id)
	one.states("connected")
	two.states("connected")
	o.talk(mine, others)

	one.about("dtmf", id, "digits", "12#A*")
	o.must(others.WaitDigits(o.brief(), "12#A*"))

	one.about("rec-call", id, "startstop", "on")
	two.next("rec-start")
	if two.last[0]["rec"] != "adhoc" {
		t.Errorf("the call is %v", two.last[0])
	}
	one.about("rec-call", id, "startstop", "off")
	two.next("rec-stop")

	two.about("clear-call", id)
	o.over(mine, others)
	for _, l := range []*wire{one, two} {
		why := l.next("call-ended")
		if why["id"] != id || why["reason"] != "completed" || why["to-number"] != "2-0-0" {
			t.Errorf("the end is %v", why)
		}
		if len(l.last) > 0 {
			l.states("")
		}
	}
	for range 2 {
		one.about("clear-call", id)
		if f := one.next("error"); f["code"] != float64(404) || f["request"] != "clear-call" {
			t.Errorf("a call that has ended: %v", f)
		}
	}
}

// The other side is sent on, to a number and to the other side of another call.
func TestSocketTransfers(t *testing.T) {
	t.Parallel()
	o := newLineOffice(t)
	const thirdTone = 1300
	me, other, third := o.ring("123", myTone), o.ring("200", otherTone), o.ring("201", thirdTone)
	l := o.byCookie("123")

	id, mine, others := l.talk(me, other, "200")
	l.about("blind-transfer", id, "from", "123", "to", "201")
	thirds := o.rings(third)
	o.over(mine)
	thirds.Answer()
	o.must(others.WaitTone(o.brief(), thirdTone))
	o.must(thirds.WaitTone(o.brief(), otherTone))
	l.states("")
	others.Hangup()
	o.over(others, thirds)

	first, mine, others := l.talk(me, other, "200")
	l.about("hold-call", first)
	l.states("holding")
	second, mine2, thirds := l.talk(me, third, "201")
	l.about("att-transfer", first, "from", "123", "id2", second, "to", "201")
	o.over(mine, mine2)
	l.states("")
	o.must(others.WaitTone(o.brief(), thirdTone))
	o.must(thirds.WaitTone(o.brief(), otherTone))
	others.Hangup()
	o.over(others, thirds)

	l.about("blind-transfer", first, "to", "201")
	if f := l.next("error"); f["code"] != float64(404) {
		t.Errorf("a transfer of nothing: %v", f)
	}
}

// Click, ring, answer, clear with SIPp, which checks every message; one call by two clicks,
// and no call by whoever has no session.
func TestSocketRingsSIPp(t *testing.T) {
	t.Parallel()
	o := newLineOffice(t)
	mine, others := o.registerSIPp("123"), o.registerSIPp("200")
	one, two := o.byCookie("123"), o.byCookie("123")
	me, other := startSIPpAt(t, mine, 1, sippAnswers), startSIPpAt(t, others, 1, sippAnswers)
	for _, l := range []*wire{one, two} { // twice at once is once
		l.send(map[string]any{"action": "make-call", "to": "200"})
	}
	var id string
	for _, l := range []*wire{one, two} {
		l.states("alerting")
		l.states("ringback")
		id = l.states("connected")
	}
	one.about("clear-call", id)
	for _, l := range []*wire{one, two} {
		l.states("")
	}
	me.Wait()
	other.Wait()

	me = startSIPpAt(t, mine, 1, sippRings)
	two.next("call-ended") // of the first call
	two.send(map[string]any{"action": "make-call", "to": "200"})
	id = two.states("alerting")
	one.about("clear-call", id)
	if why := two.next("call-ended"); why["reason"] != "cancelled" || why["id"] != id {
		t.Errorf("the end is %v", why)
	}
	me.Wait()

	address := "http://127.0.0.1:" + strconv.Itoa(o.HTTP)
	for _, header := range []http.Header{
		{},
		{"Cookie": {"session=guess"}},
		{"Cookie": {o.cookie("123")}, "Origin": {"https://evil.example"}},
		{"Cookie": {o.cookie("124")}, "Origin": {address}},
	} {
		c, resp, err := websocket.Dial(o.brief(), address+"/websocket?domain=tenant.com&user=123", &websocket.DialOptions{HTTPHeader: header})
		if err == nil {
			_ = c.CloseNow()
			t.Errorf("%v opens a socket: %v", header, resp.Status)
		}
	}
}

// A call that waits for a place until it is too late never rings and is never listed; that it
// has ended is told.
func TestSocketTellsOfACallThatNeverRang(t *testing.T) {
	t.Parallel()
	o := newLineOffice(t)
	me, other := o.ring("124", myTone), o.ring("200", otherTone) // 124 may be in one call
	l := o.byCookie("124")
	_, mine, others := l.talk(me, other, "200")
	l.send(map[string]any{"action": "make-call", "to": "201"})
	if why := l.next("call-ended"); why["reason"] != "expired" || why["to-number"] != "201" {
		t.Errorf("the end is %v", why)
	}
	if len(l.last) != 1 || mine.State() != softphone.Connected {
		t.Errorf("the calls are %v", l.last)
	}
	mine.Hangup()
	l.states("")
	o.over(others)
}

// The server says goodbye to its sockets when it stops, and takes the session back when the
// client logs out.
func TestSocketsAreClosedByTheServer(t *testing.T) {
	t.Parallel()
	o := newLineOffice(t)
	cookie := o.cookie("123")
	closed := func(c *websocket.Conn) websocket.StatusCode {
		_, _, err := c.Read(o.brief())
		return websocket.CloseStatus(err)
	}
	open := func(cookie string) *websocket.Conn {
		c, _, err := websocket.Dial(o.brief(), fmt.Sprintf("ws://127.0.0.1:%d/websocket?domain=tenant.com&user=123", o.HTTP), &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {cookie}}})
		o.must(err)
		return c
	}
	out, stays := open(cookie), open(o.cookie("123"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, fmt.Sprintf("http://127.0.0.1:%d/rest/system/session", o.HTTP), nil)
	o.must(err)
	r.Header.Set("Cookie", cookie)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := http.DefaultClient.Do(r)
	o.must(err)
	o.must(resp.Body.Close())
	if code := closed(out); code != websocket.StatusPolicyViolation {
		t.Errorf("after the logout: %d", code)
	}
	gone := make(chan websocket.StatusCode, 1)
	go func() { gone <- closed(stays) }()
	o.Stop()
	if code := <-gone; code != websocket.StatusGoingAway {
		t.Errorf("after the stop: %d", code)
	}
}
