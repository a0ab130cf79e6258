package originate_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// A full disk under the store: Submit is refused, calls that run end when there
// is room again, those that wait are dialled then, and none is lost.
func TestFullDiskLosesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF", MaxPages: 150})
		if err != nil {
			t.Fatal(err)
		}
		v := setupOn(t, store, answering(time.Minute), func(_ *originate.Options, p *originate.Policy) {
			p.Limits["trunk:x"] = originate.Limits{Channels: 5}
		})
		filler := func(r *call.Request) {
			r.Variables = []call.Variable{{Name: "fill", Value: strings.Repeat("x", 3000)}}
		}
		accepted := 0
		for {
			_, _, err := v.Submit(t.Context(), request(filler))
			if err != nil {
				r := refused(t, err, originate.RefusedStore)
				if r.RetryAfter <= 0 {
					t.Errorf("refusal: %+v", r)
				}
				break
			}
			accepted++
		}
		pass(10 * time.Minute) // in the bubble: ends and claims meet the full disk
		s, err := v.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Ready(); err == nil {
			t.Error("ready with the disk full")
		}
		if s.StoreErrors == 0 || s.Live == 0 || s.Live+s.Queued > accepted {
			t.Errorf("with the disk full: %+v", s)
		}
		if err := store.SetMaxPages(t.Context(), 100_000); err != nil {
			t.Fatal(err)
		}
		v.untilAllDone(accepted)
		pass(time.Minute)
		if err := v.Ready(); err != nil {
			t.Errorf("with room again: %v", err)
		}
		list, _, err := v.List(t.Context(), originate.Filter{Limit: 1000})
		if err != nil || len(list) != accepted {
			t.Errorf("%d calls, %d were accepted, %v", len(list), accepted, err)
		}
		for _, c := range list {
			if c.State != call.Ended || c.Attempts != 1 || c.Last.Disposition != call.Answered {
				t.Errorf("call: %+v", c)
			}
		}
	})
}
