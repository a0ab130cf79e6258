package sip

import (
	"runtime"
	"sync"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// TestNothingIsLeftAfterManyCalls makes 200 calls, 20 at once: answered and
// hung up by either side, refused, and cancelled.
func TestNothingIsLeftAfterManyCalls(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	before := runtime.NumGoroutine()
	provider.obeys()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for n := range 10 {
				kind := []string{"bye", "busy", "ring", "talk"}[(i+n)%4]
				reached := make(chan struct{}, 8)
				c, err := s.sw.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{
					Endpoint: call.Endpoint("PJSIP/" + kind + "@carrier"), Watch: func(e *pbx.Event) {
						if e.Type == pbx.ChannelStateChange && (e.Channel.State == pbx.Ringing || e.Channel.State == pbx.Up) {
							reached <- struct{}{}
						}
					},
				}})
				if err != nil {
					t.Error(err)
					return
				}
				if kind == "ring" || kind == "talk" {
					receive(t, kind, reached)
					c.Hangup(cause.NormalClearing)
				}
				r := s.ended(c)
				if want := map[string]cause.Code{"busy": cause.UserBusy}[kind]; want != 0 && r.Cause != want {
					t.Errorf("%s: %+v", kind, r)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "all legs gone", func() bool { return s.tech.Stats().Legs == 0 })
	eventually(t, "all ports given back", func() bool { return s.media.Stats().PairsUsed == 0 })
	eventually(t, "goroutines gone", func() bool { return runtime.NumGoroutine() <= before+10 })
	if st := s.tech.Stats(); st.Panics != 0 {
		t.Errorf("%+v", st)
	}
	if got := s.tech.DeviceState("carrier"); got != pbx.DeviceNotInUse {
		t.Errorf("device state %s", got)
	}
}
