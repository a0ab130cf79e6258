// Package run executes a dialplan on the channels of the switch.
//
// A Machine is the dialplan side of the server: the plan in force, the global
// variables, the table of applications and functions, what they may do. An Exec
// is the machine's memory of one channel: where it is, the Gosub and While
// stacks, time-outs, hangup handlers, what its CDR shall say. There is one Exec
// for each channel that the dialplan has ever touched, and it lives as long as
// the channel:
//
//	pbx.Channel ──Machine.Exec──► Exec ──Handle──► steps: find, expand, run application, next
//
// Applications and functions are in packages apps and funcs, one visible table
// each; they are handed to New. They work on x.Channel() directly: the switch
// is their ground (docs/decisions/0008).
//
// # The life of a run
//
//	            ┌────────────── next priority, Goto, Gosub, Return ◄─────────┐
//	Handler ──► find the step ── expand ── application ── nil ───────────────┤
//	                 │ none            │            │ Digits: collect ───────┤
//	                 ▼                 │            │ absolute timeout: T ───┤
//	             i, t, e, or the end   │            │ ErrEnd, hangup         │
//	                 │                 │            ▼                        │
//	                 └─────────────────┴──► hang up ── h ── hangup handlers  │
//	                     Sub: its Return ends a run of its own ──────────────┘
//
// A channel keeps the plan with which its run began; a reload is for those
// that begin later. A channel that another handler takes (ErrReplaced) runs no h.
//
// # When things fail
//
//   - A mistake in the dialplan is a warning with channel, file and line. What
//     it means for the call is defined: it goes on, goes to i or e, or ends with h.
//   - A dialplan that goes in circles without waiting for anything, or opens
//     subroutines without end, ends its own call and no other.
//   - Nothing here outlives its channel: contexts end at the hangup, h has ten
//     minutes of its own.
//
// It does not parse extensions.conf (package dialplan), dial (package apps) or
// keep records (package pbx and above).
package run

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Danger says what harm an application or function can do to the machine it
// runs on; each must be allowed (spec: dialplan D7, callfile W20).
type Danger uint8

// The dangers.
const (
	Commands Danger = 1 << iota // runs commands of the operating system
	Files                       // reads or writes files outside the server's own directories
	Net                         // opens connections to addresses named in the dialplan (CURL, FastAGI): allowed by default
)

// App is one application.
type App struct {
	Name   string // as Asterisk writes it; compared without case
	Danger Danger
	// Run does it. args is expanded already and not split. nil: go on with the
	// next priority, or where x.Goto has sent the channel. ErrEnd: the call ends
	// and h runs. *Digits: a digit was typed that begins an extension. An error
	// of ctx, pbx.ErrGone: the channel has hung up. Any other error is logged
	// with file and line and ends the call.
	Run func(ctx context.Context, x *Exec, args string) error
	// Old is not "" for a name of the past: what to use now, told once in the log.
	// With compat "asterisk22" there is no such application, unless Kept says that
	// Asterisk 22 still has it.
	Old  string
	Kept bool
	// Instant says that Run itself waits for nothing, however long a busy machine
	// takes for it. A loop of such applications is one that goes in circles.
	Instant bool
	// Refused says what happens instead when Danger is not allowed, which has
	// been logged: a status variable, ErrEnd. nil: the call goes on.
	Refused func(ctx context.Context, x *Exec, args string) error
}

// Func is one function. Read or Write is nil if it is write-only or read-only.
type Func struct {
	Name   string // upper case
	Danger Danger // of Read and Write alike
	// Plain says that Read looks at its arguments alone: it can be called without
	// an Exec, where a plan is loaded and there is no channel yet.
	Plain bool
	// Common says that Write changes what all channels share, and asks its Exec for
	// nothing but the Machine: it can be called where there is no channel
	// (Machine.WriteCommon).
	Common bool
	Read   func(ctx context.Context, x *Exec, args string) (string, error)
	Write  func(ctx context.Context, x *Exec, args, value string) error
}

// ErrEnd is returned by an application that ends the call (spec: dialplan 5:
// execution stops, h runs).
var ErrEnd = errors.New("the dialplan ends the call")

// Digits is returned by an application that heard the first digit of an
// extension (BackGround, WaitExten): the interpreter collects the rest and goes
// there (spec: dialplan 2.5 step 5).
type Digits struct {
	First   string // what was typed so far; "" = nothing was typed in time: extension t
	Context string // where the extension is looked for, "" = the present context
	More    bool   // First is no extension by itself, more digits must come: Incomplete
}

// Error is for logs only.
func (d *Digits) Error() string { return "digits " + d.First }

// Position is a place in the dialplan.
type Position struct {
	Context  string
	Exten    string
	Priority int
}

