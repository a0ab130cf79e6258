package run

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Exec is the machine's memory of one channel, and what runs its dialplan. At
// most one goroutine runs it at a time (the channel's handler); functions may
// be read and written from others.
type Exec struct {
	m *Machine
	c *pbx.Channel

	mu         sync.Mutex // guards the fields below
	plan       *dialplan.Plan
	at         Position // step in progress
	step       *dialplan.Step
	jump       *Position // set by Goto: where to go next
	stack      []frame   // Gosub
	loops      []Loop    // While and If
	handlers   []string  // hangup handlers, last pushed last
	digit      time.Duration
	response   time.Duration
	absolute   *time.Timer
	deadline   time.Time // of absolute; zero = none
	stopRun    context.CancelCauseFunc
	testTime   time.Time // TESTTIME()
	exception  Exception
	data       map[string]any
	cleanups   []func()
	digits     <-chan rune
	stopDigits func()
	inH        bool
	idle       int // jumps since the last application that waits
	lastApp    string
	lastArgs   string
}

// frame is one Gosub.
type frame struct {
	back   Position           // of the Gosub itself; Return goes on behind it
	locals map[string]*string // values that the frame's LOCAL() and ARGn hide; nil = was unset
	floor  bool               // Sub: Return ends the run
}

// Loop is one While or If that is open.
type Loop struct {
	Kind string // "while", "if"
	At   Position
	Done bool // If: a branch has been taken
}

// Exception is what ${EXCEPTION()} tells in extension e.
type Exception struct {
	Reason string
	At     Position
}

func newExec(m *Machine, c *pbx.Channel) *Exec {
	return &Exec{m: m, c: c, plan: m.Plan(), digit: DefaultDigitTimeout, response: DefaultResponseTimeout, data: make(map[string]any)}
}

// gone frees what the channel held.
func (x *Exec) gone() {
	x.mu.Lock()
	fs := x.cleanups
	x.cleanups = nil
	stop := x.stopDigits
	x.stopDigits = nil
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

// Position gives the step in progress.
func (x *Exec) Position() Position {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.at
}

// Caller gives what extensions are looked up for.
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

// Value gives what an application or function family keeps on the channel,
// made by make when asked for the first time. Keys are package-like: "cdr", "group".
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

// Cleanup has f called after the channel has gone.
func (x *Exec) Cleanup(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cleanups = append(x.cleanups, f)
}

// Timeouts gives TIMEOUT(digit) and TIMEOUT(response).
func (x *Exec) Timeouts() (digit, response time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.digit, x.response
}

// SetTimeouts changes one or both; negative values leave it as it is.
func (x *Exec) SetTimeouts(digit, response time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if digit >= 0 {
		x.digit = digit
	}
	if response >= 0 {
		x.response = response
	}
}

// Absolute gives when TIMEOUT(absolute) ends the call, the zero time if never.
func (x *Exec) Absolute() time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.deadline
}

// errAbsolute is the cause with which a running application is stopped when
// TIMEOUT(absolute) has run out.
var errAbsolute = fmt.Errorf("absolute timeout")

// SetAbsolute lets the call end (extension T) in d from now; 0 = not at all.
func (x *Exec) SetAbsolute(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.absolute != nil {
		x.absolute.Stop()
		x.absolute = nil
	}
	x.deadline = time.Time{}
	if d <= 0 {
		return
	}
	x.deadline = time.Now().Add(d)
	x.absolute = time.AfterFunc(d, func() {
		x.mu.Lock()
		stop := x.stopRun
		x.mu.Unlock()
		if stop != nil {
			stop(errAbsolute)
		}
	})
}

// PushHangupHandler adds a Gosub target "ctx,exten,prio(args)" that runs after h;
// the last one pushed runs first. PopHangupHandler and Wipe remove them.
func (x *Exec) PushHangupHandler(target string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.handlers = append(x.handlers, target)
}

// PopHangupHandler removes the newest.
func (x *Exec) PopHangupHandler() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n := len(x.handlers); n > 0 {
		x.handlers = x.handlers[:n-1]
	}
}

// WipeHangupHandlers removes all.
func (x *Exec) WipeHangupHandlers() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.handlers = nil
}

// Exception gives what ${EXCEPTION()} tells.
func (x *Exec) Exception() Exception {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.exception
}

// Last gives the application in progress, or the last one, with its arguments:
// for the CDR.
func (x *Exec) Last() (app, args string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lastApp, x.lastArgs
}

// Loops gives access to the stack of While and If, which belongs to the
// goroutine that runs the dialplan.
func (x *Exec) Loops() *[]Loop { return &x.loops }

// logger adds to the log who and where.
func (x *Exec) logger() *slog.Logger {
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
func (x *Exec) Warn(format string, args ...any) { x.logger().Warn(fmt.Sprintf(format, args...)) }

// Logger gives the log with channel, file and line.
func (x *Exec) Logger() *slog.Logger { return x.logger() }

// Allowed says whether something dangerous may be done, and reports it if not.
func (x *Exec) Allowed(d Danger, what string) bool {
	if missing := d &^ x.m.o.Allow; missing != 0 {
		x.Warn("%s is not allowed here: set dialplan.%s to allow it", what, missing)
		return false
	}
	return true
}

// String names the configuration keys that allow d.
func (d Danger) String() string {
	var out []string
	for _, k := range [...]struct {
		d    Danger
		name string
	}{{Commands, "allow_exec"}, {Files, "allow_files"}, {Net, "allow_net"}} {
		if d&k.d != 0 {
			out = append(out, k.name)
		}
	}
	return strings.Join(out, " and ")
}

// String gives "context,exten,priority" as Asterisk's logs do.
func (p Position) String() string { return fmt.Sprintf("%s,%s,%d", p.Context, p.Exten, p.Priority) }

// Digit waits for the next digit of the party, up to d (0 = only what is there
// already, negative = for ever). pbx.ErrTimeout; pbx.ErrGone; the cause of ctx.
// Digits that came since the last Digit or Flush are given first.
func (x *Exec) Digit(ctx context.Context, d time.Duration) (rune, error) {
	ch, err := x.digitQueue()
	if err != nil {
		return 0, err
	}
	select {
	case r := <-ch:
		return r, nil
	default:
	}
	if d == 0 {
		return 0, pbx.ErrTimeout
	}
	var limit <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		limit = t.C
	}
	select {
	case r := <-ch:
		return r, nil
	case <-limit:
		return 0, pbx.ErrTimeout
	case <-x.c.Context().Done():
		return 0, pbx.ErrGone
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// Digits gives the queue of typed digits, to select on beside other things.
func (x *Exec) Digits() (<-chan rune, error) { return x.digitQueue() }

// Flush forgets digits that were typed while nobody waited for them, as
// Playback and Wait do.
func (x *Exec) Flush() {
	ch, err := x.digitQueue()
	if err != nil {
		return
	}
	for {
		select {
		case <-ch:
		default:
			return
		}
	}
}

func (x *Exec) digitQueue() (<-chan rune, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.digits == nil {
		ch, stop, err := x.c.OpenDigits()
		if err != nil {
			return nil, err
		}
		x.digits, x.stopDigits = ch, stop
	}
	return x.digits, nil
}
