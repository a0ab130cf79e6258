package ami

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
)

// stageDialplan is that of the traces (README there).
const stageDialplan = `[default]
exten => 101,1,NoOp(to alice)
same => n,Dial(PJSIP/alice,20)
same => n,Hangup()
exten => 102,1,NoOp(to bob)
same => n,Dial(PJSIP/bob,20)
same => n,Hangup()
exten => 103,1,Dial(PJSIP/carol,20)
same => n,Hangup()
exten => 104,1,Dial(PJSIP/dave,3)
same => n,NoOp(${DIALSTATUS})
same => n,Hangup()
exten => 600,1,Answer()
same => n,Echo()
exten => 777,1,Park()
exten => 603,1,Answer()
same => n,UserEvent(Mine,Key: a value,Other: b)
[xfer]
exten => _X.,1,Wait(10)
`

// cast is who answers how in the traces.
var cast = map[string]struct{ name, number, plan string }{
	"alice": {"Alice", "101", "1180?ring=500ms"},
	"bob":   {"Bob", "102", "1180?ring=500ms&talk=4s"},
	"carol": {"Carol", "103", "1486"},
	"dave":  {"Dave", "104", "1180?ring=1h"},
	"erin":  {"Erin", "105", "1183?ring=1500ms"},
	"frank": {"Frank", "107", "1offline"},
	"gina":  {"Gina", "105", "1603?ring=300ms"},
	"keys":  {"Keys", "106", "1180?ring=500ms&digits=7"},
}

// players is a technology of the cast: pretended phones under the names of the traces.
type players struct{ *pretend.Technology }

func (players) Name() string { return "PJSIP" }

func (p players) Request(ctx context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	leg, err := p.Technology.Request(ctx, cast[resource].plan, o)
	return player{leg, resource}, err
}

type player struct {
	pbx.Leg
	name string
}

func (p player) Describe() pbx.LegInfo {
	who := cast[p.name]
	d := p.Leg.Describe()
	d.Technology, d.Name, d.Phone, d.Context = "PJSIP", p.name, p.name, "from-phones"
	d.CallerID = call.CallerID{Name: who.name, Number: who.number}
	return d
}

// stage is a switch with the cast, Local channels and the dialplan, and a door that
// writes what happens there.
type stage struct {
	t  *testing.T
	sw *pbx.Switch
	s  *Server
	m  *run.Machine
	c  Config

	mu  sync.Mutex // guards all
	all []string   // packets, CRLF as LF
}

// onStage runs f in a bubble.
func onStage(t *testing.T, change func(*stage), f func(t *testing.T, st *stage)) {
	synctest.Test(t, func(t *testing.T) {
		engine, err := media.New(media.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		st := &stage{t: t}
		log := slog.New(slog.DiscardHandler)
		var m *run.Machine
		st.sw = pbx.New(pbx.Options{Linger: -1, Language: "en", Media: engine, Inbound: pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
			sn := c.Snapshot()
			m.Handler(run.Position{Context: sn.Context, Exten: sn.Extension, Priority: 1}).Handle(ctx, c)
		})})
		st.sw.Register(players{pretend.New(pretend.Options{Media: engine})})
		st.sw.Register(local.New(st.sw))
		dir := t.TempDir()
		m = run.New(run.Options{
			Switch: st.sw, Apps: apps.All(), Funcs: funcs.All(), Log: log, ConfDir: dir,
			Dirs: run.Dirs{Monitor: dir, Data: dir},
		})
		st.m = m
		plan, problems, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(stageDialplan)}}, "extensions.conf", dialplan.LoadOptions{})
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		m.SetPlan(plan)
		st.s = &Server{o: Options{Switch: st.sw, Config: func() *Config { return &st.c }}, sw: st.sw, log: log}
		if change != nil {
			change(st)
		}
		done := st.listen()
		f(t, st)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // t.Context may be over
		defer cancel()
		if err := st.sw.Stop(ctx); err != nil {
			t.Error(err)
		}
		done()
		if err := engine.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

// listen translates what happens in its order, as the journal does.
func (st *stage) listen() (stop func()) {
	events, end := st.sw.Subscribe(pbx.EventFilter{}, 10_000)
	var done sync.WaitGroup
	done.Go(func() {
		for e := range events {
			for _, h := range st.s.translate(&e) {
				text := strings.ReplaceAll(string(h.m.Append(nil)), "\r\n", "\n")
				st.mu.Lock()
				st.all = append(st.all, strings.TrimSuffix(text, "\n\n"))
				st.mu.Unlock()
			}
		}
	})
	return func() {
		end()
		done.Wait()
	}
}

// packets gives what was written so far.
func (st *stage) packets() []string {
	synctest.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	return append([]string(nil), st.all...)
}

// originate is AMI's Originate, then: the dialplan at an extension of default.
func (st *stage) originate(o pbx.OriginateOptions, exten string) *pbx.Channel {
	st.t.Helper()
	o.LastFirst = true
	if o.CallerID == (call.CallerID{}) {
		o.CallerID = call.CallerID{Name: "Web Call", Number: "5551234"}
	}
	if exten != "" {
		o.Handler = st.m.Handler(run.Position{Context: "default", Exten: exten, Priority: 1})
	}
	c, err := st.sw.Originate(st.t.Context(), o)
	if err != nil {
		st.t.Fatal(err)
	}
	return c
}

// phone gives the newest live channel of one of the cast.
func (st *stage) phone(name string) *pbx.Channel {
	st.t.Helper()
	synctest.Wait()
	var found *pbx.Channel
	for _, sn := range st.sw.Channels() {
		if strings.HasPrefix(sn.Name, "PJSIP/"+name+"-") {
			found, _ = st.sw.Channel(sn.ID)
		}
	}
	if found == nil {
		st.t.Fatalf("%s is in no call", name)
	}
	return found
}

// gone waits until every channel has gone.
func (st *stage) gone(all ...*pbx.Channel) {
	for _, c := range all {
		<-c.Gone()
	}
	for _, sn := range st.sw.Channels() {
		if c, ok := st.sw.Channel(sn.ID); ok {
			<-c.Gone()
		}
	}
	synctest.Wait()
}
