package ari

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

// far is an application that waits for the server to connect to it.
type far struct {
	t     *testing.T
	conns chan *wsClient // with the header of the handshake
	web   *httptest.Server
}

func newFar(t *testing.T, tls bool) *far {
	t.Helper()
	f := &far{t: t, conns: make(chan *wsClient, 16)}
	f.web = httptest.NewUnstartedServer(f)
	f.web.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it
	if tls {
		f.web.StartTLS()
	} else {
		f.web.Start()
	}
	t.Cleanup(f.web.Close)
	return f
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
	if err != nil {
		f.t.Error(err)
		return
	}
	f.conns <- &wsClient{f.t, conn, r.Header}
}

// uri is the address of the far end.
func (f *far) uri() string { return strings.Replace(f.web.URL, "http", "ws", 1) + "/events" }

// next waits for the next connection.
func (f *far) next() *wsClient {
	f.t.Helper()
	select {
	case c := <-f.conns:
		return c
	case <-time.After(20 * time.Second):
		f.t.Fatal("nobody has connected")
		return nil
	}
}

func (c *wsClient) registered(apps ...string) {
	c.t.Helper()
	for _, app := range apps {
		if m := c.next(); m["type"] != "ApplicationRegistered" || m["application"] != app {
			c.t.Fatalf("%v, want %s registered", m, app)
		}
	}
}

// outboundWeb is a door that connects out.
func outboundWeb(t *testing.T, o Outbound) *web {
	t.Helper()
	w := newWeb(t, nil)
	w.c.Outbound = []Outbound{o}
	if err := w.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// As in vectors/ari/21: both applications are registered, requests are carried out,
// and after a close all begins again.
func TestPersistentOutboundSocket(t *testing.T) {
	f := newFar(t, false)
	w := outboundWeb(t, Outbound{
		Name: "out", URI: f.uri(), Username: "user", Password: "pass", Apps: []string{"outapp", "outapp2"},
		LocalUser: "ari", Reconnect: time.Millisecond,
	})
	for range 3 {
		c := f.next()
		if user, password, ok := (&http.Request{Header: c.header}).BasicAuth(); !ok || user != "user" || password != "pass" {
			t.Errorf("credentials %q %q", user, password)
		}
		if p := c.header.Get("Sec-Websocket-Protocol"); p != "ari" || c.Subprotocol() != "ari" {
			t.Errorf("protocol %q", p)
		}
		c.registered("outapp", "outapp2")
		r := c.rest("GET", "applications/outapp2")
		var app struct{ Name string }
		if err := json.Unmarshal(fmt.Append(nil, r["message_body"]), &app); err != nil || app.Name != "outapp2" || r["application"] != "outapp" {
			t.Error(r, err)
		}
		if err := w.hub.Tell("outapp2", pbx.Event{Type: stasis.UserEvent, Data: &stasis.User{App: "outapp2", Name: "hello"}}); err != nil {
			t.Error(err)
		}
		if e := c.next(); e["application"] != "outapp2" || e["eventname"] != "hello" {
			t.Error(e)
		}
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
	}
}

func TestOutboundSocketHasTheRightsOfItsLocalUser(t *testing.T) {
	f := newFar(t, false)
	outboundWeb(t, Outbound{Name: "out", URI: f.uri(), Apps: []string{"a"}, LocalUser: "ro"})
	c := f.next()
	c.registered("a")
	if r := c.rest("POST", "bridges"); r["status_code"] != 403.0 {
		t.Error(r)
	}
	if r := c.rest("GET", "bridges"); r["status_code"] != 200.0 {
		t.Error(r)
	}
}

// What is configured no longer is closed, after its applications were told; what is
// the same stays.
func TestReloadOfOutboundSockets(t *testing.T) {
	f := newFar(t, false)
	w := outboundWeb(t, Outbound{Name: "old", URI: f.uri(), Apps: []string{"old"}, LocalUser: "ari"})
	old := f.next()
	old.registered("old")
	second := Outbound{Name: "new", URI: f.uri(), Apps: []string{"new"}, LocalUser: "ari"}
	w.c.Outbound = append(w.c.Outbound, second)
	w.server.Reload()
	recent := f.next()
	recent.registered("new")

	w.c.Outbound = []Outbound{second}
	w.server.Reload()
	if m := old.next(); m["type"] != "ApplicationUnregistered" || m["application"] != "old" {
		t.Error(m)
	}
	if code := old.closed(); code != websocket.StatusNormalClosure {
		t.Errorf("closed with %d", code)
	}
	if r := recent.rest("GET", "asterisk/ping"); r["status_code"] != 200.0 {
		t.Error(r)
	}
}

// A connection per call is opened for a channel that enters an application which nobody
// has connected. It is closed three seconds after the channel has left.
func TestPerCallOutboundSocket(t *testing.T) {
	f := newFar(t, false)
	w := outboundWeb(t, Outbound{Name: "calls", URI: f.uri(), Apps: []string{"percall"}, LocalUser: "ari", PerCall: true})
	channel := w.up("pc1")
	name, done, ok := w.server.PerCall(t.Context(), channel, "percall")
	if want := "percall:" + channel.Snapshot().Name; !ok || name != want {
		t.Fatalf("%q %v, want %q", name, ok, want)
	}
	c := f.next()
	c.registered(name)
	if _, _, ok := w.server.PerCall(t.Context(), channel, "another"); ok {
		t.Error("an application that is not configured")
	}
	begun := time.Now()
	done()
	if code := c.closed(); code != websocket.StatusNormalClosure || time.Since(begun) < afterCall {
		t.Errorf("closed with %d after %s", code, time.Since(begun))
	}
}

// A connection per call is tried as often as is configured.
func TestPerCallTriesAgain(t *testing.T) {
	tries := 0
	refuser := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries++ // one after the other
		http.NotFound(w, r)
	}))
	o := Outbound{
		Name: "calls", URI: strings.Replace(refuser.URL, "http", "ws", 1), Apps: []string{"percall"}, LocalUser: "ari", PerCall: true,
		Reconnect: time.Millisecond, Attempts: 2,
	}
	w := outboundWeb(t, o)
	if _, _, ok := w.server.PerCall(t.Context(), w.up("pc1"), "percall"); ok {
		t.Error("it is connected")
	}
	refuser.Close()
	if tries != 3 {
		t.Errorf("%d tries, want 3", tries)
	}
}

