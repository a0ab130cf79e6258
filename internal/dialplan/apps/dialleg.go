package apps

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// maxForwards is how often the legs of one Dial may be sent elsewhere
// (Asterisk: max_forwards.c, default 20).
const maxForwards = 20

// dialOne makes and dials the leg of one destination; last says that no other
// follows: only then its refusal is the one that HANGUPCAUSE tells (Asterisk:
// app_dial.c dial_exec_full).
func (d *dial) dialOne(ctx context.Context, target string, last bool) {
	l := &dialLeg{target: target}
	d.legs = append(d.legs, l)
	id, forced := d.callerID()
	c, err := createLeg(ctx, d.x, target, id, d.q)
	if err != nil {
		code := requestCause(err, d.x, target)
		l.status = code.DialStatus()
		d.x.Logger().Info("destination not dialled", "target", target, "cause", int(code), "error", err)
		if last {
			d.cause = code
		}
		return
	}
	l.c, l.open = c, true
	err = c.CalledBy(d.a, dialledApp, call.Endpoint(target).Resource())
	if err == nil && forced {
		err = c.SetConnected(id)
	}
	if own := d.args.o['o']; own != "" && err == nil {
		err = c.SetCallerID(pbx.ParseCallerID(own)) // of the channel; the party sees the caller as ever
	}
	if place, ok := d.args.o['b']; ok && err == nil {
		err = subroutine(ctx, d.x, d.x.Machine().Exec(c), place)
	}
	if err == nil {
		defer c.Proceed() // when the caller's connected line is told
		err = c.Dial(pbx.DialOptions{Caller: d.a, CallerID: id, Hold: true})
	}
	if err == nil && len(d.args.targets) == 1 && !d.args.o.has('I') {
		_ = d.a.SetConnected(c.Snapshot().Caller) // Asterisk: app_dial.c, single; ErrGone is seen next
	}
	if err != nil { // its end is not one that a party gave
		l.status = statusUnavailable
		c.Hangup(cause.NormalClearing)
		<-c.Gone()
		l.open = false
		d.x.Logger().Info("destination not dialled", "target", target, "error", err)
	}
}

// dialledApp is the application that a channel shows which Dial has called (Asterisk:
// app_dial.c; observed: Asterisk 22.10, AMI trace a1).
const dialledApp = "AppDial"

// createLeg makes an undialled channel on behalf of x's.
func createLeg(ctx context.Context, x *run.Exec, target string, id call.CallerID, q *pbx.Queue) (*pbx.Channel, error) {
	endpoint, err := x.Machine().Resolve(ctx, x.Channel(), target)
	if err != nil {
		return nil, err
	}
	return x.Machine().Switch().Create(ctx, pbx.CreateOptions{
		Endpoint: endpoint, CallerID: id, Called: cmp.Or(x.Position().Exten, "s"), Originator: x.Channel(),
		Account: x.Channel().Snapshot().Account, Watch: q.Watcher(),
	})
}

// requestCause is the cause of a destination that could not even be asked. A
// technology that is not there is 66, Asterisk's number for it (spec: dialplan
// DP-115).
func requestCause(err error, x *run.Exec, target string) cause.Code {
	if f, ok := errors.AsType[*call.Failure](err); ok {
		code := cause.Code(f.Cause)
		if code == cause.ChannelNotAvail && !hasTechnology(x, target) {
			return channelNotImplemented
		}
		return code
	}
	if errors.Is(err, pbx.ErrStopping) {
		return cause.SwitchCongestion
	}
	return cause.NoRoute
}

// channelNotImplemented is Q.850 cause 66.
const channelNotImplemented cause.Code = 66

func hasTechnology(x *run.Exec, target string) bool {
	tech := call.Endpoint(target).Tech()
	for _, t := range x.Machine().Switch().Technologies() {
		if strings.EqualFold(t.Name(), tech) {
			return true
		}
	}
	return false
}

// callerID is what the called parties see: the caller's own, unless option f or
// u says otherwise (spec: dialplan 5.2); forced says that one did. An f without a
// caller ID is for calls that have been sent on: they come from the extension that
// dials (Asterisk: app_dial.c force_forwards_only).
func (d *dial) callerID() (id call.CallerID, forced bool) {
	id = d.a.Snapshot().Caller
	if arg, ok := d.args.o['f']; ok {
		switch {
		case arg != "":
			id, forced = pbx.ParseCallerID(arg), true
		case d.forwards > 0:
			id, forced = call.CallerID{Number: d.x.Position().Exten}, true
		}
	}
	if pres, ok := d.args.o['u']; ok {
		forced = true
		id.Private = strings.HasPrefix(pres, "prohib") || pres == "unavailable"
	}
	return id, forced
}

// legEnded notes how a leg has ended without an answer.
func (d *dial) legEnded(ctx context.Context, l *dialLeg) {
	l.open = false
	r, _ := l.c.Result()
	code := r.Cause
	if r.SIPStatus >= 300 && r.SIPStatus < 400 { // spec: dialplan 5.2, the table
		code = cause.Unknown
	}
	if f := r.Failure; f != nil && f.Indicated { // a signal is no hangup: HANGUPCAUSE stays
		l.status = code.DialStatus()
		return
	}
	if l.forward != "" && l.c.Snapshot().Technology == "Local" { // others have followed by themselves
		d.follow(ctx, l)
		return
	}
	d.cause = code
	l.status = code.DialStatus()
}

// forwarded notes that a leg has sent the call elsewhere. Most technologies
// follow by themselves; where the leg ends with it, we do.
func (d *dial) forwarded(l *dialLeg, to string) {
	if d.args.o.has('i') {
		d.x.Logger().Info("forward prevented", "by", l.c.Name(), "to", to)
		l.open, l.status = false, statusUnavailable
		l.c.Hangup(cause.NormalClearing)
		return
	}
	l.forward = to
}

// follow dials in the place of a leg where that has sent the call. A bare number
// is an extension of the forwarder's context.
func (d *dial) follow(ctx context.Context, l *dialLeg) {
	l.status = statusUnavailable
	if d.forwards++; d.forwards > maxForwards {
		d.x.Warn("%s: more than %d forwards", l.target, maxForwards)
		return
	}
	to := l.forward
	switch {
	case strings.Contains(to, "/"):
	case strings.Contains(to, "@"):
		to = "Local/" + to
	default:
		to = "Local/" + to + "@" + l.c.Snapshot().Context
	}
	d.dialOne(ctx, to, true)
}

// result is the DIALSTATUS of all legs together: NOANSWER if one merely did not
// answer, else BUSY before CONGESTION before the rest (spec: dialplan 5.2).
func (d *dial) result() string {
	for _, s := range [...]string{statusNoAnswer, statusBusy, statusCongestion} {
		for _, l := range d.legs {
			if l.status == s {
				return s
			}
		}
	}
	return statusUnavailable
}
