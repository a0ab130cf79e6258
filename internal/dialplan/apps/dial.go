package apps

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// dialing lists the applications that reach other parties (spec: dialplan 5.1,
// 5.2, 5.4).
func dialing() []run.App {
	return []run.App{
		{Name: "Dial", Run: dialApp},
		{Name: "RetryDial", Run: retryDial},
		{Name: "Originate", Run: originate},
		{Name: "FollowMe", Run: followMe},
		{Name: "Page", Run: page},
		{Name: "Bridge", Run: bridgeApp},
		{Name: "ChanIsAvail", Run: chanIsAvail},
	}
}

// dial is one Dial. It belongs to the goroutine that runs the dialplan; what
// happens to its legs comes through a queue.
//
//	B on the caller ─► each leg: create, inherit, b, dial ─► wait
//	    a leg answers:  the others go, A, G, U, D, then talk (talk.go)
//	    all refuse:     DIALSTATUS, next priority
//	    time runs out:  NOANSWER
//	    caller leaves:  CANCEL
type dial struct {
	x      *run.Exec
	a      *pbx.Channel // the caller
	args   dialArgs
	limits limits
	q      *pbx.Queue
	legs   []*dialLeg
	won    *dialLeg

	begunAt, ringingAt, progressAt, answeredAt time.Time

	responded bool        // some leg has given a sign of life
	rings     bool        // the caller hears our ringback
	music     bool        // or our music
	bridge    *pbx.Bridge // with early media
	forwards  int
	exit      rune // option d: the digit that ended the wait
	leave     bool // option H: the caller's * while it rings

	status string     // DIALSTATUS
	cause  cause.Code // HANGUPCAUSE: of the called side, 0 = it told none
	goOn   bool       // next priority, or where x.Goto says, although it was answered
}

// dialLeg is one party that is dialled.
type dialLeg struct {
	target  string       // as written, "Local/5@ctx"
	c       *pbx.Channel // nil: could not be made
	open    bool         // may still answer
	status  string       // DIALSTATUS that its end means
	forward string       // where it has sent the call, if the technology leaves that to us
}

// The DIALSTATUS values (spec: dialplan 5.2).
const (
	statusAnswer      = "ANSWER"
	statusBusy        = "BUSY"
	statusCongestion  = "CONGESTION"
	statusNoAnswer    = "NOANSWER"
	statusUnavailable = "CHANUNAVAIL"
	statusCancel      = "CANCEL"
	statusInvalid     = "INVALIDARGS"
)

// dialApp is Dial (spec: dialplan 5.2; Asterisk: app_dial.c).
func dialApp(ctx context.Context, x *run.Exec, args string) error {
	_, err := newDial(x, args).run(ctx)
	return err
}

func newDial(x *run.Exec, args string) *dial {
	d := &dial{x: x, a: x.Channel(), begunAt: time.Now()}
	d.q = pbx.NewQueue(pbx.Dial, pbx.ChannelDTMF, pbx.ChannelTransfer, pbx.ChannelHandlerStarted, pbx.ChannelDestroyed)
	parsed, err := parseDial(args, x.Warn)
	d.args = parsed
	if err == nil {
		d.limits, err = limitsOf(x, parsed.o)
	}
	switch {
	case err != nil:
		x.Warn("%v", err)
		d.status = statusInvalid
	case len(parsed.targets) == 0:
		x.Warn("Dial needs a destination (technology/resource)")
		d.status = statusUnavailable
	}
	return d
}

// run dials. It says whether somebody has answered, and what becomes of the
// caller as run.App.Run does.
func (d *dial) run(ctx context.Context) (answered bool, err error) {
	for _, name := range dialVariables {
		d.x.Set(ctx, name, "")
	}
	if d.x.Get("FORWARDERNAME") != "" { // Asterisk deletes it, of which nobody is told
		d.x.Set(ctx, "FORWARDERNAME", "")
	}
	d.x.Set(ctx, "HANGUPCAUSE", "0")
	defer d.a.Watch(d.q.Watcher())()
	defer d.x.Flush() // digits that were typed here are not for what follows
	defer d.publish(ctx)
	if d.status != "" {
		if d.status == statusInvalid {
			return false, run.ErrEnd
		}
		return false, nil
	}
	defer d.release()
	if place, ok := d.args.o['B']; ok {
		if err := subroutine(ctx, d.x, d.x, place); err != nil {
			return false, err
		}
	}
	d.start(ctx)
	d.entertain(ctx)
	if err := d.wait(ctx); err != nil {
		return false, err
	}
	if d.won == nil {
		d.stopEntertaining(ctx)
		return false, d.exits()
	}
	return true, d.connect(ctx)
}

