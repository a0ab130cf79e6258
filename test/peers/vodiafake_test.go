package peers

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// scriptedPBX is a telephone system whose every frame is the test's, with a page on its own
// origin: for what a real one cannot be made to do when the test wants it. It serves the
// widget's real scripts.
type scriptedPBX struct {
	t       *testing.T
	url     string
	scripts http.Handler
	sockets chan *scriptedSocket // that were opened

	mu        sync.Mutex // guards what follows
	pages     map[string]string
	logins    int
	more      chan struct{} // closed and replaced at each login
	exchanges int
	refuse    int    // status of /rest/pbxlogin instead of an answer, 0 = it answers
	answer    string // of /rest/pbxlogin instead of its own, "" = its own
	exchange  string // answer of /rest/system/session
	sessions  bool   // sockets are only for who has a session in the query, as if cookies were lost
	down      bool   // sockets are refused
}

// scriptedSocket is a socket that a page has opened.
type scriptedSocket struct {
	t     *testing.T
	c     *websocket.Conn
	query url.Values
	got   chan map[string]any
	gone  chan struct{}
}

func newScriptedPBX(t *testing.T, scripts http.Handler) *scriptedPBX {
	p := &scriptedPBX{t: t, scripts: scripts, sockets: make(chan *scriptedSocket, 16), pages: map[string]string{}, exchange: "true", more: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("/js/", scripts)
	mux.HandleFunc("GET /page/{name}", p.servePage)
	mux.HandleFunc("GET /rest/pbxlogin", p.serveLogin)
	mux.HandleFunc("POST /rest/system/session", p.serveSession)
	mux.HandleFunc("GET /websocket", p.serveSocket)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

// page puts a page there and gives its address.
func (p *scriptedPBX) page(name, html string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages[name] = "<!doctype html><html lang=en><meta charset=utf-8><link rel=icon href=data:,><title>" + name + "</title>" + html
	return p.url + "/page/" + name
}

func (p *scriptedPBX) servePage(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:")
	_, _ = io.WriteString(w, p.pages[r.PathValue("name")])
}

func (p *scriptedPBX) serveLogin(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logins++
	close(p.more)
	p.more = make(chan struct{})
	if p.refuse != 0 {
		w.WriteHeader(p.refuse)
		return
	}
	if p.answer != "" {
		_, _ = io.WriteString(w, p.answer)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"session": "t0ken", "server": r.Host, "user": "123", "domain": "tenant.com"})
}

func (p *scriptedPBX) serveSession(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body["name"] != "session" || body["value"] != "t0ken" {
		p.t.Errorf("the exchange is %v, %v", body, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exchanges++
	_, _ = io.WriteString(w, p.exchange)
}

func (p *scriptedPBX) serveSocket(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	refuse := p.down || p.sessions && !r.URL.Query().Has("session")
	p.mu.Unlock()
	if refuse {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		p.t.Error(err)
		return
	}
	s := &scriptedSocket{t: p.t, c: c, query: r.URL.Query(), got: make(chan map[string]any, 64), gone: make(chan struct{})}
	p.sockets <- s
	defer close(s.gone)
	for {
		_, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		var frame map[string]any
		if err := json.Unmarshal(b, &frame); err != nil {
			p.t.Errorf("frame %q: %v", b, err)
		}
		s.got <- frame
	}
}

// set changes how it answers.
func (p *scriptedPBX) set(f func(p *scriptedPBX)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

// count gives how often pages have logged in and exchanged a token.
func (p *scriptedPBX) count() (logins, exchanges int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logins, p.exchanges
}

// loggedIn waits until pages have logged in so often.
func (p *scriptedPBX) loggedIn(n int) {
	p.t.Helper()
	for patience := time.After(20 * time.Second); ; {
		p.mu.Lock()
		logins, more := p.logins, p.more
		p.mu.Unlock()
		if logins >= n {
			return
		}
		select {
		case <-more:
		case <-patience:
			p.t.Fatalf("%d logins, want %d", logins, n)
		}
	}
}

// next waits for the next socket.
func (p *scriptedPBX) next() *scriptedSocket {
	p.t.Helper()
	select {
	case s := <-p.sockets:
		return s
	case <-time.After(20 * time.Second):
		p.t.Fatal("no page opens a socket")
		return nil
	}
}

// wants waits for the next frame, and checks it.
func (s *scriptedSocket) wants(want map[string]any) {
	s.t.Helper()
	select {
	case got := <-s.got:
		if !maps.Equal(got, want) {
			s.t.Fatalf("the page sends %v, want %v", got, want)
		}
	case <-time.After(20 * time.Second):
		s.t.Fatalf("the page does not send %v", want)
	}
}

// dialled waits until the page asks for a call.
func (s *scriptedSocket) dialled(number string) {
	s.t.Helper()
	s.wants(map[string]any{"action": "get-calls"})
	s.wants(map[string]any{"action": "make-call", "to": number})
}

// wish gives the number that the page asks for first, "" if it goes without having asked.
func (s *scriptedSocket) wish() string {
	s.t.Helper()
	number := func(frame map[string]any) string {
		to, _ := frame["to"].(string)
		return to
	}
	for patience := time.After(20 * time.Second); ; {
		select {
		case frame := <-s.got:
			if to := number(frame); to != "" {
				return to
			}
		case <-s.gone: // what it sent before is in got
			for len(s.got) > 0 {
				if to := number(<-s.got); to != "" {
					return to
				}
			}
			return ""
		case <-patience:
			s.t.Fatal("the page neither asks for a call nor goes")
		}
	}
}

func (s *scriptedSocket) send(frame any) {
	s.t.Helper()
	b, err := json.Marshal(frame)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.c.Write(s.t.Context(), websocket.MessageText, b); err != nil {
		s.t.Fatal(err)
	}
}

// calls sends a call-state with these calls.
func (s *scriptedSocket) calls(list ...map[string]any) {
	s.t.Helper()
	if list == nil {
		list = []map[string]any{}
	}
	s.send(map[string]any{"action": "call-state", "calls": list})
}

// aCall is a call of a call-state.
func aCall(id any, number, state string) map[string]any {
	return map[string]any{"id": id, "to-number": number, "state": state}
}
