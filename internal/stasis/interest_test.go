package stasis_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

// Who hears of an originated channel, and what (spec: ari 5.3; observed: vectors 01a, 01b).
func TestOriginateToApplication(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		other := l.app("other")
		ch := l.originate("lab", "o1", "180", "a1", "a2")
		c.want(`
			Dial o1 ""
			ChannelStateChange o1 Ringing
			Dial o1 "RINGING"
			ChannelStateChange o1 Up
			Dial o1 "ANSWER"
			ChannelVarset o1 STASISSTATUS=
			StasisStart o1 [a1 a2]`)
		if sn := ch.Snapshot(); sn.App != "Stasis" || sn.AppData != "lab,a1,a2" {
			t.Errorf("position %s(%s)", sn.App, sn.AppData)
		}
		ch.Hangup(0)
		c.want(`
			ChannelHangupRequest o1
			StasisEnd o1
			ChannelVarset o1 STASISSTATUS=SUCCESS
			ChannelDestroyed o1`)
		other.want("")
	})
}

// An application that hears all sees the channel from its creation on (vectors 01c),
// but not that it is in another one.
func TestSubscribeAll(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		all := l.all("all")
		l.app("lab")
		ch := l.originate("lab", "o3", "5")
		synctest.Wait()
		ch.Hangup(0)
		synctest.Wait()
		l.bridge("sa1").Destroy()
		all.want(`
			ChannelCreated o3
			ChannelDialplan o3 AppDial2((Outgoing Line))
			Dial o3 ""
			ChannelStateChange o3 Up
			Dial o3 "ANSWER"
			ChannelVarset o3 STASISSTATUS=
			ChannelHangupRequest o3
			ChannelVarset o3 STASISSTATUS=SUCCESS
			ChannelDestroyed o3
			BridgeCreated sa1[]
			BridgeDestroyed sa1[]`)
		got, _ := l.hub.App("all")
		want := stasis.App{
			Name: "all", Connected: true, Channels: []string{"__AST_CHANNEL_ALL_TOPIC"}, Bridges: []string{"__AST_BRIDGE_ALL_TOPIC"},
			Endpoints: []string{"__AST_ENDPOINT_ALL_TOPIC"}, Devices: []string{"__AST_DEVICE_STATE_ALL_TOPIC"},
			Allowed: []string{}, Disallowed: []string{},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A channel that came in through the dialplan is of interest while it is in the
// application, and no longer (spec: ari 3.3 rule 5; vectors 02c, 20).
func TestDialplanStasis(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		ch := l.extension("x3", "app")
		c.want(`StasisStart x3 [fromdialplan]`)
		if sn := ch.Snapshot(); sn.App != "Stasis" || sn.AppData != "lab,fromdialplan" {
			t.Errorf("position %s(%s)", sn.App, sn.AppData)
		}
		ch.Hangup(0)
		c.want(`
			ChannelHangupRequest x3
			StasisEnd x3`)
		if a, _ := l.hub.App("lab"); len(a.Channels) != 0 {
			t.Errorf("interest left: %v", a.Channels)
		}
	})
}

// A created channel is in the application at once, and tells of its position
// (vectors 03a, 04-create-never-dialed).
func TestCreate(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		b := l.create("lab", "B", "180", "dialed")
		if app, ok := l.hub.In("B"); !ok || app != "lab" {
			t.Errorf("in %q %t", app, ok)
		}
		c.want(`
			ChannelVarset B FOO=bar
			ChannelDialplan B Stasis(lab,dialed)
			ChannelVarset B STASISSTATUS=
			StasisStart B [dialed]`)
		l.do(b.Dial(pbx.DialOptions{}))
		c.want(`
			Dial B ""
			ChannelStateChange B Ringing
			Dial B "RINGING"
			ChannelStateChange B Up
			Dial B "ANSWER"`)
		b.Hangup(0)
		c.want(`
			ChannelHangupRequest B
			StasisEnd B
			ChannelVarset B STASISSTATUS=SUCCESS
			ChannelDestroyed B`)
		if _, ok := l.hub.In("B"); ok {
			t.Error("still in")
		}
	})
}

