package stasis_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/stasis"
)

// conf is the dialplan of the tests, that of the captures.
const conf = `
[default]
exten => app,1,Stasis(lab,fromdialplan)
 same => n(after),NoOp(continued)
 same => n,Wait(1)
 same => n,Hangup()
exten => lost,1,Stasis(nobody)
 same => n,NoOp(${STASISSTATUS})
 same => n,Wait(1)
exten => cast,1,Wait(3600)
exten => h,1,NoOp(h)
`

// lab is a hub on a real switch with pretended phones and a dialplan, in a bubble.
type lab struct {
	t   *testing.T
	sw  *pbx.Switch
	hub *stasis.Hub
	m   *run.Machine

	mu  sync.Mutex // guards log
	log bytes.Buffer
}

func (l *lab) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(p)
}

func (l *lab) logged() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}

// inLab runs f in a lab. When it is over the bubble finds goroutines that are left.
func inLab(t *testing.T, change func(*stasis.Options), f func(*lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := openLab(t, change)
		f(l)
		l.close()
	})
}

func openLab(t *testing.T, change func(*stasis.Options)) *lab {
	l := &lab{t: t}
	log := slog.New(slog.NewTextHandler(l, nil))
	l.sw = pbx.New(pbx.Options{Log: log, Linger: -1})
	o := stasis.Options{Switch: l.sw, Log: log, Resume: l.resume}
	if change != nil {
		change(&o)
	}
	l.hub = stasis.New(o)
	l.m = run.New(run.Options{Switch: l.sw, Log: log, Apps: apps.All(), Funcs: funcs.All(), Stasis: l.hub.Dialplan})
	l.sw.SetDialplan(l.m.Dialplan())
	l.sw.Register(pretend.New(pretend.Options{}))
	l.sw.Register(local.New(l.sw))
	fs := fstest.MapFS{"extensions.conf": &fstest.MapFile{Data: []byte(conf)}}
	plan, _, err := dialplan.Load(fs, "extensions.conf", dialplan.LoadOptions{Expand: run.ExpandGlobals})
	if err != nil {
		t.Fatal(err)
	}
	l.m.SetPlan(plan)
	return l
}

func (l *lab) close() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Hour)
	defer cancel()
	if err := l.sw.Stop(ctx); err != nil {
		l.t.Error(err)
	}
	l.hub.Stop()
	l.hub.Stop() // may be called twice
	if l.t.Failed() {
		l.t.Log(l.logged())
	}
}

// resume is what app makes of the dialplan machine.
func (l *lab) resume(_ *pbx.Channel, at stasis.Position) (pbx.Handler, error) {
	if at.Label != "" {
		at.Priority = l.m.Plan().Label(at.Context, at.Exten, at.Label, dialplan.Caller{})
		if at.Priority == 0 {
			return nil, stasis.ErrLabel
		}
	}
	return l.m.Handler(run.Position{Context: at.Context, Exten: at.Exten, Priority: at.Priority}), nil
}

// client is a connected application with all that it hears.
type client struct {
	t *testing.T
	s *stasis.Session
}

func (l *lab) connect(o stasis.SessionOptions) *client {
	l.t.Helper()
	s, err := l.hub.Attach(o)
	if err != nil {
		l.t.Fatal(err)
	}
	return &client{l.t, s}
}

// app connects applications as most clients do.
func (l *lab) app(names ...string) *client {
	l.t.Helper()
	return l.connect(stasis.SessionOptions{Apps: names})
}

// all connects an application that hears everything.
func (l *lab) all(name string) *client {
	l.t.Helper()
	return l.connect(stasis.SessionOptions{Apps: []string{name}, SubscribeAll: true})
}

// items gives what has come since the last time, when everything has come to rest.
func (c *client) items() []stasis.Item {
	c.t.Helper()
	synctest.Wait()
	ctx, cancel := context.WithCancel(c.t.Context())
	cancel()
	var out []stasis.Item
	for {
		got, err := c.s.Next(ctx)
		if err != nil {
			return out
		}
		out = append(out, got...)
	}
}

// lines gives it as text.
func (c *client) lines() []string {
	c.t.Helper()
	var out []string
	for _, i := range c.items() {
		out = append(out, line(i))
	}
	return out
}

