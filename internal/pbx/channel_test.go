package pbx_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// log collects events as short lines.
type eventLog struct {
	mu    sync.Mutex
	lines []string
}

func line(e pbx.Event) string {
	s := string(e.Type)
	switch e.Type {
	case pbx.ChannelStateChange:
		s += " " + e.Channel.State.String()
	case pbx.Dial:
		s += fmt.Sprintf(" %q", e.DialStatus)
	case pbx.ChannelDestroyed:
		s += fmt.Sprintf(" %d %d", e.Cause, e.TechCause)
	case pbx.ChannelHangupRequest:
		s += fmt.Sprintf(" %d soft=%v", e.Cause, e.Soft)
	case pbx.ChannelVarset:
		s += " " + e.Variable + "=" + e.Value
	case pbx.ChannelEnteredBridge, pbx.ChannelLeftBridge:
		s += fmt.Sprintf(" %d", len(e.Bridge.Channels))
	case pbx.ChannelDTMF:
		s += " " + string(e.Digit)
	}
	return s
}

func (l *eventLog) watch(e *pbx.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line(*e))
}

func (l *eventLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.lines
	l.lines = nil
	return out
}

func expect(t *testing.T, l *eventLog, want ...string) {
	t.Helper()
	synctest.Wait()
	if d := cmp.Diff(want, l.take()); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func create(t *testing.T, s *pbx.Switch, endpoint string, l *eventLog, change ...func(*pbx.CreateOptions)) *pbx.Channel {
	t.Helper()
	o := pbx.CreateOptions{Endpoint: call.Endpoint(endpoint)}
	if l != nil {
		o.Watch = l.watch
	}
	for _, f := range change {
		f(&o)
	}
	c, err := s.Create(t.Context(), o)
	if err != nil {
		t.Fatalf("Create %s: %v", endpoint, err)
	}
	return c
}

// The order of events of an originated channel (spec: ari 5.2, 5.3).
func TestOriginateEvents(t *testing.T) {
	tests := []struct {
		name, endpoint string
		timeout        time.Duration
		want           []string
	}{
		{"rings, answers, hangs up", "Pretend/100180?ring=1s&talk=1s", 0, []string{
			"ChannelCreated", "ChannelDialplan", `Dial ""`, "ChannelStateChange Ringing", `Dial "RINGING"`, "ChannelStateChange Up", `Dial "ANSWER"`,
			"ChannelHangupRequest 0 soft=false", "ChannelDestroyed 16 0"}},
		{"early media", "Pretend/100183?ring=1s&talk=1s", 0, []string{
			"ChannelCreated", "ChannelDialplan", `Dial ""`, `Dial "PROGRESS"`, "ChannelStateChange Up", `Dial "ANSWER"`,
			"ChannelHangupRequest 0 soft=false", "ChannelDestroyed 16 0"}},
		{"busy", "Pretend/100486", 0, []string{
			"ChannelCreated", "ChannelDialplan", `Dial ""`, "ChannelHangupRequest 17 soft=false", `Dial "BUSY"`, "ChannelDestroyed 17 486"}},
		{"rejected", "Pretend/100603", 0, []string{
			"ChannelCreated", "ChannelDialplan", `Dial ""`, "ChannelHangupRequest 21 soft=false", `Dial "NOANSWER"`, "ChannelDestroyed 21 603"}},
		{"congested", "Pretend/100503", 0, []string{
			"ChannelCreated", "ChannelDialplan", `Dial ""`, "ChannelHangupRequest 34 soft=false", `Dial "CONGESTION"`, "ChannelDestroyed 34 503"}},
		{"times out without Dial and ChannelHangupRequest", "Pretend/100180?ring=1h", time.Minute, []string{
			"ChannelCreated", "ChannelDialplan", `Dial ""`, "ChannelStateChange Ringing", `Dial "RINGING"`, "ChannelDestroyed 19 480"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := setup(t, pbx.Options{})
				defer stop(t, s)
				var l eventLog
				c, err := s.Originate(t.Context(), pbx.OriginateOptions{
					CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint(tt.endpoint), Watch: l.watch}, Timeout: tt.timeout,
				})
				if err != nil {
					t.Fatal(err)
				}
				<-c.Gone()
				expect(t, &l, tt.want...)
			})
		})
	}
}

