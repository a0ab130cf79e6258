package stasis_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

// holds is a handler that has a channel until it ends.
func holds() pbx.Handler {
	return pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() })
}

// there says which applications there are, connected ones with a star.
func (l *lab) there() string {
	synctest.Wait()
	var out []string
	for _, a := range l.hub.Apps() {
		if a.Connected {
			a.Name += "*"
		}
		out = append(out, a.Name)
	}
	return strings.Join(out, " ")
}

func TestNames(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		for _, tt := range []struct {
			names []string
			ok    bool
		}{
			{nil, false},
			{[]string{""}, false},
			{[]string{"a", ""}, false},
			{[]string{strings.Repeat("x", 73)}, false},
			{[]string{strings.Repeat("x", 72)}, true},
			{[]string{"a b/ü?", "a b/ü?"}, true},
		} {
			s, err := l.hub.Attach(stasis.SessionOptions{Apps: tt.names})
			if tt.ok != (err == nil) || err != nil && !errors.Is(err, stasis.ErrAppName) {
				t.Errorf("%q: %v", tt.names, err)
			}
			if err == nil {
				s.Close()
			}
		}
		if got := l.there(); got != "" {
			t.Errorf("left: %s", got)
		}
		l.hub.Stop()
		if _, err := l.hub.Attach(stasis.SessionOptions{Apps: []string{"late"}}); !errors.Is(err, stasis.ErrClosed) {
			t.Errorf("after Stop: %v", err)
		}
	})
}

// A second session takes over; the first hears so, last, and keeps its other
// applications. Closing it does not disturb the new owner (spec: ari 3.4 rule 1).
func TestTakeover(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		first := l.app("lab", "side")
		l.originate("lab", "A", "5")
		first.items()
		second := l.app("lab")
		ch, _ := l.sw.Channel("A")
		l.do(ch.SetVariable("X", "1"))
		first.want(`ApplicationReplaced`)
		second.want(`ChannelVarset A X=1`)
		if got := first.s.Apps(); !slices.Equal(got, []string{"side"}) {
			t.Errorf("first still has %v", got)
		}
		l.originate("side", "B", "6")
		if got := first.lines(); len(got) != 5 {
			t.Errorf("side: %v", got)
		}
		first.s.Close()
		first.s.Close()
		if got := l.there(); got != "lab* side" {
			t.Errorf("there are %s", got)
		}
		l.do(ch.SetVariable("X", "2"))
		second.want(`ChannelVarset A X=2`)
	})
}

// What keeps an application without a session (spec: ari 3.4 rules 2, 3, 5 and 6).
func TestDisconnect(t *testing.T) {
	inLab(t, func(o *stasis.Options) { o.Grace = time.Minute }, func(l *lab) {
		l.app("lab").s.Close()
		if got := l.there(); got != "" {
			t.Errorf("without anything: %s", got)
		}

		c := l.app("lab")
		a := l.originate("lab", "A", "5")
		synctest.Wait()
		_, err := l.hub.SetFilter("lab", nil, &[]string{"ChannelVarset"})
		l.do(err)
		c.s.Close()
		if got := l.there(); got != "lab" {
			t.Errorf("with a channel: %s", got)
		}
		if _, ok := l.hub.Handler("lab", nil); ok {
			t.Error("a handler for an inactive application")
		}
		l.do(a.SetVariable("X", "missed"))
		again := l.connect(stasis.SessionOptions{Apps: []string{"lab"}, SubscribeAll: true}) // not looked at
		again.want("")
		if v, _ := l.hub.App("lab"); !cmp.Equal(v.Channels, []string{"A"}) || !cmp.Equal(v.Disallowed, []string{"ChannelVarset"}) {
			t.Errorf("after reconnect: %+v", v)
		}
		again.s.Close()
		a.Hangup(0)
		if got := l.there(); got != "" {
			t.Errorf("the last channel has ended: %s", got)
		}

		br := l.bridge("br")
		c = l.app("lab")
		l.do(l.subscribe("lab", "bridge:br"))
		c.s.Close()
		if got := l.there(); got != "lab" {
			t.Errorf("with a bridge: %s", got)
		}
		br.Destroy()
		if got := l.there(); got != "" {
			t.Errorf("the bridge has ended: %s", got)
		}

		br = l.bridge("br")
		c = l.app("lab")
		l.hub.BridgeInterest("lab", "br") // not counted
		c.s.Close()
		if got := l.there(); got != "" {
			t.Errorf("with a bridge that it made: %s", got)
		}
		br.Destroy()
	})
}