// want compares what has come with a text of lines; several applications of one
// session are told apart by a prefix.
func (c *client) want(text string) {
	c.t.Helper()
	var want []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			want = append(want, l)
		}
	}
	if diff := cmp.Diff(want, c.lines()); diff != "" {
		c.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// line writes an event: its type, channel and what is particular to it.
func line(i stasis.Item) string {
	e := i.Event
	w := []string{string(e.Type)}
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if e.Bridge != nil {
		add("%s%v", e.Bridge.ID, e.Bridge.Channels)
	}
	if e.Channel != nil {
		add("%s", e.Channel.ID)
	}
	switch d := e.Data.(type) {
	case *stasis.Entry:
		switch e.Type {
		case stasis.Start:
			add("%v", d.Args)
		case stasis.MoveFailed:
			add("%s %v", d.App, d.Args)
		case stasis.Claimed:
			add("%s", d.App)
		}
	case *stasis.User:
		add("%s %s", d.Name, d.Body)
	case *stasis.Message:
		add("%s", d.Body)
	case *stasis.State:
		add("%d channels, %d bridges: %s", len(d.Channels), len(d.Bridges), d.Reason)
	}
	switch e.Type {
	case pbx.Dial:
		add("%s %q", e.Peer.ID, e.DialStatus)
	case pbx.ChannelStateChange:
		add("%s", e.Channel.State)
	case pbx.ChannelVarset:
		add("%s=%s", e.Variable, e.Value)
	case pbx.ChannelDialplan:
		add("%s(%s)", e.Channel.App, e.Channel.AppData)
	case pbx.DeviceStateChanged:
		add("%s %s", e.Device.Name, e.Device.State)
	case pbx.PeerStatusChange:
		add("%s/%s", e.Endpoint.Technology, e.Endpoint.Resource)
	}
	return strings.TrimSpace(strings.Join(w, " "))
}

// originate does what the door does: the application hears of the channel from
// before the dial on, and gets it when it is answered.
func (l *lab) originate(app, id, number string, args ...string) *pbx.Channel {
	l.t.Helper()
	h, _ := l.hub.Handler(app, args)
	return l.dial(id, number, h, func(*pbx.Channel) { l.hub.Interest(app, id) })
}

// dial originates a channel.
func (l *lab) dial(id, number string, h pbx.Handler, made func(*pbx.Channel)) *pbx.Channel {
	l.t.Helper()
	c, err := l.sw.Originate(l.t.Context(), pbx.OriginateOptions{
		CreateOptions: pbx.CreateOptions{ID: id, Endpoint: call.Endpoint("Pretend/" + number)}, Handler: h,
		Created: func(c *pbx.Channel) {
			if err := c.SetPosition("", "", 0, "AppDial2", "(Outgoing Line)"); err != nil {
				l.t.Error(err)
			}
			if made != nil {
				made(c)
			}
		},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// extension originates a channel into the dialplan.
func (l *lab) extension(id, exten string) *pbx.Channel {
	l.t.Helper()
	return l.dial(id, "5", l.m.Handler(run.Position{Context: "default", Exten: exten, Priority: 1}), nil)
}

// create makes an undialled channel in an application.
func (l *lab) create(app, id, number string, args ...string) *pbx.Channel {
	l.t.Helper()
	c, err := l.sw.Create(l.t.Context(), pbx.CreateOptions{ID: id, Endpoint: call.Endpoint("Pretend/" + number)})
	if err != nil {
		l.t.Fatal(err)
	}
	synctest.Wait()
	l.hub.Interest(app, id)
	l.do(c.SetVariable("FOO", "bar"))
	l.do(l.hub.Enter(l.t.Context(), c, app, args))
	return c
}

func (l *lab) bridge(id string) *pbx.Bridge {
	l.t.Helper()
	b, err := l.sw.NewBridge(pbx.BridgeOptions{ID: id})
	if err != nil {
		l.t.Fatal(err)
	}
	return b
}

// do fails the test if something that must work did not.
func (l *lab) do(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// subscribe adds or takes sources and gives the error.
func (l *lab) subscribe(app string, sources ...string) error {
	_, err := l.hub.Subscribe(app, sources)
	return err
}
