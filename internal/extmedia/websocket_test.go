package extmedia_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// socket is a program's end of a WebSocket.
type socket struct {
	l *lab
	*websocket.Conn
	audio [][]byte // read while a text was waited for
}

// text waits for the next text that begins with prefix.
func (p *socket) text(prefix string) string {
	p.l.t.Helper()
	for {
		kind, b, err := p.Read(p.l.in)
		if err != nil {
			p.l.t.Fatalf("program waits for %s: %v", prefix, err)
		}
		if kind == websocket.MessageText && strings.HasPrefix(string(b), prefix) {
			return string(b)
		}
	}
}

// say sends a text.
func (p *socket) say(text string) {
	p.l.t.Helper()
	if err := p.Write(p.l.in, websocket.MessageText, []byte(text)); err != nil {
		p.l.t.Errorf("program says %s: %v", text, err)
	}
}

// play sends audio as one message.
func (p *socket) play(b []byte) {
	p.l.t.Helper()
	if err := p.Write(p.l.in, websocket.MessageBinary, b); err != nil {
		p.l.t.Errorf("program plays: %v", err)
	}
}

// hears waits for a tone in messages of a length.
func (p *socket) hears(hz int, f wire) {
	p.l.t.Helper()
	ear := newEar([]int{hz})
	dec := f.codec.NewDecoder()
	for {
		select {
		case <-ear.done:
			return
		default:
		}
		kind, b, err := p.Read(p.l.in)
		if err != nil {
			p.l.t.Fatalf("program hears %v, want %d: %v", ear.last(), hz, err)
		}
		if kind == websocket.MessageText {
			continue
		}
		if len(b) != f.frame {
			p.l.t.Fatalf("message of %d octets, want %d", len(b), f.frame)
		}
		if f.codec.Name() == "L16" {
			ear.WriteFrame(half(samples(b), f.codec.SampleRate()), 8000)
		} else {
			ear.WriteFrame(half(dec.Decode(nil, b), f.codec.SampleRate()), 8000)
		}
	}
}

// wire is how a format looks on a WebSocket.
type wire struct {
	codec codec.Codec
	frame int
}

func wireOf(name string, frame int) wire {
	c, _ := codec.Lookup(name)
	return wire{c, frame}
}

func (w wire) tone(hz, n int) []byte {
	rate := w.codec.SampleRate()
	if w.codec.Name() == "L16" {
		return octets(tone(hz, rate, n*rate/50))
	}
	return w.codec.NewEncoder().Encode(nil, tone(hz, rate, n*rate/50))
}

// serverOptions are those of a program that connects to us.
func serverOptions(format, data string) extmedia.Options {
	return extmedia.Options{Transport: "websocket", Encapsulation: "none", ConnectionType: "server", ExternalHost: "INCOMING", Format: format, TransportData: data}
}

// door is the HTTP server that programs connect to.
func door(l *lab) string {
	s := httptest.NewServer(http.StripPrefix("/prefix", l.m))
	l.t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/prefix/media/"
}

// join lets a program connect to a channel.
func join(l *lab, door string, c *pbx.Channel) *socket {
	l.t.Helper()
	id, ok := c.PlainVariable("MEDIA_WEBSOCKET_CONNECTION_ID")
	if !ok {
		l.t.Fatal("the channel names no connection")
	}
	w, _, err := websocket.Dial(l.in, door+id, &websocket.DialOptions{Subprotocols: []string{"media"}})
	if err != nil {
		l.t.Fatal(err)
	}
	if w.Subprotocol() != "media" {
		l.t.Errorf("subprotocol %q", w.Subprotocol())
	}
	l.t.Cleanup(func() { _ = w.CloseNow() })
	return &socket{l: l, Conn: w}
}

// A program that connects to us: both directions in every format, sent ahead of time.
func TestWebSocketAudio(t *testing.T) {
	for _, tt := range []struct {
		format string
		wire   wire
	}{
		{"ulaw", wireOf("PCMU", 160)}, {"alaw", wireOf("PCMA", 160)}, {"gsm", wireOf("GSM", 33)}, {"g722", wireOf("G722", 160)},
		{"slin", wireOf("L16", 320)}, {"slin16", wireOf("L16/16000", 640)},
	} {
		t.Run(tt.format, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, extmedia.Config{})
			c := l.open(serverOptions(tt.format, ""))
			p := join(l, door(l), c)
			l.until(c, pbx.Up)
			want := "MEDIA_START connection_id:" + variable(c, "MEDIA_WEBSOCKET_CONNECTION_ID") + " channel:" + c.Name() + " channel_id:" + c.ID() +
				" format:" + tt.format + " optimal_frame_size:" + variable(c, "MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE") + " ptime:20"
			if d := cmp.Diff(want, p.text("")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			phone := l.with(c)
			p.hears(500, tt.wire)
			p.play(tt.wire.tone(900, 60)) // more than a second at once
			l.hears(phone, 900)
			l.hears(phone)
		})
	}
}