// Create, variables, bridge, dial: the split that ARI's users live on
// (spec: ari 5.4).
func TestCreateBridgeDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		var la, lb eventLog
		a := create(t, s, "Pretend/100", &la, func(o *pbx.CreateOptions) { o.CallerID = call.CallerID{Number: "100"} })
		if err := a.Dial(pbx.DialOptions{}); err != nil {
			t.Fatal(err)
		}
		expect(t, &la, "ChannelCreated", `Dial ""`, "ChannelStateChange Up", `Dial "ANSWER"`)
		if err := a.SetVariable("__TENANT", "7"); err != nil {
			t.Fatal(err)
		}
		if err := a.SetVariable("_ONCE", "8"); err != nil {
			t.Fatal(err)
		}
		b := create(t, s, "Pretend/200183?ring=1s", &lb, func(o *pbx.CreateOptions) {
			o.Originator = a
			o.Variables = []call.Variable{{Name: "X", Value: "1"}}
		})
		expect(t, &lb, "ChannelCreated", "ChannelVarset X=1")
		br, err := s.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := br.Add(a, pbx.AddOptions{InhibitConnected: true}); err != nil {
			t.Fatal(err)
		}
		if err := br.Add(b, pbx.AddOptions{InhibitConnected: true}); err != nil {
			t.Fatal(err)
		}
		expect(t, &lb, "ChannelEnteredBridge 2")
		if err := b.Dial(pbx.DialOptions{Caller: a}); err != nil {
			t.Fatal(err)
		}
		if err := b.Dial(pbx.DialOptions{}); !errors.Is(err, pbx.ErrDialled) {
			t.Errorf("second dial: %v", err)
		}
		<-time.After(2 * time.Second)
		expect(t, &lb, "ChannelVarset ONCE=8", "ChannelVarset __TENANT=7", "ChannelConnectedLine", `Dial ""`, `Dial "PROGRESS"`,
			"ChannelStateChange Up", `Dial "ANSWER"`)
		if v, _ := b.Variable("TENANT"); v != "7" {
			t.Errorf("TENANT = %q", v)
		}
		if d := cmp.Diff([]call.Variable{{Name: "ONCE", Value: "8"}, {Name: "__TENANT", Value: "7"}, {Name: "X", Value: "1"}}, slices.DeleteFunc(b.Variables(), func(v call.Variable) bool {
			return strings.HasPrefix(v.Name, "BRIDGE")
		})); d != "" {
			t.Errorf("inheritance (-want +got):\n%s", d)
		}
		if b.Snapshot().LinkedID != a.ID() {
			t.Errorf("linkedid %s, want %s", b.Snapshot().LinkedID, a.ID())
		}
		b.Hangup(0)
		<-b.Gone()
		expect(t, &lb, "ChannelHangupRequest 16 soft=true", "ChannelLeftBridge 1", "ChannelDestroyed 16 0")
		if a.State() != pbx.Up || len(br.Channels()) != 1 {
			t.Error("A did not stay in the bridge")
		}
		br.Destroy()
		br.Destroy()
	})
}

func TestCreateErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		create(t, s, "Pretend/100", nil, func(o *pbx.CreateOptions) { o.ID = "mine" })
		tests := []struct {
			o    pbx.CreateOptions
			want error
		}{
			{pbx.CreateOptions{ID: "mine", Endpoint: "Pretend/1"}, pbx.ErrIDInUse},
			{pbx.CreateOptions{ID: strings.Repeat("x", 150), Endpoint: "Pretend/1"}, pbx.ErrIDTooLong},
			{pbx.CreateOptions{Endpoint: "100"}, pbx.ErrEndpoint},
			{pbx.CreateOptions{Endpoint: "Pretend/"}, pbx.ErrEndpoint},
		}
		for _, tt := range tests {
			if _, err := s.Create(t.Context(), tt.o); !errors.Is(err, tt.want) {
				t.Errorf("Create(%+v) = %v, want %v", tt.o, err, tt.want)
			}
		}
		for endpoint, code := range map[string]cause.Code{"Pretend/unknown": 1, "Pretend/8offline": 20, "SCCP/1": 44, "Local/@x": 28, "Pretend/1?what=x": 28} {
			_, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: call.Endpoint(endpoint)})
			if f, ok := errors.AsType[*call.Failure](err); !ok || f.Cause != int(code) {
				t.Errorf("Create %s: %v, want cause %d", endpoint, err, code)
			}
		}
		c, _ := s.Channel("mine")
		if n := len(s.Channels()); n != 1 {
			t.Errorf("%d channels, want 1: a refused one was kept", n)
		}
		c.Hangup(cause.UserBusy)
		<-c.Gone()
		create(t, s, "Pretend/100", nil, func(o *pbx.CreateOptions) { o.ID = "mine" }) // free again (spec: ari 6.3)
		stop(t, s)
		if _, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Pretend/1"}); !errors.Is(err, pbx.ErrStopping) {
			t.Errorf("after Stop: %v", err)
		}
		stop(t, s)
	})
}

