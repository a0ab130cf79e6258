package extmedia

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"time"

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
	ErrDirection  = errors.New("the direction must be both")              //
	ErrData       = errors.New("an AudioSocket needs a UUID in its data") //
)

// Config is what a Media is made of.
type Config struct {
	Switch  *pbx.Switch
	Engine  *media.Engine
	Clients map[string]Client // WebSocket connections that we may open, by name
	Connect time.Duration     // how long a connection may take, and a program may take to connect to us; 0 = 10 s and 30 s
	Log     *slog.Logger      // nil: nothing is logged
}

// Client is a program's WebSocket server (Asterisk: websocket_client.conf).
type Client struct {
	URI                string // ws:// or wss://
	Username, Password string // Basic credentials; both "" = none
	Protocols          []string
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
	Format         string // ulaw, alaw, gsm, g722, slin, slin16
	Direction      string // "both" or ""
	Data           string // AudioSocket: its UUID
	TransportData  string // WebSocket: put behind the dial string, "f(json)"
	Variables      []call.Variable
	Account        call.AccountID
	AccountCode    string
	Handler        pbx.Handler        // takes the channel when it is answered
	Created        func(*pbx.Channel) // called when the channel is there and before anything is sent; nil = nothing
	Watch          func(*pbx.Event)   // as pbx.CreateOptions.Watch
}

// Media makes channels to programs. It is safe concurrently.
type Media struct{ c Config }

// New makes the technologies of a switch; they are still to be registered.
func New(c Config) *Media { return &Media{c: c} }

// Technologies gives UnicastRTP, AudioSocket and WebSocket.
func (m *Media) Technologies() []pbx.Technology { return nil }

// SetClients replaces Config.Clients for later calls.
func (m *Media) SetClients(clients map[string]Client) {}

// Open makes a channel and connects it. It returns at once, the channel being Down or
// already Up. Its variables then say where the program shall send to:
// UNICASTRTP_LOCAL_ADDRESS and UNICASTRTP_LOCAL_PORT, or MEDIA_WEBSOCKET_CONNECTION_ID
// and MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE. A connection that fails ends the channel.
// Errors: those above, those of pbx.Switch.Create, media.ErrNoPorts.
func (m *Media) Open(ctx context.Context, o Options) (*pbx.Channel, error) {
	return nil, ErrTransport
}

// ServeHTTP takes the WebSocket connections that programs open to /media/ID, where ID
// is the channel's MEDIA_WEBSOCKET_CONNECTION_ID, used up by the first that connects.
// Unknown ones are answered 404. The path's last segment counts. It asks for no
// credentials: the id is a secret that only the channel's controller knows (Asterisk:
// chan_websocket.c). It returns when the connection has ended.
func (m *Media) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// Stop ends all connections; their channels end too.
func (m *Media) Stop() {}