// A channel for an application that is not there: an originated one is hung up, a
// dialplan goes on (spec: ari 3.4 rule 4).
func TestNotConnected(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		all := l.all("all")
		l.originate("nobody", "o4", "5")
		all.want(`
			ChannelCreated o4
			ChannelDialplan o4 AppDial2((Outgoing Line))
			Dial o4 ""
			ChannelStateChange o4 Up
			Dial o4 "ANSWER"
			ChannelVarset o4 STASISSTATUS=
			ChannelVarset o4 STASISSTATUS=FAILED
			ChannelHangupRequest o4
			ChannelDestroyed o4`)
		ch := l.extension("x4", "lost")
		all.want(`
			ChannelCreated x4
			ChannelDialplan x4 AppDial2((Outgoing Line))
			Dial x4 ""
			ChannelStateChange x4 Up
			Dial x4 "ANSWER"
			ChannelDialplan x4 Stasis(nobody)
			ChannelVarset x4 STASISSTATUS=
			ChannelVarset x4 STASISSTATUS=FAILED
			ChannelDialplan x4 NoOp(FAILED)
			ChannelDialplan x4 Wait(1)`)
		ch.Hangup(0)
		c, err := l.sw.Create(l.t.Context(), pbx.CreateOptions{ID: "D", Endpoint: "Pretend/5"})
		l.do(err)
		if err := l.hub.Enter(l.t.Context(), c, "nobody", nil); !errors.Is(err, stasis.ErrNoApp) {
			t.Errorf("enter: %v", err)
		}
		<-c.Gone()
		if err := l.hub.Enter(l.t.Context(), c, "all", nil); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("enter of a dead channel: %v", err)
		}
	})
}

// Subscriptions are counted; names are those of the traces (vectors 15).
func TestSubscriptions(t *testing.T) {
	exists := func(o *stasis.Options) {
		o.EndpointExists = func(tech, resource string) bool { return tech == "Pretend" && (resource == "" || resource == "5") }
	}
	inLab(t, exists, func(l *lab) {
		l.app("lab")
		l.originate("lab", "S1", "5")
		synctest.Wait()
		l.bridge("bs")
		l.do(l.subscribe("lab", "channel:S1", "bridge:bs", "endpoint:Pretend/5", "endpoint:Pretend", "deviceState:Stasis:foo"))
		l.do(l.subscribe("lab", "channel:S1", "bridge:bs"))
		a, err := l.hub.Subscribe("lab", []string{"channel:"})
		l.do(err)
		want := stasis.App{
			Name: "lab", Connected: true, Channels: []string{"S1", "__AST_CHANNEL_ALL_TOPIC"}, Bridges: []string{"bs"},
			Endpoints: []string{"Pretend", "Pretend/5"}, Devices: []string{"Stasis:foo"}, Allowed: []string{}, Disallowed: []string{},
		}
		if diff := cmp.Diff(want, a); diff != "" {
			t.Error(diff)
		}
		for i := range 4 { // originate, StasisStart and two of ours
			a, err := l.hub.Unsubscribe("lab", []string{"channel:S1"})
			l.do(err)
			if got := slices.Contains(a.Channels, "S1"); got != (i < 3) {
				t.Errorf("after %d: %v", i+1, a.Channels)
			}
		}
		a, err = l.hub.Unsubscribe("lab", []string{"bridge:bs", "bridge:bs", "endpoint:pretend/5", "endpoint:Pretend", "deviceState:Stasis:foo", "channel:"})
		l.do(err)
		want.Channels, want.Bridges, want.Endpoints, want.Devices = []string{}, []string{}, []string{}, []string{}
		if diff := cmp.Diff(want, a); diff != "" {
			t.Error(diff)
		}
	})
}