// Database is AstDB: values by family and key (spec: dialplan 6.1 DB). An entry
// is known by its path "family/key": both may contain slashes, and names are
// case-sensitive. Implemented by the store.
type Database interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
	DBPut(ctx context.Context, family, key, value string) error
	DBDel(ctx context.Context, family, key string) (existed bool, err error)
	// DBTree gives the entry prefix and everything below it (whole path elements:
	// "fam", "fam/sub"), "" = all, in the order of their paths.
	DBTree(ctx context.Context, prefix string, each func(path, value string)) error
	// DBDelTree removes what DBTree gives.
	DBDelTree(ctx context.Context, prefix string) (n int, err error)
}

// Devices is the live table of what devices are doing. Implemented by devstate.
type Devices interface {
	// State gives the state of any device, "PJSIP/101" or "Custom:lamp".
	State(device string) pbx.DeviceState
	// SetCustom sets and tells the state of a Custom: device, given without that prefix.
	SetCustom(ctx context.Context, device string, s pbx.DeviceState) error
}

// Router resolves what Dial and Originate are given. Implemented by app.
type Router interface {
	// Resolve turns a dial string as written in a dialplan or call file
	// ("SIP/trunk/4930", "DAHDI/g2/4930", "PJSIP/101", "Local/5@ctx") into what
	// the switch dials, and lets the guard judge it for the channel's account. A
	// *call.Failure says why not (unknown technology: cause 66; denied: 52).
	Resolve(ctx context.Context, from *pbx.Channel, account call.AccountID, dial string) (call.Endpoint, error)
}

// Options configure a Machine.
type Options struct {
	Switch *pbx.Switch
	Log    *slog.Logger // nil: nothing is logged
	Router Router       // nil: dial strings are endpoints as they are
	DB     Database     // nil: DB functions read empty and report that there is no store

	// Devices tells device states. nil: the technologies are asked, and Custom:
	// devices are read and written in DB, where nobody hears of it.
	Devices Devices

	Apps  []App
	Funcs []Func

	Dirs  Dirs
	Allow Danger // what may be done; Net is to be set for the usual

	// Compat is "" for our own behaviour or "asterisk22" (spec: dialplan 7, callfile 10).
	Compat string
	// SkipUnsupported goes on after an application that is known but not there
	// (tier 3) instead of ending the call.
	SkipUnsupported bool
	// CommandLimit is how long a command of the operating system may run; 0 = as
	// long as the call.
	CommandLimit time.Duration
	// MaxJumps is how many jumps of any kind a channel may make without waiting
	// for anything; 0 = 200,000 (spec: dialplan D8).
	MaxJumps int
	// SystemName is ${SYSTEMNAME}.
	SystemName string

	// Enter says whether a channel's account may enter a context that is named from
	// outside of the dialplan: in the data of an application that runs by itself, in a
	// function that a door writes, by AMI's PreDialGoSub. nil = all of them.
	Enter func(ctx context.Context, c *pbx.Channel, in string) error

	// Stasis finds the handler that gives a channel to a remote-control
	// application with its arguments, false if it is not connected; nil = there are
	// no such applications. The handler sets STASISSTATUS, and returns when the
	// application gives the channel back; the dialplan goes on, unless the handler has
	// given the channel to another one (pbx.Channel.Run).
	Stasis func(app string, args []string) (pbx.Handler, bool)
	// Broadcast offers a channel to the applications whose names match a regular
	// expression and gives the one that has claimed it within the time; any error =
	// nobody has. nil = there are no such applications.
	Broadcast func(ctx context.Context, c *pbx.Channel, pattern string, timeout time.Duration) (app string, err error)

	// AsyncAGI is told when a channel begins and ends to wait for commands in
	// AGI(agi:async), which apps.AsyncAGIOf(x) then takes; it must not block. nil =
	// nobody can give any, and AGI(agi:async) fails.
	AsyncAGI func(x *Exec, waiting bool)

	// Trace sees every step before it runs, with its arguments expanded; nil = nobody.
	Trace func(x *Exec, s *dialplan.Step, args string)
	// Notice sees what the application Log writes, beside the log; nil = nobody.
	Notice func(x *Exec, level, text string)
	// ConfDir is the configuration directory, for followme.conf, amd.conf,
	// confbridge.conf, musiconhold.conf, res_parking.conf; "" = there is none. The applications that need
	// them open them.
	ConfDir string
}

// Dirs are the directories of ${ASTETCDIR} and its kin, and where applications
// put and find files. Empty ones are not there.
type Dirs struct {
	Etc, Spool, Data, Log, Run, Sounds, AGI, Monitor string
}

// Defaults of TIMEOUT() (spec: dialplan 6.1).
const (
	DefaultDigitTimeout    = 5 * time.Second
	DefaultResponseTimeout = 10 * time.Second
)
