package demo

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// Both phones hear each other through every door, and nothing is left behind.
func TestDemo(t *testing.T) {
	events := map[string][]string{}
	d, err := Start(t.Context(), Options{
		Log:   t.Output(),
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
	for id, list := range events {
		text := strings.Join(list, " ")
		if !strings.Contains(text, "call.connected") || !strings.HasSuffix(text, "call.ended") {
			t.Errorf("%s: %s", id, text)
		}
	}
	if len(events) != len(d.Doors()) {
		t.Errorf("%d calls", len(events))
	}
	if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.dir); err == nil {
		t.Error("the temporary directory is still there")
	}
}