func variable(c *pbx.Channel, name string) string {
	v, _ := c.PlainVariable(name)
	return v
}

// Answer, hangup and the ends of a connection.
func TestWebSocketEnds(t *testing.T) {
	for _, tt := range []struct {
		what   string
		do     func(l *lab, c *pbx.Channel, p *socket)
		cause  int
		byPeer bool
	}{
		{"HANGUP", func(l *lab, c *pbx.Channel, p *socket) {
			p.say("HANGUP")
			closed(l, p, websocket.StatusNormalClosure)
		}, 16, true},
		{"it closes", func(_ *lab, _ *pbx.Channel, p *socket) { _ = p.Close(websocket.StatusNormalClosure, "") }, 16, true},
		{"it goes", func(_ *lab, _ *pbx.Channel, p *socket) { _ = p.CloseNow() }, 16, true},
		{"too long", func(l *lab, _ *pbx.Channel, p *socket) {
			p.play(make([]byte, 65501))
			closed(l, p, websocket.StatusMessageTooBig)
		}, 27, true},
		{"we hang up", func(l *lab, c *pbx.Channel, p *socket) {
			c.Hangup(17)
			closed(l, p, websocket.StatusNormalClosure)
		}, 17, false},
		{"we hang up, it does not read", func(_ *lab, c *pbx.Channel, _ *socket) { c.Hangup(17) }, 17, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, extmedia.Config{})
			c := l.open(serverOptions("ulaw", ""))
			p := join(l, door(l), c)
			l.until(c, pbx.Up)
			tt.do(l, c, p)
			if r := l.gone(c); int(r.Cause) != tt.cause || r.ByPeer != tt.byPeer {
				t.Errorf("%+v", r)
			}
		})
	}
}

// closed waits for the close of the connection.
func closed(l *lab, p *socket, want websocket.StatusCode) {
	l.t.Helper()
	for {
		if _, _, err := p.Read(l.in); err != nil {
			if got := websocket.CloseStatus(err); got != want {
				l.t.Errorf("closed with %v: %v", got, err)
			}
			return
		}
	}
}

// With option n the program answers; it may come before the channel is dialled; its
// id is good for one connection.
func TestWebSocketServer(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	at := door(l)
	c, err := l.s.Create(l.in, pbx.CreateOptions{Endpoint: "WebSocket/INCOMING/c(slin)nf(json)", Variables: []call.Variable{{Name: "WHO", Value: "me"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := join(l, at, c)
	var start struct {
		Event     string
		Format    string
		Size      int               `json:"optimal_frame_size"`
		Variables map[string]string `json:"channel_variables"`
	}
	if err := json.Unmarshal([]byte(p.text("{")), &start); err != nil || start.Event != "MEDIA_START" || start.Format != "slin" || start.Size != 320 || start.Variables["WHO"] != "me" {
		t.Errorf("%+v, %v", start, err)
	}
	id := variable(c, "MEDIA_WEBSOCKET_CONNECTION_ID")
	for path, want := range map[string]int{id: http.StatusConflict, "nobody": http.StatusNotFound} {
		_, res, err := websocket.Dial(l.in, at+path, nil)
		if err == nil || res == nil || res.StatusCode != want {
			t.Errorf("%s: %v, want %d", path, err, want)
		}
	}
	if c.State() != pbx.Down {
		t.Errorf("%s before the dial", c.State())
	}
	if err := c.Dial(pbx.DialOptions{}); err != nil {
		t.Fatal(err)
	}
	p.say(`{"command":"GET_STATUS"}`)
	p.text(`{"bulk_media"`)
	if c.State() != pbx.Down {
		t.Errorf("%s before ANSWER", c.State())
	}
	p.say(`{"command":"ANSWER"}`)
	l.until(c, pbx.Up)
	c.Hangup(0)
	l.gone(c)
	if _, res, err := websocket.Dial(l.in, at+id, nil); err == nil || res == nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("after the end: %v", err)
	}
	res, err := http.Get("http" + strings.TrimPrefix(at, "ws") + "x")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("GET: %s", res.Status)
	}
}

// A plain request does not use the id up.
func TestWebSocketTriesAgain(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	at := door(l)
	c := l.open(serverOptions("ulaw", ""))
	res, err := http.Get("http" + strings.TrimPrefix(at, "ws") + variable(c, "MEDIA_WEBSOCKET_CONNECTION_ID"))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("%s", res.Status)
	}
	join(l, at, c)
	l.until(c, pbx.Up)
}

// A program that never comes.
func TestWebSocketNobodyComes(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	o := serverOptions("ulaw", "")
	o.Timeout = 1 // as soon as the clock moves
	c := l.open(o)
	if r := l.gone(c); r.Cause != 19 {
		t.Errorf("%+v", r)
	}
}

// botServer is a program that waits for our connections.
func botServer(t *testing.T, serve func(*http.Request, *websocket.Conn)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"media", "own"}})
		if err != nil {
			return
		}
		defer c.CloseNow()
		serve(r, c)
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// We connect to a configured program, with its credentials, protocols and
// parameters, or to an address.
func TestWebSocketClient(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	ulaw := wireOf("PCMU", 160)
	requests := make(chan *http.Request, 1)
	conns := make(chan *websocket.Conn, 1)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	at := botServer(t, func(r *http.Request, c *websocket.Conn) { requests <- r; conns <- c; <-over })
	l.m.SetClients(map[string]extmedia.Client{"bot": {URI: at + "/talk?x=1", Username: "u", Password: "p", Protocols: []string{"own"}}})
	for _, tt := range []struct{ host, data, query, protocol, user string }{
		{"bot", "v(a=b%20c,d=/e)", "x=1&a=b%20c&d=/e", "own", "u"},
		{at + "/talk", "", "", "media", ""},
	} {
		c := l.open(extmedia.Options{Transport: "websocket", Encapsulation: "none", ExternalHost: tt.host, Format: "ulaw", TransportData: tt.data})
		l.until(c, pbx.Up)
		p := &socket{l: l, Conn: <-conns}
		r := <-requests
		user, _, _ := r.BasicAuth()
		if r.URL.Path != "/talk" || r.URL.RawQuery != tt.query || r.Header.Get("Sec-WebSocket-Protocol") != tt.protocol || user != tt.user {
			t.Errorf("%s %v user %q", r.URL, r.Header, user)
		}
		if want := "WebSocket/" + tt.host + "/0x"; !strings.HasPrefix(c.Name(), want) {
			t.Errorf("name %s, want %s…", c.Name(), want)
		}
		p.text("MEDIA_START connection_id:" + tt.host + " ")
		phone := l.with(c)
		p.hears(500, ulaw)
		p.play(ulaw.tone(900, 100))
		l.hears(phone, 900)
		c.Hangup(0)
		closed(l, p, websocket.StatusNormalClosure)
		l.gone(c)
	}
}

