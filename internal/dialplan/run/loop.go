package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// The bounds of a dialplan that goes in circles (spec: dialplan D8). A jump
// that is followed by an application which waits starts the count anew.
const (
	maxSpecialJumps = 1000    // to i, t, T, e without anything between
	maxJumps        = 200_000 // of any kind
	endGrace        = 10 * time.Minute
)

// handle runs the channel from a position until it ends (spec: dialplan 2.5).
func (x *Exec) handle(ctx context.Context, at Position) {
	if at.Exten == "" {
		at.Exten = "s"
	}
	if at.Priority == 0 {
		at.Priority = 1
	}
	x.mu.Lock()
	x.plan = x.m.Plan()
	x.inH = false
	x.mu.Unlock()
	if !x.Plan().HasContext(at.Context) { // nothing at all runs, not even h
		x.setAt(at, nil)
		x.Warn("there is no context %q", at.Context)
		x.c.Hangup(cause.NoRoute)
		return
	}
	err := x.steps(ctx, at)
	x.end(ctx, err)
}

// handleApplication runs one application and hangs up.
func (x *Exec) handleApplication(ctx context.Context, name, data string) {
	x.mu.Lock()
	x.plan = x.m.Plan()
	x.mu.Unlock()
	sn := x.c.Snapshot()
	x.setAt(Position{sn.Context, "s", 1}, nil)
	err := x.runApp(ctx, name, data)
	if d, ok := errors.AsType[*Digits](err); ok {
		_ = d // a digit leads nowhere here
		err = nil
	}
	x.end(ctx, err)
}

// end hangs up and runs h and the hangup handlers (spec: dialplan 2.5 step 6).
func (x *Exec) end(ctx context.Context, err error) {
	if errors.Is(context.Cause(ctx), pbx.ErrReplaced) && x.c.Context().Err() == nil {
		return // somebody else has the channel
	}
	x.SetAbsolute(0)
	x.c.Hangup(x.hangupCause())
	<-x.c.Context().Done()
	// h belongs to the call, which is over: it has its own time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endGrace)
	defer cancel()
	x.mu.Lock()
	x.inH = true
	at := x.at
	x.mu.Unlock()
	if h := (Position{at.Context, "h", 1}); !errors.Is(err, errNoContext) && x.Step(h) != nil {
		x.logEnd(x.steps(ctx, h))
	}
	for {
		x.mu.Lock()
		n := len(x.handlers)
		if n == 0 {
			x.mu.Unlock()
			return
		}
		target := x.handlers[n-1]
		x.handlers = x.handlers[:n-1]
		x.mu.Unlock()
		x.logEnd(x.hangupHandler(ctx, target))
	}
}

// hangupHandler runs "ctx,exten,prio(args)".
func (x *Exec) hangupHandler(ctx context.Context, target string) error {
	place, args := CutArgs(target)
	to, err := x.Target(place)
	if err != nil {
		return err
	}
	return x.Sub(ctx, to, dialplan.SplitArgs(args))
}

// CutArgs separates "ctx,exten,prio(a,b)" into place and arguments.
func CutArgs(target string) (place, args string) {
	place, args, ok := strings.Cut(target, "(")
	if ok {
		if i := strings.LastIndexByte(args, ')'); i >= 0 {
			args = args[:i]
		}
	}
	return strings.TrimSpace(place), args
}

func (x *Exec) logEnd(err error) {
	if err != nil && !errors.Is(err, ErrEnd) && !isEnd(err) {
		x.Warn("%v", err)
	}
}

