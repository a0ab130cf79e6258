package ari

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// subprotocol is the one that clients may name.
const subprotocol = "ari"

// maxFrame is the longest message that is taken from a client (spec: ari 3.2).
const maxFrame = 65535

// serveEvents opens an event WebSocket and serves it until it ends (spec: ari 3.1).
// The session begins before the client is told that it is connected, so that what it
// does next finds its application there.
func (s *Server) serveEvents(x *exchange, p *wire.Params) answered {
	a := answered{operation: "events.eventWebsocket"}
	apps := p.List("app")
	switch {
	case !wantsUpgrade(x.r):
		a.hijacked = true
		x.page(http.StatusUpgradeRequired, "")
	case len(apps) == 0:
		a.hijacked = true
		x.page(http.StatusBadRequest, "HTTP request is missing param: [app]")
	case !soundHandshake(x.r):
		a.hijacked = true
		x.refuseHandshake()
	case !s.sockets.reserve():
		a.err, a.retry = errBusy, true
	}
	if a.hijacked || a.err != nil {
		return a
	}
	defer s.sockets.release()
	session, err := s.hub.Attach(stasis.SessionOptions{
		Apps: apps, SubscribeAll: p.Bool("subscribeAll"), Resume: p.Has("cursor"), Cursor: p.String("cursor"),
	})
	switch {
	case errors.Is(err, stasis.ErrAppName):
		a.err = wire.Errorf(http.StatusBadRequest, "%s", err)
		return a
	case errors.Is(err, stasis.ErrManyApps):
		a.err, a.retry = wire.Errorf(http.StatusServiceUnavailable, "%s", err), true
		return a
	case err != nil:
		a.err = errStopping
		return a
	}
	a.hijacked = true
	s.upgrade(x, session, apps, p.Has("cursor"))
	return a
}

// upgrade switches protocols and serves the socket. A client with cursors is told in
// a header where it begins, for the case that it loses the socket before the first
// event.
func (s *Server) upgrade(x *exchange, session *stasis.Session, apps []string, cursors bool) {
	if cursors {
		x.w.Header().Set("Ari-Cursor", session.Begin())
	}
	x.r.Header.Set("Sec-WebSocket-Version", "13") // the earlier ones that are taken are the same
	out := newBatch()
	conn, err := websocket.Accept(&hijacker{ResponseWriter: x.w, out: out}, x.r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // any origin may connect (spec: ari 3.1)
	})
	if err != nil {
		session.Close()
		s.log.Info("event socket not opened", "door", "ari", "remote", x.r.RemoteAddr, "error", err)
		return
	}
	k := s.newSocket(conn, session, x.user, x.r.RemoteAddr, apps)
	k.out, k.cursors = out, cursors
	k.run(x.r.Context())
}

// wantsUpgrade says whether a request is to become a WebSocket.
func wantsUpgrade(r *http.Request) bool {
	return r.ProtoMajor == 1 && hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket")
}

// soundHandshake says whether the headers of a WebSocket are such as can be answered.
func soundHandshake(r *http.Request) bool {
	switch strings.TrimSpace(r.Header.Get("Sec-WebSocket-Version")) {
	case "7", "8", "13":
	default:
		return false
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key")))
	if err != nil || len(key) != 16 || len(r.Header.Values("Sec-WebSocket-Key")) != 1 {
		return false
	}
	return len(r.Header.Values("Sec-WebSocket-Protocol")) == 0 || hasToken(r.Header, "Sec-WebSocket-Protocol", subprotocol)
}

// hasToken says whether a header with a comma separated list has a token, which is in
// lower case.
func hasToken(h http.Header, name, token string) bool {
	return slices.ContainsFunc(h.Values(name), func(list string) bool {
		return slices.ContainsFunc(strings.Split(list, ","), func(t string) bool { return strings.EqualFold(strings.TrimSpace(t), token) })
	})
}

// page answers in HTML, as Asterisk's HTTP server does where ARI does not.
func (x *exchange) page(status int, text string) {
	title := http.StatusText(status)
	body := fmt.Sprintf("<!DOCTYPE html>\r\n<html><head><title>%d %s</title></head>\r\n<body><h1>%s</h1>\r\n<p>%s</p></body></html>\r\n",
		status, title, title, html.EscapeString(text))
	h := x.w.Header()
	h.Set("Server", "Dialwright")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Content-Type", "text/html")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write([]byte(body)) // the client has gone
}

// refuseHandshake says what versions there are.
func (x *exchange) refuseHandshake() {
	h := x.w.Header()
	h.Set("Server", "Dialwright")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Sec-WebSocket-Version", "7, 8, 13")
	h.Set("Content-Length", "0")
	x.w.WriteHeader(http.StatusBadRequest)
}

// hijacker puts a batch between the WebSocket and its connection.
type hijacker struct {
	http.ResponseWriter
	out *batch
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.out.Conn = conn
	return h.out, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(h.out, 4096)), nil
}
