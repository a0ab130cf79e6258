package ari

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

// userTold gives an application an event that is only for it.
func (b *bare) userTold(app string, n int) {
	b.t.Helper()
	for i := range n {
		if err := b.hub.Tell(app, pbx.Event{Type: stasis.UserEvent, Data: &stasis.User{App: app, Name: fmt.Sprint(i)}}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// The rest of the table of handshakes is in the captured exchanges.
func TestHandshakesThatAreRefused(t *testing.T) {
	w := newWeb(t, nil)
	const upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, c := range []struct {
		name, line, head string
		status           int
		header           string // "Name: value" that has to be there
	}{
		{"POST", "POST /ari/events?app=x", upgrade, 405, "Allow: OPTIONS"},
		{"no key", "GET /ari/events?app=x", strings.Replace(upgrade, "Sec-WebSocket-Key: dGhl", "X: ", 1), 400, "Sec-Websocket-Version: 7, 8, 13"},
		{"bad key", "GET /ari/events?app=x", strings.Replace(upgrade, "dGhl", "dG", 1), 400, "Sec-Websocket-Version: 7, 8, 13"},
		{"version 8", "GET /ari/events?app=x", strings.Replace(upgrade, "13", "8", 1), 101, "Upgrade: websocket"},
		{"another upgrade", "GET /ari/events?app=x", strings.Replace(upgrade, "WebSocket\r", "h2c\r", 1), 426, ""},
		{"empty app", "GET /ari/events?app=,,", upgrade, 400, "Content-Type: text/html"},
		{"name of 72", "GET /ari/events?app=" + strings.Repeat("n", 72), upgrade, 101, ""},
		{"name of 73", "GET /ari/events?app=" + strings.Repeat("n", 73), upgrade, 400, ""},
		{"foreign origin", "GET /ari/events?app=x", upgrade + "Origin: http://evil.example\r\n", 101, ""},
		{"extensions", "GET /ari/events?app=x", upgrade + "Sec-WebSocket-Extensions: permessage-deflate\r\n", 101, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := w.dial()
			conn.t = t
			conn.write(c.line + " HTTP/1.1\r\nHost: x\r\n" + ariLogin + c.head + "\r\n")
			r, body := conn.response("GET")
			name, value, _ := strings.Cut(c.header, ": ")
			if r.StatusCode != c.status || r.Header.Get(name) != value {
				t.Errorf("status %d, %v %s", r.StatusCode, r.Header, body)
			}
		})
	}
}

func TestOddApplicationNames(t *testing.T) {
	w := newWeb(t, nil)
	for _, name := range []string{"a b", "a/b?c#d", "ünï-çødé", "100%", "<script>", "*", "..", "PJSIP/x-1:y", strings.Repeat("ü", 36)} {
		c := openSocket(t, http.DefaultClient, "ws://"+w.addr+"/ari/events?app="+url.QueryEscape(name))
		var app struct{ Name string }
		r := c.rest("GET", "applications/"+url.PathEscape(name))
		if err := json.Unmarshal(fmt.Append(nil, r["message_body"]), &app); err != nil || app.Name != name || r["application"] != name {
			t.Errorf("%q: %v %v", name, r, err)
		}
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAnswersToRequestsComeAfterTheirEvents(t *testing.T) {
	w := newWeb(t, nil)
	c := openSocket(t, http.DefaultClient, "ws://"+w.addr+"/ari/events?app=lab")
	const n = 200
	for i := range n { // all at once: they are answered one after the other
		c.say(fmt.Sprintf(`{"type":"RESTRequest","request_id":"%d","method":"POST","uri":"events/user/e%d?application=lab"}`, i, i))
	}
	told := 0
	for answered := 0; answered < n; {
		switch m := c.next(); m["type"] {
		case "ChannelUserevent":
			if m["eventname"] != fmt.Sprintf("e%d", told) {
				t.Fatalf("event %d: %v", told, m)
			}
			told++
		case "RESTResponse":
			if m["request_id"] != fmt.Sprint(answered) || m["status_code"] != 204.0 {
				t.Fatalf("answer %d: %v", answered, m)
			}
			if answered++; told < answered {
				t.Fatalf("answer %d came before its event", answered)
			}
		}
	}
}

// A client that resumes gets each event once and in order, those of the time in which
// it was away too.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBare(t, nil)
		c := b.socket("app=lab&cursor=")
		if c.header.Get("Ari-Cursor") == "" {
			t.Error("no cursor for one that has seen nothing")
		}
		b.userTold("lab", 10)
		var cursor string
		for i := range 5 {
			e := c.next()
			if cursor, _ = e["cursor"].(string); e["eventname"] != fmt.Sprint(i) || cursor == "" {
				t.Fatal(e)
			}
		}
		_ = c.CloseNow() // it crashes
		synctest.Wait()
		b.userTold("lab", 10)
		c = b.socket("app=lab&cursor=" + cursor)
		for i := 5; i < 20; i++ {
			if e := c.next(); e["eventname"] != fmt.Sprint(i%10) {
				t.Fatalf("event %d: %v", i, e)
			}
		}
		plain := b.socket("app=other")
		b.userTold("other", 1)
		if e := plain.next(); e["cursor"] != nil {
			t.Errorf("a cursor for one that did not ask: %v", e)
		}
		again := b.socket("app=lab&cursor=bad-cursor")
		if e := again.next(); e["type"] != "ApplicationResync" || e["reason"] == "" {
			t.Error(e)
		}
	})
}

func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBare(t, nil)
		first := b.socket("app=one,two")
		second := b.socket("app=two")
		if e := first.next(); e["type"] != "ApplicationReplaced" || e["application"] != "two" {
			t.Error(e)
		}
		b.userTold("one", 1)
		b.userTold("two", 1)
		if e := first.next(); e["application"] != "one" {
			t.Error(e)
		}
		if e := second.next(); e["application"] != "two" {
			t.Error(e)
		}
	})
}