// start dials every destination. One that cannot be dialled does not keep the
// others from it.
func (d *dial) start(ctx context.Context) {
	for i, t := range d.args.targets {
		if ctx.Err() != nil {
			return
		}
		d.dialOne(ctx, t, i == len(d.args.targets)-1)
	}
}

// exits ends a wait without an answer: option d leads elsewhere, option H ends
// the call, else the next priority follows.
func (d *dial) exits() error {
	switch {
	case d.leave:
		return run.ErrEnd
	case d.exit != 0:
		d.x.Goto(run.Position{Context: d.exitContext(), Exten: string(d.exit), Priority: 1})
	}
	return nil
}

// release takes down what is left: legs that may still answer, the bridge of
// early media. Nobody is dialled any more when it returns.
func (d *dial) release() {
	code := cause.NormalClearing
	if d.args.o.has('c') {
		code = cause.AnsweredElsewhere
	}
	d.dropLegs(code)
	if d.bridge != nil {
		d.bridge.Destroy()
	}
}

// dropLegs hangs up every leg that has not answered, and waits for its end.
func (d *dial) dropLegs(code cause.Code) {
	status := statusCancel
	if d.status == statusNoAnswer {
		status = statusNoAnswer
	}
	for _, l := range d.legs {
		if l.open && l != d.won {
			l.c.GiveUp(status, code)
		}
	}
	for _, l := range d.legs {
		if l.open && l != d.won {
			<-l.c.Gone()
			l.open = false
		}
	}
}

// dialVariables are what Dial says about itself; they are empty while it runs. Their
// order is Asterisk's (observed: Asterisk 22.10, AMI trace a1).
var dialVariables = [...]string{
	"DIALSTATUS", "DIALEDPEERNUMBER", "DIALEDPEERNAME", "ANSWEREDTIME", "ANSWEREDTIME_MS", "DIALEDTIME", "DIALEDTIME_MS",
	"RINGTIME", "RINGTIME_MS", "PROGRESSTIME", "PROGRESSTIME_MS",
}

// publish sets the variables of the end, also on a caller that has hung up: h
// reads them.
func (d *dial) publish(ctx context.Context) {
	end := time.Now()
	if d.won == nil || d.cause != cause.Unknown {
		if _, ended := d.a.Result(); !ended { // a caller that has ended has its own
			d.x.Set(ctx, "HANGUPCAUSE", strconv.Itoa(int(d.cause)))
		}
	}
	if !d.answeredAt.IsZero() { // as in Asterisk, one without an answer tells no times
		d.span(ctx, "ANSWEREDTIME", d.answeredAt, end)
		d.span(ctx, "DIALEDTIME", d.begunAt, end)
	}
	d.x.Set(ctx, "DIALSTATUS", d.status)
}

// span sets a time in whole seconds and, with _MS, in milliseconds.
func (d *dial) span(ctx context.Context, name string, from, to time.Time) {
	if from.IsZero() || to.IsZero() {
		return
	}
	ms := to.Sub(from).Milliseconds()
	d.x.Set(ctx, name, strconv.FormatInt(ms/1000, 10))
	d.x.Set(ctx, name+"_MS", strconv.FormatInt(ms, 10))
}

// subroutine runs "[[context^]exten^]priority[(a^b)]", a place as seen from x, on
// the channel of on (Dial's b and B). Arguments may be separated by commas too, as
// Asterisk's Gosub has them in the end. A place that is not there is reported, and
// the call goes on.
func subroutine(ctx context.Context, x, on *run.Exec, text string) error {
	place, args := run.CutArgs(text)
	to, err := x.Target(ctx, caretsToCommas(place))
	if err == nil {
		err = on.Sub(ctx, to, dialplan.SplitArgs(caretsToCommas(args)))
	}
	if errors.Is(err, run.ErrTarget) {
		x.Warn("subroutine %s: %v", text, err)
		return nil
	}
	return err
}