// Wrong sources: those before a wrong one stay.
func TestBadSources(t *testing.T) {
	exists := func(o *stasis.Options) { o.EndpointExists = func(string, string) bool { return false } }
	tests := []struct {
		app     string
		sources []string
		want    error // of both
		un      error // of unsubscribing, if it differs
	}{
		{"nobody", []string{"channel:"}, stasis.ErrNoApp, nil},
		{"lab", []string{"bogus:x"}, stasis.ErrSource, nil},
		{"lab", []string{"channel"}, stasis.ErrSource, nil},
		{"lab", []string{"Channel:x"}, stasis.ErrSource, nil},
		{"lab", []string{"channel:nosuch"}, stasis.ErrNoSource, stasis.ErrNotSubscribed},
		{"lab", []string{"bridge:nosuch"}, stasis.ErrNoSource, stasis.ErrNotSubscribed},
		{"lab", []string{"endpoint:X/y"}, stasis.ErrNoSource, stasis.ErrNotSubscribed},
		{"lab", []string{"bridge:", "bogus:x", "device:"}, stasis.ErrSource, nil},
	}
	inLab(t, exists, func(l *lab) {
		l.app("lab")
		for _, tt := range tests {
			if err := l.subscribe(tt.app, tt.sources...); !errors.Is(err, tt.want) {
				t.Errorf("subscribe %v: %v, want %v", tt.sources, err, tt.want)
			}
			if tt.un == nil {
				tt.un = tt.want
			}
			if len(tt.sources) > 1 {
				continue
			}
			if _, err := l.hub.Unsubscribe(tt.app, tt.sources); !errors.Is(err, tt.un) {
				t.Errorf("unsubscribe %v: %v, want %v", tt.sources, err, tt.un)
			}
		}
		if a, _ := l.hub.App("lab"); !slices.Equal(a.Bridges, []string{"__AST_BRIDGE_ALL_TOPIC"}) || len(a.Channels) > 0 {
			t.Errorf("subscriptions: %+v", a)
		}
	})
}

// A channel that ends while somebody subscribes to it leaves nothing behind.
func TestInterestInTheDead(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		l.app("lab")
		for range 200 {
			c := l.originate("lab", "d", "5")
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = l.subscribe("lab", "channel:d") // there or not
				l.hub.Interest("lab", "d")
			}()
			c.Hangup(0)
			<-c.Gone()
			<-done
			if a, _ := l.hub.App("lab"); len(a.Channels) != 0 {
				t.Fatalf("interest left: %v", a.Channels)
			}
		}
		l.hub.Interest("nobody", "d")
		l.hub.Interest("lab", "never")
		if a, _ := l.hub.App("lab"); len(a.Channels) != 0 {
			t.Errorf("interest left: %v", a.Channels)
		}
	})
}

