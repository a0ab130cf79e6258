package funcs

import (
	"context"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/devstate"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// TestDeviceStateReadsTheTable has the functions read and write the live table,
// which tells others of it.
func TestDeviceStateReadsTheTable(t *testing.T) {
	o := newOffice(t, nil)
	sw := o.m.Switch()
	table := devstate.New(devstate.Options{Switch: sw, DB: o.m.Options().DB})
	if err := table.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // t.Context has ended
		defer cancel()
		if err := table.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	o.m = run.New(run.Options{Switch: sw, DB: o.m.Options().DB, Devices: table, Funcs: All()})
	o.c = o.incoming(call.CallerID{Number: "57"}, "100", nil)
	told := make(chan pbx.DeviceSnapshot, 10)
	defer table.Watch("Custom:lamp", func(d pbx.DeviceSnapshot) { told <- d })()
	o.get("DEVICE_STATE(Pretend/101)", "NOT_INUSE")
	o.get("DEVICE_STATE(Nothing/1)", "INVALID")
	o.get("DEVICE_STATE(Custom:lamp)", "UNKNOWN")
	o.set("DEVICE_STATE(custom:lamp)", "inuse")
	select {
	case d := <-told:
		if d != (pbx.DeviceSnapshot{Name: "Custom:lamp", State: pbx.DeviceInUse}) {
			t.Errorf("told %+v", d)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told")
	}
	o.get("DEVICE_STATE(Custom:lamp)", "INUSE")
	o.get("DB(CustomDevstate/lamp)", "INUSE")
	o.set("DB(CustomDevstate/lamp)", "RINGING") // as old dialplans do
	o.get("DEVICE_STATE(Custom:lamp)", "RINGING")
	o.refuses("DEVICE_STATE(Stasis:door)", "BUSY")
}
