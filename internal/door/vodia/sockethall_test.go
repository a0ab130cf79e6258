package vodia

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/directory/directorytest"
)

// hall is a house whose door is behind a real HTTP server, on a network in memory: so it can
// stand in a bubble of fake time. Ada's and Ben's phones ring for two seconds.
type hall struct {
	*house
	net   *pipes
	hired []directory.Record // as they are at first: each hash of a password is another one
}

// More people, and pages.
const (
	ben   = "124@tenant.com"
	dot   = "126@tenant.com" // her phone is not registered
	eve   = "123@other.example"
	boss  = "admin@tenant.com"
	ours  = "https://pbx.example"
	other = "https://crm.example" // is allowed
	evil  = "https://evil.example"
)

func newHall(t testing.TB) *hall {
	t.Helper()
	h := serveHall(newHouse(t))
	h.does["123"], h.does["124"] = "180?ring=2s", "180?ring=2s"
	h.staff(func(people []directory.Record) []directory.Record { return people })
	return h
}

// serveHall serves a house.
func serveHall(of *house) *hall {
	h := &hall{house: of, net: newPipes()}
	srv := &http.Server{Handler: h.door}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(h.net) }()
	h.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(h.Context()), time.Minute)
		defer cancel()
		h.must(h.door.Stop(ctx))
		h.must(srv.Close())
		<-served
	})
	return h
}

// inHall runs f in a hall in a bubble.
func inHall(t *testing.T, f func(h *hall)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newHall(t)) })
}

// staff changes the people; f gets all that there are.
func (h *hall) staff(f func(people []directory.Record) []directory.Record) {
	h.Helper()
	if h.hired == nil {
		for _, p := range h.fixture(vectors(h).Fixture.Accounts) {
			h.hired = append(h.hired, directorytest.Record(h, p))
		}
	}
	h.people.Configure(f(slices.Clone(h.hired)), vectors(h).Fixture.Tenants, nil)
}

// of gives the person of a name.
func of(people []directory.Record, name string) *directory.Record {
	return &people[slices.IndexFunc(people, func(p directory.Record) bool { return p.Name.String() == name })]
}

// pass lets fake time pass, and what is due then happen.
func (h *hall) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// client is a browser or program that asks the hall.
func (h *hall) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: h.net.dial, DisableKeepAlives: true}}
}

// fetch sends a request with headers, name and value.
func (h *hall) fetch(method, path string, headers ...string) (status int, header http.Header) {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), method, "http://pbx.example"+path, nil)
	h.must(err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := h.client().Do(r)
	h.must(err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	h.must(err)
	return resp.StatusCode, resp.Header
}

// token mints one for a user.
func (h *hall) token(user string) (token string) {
	h.Helper()
	local, domain, _ := strings.Cut(user, "@")
	b, err := json.Marshal(map[string]string{"name": "3rd", "username": local, "domain": domain})
	h.must(err)
	w := h.ask(http.MethodPost, "/rest/system/session", string(b), basic(root, "bigsecret"))
	h.must(json.Unmarshal(w.Body.Bytes(), &token))
	return token
}

// query is that of a user's socket.
func query(user string) string {
	local, domain, has := strings.Cut(user, "@")
	q := url.Values{"user": {local}}
	if has {
		q.Set("domain", domain)
	}
	return "?" + q.Encode()
}

// open opens a socket. err is that of the library, status that of the answer.
func (h *hall) open(query string, headers ...string) (c *talker, status int, err error) {
	h.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	conn, resp, err := websocket.Dial(h.Context(), "ws://pbx.example/websocket"+query, &websocket.DialOptions{HTTPClient: h.client(), HTTPHeader: header})
	if resp != nil {
		status = resp.StatusCode
	}
	if err != nil {
		return nil, status, err
	}
	conn.SetReadLimit(1 << 20)
	h.Cleanup(func() { _ = conn.CloseNow() })
	return &talker{TB: h.TB, conn: conn}, status, nil
}

// enter opens the socket of a user by a fresh session.
func (h *hall) enter(user string) *talker {
	h.Helper()
	return h.enterBy(user, h.session(user))
}

func (h *hall) enterBy(user, session string) *talker {
	h.Helper()
	c, _, err := h.open(query(user), "Cookie", "session="+session, "Origin", ours)
	h.must(err)
	return c
}

// talker is the client's end of a socket.
type talker struct {
	testing.TB
	conn *websocket.Conn
}

// frame is a message, or what is wanted of one: a value "$name" stands for any text.
type frame = map[string]any

// patience is how long a talker waits, in the clock of the test.
const patience = 20 * time.Second

func (c *talker) sendText(text string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), patience)
	defer cancel()
	if err := c.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.Fatal(err)
	}
}

