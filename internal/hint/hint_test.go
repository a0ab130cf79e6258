package hint

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/devstate"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
)

func TestAggregate(t *testing.T) {
	for _, c := range []struct {
		devices string
		want    Status
		word    string
	}{
		{"", Unavailable, "UNAVAILABLE"},
		{"UNKNOWN", Idle, "NOT_INUSE"},
		{"INVALID", Unavailable, "UNAVAILABLE"},
		{"INVALID UNKNOWN", Idle, "NOT_INUSE"},
		{"UNAVAILABLE INVALID", Unavailable, "UNAVAILABLE"},
		{"NOT_INUSE UNAVAILABLE", Idle, "NOT_INUSE"},
		{"INUSE NOT_INUSE", InUse, "INUSE"},
		{"RINGING NOT_INUSE", Ringing, "RINGING"},
		{"RINGING INUSE", InUseRinging, "RINGINUSE"},
		{"ONHOLD RINGING", InUseRinging, "RINGINUSE"},
		{"RINGINUSE BUSY", InUseRinging, "RINGINUSE"},
		{"BUSY BUSY", Busy, "BUSY"},
		{"BUSY INUSE", Busy, "BUSY"},
		{"BUSY NOT_INUSE", Busy, "BUSY"},
		{"ONHOLD", Hold, "ONHOLD"},
		{"ONHOLD INUSE", InUse, "INUSE"},
	} {
		var all []pbx.DeviceState
		for _, d := range strings.Fields(c.devices) {
			all = append(all, pbx.DeviceState(d))
		}
		if got := Aggregate(all); got != c.want || got.Word() != c.word {
			t.Errorf("%s together are %v (%s), want %v (%s)", c.devices, got, got.Word(), c.want, c.word)
		}
	}
}

func TestNames(t *testing.T) {
	for s, want := range map[Status]string{
		Unknown: "Unknown UNKNOWN", Idle: "Idle NOT_INUSE", InUse: "InUse INUSE", Busy: "Busy BUSY", Unavailable: "Unavailable UNAVAILABLE",
		Ringing: "Ringing RINGING", InUseRinging: "InUse&Ringing RINGINUSE", Hold: "Hold ONHOLD", InUseHold: "InUse&Hold HOLDINUSE",
	} {
		if got := s.String() + " " + s.Word(); got != want {
			t.Errorf("%d is %s, want %s", s, got, want)
		}
	}
}

// house is a switch with a phone, device states and hints on it, in a bubble.
type house struct {
	*testing.T
	sw      *pbx.Switch
	devices *devstate.Table
	table   *Table
	plan    atomic.Pointer[dialplan.Plan]

	mu  sync.Mutex // guards log
	log []string
}

const housePlan = `
[default]
exten => 101,hint,Pretend/7&Custom:lamp
exten => 102,hint,Custom:lamp
exten => _2XX,hint,Custom:door${EXTEN:1}${SUFFIX}
include => office
[office]
exten => 301,hint,Custom:desk
`

func inHouse(t *testing.T, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{T: t, sw: pbx.New(pbx.Options{Linger: -1})}
		h.sw.Register(pretend.New(pretend.Options{Phones: []string{"7"}}))
		h.devices = devstate.New(devstate.Options{Switch: h.sw})
		h.load(housePlan)
		h.table = New(Options{Plan: h.plan.Load, Devices: h.devices, Switch: h.sw, Global: func(name string) string {
			return map[string]string{"SUFFIX": "x"}[name]
		}})
		if err := errors.Join(h.devices.Start(t.Context()), h.table.Start(t.Context())); err != nil {
			t.Fatal(err)
		}
		h.sw.Observe(func(e *pbx.Event) {
			line := ""
			switch e.Type {
			case pbx.DeviceStateChanged:
				line = e.Device.Name + " " + string(e.Device.State)
			case ExtensionStatus:
				s := e.Data.(*State)
				line = fmt.Sprintf("%s@%s %s %v", s.Exten, s.Context, s.Hint, s.Status)
			default:
				return
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.log = append(h.log, line)
		})
		f(h)
		if err := errors.Join(h.table.Stop(t.Context()), h.table.Stop(t.Context()), h.sw.Stop(t.Context()), h.devices.Stop(t.Context())); err != nil {
			t.Error(err)
		}
		if err := h.table.Start(t.Context()); !errors.Is(err, ErrStarted) {
			t.Errorf("start after stop: %v", err)
		}
	})
}

func (h *house) load(text string) {
	h.Helper()
	plan, problems, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(text)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil || len(problems) > 0 {
		h.Fatal(problems, err)
	}
	h.plan.Store(plan)
}

