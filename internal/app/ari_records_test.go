package app

import (
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/originate"
)

// Every channel that an application has dialled leaves a record, answered or not, with
// what was said of it before the answer; one that was never dialled leaves none (spec: ari
// 1 C23, C25).
func TestARICallsLeaveRecords(t *testing.T) {
	a, err := New(Options{Log: t.Output(), Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.ARI.Users = map[string]config.ARIUser{"crm": {Password: "choose-one-1"}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(r.HTTP, "http")+"/ari/events?app=desk&api_key=crm:choose-one-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	tr := &ariTrace{T: t, url: r.HTTP, conn: conn}
	for _, c := range []struct{ id, endpoint, until string }{
		{"busy", "Pretend/100486", `"ChannelDestroyed"`},
		{"talks", "Pretend/1", `"ANSWER"`},
	} {
		tr.ask("POST", "/channels/create?endpoint="+c.endpoint+"&app=desk&channelId="+c.id, "")
		tr.ask("POST", "/channels/"+c.id+"/variable?variable=CDR(userfield)&value=ticket-"+c.id, "")
		tr.ask("POST", "/channels/"+c.id+"/dial", "")
		tr.until(c.until, `"`+c.id+`"`)
	}
	tr.ask("DELETE", "/channels/talks", "")
	tr.until(`"ChannelDestroyed"`, `"talks"`)
	tr.ask("POST", "/channels/create?endpoint=Pretend/2&app=desk&channelId=idle", "")
	tr.ask("DELETE", "/channels/idle", "")
	tr.until(`"ChannelDestroyed"`, `"idle"`)

	want := map[string]call.Disposition{"ticket-busy": call.Busy, "ticket-talks": call.Answered}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var list []call.CDR
	for len(list) < len(want) { // records are written behind the channel's end
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%d records", len(list))
		}
		if list, _, err = a.originator.CDRs(t.Context(), originate.Filter{Door: "ari"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range list {
		if want[d.UserField] != d.Disposition || "ticket-"+d.Reference != d.UserField {
			t.Errorf("record of %s: user field %q, %s", d.Reference, d.UserField, d.Disposition)
		}
	}
	if len(list) != len(want) {
		t.Errorf("%d records, want %d", len(list), len(want))
	}
}
