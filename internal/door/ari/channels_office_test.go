package ari

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/snoop"
	"github.com/dialwright/dialwright/internal/stasis"
)

// officePlan is the dialplan of an office with calls. Calls to the extension app enter lab
// instead.
const officePlan = `
[globals]
GLOBVAR=hello
[default]
exten => 100,1,NoOp(originated)
 same => n(ans),Answer()
 same => n,Wait(30)
exten => wait,1,Answer()
 same => n,Wait(30)
exten => app,1,NoOp()
 same => n(after),NoOp(continued)
 same => n,Wait(30)
[other]
exten => s,1,NoOp(other)
 same => n,Wait(30)
`

// routing dials every endpoint as it is given, on the account "acme". PJSIP/nosuchendpoint
// does not exist, numbers that end in 900 are denied, and so is the context "forbidden".
type routing struct {
	mu       sync.Mutex
	recorded []Ask
}

func (d *routing) Dial(_ context.Context, a Ask) (call.Endpoint, call.AccountID, error) {
	switch {
	case a.Endpoint == "PJSIP/nosuchendpoint":
		return "", "", &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Permanent: true, Text: "there is no such endpoint"}
	case strings.HasSuffix(a.Endpoint, "900"):
		return "", "", &call.Failure{Disposition: call.Failed, Cause: int(cause.OutgoingBarred), Permanent: true, Text: "900 numbers are barred"}
	}
	return call.Endpoint(a.Endpoint), "acme", nil
}

func (d *routing) Media(context.Context, Ask) (call.AccountID, error) { return "acme", nil }

func (d *routing) Caller(_ call.AccountID, asked call.CallerID) call.CallerID { return asked }

func (d *routing) Dialplan(_ context.Context, _ Ask, in string) error {
	if in == "forbidden" {
		return &call.Failure{Disposition: call.Failed, Cause: int(cause.OutgoingBarred), Permanent: true, Text: "not into this context"}
	}
	return nil
}

func (d *routing) Record(_ *pbx.Channel, a Ask) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recorded = append(d.recorded, a)
}

// records gives the endpoints of all calls so far.
func (d *routing) records() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for _, a := range d.recorded {
		list = append(list, a.Endpoint)
	}
	return list
}

// callOffice is an office with a dialplan and its functions, Local channels, pretended
// phones under their own name as well, and snoop channels.
func callOffice(t *testing.T, change func(*Options)) (*office, *routing) {
	t.Helper()
	d := &routing{}
	var m *run.Machine
	h := newOffice(t, func(o *Options) {
		m = run.New(run.Options{Switch: o.Switch, Apps: apps.All(), Funcs: funcs.All(), Allow: run.Commands | run.Files | run.Net})
		plan, _, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(officePlan)}}, "extensions.conf",
			dialplan.LoadOptions{Expand: run.ExpandGlobals})
		if err != nil {
			t.Fatal(err)
		}
		m.SetPlan(plan)
		brought := m.Dialplan()
		brought.Inbound = intoLab(o.Hub, brought.Inbound)
		o.Switch.SetDialplan(brought)
		o.Switch.Register(pretend.New(pretend.Options{}))
		o.Switch.Register(local.NewWith(o.Switch, local.Options{Exists: m.Exists}))
		o.Dial, o.Snoop, o.Globals = d, snoop.New(o.Switch), machineGlobals{m}
		if change != nil {
			change(o)
		}
	})
	h.resume = func(_ *pbx.Channel, at stasis.Position) (pbx.Handler, error) {
		then := call.Then{Kind: call.ThenDialplan, Context: at.Context, Extension: at.Exten, Priority: at.Label}
		if at.Label == "" {
			then.Priority = strconv.Itoa(at.Priority)
		}
		handler, err := m.Runner().Runner(then)
		if err != nil && at.Label != "" {
			return nil, stasis.ErrLabel
		}
		return handler, nil
	}
	return h, d
}

// intoLab gives calls to the extension app to the application, all others to the dialplan.
func intoLab(hub *stasis.Hub, plan pbx.Handler) pbx.Handler {
	return pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		if c.Snapshot().Extension != "app" {
			plan.Handle(ctx, c)
			return
		}
		if lab, ok := hub.Handler("lab", []string{"inbound"}); ok {
			lab.Handle(ctx, c)
		}
	})
}

type machineGlobals struct{ m *run.Machine }

func (g machineGlobals) Global(_ context.Context, name string) string {
	v, _ := g.m.Global(name)
	return v
}
func (g machineGlobals) SetGlobal(_ context.Context, name, value string) error {
	g.m.SetGlobal(name, value)
	return nil
}

// query writes names and values as a query.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// must is ask that wants a status.
func (h *office) must(status int, method, path, query string, body any) answer {
	h.t.Helper()
	a := h.ask(method, path, query, body)
	if a.status != status {
		h.t.Fatalf("%s %s?%s %v: status %d, want %d: %s", method, path, query, body, a.status, status, a.raw)
	}
	return a
}

// create makes a channel in lab that is not dialled.
func (h *office) create(id, endpoint string) *pbx.Channel {
	h.t.Helper()
	h.must(200, "POST", "/channels/create", query("endpoint", endpoint, "app", "lab", "channelId", id), nil)
	h.heard.await("StasisStart channel=" + id)
	return h.live(id)
}

// live finds a channel.
func (h *office) live(id string) *pbx.Channel {
	h.t.Helper()
	c, ok := h.sw.Channel(id)
	if !ok {
		h.t.Fatalf("there is no channel %s", id)
	}
	return c
}

// gone waits for the end of a channel.
func (h *office) gone(c *pbx.Channel) {
	h.t.Helper()
	select {
	case <-c.Gone():
	case <-time.After(10 * time.Second):
		h.t.Fatalf("channel %s does not end", c.ID())
	}
}

// ended waits until there is no channel of an id.
func (h *office) ended(id string) {
	h.t.Helper()
	if c, ok := h.sw.Channel(id); ok {
		h.gone(c)
	}
}

// story gives what lab has heard of a channel, up to a token: types, with the status of
// a dial and the name of a variable.
func (h *office) story(id, until string) []string {
	h.t.Helper()
	h.heard.await(until)
	h.heard.mu.Lock()
	defer h.heard.mu.Unlock()
	var list []string
	for _, item := range h.heard.items {
		e := item.Event
		if (e.Channel == nil || e.Channel.ID != id) && (e.Peer == nil || e.Peer.ID != id) {
			continue
		}
		text := string(e.Type)
		switch e.Type {
		case pbx.ChannelHandlerStarted, pbx.ChannelHandlerEnded: // clients are not told
			continue
		case pbx.ChannelVarset:
			text += " " + e.Variable + "=" + e.Value
		case pbx.Dial:
			text += ` "` + e.DialStatus + `"`
		case pbx.ChannelStateChange:
			text += " " + e.Channel.State.String()
		}
		list = append(list, text)
		if tokenOf(e) == until {
			break
		}
	}
	return list
}

// wantStory compares it.
func (h *office) wantStory(id, until string, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.story(id, until)); diff != "" {
		h.t.Errorf("events of %s (-want +got):\n%s", id, diff)
	}
}
