package ami

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// Options are what the door is made of. Switch, Config and Dial are required; of the rest
// nil means that it is not there, and what needs it answers with an error.
type Options struct {
	Switch *pbx.Switch
	Log    *slog.Logger
	Config func() *Config // in force; reloads replace it as a whole

	Dial      Dialler
	Globals   Globals
	Devices   Devices
	Hints     *hint.Table
	DB        Database
	Mailboxes Mailboxes
	Phones    Phones
	Contacts  Contacts
	Parking   func() (*parking.Config, *parking.Lots)
	Plan      func() *dialplan.Plan // in force
	Apps      Applications

	// Command carries out a line of the CLI dialect (package door/cli).
	Command func(ctx context.Context, a Ask, line string) (output string, ok bool)
	// Reload loads the configuration, or one part of it: "" = all, "dialplan", "manager" …
	// known is false for a module that is not there. Errors with answers of their own:
	// ErrNotReloadable, ErrReloading.
	Reload func(ctx context.Context, module string) (known bool, err error)

	Version    string // of Asterisk, as clients see it: "22.10.1"
	SystemName string
	Started    time.Time
	Reloaded   func() time.Time
	MaxCalls   int // 0 = no limit
	// Busy gives why no new channel may be made at the moment, "" = none.
	Busy func() string
	// Throttle refuses addresses with too many wrong passwords; doors may share one.
	Throttle *auth.Throttle
}

// Config is what can change while the door is open (manager.conf; spec: ami 3).
type Config struct {
	Listen, TLSListen          string // "" = not served; changing them needs a restart
	TLSCert, TLSKey            string
	Web                        bool   // serve AMI over HTTP
	WebPrefix                  string // http.conf prefix, "" or "/asterisk"
	Users                      []User
	AuthTimeout                time.Duration
	AuthLimit                  int // connections that are not logged in
	MaxConnections             int // HTTP sessions too, 0 = no limit
	HTTPTimeout                time.Duration
	RefuseGETLogin             bool     // passwords do not belong into URLs
	TimestampEvents            bool     // Timestamp in every event
	ChannelVars                []string // shown with every channel of every event
	DisabledEvents             []string
	CDREvents                  bool // cdr_manager.conf: tell every call record
	BrokenEventsAction         bool
	Applications               []string // that Originate may run beside those that are harmless; never those of spec: ami 3.2
	Lenient                    bool     // spec: ami 10.4 strict=no
	EventQueue, EventQueueSize int      // events and bytes that a reader may be behind
}

// User is one that may log in.
type User struct {
	Name          string
	Secret        string // plain, or a hash as Format says
	Format        string // "plain" (also ""), "crypt", "argon2id"; challenge and digest need "plain"
	Permit, Deny  []netip.Prefix
	Read, Write   wire.Class
	SetVar        []call.Variable
	Filters       []wire.Filter
	SingleLogin   bool // allowmultiplelogin = no
	HideConnects  bool // displayconnects = no
	WriteTimeout  time.Duration
	Account       call.AccountID // on whose behalf its calls are made
	PerSecond     float64        // originations, 0 = no limit
	AtOnce        int            // originated channels that live, 0 = no limit
	MaxConnection int            // 0 = no limit
}

// Ask is somebody's wish to dial or to command.
type Ask struct {
	User     *User  // nil: the command line of this machine
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
	// Caller gives whom a phone is shown that is dialled on an account.
	Caller(account call.AccountID, asked call.CallerID) call.CallerID
	// Dialplan says whether the user's account may send calls into a context.
	Dialplan(ctx context.Context, a Ask, context string) error
	// Record keeps a call record of a channel, right before it is dialled; it must not wait.
	Record(c *pbx.Channel, a Ask)
}

// Globals are the global variables of the dialplan, functions too.
type Globals interface {
	Global(ctx context.Context, name string) string
	SetGlobal(ctx context.Context, name, value string) error
}

