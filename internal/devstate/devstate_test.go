package devstate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// house is a switch with pretended phones and a table that follows it, in a
// bubble: everything that happens is written down in the order of the bus.
type house struct {
	*testing.T
	sw    *pbx.Switch
	table *Table

	mu  sync.Mutex // guards log
	log []string
}

func inHouse(t *testing.T, phones []string, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{T: t}
		h.sw = pbx.New(pbx.Options{Linger: -1, Inbound: pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
			if err := c.Answer(); err != nil {
				t.Error(err)
			}
			<-ctx.Done()
		})})
		h.sw.Register(pretend.New(pretend.Options{Phones: phones}))
		h.sw.Register(local.New(h.sw))
		h.table = New(Options{Switch: h.sw})
		if err := h.table.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.sw.Observe(h.note)
		f(h)
		if err := errors.Join(h.sw.Stop(t.Context()), h.table.Stop(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// note writes down what the tests are about.
func (h *house) note(e *pbx.Event) {
	line := ""
	switch e.Type {
	case pbx.DeviceStateChanged:
		line = "device " + e.Device.Name + " " + string(e.Device.State)
	case pbx.EndpointStateChange:
		line = fmt.Sprintf("endpoint %s/%s %s %v", e.Endpoint.Technology, e.Endpoint.Resource, e.Endpoint.State, e.Endpoint.Channels)
	case pbx.PeerStatusChange:
		line = fmt.Sprintf("peer %s/%s %s", e.Endpoint.Technology, e.Endpoint.Resource, e.Endpoint.Status)
	case pbx.ContactStatusChange:
		line = fmt.Sprintf("contact %s %s", e.Endpoint.Contact, e.Endpoint.Status)
	case pbx.ChannelCreated, pbx.ChannelStateChange, pbx.ChannelHold, pbx.ChannelUnhold, pbx.ChannelDestroyed:
		line = strings.TrimPrefix(string(e.Type), "Channel") + " " + e.Channel.ID + " " + e.Channel.State.String()
	default:
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, line)
}

// want compares what has happened since the last call.
func (h *house) want(lines ...string) {
	h.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := cmp.Diff(lines, h.log); d != "" {
		h.Errorf("events (-want +got):\n%s", d)
	}
	h.log = nil
}

func (h *house) dial(id, endpoint string) *pbx.Channel {
	h.Helper()
	c, err := h.sw.Originate(h.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{ID: id, Endpoint: call.Endpoint(endpoint)}})
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// is compares the state that the table tells.
func (h *house) is(device string, want pbx.DeviceState) {
	h.Helper()
	synctest.Wait()
	if got := h.table.State(device); got != want {
		h.Errorf("%s is %s, want %s", device, got, want)
	}
}

// after lets the bubble's time pass.
func after(d time.Duration) { <-time.After(d); synctest.Wait() }

// TestStatesFollowTheirChannels has the order of spec vectors 01c: each change
// comes after the channel's event that causes it.
func TestStatesFollowTheirChannels(t *testing.T) {
	inHouse(t, []string{"100180"}, func(h *house) {
		h.is("Pretend/100180", pbx.DeviceNotInUse)
		c := h.dial("a", "Pretend/100180?ring=2s&hold=1s&resume=1s")
		h.want("Created a Down", "StateChange a Ringing", "device Pretend/100180 RINGING")
		h.is("pretend/100180", pbx.DeviceRinging)
		after(2 * time.Second)
		h.want("StateChange a Up", "device Pretend/100180 INUSE")
		after(time.Second)
		h.want("Hold a Up", "device Pretend/100180 ONHOLD")
		after(time.Second)
		h.want("Unhold a Up", "device Pretend/100180 INUSE")
		c.Hangup(cause.NormalClearing)
		h.want("Destroyed a Up", "device Pretend/100180 NOT_INUSE")
		h.is("Pretend/100180", pbx.DeviceNotInUse)
	})
}

func TestTwoCallsOfOnePhone(t *testing.T) {
	inHouse(t, []string{"100180"}, func(h *house) {
		first := h.dial("a", "Pretend/100180?ring=1s")
		after(time.Second)
		second := h.dial("b", "Pretend/100180?ring=9s")
		h.want("Created a Down", "StateChange a Ringing", "device Pretend/100180 RINGING", "StateChange a Up", "device Pretend/100180 INUSE",
			"Created b Down", "StateChange b Ringing", "device Pretend/100180 RINGINUSE")
		first.Hangup(cause.NormalClearing)
		h.want("Destroyed a Up", "device Pretend/100180 RINGING")
		second.Hangup(cause.NormalClearing)
		h.want("Destroyed b Ringing", "device Pretend/100180 NOT_INUSE")
	})
}

// TestDevicesThatAreNoEndpoints are told while they are in use and not kept.
func TestDevicesThatAreNoEndpoints(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		c := h.dial("l", "Local/5@default")
		synctest.Wait()
		h.is("Local/5@default", pbx.DeviceInUse)
		d := h.dial("p", "Pretend/7")
		synctest.Wait()
		for _, c := range []*pbx.Channel{c, d} {
			c.Hangup(cause.NormalClearing)
			synctest.Wait()
		}
		h.is("Local/5@default", pbx.DeviceNotInUse)
		h.is("Nothing/1", pbx.DeviceInvalid)
		var devices []string
		for _, l := range h.log {
			if strings.HasPrefix(l, "device ") {
				devices = append(devices, strings.TrimPrefix(l, "device "))
			}
		}
		if d := cmp.Diff([]string{"Local/5@default INUSE", "Pretend/7 INUSE", "Local/5@default NOT_INUSE", "Pretend/7 NOT_INUSE"}, devices); d != "" {
			h.Errorf("(-want +got):\n%s", d)
		}
		if len(h.table.devices)+len(h.table.channels)+len(h.table.told) != 0 {
			h.Errorf("left: %v, %v, %v", h.table.devices, h.table.channels, h.table.told)
		}
	})
}