// A client that does not read is disconnected after a while; the server says so and
// forgets it, however much there is to tell.
func TestSlowReader(t *testing.T) {
	for _, c := range []struct {
		name   string
		events int
		why    string
	}{
		{"a write takes too long", 10, "i/o timeout"},
		{"more events than are kept", 40_000, "the client does not read its events"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				b := newBare(t, func(o *Options) { o.Log = debugLogger(&log) })
				conn := b.connect()
				handshake(t, conn, "app=lab")
				synctest.Wait()
				begun := time.Now()
				for range c.events {
					if b.hub.Tell("lab", pbx.Event{Type: stasis.UserEvent, Data: &stasis.User{App: "lab", Name: "x"}}) != nil {
						break // it is too slow, and has lost its application
					}
				}
				for len(b.server.sockets.all()) > 0 {
					<-time.After(time.Second) // of the bubble
				}
				synctest.Wait()
				if took := time.Since(begun); took > 30*time.Second {
					t.Errorf("it took %s", took)
				}
				if _, ok := b.hub.App("lab"); ok || !strings.Contains(log.String(), "event socket closed") {
					t.Errorf("application is there: %v; log: %s", ok, log.String())
				}
				if _, err := io.Copy(io.Discard, conn); err != nil && err != io.ErrClosedPipe {
					t.Error(err)
				}
			})
		})
	}
}

// handshake opens a WebSocket by hand on a raw connection.
func handshake(t *testing.T, conn io.ReadWriter, query string) {
	t.Helper()
	head := "GET /ari/events?api_key=ari:secret&" + query + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for one := make([]byte, 1); !bytes.HasSuffix(got, []byte("\r\n\r\n")); got = append(got, one[0]) {
		if _, err := conn.Read(one); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(got, []byte("HTTP/1.1 101 ")) {
		t.Fatalf("%s", got)
	}
}

// A client that hears nothing for half a minute is pinged; one that does not answer is
// gone. One that answers stays.
func TestDeadClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBare(t, nil)
		alive := b.socket("app=alive")
		go func() { // answers pings; ends with the socket
			_, _, _ = alive.Read(context.Background())
		}()
		conn := b.connect()
		handshake(t, conn, "app=dead")
		begun := time.Now()
		frame := make([]byte, 2)
		if _, err := io.ReadFull(conn, frame); err != nil || frame[0] != 0x89 || time.Since(begun) != quiet {
			t.Fatalf("frame %x after %s: %v", frame, time.Since(begun), err)
		}
		rest, err := io.ReadAll(conn)
		if err != nil || !bytes.Contains(rest, []byte("no answer to a ping")) {
			t.Errorf("%q %v", rest, err)
		}
		synctest.Wait()
		if _, ok := b.hub.App("dead"); ok {
			t.Error("the dead one is still there")
		}
		if a, ok := b.hub.App("alive"); !ok || !a.Connected {
			t.Error("the other one is gone")
		}
	})
}

func TestFramesFromClients(t *testing.T) {
	w := newWeb(t, nil)
	open := func() *wsClient { return openSocket(t, http.DefaultClient, "ws://"+w.addr+"/ari/events?app=x") }

	c := open()
	if err := c.Write(t.Context(), websocket.MessageBinary, []byte("ignored")); err != nil {
		t.Fatal(err)
	}
	long := `{"type":"RESTRequest","method":"GET","uri":"asterisk/ping","x":"` + strings.Repeat("x", maxFrame)
	c.say(long[:maxFrame-2] + `"}`)
	if r := c.await("RESTResponse"); r["status_code"] != 200.0 {
		t.Error(r)
	}
	go func() { // takes the pong; ends with the socket
		_, _, _ = c.Read(t.Context())
	}()
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}

	c = open()
	c.say(long[:maxFrame-1] + `"}`)
	if code := c.closed(); code != websocket.StatusMessageTooBig {
		t.Errorf("closed with %d", code)
	}

	c = open()
	if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("close by the client: %v", err)
	}
}

func TestReadOnlyUserOverWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBare(t, nil)
		b.c.Users[0].ReadOnly = true
		c := b.socket("app=lab")
		for request, status := range map[string]float64{
			"GET channels": 200, "OPTIONS channels": 204, "POST bridges": 403, "DELETE bridges/x": 403, "HEAD channels": 403,
		} {
			method, uri, _ := strings.Cut(request, " ")
			if r := c.rest(method, uri); r["status_code"] != status {
				t.Errorf("%s: %v", request, r)
			}
		}
	})
}

// What a reload takes from a user counts for the sockets that he has open.
func TestReloadOfUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c atomic.Pointer[Config]
		c.Store(webConfig())
		b := newBare(t, func(o *Options) { o.Config = c.Load })
		reload := func(u User) {
			c.Store(&Config{Users: []User{u}})
			b.server.Reload()
		}
		k := b.socket("app=lab")
		for _, step := range []struct {
			user   User
			status float64
		}{
			{User{Name: "ari", Password: "secret", ReadOnly: true}, 403},
			{User{Name: "ari", Password: "secret"}, 404},
		} {
			reload(step.user)
			if r := k.rest("DELETE", "bridges/x"); r["status_code"] != step.status {
				t.Errorf("%+v: %v", step.user, r)
			}
		}
		reload(User{Name: "ari", Password: "another"})
		if code := k.closed(); code != websocket.StatusPolicyViolation {
			t.Errorf("closed with %d", code)
		}
	})
}

// When there are as many sockets as there may be, another is refused at once and may
// come again; requests are carried out still.
func TestTooManySockets(t *testing.T) {
	w := newWeb(t, func(o *Options) { o.MaxSockets = 2 })
	one := openSocket(t, http.DefaultClient, "ws://"+w.addr+"/ari/events?app=one")
	openSocket(t, http.DefaultClient, "ws://"+w.addr+"/ari/events?app=two")
	_, r, err := websocket.Dial(t.Context(), "ws://"+w.addr+"/ari/events?app=three&api_key=ari:secret", nil)
	if err == nil || r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "1" {
		t.Fatalf("%v %v", r, err)
	}
	if s := w.get("/ari/channels"); s != http.StatusOK {
		t.Errorf("GET: %d", s)
	}
	if err := one.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
}

// Stop tells what has happened and then closes with "going away".
func TestStopClosesSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBare(t, nil)
		one, two := b.socket("app=one"), b.socket("app=two")
		b.userTold("one", 100)
		stopped := make(chan error)
		go func() { stopped <- b.server.Stop(t.Context()) }()
		for i := range 100 {
			if e := one.next(); e["eventname"] != fmt.Sprint(i) {
				t.Fatal(i, e)
			}
		}
		if a, b := one.closed(), two.closed(); a != websocket.StatusGoingAway || b != a {
			t.Errorf("closed with %d and %d", a, b)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// A client that does not take part in closing does not hold the server up.
func TestStopWithADeadClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBare(t, nil)
		handshake(t, b.connect(), "app=dead")
		synctest.Wait()
		b.userTold("dead", 1)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := b.server.Stop(ctx); err == nil || time.Since(begun) != 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}

// TestCapturedRESTOverWebSocket makes the requests of a captured trace again, up to
// where a channel is made.
func TestCapturedRESTOverWebSocket(t *testing.T) {
	w := newWeb(t, func(o *Options) { o.Globals = oneGlobal{} })
	c := openSocket(t, http.DefaultClient, "ws://"+w.addr+"/ari/events?app=lab")
	steps := readTrace(t, "13-rest-over-websocket.json")
	replayed := 0
	for i := 0; i+1 < len(steps) && steps[i].Dir == "ws-send" && steps[i+1].Dir == "event"; i += 2 {
		var sent string
		if json.Unmarshal(steps[i].Message, &sent) != nil { // it is no string
			sent = string(steps[i].Message)
		}
		if strings.Contains(sent, "wsch") {
			break
		}
		replayed++
		c.say(sent)
		want, got := steps[i+1].Event, c.await("RESTResponse") // not the end of its bridge (spec: ari 10 D6)
		if want["reason_phrase"] == "Not found" {              // Asterisk spells it both ways
			want["reason_phrase"] = "Not Found"
		}
		if uri, _ := want["uri"].(string); strings.HasPrefix(uri, "api-docs") { // another test compares it
			want["message_body"] = got["message_body"]
		}
		for _, m := range []map[string]any{want, got} {
			delete(m, "timestamp")
			if text, ok := m["message_body"].(string); ok {
				var body any
				if json.Unmarshal([]byte(moment.ReplaceAllString(text, "<time>")), &body) == nil {
					m["message_body"] = body
				}
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", sent, d)
		}
	}
	if replayed != 27 {
		t.Errorf("%d requests", replayed)
	}
}

// oneGlobal has the global variable of the traces.
type oneGlobal struct{}

func (oneGlobal) Global(_ context.Context, name string) string {
	return map[string]string{"GLOBVAR": "hello"}[name]
}
func (oneGlobal) SetGlobal(context.Context, string, string) error { return nil }
