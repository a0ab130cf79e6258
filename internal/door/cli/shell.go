package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Outcome says how a command ended (spec: cli 1, rules 4-8).
type Outcome int

// The outcomes.
const (
	Done    Outcome = iota
	Failed          // the handler reports failure
	Usage           // wrong arguments: the output is the usage text
	Unknown         // no such command
)

// Caller is who commands.
type Caller struct {
	Name    string // "cli", "ami:crm", for the audit trail
	Remote  string // address, "" = this machine
	Account call.AccountID
}

// Result is what a command prints and how it ended.
type Result struct {
	Output  string // lines, each with its LF; "" for none
	Outcome Outcome
}

// Originator places calls for `channel originate`.
type Originator interface {
	// Originate rings endpoint for 30 s and runs then when it is answered; it returns at
	// once. What cannot be dialled is told to the log alone (spec: cli 3).
	Originate(ctx context.Context, by Caller, endpoint call.Endpoint, then call.Then) error
}

// Database is AstDB.
type Database interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
	DBPut(ctx context.Context, family, key, value string) error
	DBDel(ctx context.Context, family, key string) (existed bool, err error)
	DBTree(ctx context.Context, prefix string, each func(path, value string)) error
	DBDelTree(ctx context.Context, prefix string) (n int, err error)
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
	FD           int
	Read, Write  string // classes
}

// ManagerUser is one that may log in.
type ManagerUser struct {
	Name, Read, Write string
	ACL               bool
	DisplayConnects   bool
	AllowMultiple     bool
	Variables         []call.Variable
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
}

// Endpoint is a phone or trunk for `pjsip show endpoints`.
type Endpoint struct {
	Name, State string // State: "Not in use", "Unavailable", "In use" …
	Channels    int
	AOR         string
	MaxContacts int
	CallerID    string
	Auth        string
	OutAuth     string
	Transport   string
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

// Options are what the commands work on. Of all but Switch nil means that it is not
// there: commands that need it do not exist.
type Options struct {
	Switch     *pbx.Switch
	Log        *slog.Logger
	Originate  Originator
	DB         Database
	Plan       func() *dialplan.Plan
	Hints      *hint.Table
	Parking    func() (*parking.Config, *parking.Lots)
	Manager    Manager
	ARI        ARI
	Phones     Phones
	Server     Server
	Version    string // of Asterisk, as scripts see it
	Product    string // "Dialwright 0.5.0"
	Started    time.Time
	Reloaded   func() time.Time
	MaxCalls   int  // 0 = no limit
	Extensions bool // further words of `channel originate` (spec: cli 3)
}

// Shell carries out commands. It is safe concurrently.
type Shell struct{ o Options }

// New makes a shell.
func New(o Options) *Shell { return &Shell{o} }