// Lasting subscriptions and a journal keep an application for Grace.
// However many applications come and go, those that nobody has connected make room for
// others, and not more are there than can be served.
func TestManyApplications(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		names := func(letter string, n int) []string {
			out := make([]string, n)
			for i := range out {
				out[i] = letter + strconv.Itoa(i)
			}
			return out
		}
		attach := func(apps ...string) (*stasis.Session, error) {
			return l.hub.Attach(stasis.SessionOptions{Apps: apps, Resume: true})
		}
		first, err := attach("first")
		l.do(err)
		first.Close()
		time.Sleep(time.Second) // of the bubble
		stays, err := attach(names("a", 500)...)
		l.do(err)
		defer stays.Close()
		for _, letter := range []string{"b", "c", "d", "e"} {
			s, err := attach(names(letter, 1400)...)
			l.do(err)
			s.Close()
			time.Sleep(time.Second)
			if n := len(l.hub.Apps()); n > 2000 {
				t.Fatalf("%d applications", n)
			}
		}
		if _, ok := l.hub.App("first"); ok {
			t.Error("the one that has been away for longest is still there")
		}
		if a, ok := l.hub.App("a0"); !ok || !a.Connected {
			t.Error("one that is connected is gone")
		}
		for _, n := range []int{1501, 2001} {
			if _, err := attach(names("f", n)...); !errors.Is(err, stasis.ErrManyApps) {
				t.Errorf("%d more: %v", n, err)
			}
		}
		again, err := attach(names("e", 1400)...) // they are there
		l.do(err)
		again.Close()
	})
}

func TestGrace(t *testing.T) {
	for name, o := range map[string]stasis.SessionOptions{
		"resume": {Apps: []string{"lab"}, Resume: true}, "all": {Apps: []string{"lab"}, SubscribeAll: true}, "device": {Apps: []string{"lab"}},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(o *stasis.Options) { o.Grace = time.Minute }, func(l *lab) {
				connect := func() *client {
					c := l.connect(o)
					if name == "device" {
						l.do(l.subscribe("lab", "deviceState:x"))
					}
					return c
				}
				c := connect()
				c.s.Close()
				time.Sleep(59 * time.Second) // of the bubble
				c = connect()
				c.s.Close()
				time.Sleep(59 * time.Second)
				if got := l.there(); got != "lab" {
					t.Errorf("before: %q", got)
				}
				time.Sleep(2 * time.Second)
				if got := l.there(); got != "" {
					t.Errorf("after: %q", got)
				}

				c = connect()
				a := l.originate("lab", "A", "5")
				synctest.Wait()
				c.s.Close()
				time.Sleep(time.Hour)
				if got := l.there(); got != "lab" {
					t.Errorf("with a channel: %q", got)
				}
				a.Hangup(0)
				time.Sleep(59 * time.Second)
				if got := l.there(); got != "lab" {
					t.Errorf("just after its end: %q", got)
				}
				time.Sleep(2 * time.Second)
				if got := l.there(); got != "" {
					t.Errorf("long after its end: %q", got)
				}
			})
		})
	}
}

// The filter: disallowed wins, an empty list allows all, a nil one stays; names need
// not exist (spec: ari 3.6).
func TestFilter(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		set := func(allowed, disallowed []string) {
			t.Helper()
			opt := func(s []string) *[]string {
				if s == nil {
					return nil
				}
				return &s
			}
			_, err := l.hub.SetFilter("lab", opt(allowed), opt(disallowed))
			l.do(err)
		}
		heard := func() []string {
			a := l.originate("lab", "A", "5")
			synctest.Wait()
			a.Hangup(0)
			return c.lines()
		}
		set([]string{"StasisStart", "StasisEnd", "stasisend", "Nonsense"}, nil)
		if diff := cmp.Diff([]string{"StasisStart A []", "StasisEnd A"}, heard()); diff != "" {
			t.Error(diff)
		}
		set(nil, []string{"StasisEnd"})
		if diff := cmp.Diff([]string{"StasisStart A []"}, heard()); diff != "" {
			t.Error(diff)
		}
		set([]string{}, nil)
		if got := heard(); len(got) != 8 || slices.Contains(got, "StasisEnd A") {
			t.Errorf("got %v", got)
		}
		v, _ := l.hub.App("lab")
		if !cmp.Equal(v.Allowed, []string{}) || !cmp.Equal(v.Disallowed, []string{"StasisEnd"}) {
			t.Errorf("lists %+v", v)
		}
		set([]string{"StasisStart"}, []string{"ApplicationReplaced"})
		l.app("lab")
		c.want(`ApplicationReplaced`) // is no event of the application
		if _, err := l.hub.SetFilter("nobody", nil, nil); !errors.Is(err, stasis.ErrNoApp) {
			t.Error(err)
		}
	})
}

