package ari

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/devstate"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/music"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// office is a door on a real switch with media, whose one trunk leads to pretended
// phones, and an application "lab" that hears the events.
type office struct {
	t      *testing.T
	dir    string // of recordings
	o      Options
	engine *media.Engine
	sw     *pbx.Switch
	hub    *stasis.Hub
	server *Server
	heard  *heard
	resume func(*pbx.Channel, stasis.Position) (pbx.Handler, error) // nil = there is no dialplan
	before func(request int)                                        // called by replay before each request; nil = nothing
}

// newOffice builds it; change may alter the options before the door is made.
func newOffice(t *testing.T, change func(*Options)) *office {
	t.Helper()
	h := &office{t: t, dir: t.TempDir()}
	engine, err := media.New(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	h.engine = engine
	h.sw = pbx.New(pbx.Options{
		Media: engine, Recordings: root, Linger: -1,
		Sounds: fstest.MapFS{"en/demo-instruct.sln": {Data: make([]byte, 20*16000)}},
		Music: func(class string) (media.Source, error) {
			if class != "" {
				return nil, music.ErrClass
			}
			return music.Builtin(), nil
		},
	})
	h.sw.Register(trunk{pretend.New(pretend.Options{Media: engine})})
	devices := devstate.New(devstate.Options{Switch: h.sw})
	if err := devices.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.hub = stasis.New(stasis.Options{Switch: h.sw, EndpointExists: func(tech, resource string) bool {
		_, found := devices.Find(tech, resource)
		return found || resource == "" && strings.EqualFold(tech, "PJSIP")
	}, Resume: func(c *pbx.Channel, at stasis.Position) (pbx.Handler, error) {
		if h.resume == nil {
			return nil, stasis.ErrLabel
		}
		return h.resume(c, at)
	}})
	session, err := h.hub.Attach(stasis.SessionOptions{Apps: []string{"lab"}})
	if err != nil {
		t.Fatal(err)
	}
	h.heard = listen(t, session)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // t.Context is over
		defer cancel()
		session.Close()
		h.hub.Stop()
		for _, stop := range []func(context.Context) error{devices.Stop, h.sw.Stop, engine.Stop} {
			if err := stop(ctx); err != nil {
				t.Error(err)
			}
		}
		root.Close()
	})
	h.o = Options{
		Switch: h.sw, Hub: h.hub, Dial: anywhere{}, Devices: devices, Recordings: root,
		Config:  func() *Config { return &Config{Users: []User{{Name: "lab", Password: "secret"}}} },
		Version: "22.10.1", EntityID: "02:fc:00:00:00:01", Started: time.Unix(1795320000, 0),
	}
	if change != nil {
		change(&h.o)
	}
	if h.server, err = New(h.o); err != nil {
		t.Fatal(err)
	}
	return h
}

// store puts a stored recording into the directory.
func (h *office) store(name string) {
	h.t.Helper()
	full := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(full, make([]byte, 1600), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// answer is what the door has answered.
type answer struct {
	status int
	header http.Header
	raw    []byte
	body   any // decoded; nil = none
}

// message gives the text of a refusal.
func (a answer) message() string {
	m, _ := a.body.(map[string]any)
	text, _ := m["message"].(string)
	return text
}

// into decodes the body.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.raw, v); err != nil {
		t.Fatalf("body %q: %v", a.raw, err)
	}
}

// ask makes a request with parameters in the query ("a=1&b=2") and a JSON body, nil =
// none. path is below /ari.
func (h *office) ask(method, path, query string, body any) answer {
	h.t.Helper()
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			h.t.Fatal(err)
		}
	}
	r := httptest.NewRequestWithContext(h.t.Context(), method, "/ari"+path+"?"+query, &payload)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.SetBasicAuth("lab", "secret")
	w := httptest.NewRecorder()
	h.server.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), raw: w.Body.Bytes()}
	if len(a.raw) > 0 && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(a.raw, &a.body); err != nil {
			h.t.Fatalf("%s %s: body %q: %v", method, path, a.raw, err)
		}
	}
	return a
}

// want asks and checks the status, and the message if there is one.
func (h *office) want(method, path, query string, status int, message string) answer {
	h.t.Helper()
	a := h.ask(method, path, query, nil)
	if a.status != status || a.message() != message {
		h.t.Errorf("%s %s?%s: %d %q, want %d %q", method, path, query, a.status, a.raw, status, message)
	}
	return a
}

// up brings an answered channel into the application.
func (h *office) up(id string) *pbx.Channel {
	h.t.Helper()
	h.want("POST", "/channels", "endpoint=PJSIP/answer0@callee&app=lab&channelId="+id, http.StatusOK, "")
	h.heard.await("StasisStart channel=" + id)
	c, found := h.sw.Channel(id)
	if !found {
		h.t.Fatalf("channel %s is gone", id)
	}
	return c
}

// trunk is the trunk "callee" of the traces: the user says how the phone behaves.
type trunk struct{ *pretend.Technology }

func (trunk) Name() string { return "PJSIP" }

