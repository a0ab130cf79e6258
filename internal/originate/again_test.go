package originate_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// A prefix denied after admission stops the next attempt before it is dialled.
func TestAttemptsAreJudgedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		placed := 0
		v := setup(t, placer(func(_ context.Context, a call.Attempt, _ func(call.Event)) call.Outcome {
			placed++
			return outcome(a, call.Busy)
		}), nil)
		c := v.submit(func(r *call.Request) { r.Retry.Max, r.Retry.Wait = 3, time.Minute })
		synctest.Wait()
		v.policy.Accounts["sales"] = originate.Account{Deny: []string{"+4930"}}
		pass(2 * time.Minute)
		synctest.Wait()
		got, err := v.Get(t.Context(), c.ID)
		if err != nil || placed != 1 || !got.State.Done() || !strings.Contains(got.Reason, "deny +4930") {
			t.Errorf("%d placed, %+v, %v", placed, got, err)
		}
	})
}
