package ami

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// TestRunBoth sends both parties of a Dial elsewhere, named in either order: none is hung
// up because of the other (observed: Asterisk 22.10, trace t3). The two programs are not
// in step, so it tries often.
func TestRunBoth(t *testing.T) {
	for i := range 100 {
		inOffice(t, nil, func(t *testing.T, o *office) {
			out := pbx.OutgoingOptions{Then: call.Then{Kind: call.ThenDialplan, Context: "default", Extension: "102"}}
			out.Endpoint = "PJSIP/alice"
			o.sw.Outgoing(t.Context(), out)
			time.Sleep(2 * time.Second) // of the bubble: bob has answered
			var pair [2]*pbx.Channel
			for n, sn := range o.sw.Channels() {
				pair[n], _ = o.sw.Channel(sn.ID)
				if sn.Bridge == "" {
					t.Fatal("they are not in a bridge")
				}
			}
			var to [2]pbx.Handler
			for n, exten := range [2]string{"777", "778"} {
				var err error
				if to[n], err = o.sw.Follow("", call.Then{Kind: call.ThenDialplan, Context: "xfer", Extension: exten}); err != nil {
					t.Fatal(err)
				}
			}
			first := i % 2
			if err := pbx.RunBoth(pair[first], to[0], pair[1-first], to[1]); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			for n, exten := range [2]string{"777", "778"} {
				if sn := pair[(first+n)%2].Snapshot(); sn.HungUp || sn.Extension != exten || sn.App != "Wait" || sn.Bridge != "" {
					t.Fatalf("%d: %s is at %s, %s, in %q, hung up %v", i, sn.Name, sn.Extension, sn.App, sn.Bridge, sn.HungUp)
				}
			}
			if pair[0].Succeeded() || pair[1].Succeeded() {
				t.Error("one still has a successor")
			}
		})
	}
	inOffice(t, nil, func(t *testing.T, o *office) { // one without a handler, one that has gone
		ended := pbx.HandlerFunc(func(context.Context, *pbx.Channel) {})
		a, err := o.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: "PJSIP/alice"})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := o.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: "PJSIP/bob"})
		b.Hangup(0)
		<-b.Gone()
		if err := pbx.RunBoth(a, ended, b, ended); err == nil {
			t.Error("a channel that has gone was given away")
		}
		<-a.Gone()
	})
}
