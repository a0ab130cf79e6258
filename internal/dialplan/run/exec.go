package run

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Exec is the machine's memory of one channel, and what runs its dialplan. At
// most one goroutine runs it at a time: the channel's handler, or whoever has
// the channel to itself before it is dialled. All methods are safe from others
// too, which is how a Dial reads what its other side has set.
type Exec struct {
	m *Machine
	c *pbx.Channel

	mu         sync.Mutex // guards the fields below; nothing is called under it but what returns at once
	plan       *dialplan.Plan
	at         Position       // step in progress; only moveTo changes it
	before     Position       // context and extension before the present ones; its priority is 0
	step       *dialplan.Step // the last one that ran, for the log; nil: none yet
	jump       *Position      // set by Goto: where to go next
	stack      []frame        // Gosub and Macro
	handlers   []string       // hangup handlers, last pushed last
	hangup     cause.Code     // of SetHangupCause; 0 = 16
	digit      time.Duration
	response   time.Duration
	absolute   *time.Timer
	deadline   time.Time // of absolute; zero = none
	stopRun    context.CancelCauseFunc
	runs       int       // handlers of this machine that have the channel
	testTime   time.Time // TESTTIME()
	pres       int       // of SetPresentation
	exception  Exception
	data       map[string]any
	cleanups   []func()
	over       bool // the channel has gone: Cleanup calls at once
	digits     <-chan rune
	stopDigits func()
	inH        bool // h and hangup handlers run
	hasWaited  bool // since the last look
	lastApp    string
	lastArgs   string
}

// Exception is what ${EXCEPTION()} tells in extension e. The zero value says
// that there was none.
type Exception struct {
	Reason string   // "INVALID", "RESPONSETIMEOUT", "ABSOLUTETIMEOUT", or RaiseException's
	At     Position // where it happened
}

func newExec(m *Machine, c *pbx.Channel) *Exec {
	return &Exec{
		m: m, c: c, plan: m.Plan(), digit: DefaultDigitTimeout, response: DefaultResponseTimeout, data: make(map[string]any),
	}
}

// gone frees what the channel held.
func (x *Exec) gone() {
	x.mu.Lock()
	fs, stop := x.cleanups, x.stopDigits
	x.cleanups, x.stopDigits, x.over = nil, nil, true
	if x.absolute != nil {
		x.absolute.Stop()
	}
	x.mu.Unlock()
	if stop != nil {
		stop()
	}
	for _, f := range slices.Backward(fs) {
		f()
	}
}

// Machine gives the machine.
func (x *Exec) Machine() *Machine { return x.m }

// Channel gives the channel.
func (x *Exec) Channel() *pbx.Channel { return x.c }

// Plan gives the plan that the channel runs: the one in force when it began.
func (x *Exec) Plan() *dialplan.Plan {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.plan
}

// Position gives the step in progress, the zero Position if there never was one.
func (x *Exec) Position() Position {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.at
}

// Before gives the context and the extension that the channel was in before the
// present ones, each for itself; "" if there was no other (Asterisk:
// channel_internal_api.c, lastcontext and lastexten).
func (x *Exec) Before() (context, exten string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.before.Context, x.before.Exten
}

// setAt notes a position that has no step. The log goes on to name the line
// that led there.
func (x *Exec) setAt(p Position) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.moveTo(p)
}

// moveTo changes the position; x.mu is held.
func (x *Exec) moveTo(p Position) {
	if p.Context != x.at.Context {
		x.before.Context = x.at.Context
	}
	if p.Exten != x.at.Exten {
		x.before.Exten = x.at.Exten
	}
	x.at = p
}

// Caller gives what extensions are looked up for: the number as CALLERID(num)
// has it, and the time by the clock (TESTTIME() does not count for includes,
// spec: dialplan 2.4).
func (x *Exec) Caller() dialplan.Caller {
	return dialplan.Caller{Number: x.c.Snapshot().Caller.Number, At: time.Now()}
}

// Now is the present time, or what TESTTIME() has set.
func (x *Exec) Now() time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.testTime.IsZero() {
		return x.testTime
	}
	return time.Now()
}

// SetTestTime fixes what Now gives; the zero time releases it.
func (x *Exec) SetTestTime(t time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.testTime = t
}

// SetPresentation notes the Q.931 presentation and screening of the caller ID,
// 0-0x43, of which the switch itself knows only whether it is private.
func (x *Exec) SetPresentation(pres int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pres = pres
}

// Presentation gives what SetPresentation has noted while it agrees with the
// switch, else 0 (allowed) or 0x20 (prohibited), not screened.
func (x *Exec) Presentation() int {
	private := x.c.Snapshot().Caller.Private
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.pres&0x60 == 0x20 == private:
		return x.pres
	case private:
		return 0x20
	}
	return 0
}

// Value gives what an application or function family keeps on the channel,
// made by make when asked for the first time; a nil make gives nil then. Keys
// are package-like: "cdr", "group". make must not call the Exec.
func (x *Exec) Value(key string, make func() any) any {
	x.mu.Lock()
	defer x.mu.Unlock()
	v, ok := x.data[key]
	if !ok && make != nil {
		v = make()
		x.data[key] = v
	}
	return v
}

// SetValue replaces what Value gives; nil removes it.
func (x *Exec) SetValue(key string, v any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if v == nil {
		delete(x.data, key)
		return
	}
	x.data[key] = v
}

// Cleanup has f called after the channel has gone, the last one first; at once
// if it has gone already.
func (x *Exec) Cleanup(f func()) {
	x.mu.Lock()
	over := x.over
	if !over {
		x.cleanups = append(x.cleanups, f)
	}
	x.mu.Unlock()
	if over {
		f()
	}
}

// Exception gives what ${EXCEPTION()} tells.
func (x *Exec) Exception() Exception {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.exception
}

// Last gives the application in progress, or the last one before the hangup,
// with its arguments: for the CDR.
func (x *Exec) Last() (app, args string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lastApp, x.lastArgs
}

// Logger gives the log with channel, file and line, and the position.
func (x *Exec) Logger() *slog.Logger {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.m.log.With("channel", x.c.Name())
	if x.step != nil {
		l = l.With("at", fmt.Sprintf("%s:%d", x.step.At.File, x.step.At.Line))
	}
	if x.at.Context != "" {
		l = l.With("dialplan", x.at.String())
	}
	return l
}

// Warn logs a mistake in the dialplan or its data with file and line; the call
// goes on.
func (x *Exec) Warn(format string, args ...any) { x.Logger().Warn(fmt.Sprintf(format, args...)) }

// Allowed says whether something dangerous may be done, and reports it if not.
// what begins the sentence: "application System".
func (x *Exec) Allowed(d Danger, what string) bool {
	if missing := d &^ x.m.o.Allow; missing != 0 {
		x.Warn("%s is not allowed here: %s", what, missing)
		return false
	}
	return true
}

// String says which configuration keys allow d.
func (d Danger) String() string {
	var out []string
	for _, k := range [...]struct {
		d    Danger
		text string
	}{
		{Commands, "set dialplan.allow_exec to allow it"},
		{Files, "set dialplan.allow_files to allow it"},
		{Net, "dialplan.deny_net forbids it"},
	} {
		if d&k.d != 0 {
			out = append(out, k.text)
		}
	}
	return strings.Join(out, " and ")
}

// String gives "context,exten,priority" as Asterisk's logs do.
func (p Position) String() string { return fmt.Sprintf("%s,%s,%d", p.Context, p.Exten, p.Priority) }
