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

// handle runs the channel from a position until it ends (spec: dialplan 2.5).
func (x *Exec) handle(ctx context.Context, at Position) {
	defer x.c.BeginCall()()
	defer x.running()()
	if at.Exten == "" {
		at.Exten = "s"
	}
	if at.Priority == 0 {
		at.Priority = 1
	}
	x.begin(at)
	if !x.Plan().HasContext(at.Context) {
		x.Warn("there is no context %q; the call is ended", at.Context)
		x.SetHangupCause(cause.NoRoute)
		x.end(ctx, errNoContext)
		return
	}
	x.end(ctx, x.steps(ctx, at, false))
}

// handleApplication runs one application and hangs up. Where it would send
// the channel does not matter: there is no dialplan behind it.
func (x *Exec) handleApplication(ctx context.Context, name, data string) {
	defer x.running()()
	x.begin(Position{})
	if err := x.runApp(fromOutside(ctx), name, data); errors.Is(err, errAbsolute) {
		x.Warn("the absolute timeout has ended application %s", name)
	}
	x.end(ctx, errNoDialplan)
}

// running notes that a handler has the channel, until the function returned is called.
func (x *Exec) running() (done func()) {
	add := func(n int) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.runs += n
	}
	add(1)
	return func() { add(-1) }
}

// begin takes the plan in force for a run.
func (x *Exec) begin(at Position) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.plan = x.m.Plan()
	x.moveTo(at)
	x.step, x.jump = nil, nil
	x.hangup, x.inH = cause.Unknown, false
}

// errNoContext ends a run whose h must not be looked for.
var errNoContext = errors.New("no such context")

// errNoDialplan ends a run of one application alone.
var errNoDialplan = fmt.Errorf("an application without a dialplan: %w", errNoContext)

// steps runs from a position until the extension ends, the call ends or
// something else takes the channel. It gives why. A sub's end without Return
// is nil; other runs end with an error always.
func (x *Exec) steps(ctx context.Context, at Position, sub bool) error {
	ctx = Settled(ctx)
	var round circles
	for {
		if err := x.ended(ctx); err != nil {
			return err
		}
		next, special, err := x.advance(ctx, at, sub)
		if err != nil {
			return err
		}
		if next == (Position{}) {
			return nil
		}
		if !special && next == (Position{at.Context, at.Exten, at.Priority + 1}) {
			at = next
			continue
		}
		if err := round.jump(x, special); err != nil {
			return err
		}
		at = next
	}
}

// advance does what is at a position and gives the next one, the zero Position
// if that is the end of a sub or of h. special says that i, t, T or e, or typed digits, led there.
func (x *Exec) advance(ctx context.Context, at Position, sub bool) (next Position, special bool, err error) {
	step := x.Step(at)
	if step == nil {
		if next, ok := x.macroEnd(); ok {
			return next, false, nil
		}
		x.setAt(at)
		if sub {
			x.Warn("the subroutine ended without Return")
			return Position{}, false, nil
		}
		if x.dead() { // in h and its kin a missing priority is the end
			return Position{}, false, nil
		}
		next, err = x.missing(ctx, at)
		special = true
	} else {
		next, err = x.one(ctx, at, step)
	}
	if d, ok := errors.AsType[*Digits](err); ok {
		next, err = x.dialled(ctx, d)
		special = true
	}
	if errors.Is(err, errAbsolute) && !sub {
		x.SetAbsolute(0)
		at = x.Position()
		next, err = x.instead(Position{at.Context, "T", 1}, "ABSOLUTETIMEOUT", at)
		special = true
	}
	return next, special, err
}

// ended gives the reason for which nothing more runs, nil if it goes on.
func (x *Exec) ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !x.dead() && x.c.Context().Err() != nil {
		return pbx.ErrGone
	}
	return nil
}

// dead says that what runs is h or a hangup handler.
func (x *Exec) dead() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.inH
}

