package sipnet

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/coder/websocket"
)

// pingEvery is how often a WebSocket is pinged, so that proxies and NATs keep
// it open and a dead one is noticed.
const pingEvery = 30 * time.Second

// WebSocket is the handler for SIP over WebSocket (RFC 7118), to be mounted
// on an HTTP server. It accepts the subprotocol "sip" only, from pages of the
// request's own host and of Config.WebSocketOrigins. One message is one frame.
// The handler returns when the connection ends; [Net.Stop] ends it.
func (n *Net) WebSocket() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		remote, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || n.handle.Load() == nil || n.isStopped() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
		if !n.room(remote.Addr()) {
			n.stats.tooMany.Add(1)
			http.Error(w, "too many connections", http.StatusServiceUnavailable)
			return
		}
		var who string
		var done <-chan struct{}
		if n.cfg.Identify != nil {
			if phone, until, ok := n.cfg.Identify(r); ok {
				who, done = phone, until
			}
		}
		n.serveWebSocket(w, r, remote, who, done)
	})
}

func (n *Net) serveWebSocket(w http.ResponseWriter, r *http.Request, remote netip.AddrPort, who string, done <-chan struct{}) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:   []string{"sip"},
		OriginPatterns: n.cfg.WebSocketOrigins,
	})
	if err != nil {
		n.log.Info("WebSocket refused", "remote", remote, "error", err)
		return
	}
	if c.Subprotocol() != "sip" { // RFC 7118 §4.1
		_ = c.Close(websocket.StatusPolicyViolation, "subprotocol sip is required")
		return
	}
	c.SetReadLimit(maxMessage)
	n.stats.accepted.Add(1)
	key := streamKey{transport: WS, addr: remote}
	if r.TLS != nil {
		key.transport = WSS
	}
	var local netip.AddrPort
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		local = addrPort(a)
	}
	ctx, cancel := context.WithCancel(n.base) // the request's ends with its handler
	s, err := n.adopt(key, local, -1, &frameWire{conn: c, ctx: ctx, cancel: cancel}, false)
	if err != nil {
		cancel()
		_ = c.CloseNow() // stopping
		return
	}
	s.flow.identity = who
	if done != nil {
		n.wg.Go(func() {
			select {
			case <-done:
				s.fail(ErrSession)
			case <-s.done:
			}
		})
	}
	s.run()
}

// frameWire carries one message per WebSocket frame.
type frameWire struct {
	conn   *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc
}

func (w *frameWire) write(b []byte) error {
	ctx, cancel := context.WithTimeout(w.ctx, writeLimit)
	defer cancel()
	return w.conn.Write(ctx, websocket.MessageText, b) // RFC 7118 §5.1
}

func (w *frameWire) shut() {
	w.cancel()
	_ = w.conn.CloseNow() // cuts; nothing is left to say
}

func (w *frameWire) serve(s *stream) error {
	s.net.wg.Go(func() { w.keep(s) })
	for {
		_, data, err := w.conn.Read(w.ctx)
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return ErrClosed
		case err != nil:
			return err
		case len(data) == 0 || string(data) == "\r\n":
		case string(data) == "\r\n\r\n":
			s.pong()
		default:
			s.message(data)
		}
	}
}

// keep pings the peer and closes an idle connection, until it ends.
func (w *frameWire) keep(s *stream) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case now := <-tick.C:
			if _, closed := s.idle(now); closed {
				s.fail(ErrIdle)
				return
			}
		}
		ctx, cancel := context.WithTimeout(w.ctx, writeLimit)
		err := w.conn.Ping(ctx)
		cancel()
		if err != nil {
			s.fail(ErrSlow)
			return
		}
	}
}