func (h *house) set(device string, s pbx.DeviceState) {
	h.Helper()
	if err := h.devices.SetCustom(h.Context(), device, s); err != nil {
		h.Fatal(err)
	}
}

// want compares what has been told since the last call.
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

// is compares an extension's state as it is asked for.
func (h *house) is(in, exten, want string) {
	h.Helper()
	s := h.table.State(in, exten)
	if got := fmt.Sprintf("%s@%s %s %v", s.Exten, s.Context, s.Hint, s.Status); got != want {
		h.Errorf("%s, want %s", got, want)
	}
}

// A change is told once, behind the device's, and only where the state is another one.
func TestChangesAreToldOnce(t *testing.T) {
	inHouse(t, func(h *house) {
		h.is("default", "102", "102@default Custom:lamp Idle")
		h.set("lamp", pbx.DeviceInUse)
		h.want("Custom:lamp INUSE", "101@default Pretend/7&Custom:lamp InUse", "102@default Custom:lamp InUse")
		c, err := h.sw.Originate(h.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint("Pretend/7?ring=1h")}})
		if err != nil {
			h.Fatal(err)
		}
		h.want("Pretend/7 RINGING", "101@default Pretend/7&Custom:lamp InUse&Ringing")
		h.is("", "101", "101@default Pretend/7&Custom:lamp InUse&Ringing")
		c.Hangup(cause.NormalClearing)
		h.want("Pretend/7 NOT_INUSE", "101@default Pretend/7&Custom:lamp InUse")
		h.set("other", pbx.DeviceBusy)
		h.want("Custom:other BUSY")
		h.set("lamp", pbx.DeviceUnknown)
		h.want("Custom:lamp UNKNOWN", "101@default Pretend/7&Custom:lamp Idle", "102@default Custom:lamp Idle")
	})
}

// An extension of a pattern is followed from when somebody has asked for it; one of an
// included context is told in its own.
func TestPatternsAndIncludes(t *testing.T) {
	inHouse(t, func(h *house) {
		h.set("door05x", pbx.DeviceRinging)
		h.want("Custom:door05x RINGING")
		h.is("", "205", "205@default Custom:door05x Ringing")
		h.set("door05x", pbx.DeviceInUse)
		h.want("Custom:door05x INUSE", "205@default Custom:door05x InUse")
		h.is("", "205", "205@default Custom:door05x InUse")
		h.set("desk", pbx.DeviceOnHold)
		h.want("Custom:desk ONHOLD", "301@office Custom:desk Hold")
		h.is("default", "301", "301@default Custom:desk Hold")
		h.is("default", "999", "999@default  Unknown")
		h.is("nowhere", "101", "101@nowhere  Unknown")
		var list []string
		for _, s := range h.table.List() {
			list = append(list, fmt.Sprintf("%s@%s %v", s.Exten, s.Context, s.Status))
		}
		if d := cmp.Diff([]string{"101@default Idle", "102@default Idle", "_2XX@default Idle", "301@office Hold", "205@default InUse"}, list); d != "" {
			h.Errorf("(-want +got):\n%s", d)
		}
	})
}

func TestReload(t *testing.T) {
	inHouse(t, func(h *house) {
		h.set("lamp", pbx.DeviceInUse)
		h.want("Custom:lamp INUSE", "101@default Pretend/7&Custom:lamp InUse", "102@default Custom:lamp InUse")
		h.load("[default]\nexten => 101,hint,Custom:lamp\nexten => 102,hint,Custom:other\n")
		h.table.Reload()
		h.want("102@default Custom:other Idle")
		h.set("lamp", pbx.DeviceBusy)
		h.want("Custom:lamp BUSY", "101@default Custom:lamp Busy")
		if err := h.table.Start(h.Context()); !errors.Is(err, ErrStarted) {
			h.Errorf("second start: %v", err)
		}
		if err := h.table.Stop(h.Context()); err != nil {
			h.Error(err)
		}
		h.set("lamp", pbx.DeviceInUse)
		h.want("Custom:lamp INUSE")
	})
}

// Only so many extensions of patterns are followed, whoever asks for how many.
func TestAskersAreBounded(t *testing.T) {
	inHouse(t, func(h *house) {
		h.load("[default]\nexten => _X.,hint,Custom:any\n")
		h.table.Reload()
		for i := range maxAsked + 10 {
			h.table.State("", fmt.Sprint(100+i))
		}
		if n := len(h.table.List()); n != maxAsked+1 {
			h.Errorf("%d are followed", n)
		}
	})
}