func TestTallySumsUp(t *testing.T) {
	for _, tc := range []struct {
		channels []activity
		want     pbx.DeviceState
	}{
		{nil, ""}, {[]activity{idle, idle}, ""}, {[]activity{idle, ringing}, pbx.DeviceRinging}, {[]activity{used, idle}, pbx.DeviceInUse},
		{[]activity{held}, pbx.DeviceOnHold}, {[]activity{held, used}, pbx.DeviceInUse}, {[]activity{busy, used}, pbx.DeviceBusy},
		{[]activity{ringing, held}, pbx.DeviceRingInUse}, {[]activity{ringing, used}, pbx.DeviceRingInUse}, {[]activity{ringing, busy}, pbx.DeviceRingInUse},
	} {
		var n tally
		for _, a := range tc.channels {
			n[a]++
		}
		if got := n.state(); got != tc.want {
			t.Errorf("%v together are %q, want %q", tc.channels, got, tc.want)
		}
	}
}

func TestActivityOfChannels(t *testing.T) {
	for state, want := range map[pbx.State]activity{
		pbx.Down: idle, pbx.Reserved: used, pbx.OffHook: used, pbx.Dialing: used, pbx.Ring: used, pbx.Ringing: ringing,
		pbx.Up: used, pbx.Busy: busy, pbx.DialingOffhook: used, pbx.PreRing: ringing,
	} {
		if got := activityOf(&pbx.Snapshot{State: state}); got != want {
			t.Errorf("%s counts as %d, want %d", state, got, want)
		}
	}
	if got := activityOf(&pbx.Snapshot{State: pbx.Up, Held: true}); got != held {
		t.Errorf("a held channel counts as %d", got)
	}
}

// TestEndpointsAsTechnologiesTell goes through the life of a phone as package
// sip tells it.
func TestEndpointsAsTechnologiesTell(t *testing.T) {
	inHouse(t, []string{"7", "8offline"}, func(h *house) {
		want := []pbx.EndpointSnapshot{
			{Technology: "Pretend", Resource: "7", State: "online", Channels: []string{}},
			{Technology: "Pretend", Resource: "8offline", State: "offline", Channels: []string{}},
		}
		if d := cmp.Diff(want, h.table.Endpoints()); d != "" {
			h.Errorf("at the start (-want +got):\n%s", d)
		}
		h.is("Pretend/8offline", pbx.DeviceUnavailable)
		h.dial("x", "Pretend/7")
		h.dial("y", "Pretend/7")
		synctest.Wait()
		h.log = nil

		tell := func(typ pbx.EventType, state, status string) {
			h.table.Endpoint(typ, pbx.EndpointSnapshot{Technology: "Pretend", Resource: "7", State: state, Status: status, Contact: "sip:7@10.0.0.7"})
		}
		tell(pbx.ContactStatusChange, "offline", "Unreachable")
		tell(pbx.EndpointStateChange, "offline", "")
		tell(pbx.PeerStatusChange, "offline", "Unreachable")
		h.want("contact sip:7@10.0.0.7 Unreachable", "endpoint Pretend/7 offline [x y]", "peer Pretend/7 Unreachable")
		h.is("Pretend/7", pbx.DeviceInUse) // its calls go on
		e, ok := h.table.Find("PRETEND", "7")
		if d := cmp.Diff(pbx.EndpointSnapshot{Technology: "Pretend", Resource: "7", State: "offline", Channels: []string{"x", "y"}}, e); !ok || d != "" {
			h.Errorf("found %v (-want +got):\n%s", ok, d)
		}
		for _, id := range e.Channels {
			c, _ := h.sw.Channel(id)
			c.Hangup(cause.NormalClearing)
			synctest.Wait()
		}
		h.want("Destroyed x Up", "Destroyed y Up", "device Pretend/7 UNAVAILABLE")
		tell(pbx.EndpointStateChange, "online", "")
		h.want("endpoint Pretend/7 online []", "device Pretend/7 NOT_INUSE")
		tell(pbx.EndpointStateChange, "", "") // a reload has taken it out
		h.want()
		if _, ok := h.table.Find("Pretend", "7"); ok || len(h.table.Endpoints()) != 1 {
			h.Error("an endpoint that is no more is listed")
		}
		tell(pbx.EndpointStateChange, "online", "")
		h.want("endpoint Pretend/7 online []", "device Pretend/7 NOT_INUSE")
	})
}

