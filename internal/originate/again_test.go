package originate_test

import (
	"context"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// A prefix denied after admission stops the next attempt before it is dialled.
func TestAttemptsAreJudgedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inForce atomic.Pointer[originate.Policy]
		placed := 0
		v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
			placed++
			return outcome(a, call.Busy)
		}), func(o *originate.Options, p *originate.Policy) {
			inForce.Store(p)
			o.Policy = inForce.Load
		})
		c := v.submit(func(r *call.Request) { r.Retry.Max, r.Retry.Wait = 3, time.Minute })
		synctest.Wait()
		stricter := *inForce.Load()
		stricter.Accounts = maps.Clone(stricter.Accounts)
		stricter.Accounts["sales"] = originate.Account{Deny: []string{"+4930"}}
		inForce.Store(&stricter)
		pass(2 * time.Minute)
		synctest.Wait()
		got, err := v.Get(t.Context(), c.ID)
		if err != nil || placed != 1 || !got.State.Done() || !strings.Contains(got.Reason, "deny +4930") {
			t.Errorf("%d placed, %+v, %v", placed, got, err)
		}
	})
}