// From every side at every moment there is exactly one ChannelDestroyed, and
// what is asked of a channel afterwards is refused and does not hang.
func TestHangupRaces(t *testing.T) {
	s, _ := setup(t, pbx.Options{})
	for i := range 300 {
		var l eventLog
		c, err := s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{
			Endpoint: call.Endpoint(fmt.Sprintf("Pretend/100180?ring=%dus&talk=%dus", i%7*50, 1+i%5*100)), Watch: l.watch,
		}})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { c.Hangup(cause.UserBusy) })
			wg.Go(func() {
				_ = c.SetVariable("A", "b")
				_, _ = c.Variable("A")
				_ = c.Answer()
				c.Deliver(pbx.LegEvent{Kind: pbx.LegAnswered})
				c.Deliver(pbx.LegEvent{Kind: pbx.LegEnded, ByPeer: true})
			})
		}
		wg.Wait()
		<-c.Gone()
		n := 0
		lines := l.take()
		for _, e := range lines {
			if strings.HasPrefix(e, "ChannelDestroyed") {
				n++
			}
		}
		if n != 1 || !strings.HasPrefix(lines[len(lines)-1], "ChannelDestroyed") {
			t.Fatalf("events: %q", lines)
		}
		if err := c.SetVariable("A", "c"); !errors.Is(err, pbx.ErrGone) {
			t.Fatalf("SetVariable on a channel that has gone: %v", err)
		}
	}
	stop(t, s)
}

// The design's rule: a channel with more than 256 waiting events ends with cause 42.
func TestRule3_2_MailboxBound(t *testing.T) {
	s, _ := setup(t, pbx.Options{})
	defer stop(t, s)
	var l eventLog
	c := create(t, s, "Pretend/100", &l)
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	remove := c.Watch(func(*pbx.Event) { once.Do(func() { close(entered); <-release }) })
	defer remove()
	go c.SetVariable("A", "b") // blocks the actor in the watcher
	<-entered
	for range 300 {
		c.Deliver(pbx.LegEvent{Kind: pbx.LegMedia})
	}
	close(release)
	<-c.Gone()
	if r, ok := c.Result(); !ok || r.Cause != cause.SwitchCongestion {
		t.Errorf("result: %+v", r)
	}
}

// A command that breaks an invariant costs one channel.
func TestRule3_5_PanicEndsOneChannel(t *testing.T) {
	s := pbx.New(pbx.Options{})
	phones := panicky{}
	s.Register(phones)
	a, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Panicky/1"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Panicky/2"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Hold(true); !errors.Is(err, pbx.ErrGone) {
		t.Errorf("Hold: %v", err)
	}
	<-a.Gone()
	if err := b.SetVariable("A", "b"); err != nil {
		t.Errorf("the other channel: %v", err)
	}
	if err := b.Run(pbx.HandlerFunc(func(context.Context, *pbx.Channel) { panic("handler") })); err != nil {
		t.Error(err)
	}
	<-b.Gone()
	if n := s.Stats().Panics; n != 2 {
		t.Errorf("%d panics counted, want 2", n)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		all, endAll := s.Subscribe(pbx.EventFilter{}, 1000)
		slow, endSlow := s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelVarset}}, 3)
		c := create(t, s, "Pretend/100", nil)
		other := create(t, s, "Pretend/101", nil)
		synctest.Wait()
		about, endAbout := s.Subscribe(pbx.EventFilter{About: []string{other.ID()}}, 10)
		set := func(from, to int) {
			for i := from; i <= to; i++ {
				if err := c.SetVariable("N", fmt.Sprint(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		set(1, 10)
		var got []string
		for range 4 {
			e := <-slow
			got = append(got, fmt.Sprint(e.Type, " ", e.Value, " ", e.Missed))
		}
		set(11, 11)
		e := <-slow
		got = append(got, fmt.Sprint(e.Type, " ", e.Value, " ", e.Missed))
		want := []string{"ChannelVarset 1 0", "ChannelVarset 2 0", "ChannelVarset 3 0", "EventsLost  0", "ChannelVarset 11 7"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("slow subscriber (-want +got):\n%s", d)
		}
		endSlow()
		endSlow()
		if _, ok := <-slow; ok {
			t.Error("the subscription goes on after its end")
		}
		stop(t, s)
		var last uint64
		n := 0
		for e := range all { // closed by Stop
			if e.Seq <= last || e.Missed != 0 {
				t.Errorf("event %d after %d, missed %d", e.Seq, last, e.Missed)
			}
			last = e.Seq
			n++
		}
		if n != 11+2*3 {
			t.Errorf("%d events in all, want 17", n)
		}
		var types []pbx.EventType
		for e := range about {
			types = append(types, e.Type)
		}
		if d := cmp.Diff([]pbx.EventType{pbx.ChannelHangupRequest, pbx.ChannelDestroyed}, types); d != "" {
			t.Errorf("filter by id (-want +got):\n%s", d)
		}
		endAll()
		endAbout()
	})
}

func TestVariablesAndFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{Language: "de"})
		defer stop(t, s)
		c := create(t, s, "Pretend/100", nil, func(o *pbx.CreateOptions) { o.ID = "id" })
		for _, v := range [][2]string{
			{"CALLERID(all)", `"Alice B" <(555) 123-4567>`}, {"CONNECTEDLINE(num)", "200"}, {"A", "1"}, {"__A", "2"}, {"FOO(x)", "y"},
			{"CHANNEL(language)", "fr"},
		} {
			if err := c.SetVariable(v[0], v[1]); err != nil {
				t.Fatal(err)
			}
		}
		for name, want := range map[string]string{
			"CALLERID(num)": "5551234567", "CALLERID(name)": "Alice B", "CALLERID(all)": `"Alice B" <5551234567>`,
			"CONNECTEDLINE(num)": "200", "A": "2", "FOO(x)": "y", "CHANNEL(name)": c.Name(), "CHANNEL(state)": "Down",
			"CHANNEL(uniqueid)": "id", "CHANNEL(linkedid)": "id", "CHANNEL(language)": "fr",
		} {
			if got, ok := c.Variable(name); !ok || got != want {
				t.Errorf("%s = %q, %v; want %q", name, got, ok, want)
			}
		}
		if _, ok := c.Variable("_A"); ok {
			t.Error("the prefix is part of the name")
		}
		if err := c.UnsetVariable("A"); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.Variable("A"); ok {
			t.Error("A is still set")
		}
		if err := c.SetVariable("B", "1"); err != nil {
			t.Fatal(err)
		}
		if err := c.ReportVariable("B"); err != nil {
			t.Fatal(err)
		}
		if err := c.SetVariable("B", "2"); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]pbx.Reported{{Name: "B", Value: "2"}}, c.Snapshot().Variables); d != "" {
			t.Errorf("reported (-want +got):\n%s", d)
		}
	})
}