func TestOutboundSocketOverTLS(t *testing.T) {
	f := newFar(t, true)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.web.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    Outbound
		ok   bool
	}{
		{"unknown certificate", Outbound{}, false},
		{"not verified", Outbound{Insecure: true}, true},
		{"trusted", Outbound{CAFile: ca}, true},
		{"no certificate in file", Outbound{CAFile: empty}, false},
		{"no such file", Outbound{CAFile: ca + "x"}, false},
		{"no key", Outbound{CertFile: ca}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.URI = f.uri()
			conn, err := dialOutbound(t.Context(), &c.o)
			if (err == nil) != c.ok {
				t.Fatal(err)
			}
			if c.ok {
				f.next()
				_ = conn.CloseNow()
			}
		})
	}
}

// Tries end when they are used up, and with Stop.
func TestOutboundTriesEnd(t *testing.T) {
	refuser := httptest.NewServer(http.NotFoundHandler())
	defer refuser.Close()
	o := Outbound{Name: "out", URI: strings.Replace(refuser.URL, "http", "ws", 1), Apps: []string{"a"}, LocalUser: "ari", Reconnect: time.Millisecond, Attempts: 3}
	w := newWeb(t, nil)
	k := &keeper{s: w.server, o: o}
	k.run(t.Context()) // returns

	k.o.Attempts, k.o.LocalUser = 0, "nobody"
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	k.run(ctx) // returns
	if ctx.Err() == nil {
		t.Error("it has given up")
	}
}
