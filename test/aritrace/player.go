package aritrace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Target is a server with an ARI user.
type Target struct {
	Base           string // "http://127.0.0.1:8088/ari"
	User, Password string
}

// Played is what a target did of a trace.
type Played struct {
	Events    []map[string]any
	Second    []map[string]any // of the second application
	Responses []Response       // of the requests, in their order
}

// How long an event is waited for that the trace has before a request: longer if it
// certainly comes first than if it may be the request's own doing.
const (
	gateBefore = 3 * time.Second
	gateSame   = 400 * time.Millisecond
)

// Play sends the requests of a trace, each no earlier than at its distance from the
// one before and not before the events that precede it, and gives what came. After the
// last step it waits for what is still owed, and for a mark that it sends itself, so
// that nothing that comes too much is overlooked.
//
// begin, if not nil, is called when the application is connected: for what comes from
// outside.
func Play(ctx context.Context, t *Trace, to Target, begin func()) (*Played, error) {
	l, err := listen(ctx, to, t.App, t.SubscribeAll)
	if err != nil {
		return nil, err
	}
	defer l.close()
	p := &Played{}
	if begin != nil {
		begin()
	}
	if t.Second != nil {
		l2, err := listen(ctx, to, t.Second.App, false)
		if err != nil {
			return nil, err
		}
		defer l2.close()
		defer func() { p.Second = l2.events() }()
		defer l2.await(ctx, tokens(t.Second.Events()), gateBefore)
	}
	want := t.Steps
	offset := time.Now()
	for i := range want {
		s := &want[i]
		if s.Dir != "request" && s.Dir != "ws-send" {
			continue
		}
		due := offset.Add(time.Duration(s.At) * time.Millisecond)
		if err := until(ctx, due); err != nil {
			return nil, err
		}
		before, same := eventsBefore(want[:i], s.At)
		l.await(ctx, before, gateBefore)
		l.await(ctx, same, gateSame)
		if late := time.Since(due); late > 0 { // what follows keeps its distance
			offset = offset.Add(late)
		}
		if s.Dir == "ws-send" {
			if err := l.send(ctx, s.Message); err != nil {
				return nil, err
			}
			continue
		}
		r, err := do(ctx, to, l.actual(s.Request))
		if err != nil {
			return nil, err
		}
		p.Responses = append(p.Responses, r)
	}
	l.await(ctx, tokens(t.Events()), gateBefore)
	if err := l.mark(ctx, to, t.App); err != nil {
		return nil, err
	}
	p.Events = l.events()
	return p, nil
}

// until waits for the moment at which the trace has its next request.
func until(ctx context.Context, due time.Time) error {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// actual puts the id that a channel has here in the place of the one that was made for it
// when the trace was captured.
func (l *listener) actual(r *Request) *Request {
	id := generated.FindString(r.Path)
	if id == "" {
		return r
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.got {
		c, _ := e["channel"].(map[string]any)
		if here, ok := c["id"].(string); ok && generated.MatchString(here) {
			changed := *r
			changed.Path = strings.Replace(r.Path, id, here, 1)
			return &changed
		}
	}
	return r
}

// eventsBefore gives the tokens of the events that came before a request, and of those
// that came by the same millisecond. A digit that the phone has sent is no request's
// doing: it came before, if it stands there.
func eventsBefore(steps []Step, at int) (before, same []string) {
	for _, s := range steps {
		switch {
		case s.Dir != "event":
		case s.At < at, s.Event["type"] == "ChannelDtmfReceived":
			before = append(before, Token(s.Event))
		default:
			same = append(same, Token(s.Event))
		}
	}
	return before, append(before, same...)
}

func tokens(events []map[string]any) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = Token(e)
	}
	return out
}

// listener is a WebSocket that collects events.
type listener struct {
	conn *websocket.Conn
	mu   sync.Mutex
	got  []map[string]any
	bell chan struct{}
	done chan struct{}
	lost map[string]int // events that were waited for in vain: not again
}

