package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/call"
)

// serveWebSocket streams events as JSON messages (RFC 6455).
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	pos, f, err := s.streamInput(r)
	if err != nil {
		writeProblem(w, problemOf(r.Context(), s.log, err))
		return
	}
	release, err := s.openStream(r.Context())
	if err != nil {
		writeProblem(w, problemOf(r.Context(), s.log, err))
		return
	}
	defer release()
	_, session := visitFrom(r.Context())
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		OriginPatterns: s.originPatterns(), InsecureSkipVerify: session, // whose origin was looked at with its cookie
	})
	if err != nil {
		return // Accept has answered
	}
	defer c.CloseNow() //nolint:errcheck // after a proper close there is nothing left to fail
	c.SetReadLimit(4096)
	ctx := c.CloseRead(r.Context()) // answers pings and notices the close
	during, leave := s.during(ctx)
	defer leave()
	err = s.follow(during, pos, f, &wsStream{ctx: ctx, c: c})
	if errors.Is(err, errStopping) {
		_ = (&wsStream{ctx: ctx, c: c}).send(map[string]any{"bye": true}) // the client may have gone
		_ = c.Close(websocket.StatusGoingAway, "the server is stopping")
		return
	}
	if errors.Is(err, errOver) {
		_ = c.Close(websocket.StatusPolicyViolation, "the session has ended")
		return
	}
	_ = c.Close(websocket.StatusInternalError, "the stream has ended; resume after the last event")
}

// originPatterns gives the hosts of the trusted origins, as the WebSocket
// library wants them. Our own host is always allowed.
func (s *Server) originPatterns() []string {
	var hosts []string
	for _, o := range s.o.TrustedOrigins {
		if u, err := url.Parse(o); err == nil && u.Host != "" {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

// wsStream writes one JSON message per happening. ctx is the connection's.
type wsStream struct {
	ctx context.Context
	c   *websocket.Conn
}

func (st *wsStream) event(e call.Event) error { return st.send(map[string]any{"event": e}) }

func (st *wsStream) lost(after, oldest int64) error {
	return st.send(map[string]any{"lost": map[string]int64{"after": after, "oldest": oldest}})
}

// heartbeat pings, so that a dead peer is noticed.
func (st *wsStream) heartbeat() error {
	ctx, cancel := context.WithTimeout(st.ctx, writeTimeout)
	defer cancel()
	return st.c.Ping(ctx)
}

func (st *wsStream) send(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(st.ctx, writeTimeout)
	defer cancel()
	return st.c.Write(ctx, websocket.MessageText, b)
}
