package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Dialplan gives what the machine brings to its switch, for
// pbx.Switch.SetDialplan: the handler of calls that come in, the runner of what
// follows an answer, and the functions.
func (m *Machine) Dialplan() pbx.Dialplan {
	return pbx.Dialplan{Inbound: m.Inbound(), Runner: m.Runner(), Functions: m}
}

// Runner gives the machine as the switch's engine wants it: it carries out
// call.ThenDialplan and call.ThenApplication, runs the extension "failed", and
// tells what the record of a call shall say (pbx.Runner, pbx.FailedRunner,
// pbx.Recorder). Remote-control applications (call.ThenApp) it does not have.
func (m *Machine) Runner() pbx.Runner { return runner{m} }

type runner struct{ m *Machine }

// Runner implements pbx.Runner. What is not there is an error beside a handler
// that does what the rules of the dialplan say of such a place: i, e, or the end.
func (r runner) Runner(t call.Then) (pbx.Handler, error) {
	switch t.Kind {
	case call.ThenDialplan:
		return r.place(t)
	case call.ThenApplication:
		h := r.m.Application(t.Name, t.Data)
		if _, ok := r.m.App(t.Name); !ok {
			return h, refused("there is no application %q", t.Name)
		}
		return h, nil
	}
	return nil, refused("no application %q: this server runs no remote-control applications (ARI)", t.Name)
}

// place gives the handler of a position; priority is a number or a label.
func (r runner) place(t call.Then) (pbx.Handler, error) {
	at := Position{Context: t.Context, Exten: cmp.Or(t.Extension, "s"), Priority: 1}
	if t.Context == "" { // where the channel's own endpoint is (spec: callfile 3.2)
		return pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
			own := at
			own.Context = c.Snapshot().Context
			own.Priority = max(r.priority(own, t.Priority), 1)
			r.m.Exec(c).handle(ctx, own)
		}), nil
	}
	if !r.m.Plan().HasContext(at.Context) {
		return r.m.Handler(at), refused("there is no context %q in the dialplan", at.Context)
	}
	if at.Priority = r.priority(at, t.Priority); at.Priority == 0 {
		at.Priority = 1
		return r.m.Handler(at), refused("there is no label %q in %s,%s", t.Priority, at.Context, at.Exten)
	}
	if !r.exists(at) {
		return r.m.Handler(at), refused("there is no %s in the dialplan", at)
	}
	return r.m.Handler(at), nil
}

// priority reads a number or a label, 0 if there is no such label.
func (r runner) priority(at Position, text string) int {
	text = strings.TrimSpace(text)
	if text == "" {
		return 1
	}
	if n, err := strconv.Atoi(text); err == nil {
		return max(n, 1)
	}
	return r.m.Plan().Label(at.Context, at.Exten, text, dialplan.Caller{At: time.Now()})
}

// exists looks for a step before there is a channel. Who calls is not known
// then: a context with conditions on the caller ID may have one for it.
func (r runner) exists(at Position) bool {
	plan := r.m.Plan()
	if plan.Find(at.Context, at.Exten, at.Priority, dialplan.Caller{At: time.Now()}) != nil {
		return true
	}
	return slices.ContainsFunc(plan.Steps(at.Context), func(s *dialplan.Step) bool { return s.HasCID })
}

// Failed implements pbx.FailedRunner.
func (r runner) Failed(context, callerNumber string) (pbx.Handler, bool) {
	if !r.m.Plan().Exists(context, "failed", dialplan.Caller{Number: callerNumber, At: time.Now()}) {
		return nil, false
	}
	return r.m.Handler(Position{context, "failed", 1}), true
}

// Record implements pbx.Recorder. Where the channel was and what ran there last
// is frozen at its hangup: h does not count (Asterisk: cdr.conf endbeforehexten).
func (r runner) Record(c *pbx.Channel) (call.DialplanRecord, bool) {
	r.m.mu.Lock()
	x, ok := r.m.execs[c.ID()]
	r.m.mu.Unlock()
	if !ok || x.c != c {
		return call.DialplanRecord{}, false
	}
	sn, said := c.Snapshot(), x.CDR().Copy()
	return call.DialplanRecord{
		Context: sn.Context, Extension: sn.Extension, App: sn.App, Data: sn.AppData,
		UserField: said.UserField, AccountCode: cmp.Or(said.AccountCode, sn.AccountCode),
	}, true
}

// Exists says whether an extension is there for a caller's number: what a Local
// channel may be dialled to (local.Options.Exists).
func (m *Machine) Exists(context, exten, callerNumber string) bool {
	return m.Plan().Exists(context, exten, dialplan.Caller{Number: callerNumber, At: time.Now()})
}

// RunHangup runs extension h of a context on a channel that no dialplan runs
// and that has hung up, or is about to: Dial's option e. Nothing happens if there
// is none.
func (x *Exec) RunHangup(ctx context.Context, in string) {
	h := Position{in, "h", 1}
	if x.Step(h) == nil {
		return
	}
	x.mu.Lock()
	was := x.inH
	x.inH = true
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		x.inH = was
		x.mu.Unlock()
	}()
	ctx, done := x.m.Outlive(ctx) // h belongs to a call that is over
	defer done()
	ctx, cancel := context.WithTimeout(ctx, endGrace)
	defer cancel()
	x.logEnd(x.steps(ctx, h, false))
}

// Subroutine implements pbx.Subroutines: AMI's PreDialGoSub.
func (m *Machine) Subroutine(ctx context.Context, c *pbx.Channel, target string) error {
	x := m.Exec(c)
	x.begin(Position{}) // the plan in force
	place, args := CutArgs(target)
	to, err := x.Target(fromOutside(ctx), place)
	if err != nil {
		return err
	}
	return x.Sub(ctx, to, dialplan.SplitArgs(args))
}

func refused(format string, args ...any) *call.Failure {
	return &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Permanent: true, Text: fmt.Sprintf(format, args...)}
}