// Events of a bridge: for those who subscribed to it, and while a channel of
// theirs is in it (spec: ari 3.3 rule 4). Its end is for everybody who had one in
// it or made it (spec: ari 10 D6).
func TestBridges(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		one, two, maker, explicit, never := l.app("one"), l.app("two"), l.app("maker"), l.app("explicit"), l.app("never")
		a, b := l.originate("one", "A", "5"), l.originate("two", "B", "6")
		br := l.bridge("br")
		l.hub.BridgeInterest("maker", "br")
		l.hub.BridgeInterest("maker", "nosuch")
		l.do(l.subscribe("explicit", "bridge:br"))
		one.items()
		two.items()
		inhibit := pbx.AddOptions{InhibitConnected: true}
		l.do(br.Add(a, inhibit))
		synctest.Wait()
		if v, _ := l.hub.App("one"); !slices.Equal(v.Bridges, []string{"br"}) {
			t.Errorf("bridges of one: %v", v.Bridges)
		}
		l.do(br.Add(b, inhibit))
		one.want(`
			ChannelEnteredBridge br[A] A
			ChannelEnteredBridge br[A B] B`)
		two.want(`ChannelEnteredBridge br[A B] B`)
		l.do(br.Remove(a))
		one.want(`ChannelLeftBridge br[B] A`)
		two.want(`ChannelLeftBridge br[B] A`)
		if v, _ := l.hub.App("one"); len(v.Bridges) != 0 {
			t.Errorf("bridges of one: %v", v.Bridges)
		}
		b.Hangup(0)
		<-b.Gone()
		br.Destroy()
		one.want(`BridgeDestroyed br[]`)
		two.want(`
			ChannelHangupRequest B
			ChannelLeftBridge br[] B
			StasisEnd B
			ChannelVarset B STASISSTATUS=SUCCESS
			ChannelDestroyed B
			BridgeDestroyed br[]`)
		maker.want(`BridgeDestroyed br[]`)
		explicit.want(`
			ChannelEnteredBridge br[A] A
			ChannelEnteredBridge br[A B] B
			ChannelLeftBridge br[B] A
			ChannelLeftBridge br[] B
			BridgeDestroyed br[]`)
		never.want("")
		for _, v := range l.hub.Apps() {
			if len(v.Bridges) != 0 {
				t.Errorf("%s: bridges left: %v", v.Name, v.Bridges)
			}
		}
	})
}

// Interest in a channel that begins and ends while it is in a bridge counts for
// the bridge.
func TestInterestInAMember(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("late")
		a := l.dial("A", "5", holds(), nil)
		br := l.bridge("br")
		synctest.Wait()
		l.do(br.Add(a, pbx.AddOptions{}))
		l.do(l.subscribe("late", "channel:A", "channel:A"))
		b := l.dial("B", "6", holds(), nil)
		synctest.Wait()
		l.do(br.Add(b, pbx.AddOptions{InhibitConnected: true}))
		l.do(br.Remove(b))
		if got := c.lines(); !slices.Contains(got, "ChannelEnteredBridge br[A B] B") {
			t.Errorf("events %v", got)
		}
		_, err := l.hub.Unsubscribe("late", []string{"channel:A", "channel:A"})
		l.do(err)
		l.do(br.Add(b, pbx.AddOptions{InhibitConnected: true}))
		c.want("")
	})
}

// Who is interested in an endpoint or its technology hears of its channels, from
// the creation on, and of the endpoint itself; of a device when its state changes.
func TestEndpointsAndDevices(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		phone, tech, dev := l.app("phone"), l.app("tech"), l.app("dev")
		l.do(l.subscribe("phone", "endpoint:PRETEND/5"))
		l.do(l.subscribe("tech", "endpoint:pretend"))
		l.do(l.subscribe("dev", "deviceState:Stasis:lamp"))
		five := l.dial("F", "5", holds(), nil)
		phone.want(`
			ChannelCreated F
			ChannelDialplan F AppDial2((Outgoing Line))
			Dial F ""
			ChannelStateChange F Up
			Dial F "ANSWER"`)
		l.dial("S", "6", holds(), nil)
		phone.want("")
		if n := len(tech.items()); n != 10 {
			t.Errorf("%d events of both phones", n)
		}
		five.Hangup(0)
		<-five.Gone()
		l.sw.Tell(pbx.Event{Type: pbx.PeerStatusChange, Endpoint: &pbx.EndpointSnapshot{Technology: "Pretend", Resource: "5"}})
		l.sw.Tell(pbx.Event{Type: stasis.TextMessage, Data: &stasis.Message{Body: "hello", Technology: "Pretend", Resource: "5"}})
		l.sw.Tell(pbx.Event{Type: stasis.TextMessage, Data: &stasis.Message{Body: "not", Technology: "Pretend", Resource: "6"}})
		l.sw.Tell(pbx.Event{Type: pbx.DeviceStateChanged, Device: &pbx.DeviceSnapshot{Name: "Stasis:lamp", State: "INUSE"}})
		l.sw.Tell(pbx.Event{Type: pbx.DeviceStateChanged, Device: &pbx.DeviceSnapshot{Name: "Stasis:other", State: "INUSE"}})
		phone.want(`
			ChannelHangupRequest F
			ChannelDestroyed F
			PeerStatusChange Pretend/5
			TextMessageReceived hello`)
		dev.want(`DeviceStateChanged Stasis:lamp INUSE`)
	})
}

