package app

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// boundedServer serves h with at most most connections.
func boundedServer(t *testing.T, most int, h http.HandlerFunc) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	all := newConnections(most)
	all.serve(srv)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(all.listener(l)) // ends by the Close below
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return l.Addr().String()
}

// say opens a connection and sends a text.
func say(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

func get(t *testing.T, addr string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	r, err := c.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Body.Close(); err != nil || r.StatusCode != http.StatusNoContent {
		t.Errorf("%s, %v", r.Status, err)
	}
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// Whoever opens connections and sends half a request, or none, keeps nobody out.
func TestHalfOpenConnectionsGiveWay(t *testing.T) {
	addr := boundedServer(t, 4, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the client may be gone
		noContent(w, r)
	})
	for i := range 40 {
		say(t, addr, []string{
			"", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
		}[i%4])
	}
	for range 3 {
		get(t, addr)
	}
}

// Below TLS it is the same, and a request knows that it came by TLS.
func TestBoundedConnectionsWithTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0) // those that give way
	srv := &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			t.Error("the request does not know of TLS")
		}
		noContent(w, r)
	})}
	all := newConnections(4)
	all.serve(srv)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(newTLSListener(all.listener(l), web.TLS)) // ends by the Close below
	}()
	defer func() {
		_ = srv.Close()
		<-done
	}()
	for range 10 {
		say(t, l.Addr().String(), "\x16")
	}
	r, err := web.Client().Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close() // it has none
}

// A connection whose request is in progress is not closed for another: that one waits.
func TestConnectionsInUseStay(t *testing.T) {
	let, in := make(chan struct{}), make(chan struct{})
	addr := boundedServer(t, 2, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			in <- struct{}{}
			<-let
		}
		noContent(w, r)
	})
	first, second := say(t, addr, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n"), say(t, addr, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
	<-in
	<-in
	third := say(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	close(let)
	for i, c := range []net.Conn{first, second, third} {
		status := make([]byte, len("HTTP/1.1 204"))
		if _, err := io.ReadFull(c, status); err != nil || string(status) != "HTTP/1.1 204" {
			t.Errorf("connection %d: %q, %v", i, status, err)
		}
	}
}

// WebSockets are bounded by their doors, and do not keep requests out.
func TestConnectionsTakenOverDoNotCount(t *testing.T) {
	addr := boundedServer(t, 2, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/socket" {
			noContent(w, r)
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = c.Close() })
		fmt.Fprint(c, "ours")
	})
	for range 10 {
		c := say(t, addr, "GET /socket HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := io.ReadFull(c, make([]byte, len("ours"))); err != nil {
			t.Fatal(err)
		}
	}
	get(t, addr)
}
