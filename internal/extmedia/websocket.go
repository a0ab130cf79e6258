package extmedia

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// webSocket is messages over a WebSocket: NAME/c(FORMAT)…, or INCOMING/c(FORMAT)…
// (Asterisk: chan_websocket.c).
type webSocket struct{ technology }

// webLeg is a channel on a WebSocket.
type webLeg struct {
	leg
	d         dialString
	channelID string
	id        string // of the connection
	client    Client
	server    bool // the program connects to us
	s         *stream
}

// messageMost is the longest message of a program (Asterisk: res_http_websocket.c).
const messageMost = 65500

// Request reads the resource. It connects when it is dialled; a program may connect
// to us from now on.
func (t webSocket) Request(_ context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	name, options := cutOptions(resource)
	d, err := parseOptions(options, "ulaw")
	if err != nil {
		return nil, t.refuse(resource, cause.BearerNotAvail, err)
	}
	l := &webLeg{d: d, channelID: o.ChannelID, id: name, server: name == incoming}
	if l.server {
		l.id = uuid.NewString()
	} else if l.client, err = t.m.client(name); err != nil {
		return nil, t.refuse(resource, cause.Unallocated, err)
	}
	switch {
	case l.server && d.query != "":
		return nil, t.refuse(resource, cause.InvalidNumber, errors.New("a connection that comes in takes no option v"))
	case t.m.c.Engine == nil:
		return nil, t.refuse(resource, cause.BearerNotAvail, pbx.ErrNoMedia)
	}
	l.s = newStream(d.format, l.tell)
	l.direct(d.direction)
	l.init(t.m, o, pbx.LegInfo{
		Technology: t.name, Name: name, Endpoint: resource, Codec: d.format.codec, Peer: "websocket:" + name,
		Channel: fmt.Sprintf("%s/%s/0x%012x", t.name, name, o.Sequence), Context: "default",
		Variables: []call.Variable{
			{Name: "MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE", Value: strconv.Itoa(d.format.frame)},
			{Name: "MEDIA_WEBSOCKET_CONNECTION_ID", Value: l.id},
		},
	})
	if l.server {
		l.m.await(l)
	}
	return l, nil
}

// Dial connects in the background, or waits for the program, which may be there.
func (l *webLeg) Dial(pbx.DialOptions) error {
	if err := l.dial(); err != nil || l.server {
		return err
	}
	if !l.m.run(func() { l.end(l.connect()) }) {
		l.end(pbx.ErrStopping)
	}
	return nil
}

// SendDTMFInfo tells the program a digit.
func (l *webLeg) SendDTMFInfo(digit rune, _ time.Duration) error {
	l.tell([]notice{{eventDTMF, []field{{"digit", string(digit)}}}})
	return nil
}

// connect opens the connection and serves it.
func (l *webLeg) connect() error {
	timeout := l.client.Timeout
	if timeout <= 0 {
		timeout = l.m.connectTime()
	}
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	address, err := withQuery(l.client.URI, l.d.query)
	if err != nil {
		return err
	}
	// A transport of our own: no proxy, no redirects, so that audio goes to the
	// configured host and nowhere else.
	transport := &http.Transport{TLSClientConfig: l.client.TLS}
	defer transport.CloseIdleConnections()
	o := &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		HTTPHeader: http.Header{}, Subprotocols: l.client.Protocols, CompressionMode: websocket.CompressionDisabled,
	}
	if len(o.Subprotocols) == 0 {
		o.Subprotocols = []string{"media"}
	}
	if l.client.Username != "" || l.client.Password != "" {
		o.HTTPHeader.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(l.client.Username+":"+l.client.Password)))
	}
	c, _, err := websocket.Dial(ctx, address, o) //nolint:bodyclose // the library owns it
	if err != nil {
		return err
	}
	return l.serve(c)
}

// withQuery adds parameters to an address.
func withQuery(address, query string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	u.RawQuery = strings.Trim(u.RawQuery+"&"+query, "&")
	return u.String(), nil
}

