package ari

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// An application's socket dies again and again while 500 calls begin and end. With its
// cursor it hears of each call all that there is, once and in order.
func TestCrashInTheMiddleOfManyCalls(t *testing.T) {
	const calls = 500
	w := newWeb(t, nil)
	open := func(cursor string) *wsClient {
		return openSocket(t, http.DefaultClient, "ws://"+w.addr+"/ari/events?app=many&cursor="+cursor)
	}
	var cursor string
	heard := map[string][]string{} // types by channel
	ended := 0
	take := func(m map[string]any) {
		cursor = m["cursor"].(string)
		c, _ := m["channel"].(map[string]any)
		id, _ := c["id"].(string)
		switch kind := m["type"].(string); kind {
		case "ApplicationResync":
			t.Fatal(m)
		case "StasisStart", "StasisEnd", "ChannelHangupRequest", "ChannelDestroyed":
			heard[id] = append(heard[id], kind)
			if kind == "ChannelDestroyed" {
				ended++
			}
		}
	}
	c := open("")
	for i := range calls {
		w.want("POST", "/channels", fmt.Sprintf("endpoint=PJSIP/answer0@callee&app=many&channelId=m%d", i), http.StatusOK, "")
	}
	for started := 0; started < calls; {
		m := c.next()
		take(m)
		if m["type"] == "StasisStart" {
			started++
		}
	}
	var all sync.WaitGroup
	for part := range 10 {
		all.Go(func() {
			for i := part; i < calls; i += 10 {
				w.want("DELETE", fmt.Sprintf("/channels/m%d", i), "", http.StatusNoContent, "")
			}
		})
	}
	sockets := 1
	for ended < calls {
		for range 1 + rand.IntN(200) {
			if take(c.next()); ended == calls {
				break
			}
		}
		_ = c.CloseNow() // what was sent and not read is lost
		c = open(cursor)
		sockets++
	}
	all.Wait()
	for i := range calls {
		if got := strings.Join(heard[fmt.Sprintf("m%d", i)], " "); got != "StasisStart ChannelHangupRequest StasisEnd ChannelDestroyed" {
			t.Errorf("call %d: %s", i, got)
		}
	}
	t.Logf("%d sockets", sockets)
}