// A channel goes from handler to handler; the last to return hangs it up, and
// a dead channel is destroyed only when its handler is done with it.
func TestHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		var l eventLog
		c, err := s.Originate(t.Context(), pbx.OriginateOptions{
			CreateOptions: pbx.CreateOptions{Endpoint: "Pretend/100?talk=10s", Watch: l.watch},
			Handler: pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
				<-ctx.Done()
				if !errors.Is(context.Cause(ctx), pbx.ErrReplaced) {
					t.Errorf("first handler ended by %v", context.Cause(ctx))
				}
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		err = c.Run(pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), pbx.ErrHungUp) {
				t.Errorf("second handler ended by %v", context.Cause(ctx))
			}
			<-time.After(time.Second) // hangup handlers take their time
			if v, _ := c.Variable("HANGUPCAUSE"); v != "16" {
				t.Errorf("HANGUPCAUSE = %q", v)
			}
			select {
			case <-c.Gone():
				t.Error("destroyed under its handler")
			default:
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		<-c.Gone()
		expect(t, &l, "ChannelCreated", "ChannelDialplan", `Dial ""`, "ChannelStateChange Up", `Dial "ANSWER"`, "ChannelHandlerStarted",
			"ChannelHandlerEnded", "ChannelHandlerStarted", "ChannelHangupRequest 0 soft=false", "ChannelHandlerEnded", "ChannelDestroyed 16 0")
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		c, err := s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: "Pretend/100?talk=1m"}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain with a call up: %v", err)
		}
		if _, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Pretend/100"}); !errors.Is(err, pbx.ErrStopping) {
			t.Errorf("a new channel while draining: %v", err)
		}
		if c.State() != pbx.Up {
			t.Error("Drain ended a call")
		}
		if err := s.Drain(t.Context()); err != nil { // waits until the party hangs up
			t.Errorf("Drain: %v", err)
		}
		stop(t, s)
	})
}

func TestIdentifiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{SystemName: "node1"})
		defer stop(t, s)
		a, b := create(t, s, "Pretend/100", nil), create(t, s, "local/5@ctx", nil)
		unix := fmt.Sprint(time.Now().Unix())
		got := []string{a.ID(), a.Name(), b.ID(), b.Name()}
		want := []string{"node1-" + unix + ".0", "Pretend/100-00000000", "node1-" + unix + ".1", "Local/5@ctx-00000001;1"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if c, ok := s.ChannelByName(b.Name()); !ok || c != b {
			t.Error("not found by its name")
		}
	})
}