func (c *talker) send(f frame) {
	c.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		c.Fatal(err)
	}
	c.sendText(string(b))
}

// next gives the next frame.
func (c *talker) next() frame {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), patience)
	defer cancel()
	kind, b, err := c.conn.Read(ctx)
	if err != nil {
		c.Fatal(err)
	}
	var f frame
	if err := json.Unmarshal(b, &f); err != nil || kind != websocket.MessageText {
		c.Fatalf("the server sends %v %q: %v", kind, b, err)
	}
	return f
}

// want reads the next frame, which must have these members, and gives it.
func (c *talker) want(want frame) frame {
	c.Helper()
	got := c.next()
	if !subset(any(want), any(got)) {
		c.Fatalf("the server sends %s, want %s", compact(got), compact(want))
	}
	return got
}

// calls reads a call-state with calls in these states, and gives them.
func (c *talker) calls(states ...string) []frame {
	c.Helper()
	got := c.want(frame{"action": "call-state"})
	list, ok := got["calls"].([]any)
	var out []frame
	var is []string
	for _, o := range list {
		f, _ := o.(frame)
		out = append(out, f)
		is = append(is, str(f["state"]))
	}
	if !ok || !slices.Equal(is, states) {
		c.Fatalf("the server sends %s, want calls %v", compact(got), states)
	}
	return out
}

// until reads what a call becomes until it is in a state. What is newest is told, so that
// others may be left out.
func (c *talker) until(state string) {
	c.Helper()
	for range 3 {
		list, _ := c.want(frame{"action": "call-state"})["calls"].([]any)
		if len(list) != 1 {
			continue
		}
		if one, _ := list[0].(frame); str(one["state"]) == state {
			return
		}
	}
	c.Fatalf("the call does not become %s", state)
}

// refused reads an error.
func (c *talker) refused(request string, code int) frame {
	c.Helper()
	return c.want(frame{"action": "error", "request": request, "code": float64(code)})
}

// quiet says that nothing has come that was not read: what is asked for now comes first.
func (c *talker) quiet() {
	c.Helper()
	c.send(frame{"action": "no-such-action"})
	c.refused("no-such-action", 400)
}

// closed waits until the server closes the socket, and says how.
func (c *talker) closed() (websocket.StatusCode, string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 10*time.Minute)
	defer cancel()
	for {
		_, b, err := c.conn.Read(ctx)
		if err == nil {
			c.Logf("before the close: %s", b)
			continue
		}
		if e, ok := errors.AsType[websocket.CloseError](err); ok {
			return e.Code, e.Reason
		}
		return -1, err.Error()
	}
}

func str(v any) string { s, _ := v.(string); return s }

func compact(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// subset says whether got has all that want has.
func subset(want, got any) bool {
	switch w := want.(type) {
	case frame:
		g, ok := got.(frame)
		if !ok {
			return false
		}
		for key, v := range w {
			if have, ok := g[key]; !ok || !subset(v, have) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !subset(w[i], g[i]) {
				return false
			}
		}
		return true
	}
	return want == got
}

// pipes is a network in memory.
type pipes struct {
	conns chan net.Conn
	gone  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), gone: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- loop{far}:
		return near, nil
	case <-p.gone:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept is net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.gone:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.gone) })
	return nil
}

// Addr is net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// loop is a connection that says it comes from this machine.
type loop struct{ net.Conn }

// RemoteAddr is net.Conn.
func (loop) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