// isEnd says that err only tells of the channel's end.
func isEnd(err error) bool {
	return errors.Is(err, pbx.ErrGone) || errors.Is(err, pbx.ErrHungUp) || errors.Is(err, pbx.ErrReplaced) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// hangupCause is the cause with which the dialplan's end hangs up: what
// SetHangupCause said, else 16.
func (x *Exec) hangupCause() cause.Code {
	if v, ok := x.Value("hangupcause", nil).(cause.Code); ok {
		return v
	}
	return cause.NormalClearing
}

// SetHangupCause says with which cause the channel is hung up when the
// dialplan ends: Hangup(17).
func (x *Exec) SetHangupCause(c cause.Code) { x.SetValue("hangupcause", c) }

var errNoContext = errors.New("no such context")

// setAt notes the step in progress.
func (x *Exec) setAt(p Position, s *dialplan.Step) {
	x.mu.Lock()
	x.at, x.step = p, s
	x.mu.Unlock()
}

// steps runs from a position until the extension ends, the call ends or
// something else takes the channel. It gives why.
func (x *Exec) steps(ctx context.Context, at Position) error {
	jumps, special := 0, 0
	for {
		if err := x.over(ctx); err != nil {
			return err
		}
		step := x.Step(at)
		var next Position
		var err error
		if step == nil {
			if x.dead() { // in h and its kin a missing priority is the end
				return nil
			}
			next, err = x.missing(ctx, at)
			special++
		} else {
			next, err = x.one(ctx, at, step)
		}
		if d, ok := errors.AsType[*Digits](err); ok {
			next, err = x.dialled(ctx, d)
			special++
		}
		if errors.Is(err, errAbsolute) {
			next, err = x.instead(Position{at.Context, "T", 1}, "ABSOLUTETIMEOUT", at)
			special++
		}
		if err != nil {
			return err
		}
		if next.Context != at.Context || next.Exten != at.Exten || next.Priority != at.Priority+1 {
			jumps++
		}
		if x.waited() {
			jumps, special = 0, 0
		}
		if jumps > maxJumps || special > maxSpecialJumps {
			x.Warn("the dialplan goes in circles: %d jumps without waiting for anything; the call is ended", max(jumps, special))
			return ErrEnd
		}
		at = next
	}
}

// dead says that what runs is h or a hangup handler.
func (x *Exec) dead() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.inH
}

// over gives the reason for which nothing more runs, nil if it goes on.
func (x *Exec) over(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !x.dead() && x.c.Context().Err() != nil {
		return pbx.ErrGone
	}
	return nil
}

// waited says whether an application has waited for something since it was
// last asked.
func (x *Exec) waited() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.idle
	x.idle = 0
	return w > 0
}

// one runs a step and gives the position of the next.
func (x *Exec) one(ctx context.Context, at Position, s *dialplan.Step) (Position, error) {
	x.setAt(at, s)
	x.mu.Lock()
	x.jump = nil
	x.mu.Unlock()
	args := x.Expand(ctx, s.Args)
	if x.m.o.Trace != nil {
		x.m.o.Trace(x, s, args)
	}
	if err := x.runApp(ctx, s.App, args); err != nil {
		return at, err
	}
	x.mu.Lock()
	jump := x.jump
	x.jump = nil
	x.mu.Unlock()
	if jump == nil {
		at.Priority++
		return at, nil
	}
	if !x.Plan().HasContext(jump.Context) {
		x.Warn("there is no context %q", jump.Context)
		return at, errNoContext
	}
	return *jump, nil
}

// RunApp runs an application by name with expanded arguments: Exec, ExecIf,
// AGI's EXEC. ErrNoApp if there is none of that name.
func (x *Exec) RunApp(ctx context.Context, name, args string) error {
	a, ok := x.m.App(name)
	if !ok {
		return fmt.Errorf("%w: %s", ErrNoApp, strings.TrimSpace(name))
	}
	if a.Old != "" {
		x.m.WarnOnce(fmt.Sprintf("application %s is a name of the past: %s", a.Name, a.Old))
	}
	if a.Danger != 0 && !x.Allowed(a.Danger, "application "+a.Name) {
		return x.refused(ctx, a)
	}
	x.mu.Lock()
	x.lastApp, x.lastArgs = a.Name, args
	at := x.at
	x.mu.Unlock()
	_ = x.c.SetPosition(at.Context, at.Exten, at.Priority, a.Name, args) // a dead channel has none
	if !x.dead() {
		var stop context.CancelCauseFunc
		ctx, stop = context.WithCancelCause(ctx)
		defer stop(nil)
		x.mu.Lock()
		outer := x.stopRun
		x.stopRun = stop
		expired := !x.deadline.IsZero() && !time.Now().Before(x.deadline)
		x.mu.Unlock()
		defer func() {
			x.mu.Lock()
			x.stopRun = outer
			x.mu.Unlock()
		}()
		if expired {
			x.SetAbsolute(0)
			return errAbsolute
		}
	}
	begun := time.Now()
	err := a.Run(ctx, x, args)
	if time.Since(begun) >= time.Millisecond*10 {
		x.mu.Lock()
		x.idle++
		x.mu.Unlock()
	}
	if cause := context.Cause(ctx); errors.Is(cause, errAbsolute) {
		x.SetAbsolute(0)
		return errAbsolute
	}
	return err
}

