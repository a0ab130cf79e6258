package app

import (
	"container/list"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
)

// connections bounds how many connections an HTTP server has. One that comes when there
// are as many as there may be takes the place of the one that has been without a request
// for longest, be it that none has come or that one stops half-way, in its head or in its
// body: whoever opens connections and says nothing keeps nobody out. A connection that a
// door has taken over, a WebSocket, counts no more; the doors bound these.
//
//	accept ─► waiting ─ request ─► serving ─ answer ─► waiting …
//	             │ oldest, when                └ taken over ─► not counted
//	             ▼ another needs its place
//	           closed
type connections struct {
	max int

	mu      sync.Mutex // guards what follows
	free    *sync.Cond // a place may be free, or the listener is closed
	n       int        // connections that count
	waiting *list.List // of *connection, those without a request, the oldest first
	stopped bool       // the listener is closed
}

func newConnections(most int) *connections {
	c := &connections{max: most, waiting: list.New()}
	c.free = sync.NewCond(&c.mu)
	return c
}

// connection is one that counts until it is closed or taken over.
type connection struct {
	net.Conn
	all *connections

	// What follows belongs to the mutex of all.
	counts bool
	place  *list.Element // in waiting; nil = it has a request
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.leave(c)
	return c.Conn.Close()
}

// bounded is a listener whose connections count.
type bounded struct {
	net.Listener
	all *connections
}

// listener bounds the connections of l.
func (a *connections) listener(l net.Listener) net.Listener { return &bounded{l, a} }

// Accept implements net.Listener. While each connection has a request, it waits.
func (b *bounded) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: conn, all: b.all}
	if !b.all.enter(c) {
		_ = conn.Close() // nobody serves it any more
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close implements net.Listener.
func (b *bounded) Close() error {
	b.all.mu.Lock()
	b.all.stopped = true
	b.all.mu.Unlock()
	b.all.free.Broadcast()
	return b.Listener.Close()
}

// enter takes a place for a connection; false when the listener is closed.
func (a *connections) enter(c *connection) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.n >= a.max && !a.stopped {
		oldest := a.waiting.Front()
		if oldest == nil {
			a.free.Wait()
			continue
		}
		old := oldest.Value.(*connection)
		a.drop(old)
		_ = old.Conn.Close() // its server notices
	}
	if a.stopped {
		return false
	}
	a.n++
	c.counts, c.place = true, a.waiting.PushBack(c)
	return true
}

// leave gives up the place of a connection, if it has one.
func (a *connections) leave(c *connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(c)
}

// drop is leave with the mutex held.
func (a *connections) drop(c *connection) {
	if !c.counts {
		return
	}
	a.n--
	c.counts = false
	a.stopsWaiting(c)
	a.free.Signal()
}

func (a *connections) stopsWaiting(c *connection) {
	if c.place != nil {
		a.waiting.Remove(c.place)
		c.place = nil
	}
}

// waits says whether a connection is without a request from now on.
func (a *connections) waits(c *connection, w bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopsWaiting(c)
	if w && c.counts {
		c.place = a.waiting.PushBack(c)
		a.free.Signal()
	}
}

// connectionKey is the key of a *connection in the context of its requests.
type connectionKey struct{}

// serve makes a server tell what its connections do.
func (a *connections) serve(srv *http.Server) {
	srv.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, counted(conn))
	}
	srv.ConnState = func(conn net.Conn, state http.ConnState) {
		c := counted(conn)
		switch {
		case c == nil:
		case state == http.StateHijacked:
			a.leave(c)
		case state == http.StateIdle: // the answer is sent
			a.waits(c, true)
		}
	}
	next := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, _ := r.Context().Value(connectionKey{}).(*connection); c != nil {
			a.waits(c, false)
			if r.Body != http.NoBody {
				r.Body = &upload{r.Body, c}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// upload is the body of a request. While more of it is waited for, its connection is as
// good as one without a request.
type upload struct {
	io.ReadCloser
	from *connection
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.from.all.waits(u.from, true)
	defer u.from.all.waits(u.from, false)
	return u.ReadCloser.Read(p)
}

// counted finds the connection that counts below that of a server; nil = none.
func counted(conn net.Conn) *connection {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	c, _ := conn.(*connection)
	return c
}