// An event that concerns an application for several reasons comes once.
func TestOnce(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.all("all")
		a := l.originate("all", "A", "5")
		br := l.bridge("br")
		synctest.Wait()
		l.do(l.subscribe("all", "channel:A", "bridge:br", "endpoint:Pretend/5", "endpoint:Pretend"))
		c.items()
		l.do(br.Add(a, pbx.AddOptions{}))
		c.want(`ChannelEnteredBridge br[A] A`)
	})
}

// Custom events: to one application by REST, to all that are interested by a dialplan.
func TestUserEvents(t *testing.T) {
	state := func(o *stasis.Options) {
		o.Endpoint = func(tech, resource string) (*pbx.EndpointSnapshot, bool) {
			return &pbx.EndpointSnapshot{Technology: "Pretend", Resource: resource, State: "online"}, resource == "5"
		}
	}
	inLab(t, state, func(l *lab) {
		c, other := l.app("lab"), l.app("other")
		u := l.originate("lab", "U", "5")
		br := l.bridge("br")
		synctest.Wait()
		l.do(l.subscribe("other", "channel:U"))
		c.items()
		l.do(l.hub.TellUser("lab", "myev", []string{"channel:U", "bridge:br"}, []byte(`{"k":"v"}`)))
		l.do(l.hub.TellUser("lab", "myev", nil, nil))
		l.do(l.hub.TellUser("lab", "ep", []string{"endpoint:Pretend/5"}, nil))
		c.want("ChannelUserevent br[] U myev {\"k\":\"v\"}\nChannelUserevent myev\nChannelUserevent ep")
		other.want("")
		for _, tt := range []struct {
			app, source string
			want        error
		}{
			{"nobody", "channel:U", stasis.ErrNoApp},
			{"lab", "channel:nosuch", stasis.ErrNoSource},
			{"lab", "bridge:nosuch", stasis.ErrNoSource},
			{"lab", "endpoint:Pretend/6", stasis.ErrNoSource},
			{"lab", "endpoint:Pretend", stasis.ErrNoSource},
			{"lab", "deviceState:x", stasis.ErrSource},
			{"lab", "bogus:x", stasis.ErrSource},
		} {
			if err := l.hub.TellUser(tt.app, "e", []string{tt.source}, nil); !errors.Is(err, tt.want) {
				t.Errorf("%s %s: %v", tt.app, tt.source, err)
			}
		}
		l.do(u.UserEvent("plan", "x=1"))
		c.want(`ChannelUserevent U`)
		other.want(`ChannelUserevent U`)
		l.do(l.hub.Tell("other", pbx.Event{Type: stasis.Unregistered}))
		other.want(`ApplicationUnregistered`)
		if err := l.hub.Tell("nobody", pbx.Event{Type: stasis.Unregistered}); !errors.Is(err, stasis.ErrNoApp) {
			t.Error(err)
		}
		br.Destroy()
	})
}

// Without a way to ask, a user event's endpoint has an unknown state and its channels.
func TestUserEventOfUnknownEndpoint(t *testing.T) {
	inLab(t, nil, func(l *lab) {
		c := l.app("lab")
		l.dial("F", "5", holds(), nil)
		synctest.Wait()
		l.do(l.hub.TellUser("lab", "e", []string{"endpoint:pretend/5"}, nil))
		got := c.items()
		want := &pbx.EndpointSnapshot{Technology: "pretend", Resource: "5", State: "unknown", Channels: []string{"F"}}
		if len(got) != 1 || !cmp.Equal(want, got[0].Event.Endpoint) {
			t.Errorf("got %+v", got)
		}
	})
}