// An outbound session is told so first, per application (spec: ari 3.7).
func TestOutbound(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.connect(stasis.SessionOptions{Apps: []string{"a", "b"}, Outbound: true})
		l.originate("b", "A", "5")
		got := c.items()
		if len(got) != 7 || got[0].Event.Type != stasis.Registered || got[0].App != "a" || got[1].App != "b" || got[1].Event.Type != stasis.Registered {
			t.Errorf("got %v", got)
		}
	})
}

// An application that nobody has connected is reached for the call, under a name of
// the call's own (vectors 21).
func TestPerCall(t *testing.T) {
	var l *lab
	var c *client
	ended := 0
	perCall := func(o *stasis.Options) {
		o.PerCall = func(_ context.Context, ch *pbx.Channel, app string) (string, func(), bool) {
			if app != "lab" {
				return "", nil, false
			}
			name := app + ":" + ch.Name()
			c = l.connect(stasis.SessionOptions{Apps: []string{name}, Outbound: true})
			return name, func() { ended++ }, true
		}
		o.HasPerCall = func(app string) bool { return app == "lab" }
	}
	inLab(t, perCall, func(in *lab) {
		l = in
		ch := l.extension("pc1", "app")
		synctest.Wait()
		c.want("ApplicationRegistered\nStasisStart pc1 [fromdialplan]")
		if sn := ch.Snapshot(); sn.AppData != "lab,fromdialplan" {
			t.Errorf("app_data %s", sn.AppData)
		}
		l.do(l.hub.Continue(l.t.Context(), ch, stasis.Position{}))
		c.want(`StasisEnd pc1`)
		if ended != 1 {
			t.Errorf("done called %d times", ended)
		}
		c.s.Close()
		if got := l.there(); got != "" {
			t.Errorf("left: %s", got)
		}
		if _, ok := l.hub.Handler("lab", nil); !ok {
			t.Error("an application that is connected for each call counts as unreachable")
		}
		unknown, ok := l.hub.Handler("unknown", nil)
		if ok {
			t.Error("an application that nobody can connect to counts as reachable")
		}
		other := l.dial("pc2", "5", unknown, nil)
		<-other.Gone()
		if v, _ := other.Variable("STASISSTATUS"); v != "FAILED" {
			t.Errorf("STASISSTATUS %q", v)
		}
	})
}

// The runner gives ThenApp to the hub, and all else to the one inside.
func TestRunner(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		split := func(s string) []string { return strings.Split(s, ",") }
		r := l.hub.Runner(l.m.Runner(), split)
		h, err := r.Runner(call.Then{Kind: call.ThenApp, Name: "lab", Data: "x,y"})
		if f, ok := errors.AsType[*call.Failure](err); !ok || f.Permanent || h == nil {
			t.Errorf("not connected: %v %v", h, err)
		}
		c := l.app("lab")
		h, err = r.Runner(call.Then{Kind: call.ThenApp, Name: "lab", Data: "x,y"})
		l.do(err)
		l.dial("A", "5", h, nil)
		c.want(`StasisStart A [x y]`)
		if h, err = r.Runner(call.Then{Kind: call.ThenDialplan, Context: "default", Extension: "app"}); err != nil || h == nil {
			t.Errorf("dialplan: %v", err)
		}
		if _, ok := r.(pbx.FailedRunner).Failed("default", ""); ok {
			t.Error("there is no extension failed")
		}
		a, _ := l.sw.Channel("A")
		if _, ok := r.(pbx.Recorder).Record(a); ok {
			t.Error("no dialplan ran on it")
		}
		x := l.extension("x", "app")
		synctest.Wait()
		if rec, ok := r.(pbx.Recorder).Record(x); !ok || rec.App != "Stasis" {
			t.Errorf("record %+v", rec)
		}
		alone := l.hub.Runner(nil, split)
		if _, err := alone.Runner(call.Then{Kind: call.ThenDialplan}); !errors.Is(err, pbx.ErrBuiltIn) {
			t.Error(err)
		}
		if _, ok := alone.(pbx.FailedRunner).Failed("", ""); ok {
			t.Error("nobody inside")
		}
		if _, ok := alone.(pbx.Recorder).Record(x); ok {
			t.Error("nobody inside")
		}
	})
}