// one runs a step and gives the position of the next.
func (x *Exec) one(ctx context.Context, at Position, s *dialplan.Step) (Position, error) {
	x.mu.Lock()
	x.moveTo(at)
	x.step, x.jump = s, nil
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
	x.leaveMacros(*jump)
	if !x.Plan().HasContext(jump.Context) {
		x.Warn("there is no context %q; the call is ended", jump.Context)
		return at, errNoContext
	}
	return *jump, nil
}

// missing decides what follows a position where there is no step (spec:
// dialplan 2.5 step 4).
func (x *Exec) missing(ctx context.Context, at Position) (Position, error) {
	if !x.Plan().Exists(at.Context, at.Exten, x.Caller()) {
		return x.invalid(at.Context, at.Exten, at)
	}
	if x.Plan().General().AutoFallthrough {
		return at, x.fallThrough(ctx)
	}
	_, response := x.Timeouts()
	got, err := x.collect(ctx, "", at.Context, response)
	if err != nil {
		return at, err
	}
	return x.lead(at.Context, got, at)
}

// fallThrough ends an extension that has no more priorities: a party that has
// just been refused hears why (spec: dialplan 2.5 step 4).
func (x *Exec) fallThrough(ctx context.Context) error {
	if x.c.State() == pbx.Down { // nobody listens: extension failed, a leg that is not dialled yet
		return ErrEnd
	}
	var app string
	switch strings.ToUpper(x.Get("DIALSTATUS")) {
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

// instead goes to a special extension, else to e with the reason, else ends
// (spec: dialplan 2.6).
func (x *Exec) instead(special Position, reason string, at Position) (Position, error) {
	if x.Step(special) != nil {
		return special, nil
	}
	if e := (Position{special.Context, "e", 1}); x.Step(e) != nil {
		x.raise(reason, at)
		return e, nil
	}
	x.Warn("%s: there is neither an extension %s nor e in %s; the call is ended", reason, special.Exten, special.Context)
	if reason == "INVALID" && x.c.State() != pbx.Up {
		x.SetHangupCause(cause.Unallocated) // the caller hears what a number that does not exist sounds like
	}
	return at, ErrEnd
}

func (x *Exec) raise(reason string, at Position) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.exception = Exception{Reason: reason, At: at}
}

// Raise goes to extension e of the present context with a reason:
// RaiseException. ErrEnd if there is no e.
func (x *Exec) Raise(reason string) error {
	at := x.Position()
	e := Position{at.Context, "e", 1}
	if x.Step(e) == nil {
		x.Warn("RaiseException(%s): there is no extension e; the call is ended", reason)
		return ErrEnd
	}
	x.raise(reason, at)
	x.Goto(e)
	return nil
}

// The bounds of a dialplan that goes in circles (spec: dialplan D8). A jump
// that follows an application which waits starts the count anew. Loops that
// compute are the dialplan's right, so they may turn much longer than i, t and e.
const (
	maxSpecialJumps = 1000
	defaultMaxJumps = 200_000
	maxBusy         = 30 * time.Second // of computing, in more than maxSpecialJumps jumps
)

// circles counts the jumps of one run since it last waited for anything.
type circles struct {
	jumps, special int
	since          time.Time
}

// jump counts one more; ErrEnd if that is too many.
func (r *circles) jump(x *Exec, special bool) error {
	if x.tookTime() || r.since.IsZero() {
		*r = circles{since: time.Now()}
	}
	r.jumps++
	if special {
		r.special++
	}
	limit := 0
	switch {
	case r.special > maxSpecialJumps:
		limit = maxSpecialJumps
	case r.jumps > x.m.o.MaxJumps, r.jumps > maxSpecialJumps && r.jumps%100 == 0 && time.Since(r.since) > maxBusy:
		limit = r.jumps - 1
	default:
		return nil
	}
	x.Warn("the dialplan goes in circles: %d jumps without waiting for anything; the call is ended", limit)
	return ErrEnd
}

// waited notes that something took time.
func (x *Exec) waited() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hasWaited = true
}

// tookTime says whether something has taken time since it was last asked.
func (x *Exec) tookTime() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.hasWaited
	x.hasWaited = false
	return w
}
