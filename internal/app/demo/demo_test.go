package demo

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// Both phones hear each other through every door, and nothing is left behind.
func TestDemo(t *testing.T) {
	events := map[string][]string{}
	d, err := Start(t.Context(), Options{
		Log:   t.Output(),
		Step:  func(door string, _ time.Time, text string) { events[door] = append(events[door], text) },
		Event: func(c rest.Call, e call.Event) { events[c.ID] = append(events[c.ID], string(e.Type)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, door := range d.Doors() {
		h, err := d.Call(t.Context(), door)
		if err != nil || !h.OK() || !strings.HasPrefix(h.String(), "A heard B's tone, B heard A's tone") {
			t.Errorf("%s: %v, %v (%v)", door, h, err, h.Err)
		}
	}
	for door, steps := range map[string][2]string{
		"ari":       {"event Dial B ANSWER", "DELETE /ari/bridges/talk"},
		"ami":       {"event OriginateResponse PJSIP/101-00000008 Success reason 4", ": Normal Clearing"},
		"dialproxy": {"Action DBPut, Family actionlist", "~allow=127.0.0.1"},
		"vodia":     {"GET /remote_call.htm?user=101&dest=102", ", signed"},
		"switchvox": {"POST /xml switchvox.users.call", "101, 102"},
		"link":      {"POST /link/", ", signed"},
	} {
		text := strings.Join(events[door], " ")
		if !strings.Contains(text, steps[0]) || !strings.HasSuffix(text, steps[1]) {
			t.Errorf("%s: %s", door, text)
		}
		delete(events, door)
	}
	for id, list := range events {
		text := strings.Join(list, " ")
		if !strings.Contains(text, "call.connected") || !strings.HasSuffix(text, "call.ended") {
			t.Errorf("%s: %s", id, text)
		}
	}
	if len(events) != len(d.Doors())-2 { // ARI's and AMI's are not of the queue
		t.Errorf("%d calls", len(events))
	}
	if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.dir); err == nil {
		t.Error("the temporary directory is still there")
	}
}

// Phones reach each other by dialling, and the guard keeps them from what their
// account may not call.
func TestPhonesDialThroughTheGuard(t *testing.T) {
	d, err := Start(t.Context(), Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	out, err := d.a.Dial(t.Context(), "102")
	if err != nil {
		t.Fatal(err)
	}
	in, err := d.b.NextCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(out.WaitTone(t.Context(), toneB), in.WaitTone(t.Context(), toneA)); err != nil {
		t.Error(err)
	}
	out.Hangup()
	if err := errors.Join(out.WaitEnded(t.Context()), in.WaitEnded(t.Context())); err != nil {
		t.Error(err)
	}
	out, err = d.a.Dial(t.Context(), "+19005551234")
	if err != nil {
		t.Fatal(err)
	}
	if err := out.WaitEnded(t.Context()); err != nil {
		t.Error(err)
	}
	if info := out.Info(); info.Status/100 == 2 {
		t.Errorf("a premium number was reached: %+v", info)
	}
}
