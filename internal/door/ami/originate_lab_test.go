package ami

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/pretend"
)

// officeDialplan is what originated calls go on in: that of the traces, and more.
const officeDialplan = `[globals]
GLOB=globalvalue
[default]
exten => 101,1,NoOp(to alice)
same => n,Dial(PJSIP/alice,20)
exten => 102,1,NoOp(to bob)
same => n(dial),Dial(PJSIP/bob,20)
same => n,Hangup()
exten => 600,1,Answer()
same => n,Echo()
exten => 601,1,Answer()
same => n,Wait(30)
exten => 602,1,Wait(30)
exten => 603,1,Answer()
same => n,UserEvent(Hello,Variable: ${FOO})
same => n,Wait(1)
exten => 604,1,Busy(1)
exten => 605,1,Congestion(1)
exten => 608,1,Answer()
same => n,NoOp(variables)
same => n,Set(RESULT=${A}-${B}-${NONE}-)
same => n,Wait(10)
exten => 609,1,UserEvent(Vars,A: ${A},B: ${B},C: ${C},D: ${D},USER: ${USER},Acc: ${CHANNEL(accountcode)},Name: ${CALLERID(name)})
same => n,Wait(1)
[withfailed]
exten => 102,1,NoOp(never)
exten => failed,1,UserEvent(Failed,Reason: ${REASON},FOO: ${FOO})
same => n,Wait(1)
[xfer]
exten => _X.,1,Answer()
same => n,Wait(10)
[denied]
exten => 1,1,NoOp(never)
[from-phones]
exten => s,1,UserEvent(Own)
[predial]
exten => s,1,UserEvent(Predial,Arg: ${ARG1})
same => n,Return()
`

// office is a door on a switch with the cast of the traces, in a bubble.
type office struct {
	*lab
	m *run.Machine
}

// clerk is the guard of the office.
type clerk struct{ nobody }

func (clerk) Dial(_ context.Context, a Ask) (call.Endpoint, call.AccountID, error) {
	if strings.HasSuffix(a.Endpoint, "/denied") {
		return "", "", &call.Failure{Disposition: call.Failed, Cause: int(cause.OutgoingBarred), Text: "not for you"}
	}
	return call.Endpoint(a.Endpoint), "sales", nil
}

func (clerk) Dialplan(_ context.Context, _ Ask, in string) error {
	if in == "denied" {
		return &call.Failure{Disposition: call.Failed, Cause: int(cause.OutgoingBarred), Text: "not that context"}
	}
	return nil
}

// inOffice runs f in a bubble.
func inOffice(t *testing.T, change func(*Options, *Config), f func(t *testing.T, o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var m *run.Machine
		l := newLab(t, func(o *Options, c *Config) {
			o.Dial = clerk{}
			o.Switch.Register(players{pretend.New(pretend.Options{})})
			o.Switch.Register(local.NewWith(o.Switch, local.Options{Exists: func(in, exten, caller string) bool { return m.Exists(in, exten, caller) }}))
			dir := t.TempDir()
			m = run.New(run.Options{Switch: o.Switch, Apps: apps.All(), Funcs: funcs.All(), ConfDir: dir, Dirs: run.Dirs{Monitor: dir, Data: dir}})
			plan, problems, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(officeDialplan)}}, "extensions.conf", dialplan.LoadOptions{})
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			m.SetPlan(plan)
			o.Switch.SetDialplan(m.Dialplan())
			o.Plan = m.Plan
			if change != nil {
				change(o, c)
			}
		})
		f(t, &office{l, m})
	})
}

// enter logs a user in on a pipe.
func (o *office) enter(name, secret, events string) *user {
	o.t.Helper()
	u := o.pipe()
	u.banner()
	u.say("Action: Login", "Username: "+name, "Secret: "+secret, "Events: "+events)
	u.want("Response: Success", "Message: Authentication accepted")
	if events == "system" || events == "on" {
		u.next() // FullyBooted
	}
	return u
}

// tracer logs in the user of the traces.
func (o *office) tracer(events string) *user { return o.enter("tracer", "tracepw", events) }

// until reads packets until one that begins with a line, and gives it.
func (u *user) until(begin string) string {
	u.t.Helper()
	for {
		if p := u.next(); strings.HasPrefix(p, begin+"\n") || p == begin {
			return p
		}
	}
}

// originate is the action with its headers.
func (u *user) originate(headers ...string) {
	u.t.Helper()
	u.say(append([]string{"Action: Originate"}, headers...)...)
}

// answered wants the text of an answer.
func (u *user) answered(kind, text string) {
	u.t.Helper()
	u.want("Response: "+kind, "Message: "+text)
}
