package ari

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/stasis"
)

// benchDoor is a door behind a real HTTP server, on a switch without media.
func benchDoor(b *testing.B) (s *Server, addr string) {
	b.Helper()
	sw := pbx.New(pbx.Options{Linger: -1})
	sw.Register(trunk{pretend.New(pretend.Options{})})
	c := webConfig()
	s, err := New(Options{
		Switch: sw, Hub: stasis.New(stasis.Options{Switch: sw}), Dial: anywhere{}, Config: func() *Config { return c },
		Log: slog.New(slog.DiscardHandler), EntityID: "02:fc:00:00:00:01",
	})
	if err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(s)
	b.Cleanup(web.Close)
	return s, web.Listener.Addr().String()
}

// BenchmarkRequest is one small request on a connection that is kept.
func BenchmarkRequest(b *testing.B) {
	_, addr := benchDoor(b)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for b.Loop() {
		if _, err := io.WriteString(conn, "GET /ari/asterisk/ping HTTP/1.1\r\nHost: x\r\n"+ariLogin+"\r\n"); err != nil {
			b.Fatal(err)
		}
		a, err := http.ReadResponse(r, nil)
		if err != nil || a.StatusCode != http.StatusOK {
			b.Fatal(a, err)
		}
		if _, err := io.Copy(io.Discard, a.Body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList5000 encodes the answer to GET /bridges with 5,000 of them.
func BenchmarkList5000(b *testing.B) {
	s, _ := benchDoor(b)
	user := &User{Name: "ari"}
	for i := range 5000 {
		if a := s.dispatch(b.Context(), &ask{request: request{user: user}, method: "POST", path: fmt.Sprintf("/bridges/list-%d", i)}); a.err != nil {
			b.Fatal(a.err)
		}
	}
	for b.Loop() {
		a := s.dispatch(b.Context(), &ask{request: request{user: user}, method: "GET", path: "/bridges"})
		b.SetBytes(int64(len(s.encode(a, false))))
	}
}

// BenchmarkEvent is an event of a channel from the hub to the client's socket.
func BenchmarkEvent(b *testing.B) {
	s, addr := benchDoor(b)
	conn, _, err := websocket.Dial(b.Context(), "ws://"+addr+"/ari/events?app=lab&api_key=ari:secret", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	e := pbx.Event{At: time.Now(), Type: pbx.ChannelStateChange, Channel: &pbx.Snapshot{ID: "1795320179.0", Name: "PJSIP/callee-00000000"}}
	const burst = 1000
	for b.Loop() {
		for range burst {
			if err := s.hub.Tell("lab", e); err != nil {
				b.Fatal(err)
			}
		}
		for range burst {
			if _, _, err := conn.Read(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/burst, "ns/event")
}