func listen(ctx context.Context, to Target, app string, all bool) (*listener, error) {
	u := "ws" + strings.TrimPrefix(to.Base, "http") + "/events?" + url.Values{"app": {app}, "subscribeAll": {fmt.Sprint(all)}, "api_key": {to.User + ":" + to.Password}}.Encode()
	conn, _, err := websocket.Dial(ctx, u, nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(16 << 20)
	l := &listener{conn: conn, bell: make(chan struct{}, 1), done: make(chan struct{}), lost: map[string]int{}}
	go func() {
		defer close(l.done)
		for {
			_, b, err := conn.Read(context.WithoutCancel(ctx))
			if err != nil {
				return
			}
			var e map[string]any
			if json.Unmarshal(b, &e) != nil {
				e = map[string]any{"type": "not JSON", "text": string(b)}
			}
			l.mu.Lock()
			l.got = append(l.got, e)
			l.mu.Unlock()
			select {
			case l.bell <- struct{}{}:
			default:
			}
		}
	}()
	return l, nil
}

func (l *listener) close() {
	l.conn.CloseNow()
	<-l.done
}

func (l *listener) events() []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	for _, e := range l.got {
		if e["eventname"] != markName {
			out = append(out, e)
		}
	}
	return out
}

// missing gives how many of the tokens have not come as often as they are listed.
func (l *listener) missing(want []string) map[string]int {
	need := map[string]int{}
	for _, w := range want {
		need[w]++
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.got {
		need[Token(e)]--
	}
	maps.DeleteFunc(need, func(w string, n int) bool { return n <= l.lost[w] })
	return need
}

// await returns when all tokens have come, or after d: the comparison tells then.
func (l *listener) await(ctx context.Context, want []string, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		missing := l.missing(want)
		if len(missing) == 0 {
			return
		}
		select {
		case <-l.bell:
		case <-l.done:
			return
		case <-timer.C:
			if d == gateBefore {
				maps.Copy(l.lost, missing)
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

const markName = "EndOfTrace"

// mark sends a user event and waits for it: whatever was on its way has then come.
func (l *listener) mark(ctx context.Context, to Target, app string) error {
	r, err := do(ctx, to, &Request{Method: "POST", Path: "/events/user/" + markName, Query: map[string]any{"application": app}})
	if err != nil {
		return err
	}
	if r.Status == http.StatusNotFound {
		return nil // the application is gone with its last channel
	}
	l.await(ctx, []string{Token(map[string]any{"type": "ChannelUserevent", "eventname": markName})}, gateBefore)
	return nil
}

func (l *listener) send(ctx context.Context, message any) error {
	text, ok := message.(string)
	if !ok {
		b, err := json.Marshal(message)
		if err != nil {
			return err
		}
		text = string(b)
	}
	return l.conn.Write(ctx, websocket.MessageText, []byte(text))
}

// do carries out one request.
func do(ctx context.Context, to Target, r *Request) (Response, error) {
	u := to.Base + r.Path
	if len(r.Query) > 0 {
		q := url.Values{}
		for k, v := range r.Query {
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, x := range list {
				q.Add(k, fmt.Sprint(x))
			}
		}
		u += "?" + q.Encode()
	}
	var body io.Reader
	if r.Body != nil {
		b, err := json.Marshal(r.Body)
		if err != nil {
			return Response{}, err
		}
		if text, ok := r.Body.(string); ok {
			b = []byte(text)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u, body)
	if err != nil {
		return Response{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.SetBasicAuth(to.User, to.Password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer res.Body.Close()
	out := Response{Status: res.StatusCode}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return Response{}, err
	}
	if len(b) > 0 && json.Unmarshal(b, &out.Body) != nil {
		out.Body = string(b)
	}
	return out, nil
}

// Clean hangs up every channel and destroys every bridge that a trace has left.
func Clean(ctx context.Context, to Target) error {
	for _, what := range []string{"/channels", "/bridges"} {
		r, err := do(ctx, to, &Request{Method: "GET", Path: what})
		if err != nil {
			return err
		}
		list, _ := r.Body.([]any)
		for _, o := range list {
			id, _ := o.(map[string]any)["id"].(string)
			if _, err := do(ctx, to, &Request{Method: "DELETE", Path: what + "/" + url.PathEscape(id)}); err != nil {
				return err
			}
		}
	}
	return nil
}