func TestWatchHearsTheDevicesOfAHint(t *testing.T) {
	inHouse(t, []string{"7"}, func(h *house) {
		var heard []string
		stop := h.table.Watch(" pretend/7 & Custom:lamp&Custom:lamp&", func(d pbx.DeviceSnapshot) { heard = append(heard, d.Name+" "+string(d.State)) })
		c := h.dial("a", "Pretend/7")
		synctest.Wait()
		for _, s := range []pbx.DeviceState{pbx.DeviceBusy, pbx.DeviceBusy} {
			if err := h.table.SetCustom(h.Context(), "custom:lamp", s); err != nil {
				h.Fatal(err)
			}
			synctest.Wait()
		}
		stop()
		c.Hangup(cause.NormalClearing)
		synctest.Wait()
		if d := cmp.Diff([]string{"Pretend/7 INUSE", "Custom:lamp BUSY"}, heard); d != "" {
			h.Errorf("(-want +got):\n%s", d)
		}
		if len(h.table.watchers) != 0 {
			h.Errorf("watchers left: %v", h.table.watchers)
		}
	})
}

// TestBusIsNeverHeldUp lets the goroutine that tells stand still while far more
// happens than the queue holds: nothing waits for it, and the last state of
// each device is told.
func TestBusIsNeverHeldUp(t *testing.T) {
	inHouse(t, []string{"7", "9"}, func(h *house) {
		h.table.queue.bound = 8
		gate, heard := make(chan struct{}), []pbx.DeviceState{}
		h.table.Watch("Pretend/7", func(d pbx.DeviceSnapshot) { <-gate; heard = append(heard, d.State) })
		for range 50 {
			c := h.dial("", "Pretend/7")
			synctest.Wait()
			c.Hangup(cause.NormalClearing)
			<-c.Gone()
		}
		h.dial("", "Pretend/7")
		h.dial("", "Pretend/9")
		synctest.Wait()
		h.table.queue.mu.Lock()
		if n := len(h.table.queue.list); n > 8+2 {
			h.Errorf("%d changes wait", n)
		}
		h.table.queue.mu.Unlock()
		close(gate)
		synctest.Wait()
		if len(heard) == 0 || len(heard) > 12 || heard[len(heard)-1] != pbx.DeviceInUse {
			h.Errorf("heard %v", heard)
		}
		h.is("Pretend/9", pbx.DeviceInUse)
		if got := h.table.told[key("Pretend/9")]; got != pbx.DeviceInUse {
			h.Errorf("Pretend/9 was told as %q", got)
		}
	})
}

func TestStopTellsWhatWaits(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		if err := h.table.Set(h.Context(), "Stasis:door", pbx.DeviceRinging); err != nil {
			h.Fatal(err)
		}
		for range 2 {
			if err := h.table.Stop(h.Context()); err != nil {
				h.Fatal(err)
			}
		}
		h.want("device Stasis:door RINGING")
		if err := h.table.Start(h.Context()); !errors.Is(err, ErrStarted) {
			h.Errorf("second start: %v", err)
		}
	})
}

