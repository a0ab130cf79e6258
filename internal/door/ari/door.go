package ari

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/snoop"
	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// Options are what the door is made of. Switch, Hub, Config and Dial are required.
type Options struct {
	Switch *pbx.Switch
	Hub    *stasis.Hub
	Log    *slog.Logger

	Config func() *Config // in force; reloads replace it as a whole
	Dial   Dialler

	// Devices tells and sets device states; Phones sends text messages and transfers
	// through phones and trunks; Mailboxes counts messages; Globals are the dialplan's
	// global variables. nil ones are not there: their operations answer 404 or 501.
	Devices   Devices
	Phones    Phones
	Mailboxes Mailboxes
	Globals   Globals
	Sounds    Sounds

	// Snoop makes channels that hear others, Media channels to programs. Without them
	// the operations snoopChannel and externalMedia answer 501.
	Snoop Snooper
	Media ExternalMedia

	Recordings *os.Root // where stored recordings lie; nil = none
	Version    string   // of Asterisk, as clients see it: "22.10.1"
	EntityID   string   // asterisk_id, like a MAC address
	Started    time.Time
	Reloaded   func() time.Time
	Reload     func(context.Context) error // reads the configuration again, for reloadModule; nil = refused
	Language   string                      // default language of channels, for getInfo; "" = "en"
	// Busy gives why no new channel may be made at the moment, "" = none: too many
	// channels. It is asked before anything else of an operation that makes one.
	Busy func() string
	// MaxSockets bounds the event WebSockets that clients have open; 0 = 1000.
	MaxSockets int
	// Throttle refuses addresses with too many wrong passwords; doors may share one. nil =
	// one of its own.
	Throttle *auth.Throttle
}

// Realm is the realm of logins where none is configured.
const Realm = "Asterisk REST Interface"

// Config is what can change while the door is open (ari.conf, http.conf; spec: ari 2.2).
type Config struct {
	Prefix         string   // before /ari, "" or "/asterisk"
	Realm          string   // "" = the constant Realm
	Pretty         bool     // indent bodies
	AllowedOrigins []string // CORS; "*" = all
	ChannelVars    []string // shown in every channel
	WriteTimeout   time.Duration
	Users          []User
	Outbound       []Outbound
}

// User is one that may log in.
type User struct {
	Name     string
	Password string // plain, crypt(3) ("$6$salt$hash") or argon2id in PHC form, as Format says
	Format   string // "plain" (also ""), "crypt", "argon2id"
	ReadOnly bool
	Permit   []netip.Prefix // empty = from everywhere
	Deny     []netip.Prefix
	Account  call.AccountID // on whose behalf its calls are made
}

// Outbound is a WebSocket that the server opens to an application (spec: ari 3.7).
type Outbound struct {
	Name         string
	URI          string // ws:// or wss://
	Protocols    []string
	Username     string
	Password     string
	Apps         []string
	SubscribeAll bool
	LocalUser    string // with whose rights requests over it are made
	PerCall      bool   // opened for each call, else at once and kept open
	Timeout      time.Duration
	Reconnect    time.Duration
	Attempts     int // tries after one that failed; 0 = without end, with PerCall none
	Insecure     bool
	CAFile       string
	CertFile     string
	KeyFile      string
}

// Ask is somebody's wish to dial.
type Ask struct {
	User     *User
	Remote   string // address of the client
	Endpoint string // as given, TECH/resource
	CallerID call.CallerID
}

// Dialler resolves endpoints and asks the guard. Implemented by app.
type Dialler interface {
	// Dial gives what the switch dials for it and on whose account, or a *call.Failure:
	// unknown technology or endpoint (Permanent), denied by the guard (cause 52), or too
	// much at once (Congestion).
	Dial(ctx context.Context, a Ask) (call.Endpoint, call.AccountID, error)
	// Media gives on whose account user has a channel to a program, or a *call.Failure as
	// Dial does.
	Media(ctx context.Context, a Ask) (call.AccountID, error)
	// Caller gives whom a phone is shown that is dialled on an account: asked, unless that
	// is nobody or the account may not name others.
	Caller(account call.AccountID, asked call.CallerID) call.CallerID
	// Dialplan says whether user's account may send calls into a context.
	Dialplan(ctx context.Context, a Ask, context string) error
	// Record keeps a call record of a channel. It is called once, right before the
	// channel is dialled, inside its actor or before anybody else knows it; it must
	// not wait. c's snapshot has the account that Dial gave.
	Record(c *pbx.Channel, a Ask)
}

// Snooper makes snoop channels. Implemented by snoop.Technology.
type Snooper interface {
	Snoop(ctx context.Context, o snoop.Options) (*pbx.Channel, error)
}

// ExternalMedia opens channels to programs. Implemented by extmedia.Media.
type ExternalMedia interface {
	Open(ctx context.Context, o extmedia.Options) (*pbx.Channel, error)
}

// Devices are device states (spec: ari 4 deviceStates).
type Devices interface {
	State(name string) pbx.DeviceState
	List() []pbx.DeviceSnapshot // the custom ones (Stasis:)
	Set(ctx context.Context, name string, s pbx.DeviceState) error
	Delete(ctx context.Context, name string) error
	Endpoints() []pbx.EndpointSnapshot
	// Find gives one endpoint; the technology in any case, the resource exactly.
	Find(tech, resource string) (pbx.EndpointSnapshot, bool)
}

// Phones reach phones beside calls.
type Phones interface {
	// Message sends a text; to is "pjsip:endpoint", "pjsip:sip:user@host" or "endpoint".
	Message(ctx context.Context, from, to, body string, vars map[string]string) error
	// Refer sends a REFER outside a call.
	Refer(ctx context.Context, from, to, referTo string, toSelf bool, vars map[string]string) error
}

// Mailboxes count messages (spec: ari 4 mailboxes).
type Mailboxes interface {
	List(ctx context.Context) ([]wire.Mailbox, error)
	Get(ctx context.Context, name string) (wire.Mailbox, bool, error)
	Set(ctx context.Context, m wire.Mailbox) error
	Delete(ctx context.Context, name string) (existed bool, err error)
}

// Globals are the global variables of the dialplan.
type Globals interface {
	Global(ctx context.Context, name string) string // also a function
	SetGlobal(ctx context.Context, name, value string) error
}

// Sounds lists what can be played.
type Sounds interface {
	List() []wire.Sound
}

// request is one operation as called, by HTTP or over a WebSocket.
type request struct {
	user   *User
	remote string // host:port of the client
	params wire.Params
	path   map[string]string // path parameters, decoded
	overWS bool
	app    string // over a WebSocket: the first application of that
}

// response is what an operation answers.
type response struct {
	status   int
	body     any    // nil = none
	location string // header Location, below the prefix: "/ari/playbacks/x"
	file     *os.File
	fileType string // media type of file
}

func ok(body any) response { return response{status: http.StatusOK, body: body} }
func noContent() response  { return response{status: http.StatusNoContent} }
func created(body any, location string) response {
	return response{status: http.StatusCreated, body: body, location: location}
}

// operation carries out one operation. Errors are *wire.Error; others are a 500 and logged.
type operation func(ctx context.Context, q *request) (response, error)

// handlers gives every operation by resource and nickname ("channels.originate").
func (s *Server) handlers() map[string]operation {
	all := map[string]operation{}
	for _, part := range []map[string]operation{s.channelOperations(), s.otherOperations()} {
		maps.Copy(all, part)
	}
	return all
}
