package extmedia

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// What can be wrong with Options. Test with errors.Is; the text says more.
var (
	ErrTransport  = errors.New("no such combination of transport and encapsulation")
	ErrConnection = errors.New("the connection type is client, or server with transport websocket")
	ErrHost       = errors.New("the external host must be HOST:PORT")     // also one whose name cannot be resolved
	ErrClient     = errors.New("no such WebSocket client is configured")  // nor is it a ws:// or wss:// address
	ErrFormat     = errors.New("this server cannot convert that format")  // see Formats
	ErrDirection  = errors.New("the direction must be both")              // or in or out for a WebSocket
	ErrData       = errors.New("an AudioSocket needs a UUID in its data") //
)

// Config is what a Media is made of.
type Config struct {
	Switch  *pbx.Switch
	Engine  *media.Engine
	Clients map[string]Client // WebSocket connections that we may open, by name
	Connect time.Duration     // how long a connection of ours may take; 0 = 10 s
	Log     *slog.Logger      // nil: nothing is logged
}

// Client is a program's WebSocket server (Asterisk: websocket_client.conf).
type Client struct {
	URI                string        // ws:// or wss://
	Username, Password string        // Basic credentials; both "" = none
	Protocols          []string      // subprotocols to offer; none = "media"
	TLS                *tls.Config   // nil = the system's certificates
	Timeout            time.Duration // of the connection, 0 = Config.Connect
}

// Options say what channel to open, in the words of ARI (spec: ari 4 externalMedia).
type Options struct {
	ID             string // of the channel, "" = made by the switch
	ExternalHost   string // HOST:PORT; WebSocket client: a Client's name or an address ws://…; WebSocket server: ignored
	Encapsulation  string // "rtp" (or ""), "audiosocket", "none" (WebSocket)
	Transport      string // "udp" (or ""), "tcp" (AudioSocket), "websocket"
	ConnectionType string // "client" (or ""), "server" (WebSocket)
	Format         string // one of Formats, in any case
	Direction      string // "both" or ""; a WebSocket: "in" (we only send), "out" (we only hear) as its program sees it
	Data           string // AudioSocket: its UUID
	TransportData  string // WebSocket: put behind the dial string, "f(json)"
	Variables      []call.Variable
	Account        call.AccountID
	AccountCode    string
	Timeout        time.Duration      // how long the program may take to answer, 0 = 30 s
	Handler        pbx.Handler        // takes the channel when it is answered
	Created        func(*pbx.Channel) // called when the channel is there and before anything is sent; nil = nothing
	Watch          func(*pbx.Event)   // as pbx.CreateOptions.Watch
}

// Media makes channels to programs. It is safe concurrently.
type Media struct {
	c    Config
	log  *slog.Logger
	base context.Context // of all connections; ends in Stop
	stop context.CancelCauseFunc

	mu      sync.Mutex // guards what follows
	clients map[string]Client
	waiting map[string]*socketWait // WebSockets that programs may open, by connection id
	stopped bool
	wg      sync.WaitGroup // connections
}

// New makes the technologies of a switch; they are still to be registered.
func New(c Config) *Media {
	m := &Media{c: c, log: c.Log, clients: maps.Clone(c.Clients), waiting: map[string]*socketWait{}}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	// Connections live as long as their channels, whoever asked for them.
	m.base, m.stop = context.WithCancelCause(context.Background())
	return m
}

// Technologies gives UnicastRTP, AudioSocket and WebSocket.
func (m *Media) Technologies() []pbx.Technology {
	return []pbx.Technology{
		unicastRTP{technology{m, "UnicastRTP"}}, audioSocket{technology{m, "AudioSocket"}}, webSocket{technology{m, "WebSocket"}},
	}
}

// SetClients replaces Config.Clients for later calls.
func (m *Media) SetClients(clients map[string]Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clients = maps.Clone(clients)
}

// client finds a WebSocket client by its name, or makes one of an address.
func (m *Media) client(name string) (Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.clients[name]; ok {
		return c, nil
	}
	if scheme, host, ok := strings.Cut(name, "://"); ok && (scheme == "ws" || scheme == "wss") && host != "" {
		return Client{URI: name}, nil
	}
	return Client{}, fmt.Errorf("%w: %q", ErrClient, name)
}

// connectTime is how long a connection of ours may take.
func (m *Media) connectTime() time.Duration { return cmp.Or(m.c.Connect, 10*time.Second) }

// run runs a connection; false after Stop.
func (m *Media) run(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return false
	}
	m.wg.Go(f)
	return true
}

// Stop ends all connections, and with them their channels, and waits for them. It
// may be called twice.
func (m *Media) Stop() {
	m.mu.Lock()
	m.stopped = true
	m.mu.Unlock()
	m.stop(pbx.ErrStopping)
	m.wg.Wait()
}

// Open makes a channel and connects it. It returns at once, the channel being Down or
// already Up. Its variables then say where the program shall send to:
// UNICASTRTP_LOCAL_ADDRESS and UNICASTRTP_LOCAL_PORT, or MEDIA_WEBSOCKET_CONNECTION_ID
// and MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE. A connection that fails ends the channel.
// Errors: those above, those of pbx.Switch.Create, media.ErrNoPorts.
func (m *Media) Open(ctx context.Context, o Options) (*pbx.Channel, error) {
	endpoint, err := m.endpoint(o)
	if err != nil {
		return nil, err
	}
	return m.c.Switch.Originate(ctx, pbx.OriginateOptions{
		CreateOptions: pbx.CreateOptions{
			ID: o.ID, Endpoint: endpoint, Variables: o.Variables, Account: o.Account, AccountCode: o.AccountCode, Watch: o.Watch,
		},
		Timeout: cmp.Or(o.Timeout, 30*time.Second), Handler: o.Handler, Created: o.Created,
	})
}

// endpoint checks the options and gives what is dialled for them.
func (m *Media) endpoint(o Options) (call.Endpoint, error) {
	transport, encapsulation := cmp.Or(o.Transport, "udp"), cmp.Or(o.Encapsulation, "rtp")
	kind := cmp.Or(o.ConnectionType, "client")
	direction := cmp.Or(o.Direction, "both")
	f, ok := lookup(o.Format)
	switch {
	case kind != "client" && (kind != "server" || transport != "websocket"):
		return "", fmt.Errorf("%w: %q", ErrConnection, kind)
	case !ok:
		return "", fmt.Errorf("%w: %q", ErrFormat, o.Format)
	case !isDirection(direction), direction != "both" && transport != "websocket":
		return "", fmt.Errorf("%w: %q", ErrDirection, direction)
	}
	switch transport + " " + encapsulation {
	case "udp rtp":
		return call.Endpoint("UnicastRTP/" + o.ExternalHost + "/c(" + f.name + ")"), checkHost(o.ExternalHost)
	case "tcp audiosocket":
		if _, err := uuid.Parse(o.Data); err != nil {
			return "", fmt.Errorf("%w: %w", ErrData, err)
		}
		return call.Endpoint("AudioSocket/" + o.ExternalHost + "/" + o.Data + "/c(" + f.name + ")"), checkHost(o.ExternalHost)
	case "websocket none":
		options := "c(" + f.name + ")" + o.TransportData
		if direction != "both" {
			options += "d(" + direction + ")"
		}
		if kind == "server" {
			return call.Endpoint("WebSocket/" + incoming + "/" + options), nil
		}
		_, err := m.client(o.ExternalHost)
		return call.Endpoint("WebSocket/" + o.ExternalHost + "/" + options), err
	}
	return "", fmt.Errorf("%w: %s with %s", ErrTransport, transport, encapsulation)
}