// Devices are device states; *devstate.Table is it.
type Devices interface {
	// All lists phones, trunks, what else is in use, and what was set by hand.
	All() []pbx.DeviceSnapshot
}

// Database is AstDB (run.Database has the same methods).
type Database interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
	DBPut(ctx context.Context, family, key, value string) error
	DBDel(ctx context.Context, family, key string) (existed bool, err error)
	DBTree(ctx context.Context, prefix string, each func(path, value string)) error
	DBDelTree(ctx context.Context, prefix string) (n int, err error)
}

// Mailboxes count messages.
type Mailboxes interface {
	Count(ctx context.Context, mailbox string) (fresh, old int, err error)
}

// Phones reach phones beside calls.
type Phones interface {
	Message(ctx context.Context, from, to, body string, vars map[string]string) error
}

// Contact is where a phone can be reached, or a trunk's registration elsewhere.
type Contact struct {
	AOR, URI, Status string // Status: "Reachable", "NonQualified", "Unreachable" …
	RTT              time.Duration
	Expires          time.Time
	UserAgent, ViaAddress,
	CallID, RegServer string
}

// Registration is one that we hold elsewhere.
type Registration struct {
	Name, ServerURI, ClientURI, Status string // Status: "Registered", "Unregistered", "Rejected"
	Next                               time.Time
	Endpoint, Transport                string
	Expiration                         time.Duration
}

// Contacts tell of phones and trunks, where they are and where we are registered.
type Contacts interface {
	Endpoints() []Endpoint
	Registrations() []Registration
}

// Server is the door. It is made by New.
type Server struct {
	o   Options
	sw  *pbx.Switch
	log *slog.Logger

	transport
	pace pace // of originations
}

// answer is what an action answers: packets that go out together, without an event in
// between (spec: ami 1, rule 11).
type answer []*wire.Message

// request is an action that has been let through: its user may do it.
type request struct {
	s       *Server
	client  *client
	user    *User  // nil only for those who are not logged in
	remote  string // host:port of the client
	packet  wire.Packet
	id      string          // ActionID, "" = none
	leaving bool            // the client is to be closed after the answer
	gone    <-chan struct{} // closed when nobody takes the answer any more; it need not be known then
}

// ask fills what every Ask of the request has.
func (q *request) ask() Ask { return Ask{User: q.user, Remote: q.remote} }

// get gives a header of the request.
func (q *request) get(name string) string { return q.packet.Get(name) }

// done answers success with a text.
func (q *request) done(text string) answer {
	return answer{wire.Response("Success", q.id).Add("Message", text)}
}

// fail answers an error with a text.
func (q *request) fail(text string) answer {
	return answer{wire.Response("Error", q.id).Add("Message", text)}
}

// list answers a list: text, the items, and the event that completes it, whose name is
// that with which complete begins; more are its own headers (spec: ami 1.1).
func (q *request) list(text, complete string, items []*wire.Message, more ...wire.Header) answer {
	begin := wire.Response("Success", q.id).Add("EventList", "start").Add("Message", text)
	end := wire.Event(complete, "")
	if q.id != "" {
		end.Add("ActionID", q.id)
	}
	end.Add("EventList", "Complete").Add("ListItems", itoa(len(items)))
	end.Headers = append(end.Headers, more...)
	return slices.Concat(answer{begin}, items, answer{end})
}

// action is one row of the table of actions.
type action struct {
	name    string     // as Asterisk spells it
	summary string     // one line for ListCommands, our own words
	class   wire.Class // one of these suffices; 0 = every user
	run     func(ctx context.Context, q *request) answer
}

// actions lists every action that the door knows, in no order.
func (s *Server) actions() []action {
	return slices.Concat(s.sessionActions(), s.originateActions(), s.channelActions(), s.queryActions())
}

// happened is an event as sessions get it.
type happened struct {
	class wire.Class
	m     *wire.Message
}