// ErrNoApp says that there is no application of a name.
var ErrNoApp = errors.New("no application")

// refused is what an application that is not allowed does: what it does when
// it fails, by its own account of it, or nothing.
func (x *Exec) refused(ctx context.Context, a *App) error {
	switch strings.ToLower(a.Name) {
	case "system":
		x.put("SYSTEMSTATUS", "FAILURE")
		return ErrEnd
	case "trysystem":
		x.put("SYSTEMSTATUS", "FAILURE")
	case "agi", "eagi", "deadagi":
		x.put("AGISTATUS", "FAILURE")
	}
	return nil
}

// runApp is RunApp for the interpreter: an application that is not there ends
// the call, any error is logged.
func (x *Exec) runApp(ctx context.Context, name, args string) error {
	err := x.RunApp(ctx, name, args)
	switch {
	case err == nil, errors.Is(err, ErrEnd), errors.Is(err, errReturned), errors.Is(err, errAbsolute):
		return err
	case errors.Is(err, ErrNoApp):
		x.SetValue("noapp", true)
		if x.m.o.SkipUnsupported && Unsupported(name) {
			x.Warn("application %s is not supported and was skipped", name)
			return nil
		}
		x.Warn("no application '%s' for extension (%s)", name, x.Position())
		return ErrEnd
	}
	if _, ok := errors.AsType[*Digits](err); ok {
		return err
	}
	if isEnd(err) && (ctx.Err() != nil || x.c.Context().Err() != nil) {
		return err
	}
	x.Warn("application %s: %v", name, err)
	return ErrEnd
}

// missing decides what follows a position where there is no step (spec:
// dialplan 2.5 step 4).
func (x *Exec) missing(ctx context.Context, at Position) (Position, error) {
	x.setAt(at, nil)
	if !x.Plan().Exists(at.Context, at.Exten, x.Caller()) {
		x.put("INVALID_EXTEN", at.Exten)
		return x.instead(Position{at.Context, "i", 1}, "INVALID", at)
	}
	if x.Plan().General().AutoFallthrough {
		return at, x.fallThrough(ctx)
	}
	_, response := x.Timeouts()
	return x.collect(ctx, "", at.Context, response)
}

// instead goes to a special extension, else to e with the reason, else ends.
func (x *Exec) instead(special Position, reason string, at Position) (Position, error) {
	if special.Exten == at.Exten && x.Step(special) != nil && at.Priority == 1 {
		// i itself has no such step: do not go round
		x.Warn("extension %s leads to itself", special)
		return at, ErrEnd
	}
	if x.Step(special) != nil {
		return special, nil
	}
	e := Position{special.Context, "e", 1}
	if x.Step(e) != nil {
		x.raise(reason, at)
		return e, nil
	}
	x.Warn("%s: neither extension %s nor e is there; the call is ended", reason, special.Exten)
	return at, ErrEnd
}

func (x *Exec) raise(reason string, at Position) {
	x.mu.Lock()
	x.exception = Exception{Reason: reason, At: at}
	x.mu.Unlock()
}

// Raise goes to extension e with a reason: RaiseException. ErrEnd if there is
// no e.
func (x *Exec) Raise(reason string) error {
	at := x.Position()
	e := Position{at.Context, "e", 1}
	if x.Step(e) == nil {
		x.Warn("RaiseException(%s): there is no extension e", reason)
		return ErrEnd
	}
	x.raise(reason, at)
	x.Goto(e)
	return nil
}

