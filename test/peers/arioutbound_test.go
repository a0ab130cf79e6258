package peers

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/test/aritrace"
)

// happening is one thing of the capture of connections that the server opens.
type happening struct {
	Dir     string
	Path    string
	Headers map[string]string
	Event   map[string]any `json:"e"`
	Message map[string]any
	Code    int
}

// outside is the program that the server connects to: it does what the captured one
// did, and notes what it sees by path.
type outside struct {
	t       *testing.T
	mu      sync.Mutex
	seen    map[string][]map[string]any // path → what happened there
	changed chan struct{}
}

func (o *outside) note(path string, what map[string]any) {
	o.mu.Lock()
	o.seen[path] = append(o.seen[path], what)
	o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// ServeHTTP takes a connection. On /events it closes it 2.5 s later; on /percall it
// sends the channel back to the dialplan.
func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	user, password, _ := r.BasicAuth()
	o.note(path, map[string]any{"dir": "connect", "login": user + ":" + password, "protocol": r.Header.Get("Sec-WebSocket-Protocol")})
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
	if err != nil {
		o.t.Error(err)
		return
	}
	defer c.CloseNow()
	ctx := context.WithoutCancel(r.Context())
	over := time.AfterFunc(2500*time.Millisecond, func() {
		if path == "/events" {
			c.Close(websocket.StatusNormalClosure, "")
		}
	})
	defer over.Stop()
	registered := 0
	for {
		_, b, err := c.Read(ctx)
		if err != nil {
			if code := websocket.CloseStatus(err); path == "/percall" {
				o.note(path, map[string]any{"dir": "close", "code": float64(code)})
			}
			return
		}
		var e map[string]any
		if err := json.Unmarshal(b, &e); err != nil {
			o.t.Error(err)
			return
		}
		o.note(path, map[string]any{"dir": "event", "e": e})
		var send map[string]any
		switch e["type"] {
		case "ApplicationRegistered":
			if registered++; path == "/events" && registered == 2 {
				send = map[string]any{"type": "RESTRequest", "request_id": "o1", "method": "GET", "uri": "applications"}
			}
		case "StasisStart":
			send = map[string]any{"type": "RESTRequest", "request_id": "p1", "method": "POST", "uri": "channels/pc1/continue"}
		}
		if send == nil {
			continue
		}
		text, err := json.Marshal(send)
		if err == nil {
			err = c.Write(ctx, websocket.MessageText, text)
		}
		if err != nil {
			return
		}
	}
}

// until waits until ok holds for what has been seen on a path.
func (o *outside) until(path, what string, ok func([]map[string]any) bool) []map[string]any {
	o.t.Helper()
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	for {
		o.mu.Lock()
		seen := append([]map[string]any(nil), o.seen[path]...)
		o.mu.Unlock()
		if ok(seen) {
			return seen
		}
		select {
		case <-o.changed:
		case <-timer.C:
			o.t.Fatalf("%s: waited in vain for %s; seen %v", path, what, seen)
		}
	}
}

// answersFirst puts the answer to a request before the event that stands right before it.
func answersFirst(steps []map[string]any) {
	for i := 1; i < len(steps); i++ {
		e, _ := steps[i]["e"].(map[string]any)
		before, _ := steps[i-1]["e"].(map[string]any)
		if e["type"] == "RESTResponse" && before["type"] == "StasisEnd" {
			steps[i-1], steps[i] = steps[i], steps[i-1]
		}
	}
}

// capturedOutbound lets the server connect out as Asterisk did: one connection for two
// applications, made again when it ends, and one for each call.
func capturedOutbound(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the folder of vectors has no connections that the server opens")
	}
	if err != nil {
		t.Fatal(err)
	}
	var captured struct{ Trace []happening }
	if err := json.Unmarshal(text, &captured); err != nil || len(captured.Trace) == 0 {
		t.Fatalf("%s: %d steps, %v", file, len(captured.Trace), err)
	}
	want := map[string][]map[string]any{} // path → the steps of its first connection
	connections := map[string]int{}
	for _, h := range captured.Trace {
		switch {
		case h.Dir == "connect":
			connections[h.Path]++
			if connections[h.Path] == 1 {
				want[h.Path] = append(want[h.Path], map[string]any{"dir": "connect", "login": "outuser:outpass", "protocol": h.Headers["sec-websocket-protocol"]})
			}
		case h.Dir == "event" && connections[h.Path] == 1:
			want[h.Path] = append(want[h.Path], map[string]any{"dir": "event", "e": h.Event})
		case h.Dir == "close" && h.Path == "/percall":
			want[h.Path] = append(want[h.Path], map[string]any{"dir": "close", "code": float64(h.Code)})
		}
	}
	o := &outside{t: t, seen: map[string][]map[string]any{}, changed: make(chan struct{}, 1)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: o}
	served := make(chan struct{})
	go func() { defer close(served); web.Serve(l) }()
	t.Cleanup(func() { web.Close(); <-served })
	_, lab := laboratory(t, l.Addr().(*net.TCPAddr).Port)

	first := want["/events"]
	events := o.until("/events", "the first connection and its answer", func(s []map[string]any) bool { return len(s) >= len(first) })
	must(t, lab, "POST", "/channels", map[string]any{"endpoint": "PJSIP/answer@callee", "context": "percallctx", "extension": "go", "channelId": "pc1"}, 200)
	percall := o.until("/percall", "the end of the connection", func(s []map[string]any) bool {
		return len(s) > 0 && s[len(s)-1]["dir"] == "close"
	})
	o.until("/events", "a second connection", func(s []map[string]any) bool {
		n := 0
		for _, x := range s {
			if x["dir"] == "connect" {
				n++
			}
		}
		return n >= 2
	})
	for path, got := range map[string][]map[string]any{"/events": events[:len(first)], "/percall": percall} {
		if len(got) != len(want[path]) {
			t.Errorf("%s: %d steps, want %d: %v", path, len(got), len(want[path]), got)
			continue
		}
		// Our answer to continue comes when the channel has left, so behind StasisEnd.
		answersFirst(got)
		for i := range got {
			diff := aritrace.Diff(any(want[path][i]), any(got[i]))
			if unexplained, _ := explain(t, "21-outbound-websocket", diff); len(unexplained) > 0 {
				t.Errorf("%s, step %d: %s", path, i, strings.Join(unexplained, "\n"))
			}
		}
	}
}
