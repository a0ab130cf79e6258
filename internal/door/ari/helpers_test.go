package ari

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/stasis"
)

// debugLogger writes everything to w, one line at a time.
func debugLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(&lockedWriter{w: w}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// lockedWriter is a writer for several goroutines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// bare is a door on a switch without media and without a network: its HTTP server
// listens on pipes. It works in a bubble of synctest, where time is not real.
type bare struct {
	t      *testing.T
	sw     *pbx.Switch
	hub    *stasis.Hub
	server *Server
	c      *Config
	pipes  pipes
}

func newBare(t *testing.T, change func(*Options)) *bare {
	t.Helper()
	b := &bare{t: t, c: webConfig(), pipes: pipes{make(chan net.Conn), make(chan struct{})}}
	b.sw = pbx.New(pbx.Options{Linger: -1})
	b.sw.Register(trunk{pretend.New(pretend.Options{})})
	b.hub = stasis.New(stasis.Options{Switch: b.sw, PerCall: func(ctx context.Context, c *pbx.Channel, app string) (string, func(), bool) {
		return b.server.PerCall(ctx, c, app)
	}})
	o := Options{
		Switch: b.sw, Hub: b.hub, Dial: nowhere{}, Config: func() *Config { return b.c },
		Version: "22.10.1", EntityID: "02:fc:00:00:00:01", Started: time.Unix(1795320000, 0),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if b.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: b.server}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(b.pipes) // ends by the Close below
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // t.Context is over
		defer cancel()
		if err := b.server.Stop(ctx); err != nil {
			t.Error(err)
		}
		_ = web.Close()
		<-done
		b.hub.Stop()
		if err := b.sw.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return b
}

// connect gives a raw connection.
func (b *bare) connect() net.Conn {
	ours, theirs := net.Pipe()
	select {
	case b.pipes.conns <- theirs:
	case <-b.pipes.closed:
		b.t.Fatal("the listener is closed")
	}
	b.t.Cleanup(func() { ours.Close() })
	return ours
}

// socket opens an event WebSocket; query is "app=lab&cursor=".
func (b *bare) socket(query string) *wsClient {
	b.t.Helper()
	conn := b.connect()
	hc := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}}
	return openSocket(b.t, hc, "ws://pbx/ari/events?"+query)
}

// wsClient is the client's end of an event WebSocket.
type wsClient struct {
	t *testing.T
	*websocket.Conn
	header http.Header // of the answer to the handshake
}

func openSocket(t *testing.T, hc *http.Client, uri string) *wsClient {
	t.Helper()
	conn, r, err := websocket.Dial(t.Context(), uri, &websocket.DialOptions{
		HTTPClient: hc, HTTPHeader: http.Header{"Authorization": {"Basic YXJpOnNlY3JldA=="}}, // ari:secret
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(-1)
	return &wsClient{t, conn, r.Header}
}

// next reads one message.
func (c *wsClient) next() map[string]any {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	_, text, err := c.Read(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		c.t.Fatalf("%q: %v", text, err)
	}
	return m
}

// await reads messages until one of a type.
func (c *wsClient) await(kind string) map[string]any {
	c.t.Helper()
	for {
		if m := c.next(); m["type"] == kind {
			return m
		}
	}
}

// closed reads until the end and gives how it was closed.
func (c *wsClient) closed() websocket.StatusCode {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 100*time.Second)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// say sends a text.
func (c *wsClient) say(text string) {
	c.t.Helper()
	if err := c.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// rest makes a request over the socket, and gives its answer.
func (c *wsClient) rest(method, uri string) map[string]any {
	c.t.Helper()
	c.say(`{"type":"RESTRequest","request_id":"` + method + " " + uri + `","method":"` + method + `","uri":"` + uri + `"}`)
	for {
		if m := c.await("RESTResponse"); m["request_id"] == method+" "+uri {
			return m
		}
	}
}

// pipes is a listener without a network.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8088} }