// Connections that do not come about: nobody listens, no WebSocket, a redirect.
func TestWebSocketClientFails(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	at := botServer(t, func(*http.Request, *websocket.Conn) { t.Error("redirected") })
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for what, host := range map[string]string{"nobody": "ws://127.0.0.1:1/", "plain HTTP": "ws" + strings.TrimPrefix(plain.URL, "http"), "redirect": at + "/elsewhere"} {
		c := l.open(extmedia.Options{Transport: "websocket", Encapsulation: "none", ExternalHost: host, Format: "ulaw"})
		if r := l.gone(c); r.Cause != 27 || r.Failure == nil || r.Failure.Err == nil {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

// Stop ends connections of all kinds, and no new ones are made.
func TestStop(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	web := l.open(serverOptions("ulaw", ""))
	join(l, door(l), web)
	l.until(web, pbx.Up)
	waits := l.open(serverOptions("ulaw", ""))
	audio, _ := connected(l, "slin")
	rtp := l.open(extmedia.Options{ExternalHost: newUDPProgram(l).host(), Format: "ulaw"})
	l.until(rtp, pbx.Up)
	l.m.Stop()
	l.m.Stop()
	for _, c := range []*pbx.Channel{web, waits, audio, rtp} {
		l.gone(c)
	}
	if c, err := l.m.Open(l.in, serverOptions("ulaw", "")); err == nil {
		l.gone(c)
	}
}

func TestWebSocketConformance(t *testing.T) {
	pbxtest.Run(t, func(t *testing.T) pbxtest.Subject {
		answers := botServer(t, func(_ *http.Request, c *websocket.Conn) { drain(t.Context(), c) })
		hangsUp := botServer(t, func(_ *http.Request, c *websocket.Conn) {
			_, _, _ = c.Read(t.Context()) // MEDIA_START
			_ = c.Close(websocket.StatusNormalClosure, "")
		})
		l := newLab(t, extmedia.Config{Clients: map[string]extmedia.Client{"answers": {URI: answers}, "hangsup": {URI: hangsUp}}})
		return pbxtest.Subject{
			Technology: l.m.Technologies()[2], Switch: l.s, Media: true,
			Answers: "answers/c(ulaw)", HangsUp: "hangsup/c(slin)", Silent: "INCOMING/c(ulaw)", Unknown: "nobody/c(ulaw)",
		}
	})
}

func drain(ctx context.Context, c *websocket.Conn) {
	for {
		if _, _, err := c.Read(ctx); err != nil {
			return
		}
	}
}
