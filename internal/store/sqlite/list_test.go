package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// A page is read in its order from an index and ends with its limit, whatever the filter:
// nothing is gathered and sorted first but a batch.
func TestListsFollowAnIndex(t *testing.T) {
	s := open1(t, Options{})
	for name, c := range map[string]struct {
		f       originate.Filter
		index   string
		gathers bool
	}{
		"all":         {originate.Filter{}, "call_created", false},
		"oldest":      {originate.Filter{Oldest: true}, "call_created", false},
		"number":      {originate.Filter{Number: "30"}, "call_created", false},
		"principal":   {originate.Filter{Principal: "mia"}, "call_created", false},
		"disposition": {originate.Filter{Disposition: call.Busy}, "call_created", false},
		"ended":       {originate.Filter{States: []call.State{call.Ended}}, "call_created", false},
		"open":        {originate.Filter{States: []call.State{call.Queued}}, "call_open", false},
		"account":     {originate.Filter{Account: "sales", Number: "30"}, "call_account", false},
		"window":      {originate.Filter{From: time.Unix(1, 0), To: time.Unix(2, 0)}, "call_created", false},
		"batch":       {originate.Filter{Batch: "b"}, "call_batch", true},
	} {
		query, args, _, err := callQuery(c.f)
		if err != nil {
			t.Fatal(err)
		}
		plan := explainWith(t, s, query, append(args, 101))
		if !strings.Contains(plan, "INDEX "+c.index) {
			t.Errorf("%s does not use %s:\n%s", name, c.index, plan)
		}
		if strings.Contains(plan, "USE TEMP B-TREE FOR ORDER BY") != c.gathers {
			t.Errorf("%s: gathers is not %v:\n%s", name, c.gathers, plan)
		}
	}
}
