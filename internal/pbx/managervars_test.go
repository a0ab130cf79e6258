package pbx_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// What managers are shown is in the snapshots beside what ARI is shown, from creation on,
// as it was at each event.
func TestShowToManagers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		s.ShowVariables([]string{"BOTH", "ARI"})
		s.ShowToManagers([]string{"BOTH", "AMI"})
		c := create(t, s, "Pretend/100", &eventLog{}, func(o *pbx.CreateOptions) { o.Variables = []call.Variable{{Name: "__AMI", Value: "1"}} })
		for _, step := range []struct {
			name, value string
			ari, ami    []pbx.Reported
		}{
			{"OTHER", "1", nil, []pbx.Reported{{Name: "AMI", Value: "1"}}},
			{"ARI", "2", []pbx.Reported{{Name: "ARI", Value: "2"}}, []pbx.Reported{{Name: "AMI", Value: "1"}}},
			{"_AMI", "3", []pbx.Reported{{Name: "ARI", Value: "2"}}, []pbx.Reported{{Name: "AMI", Value: "3"}}},
			{"BOTH", "4", []pbx.Reported{{Name: "ARI", Value: "2"}, {Name: "BOTH", Value: "4"}}, []pbx.Reported{{Name: "AMI", Value: "3"}, {Name: "BOTH", Value: "4"}}},
		} {
			if err := c.SetVariable(step.name, step.value); err != nil {
				t.Fatal(err)
			}
			sn := c.Snapshot()
			if d := cmp.Diff(step.ari, sn.Variables) + cmp.Diff(step.ami, sn.ManagerVars); d != "" {
				t.Errorf("%s: %s", step.name, d)
			}
		}
		if err := c.UnsetVariable("BOTH"); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]pbx.Reported{{Name: "AMI", Value: "3"}}, c.Snapshot().ManagerVars); d != "" {
			t.Error(d)
		}
		c.Hangup(16)
	})
}