func TestStopBeforeStart(t *testing.T) {
	if err := New(Options{Switch: pbx.New(pbx.Options{})}).Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// byHandTable is a table on a store that can be opened again.
func byHandTable(t *testing.T, path string) (table *Table, store *sqlite.Store, stop func()) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	table = New(Options{Switch: pbx.New(pbx.Options{}), DB: store})
	if err := table.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return table, store, sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // t.Context may have ended
		defer cancel()
		if err := errors.Join(table.Stop(ctx), store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestDevicesSetByHandSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	table, store, stop := byHandTable(t, path)
	t.Cleanup(stop)
	events, cancel := table.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.DeviceStateChanged}}, 20)
	defer cancel()
	next := func(want string) {
		t.Helper()
		select {
		case e := <-events:
			if got := e.Device.Name + " " + string(e.Device.State); got != want {
				t.Errorf("told %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s is not told", want)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	ctx := t.Context()
	if s := table.State("Stasis:none"); s != pbx.DeviceUnknown {
		t.Errorf("never set: %s", s)
	}
	do(table.Set(ctx, "Stasis:door", pbx.DeviceInUse))
	next("Stasis:door INUSE")
	do(table.Set(ctx, "Stasis:door", pbx.DeviceInUse)) // no change: not told
	do(table.SetCustom(ctx, "Custom:lamp/1", pbx.DeviceBusy))
	next("Custom:lamp/1 BUSY")
	do(table.SetCustom(ctx, "bell", pbx.DeviceRinging))
	next("Custom:bell RINGING")
	do(table.Set(ctx, "Stasis:a", pbx.DeviceOnHold))
	next("Stasis:a ONHOLD")
	do(store.DBPut(ctx, "CustomDevstate", "bell", "ONHOLD")) // as a dialplan may with DB()
	if s := table.State("custom:bell"); s != pbx.DeviceOnHold {
		t.Errorf("written into AstDB: %s", s)
	}
	for _, device := range []string{"PJSIP/101", "Custom:lamp", "door"} {
		if err := errors.Join(table.Set(ctx, device, pbx.DeviceInUse)); !errors.Is(err, ErrUncontrolled) {
			t.Errorf("set %s: %v", device, err)
		}
		if err := table.Delete(ctx, device); !errors.Is(err, ErrUncontrolled) {
			t.Errorf("delete %s: %v", device, err)
		}
	}
	if err := errors.Join(table.Set(ctx, "Stasis:", pbx.DeviceInUse)); !errors.Is(err, ErrNoName) {
		t.Errorf("no name: %v", err)
	}
	stop()

	table, _, stop = byHandTable(t, path)
	t.Cleanup(stop)
	events, cancel = table.sw.Subscribe(pbx.EventFilter{}, 20)
	defer cancel()
	want := []pbx.DeviceSnapshot{{Name: "Stasis:a", State: pbx.DeviceOnHold}, {Name: "Stasis:door", State: pbx.DeviceInUse}}
	if d := cmp.Diff(want, table.List()); d != "" {
		t.Errorf("after a restart (-want +got):\n%s", d)
	}
	if s := table.State("Custom:lamp/1"); s != pbx.DeviceBusy {
		t.Errorf("Custom:lamp/1 is %s after a restart", s)
	}
	do(table.Set(ctx, "Stasis:a", pbx.DeviceOnHold)) // as before the restart: not told
	do(table.Delete(ctx, "Stasis:door"))
	next("Stasis:door UNKNOWN")
	do(table.Delete(ctx, "Stasis:door"))
	do(table.Set(ctx, "Stasis:a", pbx.DeviceInUse))
	next("Stasis:a INUSE")
	if list := table.List(); len(list) != 1 {
		t.Errorf("left: %v", list)
	}
}

// brokenDB cannot be read.
type brokenDB struct{ Database }

func (brokenDB) DBTree(context.Context, string, func(path, value string)) error {
	return errors.New("disk is gone")
}

func TestStartSaysThatAstDBCannotBeRead(t *testing.T) {
	table := New(Options{Switch: pbx.New(pbx.Options{}), DB: brokenDB{}})
	if err := table.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "disk is gone") {
		t.Errorf("start: %v", err)
	}
	if err := table.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want pbx.DeviceState
		ok   bool
	}{{"inuse", pbx.DeviceInUse, true}, {" NOT_INUSE ", pbx.DeviceNotInUse, true}, {"UNKNOWN", pbx.DeviceUnknown, true}, {"", pbx.DeviceUnknown, false}, {"loud", pbx.DeviceUnknown, false}} {
		if got, ok := Parse(tc.in); got != tc.want || ok != tc.ok {
			t.Errorf("%q is %s, %v", tc.in, got, ok)
		}
	}
}