// serve is the life of the connection: nil when either side has hung up.
func (l *webLeg) serve(c *websocket.Conn) error {
	defer c.CloseNow() //nolint:errcheck // after a proper close there is nothing left to fail
	c.SetReadLimit(messageMost)
	defer l.s.Close() //nolint:errcheck // nothing that could fail
	l.tell([]notice{l.hello()})
	l.port.SetLeg(l.s, l.s.f.spoken())
	l.s.start(l.m.c.Engine)
	if !l.d.noAnswer {
		l.answered()
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := l.s.write(done, func(b []byte) error { return write(c, websocket.MessageText, b) },
			func(b []byte) error { return write(c, websocket.MessageBinary, b) })
		if err != nil {
			l.stop(err)
		}
	})
	// Not of the leg's context: its end would cut the connection without a close.
	reading, cut := context.WithCancel(context.Background())
	defer cut()
	closed := make(chan struct{})
	unset := context.AfterFunc(l.ctx, func() {
		defer close(closed)
		defer time.AfterFunc(time.Second, cut).Stop()  // a program that does not answer a close
		_ = c.Close(websocket.StatusNormalClosure, "") // one that has gone cannot be told
	})
	err := l.read(reading, c)
	close(done)
	if !unset() {
		<-closed
	}
	wg.Wait()
	return l.ending(err)
}

// write writes one message in time.
func write(c *websocket.Conn, kind websocket.MessageType, b []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTime) // not of the leg's: see serve
	defer cancel()
	return c.Write(ctx, kind, b)
}

// read takes the program's messages until the connection is closed.
func (l *webLeg) read(ctx context.Context, c *websocket.Conn) error {
	for {
		kind, b, err := c.Read(ctx)
		switch {
		case err != nil:
			return err
		case kind == websocket.MessageBinary:
			l.hear(b)
		default:
			l.obey(b)
		}
	}
}

// hear takes audio; a program that sends too far ahead is told, and loses what it
// sends nevertheless.
func (l *webLeg) hear(b []byte) {
	f := l.s.feed
	var xoff bool
	if l.d.passed && len(b) <= 3*l.d.format.frame { // longer ones would be no packets
		xoff = f.pass(b)
	} else {
		xoff = f.put(b)
	}
	if xoff {
		l.tell([]notice{{event: eventXOFF}})
	}
}

// obey takes a command.
func (l *webLeg) obey(b []byte) {
	cmd, err := parseCommand(b, l.d.json)
	switch {
	case err != nil:
		l.tell([]notice{mistake(err.Error())})
	case cmd.name == "HANGUP":
		l.stop(errHangup)
	case cmd.name == "ANSWER":
		l.answered()
	case cmd.name == "SET_MEDIA_DIRECTION" && !isDirection(cmd.direction):
		l.tell([]notice{mistake("the direction must be in, out or both")})
	case cmd.name == "SET_MEDIA_DIRECTION":
		l.direct(cmd.direction)
	case cmd.name != "":
		l.tell(cmd.obey(l.s.feed, l.d, l.s.quiet))
	}
}

// direct sets the direction as the program sees it: in = it only listens.
func (l *webLeg) direct(d string) {
	l.s.feed.setDeaf(d == "in")
	l.s.mute.Store(d == "out")
}

// tell leaves notices to the writer.
func (l *webLeg) tell(list []notice) {
	for _, n := range list {
		b, err := n.encode(l.channelID, l.d.json)
		if err != nil {
			l.m.log.Error("notice not sent", "channel", l.channelID, "event", n.event, "error", err)
			continue
		}
		l.s.say(b)
	}
}

// hello is MEDIA_START.
func (l *webLeg) hello() notice {
	vars := map[string]string{}
	if c, ok := l.m.c.Switch.Channel(l.channelID); ok {
		for _, v := range c.Variables() {
			vars[v.Name] = v.Value
		}
	}
	return notice{eventStart, []field{
		{"connection_id", l.id}, {"channel", l.info.Channel}, {"channel_id", l.channelID}, {"format", l.d.format.name},
		{"optimal_frame_size", l.d.format.frame}, {"ptime", frameTime}, {"channel_variables", vars},
	}}
}
