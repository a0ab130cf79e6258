package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// A dialplan whose "_." gives every call to an application matches the extension h too,
// in which a channel that has hung up is: the application does not get it again.
func TestARIDoesNotGetWhoHasHungUp(t *testing.T) {
	t.Parallel()
	plan := filepath.Join(t.TempDir(), "extensions.conf")
	if err := os.WriteFile(plan, []byte("[in]\nexten => _.,1,Stasis(desk)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	more := "context = \"in\"\nmatch = [\"127.0.0.1/32\"]\n"
	d, p := ringing(t, ariUsers(), fmt.Sprintf("[dialplan]\nfile = %q\n", plan), harness.Trunk("line", harness.FreePort(t), more))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, fmt.Sprintf("ws://127.0.0.1:%d/ari/events?app=desk&subscribeAll=true&api_key=free:choose-one-1", d.srv.HTTP), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	var c *softphone.Call
	if c, err = p.Dial(ctx, fmt.Sprintf("sip:700@127.0.0.1:%d", d.srv.SIP)); err != nil {
		t.Fatal(err)
	}
	for starts := 0; ; {
		_, b, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("the channel does not end: %v", err)
		}
		var e struct {
			Type    string
			Channel struct{ ID, State string }
		}
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case "StasisStart":
			if starts++; starts > 1 {
				t.Error("the application got a channel that had hung up")
			}
			d.want(204, "free", "POST", "/channels/"+e.Channel.ID+"/answer")
			if err := c.WaitAnswered(ctx); err != nil {
				t.Fatal(err)
			}
			c.Hangup()
		case "ChannelDestroyed":
			d.want(404, "free", "GET", "/channels/"+e.Channel.ID)
			return
		}
	}
}
