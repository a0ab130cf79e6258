package cli

import (
	"context"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// thePlan is the dialplan of these tests, as that of the vectors has it.
const thePlan = `[globals]
OFFICE=PJSIP/alice

[default]
exten => 101,hint,PJSIP/alice
exten => 101,1,Dial(PJSIP/alice,20)
exten => 601,1,Answer()
 same => n(hold),Wait(30)
exten => 603,1,Answer()
 same => n,Set(DONE=1)
 same => n,Wait(1000)
exten => 608,1,Answer()
 same => n,Wait(10)
exten => _7XX/100,1,NoOp(from 100)
include => more

[more]
exten => 900,1,Hangup()
`

// desk is a shell on a real switch with a real dialplan.
type desk struct {
	*Shell
	t    *testing.T
	sw   *pbx.Switch
	m    *run.Machine
	plan *dialplan.Plan
}

func newDesk(t *testing.T, change func(*Options)) *desk {
	t.Helper()
	d := &desk{t: t, sw: pbx.New(pbx.Options{Linger: -1})}
	d.sw.Register(phones{pretend.New(pretend.Options{})})
	d.sw.Register(local.New(d.sw))
	d.m = run.New(run.Options{Switch: d.sw, Apps: apps.All(), Funcs: funcs.All()})
	var err error
	d.plan, _, err = dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(thePlan)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d.m.SetPlan(d.plan)
	d.sw.SetDialplan(d.m.Dialplan())
	o := Options{
		Switch: d.sw, Originate: placer{d.sw}, Plan: d.m.Plan, Globals: globals{d.m}, Version: "22.10.1", Product: "Dialwright 1.2.3",
		Started: time.Now().Add(-850 * time.Second), Reloaded: func() time.Time { return time.Now().Add(-249 * time.Second) },
	}
	if change != nil {
		change(&o)
	}
	d.Shell = New(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // t.Context is over
		defer cancel()
		if err := d.sw.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return d
}

// rx gives a command and wants an outcome.
func (d *desk) rx(line string, want Outcome) string {
	d.t.Helper()
	r := d.Run(d.t.Context(), Caller{Name: "test"}, line)
	if r.Outcome != want {
		d.t.Errorf("%s: %s, want %s; it printed\n%s", line, r.Outcome, want, r.Output)
	}
	return r.Output
}

// rxWhen gives a command and waits until n channels have entered an application.
func (d *desk) rxWhen(app string, n int, line string) string {
	d.t.Helper()
	events, done := d.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelDialplan}, Match: func(e *pbx.Event) bool { return e.Channel.App == app }}, 64)
	defer done()
	out := d.rx(line, Done)
	for range n {
		d.await(events)
	}
	return out
}

// rxStarted gives a command and waits until a channel has been taken by a handler: an
// application without a dialplan is told by no event.
func (d *desk) rxStarted(line string) string {
	d.t.Helper()
	events, done := d.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelHandlerStarted}}, 64)
	defer done()
	out := d.rx(line, Done)
	d.await(events)
	return out
}

// rxGone gives a command and waits until n channels are gone.
func (d *desk) rxGone(n int, line string) string {
	d.t.Helper()
	events, done := d.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelDestroyed}}, 64)
	defer done()
	out := d.rx(line, Done)
	for range n {
		d.await(events)
	}
	return out
}

func (d *desk) await(events <-chan pbx.Event) {
	d.t.Helper()
	select {
	case <-events:
	case <-time.After(20 * time.Second):
		d.t.Fatal("nothing happened")
	}
}

// phones pretends to be SIP: every name is a phone that answers.
type phones struct{ *pretend.Technology }

func (phones) Name() string { return "PJSIP" }

func (p phones) Request(ctx context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	leg, err := p.Technology.Request(ctx, resource, o)
	if err != nil {
		return nil, err
	}
	return phoneLeg{leg}, nil
}

type phoneLeg struct{ pbx.Leg }

func (l phoneLeg) Describe() pbx.LegInfo {
	d := l.Leg.Describe()
	d.Technology, d.Context = "PJSIP", "from-phones"
	return d
}

// placer is an Originator that asks nobody.
type placer struct{ sw *pbx.Switch }

func (p placer) Originate(ctx context.Context, _ Caller, o Origination) error {
	h, _ := p.sw.Runner().Runner(o.Then)
	if h == nil { // as a place that is not there: it is answered and hung up
		h = pbx.HandlerFunc(func(context.Context, *pbx.Channel) {})
	}
	_, err := p.sw.Originate(context.WithoutCancel(ctx), pbx.OriginateOptions{
		CreateOptions: pbx.CreateOptions{Endpoint: o.Endpoint, CallerID: call.CallerID{Number: "101"}, Variables: o.Variables},
		Timeout:       o.Timeout, Handler: h,
	})
	return err
}

type globals struct{ m *run.Machine }

func (g globals) Globals() map[string]string { return g.m.Globals() }

func (g globals) SetGlobal(_ context.Context, name, value string) error {
	g.m.SetGlobal(name, value)
	return nil
}

// withDB gives a shell a database of its own.
func withDB(t *testing.T) func(*Options) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return func(o *Options) { o.DB = store }
}