func (trunk) DeviceState(string) pbx.DeviceState { return pbx.DeviceNotInUse }

func (trunk) Endpoints() []call.EndpointState {
	return []call.EndpointState{{Name: "callee", Kind: "trunk", State: "not in use", Registered: true}}
}

func (k trunk) Request(ctx context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	user, _, _ := strings.Cut(resource, "@")
	number := "100"
	switch user {
	case "early":
		number = "100183"
	case "answer":
		number = "100180?ring=20ms"
	case "ring":
		number = "100180?ring=1h"
	case "silent":
		number = "100timeout"
	}
	leg, err := k.Technology.Request(ctx, number, o)
	return trunkLeg{leg}, err
}

type trunkLeg struct{ pbx.Leg }

func (l trunkLeg) Describe() pbx.LegInfo {
	d := l.Leg.Describe()
	d.Technology, d.Name, d.Phone, d.Trunk, d.Context = "PJSIP", "callee", "", "callee", "from-callee"
	return d
}

// anywhere lets everybody dial everything.
type anywhere struct{}

func (anywhere) Dial(_ context.Context, a Ask) (call.Endpoint, call.AccountID, error) {
	return call.Endpoint(a.Endpoint), "", nil
}
func (anywhere) Media(context.Context, Ask) (call.AccountID, error)         { return "", nil }
func (anywhere) Caller(_ call.AccountID, asked call.CallerID) call.CallerID { return asked }
func (anywhere) Dialplan(context.Context, Ask, string) error                { return nil }
func (anywhere) Record(*pbx.Channel, Ask)                                   {}

// heard collects what the application hears, as tokens.
type heard struct {
	t *testing.T

	mu    sync.Mutex // guards what follows
	seen  map[string]int
	all   []string
	items []stasis.Item
	news  chan struct{} // closed by the next event
}

func listen(t *testing.T, s *stasis.Session) *heard {
	h := &heard{t: t, seen: map[string]int{}, news: make(chan struct{})}
	done := make(chan struct{})
	go func() { // ends with the session
		defer close(done)
		for {
			items, err := s.Next(t.Context())
			h.add(items)
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { s.Close(); <-done })
	return h
}

func (h *heard) add(items []stasis.Item) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, i := range items {
		token := tokenOf(i.Event)
		h.seen[token]++
		h.all = append(h.all, token)
		h.items = append(h.items, i)
	}
	close(h.news)
	h.news = make(chan struct{})
}

// await waits until a token has been heard, once.
func (h *heard) await(token string) { h.t.Helper(); h.awaitTimes(token, 1) }

func (h *heard) awaitTimes(token string, times int) {
	h.t.Helper()
	limit := time.After(10 * time.Second)
	for {
		h.mu.Lock()
		n, news := h.seen[token], h.news
		h.mu.Unlock()
		if n >= times {
			return
		}
		select {
		case <-news:
		case <-limit:
			h.mu.Lock()
			defer h.mu.Unlock()
			h.t.Fatalf("heard %q %d times, want %d; heard:\n%s", token, n, times, strings.Join(h.all, "\n"))
		}
	}
}

// times says how often a token has been heard so far.
func (h *heard) times(token string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[token]
}

// last gives the newest event.
func (h *heard) last() stasis.Item {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.items[len(h.items)-1]
}

// tokenOf says in a line what an event is and what it is about.
func tokenOf(e *pbx.Event) string {
	var b strings.Builder
	b.WriteString(string(e.Type))
	put := func(key, value string) {
		b.WriteString(" " + key + "=" + value)
	}
	switch {
	case e.Type == pbx.Dial && e.Peer != nil:
		put("channel", e.Peer.ID)
		put("status", e.DialStatus)
	case e.Channel != nil && e.Playback == nil && e.Recording == nil:
		put("channel", e.Channel.ID)
	}
	if e.Bridge != nil && e.Playback == nil && e.Recording == nil {
		put("bridge", e.Bridge.ID)
	}
	if e.Playback != nil {
		put("playback", e.Playback.ID)
		put("state", string(e.Playback.State))
	}
	if e.Recording != nil {
		put("recording", e.Recording.Name)
		put("state", string(e.Recording.State))
	}
	if e.Device != nil {
		put("device", e.Device.Name)
		put("state", string(e.Device.State))
	}
	if u, ok := e.Data.(*stasis.User); ok {
		put("name", u.Name)
	}
	return b.String()
}

// cutQuery takes "/path?query" apart.
func cutQuery(uri string) (path, query string) {
	path, query, _ = strings.Cut(uri, "?")
	return path, query
}

// encode writes a query.
func encode(params map[string]any) string {
	v := url.Values{}
	for name, value := range params {
		switch value := value.(type) {
		case string:
			v.Set(name, value)
		default:
			text, err := json.Marshal(value)
			if err != nil {
				panic(err) // it was decoded from JSON
			}
			v.Set(name, string(text))
		}
	}
	return v.Encode()
}

// soundList is a list of sounds that never changes.
type soundList []wire.Sound

func (l soundList) List() []wire.Sound { return l }
