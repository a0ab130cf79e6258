package extmedia

import (
	"context"
	"net/http"
	"path"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/pbx"
)

// socketWait is a leg that waits for its program, or has it.
type socketWait struct {
	l    *webLeg
	here bool // the program has come
}

// await lets a program connect until the leg ends.
func (m *Media) await(l *webLeg) {
	w := &socketWait{l: l}
	m.mu.Lock()
	m.waiting[l.id] = w
	m.mu.Unlock()
	context.AfterFunc(l.ctx, func() {
		m.mu.Lock()
		delete(m.waiting, l.id)
		here := w.here
		m.mu.Unlock()
		if !here { // else its connection says so
			l.end(context.Cause(l.ctx))
		}
	})
}

// ServeHTTP takes the WebSocket connections that programs open to /media/ID, where ID
// is the channel's MEDIA_WEBSOCKET_CONNECTION_ID. The path's last segment counts.
// Unknown ones are answered 404, a second connection 409. It asks for no credentials
// and looks at no Origin: the id is a secret that only the channel's controller knows
// (Asterisk: chan_websocket.c). It returns when the connection has ended.
func (m *Media) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l, status := m.claim(path.Base(r.URL.Path))
	if status != http.StatusOK {
		http.Error(w, "there is no channel that waits for this connection", status)
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"media"}, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil { // it was answered; the program may try again
		m.unclaim(l)
		return
	}
	finished := make(chan struct{})
	if !m.run(func() { defer close(finished); l.end(l.serve(c)) }) {
		_ = c.Close(websocket.StatusGoingAway, "the server is stopping") // it may have gone
		l.end(pbx.ErrStopping)
		return
	}
	<-finished
}

// claim finds the leg that waits for a connection and takes its place.
func (m *Media) claim(id string) (*webLeg, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.waiting[id]
	switch {
	case w == nil || m.stopped:
		return nil, http.StatusNotFound
	case w.here:
		return nil, http.StatusConflict
	}
	w.here = true
	return w.l, http.StatusOK
}

// unclaim lets another connection come; a leg that has ended meanwhile says so.
func (m *Media) unclaim(l *webLeg) {
	m.mu.Lock()
	w := m.waiting[l.id]
	if w != nil {
		w.here = false
	}
	m.mu.Unlock()
	if w == nil {
		l.end(context.Cause(l.ctx))
	}
}