// fallThrough ends an extension that has no more priorities: a party that has
// just been refused hears why (spec: dialplan 2.5 step 4).
func (x *Exec) fallThrough(ctx context.Context) error {
	var app string
	switch x.Get("DIALSTATUS") {
	case "BUSY":
		app = "Busy"
	case "CONGESTION", "CHANUNAVAIL":
		app = "Congestion"
	default:
		return ErrEnd
	}
	if err := x.RunApp(ctx, app, "10"); err != nil {
		return err
	}
	return ErrEnd
}

// dialled finds the extension that begins with the digits typed so far.
func (x *Exec) dialled(ctx context.Context, d *Digits) (Position, error) {
	where := d.Context
	if where == "" {
		where = x.Position().Context
	}
	digit, _ := x.Timeouts()
	return x.collect(ctx, d.First, where, digit)
}

// collect reads digits until they are an extension (spec: dialplan 2.5 step 5).
func (x *Exec) collect(ctx context.Context, got, where string, wait time.Duration) (Position, error) {
	at := x.Position()
	digit, _ := x.Timeouts()
	for got == "" || x.Plan().MatchMore(where, got, x.Caller()) {
		r, err := x.Digit(ctx, wait)
		if errors.Is(err, pbx.ErrTimeout) {
			break
		}
		if err != nil {
			return at, err
		}
		got += string(r)
		wait = digit
	}
	x.noteWait()
	switch {
	case got == "":
		return x.instead(Position{where, "t", 1}, "RESPONSETIMEOUT", at)
	case x.Plan().Exists(where, got, x.Caller()):
		return Position{where, got, 1}, nil
	}
	x.put("INVALID_EXTEN", got)
	return x.instead(Position{where, "i", 1}, "INVALID", at)
}

func (x *Exec) noteWait() {
	x.mu.Lock()
	x.idle++
	x.mu.Unlock()
}

// Unsupported says whether an application is of tier 3: known, and not here
// (spec: dialplan 5.5).
func Unsupported(name string) bool { return unsupported[strings.ToLower(strings.TrimSpace(name))] }

// UnsupportedApps lists the applications of tier 3, lower case.
func UnsupportedApps() []string {
	out := make([]string, 0, len(unsupported))
	for n := range unsupported {
		out = append(out, n)
	}
	return names(out, func(s string) string { return s })
}

var unsupported = lowerSet(
	"Queue", "QueueLog", "AddQueueMember", "RemoveQueueMember", "PauseQueueMember", "UnpauseQueueMember", "QueueUpdate", "AgentLogin", "AgentRequest",
	"VoiceMail", "VoiceMailMain", "VMAuthenticate", "VMSayName", "MailboxExists", "MinivmRecord", "MinivmGreet", "MinivmNotify", "MinivmDelete", "MinivmAccMess", "MinivmMWI", "VoiceMailPlayMsg",
	"Directory", "DISA", "ChanSpy", "ExtenSpy", "Park", "ParkedCall", "ParkAndAnnounce", "Pickup", "PickupChan", "SLAStation", "SLATrunk",
	"MeetMe", "MeetMeAdmin", "MeetMeCount", "MeetMeChannelAdmin", "SMS", "Festival", "SpeechCreate", "SpeechActivateGrammar", "SpeechStart", "SpeechBackground",
	"SpeechDeactivateGrammar", "SpeechProcessingSound", "SpeechDestroy", "SpeechLoadGrammar", "SpeechUnloadGrammar", "ExternalIVR", "Dictate", "JACK", "ICES", "MP3Player", "NBScat",
	"Broadcast", "MessageSend", "AudioSocket", "StreamEcho", "Zapateller", "PrivacyManager", "AlarmReceiver", "Morsecode", "TestClient", "TestServer",
)

func lowerSet(list ...string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, n := range list {
		m[strings.ToLower(n)] = true
	}
	return m
}
