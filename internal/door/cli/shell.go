package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// Outcome says how a command ended (spec: cli 1, rules 4-8).
type Outcome int

// The outcomes.
const (
	Done    Outcome = iota // it has done its work
	Failed                 // the handler reports failure
	Usage                  // wrong arguments: the output is the usage text
	Unknown                // no such command
)

// Caller is who commands.
type Caller struct {
	Name    string // "cli", "ami:crm", for the audit trail
	Remote  string // address, "" = this machine
	Account call.AccountID
	// MayRun says whether `channel originate` runs an application for them; nil = any.
	MayRun func(app, data string) bool
}

// Result is what a command prints and how it ended.
type Result struct {
	Output  string // lines, each with its LF; "" for none
	Outcome Outcome
}

// Originator places calls for `channel originate`.
type Originator interface {
	// Originate rings an endpoint and goes on when it is answered; it returns at once.
	// What cannot be dialled is an error, which is told to the log alone (spec: cli 3).
	Originate(ctx context.Context, by Caller, o Origination) error
}

// Origination is what `channel originate` asks for.
type Origination struct {
	Endpoint call.Endpoint // TECH/resource as given
	Then     call.Then     // of kind ThenApplication or ThenDialplan
	Timeout  time.Duration // how long it may ring: 30 s

	// Only with Options.Extensions; else zero, and the endpoint's own caller ID counts.
	CallerID  call.CallerID
	Variables []call.Variable
}

// Database is AstDB.
type Database interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
	DBPut(ctx context.Context, family, key, value string) error
	DBDel(ctx context.Context, family, key string) (existed bool, err error)
	// DBTree gives the entry prefix and all below it, by whole path elements; "" = all.
	DBTree(ctx context.Context, prefix string, each func(path, value string)) error
	DBDelTree(ctx context.Context, prefix string) (n int, err error)
}

// Globals are the global variables of the dialplan, functions too.
type Globals interface {
	Globals() map[string]string
	SetGlobal(ctx context.Context, name, value string) error
}

// Devices sets the states of devices that are set by hand.
type Devices interface {
	State(device string) pbx.DeviceState
	SetCustom(ctx context.Context, device string, state pbx.DeviceState) error
}

// Doc tells of an application or a function of the dialplan.
type Doc struct {
	Name     string
	Synopsis string // one line, "" = nothing is known
}

// Manager tells about the AMI door.
type Manager interface {
	Sessions() []ManagerSession
	Users() []ManagerUser
	Actions() []ManagerAction
	Events() []string
	Settings() []Setting
}

// ManagerSession is one connection of AMI.
type ManagerSession struct {
	User, Remote string
	Since        time.Time
	HTTP         bool
	FD           int // of the connection, -1 = unknown
	Read, Write  int // rights, as the bits of spec: ami 8
}

// ManagerUser is one that may log in.
type ManagerUser struct {
	Name            string
	Read, Write     string // classes, "call,reporting"
	Secret          bool   // has one
	ACL             bool
	DisplayConnects bool
	AllowMultiple   bool
	Variables       []call.Variable
}

// ManagerAction is an action as `manager show command` tells of it.
type ManagerAction struct{ Name, Privilege, Summary string }

// Setting is a line of `… show settings`.
type Setting struct{ Name, Value string }

// ARI tells about the ARI door.
type ARI interface {
	Apps() []string
	App(name string) (lines []string, ok bool)
	Users() []ARIUser
	Status() []Setting
}

// ARIUser is one that may use ARI.
type ARIUser struct {
	Name     string
	ReadOnly bool
	ACL      bool // not from everywhere
}

// Endpoint is a phone or trunk for `pjsip show endpoints`.
type Endpoint struct {
	Name, State string // State: "Not in use", "Unavailable", "In use" …
	Channels    int
	AOR         string
	MaxContacts int
	CallerID    string // number, "" = none
	Auth        string // user name that it logs in with, "" = none
	OutAuth     string // user name that we log in with, "" = none
	Transport   string // "udp", "" = not known
	Bind        string // address of that transport
	Context     string
	Codecs      []string
	Contacts    []Contact
	Active      []string // channel names
}

// Contact is where a phone can be reached.
type Contact struct {
	AOR, URI, Status string // Status: "Avail", "NonQual", "Unavail"
	RTT              time.Duration
	Expires          time.Time
	UserAgent        string
}

// Registration is one that we hold elsewhere.
type Registration struct {
	Name, ServerURI, Auth, Status string // Status: "Registered", "Unregistered", "Rejected"
	Next                          time.Time
}

// Phones tells about SIP.
type Phones interface {
	Endpoints() []Endpoint
	Contacts() []Contact
	Registrations() []Registration
}

// Server is what commands do to the server as a whole.
type Server interface {
	// Reload loads a module's configuration; "" = all. known is false for a module that
	// is not there.
	Reload(ctx context.Context, module string) (known bool, err error)
	// Stop ends the server: how is "now", "gracefully" or "when convenient"; restart asks
	// the supervisor to start it again. Abort takes back one that waits, false = none.
	Stop(how string, restart bool) error
	AbortStop() bool
	CDRStatus() []Setting
	Settings() []Setting
}

// Options are what the commands work on. Switch is required. Of all others nil or zero
// means that it is not there: commands that need it do not exist.
type Options struct {
	Switch     *pbx.Switch
	Log        *slog.Logger
	Originate  Originator
	DB         Database
	Plan       func() *dialplan.Plan
	Globals    Globals
	Apps       func() []Doc // applications of the dialplan
	Functions  func() []Doc
	Hints      Hints
	Devices    Devices
	Parking    func() (*parking.Config, *parking.Lots)
	Contexts   func(ctx context.Context, by Caller, context string) error // says why somebody may not send channels into one
	Manager    Manager
	ARI        ARI
	Phones     Phones
	Server     Server
	Version    string // of Asterisk, as scripts see it: "22.10.1"
	Product    string // "Dialwright 0.5.0"
	Started    time.Time
	Reloaded   func() time.Time
	Extensions func() bool // further words of `channel originate` (spec: cli 3); nil = no
}

// Shell carries out commands. It is safe concurrently.
type Shell struct {
	o        Options
	log      *slog.Logger
	commands []command      // those that can be carried out
	words    []wire.Command // of commands, in the same order
}

// New makes a shell.
func New(o Options) *Shell {
	s := &Shell{o: o, log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, c := range s.table() {
		if c.there {
			s.commands = append(s.commands, c)
			s.words = append(s.words, wire.ParseCommand(c.words))
		}
	}
	return s
}
